"""The `json` format: an array with the fields of ruff's, and what nanlint knows beyond them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nanlint.diagnostic import Diagnostic
from nanlint.fix import Fix
from nanlint.report.run import Run
from nanlint.report.style import Style
from nanlint.source import Span


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    yield json_report(run.found, {card.code: card.url for card in run.cards})


def json_report(found: Iterable[Diagnostic], urls: Mapping[str, str]) -> str:
    """The whole document. `urls` maps a code to the page of its rule."""
    return json.dumps([as_json(one, urls.get(one.code)) for one in found], indent=2, ensure_ascii=False)


def as_json(one: Diagnostic, url: str | None) -> dict[str, Any]:
    """One finding. Rows and columns count from 1, in characters; end columns are exclusive."""
    return {
        "code": one.code,
        "name": one.name,
        "severity": str(one.severity),
        "evidence": one.evidence.label,
        "message": one.message,
        "filename": one.filename,
        **_range(one.span),
        "related": [
            {"filename": related.filename or one.filename, **_range(related.span), "message": related.message}
            for related in one.related
        ],
        "fix": None if one.fix is None else _fix(one.fix),
        "url": url,
        "cell": one.cell,
        "noqa_row": one.span.end_line if one.noqa_line is None else one.noqa_line,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [{"content": edit.content, **_range(edit.span)} for edit in fix.edits]
    return {"applicability": str(fix.applicability), "message": fix.message, "edits": edits}


def _range(span: Span) -> dict[str, dict[str, int]]:
    return {
        "location": {"row": span.start_line, "column": span.start_column},
        "end_location": {"row": span.end_line, "column": span.end_column},
    }
