"""A mask value that is finite: the least number of the type instead of -inf."""

from __future__ import annotations

from math import inf

from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Apply, Attribute, Expr, Name
from nanlint.ops.operation import Form
from nanlint.repair.edits import Repair
from nanlint.repair.frameworks import library
from nanlint.values.value import Term


def finite_minimum(facts: Facts, use: Use, masked: Term) -> Repair | None:
    """`torch.finfo(scores.dtype).min` where the mask was filled with -inf."""
    made = facts.producer(masked, use)
    if (
        made is None
        or not facts.is_own(made)
        or made.spelling.form
        not in (
            Form.FUNCTION,
            Form.METHOD,
            Form.INPLACE,
        )
    ):
        return None
    found = _filled(facts, made)
    function = library(facts, use, "finfo")
    if found is None or function is None:
        return None
    scores, value = found
    text = f"{function.call(f'{facts.text(scores)}.dtype')}.min"
    return Repair(Applicability.UNSAFE, "mask with the least finite number", ((value, text),), function.imports)


def _filled(facts: Facts, made: Apply) -> tuple[Expr, Expr] | None:
    """The scores that are masked, by name, and the -inf."""
    arms = [made.operands.get(name) for name in ("x", "y", "value")]
    values = [arm for arm in arms if arm is not None and _is_minus_infinity(facts, arm)]
    scores = [arm for arm in arms if arm is not None and arm not in values and isinstance(arm, Name | Attribute)]
    return (scores[0], values[0]) if len(values) == 1 and len(scores) == 1 else None


def _is_minus_infinity(facts: Facts, node: Expr) -> bool:
    value = facts.value_of(node)
    return value is not None and value.constant == -inf
