"""Deviations without Bessel's correction."""

from __future__ import annotations

from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.uses import Use
from nanlint.ops.operation import Form
from nanlint.ops.terms import literal
from nanlint.repair.edits import Repair
from nanlint.values.value import Value


def without_correction(facts: Facts, use: Use) -> Repair | None:
    """`x.std(0)` → `x.std(0, unbiased=False)`."""
    node = use.node
    if use.framework != "torch" or node.spelling.form not in (Form.FUNCTION, Form.METHOD):
        return None
    message = "divide by n instead of n - 1"
    for name, harmless in (("correction", "0"), ("ddof", "0"), ("unbiased", "False")):
        written = node.keywords.get(name) or (node.operands.get(name) if name == "unbiased" else None)
        if written is not None:
            return Repair(Applicability.UNSAFE, message, ((written, harmless),))
    text = facts.text(node)
    if _is_flag(use.values.get("dim")) or not text.endswith(")"):
        return None
    head = text[:-1].rstrip().removesuffix(",")
    separator = "" if head.endswith("(") else ", "
    return Repair(Applicability.UNSAFE, message, ((node, f"{head}{separator}unbiased=False)"),))


def _is_flag(dim: Value | None) -> bool:
    """Is it `x.std(True)`?"""
    return dim is not None and dim.term is not None and isinstance(literal(dim.term), bool)
