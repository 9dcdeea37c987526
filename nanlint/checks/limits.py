"""Gradients that are clipped to a limit which does nothing, or the wrong thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.literals import literals_of
from nanlint.checks.optimizers import TRAINER, TRAINERS
from nanlint.checks.structure import key_of, names_in, scopes, targets_of
from nanlint.checks.training import CLIPPERS, HUGE, Did, limit_of, number_of, recipes
from nanlint.checks.wording import remark, shortened
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.ir import nodes
from nanlint.ir.walk import expressions, statements
from nanlint.repair.edits import Repair

_USUAL = "1.0"


def clipping_disabled(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """`clip_grad_norm_` and its like with a limit that is infinite, huge, 0 or negative, and its result not used."""
    if facts.chain:
        return
    if facts.mentions(*TRAINERS):
        yield from _disabled_trainers(card, facts)
    if not facts.mentions(*CLIPPERS):
        return
    constants = _constants(facts)
    for _, body in scopes(facts.body):
        for statement in statements(body):
            call = statement.value if isinstance(statement, nodes.Evaluate) else None  # else the norm is wanted
            if isinstance(call, nodes.Call) and _name(call.func) in CLIPPERS:
                limit = limit_of(call)
                number = number_of(limit)
                repair = None if limit is None or number is None else _usual(limit)
                if number is None and limit is not None:
                    number = constants.get(key_of(limit) or "")
                if number == 0 and (_is_meant(body) or _is_early(facts, call)):
                    continue
                if number is not None and (trouble := _trouble(number)) is not None:
                    text = shortened(facts.text(call))
                    yield remark(card, call, statement, Evidence.POSSIBLE, operand=text, trouble=trouble, repair=repair)


def _is_meant(body: Sequence[nodes.Stmt]) -> bool:
    """Are gradients made here and not used for a step? Then 0 is a way to clear them once they have been read."""
    calls = (expr for one in statements(body) for expr in expressions(one) if isinstance(expr, nodes.Call))
    names = {_name(call.func) for call in calls}
    return "backward" in names and not names & {"step", "optimizer_step"}


def _is_early(facts: Facts, call: nodes.Call) -> bool:
    """Does it come before all gradients? It changes none then; that is said by the rule about its place."""
    clips = (event for recipe in recipes(facts.body) for event in recipe.all_of(Did.CLIP))
    return any(event.call is call and event.before == {Did.NOTHING} for event in clips)


def _usual(limit: nodes.Expr) -> Repair:
    return Repair(Applicability.UNSAFE, f"clip the gradients to {_USUAL}", ((limit, _USUAL),))


def _disabled_trainers(card: Card, facts: Facts) -> Iterator[Finding]:
    """`TrainingArguments(max_grad_norm=0)`: the Trainer clips at 1.0 unless it is told not to."""
    file = literals_of(facts)
    for place in file.calls:
        limit = place.call.keywords.get("max_grad_norm")
        if limit is None or not TRAINER.match(getattr(place.call.func, "path", None) or ""):
            continue
        number = file.follow(limit, place.scope)
        is_none = isinstance(limit, nodes.Constant) and limit.value is None
        if is_none or (number is not None and (number.value <= 0 or number.value >= HUGE)):
            trouble = "switches off the clipping at 1.0 that the Trainer has by default"
            text = f"max_grad_norm={facts.text(limit)}"
            yield remark(card, limit, place.statement, Evidence.POSSIBLE, operand=text, trouble=trouble)


def _trouble(limit: float) -> str | None:
    if limit >= HUGE:
        return "clips nothing: gradients that are still finite hardly get there"
    if limit == 0:
        return "makes every gradient 0: nothing is learned"
    return "turns the gradients around: the loss grows" if limit < 0 else None


def _name(func: nodes.Expr) -> str:
    path = getattr(func, "path", None)
    return path.rpartition(".")[2] if path else getattr(func, "name", "")


def _constants(facts: Facts) -> dict[str, float]:
    """Names that are bound once, to a number, and that no condition asks about: whoever asks may not clip at all."""
    bound: dict[str, list[float | None]] = {}
    asked: set[str] = set()
    for function, body in scopes(facts.body):
        for param in () if function is None else function.params:
            bound.setdefault(param.name, []).append(None)
        for statement in statements(body):
            for name in targets_of(statement):
                bound.setdefault(name, []).append(number_of(getattr(statement, "value", None)))
            if isinstance(statement, nodes.If):
                asked |= names_in(statement.test)
            for expr in expressions(statement):
                if isinstance(expr, nodes.Conditional):
                    asked |= names_in(expr.test)
    numbers = {name: values[0] for name, values in bound.items() if len(values) == 1 and name not in asked}
    return {name: number for name, number in numbers.items() if number is not None}
