"""Runs marked examples: the cards, our fixtures, and the cards of anyone who writes rules of his own.

A mark is a comment at the end of the line where a finding begins; it is taken off before the code is linted.

    # error: NAN101 "part of the message"   also `warning:` and `info:`; several are separated by `;`
    # todo: NAN101                          a known miss; fails as soon as it is found
    # revealed: [0, 1]                      the range of the `reveal_range(…)` on this line
    # ok: reason                            a silence worth keeping; findings are complete anyway

Whatever is found and not marked is a failure, and every repair must silence its own finding.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nanlint.analysis import reveal
from nanlint.cards import Card, Example, load_cards
from nanlint.config import Settings
from nanlint.diagnostic import Diagnostic
from nanlint.engine import lint_source
from nanlint.fix import Applicability, Fix, apply_fixes
from nanlint.source import Source

Lint = Callable[[Source], Sequence[Diagnostic]]

OUTPUT = "# output\n"  # between the two halves of a fixture that shows a repair

_ROUNDS = 10
_START = re.compile(r"[ \t]*#[ \t]*(?:revealed:|(?:error|warning|info|todo):[ \t]*[A-Z]{2,8}\d{3})")
_ITEM = re.compile(
    r'(?:#[ \t]*(?P<kind>error|warning|info|todo):|;)[ \t]*(?P<code>[A-Z]{2,8}\d{3,4})(?:[ \t]*"(?P<text>[^"]*)")?'
)
_REVEALED = re.compile(r"[ \t]*#[ \t]*revealed:[ \t]*(?P<ranges>[^\n#]*)")


@dataclass(frozen=True, slots=True)
class Expectation:
    """One marked finding. `kind` is a severity or "todo"."""

    line: int
    kind: str
    code: str
    text: str = ""

    def matches(self, found: Diagnostic) -> bool:
        return found.code == self.code and found.span.start_line == self.line

    def __str__(self) -> str:
        return f'{self.kind}: {self.code} "{self.text}"' if self.text else f"{self.kind}: {self.code}"


@dataclass(frozen=True, slots=True)
class Failure:
    """One way in which an example does not say what is true."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Marked:
    """Code without its marks, and what the marks say."""

    code: str
    expectations: tuple[Expectation, ...]
    revealed: tuple[tuple[int, str], ...]


def default_lint(cards: Sequence[Card], also: Sequence[str] = ()) -> Lint:
    """The linter as a user without configuration runs it, with these cards; `also` names rules that are off by
    default."""
    settings = Settings(extend_select=tuple(also))
    return lambda source: lint_source(source, cards, settings)


def lint_for(card: Card, cards: Sequence[Card]) -> Lint:
    """The linter as somebody runs it who wants to hear of this rule."""
    return default_lint(cards, () if card.default else (card.code,))


def read_marks(text: str) -> Marked:
    """Take the marks off a piece of code."""
    lines: list[str] = []
    expectations: list[Expectation] = []
    revealed: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        start = _START.search(line)
        lines.append(line[: start.start()] if start else line)
        if start is None:
            continue
        tail = line[start.start() :]
        kind = ""
        for item in _ITEM.finditer(tail):
            kind = item["kind"] or kind
            expectations.append(Expectation(number, kind, item["code"], item["text"] or ""))
        if shown := _REVEALED.match(tail):
            revealed += [(number, part.strip()) for part in shown["ranges"].split(";")]
    return Marked("\n".join(lines), tuple(expectations), tuple(revealed))


def run_folder(folder: Path) -> list[Failure]:
    """Run every card in a user's folder, together with nanlint's own: what `nanlint test-rules` does."""
    cards = load_cards((folder,))
    own = [card for card in cards if card.path.parent == folder]
    return [failure for card in own for failure in run_card(card, lint_for(card, cards))]


def run_card(card: Card, lint: Lint) -> list[Failure]:
    """Run all examples of a card, and see that it has what a card needs to be trusted."""
    failures = [failure for example in card.examples for failure in run_example(card, example, lint)]
    headings = {example.heading for example in card.examples}
    failures += [
        Failure(card.path, 1, f"no example under `## {heading}`")
        for heading in ("Bad", "Good")
        if heading not in headings
    ]
    return failures


