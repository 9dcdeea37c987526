"""The formats for programs, the counts, and the diff."""

import json

import jsonschema
import pytest

from nanlint.cards import load_cards
from nanlint.diagnostic import Diagnostic, Evidence, Related, Severity
from nanlint.fix import Applicability, Edit, Fix
from nanlint.report.concise import concise
from nanlint.report.diff import unified_diff
from nanlint.report.rules import rules_as_json, rules_as_text
from nanlint.report.run import Run, report
from nanlint.report.statistics import statistics, summary
from nanlint.report.style import Style
from nanlint.source import Source, Span

SAFE = Fix(Applicability.SAFE, "use `log_softmax`", (Edit(Span(1, 5, 1, 11), "q"),))
UNSAFE = Fix(Applicability.UNSAFE, "clamp", ())


def one(code="NAN102", name="log-of-softmax", *, file="a.py", severity=Severity.ERROR, **more):
    return Diagnostic(code, name, "log of `p`", file, Span(1, 5, 2, 3), severity, Evidence.POSSIBLE, **more)


FOUND = [
    one(fix=SAFE, related=(Related(Span(1, 1, 1, 2), "a softmax"), Related(Span(3, 1, 3, 2), "there", "b.py"))),
    one("NAN101", "log-of-zero", severity=Severity.WARNING, fix=UNSAFE, noqa_line=7),
    one(file="b.py"),
]


def test_concise():
    assert list(concise(Run(FOUND), FOUND, Style())) == [
        "a.py:1:5: NAN102 [*] log of `p`",
        "a.py:1:5: NAN101 log of `p`",
        "b.py:1:5: NAN102 log of `p`",
    ]


PLACE = {
    "type": "object",
    "properties": {"row": {"type": "integer", "minimum": 1}, "column": {"type": "integer", "minimum": 1}},
    "required": ["row", "column"],
    "additionalProperties": False,
}


def _object(**properties):
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


TEXT = {"type": "string"}
SCHEMA = {
    "type": "array",
    "items": _object(
        code=TEXT,
        name=TEXT,
        severity={"enum": ["error", "warning", "info"]},
        evidence={"enum": ["certain", "possible", "unknown"]},
        message=TEXT,
        filename=TEXT,
        location=PLACE,
        end_location=PLACE,
        related={"type": "array", "items": _object(filename=TEXT, location=PLACE, end_location=PLACE, message=TEXT)},
        fix={
            "anyOf": [
                {"type": "null"},
                _object(
                    applicability={"enum": ["safe", "unsafe", "display-only"]},
                    message=TEXT,
                    edits={"type": "array", "items": _object(content=TEXT, location=PLACE, end_location=PLACE)},
                ),
            ]
        },
        url={"type": ["string", "null"]},
        cell={"type": ["integer", "null"]},
        noqa_row={"type": "integer"},
    ),
}


def test_json():
    (card,) = (card for card in load_cards() if card.code == "NAN102")
    data = json.loads("\n".join(report("json", Run(FOUND, cards=[card]), Style())))
    jsonschema.validate(data, SCHEMA)
    assert data[0]["fix"]["edits"] == [
        {"content": "q", "location": {"row": 1, "column": 5}, "end_location": {"row": 1, "column": 11}}
    ]
    assert [related["filename"] for related in data[0]["related"]] == ["a.py", "b.py"]
    assert [entry["url"] for entry in data] == [card.url, None, card.url]
    assert [entry["noqa_row"] for entry in data] == [2, 7, 2]


def test_json_of_nothing():
    assert json.loads("\n".join(report("json", Run([]), Style()))) == []


def test_statistics():
    assert list(statistics(FOUND)) == ["2  NAN102  [*]  log-of-softmax", "1  NAN101  [ ]  log-of-zero"]
    assert list(statistics([])) == []


@pytest.mark.parametrize(
    ("found", "files", "fixed", "expected"),
    [
        (FOUND, 2, 0, "Found 2 errors, 1 warning in 2 files (1 fixable with --fix, 1 with --fix --unsafe-fixes)."),
        ([one(fix=UNSAFE)], 1, 0, "Found 1 error in 1 file (1 fixable with --fix --unsafe-fixes)."),
        ([one(severity=Severity.INFO)], 3, 2, "Fixed 2 findings. Found 1 note in 1 file."),
        ([], 3, 0, "All checks passed (3 files)."),
        ([], 1, 1, "Fixed 1 finding. All checks passed (1 file)."),
        ([], 0, 0, "No Python files found."),
    ],
)
def test_summary(found, files, fixed, expected):
    assert summary(found, files=files, fixed=fixed) == expected


def test_diff():
    assert list(unified_diff(Source("d/a.py", "a\nb\nc\n"), "a\nB\nc\n", Style())) == [
        "--- a/d/a.py", "+++ b/d/a.py", "@@ -1,3 +1,3 @@", " a", "-b", "+B", " c",
    ]  # fmt: skip


def test_diff_without_a_last_newline():
    assert list(unified_diff(Source("a.py", "a"), "b", Style()))[3:] == [
        "-a", "\\ No newline at end of file", "+b", "\\ No newline at end of file",
    ]  # fmt: skip


def test_rules():
    cards = load_cards()
    table = rules_as_text(cards).split("\n")
    assert len(table) == len(cards)
    assert all(card.code in line and card.name in line for card, line in zip(cards, table, strict=True))
    assert rules_as_text(cards[:1]).endswith(cards[0].text.strip())
    data = json.loads(rules_as_json(cards))
    assert [entry["code"] for entry in data] == [card.code for card in cards]
    assert all(entry["sections"]["What it does"] for entry in data)
