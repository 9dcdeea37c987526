"""Gradients that add up for ever, since nothing sets them to zero."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.structure import key_of, scopes, targets_of
from nanlint.checks.training import Did, Event, Recipe, recipes
from nanlint.checks.wording import remark, shortened
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.ir import nodes
from nanlint.ir.walk import statements
from nanlint.repair.edits import Repair
from nanlint.repair.recipe import put_before

# whoever names one of these sets the gradients to zero, touches them himself, or leaves it to a library
_LOOKED_AFTER = re.compile(
    r"(?:zero|clear|reset|clean|set|delete|free|null)\w{0,60}grad|grad\w{0,60}(?:zero|clear|reset|none)|^grad$|_grads?$|"
    r"deepspeed|lightning|colossal|fairseq|oneflow|paddle|closure|pyro|functional_call",
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
    for recipe in recipes(facts.body):
        if recipe.all_of(Did.UNKNOWN):
            continue  # what its own functions do is not known here
        for event in recipe.all_of(Did.STEP):
            evidence = _evidence(recipe, event, shared | dict(_made(recipe.body)))
            if evidence is not None:
                operand = shortened(facts.text(event.call))
                repair = _zeroed(facts, recipe, event)
                yield remark(card, event.call, event.statement, evidence, operand=operand, repair=repair)


def _zeroed(facts: Facts, recipe: Recipe, step: Event) -> Repair | None:
    """`zero_grad()` before the only `backward()`, where it is followed by the step in each round of the loop."""
    loop, optimizer = _loop_of(recipe.body, step), _optimizer(step.call)
    backwards = _backwards(recipe)
    if loop is None or optimizer is None or len(backwards) != 1 or len(recipe.all_of(Did.STEP)) != 1:
        return None
    statement = backwards[0].statement
    if not all(any(inner is one for inner in loop.body) for one in (statement, step.statement)):
        return None  # a step of several rounds, in which gradients are meant to add up
    if not isinstance(statement, nodes.Evaluate | nodes.Assign):
        return None
    return put_before(facts, statement, [f"{optimizer}.zero_grad()"], "set the gradients to zero before")


def _made(body: Sequence[nodes.Stmt]) -> Iterator[tuple[str, nodes.Stmt]]:
    return ((name, statement) for statement in statements(body) for name in targets_of(statement))


def _touches_gradients(statement: nodes.Stmt) -> bool:
    return any(name.endswith(".grad") for name in targets_of(statement))


def _evidence(recipe: Recipe, event: Event, made: dict[str, nodes.Stmt]) -> Evidence | None:
    """None where the step is not taken again with what the last one left."""
    loop = _loop_of(recipe.body, event)
    optimizer = _optimizer(event.call)
    if loop is None or optimizer is None or not any(_is_in(loop, each) for each in _backwards(recipe)):
        return None
    maker = made.get(optimizer)
    if maker is None:
        given = {} if recipe.function is None else {param.name: param for param in recipe.function.params}
        return Evidence.POSSIBLE if optimizer in given else Evidence.UNKNOWN
    if any(inner is maker for inner in statements(loop.body)):
        return None  # a new one in each round
    value = getattr(maker, "value", None)
    path = getattr(getattr(value, "func", None), "path", None) or ""
    return Evidence.POSSIBLE if path.startswith("torch.optim.") else Evidence.UNKNOWN


def _backwards(recipe: Recipe) -> list[Event]:
    return recipe.all_of(Did.BACKWARD, Did.SCALED)


def _loop_of(body: list[nodes.Stmt], event: Event) -> nodes.For | nodes.While | None:
    """The innermost loop around it."""
    loops = [each for each in statements(body) if isinstance(each, nodes.For | nodes.While) and _is_in(each, event)]
    return loops[-1] if loops else None


def _is_in(loop: nodes.For | nodes.While, event: Event) -> bool:
    return any(inner is event.statement for inner in statements(loop.body))


def _optimizer(call: nodes.Call) -> str | None:
    """`optimizer` of `optimizer.step()` and `scaler.step(optimizer)`."""
    if call.args:
        return key_of(call.args[0])
    return key_of(call.func.base) if isinstance(call.func, nodes.Attribute) else None
