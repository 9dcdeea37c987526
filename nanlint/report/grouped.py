"""The `grouped` format: the findings of each file under its name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from nanlint.report.concise import star
from nanlint.report.run import Run
from nanlint.report.style import Style, displayed


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    for filename, group in groupby(run.found, key=lambda one: one.filename):
        found = list(group)
        places = [run.place_in(one.filename, one.span) for one in found]
        width = max(map(len, places))
        severities = max(len(one.severity) for one in found)
        yield style("bold", displayed(filename))
        for one, place in zip(found, places, strict=True):
            severity = style(one.severity, f"{one.severity:<{severities}}")
            where = style("gutter", f"{place:>{width}}")
            code = style.link(one.code, run.url(one))
            yield f"  {where}  {severity}  {code} {one.name}: {star(one)}{displayed(one.message)}"
        yield ""
