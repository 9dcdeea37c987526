"""The `json` format: an array with the fields of ruff's, and what nanlint knows beyond them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nanlint.diagnostic import Diagnostic
from nanlint.fix import Fix
from nanlint.report.json_text import json_text
from nanlint.report.run import Run
from nanlint.report.style import Style
from nanlint.source import Span


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    yield json_text([as_json(run, one) for one in run.found], 2)


def as_json(run: Run, one: Diagnostic) -> dict[str, Any]:
    """One finding. Rows and columns count from 1, in characters; end columns are exclusive."""
    last = one.span.end_line if one.noqa_line is None else one.noqa_line
    return {
        "code": one.code,
        "name": one.name,
        "severity": str(one.severity),
        "evidence": one.evidence.label,
        "message": one.message,
        "filename": one.filename,
        **_range(run, one.filename, one.span),
        "related": [
            {
                "filename": (file := run.related_file(one, related)),
                **_range(run, file, related.span),
                "message": related.message,
                **_cell(run, file, related.span),
            }
            for related in one.related
        ],
        "fix": None if one.fix is None else _fix(run, one.filename, one.fix),
        "url": run.url(one),
        "cell": one.cell,
        "noqa_row": run.in_cell(one.filename, one.span._replace(end_line=last)).end_line,
    }


def _fix(run: Run, filename: str, fix: Fix) -> dict[str, Any]:
    edits = [
        {"content": edit.content, **_range(run, filename, edit.span), **_cell(run, filename, edit.span)}
        for edit in fix.edits
    ]
    return {"applicability": str(fix.applicability), "message": fix.message, "edits": edits}


def _cell(run: Run, filename: str, span: Span) -> dict[str, int]:
    """A repair, and what explains a finding, may stand in another cell."""
    source = run.sources.get(filename)
    cell = None if source is None else source.cell_of(span.start_line)
    return {} if cell is None else {"cell": cell}


def _range(run: Run, filename: str, span: Span) -> dict[str, dict[str, int]]:
    span = run.in_cell(filename, span)
    return {
        "location": {"row": span.start_line, "column": span.start_column},
        "end_location": {"row": span.end_line, "column": span.end_column},
    }
