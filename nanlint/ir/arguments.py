"""Binding the arguments of a call to the canonical operands of an operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from nanlint.ir.nodes import Expr, Starred
from nanlint.ops import spellings
from nanlint.ops.operation import Form, Spelling

# keywords that change the numbers in ways no operation of ours knows; all other unknown ones (out=, device=, name=)
# say nothing about them
_CHANGING = frozenset(
    {"alpha", "decimals", "negative_slope", "max_value", "threshold", "weights", "initial", "where", "b", "return_sign"}
)


def bind(spelling: Spelling, positional: Sequence[Expr], keywords: Mapping[str, Expr]) -> dict[str, Expr] | None:
    """Operand name → expression, or None where the call does not fit the spelling (it is something else then)."""
    operands: dict[str, Expr] = {}
    positions = spelling.positions
    for at, value in enumerate(positional):
        if at >= len(positions):
            if positions and positions[-1] == "*":
                break
            return None
        if isinstance(value, Starred):
            return None
        if positions[at] not in ("_", "*"):
            operands[positions[at]] = value
    if any(keyword in _CHANGING and keyword not in spelling.keywords for keyword in keywords):
        return None
    for keyword, value in keywords.items():
        operand = spelling.keywords.get(keyword)
        if operand is not None and operand != "_":
            operands[operand] = value
    return operands if all(name in operands for name in _needed(spelling)) else None


def _needed(spelling: Spelling) -> Sequence[str]:
    """The operands without which there is nothing to compute: `int()` and `x.add()` are something else. A layer gets
    its x later, and `where` may do with its condition."""
    names = spelling.operation.operands
    if spelling.form is Form.MODULE or names[:1] != ("x",):
        return ()
    return [name for name in names[: 2 if names[1:2] == ("y",) else 1] if name in spelling.positions]


@cache
def _method(name: str) -> Spelling | None:
    return spellings.method(name)


# methods that other objects have too (loggers, dicts, strings): only without further arguments are they tensor's
_AMBIGUOUS = frozenset({"log", "exp", "log10", "log2", "sqrt", "abs"})


def receiver_method(name: str, positional: Sequence[Expr]) -> Spelling | None:
    """The tensor method of this name, unless the call plainly is something else (`self.log("loss", x)`)."""
    if name in _AMBIGUOUS and positional:
        return None
    return _method(name)
