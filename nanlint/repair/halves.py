"""Repairs for half precision: a constant that fits, or the operand in float32. They change numbers: unsafe."""

from __future__ import annotations

from collections.abc import Iterator

from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.state import State
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Apply, Call, Expr, Name
from nanlint.ops.operation import Form
from nanlint.repair.edits import Repair
from nanlint.repair.frameworks import library, written
from nanlint.repair.precedence import as_primary
from nanlint.values.value import DType, Term, Value

# where the constant is added to something, the largest number would overflow with the next step
_ADDED = frozenset({"add", "sub", "mul"})
_ENOUGH = "1e4"
_SUMS = frozenset({"add", "sub"})


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
    dtype = library(facts, use, "float16")
    return None if dtype is None else dtype.text


def in_bfloat16(facts: Facts, call: Call) -> Repair | None:
    """`autocast(…, dtype=torch.bfloat16)`, which needs no scaler."""
    dtype = written(facts, "bfloat16", "torch", State({}))
    if dtype is None:
        return None
    given = call.keywords.get("dtype") or (call.args[1] if len(call.args) > 1 else None)
    message = f"use `{dtype.text}`, which has the range of float32"
    if given is not None:
        return Repair(Applicability.UNSAFE, message, ((given, dtype.text),), dtype.imports)
    return with_argument(facts, call, f"dtype={dtype.text}", message)


def with_argument(facts: Facts, call: Expr, argument: str, message: str) -> Repair | None:
    """A call with one more argument at its end."""
    text = facts.text(call)
    inside = text[:-1].rstrip()
    if not text.endswith(")") or inside.endswith(",") or "\n" in text:
        return None
    separator = "" if inside.endswith("(") else ", "
    return Repair(Applicability.UNSAFE, message, ((call, f"{inside}{separator}{argument})"),))


def larger_epsilon(facts: Facts, call: Call) -> Repair | None:
    """`eps=1e-4` for an optimiser of float16 parameters."""
    given = call.keywords.get("eps")
    if given is not None:
        return Repair(Applicability.UNSAFE, "enlarge to 1e-4", ((given, "1e-4"),))
    if len(call.args) > 3:  # positional arguments up to eps: not to be counted here
        return None
    return with_argument(facts, call, "eps=1e-4", "give `eps=1e-4`")


def upcast(facts: Facts, use: Use, term: Term) -> Repair | None:
    """`.float()` behind what is squared or exponentiated."""
    made = [use.node, facts.producer(use.values["x"].term, use)] if use.values["x"].term is not None else []
    node = next(
        (
            operand
            for each in made
            if each is not None
            for operand in each.operands.values()
            if facts.term_of(operand) is term
        ),
        None,
    )
    if node is None or use.framework != "torch" or facts.chain:
        return None
    nodes = list(_halves_in(facts, node))
    other = use.node.operands.get("y")
    if use.operation.name == "mse_loss" and other is not None and use.values["y"].dtype is DType.FLOAT16:
        nodes += _halves_in(facts, other)
    replaced = tuple((each, f"{as_primary(facts.text(each))}.float()") for each in nodes)
    return Repair(Applicability.UNSAFE, "compute it in float32", replaced)


def _halves_in(facts: Facts, node: Expr) -> Iterator[Expr]:
    """Where to convert: the operands of a sum or difference, so that it is computed in float32 too."""
    if isinstance(node, Apply) and node.spelling.form is Form.OPERATOR and node.spelling.operation.name in _SUMS:
        values = [facts.value_of(operand) for operand in node.operands.values()]
        if all(value is not None and value.dtype is DType.FLOAT16 for value in values):
            for operand in node.operands.values():
                yield from _halves_in(facts, operand)
            return
    yield node
