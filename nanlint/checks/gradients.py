"""Gradients of what is not chosen: `where` selects values, but it multiplies the gradient of the other arm by 0."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow.state import peel
from nanlint.flow.uses import Guard, Trap, Use
from nanlint.ir import nodes
from nanlint.ops.elementwise import power_hazard
from nanlint.ops.operation import Hazard
from nanlint.ops.terms import literal, operand_of
from nanlint.repair.choices import double_where, gradient_range
from nanlint.values.interval import Range
from nanlint.values.value import DType, Term, Value
from nanlint.weighing import Trouble

# where these are flat they replace the gradient that comes in by 0, NaN or not
_SHIELDS = frozenset({"relu", "relu6", "hardtanh"})
# a threshold this close to the bad point is there because of it
_NEAR = 1e-3

_WHOLE = (DType.INTEGER, DType.BOOLEAN)


def where_trap(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """An operation in an arm of `where` or `masked_fill` that only the condition keeps from its bad point."""
    for plain, chosen in facts.traps():
        trap, guarded = replace(plain, use=with_power_hazard(plain.use)), with_power_hazard(chosen)
        hazard = trap.use.operation.hazard
        value = None if hazard is None else trap.use.values.get(hazard.operand)
        node = None if hazard is None else trap.use.node.operands.get(hazard.operand)
        if hazard is None or value is None or node is None or not _is_differentiated(facts, trap, value):
            continue
        if any(_is_double(facts, node, guard) for guard in trap.guards):
            continue
        trouble = _trouble(facts, trap, guarded, hazard)
        if trouble is not None:
            repair = double_where(facts, trap.use, trap.guards)
            yield finding(card, facts, trap.use, trouble, operand=node, reasons=value, repair=repair)


def with_power_hazard(use: Use) -> Use:
    """The use of a power as one of an operation that breaks somewhere, if it does with this exponent; others as is."""
    hazard = power_hazard(use.values) if use.operation.name == "pow" else None
    if hazard is None:
        return use
    operation = replace(use.operation, hazard=hazard)
    return replace(use, node=replace(use.node, spelling=replace(use.node.spelling, operation=operation)))


def _is_double(facts: Facts, node: nodes.Expr, guard: Guard) -> bool:
    """Has the operand been replaced by a harmless number wherever the arm is not chosen?"""
    if not isinstance(node, nodes.Apply) or node.spelling.operation.name != "where":
        return False
    condition = node.operands.get("condition")
    return condition is not None and facts.text(condition) == facts.text(guard.condition)


def _is_differentiated(facts: Facts, trap: Trap, value: Value) -> bool:
    if value.is_scalar or any(guard.choice.spelling.framework == "numpy" for guard in trap.guards):
        return False
    if any(_is_nan_otherwise(facts, guard) for guard in trap.guards):
        return False  # a result for people: whoever differentiates it has NaN already
    reached = [each for each in trap.use.values.values() if each.differentiable and each.dtype not in _WHOLE]
    return any(each is not value or not is_shielded(each.term) for each in reached)


def _is_nan_otherwise(facts: Facts, guard: Guard) -> bool:
    """Is NaN what the other arm holds?"""
    arms = [guard.choice.operands.get(name) for name in ("x", "y", "value")]
    others = [facts.value_of(arm) for arm in arms if arm is not None and arm is not guard.arm]
    return any(other is not None and other.range.is_empty and other.range.nan for other in others)


def is_shielded(term: Term | None) -> bool:
    """Does the gradient meet a relu at once? A sum or mean of relus is only 0 where all of them are flat."""
    while term is not None and term.head in ("sum", "mean", "copy", "view") and isinstance(term.args[0], Term):
        term = term.args[0]
    return term is not None and peel(term).head in _SHIELDS


def _trouble(facts: Facts, trap: Trap, guarded: Use, hazard: Hazard) -> Trouble | None:
    """What the conditions keep away, if they do; what is left after them is for the ordinary rules."""
    left = facts.trouble(guarded)
    if left is not None and left.evidence > Evidence.UNKNOWN:
        return None
    for safe in (gradient_range(trap.use.operation), hazard.safe):
        averted = Hazard(hazard.operand, safe)
        trouble = facts.trouble(trap.use, averted)
        if trouble is None or facts.trouble(guarded, averted) is not None:
            continue
        if trouble.evidence is Evidence.UNKNOWN and _is_expected(facts, trap, averted):
            return replace(trouble, evidence=Evidence.POSSIBLE)
        return trouble
    return None


def _is_expected(facts: Facts, trap: Trap, hazard: Hazard) -> bool:
    """Is one of the conditions about the bad point? Then whoever wrote it expects the operand to reach it."""
    node, value = trap.use.node.operands[hazard.operand], trap.use.values[hazard.operand]
    for guard in trap.guards:
        for term, truth in _parts(guard.term, guard.truth):
            otherwise = facts.value_if(node, trap.use, term, not truth)
            if otherwise is not None and _ends_at_bad_point(otherwise.range, value.range, hazard.safe):
                return True
            if _bounds_modulus(term, value.term, hazard.safe):
                return True
    return False


def _bounds_modulus(term: Term, of: Term | None, safe: Range) -> bool:
    """Is it `abs(x) < 1`, where 1 and -1 are the bad points?"""
    left, right = (*term.args, None, None)[:2]
    return (
        term.head in ("lt", "le")
        and isinstance(left, Term)
        and isinstance(right, Term)
        and of is not None
        and operand_of(peel(left), "abs") is of
        and isinstance(limit := literal(right), int | float)
        and safe.lo == -safe.hi
        and abs(limit - safe.hi) <= _NEAR
    )


def _parts(term: Term | None, truth: bool) -> Iterator[tuple[Term, bool]]:
    """The conditions that must all hold for this one to be `truth`."""
    if term is None:
        return
    term = peel(term)
    conjunction = ("and", "logical_and") if truth else ("or", "logical_or")
    if term.head in ("not", "logical_not"):
        yield from _parts(term.args[0], not truth)
    elif term.head in conjunction:
        for part in term.args[:2]:
            yield from _parts(part, truth)
    else:
        yield term, truth


def _ends_at_bad_point(range: Range, before: Range, safe: Range) -> bool:
    """Did the contrary of the condition move an end of the range to a point where the operation breaks?"""
    ends = [end for end, old in ((range.lo, before.lo), (range.hi, before.hi)) if end != old]
    points = [0.0] if safe.nonzero else [end for end in (safe.lo, safe.hi) if isfinite(end)]
    reached = [point for point in points if safe.contains(point) or range.contains(point)]
    return any(abs(end - point) <= _NEAR for end in ends for point in reached)
