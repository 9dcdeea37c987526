"""The `github` format: workflow commands that GitHub Actions shows beside the code."""

from __future__ import annotations

from collections.abc import Iterator

from nanlint.diagnostic import Severity
from nanlint.report.concise import concise
from nanlint.report.run import Run
from nanlint.report.style import Style, displayed

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
# as in GitHub's own toolkit
_IN_TEXT = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    for one in run.found:
        span = run.in_file(one.filename, one.span)
        properties = {
            "title": f"{one.code} {one.name}",
            "file": displayed(run.path(one.filename)),
            "line": str(span.start_line),
            "col": str(span.start_column),
            "endLine": str(span.end_line),
            "endColumn": str(span.end_column),
        }
        written = ",".join(f"{name}={value.translate(_IN_PROPERTY)}" for name, value in properties.items())
        # the log shows the text only
        text = next(concise(run, [one], Style())).translate(_IN_TEXT)
        yield f"::{_LEVELS[one.severity]} {written}::{text}"
