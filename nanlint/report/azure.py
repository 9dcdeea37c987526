"""The `azure` format: logging commands that Azure Pipelines shows beside the code."""

from __future__ import annotations

from collections.abc import Iterator

from nanlint.diagnostic import Severity
from nanlint.report.run import Run
from nanlint.report.style import Style, displayed

# there is nothing weaker than a warning
_TYPES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "warning"}
_ESCAPES = str.maketrans({"%": "%AZP25", ";": "%3B", "\r": "%0D", "\n": "%0A", "]": "%5D"})


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    for one in run.found:
        span = run.in_file(one.filename, one.span)
        properties = {
            "type": _TYPES[one.severity],
            "sourcepath": displayed(run.path(one.filename)),
            "linenumber": str(span.start_line),
            "columnnumber": str(span.start_column),
            "code": one.code,
        }
        written = "".join(f"{name}={value.translate(_ESCAPES)};" for name, value in properties.items())
        said = f"{one.name}: {run.cell(one.filename, one.span)}{displayed(one.message)}"
        yield f"##vso[task.logissue {written}]{said.translate(_ESCAPES)}"
