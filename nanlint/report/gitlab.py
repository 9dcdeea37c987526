"""The `gitlab` format: Code Quality, a subset of Code Climate's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from nanlint.diagnostic import Diagnostic, Severity
from nanlint.report.json_text import json_text
from nanlint.report.run import Run
from nanlint.report.style import Style
from nanlint.source import Span

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    issues = [_issue(run, one, mark) for one, mark in zip(run.found, run.fingerprints, strict=True)]
    yield json_text(issues, 2)


def _issue(run: Run, one: Diagnostic, mark: str) -> dict[str, Any]:
    path = run.path(one.filename)
    return {
        "type": "issue",
        "check_name": one.code,
        "description": f"{one.name}: {run.cell(one.filename, one.span)}{one.message}",
        "categories": ["Bug Risk"],
        "severity": _SEVERITIES[one.severity],
        # one for each issue of a report
        "fingerprint": hashlib.sha256(f"{path}\0{mark}".encode(errors="replace")).hexdigest()[:32],
        "location": _location(path, run.in_file(one.filename, one.span)),
        "other_locations": [
            _location(run.path(file), run.in_file(file, related.span))
            for related in one.related
            for file in [run.related_file(one, related)]
        ],
    }


def _location(path: str, span: Span) -> dict[str, Any]:
    return {
        "path": path,
        "positions": {
            "begin": {"line": span.start_line, "column": span.start_column},
            "end": {"line": span.end_line, "column": span.end_column},
        },
        "lines": {"begin": span.start_line, "end": span.end_line},
    }
