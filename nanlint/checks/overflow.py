"""Exponentials that overflow: of what a network puts out, nothing keeps below 88, where float32 ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.growth import BOX_OFFSET, LAYER, growing
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.conventions import name_of
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow import assumptions
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.ops.operation import Hazard
from nanlint.ops.terms import is_above_others
from nanlint.repair import guards
from nanlint.repair.edits import Repair
from nanlint.values.interval import Range
from nanlint.values.value import DType, Value
from nanlint.weighing import Trouble

_OPERATIONS = ("exp", "exp2", "expm1", "sinh", "cosh")
_SYMMETRIC = frozenset({"sinh", "cosh"})
# numpy is not differentiated, and plain numbers raise OverflowError
_FRAMEWORKS = frozenset({"torch", "jax", "tensorflow", "keras"})

# how the exponents that a float can hold compare with those of float32
_RANGES = {DType.FLOAT16: 16 / 128, DType.FLOAT64: 1024 / 128}

# a bound near the logarithm of float64's largest number, to base 10 or e, is meant for float64
_DOUBLE = Range(300.0, 710.0)

_MOST = 20.0  # exp(20) is 5e8: far beyond any variance, and its square and sums are still finite
_MOST_HALF = 10.0
_MOST_BOX = 4.135  # log(1000 / 16), as detectors have it: no box is a thousand pixels where its anchor is 16


_FROM_MAXIMUM = "a distance from the maximum of fewer elements"
# what is enough of these; the elements that count are below their maximum
_LIMITS = {BOX_OFFSET: _MOST_BOX, _FROM_MAXIMUM: 0.0}


def exp_overflow(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """`exp` of a value that a network makes and nothing bounds, or that is known to go beyond what exp can take."""
    for use in facts.uses(_OPERATIONS):
        value, safe = use.values.get("x"), use.operation.overflow
        if value is None or safe is None or use.framework not in _FRAMEWORKS or value.is_scalar:
            continue
        limits = _for(value.dtype, safe)
        trouble = facts.trouble(use, Hazard("x", limits))
        if trouble is None:
            continue
        source = growing(facts, use) if value.range.hi == inf or value.range.lo == -inf else None
        if source is not None and _is_judged_in_calls(facts, use, source):
            continue
        if source is None and value.term is not None and is_above_others(peel(value.term)):
            source = _FROM_MAXIMUM
        if source is None and value.range.hi == inf and (_is_shifted(value) or _is_logarithm(value)):
            continue
        trouble = _weighed(use, value, trouble, source, limits)
        yield finding(
            card,
            facts,
            use,
            trouble,
            operand=use.node.operands.get("x"),
            reasons=value,
            repair=_repair(facts, use, value, source),
        )


def _for(dtype: DType | None, safe: Range) -> Range:
    """Where the result is finite in this dtype."""
    factor = _RANGES.get(dtype, 1.0) if dtype is not None else 1.0
    return replace(safe, lo=safe.lo * factor, hi=safe.hi * factor)


def _is_shifted(value: Value) -> bool:
    """Was something subtracted? Nothing is known of either, but it looks like the maximum, or the normaliser."""
    return value.term is not None and peel(value.term).head == "sub"


def _is_logarithm(value: Value) -> bool:
    """Is it, by its name, the logarithm of a number? Then the number fits."""
    return value.term is not None and assumptions.is_logarithm(name_of(value.term))


def _is_judged_in_calls(facts: Facts, use: Use, source: str) -> bool:
    """Is there nothing new in this call?

    What a name says is a guess. Where calls of the function are seen they tell more: one that bounds what it passes
    tells that all do.
    """
    if facts.elsewhere(use) is not None:
        alone = facts.alone(use)
        return alone is None or growing(facts, alone) is not None  # it is reported where it stands
    if source == LAYER:
        return False
    met = list(facts.in_all_calls(use))
    return (bool(met) and not facts.chain) or any(_is_bounded(one) for one in met)


def _is_bounded(use: Use) -> bool:
    return use.operation.overflow is not None and use.values["x"].range.hi <= use.operation.overflow.hi


def _weighed(use: Use, value: Value, trouble: Trouble, source: str | None, limits: Range) -> Trouble:
    """That a range has no end is no evidence, but what makes the value may be."""
    infinite = value.range.hi == inf or (limits.lo > -inf and value.range.lo == -inf)
    limit = f"{limits.hi:.0f}"
    if infinite and source is None:
        return Trouble(Evidence.UNKNOWN, f"which nothing keeps below {limit}")
    evidence = Evidence.POSSIBLE if infinite else trouble.evidence
    if not use.differentiable:
        evidence = Evidence.UNKNOWN  # a trained network used, or measured: where it overflows, it did so in training
    if infinite:
        return Trouble(evidence, f"{source} that nothing keeps below {limit}")
    if _DOUBLE.contains(value.range.hi):
        evidence = Evidence.UNKNOWN
    return Trouble(evidence, f"which goes up to {max(value.range.hi, -value.range.lo):.6g}")


def _repair(facts: Facts, use: Use, value: Value, source: str | None) -> Repair | None:
    most = _LIMITS.get(source or "", _MOST_HALF if value.dtype is DType.FLOAT16 else _MOST)
    return guards.limit(facts, use, -most if use.operation.name in _SYMMETRIC else None, most)
