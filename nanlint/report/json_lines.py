"""The `json-lines` format: the objects of `json`, one on each line, so that a reader can begin with the first."""

from __future__ import annotations

import json
from collections.abc import Iterator

from nanlint.report.json import as_json
from nanlint.report.run import Run
from nanlint.report.style import Style


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    for one in run.found:
        yield json.dumps(as_json(run, one), ensure_ascii=False)
