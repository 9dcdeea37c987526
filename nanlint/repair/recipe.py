"""Lines of a training loop: one added, or several in another order. They change what is trained: unsafe."""

from __future__ import annotations

from collections.abc import Sequence

from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.ir.nodes import Assign, Evaluate, Expr
from nanlint.repair.edits import Repair


def rotated(facts: Facts, calls: Sequence[Expr], *, right: bool, message: str) -> Repair | None:
    """Calls on lines of their own: the last comes first (`right`), or the first last."""
    texts = [facts.text(call) for call in calls]
    if any("\n" in text for text in texts):
        return None
    moved = [texts[-1], *texts[:-1]] if right else [*texts[1:], texts[0]]
    return Repair(Applicability.UNSAFE, message, tuple(zip(calls, moved, strict=True)))


def put_before(facts: Facts, statement: Evaluate | Assign, lines: Sequence[str], message: str) -> Repair | None:
    """Lines before the statement, which begins its own."""
    first = statement.targets[0] if isinstance(statement, Assign) else statement.value
    line_break = facts.line_break(first)
    if line_break is None:
        return None
    text = line_break.join([*lines, facts.text(first)])
    return Repair(Applicability.UNSAFE, message, ((first, text),))
