"""Initial values where memory has none."""

from __future__ import annotations

import re

from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.memory import Fault, Uninitialised
from nanlint.ir import nodes
from nanlint.repair.edits import Repair

# the function's name in `torch.empty(3)`, `x.new_empty(3)`, `empty_like(x)`
_EMPTY = re.compile(r"\A[\w.\s()]*?\b(?:new_)?(empty)(?:_like)?(?=\s*\()")
_STD = "0.02"


def initialise(facts: Facts, found: Uninitialised) -> Repair | None:
    """What is added to begins with zeros; a matrix of weights with small random numbers, a bias with zeros."""
    node = found.site.node
    text = facts.text(node)
    name = found.name or ""
    if "requires_grad" in node.keywords:
        return None  # a leaf that is trained must not be changed in place
    if found.fault is Fault.ADDED_TO and not found.is_attribute:
        match = _EMPTY.match(text)
        zeros = f"{text}.zero_()" if match is None else f"{text[: match.start(1)]}zeros{text[match.end(1) :]}"
        return Repair(Applicability.UNSAFE, "begin with zeros", ((node, zeros),))
    if found.fault is Fault.NEVER_WRITTEN and found.is_attribute and found.site.trained:
        if name.endswith("bias"):
            return Repair(Applicability.UNSAFE, "begin with zeros", ((node, f"{text}.zero_()"),))
        if _is_matrix(node):
            message = f"begin with normal numbers of deviation {_STD}"
            return Repair(Applicability.UNSAFE, message, ((node, f"{text}.normal_(std={_STD})"),))
    return None


def _is_matrix(node: nodes.Apply | nodes.Call) -> bool:
    """Does it have more than one dimension, as far as one can see?"""
    sizes = node.args
    if len(sizes) == 1 and isinstance(sizes[0], nodes.Display):
        sizes = sizes[0].items
    return len(sizes) > 1 and not any(isinstance(size, nodes.Starred) for size in sizes)
