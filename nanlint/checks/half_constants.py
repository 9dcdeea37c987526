"""Constants that float16 cannot hold: it ends at 65504."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite, isinf

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow.uses import Use
from nanlint.ops.operation import Hazard
from nanlint.repair.halves import fitting
from nanlint.values.interval import FINITE, Range
from nanlint.values.rounding import round_to
from nanlint.values.value import DType, Grounds, Kind, Value
from nanlint.weighing import Trouble

# torch converts these constants to the format of the tensor, and refuses
_REFUSING = {"masked_fill": "value", "fill": "value", "full": "value", "clamp": "min max"}
# of these the result is infinite, or the constant itself
_OVERFLOWING = {"add": "x y", "sub": "x y", "mul": "x y", "where": "x y", "tensor": "x"}
_NUMBERS = {**_REFUSING, **_OVERFLOWING}


def half_overflow_constant(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """A finite constant beyond 65504 that meets a float16 tensor."""
    for use in facts.uses(_NUMBERS):
        if use.result.dtype is not DType.FLOAT16 or use.framework == "python":
            continue
        for name in _NUMBERS[use.operation.name].split():
            value, node = use.values.get(name), use.node.operands.get(name)
            if value is None or node is None or not _is_too_large(value):
                continue
            trouble = _trouble(facts, use, value)
            if trouble is not None:
                yield finding(card, facts, use, trouble, operand=node, repair=fitting(facts, use, node, value))


def _is_too_large(value: Value) -> bool:
    """Is it a number, written down in this program, that becomes infinite? Of machine limits the dtype is not sure."""
    size = value.constant
    written = value.term is not None and value.term.head == "const"
    return written and size is not None and value.is_scalar and isfinite(size) and isinf(round_to(size, DType.FLOAT16))


def _trouble(facts: Facts, use: Use, value: Value) -> Trouble | None:
    size = Value(value.range, Kind.TENSOR, Grounds.KNOWN)
    found = facts.trouble(replace(use, values={"size": size}), Hazard("size", Range(-65504.0, 65504.0).meet(FINITE)))
    if found is None:
        return None
    name = use.operation.name
    if name in _REFUSING and use.framework == "torch":
        return Trouble(Evidence.CERTAIN, f"does not fit into float16: {name} raises an error")
    return Trouble(Evidence.POSSIBLE, f"is {'-' if value.range.lo < 0 else ''}inf in float16")
