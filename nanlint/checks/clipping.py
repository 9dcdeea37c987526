"""Gradients that are clipped in the wrong place, or while they are still scaled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.training import CLIPPERS, CLIPS_OF_TORCH, HUGE, Did, Event, Recipe, limit_of, number_of, recipes
from nanlint.checks.wording import remark, shortened
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.ir import nodes
from nanlint.ir.walk import own_blocks
from nanlint.repair.edits import Repair
from nanlint.repair.recipe import put_before, rotated

_MADE = {Did.BACKWARD, Did.SCALED, Did.UNSCALED}


def clipping_out_of_place(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """A clip that comes after the step that used the gradients, or before the backward pass that makes them."""
    for recipe in _clipping(facts):
        for event in recipe.all_of(Did.CLIP):
            late = event.before in ({Did.STEP}, {Did.STEP, Did.NOTHING})
            early = event.before == {Did.NOTHING}
            unused = bool(event.after) and event.after <= _MADE | {Did.NOTHING}
            if not (late or early) or not unused or _only_measures(event):
                continue
            if early and not event.after & _MADE:
                continue  # nothing was seen of its gradients at all
            # in a loop, what stands before backward stands after the last round's step
            first = early or (event.after <= _MADE and _in_order(recipe, event))
            trouble = "before `backward` has made them" if first else "after the step"
            yield remark(
                card,
                event.call,
                event.statement,
                Evidence.POSSIBLE,
                repair=_moved(facts, recipe, event),
                operand=shortened(facts.text(event.call)),
                trouble=trouble,
            )


def clipping_scaled_gradients(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """A clip between `scaler.scale(loss).backward()` and `scaler.step(optimizer)` without `scaler.unscale_`."""
    if not facts.mentions("scale") or facts.mentions("get_scale", "_scale", "inv_scale"):
        return  # whoever asks for the scale divides by it
    for recipe in _clipping(facts):
        mended = bool(recipe.all_of(Did.UNSCALED))  # a second `unscale_` for one step raises
        for event in recipe.all_of(Did.CLIP):
            if event.path not in CLIPS_OF_TORCH or _only_measures(event):
                continue
            if Did.SCALED not in event.before or event.before & {Did.UNSCALED, Did.UNKNOWN}:
                continue
            if Did.STEP in event.after:
                repair = None if mended else _unscaled(facts, recipe, event)
                mended = mended or repair is not None
                yield remark(
                    card,
                    event.call,
                    event.statement,
                    Evidence.POSSIBLE,
                    repair=repair,
                    operand=shortened(facts.text(event.call)),
                )


def _clipping(facts: Facts) -> Iterator[Recipe]:
    if not facts.chain and facts.mentions("step") and facts.mentions(*CLIPPERS) and facts.mentions("backward"):
        yield from recipes(facts.body)


def _only_measures(event: Event) -> bool:
    """`norm = clip_grad_norm_(parameters, float("inf"))`: only the norm is wanted."""
    limit = number_of(limit_of(event.call))
    return limit is not None and limit >= HUGE


def _in_order(recipe: Recipe, event: Event) -> bool:
    """Does a backward pass follow it as the program is written?"""
    return any(each.did in _MADE for each in recipe.events[recipe.events.index(event) :])


def _moved(facts: Facts, recipe: Recipe, event: Event) -> Repair | None:
    """The clip behind the backward pass or before the step, if all between them are plain calls in the same block."""
    block = _block_of(recipe.body, event.statement)
    at = next((n for n, each in enumerate(block) if each is event.statement), None)
    if at is None:
        return None
    did = {id(each.statement): each.did for each in recipe.events}
    for way, wanted in ((-1, {Did.STEP}), (1, _MADE)):
        places = range(at + way, -1 if way < 0 else len(block), way)
        stop = next((n for n in places if did.get(id(block[n])) in wanted), None)
        if stop is not None:
            row = block[min(at, stop) : max(at, stop) + 1]
            calls = [each.value for each in row if isinstance(each, nodes.Evaluate)]
            if len(calls) == len(row):
                where = "before the step" if way < 0 else "behind the backward pass"
                return rotated(facts, calls, right=way < 0, message=f"clip {where}")
    return None


def _block_of(body: Sequence[nodes.Stmt], wanted: nodes.Stmt) -> Sequence[nodes.Stmt]:
    if any(statement is wanted for statement in body):
        return body
    for statement in body:
        for block in own_blocks(statement):
            if found := _block_of(block, wanted):
                return found
    return ()


def _unscaled(facts: Facts, recipe: Recipe, event: Event) -> Repair | None:
    """`scaler.unscale_(optimizer)` on a line of its own; of several optimisers nobody knows which, and where not every
    clip is followed by a step it may be called once only."""
    steps = {
        (facts.text(each.call.func.base), facts.text(each.call.args[0]))
        for each in recipe.all_of(Did.STEP)
        if isinstance(each.call.func, nodes.Attribute) and len(each.call.args) == 1
    }
    if len(steps) != 1 or event.after != {Did.STEP} or not isinstance(event.statement, nodes.Evaluate | nodes.Assign):
        return None
    scaler, optimizer = steps.pop()
    return put_before(facts, event.statement, [f"{scaler}.unscale_({optimizer})"], "unscale the gradients before")
