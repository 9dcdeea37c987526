"""The double `where`: the operand is replaced by a harmless number wherever its result is not chosen."""

from __future__ import annotations

from collections.abc import Sequence

from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.apply import FRESH
from nanlint.flow.uses import Guard, Use
from nanlint.ir import nodes
from nanlint.ops.elementwise import ELEMENTWISE
from nanlint.ops.operation import Form, Operation
from nanlint.repair.edits import Repair
from nanlint.repair.frameworks import library
from nanlint.repair.precedence import as_argument
from nanlint.values.interval import ANY, REAL, Range
from nanlint.values.value import DType

_ELEMENTWISE = frozenset(operation.name for operation in ELEMENTWISE)
# beyond 0 these are NaN, but their gradient, 1 / x, is finite: 0 times it is 0
_LOGARITHMS = frozenset({"log", "log2", "log10"})
_HARMLESS = (1, 0, 2, 0.5)

_LONGEST_CONDITION = 60


def gradient_range(operation: Operation) -> Range:
    """Where the gradient of the operation is finite. Outside, 0 times it is NaN."""
    hazard = operation.hazard
    if hazard is None:
        return ANY
    if operation.name in _LOGARITHMS:
        return REAL.without_zero()
    return hazard.smooth if hazard.smooth is not None else hazard.safe


def double_where(facts: Facts, use: Use, guards: Sequence[Guard]) -> Repair | None:
    """`where(c, log(x), y)` → `where(c, log(where(c, x, 1)), y)`."""
    hazard = use.operation.hazard
    if hazard is None or use.node.spelling.form in (Form.INPLACE, Form.MODULE) or use.node.extras:
        return None
    node = use.node.operands[hazard.operand]
    guard = next((guard for guard in reversed(guards) if _protects(facts, use, node, guard)), None)
    if guard is None or not leads_to(guard.arm, use.node) or not _is_plain(facts, guard.condition):
        return None
    safe = (hazard.smooth or hazard.safe).meet(hazard.safe)
    harmless = next((number for number in _HARMLESS if safe.contains(number)), None)
    function = library(facts, use, "where")
    if harmless is None or function is None:
        return None
    arms = (as_argument(facts.text(node)), str(harmless))
    text = function.call(as_argument(facts.text(guard.condition)), *(arms if guard.truth else arms[::-1]))
    return Repair(Applicability.SAFE, "double `where`", ((node, text),), function.imports)


def _protects(facts: Facts, use: Use, node: nodes.Expr, guard: Guard) -> bool:
    """Is this condition enough by itself?"""
    hazard = use.operation.hazard
    inside = facts.value_if(node, use, guard.term, guard.truth)
    if hazard is None or inside is None:
        return False
    known = inside.range.with_nan(False)
    return known <= hazard.safe or known <= gradient_range(use.operation)


def leads_to(expr: nodes.Expr, wanted: nodes.Apply) -> bool:
    """Is `wanted` part of `expr`, with nothing between them that brings elements together?"""
    if not isinstance(expr, nodes.Apply):
        return False
    if expr.operands is wanted.operands:  # the same place, whatever a check has learned of the operation
        return True
    if expr.spelling.operation.name not in _ELEMENTWISE:
        return False
    if expr.spelling.form is Form.INPLACE or expr.extras:
        return False
    return any(leads_to(operand, wanted) for operand in expr.operands.values())


def _is_plain(facts: Facts, condition: nodes.Expr) -> bool:
    """Short, and the same when it is computed a second time."""
    text = facts.text(condition)
    value = facts.value_of(condition)
    boolean = value is not None and value.dtype is DType.BOOLEAN
    return boolean and "\n" not in text and len(text) <= _LONGEST_CONDITION and _is_pure(condition)


def _is_pure(expr: nodes.Expr) -> bool:
    if isinstance(expr, nodes.Apply):
        changes = expr.spelling.form is Form.INPLACE or expr.spelling.operation.name in FRESH
        return not changes and not expr.extras and all(map(_is_pure, expr.operands.values()))
    if isinstance(expr, nodes.Compare):
        return all(map(_is_pure, (expr.left, *(right for _, right in expr.links))))
    if isinstance(expr, nodes.Not):
        return _is_pure(expr.operand)
    if isinstance(expr, nodes.Subscript):
        return all(map(_is_pure, (expr.base, *expr.index)))
    if isinstance(expr, nodes.Slice):
        return all(part is None or _is_pure(part) for part in expr.parts)
    if isinstance(expr, nodes.Attribute):
        return _is_pure(expr.base)
    return isinstance(expr, nodes.Constant | nodes.Name)
