"""The `json-lines` format: the objects of `json`, one on each line, so that a reader can begin with the first."""

from __future__ import annotations

from collections.abc import Iterator

from nanlint.report.json import as_json
from nanlint.report.json_text import json_text
from nanlint.report.run import Run
from nanlint.report.style import Style


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    for one in run.found:
        yield json_text(as_json(run, one))
