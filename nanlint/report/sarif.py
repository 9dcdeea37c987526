"""The `sarif` format: SARIF 2.1.0, for GitHub code scanning and for editors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nanlint.cards import Card
from nanlint.diagnostic import Diagnostic, Evidence, Severity
from nanlint.fix import Fix
from nanlint.report.json_text import json_text
from nanlint.report.run import HOME, Run, version
from nanlint.report.style import Style
from nanlint.source import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
# words of GitHub's code scanning
_PRECISION = {Evidence.CERTAIN: "very-high", Evidence.POSSIBLE: "high", Evidence.UNKNOWN: "low"}
_PROBLEM = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    named = sorted({one.code for one in run.found})
    places = {code: index for index, code in enumerate(named)}
    names = {one.code: one.name for one in run.found}
    results = [_result(run, one, mark, places) for one, mark in zip(run.found, run.fingerprints, strict=True)]
    driver = {
        "name": "nanlint",
        "informationUri": HOME,
        "semanticVersion": version(),
        "rules": [_rule(code, names[code], run.rules.get(code)) for code in named],
    }
    document = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                # where the root is on this machine is nobody's business: the report is the same everywhere
                "originalUriBaseIds": {ROOT: {"description": {"text": "the root of the repository"}}},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": not run.problems,
                        "toolExecutionNotifications": [
                            {"level": "error", "message": {"text": _plain(problem)}} for problem in run.problems
                        ],
                    }
                ],
                "results": results,
            }
        ],
    }
    yield json_text(document, 2)


def _rule(code: str, name: str, card: Card | None) -> dict[str, Any]:
    if card is None:
        return {"id": code, "name": name}
    told = [f"## {heading}\n\n{text}" for heading, text in card.sections.items()]
    return {
        "id": code,
        "name": name,
        "shortDescription": {"text": card.title},
        "fullDescription": {"text": card.summary},
        "help": {"text": card.summary, "markdown": "\n\n".join([f"# {card.title}", *told])},
        "helpUri": card.url,
        "defaultConfiguration": {"enabled": card.default, "level": _LEVELS[card.severity]},
        "properties": {
            "tags": ["correctness", "numerics"],
            "precision": _PRECISION[card.report],
            "problem.severity": _PROBLEM[card.severity],
        },
    }


def _result(run: Run, one: Diagnostic, mark: str, places: dict[str, int]) -> dict[str, Any]:
    related = [
        {
            "id": number,
            "message": {"text": _plain(place.message)},
            **_location(run, run.related_file(one, place), place.span),
        }
        for number, place in enumerate(one.related, start=1)
    ]
    return {
        "ruleId": one.code,
        "ruleIndex": places[one.code],
        "level": _LEVELS[one.severity],
        "message": {"text": _plain(f"{run.cell(one.filename, one.span)}{one.message}")},
        "locations": [_location(run, one.filename, one.span)],
        "relatedLocations": related,
        # the first is the one that GitHub looks at
        "partialFingerprints": {"primaryLocationLineHash": mark, "nanlintStatement/v1": mark},
        **({} if one.fix is None or not one.fix.edits else {"fixes": [_fix(run, one.filename, one.fix)]}),
        "properties": {
            "severity": str(one.severity),
            "evidence": one.evidence.label,
            **({} if one.cell is None else {"cell": one.cell}),
        },
    }


def _fix(run: Run, filename: str, fix: Fix) -> dict[str, Any]:
    return {
        "description": {"text": fix.message},
        "artifactChanges": [
            {
                "artifactLocation": _artifact(run, filename),
                "replacements": [
                    {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.content}}
                    for edit in (run.edit_in_file(filename, edit) for edit in fix.edits)
                ],
            }
        ],
        "properties": {"applicability": str(fix.applicability)},
    }


def _location(run: Run, filename: str, span: Span) -> dict[str, Any]:
    region = _region(run.in_file(filename, span))
    place: dict[str, Any] = {"physicalLocation": {"artifactLocation": _artifact(run, filename), "region": region}}
    if cell := run.cell(filename, span):
        place["logicalLocations"] = [{"name": cell.removesuffix(": "), "kind": "module"}]
    return place


def _plain(text: str) -> str:
    """`[words](1)` would be a link."""
    return text.replace("](", "] (")


def _artifact(run: Run, filename: str) -> dict[str, Any]:
    uri = run.uri(filename)
    return {"uri": uri} if uri.startswith("file:") else {"uri": uri, "uriBaseId": ROOT}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.start_line,
        "startColumn": span.start_column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
