"""The harness itself: each way in which an example can be wrong must be noticed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from nanlint.cards import read_card
from nanlint.diagnostic import Diagnostic, Evidence, Severity
from nanlint.fix import Applicability, Edit, Fix
from nanlint.source import Source, Span
from nanlint.testing import Lint, read_marks, run_card, run_fixture, updated_card, updated_fixture


def _fake(new: str = "good", severity: Severity = Severity.ERROR) -> Lint:
    """A linter that reports every `bad` and would write `new` instead."""

    def lint(source: Source) -> Sequence[Diagnostic]:
        found = []
        for number, line in enumerate(source.text.split("\n"), start=1):
            if (at := line.find("bad")) >= 0:
                span = Span(number, at + 1, number, at + 4)
                fix = Fix(Applicability.SAFE, "mend", (Edit(span, new),))
                found.append(
                    Diagnostic("NAN101", "x", "this is bad", source.filename, span, severity, Evidence.CERTAIN, fix=fix)
                )
        return found

    return lint


def _failures(tmp_path: Path, text: str, lint: Lint | None = None) -> list[str]:
    path = tmp_path / "case.py"
    path.write_text(text, encoding="utf-8")
    return [failure.message for failure in run_fixture(path, lint or _fake())]


def test_marks_are_taken_off() -> None:
    marked = read_marks('a = 1  # error: NAN101 "may be"; NAN111  # todo: NAN121\nb = 2  # info: nothing\n')
    assert marked.code == "a = 1\nb = 2  # info: nothing\n"
    assert [str(one) for one in marked.expectations] == ['error: NAN101 "may be"', "error: NAN111", "todo: NAN121"]
    assert read_marks("f(x)  # revealed: [0, 1]; {2}\n").revealed == ((1, "[0, 1]"), (1, "{2}"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('x = bad  # error: NAN101 "is bad"\n', None),
        ("x = 1  # ok: nothing to see\n", None),
        ("x = bad\n", "not expected"),
        ("x = 1  # error: NAN101\n", "not found"),
        ("x = bad  # warning: NAN101\n", "expected warning"),
        ('x = bad  # error: NAN101 "is good"\n', 'found error: NAN101 "this is bad"'),
        ("x = bad  # todo: NAN101\n", "replace the todo mark"),
        ("x = 1  # todo: NAN101\n", None),
        ("x = bad  # error: NAN101\n# output\nx = good\n", None),
        ("x = bad  # error: NAN101\n# output\nx = best\n", "expected `x = best`, got `x = good`"),
    ],
)
def test_a_fixture(tmp_path: Path, text: str, complaint: str | None) -> None:
    failures = _failures(tmp_path, text)
    assert failures == [] if complaint is None else complaint in failures[0]


def test_a_repair_that_does_not_repair(tmp_path: Path) -> None:
    text = "x = bad  # error: NAN101\n"
    assert "does not silence" in _failures(tmp_path, text, _fake("bad + 0"))[0]
    assert "breaks the syntax" in _failures(tmp_path, text, _fake("("))[0]


CARD = """# Bad words

```toml
operations = ["log"]
message = "{operand}"
```

## Bad

```python
x = bad  # error: NAN101 "bad"
```

## Good

```python
x = 1
```

## Fix safety

Safe: nothing changes.
"""


def test_a_card(tmp_path: Path) -> None:
    path = tmp_path / "NAN101-x.md"
    path.write_text(CARD, encoding="utf-8")
    assert "the repair differs" in run_card(read_card(path), _fake())[0].message
    path.write_text(updated_card(read_card(path), _fake()), encoding="utf-8")
    card = read_card(path)
    assert card.fixable
    assert "```python fixed\nx = good\n```" in card.text
    assert run_card(card, _fake()) == []
    assert updated_card(card, _fake()) == card.text


def test_a_card_that_promises_another_safety(tmp_path: Path) -> None:
    path = tmp_path / "NAN101-x.md"
    path.write_text(CARD.replace("Safe: ", "Unsafe: "), encoding="utf-8")
    path.write_text(updated_card(read_card(path), _fake()), encoding="utf-8")
    assert "says unsafe, the repair says safe" in run_card(read_card(path), _fake())[0].message


def test_update_rewrites_words_but_never_which_lines(tmp_path: Path) -> None:
    path = tmp_path / "case.py"
    path.write_text("x = bad  # error: NAN101\ny = bad\nz = 1  # error: NAN101\n", encoding="utf-8")
    text = updated_fixture(path, _fake(severity=Severity.INFO))
    assert text == "x = bad  # info: NAN101\ny = bad\nz = 1  # error: NAN101\n"
