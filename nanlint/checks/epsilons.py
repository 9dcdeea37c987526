"""Epsilons that do nothing: lost beside 1, below the resolution of a bound, or 0 in half precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.reckoning import Reckoning
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow.uses import Use
from nanlint.ops.operation import Hazard
from nanlint.repair.epsilons import Lost, effective, larger_argument, short
from nanlint.values.interval import Range
from nanlint.values.rounding import round_to
from nanlint.values.value import DType, Grounds, Kind, Value
from nanlint.weighing import Trouble

_OPERATIONS = frozenset(
    {"log", "log2", "log10", "log1p", "logit", "div", "reciprocal", "sqrt", "rsqrt", "acos", "asin", "atanh"}
)
# torch divides by max(norm, eps) in the format of the operand; layer norm and its kin reckon in float32
_NORMALISING = frozenset({"normalize", "cosine_similarity"})
_DOUBLE = frozenset({"numpy", "python"})


def ineffective_epsilon(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """A small constant that on paper keeps an operand from its bad point, and in floats does not."""
    for use in facts.uses(_OPERATIONS):
        hazard = use.operation.hazard
        value = None if hazard is None else use.values.get(hazard.operand)
        if hazard is None or value is None or value.term is None or value.is_scalar or use.framework in _DOUBLE:
            continue
        found = _lost_before(facts, use, value, hazard)
        if found is not None:
            trouble, lost = found
            repair = effective(facts, use, lost)
            operand = use.node.operands.get(hazard.operand)
            yield finding(
                card, facts, use, trouble, operand=operand, reasons=value, repair=repair, covers=use.result.term
            )
    for use in facts.uses(_NORMALISING):
        vanishing = _vanishing_argument(facts, use)
        if vanishing is not None:
            yield finding(card, facts, use, vanishing, repair=larger_argument(facts, use), covers=use.result.term)


def _lost_before(facts: Facts, use: Use, value: Value, hazard: Hazard) -> tuple[Trouble, Sequence[Lost]] | None:
    """The trouble that the lost constants were to prevent, and where they stand."""
    assert value.term is not None
    reckoning = Reckoning(facts, value.dtype)
    lost = list(reckoning.lost(value.term))
    if not lost:
        return None
    stored = reckoning.stored(value.term)
    left = stored.meet(value.range.with_nan(False))  # conditions may have told more
    supposed = replace(value, range=stored if left.is_empty else left, grounds=max(value.grounds, Grounds.KNOWN))
    trouble = facts.trouble(replace(use, values={**use.values, hazard.operand: supposed}))
    if trouble is None:
        return None
    wanted = hazard.smooth if trouble.gradient_only and hazard.smooth is not None else hazard.safe
    if not reckoning.exact(value.term) <= wanted:
        return None
    where = f", where the gradient of {use.operation.name} is infinite" if trouble.gradient_only else ""
    return Trouble(trouble.evidence, f"{_bad_point(trouble, stored)}{where}: {lost[0]}"), lost


def _bad_point(trouble: Trouble, stored: Range) -> str:
    """What the operand may be: 0 for most, 1 for an arc cosine."""
    if trouble.what[:1].isalpha() and trouble.what.startswith("outside"):
        ends = [end for end in (stored.lo, stored.hi) if abs(end) == 1]
        return " or ".join(map(short, ends)) or trouble.what
    return trouble.what


def _vanishing_argument(facts: Facts, use: Use) -> Trouble | None:
    """`F.normalize(x.half())`: its eps, given or not, is 0 in float16, and a vector of zeros is divided by 0."""
    x, eps = use.values.get("x"), use.values.get("eps")
    size = None if eps is None else eps.constant
    if x is None or size is None or x.dtype is not DType.FLOAT16 or round_to(size, x.dtype) != 0:
        return None
    norm = Value(Range(0.0, x.range.hi), Kind.TENSOR, Grounds.KNOWN, dtype=x.dtype)
    hazard = Hazard("norm", Range(0.0, lo_open=True))
    trouble = facts.trouble(replace(use, values={"norm": norm}), hazard)
    if trouble is None:
        return None
    return Trouble(Evidence.POSSIBLE, f"0 / 0: its `eps`, {short(size)}, is 0 in float16")
