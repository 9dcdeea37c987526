"""A value that a repair needs and that has no name: it gets one where it is made.

`p = sigmoid(layer(h))` cannot become `logsigmoid(layer(h))` further down: the layer would run a second time. It
becomes `p = sigmoid(p_logits := layer(h))`, and further down stands `logsigmoid(p_logits)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nanlint.facts import Facts
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Assign, Call, Expr, FunctionDef, Name, Stmt
from nanlint.ir.walk import all_statements, expressions, statements
from nanlint.repair.edits import Repair
from nanlint.values.value import Term


@dataclass(frozen=True, slots=True)
class Spelt:
    """How a value is written at the place of a use, and what must be written elsewhere for it."""

    text: str
    elsewhere: tuple[tuple[Expr, str], ...] = ()

    def along(self, repair: Repair | None) -> Repair | None:
        """The repair that uses the text, with what it needs."""
        return None if repair is None else replace(repair, replacements=(*repair.replacements, *self.elsewhere))


def spelt(facts: Facts, use: Use, logits: Term) -> Spelt | None:
    """Logits by a name that they have, or by one that they get."""
    text = facts.spell(logits, use)
    return _named(facts, use, logits) if text is None else Spelt(text)


def _named(facts: Facts, use: Use, logits: Term) -> Spelt | None:
    if facts.chain or facts.elsewhere(use) is not None:
        return None
    body = use.function.body if isinstance(use.function, FunctionDef) else facts.body
    for variable, value in _assignments(facts, use, body):
        made = facts.part_of(value, logits)
        name = f"{variable}_logits"
        if not isinstance(made, Call) or _is_taken(name, body):
            continue
        text = facts.text(made)
        if "\n" not in text:
            return Spelt(name, ((made, f"{name} := {text}" if facts.is_enclosed(made) else f"({name} := {text})"),))
    return None


def _is_taken(name: str, body: Sequence[Stmt]) -> bool:
    return any(
        isinstance(part, Name) and part.id == name for each in all_statements(body) for part in expressions(each)
    )


def _assignments(facts: Facts, use: Use, body: Sequence[Stmt]) -> Iterator[tuple[str, Expr]]:
    """The variables that still hold at the place of the use what a statement of the same function gave them."""
    for statement in statements(body):
        if not isinstance(statement, Assign) or len(statement.targets) != 1 or statement.augmented:
            continue
        (target,) = statement.targets
        held = use.state.vars.get(target.id) if isinstance(target, Name) else None
        if isinstance(target, Name) and held is not None and held.term is facts.term_of(statement.value) is not None:
            yield target.id, statement.value
