"""Squares and exponentials in float16, which ends at 65504: the square of 256 is beyond, and so is exp(11.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import log, sqrt

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.ops.operation import Hazard
from nanlint.ops.terms import squared
from nanlint.repair.halves import upcast
from nanlint.values.interval import Range
from nanlint.values.value import DType, Grounds, Kind, Term, Value
from nanlint.weighing import Trouble

_LARGEST = 65504.0
_SQUARES = "squares of 256 and more are inf"
_EXPONENTIALS = "exponentials of 11.1 and more are inf"
_REDUCTIONS = frozenset({"sum", "mean"})
# made by these a number is of moderate size, whatever its range says
_MODERATE = frozenset({"batch_norm", "randn", "normalize", "log_softmax"})


def loss_in_half(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """Sums and means of squares, variances, squared errors and exponentials, of operands that are visibly float16."""
    for use in facts.uses({*_REDUCTIONS, "var", "mse_loss", "exp"}):
        if use.result.dtype is not DType.FLOAT16 or use.framework in ("numpy", "python"):
            continue
        if any("dtype" in keyword for keyword in use.node.keywords):
            continue  # the format was thought of
        name = use.operation.name
        term = _operand(use)
        if term is None or not _overflows(facts, term, log(_LARGEST) if name == "exp" else sqrt(_LARGEST)):
            continue
        trouble = _trouble(facts, use, _EXPONENTIALS if name == "exp" else _SQUARES)
        if trouble is not None:
            yield finding(card, facts, use, trouble, repair=upcast(facts, use, term), covers=use.result.term)


def _operand(use: Use) -> Term | None:
    """What is squared or exponentiated."""
    value = use.values.get("x")
    if value is None or value.term is None or value.dtype is not DType.FLOAT16:
        return None
    return squared(peel(value.term)) if use.operation.name in _REDUCTIONS else value.term


def _overflows(facts: Facts, term: Term, limit: float) -> bool:
    """May its numbers be so large? Not where they are bounded, or normalised."""
    value = facts.value_of_term(term)
    if value is None or value.dtype is not DType.FLOAT16 or peel(term).head in _MODERATE:
        return False
    return value.range.hi > limit or (limit > log(_LARGEST) and value.range.lo < -limit)


def _trouble(facts: Facts, use: Use, what: str) -> Trouble | None:
    """Only where the result is passed on."""
    size = Value(Range(0.0, float("inf")), Kind.TENSOR, Grounds.KNOWN)
    found = facts.trouble(replace(use, values={"size": size}), Hazard("size", Range(0.0, _LARGEST)))
    return None if found is None else Trouble(Evidence.POSSIBLE, what)
