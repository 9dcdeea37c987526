"""The `pylint` format: what pylint calls parseable, which many tools read."""

from __future__ import annotations

from collections.abc import Iterator

from nanlint.report.run import Run
from nanlint.report.style import Style, displayed


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    for one in run.found:
        # behind the comma pylint names the function
        line = run.in_file(one.filename, one.span).start_line
        said = f"{run.cell(one.filename, one.span)}{displayed(one.message)}"
        yield f"{displayed(one.filename)}:{line}: [{one.code}({one.name}), ] {said}"