def run_example(card: Card, example: Example, lint: Lint) -> list[Failure]:
    """Run one block: its findings, and where it is a Bad one, its repair."""
    marked = read_marks(example.code)
    source = Source(str(card.path), marked.code)
    found = lint(source)
    failures = compare(marked.expectations, found)
    expected = {expectation.code for expectation in marked.expectations if expectation.kind != "todo"}
    if example.heading == "Bad":
        if card.code not in expected:
            failures.append((1, f"a Bad example must have a line marked {card.code}"))
        failures += _compare_repair(example, _repaired(source, found, lint))
        failures += _check_safety(card, found)
    elif expected:
        failures.append((1, f"nothing may be reported under `## {example.heading}`"))
    failures += _check_fixes(source, found, lint)
    return [Failure(card.path, example.line + line - 1, message) for line, message in failures]


def run_fixture(path: Path, lint: Lint) -> list[Failure]:
    """Run one file of marked code; after a line `# output` it may show what the repairs make of it."""
    before, split, after = _halves(path)
    marked = read_marks(before)
    source = Source(str(path), marked.code)
    found = lint(source)
    failures = compare(marked.expectations, found) + _check_fixes(source, found, lint)
    if split and (repaired := _repaired(source, found, lint)) != after:
        failures.append(_first_difference(after, repaired, before.count("\n") + 1))
    return [Failure(path, line, message) for line, message in failures]


def run_flow(path: Path) -> list[Failure]:
    """Run one file of `reveal_range(…)` lines: the interpreter alone, without any rule."""
    marked = read_marks(path.read_text(encoding="utf-8"))
    want = _by_line(marked.revealed)
    got = _by_line([(shown.line, shown.text) for shown in reveal(Source(str(path), marked.code))])
    return [
        Failure(path, line, f"expected {_joined(want, line)}, revealed {_joined(got, line)}")
        for line in sorted(want.keys() | got.keys())
        if want.get(line) != got.get(line)
    ]


def updated_card(card: Card, lint: Lint) -> str:
    """The card's text with repaired blocks, severities and messages as they are now.

    Which lines are reported is never rewritten: a finding that comes or goes is for a person to judge.
    """
    text = card.text
    for example in reversed(card.examples):
        marked = read_marks(example.code)
        source = Source(str(card.path), marked.code)
        found = lint(source)
        repaired = _repaired(source, found, lint) if example.heading == "Bad" else marked.code
        fixed = f"```python fixed\n{repaired}```" if repaired != marked.code else ""
        if example.fixed_span is not None:
            start = text.rindex("```python fixed", 0, example.fixed_span[0])
            end = example.fixed_span[1] + len("```")
            text = text[:start] + fixed + text[end:] if fixed else text[:start].rstrip() + text[end:]
        elif fixed:
            end = example.span[1] + len("```")
            text = f"{text[:end]}\n\n{fixed}{text[end:]}"
        start, end = example.span
        text = text[:start] + _updated_marks(example.code, found) + text[end:]
    return text


def updated_fixture(path: Path, lint: Lint) -> str:
    """The fixture's text with its repaired half, severities and messages as they are now."""
    before, split, _ = _halves(path)
    source = Source(str(path), read_marks(before).code)
    found = lint(source)
    return _updated_marks(before, found) + (split + _repaired(source, found, lint) if split else "")


def updated_flow(path: Path) -> str:
    """The fixture's text with the ranges as they are revealed now."""
    text = path.read_text(encoding="utf-8")
    got = _by_line([(shown.line, shown.text) for shown in reveal(Source(str(path), read_marks(text).code))])
    lines = text.split("\n")
    for line in got:
        bare = _REVEALED.split(lines[line - 1])[0].rstrip()
        lines[line - 1] = f"{bare}  # revealed: {_joined(got, line)}"
    return "\n".join(lines)


def _halves(path: Path) -> tuple[str, str, str]:
    text = path.read_text(encoding="utf-8")
    if text.startswith(OUTPUT):
        return "", OUTPUT, text[len(OUTPUT) :]
    before, split, after = text.partition("\n" + OUTPUT)
    return (before + "\n", OUTPUT, after) if split else (text, "", "")


def compare(expectations: Sequence[Expectation], found: Sequence[Diagnostic]) -> list[tuple[int, str]]:
    """Every expectation must be met by one finding, and every finding be expected by one mark."""
    failures: list[tuple[int, str]] = []
    left = list(found)
    for expected in expectations:
        matching = [one for one in left if expected.matches(one)]
        # of several on the line, the one that also says the expected words
        match = next((one for one in matching if expected.text in one.message), matching[0] if matching else None)
        if match is not None:
            left.remove(match)
        if expected.kind == "todo":
            if match is not None:
                failures.append((expected.line, f"{expected.code} is found now: replace the todo mark"))
        elif match is None:
            failures.append((expected.line, f"not found: {expected}"))
        elif match.severity != expected.kind or expected.text not in match.message:
            failures.append((expected.line, f"expected {expected}, found {_described(match)}"))
    failures += [(one.span.start_line, f"not expected: {_described(one)}") for one in left]
    return failures


