"""All repairs of real code, judged one by one: `python -m benchmarks.massfix FOLDER…`.

Every file is linted by all rules down to the weakest evidence, so that many repairs are offered, and all safe and
unsafe ones are made in memory. In every round of every file: the result compiles, each repaired finding is gone,
nothing new is found where a repair was made, comments are as they were, and so is, byte for byte, every line that no
repair speaks of. In the end nothing is left to repair, and a second run changes nothing. What does not hold is printed,
and makes the exit code 1. "Uncovered" is no fault: of two rules about one place the more specific one
speaks, and when it is satisfied, the other one says what it would have said without it.
"""

from __future__ import annotations

import difflib
import io
import sys
import time
import tokenize
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import click

from nanlint.cards import Card, load_cards
from nanlint.config import Settings
from nanlint.diagnostic import Diagnostic, Evidence
from nanlint.engine import fix_source, lint_source
from nanlint.fix import Applicability, apply_fixes
from nanlint.garbage import collect_after, no_collection
from nanlint.look import internal_error
from nanlint.reading import read
from nanlint.source import Source, SourceError

ALLOWED = frozenset({Applicability.SAFE, Applicability.UNSAFE})
UNCOVERED = "uncovered:"
_SETTINGS = Settings(evidence=Evidence.UNKNOWN)

Round = tuple[Source, list[Diagnostic]]


@dataclass
class Tally:
    """What became of one folder."""

    name: str
    files: int = 0
    lines: int = 0
    changed: int = 0
    safe: int = 0
    unsafe: int = 0
    uncovered: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def row(self) -> str:
        """Its line of the table."""
        counts = (self.files, self.lines, self.changed, self.safe, self.unsafe, round(self.seconds))
        counts += (self.uncovered, len(self.faults))
        return f"| {self.name} | {' | '.join(f'{count:,}' for count in counts)} |"


HEAD = (
    "| | files | lines | files repaired | safe repairs | unsafe repairs | seconds | uncovered | faults |\n|--|"
    + "--:|" * 8
)


def judge(source: Source, cards: Sequence[Card], settings: Settings = _SETTINGS) -> tuple[list[str], Counter[str]]:
    """What is wrong with the repairs of one text, and how many of each kind there were."""
    rounds: list[Round] = []

    def lint(text: Source) -> list[Diagnostic]:
        found = lint_source(text, cards, settings)
        rounds.append((text, found))
        return found

    result = fix_source(source, ALLOWED, lint)
    offered = Counter(str(fix.applicability) for one in rounds[0][1] if (fix := one.fix) is not None)
    if result.source is None or not result.changed:
        return [f"not repaired: {_at(one)}" for one in _repairable(rounds[0][1])], offered
    faults = [fault for before, after in pairwise(rounds) for fault in _compared(before, after, cards)]
    faults += [f"left: {_at(one)}" for one in _repairable(result.found)]
    again = fix_source(result.source, ALLOWED, lambda text: lint_source(text, cards, settings))
    if again.changed:
        faults.append("a second run repairs more")
    return faults, offered


def _compared(before: Round, after: Round, cards: Sequence[Card]) -> Iterator[str]:
    """What one round of repairs did that it must not do."""
    (old, found), (new, left) = before, after
    if _compiles(old.text) and not _compiles(new.text):
        yield "does not compile"
        return
    if _comments(old.text) != _comments(new.text):
        yield "a comment changed"
    made = _made(old, found)
    spoken = {line for one in made for edit in one.fix.edits for line in _lines(edit.span)}  # type: ignore[union-attr]
    for tag, i, j, k, m in difflib.SequenceMatcher(None, old.lines, new.lines, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if not {*range(i + 1, j + 1)} <= spoken:
            yield f"line {i + 1} changed, and no repair speaks of it"
        yield from _appeared(old, _within(found, i, j), _within(made, i, j), _within(left, k, m), cards)


def _made(source: Source, found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The findings whose repairs are made now; those that overlap an earlier one wait for the next round."""
    made: list[Diagnostic] = []
    for one in _repairable(found):
        fixes = [other.fix for other in (*made, one) if other.fix is not None]
        if apply_fixes(source, fixes)[1] == len(fixes):
            made.append(one)
    return made


def _appeared(
    old: Source, were: list[Diagnostic], made: list[Diagnostic], are: list[Diagnostic], cards: Sequence[Card]
) -> Iterator[str]:
    """What is found in changed lines that was not, or that was repaired."""
    known = Counter(one.code for one in were) - Counter(one.code for one in made)
    for code, count in Counter(one.code for one in are).items():
        if count > known[code]:
            first = next(one for one in are if one.code == code)
            if code in {one.code for one in were}:
                yield f"still: {_at(first)}"
            else:
                satisfied = {one.code for one in made}
                others = [card for card in cards if card.code not in satisfied]
                lines = {one.span.start_line for one in were}
                hidden = [one for one in lint_source(old, others, _SETTINGS) if one.span.start_line in lines]
                yield f"{UNCOVERED if code in {one.code for one in hidden} else 'new:'} {_at(first)}"


def _within(found: Sequence[Diagnostic], start: int, end: int) -> list[Diagnostic]:
    return [one for one in found if start < one.span.start_line <= end]


def _repairable(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    return [one for one in found if one.fix is not None and one.fix.applicability in ALLOWED]


def _lines(span: tuple[int, int, int, int]) -> range:
    return range(span[0], span[2] + 1)


def _at(one: Diagnostic) -> str:
    return f"{one.code} at line {one.span.start_line}: {one.message}"


def _compiles(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "a.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def _comments(text: str) -> list[str]:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return []
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def massfix(folder: Path, cards: Sequence[Card]) -> Tally:
    """The repairs of all files of a folder."""
    tally, start = Tally(folder.name), time.monotonic()
    with no_collection():
        for file in sorted(folder.rglob("*.py")):
            try:
                source = read(str(file))
            except SourceError:
                continue
            tally.files += 1
            tally.lines += len(source.lines)
            try:
                faults, offered = judge(source, cards)
            except Exception as error:
                faults, offered = [internal_error(str(file), error)], Counter()
            tally.changed += bool(offered["safe"] + offered["unsafe"])
            tally.safe += offered["safe"]
            tally.unsafe += offered["unsafe"]
            for fault in faults:
                print(f"{file}: {fault}", file=sys.stderr, flush=True)
            tally.uncovered += sum(fault.startswith(UNCOVERED) for fault in faults)
            tally.faults += [fault for fault in faults if not fault.startswith(UNCOVERED)]
            collect_after(tally.files)
    tally.seconds = time.monotonic() - start
    return tally


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folders: tuple[Path, ...]) -> None:
    """Print a table in Markdown; each fault goes to the standard error."""
    cards, faults = load_cards(), 0
    print(HEAD)
    for folder in folders:
        tally = massfix(folder, cards)
        print(tally.row, flush=True)
        faults += len(tally.faults)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
