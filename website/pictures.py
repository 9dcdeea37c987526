"""Pictures of ranges: what the analysis knows of a value, over where its operation is safe, on one line of numbers.

Nothing is drawn by hand. A program is interpreted as `nanlint check` does it, and each operation that may go wrong in
it gives a picture: blue is what the value may be, red where the operation is not safe, and a red point where both meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from math import inf, isinf

from nanlint.cards import Card
from nanlint.checks.wording import shortened
from nanlint.facts import Facts
from nanlint.flow.program import interpret
from nanlint.flow.uses import Use
from nanlint.ops import OPERATIONS
from nanlint.project import Project
from nanlint.source import Source
from nanlint.values.interval import Range

WIDTH, HEIGHT = 640, 96
LEFT, RIGHT = 40.0, 600.0
AXIS = 52.0
SPARE = 0.35  # of the stretch that matters, on both sides of it

# checks that look at more than where one operand may be
_ABOUT_OTHER_THINGS = frozenset({"suppressions", "syntax", "trace"})


@dataclass(frozen=True)
class Meeting:
    """A value at an operation.

    Attributes:
        operand: the value, as it is written.
        values: what it may be.
        need: what is asked of it.
        safe: where that holds.
        lines: the first and the last line of the operation.
    """

    operand: str
    values: Range
    need: str
    safe: Range
    lines: tuple[int, int]

    @property
    def bad(self) -> tuple[Range, ...]:
        """Where the value may be and the operation is not safe: below, in, and above the safe range."""
        safe = self.safe
        apart = [
            Range(-inf, safe.lo, False, not safe.lo_open),
            Range(safe.hi, inf, not safe.hi_open, False),
            *([Range(0.0, 0.0)] if safe.nonzero else []),
        ]
        met = (self.values.meet(one) for one in apart if not one.is_empty)
        return tuple(one for one in met if not one.is_empty and not isinf(one.lo if one.is_constant else 0.0))


def of_code(code: str, card: Card | None = None) -> list[str]:
    """One picture for each operation of a program of whose operand something is known. With a card, for those that its
    example marks, if its rule is about the range of a value."""
    if card is None:
        return [drawn(one) for one in meetings(code)]
    if card.check in _ABOUT_OTHER_THINGS:
        return []
    marked = {number for number, line in enumerate(code.splitlines(), 1) if f": {card.code}" in line}
    return [drawn(one) for one in meetings(code) if one.bad and marked & set(range(one.lines[0], one.lines[1] + 1))]


def meetings(code: str) -> Iterator[Meeting]:
    """The values at the operations of a program, in the order of its lines."""
    source = Source("example.py", code)
    facts = Facts(interpret(Project().parsed(source), filename=source.filename, everything=True))
    seen = set()
    for use in sorted(facts.uses(OPERATIONS), key=_lines):
        hazard = use.operation.hazard
        if hazard is None or hazard.operand not in use.node.operands:
            continue
        values, name = use.values[hazard.operand].range, use.operation.name
        operand = " ".join(facts.text(use.node.operands[hazard.operand]).split())
        if (isinf(values.lo) and isinf(values.hi)) or values.is_empty or (operand, name) in seen:
            continue
        seen.add((operand, name))
        if hazard.smooth is not None and values <= hazard.safe:
            yield Meeting(operand, values, f"the gradient of {name} is finite in", hazard.smooth, _lines(use))
        else:
            yield Meeting(operand, values, f"{name} is safe in", hazard.safe, _lines(use))


def _lines(use: Use) -> tuple[int, int]:
    return use.node.origin.lineno, use.node.origin.end_lineno or use.node.origin.lineno


def drawn(meeting: Meeting) -> str:
    """The picture of one value, on lines without blanks before them, as Markdown takes HTML."""
    ruler = _Ruler(meeting)
    bad = meeting.bad
    verdict = "may be " + " or ".join(map(_said, bad)) if bad else "stays inside"
    told = f"{meeting.operand} is {meeting.values}; {meeting.need} {meeting.safe}: {verdict}"
    what = f'<tspan class="code">{escape(shortened(meeting.operand))}</tspan> is {escape(str(meeting.values))}'
    parts = [
        f'<figure class="range"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(told)}">',
        f'<text class="what" x="{LEFT}" y="18">{what}</text>',
        f'<text class="need" x="{RIGHT}" y="18">{escape(meeting.need)} {escape(str(meeting.safe))}</text>',
        *ruler.unsafe(),
        f'<line class="axis" x1="{LEFT - 20}" x2="{RIGHT + 20}" y1="{AXIS}" y2="{AXIS}"/>',
        *ruler.ticks(),
        *ruler.bar(meeting.values, "values"),
        *(mark for one in bad for mark in ruler.bar(one, "bad")),
        f"</svg><figcaption>{escape(verdict)}</figcaption></figure>",
    ]
    return "".join(parts)


def _said(range: Range) -> str:
    if range.is_constant:
        return f"{range.lo:.6g}"
    if isinf(range.lo):
        return f"{'below' if range.hi_open else 'at most'} {range.hi:.6g}"
    return f"{'above' if range.lo_open else 'at least'} {range.lo:.6g}" if isinf(range.hi) else f"in {range}"


class _Ruler:
    """Numbers to places on the line: the ends that matter lie inside, everything beyond them at its ends."""

    def __init__(self, meeting: Meeting) -> None:
        self._safe = meeting.safe
        ends = (meeting.values.lo, meeting.values.hi, meeting.safe.lo, meeting.safe.hi, 0.0)
        self._marks = sorted({end for end in ends if abs(end) < 1e30})
        length = (self._marks[-1] - self._marks[0]) or 1.0
        self._first, self._last = self._marks[0] - SPARE * length, self._marks[-1] + SPARE * length

    def at(self, x: float) -> float:
        """Where a number stands."""
        share = (min(max(x, self._first), self._last) - self._first) / (self._last - self._first)
        return round(LEFT + share * (RIGHT - LEFT), 1)

    def unsafe(self) -> Iterator[str]:
        """What lies outside of the safe range."""
        outside = [(LEFT - 20, self.at(self._safe.lo)), (self.at(self._safe.hi), RIGHT + 20)]
        for begin, end in outside:
            if self._first < (self._safe.lo if begin < LEFT else self._safe.hi) < self._last:
                yield f'<rect class="unsafe" x="{begin}" y="{AXIS - 16}" width="{round(end - begin, 1)}" height="32"/>'
        if self._safe.nonzero:
            yield f'<rect class="unsafe" x="{self.at(0) - 4}" y="{AXIS - 16}" width="8" height="32"/>'

    def ticks(self) -> Iterator[str]:
        """The numbers below the line; of two that would overlap, the first."""
        last = -inf
        for mark in self._marks:
            x = self.at(mark)
            yield f'<line class="axis" x1="{x}" x2="{x}" y1="{AXIS - 5}" y2="{AXIS + 5}"/>'
            if x - last > 40:
                yield f'<text class="tick" x="{x}" y="{AXIS + 32}">{mark:.4g}</text>'
                last = x

    def bar(self, range: Range, role: str) -> Iterator[str]:
        """A stretch of the line; an end that is reached is filled, one that is not is hollow."""
        low, high = self._end(range.lo, LEFT - 20), self._end(range.hi, RIGHT + 20)
        if high > low:
            yield f'<line class="bar {role}" x1="{low}" x2="{high}" y1="{AXIS}" y2="{AXIS}"/>'
        for x, end, hollow in dict.fromkeys([(low, range.lo, range.lo_open), (high, range.hi, range.hi_open)]):
            if self._first < end < self._last:
                yield f'<circle class="end {role}{" open" if hollow else ""}" cx="{x}" cy="{AXIS}" r="6"/>'

    def _end(self, x: float, beyond: float) -> float:
        return self.at(x) if self._first < x < self._last else beyond