def _described(found: Diagnostic) -> str:
    return f'{found.severity}: {found.code} "{found.message}"'


def _applicable(found: Sequence[Diagnostic]) -> list[Fix]:
    return [one.fix for one in found if one.fix is not None and one.fix.applicability is not Applicability.DISPLAY]


def _repaired(source: Source, found: Sequence[Diagnostic], lint: Lint) -> str:
    """The text after `--fix --unsafe-fixes`."""
    for _ in range(_ROUNDS):
        text, applied = apply_fixes(source, _applicable(found))
        if not applied:
            break
        source = Source(source.filename, text)
        found = lint(source)
    return source.text


def _check_fixes(source: Source, found: Sequence[Diagnostic], lint: Lint) -> list[tuple[int, str]]:
    """Each repair, made alone, must leave valid Python in which its own finding is gone."""
    failures = []
    before = Counter(one.code for one in found)
    for one in found:
        if one.fix is None or one.fix.applicability is Applicability.DISPLAY:
            continue
        text, _ = apply_fixes(source, [one.fix])
        try:
            ast.parse(text)
        except SyntaxError as error:
            failures.append((one.span.start_line, f"the repair of {one.code} breaks the syntax: {error.msg}"))
            continue
        after = Counter(other.code for other in lint(Source(source.filename, text)))
        if after[one.code] >= before[one.code]:
            failures.append((one.span.start_line, f"the repair of {one.code} does not silence it"))
    return failures


def _check_safety(card: Card, found: Sequence[Diagnostic]) -> list[tuple[int, str]]:
    """What "Fix safety" promises in its first word must be what the repair claims."""
    promised = card.sections.get("Fix safety", "").partition(":")[0].lower()
    if promised not in (Applicability.SAFE, Applicability.UNSAFE):
        return []
    return [
        (one.span.start_line, f"`Fix safety` says {promised}, the repair says {one.fix.applicability}")
        for one in found
        if one.code == card.code and one.fix is not None and one.fix.applicability != promised
    ]


def _compare_repair(example: Example, repaired: str) -> list[tuple[int, str]]:
    want = read_marks(example.code).code if example.fixed is None else example.fixed
    return [] if repaired == want else [_first_difference(want, repaired, 1)]


def _first_difference(want: str, got: str, offset: int) -> tuple[int, str]:
    old, new = want.split("\n"), got.split("\n")
    at = next((i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new)))
    expected, repaired = (lines[at] if at < len(lines) else "the end" for lines in (old, new))
    return at + offset, f"the repair differs: expected `{expected.strip()}`, got `{repaired.strip()}`"


def _updated_marks(text: str, found: Sequence[Diagnostic]) -> str:
    """The same marks with the severity, and where it no longer fits the text, of what is found on their line."""
    lines = text.split("\n")
    for number in {expected.line for expected in read_marks(text).expectations}:
        start = _START.search(lines[number - 1])
        expectations = [one for one in read_marks(text).expectations if one.line == number]
        if start is None:
            continue
        marks = "".join(f"  # {_updated_mark(one, found)}" for one in expectations)
        lines[number - 1] = lines[number - 1][: start.start()] + marks
    return "\n".join(lines)


def _updated_mark(expected: Expectation, found: Sequence[Diagnostic]) -> str:
    matching = [one for one in found if expected.matches(one)]
    match = next((one for one in matching if expected.text in one.message), matching[0] if matching else None)
    if match is None or expected.kind == "todo":
        return str(expected)
    text = expected.text if expected.text in match.message else match.message.replace('"', "'")
    return str(Expectation(expected.line, str(match.severity), match.code, text))


def _by_line(items: Sequence[tuple[int, str]]) -> dict[int, list[str]]:
    lines: dict[int, list[str]] = {}
    for line, text in items:
        lines.setdefault(line, []).append(text)
    return lines


def _joined(lines: dict[int, list[str]], line: int) -> str:
    return "; ".join(lines[line]) if line in lines else "nothing"
