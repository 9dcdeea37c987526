"""Repairs for half precision: a constant that fits, or the operand in float32. They change numbers: unsafe."""

from __future__ import annotations

from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Expr, Name
from nanlint.repair.edits import Repair
from nanlint.repair.frameworks import library
from nanlint.values.value import DType, Value

# where the constant is added to something, the largest number would overflow with the next step
_ADDED = frozenset({"add", "sub", "mul"})
_ENOUGH = "1e4"


def fitting(facts: Facts, use: Use, node: Expr, value: Value) -> Repair | None:
    """The largest number of the format instead of a constant beyond it; 1e4 where it is added to something."""
    negative = value.range.lo < 0
    if use.operation.name in _ADDED:
        text = ("-" if negative else "") + _ENOUGH
        return Repair(Applicability.UNSAFE, f"use {text}", ((node, text),))
    finfo = library(facts, use, "finfo")
    dtype = _dtype_text(facts, use)
    if finfo is None or dtype is None:
        return None
    text = f"{finfo.call(dtype)}.{'min' if negative else 'max'}"
    return Repair(Applicability.UNSAFE, f"use `{text}`", ((node, text),), finfo.imports)


def _dtype_text(facts: Facts, use: Use) -> str | None:
    """`x.dtype` of a variable, else the dtype itself."""
    for name in ("x", "y"):
        node, value = use.node.operands.get(name), use.values.get(name)
        if isinstance(node, Name) and value is not None and value.dtype is DType.FLOAT16 and not value.is_scalar:
            return f"{facts.text(node)}.dtype"
    written = library(facts, use, "float16")
    return None if written is None else written.text
