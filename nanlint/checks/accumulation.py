"""Gradients that add up for ever, since nothing sets them to zero."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.structure import key_of, names_in, scopes, targets_of
from nanlint.checks.training import Did, Event, Recipe, recipes
from nanlint.checks.wording import remark, shortened
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.ir import nodes
from nanlint.ir.walk import expressions, statements
from nanlint.repair.edits import Repair
from nanlint.repair.recipe import put_before

# whoever names one of these sets the gradients to zero, touches them himself, or leaves it to a library
_LOOKED_AFTER = re.compile(
    r"(?:zero|clear|reset|clean|set|delete|free|null)\w{0,60}grad|grad\w{0,60}(?:zero|clear|reset|none)|^grad$|_grads?$|"
    r"deepspeed|lightning(?!(?:_|\.)fabric)|colossal|fairseq|oneflow|paddle|closure|pyro|functional_call",
    re.IGNORECASE,
)
# words that say nothing about it
_OTHERS = re.compile(r"no_grad|enable_grad|requires_grad_?|clip_grad|unscale|inference_mode", re.IGNORECASE)


def gradients_never_zeroed(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """A loop with `backward()` and `optimizer.step()` in a file in which nothing sets gradients to zero."""
    if facts.chain or not (facts.mentions("backward") and facts.mentions("step")):
        return
    if any(_LOOKED_AFTER.search(_OTHERS.sub("", word)) for word in facts.words()):
        return
    everywhere = list(scopes(facts.body))
    if any(_touches_gradients(statement) for _, body in everywhere for statement in statements(body)):
        return
    shared = dict(_made(facts.body))
    for _, body in everywhere:
        shared.update({name: maker for name, maker in _made(body) if "." in name})
    repeated = {name for _, body in everywhere for name in _called_in_loops(body)}
    for recipe in recipes(facts.body):
        if recipe.all_of(Did.UNKNOWN):
            continue  # what its own functions do is not known here
        for event in recipe.all_of(Did.STEP):
            again = _repeated(recipe, event, repeated)
            evidence = _evidence(recipe, event, again, shared | dict(_made(recipe.body)))
            if evidence is not None:
                operand = shortened(facts.text(event.call))
                repair = _zeroed(facts, recipe, event, again)
                yield remark(card, event.call, event.statement, evidence, operand=operand, repair=repair)


def _zeroed(facts: Facts, recipe: Recipe, step: Event, again: list[nodes.Stmt] | None) -> Repair | None:
    """`zero_grad()` before the only `backward()`, where it is followed by the step each time."""
    optimizer, backwards = _optimizer(step.call), _backwards(recipe)
    if again is None or optimizer is None or len(backwards) != 1 or len(recipe.all_of(Did.STEP)) != 1:
        return None
    statement = backwards[0].statement
    if not all(any(inner is one for inner in again) for one in (statement, step.statement)):
        return None  # a step of several rounds, in which gradients are meant to add up
    if not isinstance(statement, nodes.Evaluate | nodes.Assign):
        return None
    return put_before(facts, statement, [f"{optimizer}.zero_grad()"], "set the gradients to zero before")


def _made(body: Sequence[nodes.Stmt]) -> Iterator[tuple[str, nodes.Stmt]]:
    """What binds each name; `model, optimizer = fabric.setup(model, optimizer)` only wraps what there was."""
    for statement in statements(body):
        value = getattr(statement, "value", None)
        wrapped = names_in(value) if isinstance(value, nodes.Call) else set[str]()
        yield from ((name, statement) for name in targets_of(statement) if name not in wrapped)


def _touches_gradients(statement: nodes.Stmt) -> bool:
    return any(name.endswith(".grad") for name in targets_of(statement))


def _evidence(
    recipe: Recipe, event: Event, again: list[nodes.Stmt] | None, made: dict[str, nodes.Stmt]
) -> Evidence | None:
    """None where the step is not taken again with what the last one left."""
    optimizer = _optimizer(event.call)
    if again is None or optimizer is None or not any(_is_in(again, each) for each in _backwards(recipe)):
        return None
    maker = made.get(optimizer)
    if maker is None:
        given = {} if recipe.function is None else {param.name: param for param in recipe.function.params}
        return Evidence.POSSIBLE if optimizer in given else Evidence.UNKNOWN
    if any(inner is maker for inner in statements(again)):
        return None  # a new one in each round
    value = getattr(maker, "value", None)
    path = getattr(getattr(value, "func", None), "path", None) or ""
    return Evidence.POSSIBLE if path.startswith("torch.optim.") else Evidence.UNKNOWN


def _backwards(recipe: Recipe) -> list[Event]:
    return recipe.all_of(Did.BACKWARD, Did.SCALED)


def _repeated(recipe: Recipe, event: Event, functions: set[str]) -> list[nodes.Stmt] | None:
    """What is run again and again: the body of the innermost loop around the step, or of a function that loops call."""
    loops = [each for each in statements(recipe.body) if isinstance(each, nodes.For | nodes.While)]
    around = [each.body for each in loops if _is_in(each.body, event)]
    if around:
        return around[-1]
    return recipe.body if recipe.function is not None and recipe.function.name in functions else None


def _called_in_loops(body: Sequence[nodes.Stmt]) -> Iterator[str]:
    """The names of functions and methods that the loops of a scope call."""
    for loop in statements(body):
        for statement in statements(loop.body) if isinstance(loop, nodes.For | nodes.While) else ():
            for expr in expressions(statement):
                if isinstance(expr, nodes.Call) and getattr(expr.func, "path", None) is None:
                    yield getattr(expr.func, "name", getattr(expr.func, "id", ""))


def _is_in(body: Sequence[nodes.Stmt], event: Event) -> bool:
    return any(inner is event.statement for inner in statements(body))


def _optimizer(call: nodes.Call) -> str | None:
    """`optimizer` of `optimizer.step()` and `scaler.step(optimizer)`."""
    if call.args:
        return key_of(call.args[0])
    return key_of(call.func.base) if isinstance(call.func, nodes.Attribute) else None
