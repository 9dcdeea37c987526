"""The `rdjson` format: reviewdog, which turns repairs into suggestions to a pull request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nanlint.diagnostic import Diagnostic, Severity
from nanlint.report.json_text import json_text
from nanlint.report.run import HOME, Run
from nanlint.report.style import Style
from nanlint.source import Source, Span

_SEVERITIES = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.INFO: "INFO"}


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    document = {
        "source": {"name": "nanlint", "url": HOME},
        "diagnostics": [_diagnostic(run, one) for one in run.found],
    }
    yield json_text(document, 2)


def _diagnostic(run: Run, one: Diagnostic) -> dict[str, Any]:
    source = run.sources.get(one.filename)
    return {
        "message": f"{run.cell(one.filename, one.span)}{one.message}",
        "location": {"path": one.filename, "range": _range(run, one.filename, one.span)},
        "severity": _SEVERITIES[one.severity],
        "code": {"value": one.code, "url": run.url(one) or ""},
        "suggestions": [
            {"range": _placed(source, edit.span), "text": edit.content}
            for edit in (run.edit_in_file(one.filename, edit) for edit in (one.fix.edits if one.fix else ()))
        ],
        "relatedLocations": [
            {
                "message": related.message,
                "location": {
                    "path": (file := run.related_file(one, related)),
                    "range": _range(run, file, related.span),
                },
            }
            for related in one.related
        ],
    }


def _range(run: Run, filename: str, span: Span) -> dict[str, Any]:
    return _placed(run.sources.get(filename), run.in_file(filename, span))


def _placed(source: Source | None, span: Span) -> dict[str, Any]:
    """Columns count bytes here."""
    return {
        "start": {"line": span.start_line, "column": _bytes(source, span.start_line, span.start_column)},
        "end": {"line": span.end_line, "column": _bytes(source, span.end_line, span.end_column)},
    }


def _bytes(source: Source | None, line: int, column: int) -> int:
    return column if source is None else len(source.file.line_text(line)[: column - 1].encode(errors="replace")) + 1
