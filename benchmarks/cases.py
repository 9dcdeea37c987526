"""What was found out about one program of the zoo, and whether it is as its head claims."""

from __future__ import annotations

from dataclasses import dataclass

import zoo
from blame import Blame

from nanlint.diagnostic import Diagnostic

_FINITE = ("divergence", "no-learning")


@dataclass
class Case:
    """One program, and all that was found out about it."""

    program: zoo.Program
    found: list[Diagnostic]
    unexpected: list[str]
    repaired: str  # its text
    before: zoo.Outcome | str
    after: zoo.Outcome | str
    blame: Blame | str | None

    @property
    def fails(self) -> bool:
        """Does it fail as its head says, in time?"""
        how, by = self.program.fails
        return isinstance(self.before, zoo.Outcome) and self.before.verdict == how and self.before.step <= by

    @property
    def trains(self) -> bool:
        return isinstance(self.after, zoo.Outcome) and self.after.verdict == "trains"

    @property
    def agrees(self) -> bool:
        """Does a run-time check blame a line that nanlint names?"""
        text = self.program.path.read_text(encoding="utf-8")
        lines = [one.span.start_line for one in self.found]
        return isinstance(self.blame, Blame) and zoo.same_statement(text, self.blame.line, lines)

    @property
    def is_as_claimed(self) -> bool:
        explained = self.agrees or "note" in self.program.head or self.program.fails[0] in _FINITE
        return self.fails and not self.unexpected and explained and self.trains == ("cure" not in self.program.head)


@dataclass
class Twin:
    """A healthy program: the same model by a sound recipe."""

    name: str
    findings: int
    outcome: zoo.Outcome | str

    @property
    def is_as_claimed(self) -> bool:
        return not self.findings and isinstance(self.outcome, zoo.Outcome) and self.outcome.verdict == "trains"
