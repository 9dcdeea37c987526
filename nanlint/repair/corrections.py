"""Deviations without Bessel's correction."""

from __future__ import annotations

from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.uses import Use
from nanlint.ops.operation import Form
from nanlint.repair.edits import Repair


def without_correction(facts: Facts, use: Use) -> Repair | None:
    """`x.std(0)` → `x.std(0, unbiased=False)`."""
    node = use.node
    if use.framework != "torch" or node.spelling.form not in (Form.FUNCTION, Form.METHOD):
        return None
    message = "divide by n instead of n - 1"
    for name, harmless in (("unbiased", "False"), ("correction", "0"), ("ddof", "0")):
        if name in node.keywords:
            return Repair(Applicability.UNSAFE, message, ((node.keywords[name], harmless),))
    text = facts.text(node)
    dim = use.values.get("dim")
    flagged = (
        dim is not None and dim.term is not None and dim.term.head == "const" and isinstance(dim.term.args[0], bool)
    )
    if "unbiased" in node.operands or flagged or not text.endswith(")"):
        return None
    head = text[:-1].rstrip().removesuffix(",")
    separator = "" if head.endswith("(") else ", "
    return Repair(Applicability.UNSAFE, message, ((node, f"{head}{separator}unbiased=False)"),))
