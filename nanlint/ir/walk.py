"""Walking the IR as it is written: the statements of a program, and the expressions in them, each once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nanlint.ir.nodes import Apply, Attribute, ClassDef, Expr, FunctionDef, Stmt

# --- statements ------------------------------------------------------------------------------------------------


def blocks_of(statement: Stmt) -> Iterator[list[Stmt]]:
    """The statement lists inside a compound statement, a function or a class."""
    for part in ("body", "orelse", "final"):
        yield getattr(statement, part, [])
    for part in ("handlers", "cases"):
        for arm in getattr(statement, part, ()):
            yield arm.body


def own_blocks(statement: Stmt) -> Iterator[list[Stmt]]:
    """Those of a compound statement alone: functions and classes begin scopes of their own."""
    return iter(()) if isinstance(statement, FunctionDef | ClassDef) else blocks_of(statement)


def statements(body: Sequence[Stmt]) -> Iterator[Stmt]:
    """The statements of one scope, those inside others included, in order."""
    for statement in body:
        yield statement
        for block in own_blocks(statement):
            yield from statements(block)


def all_statements(body: Sequence[Stmt]) -> Iterator[Stmt]:
    """The same, those of the functions and classes inside included."""
    for statement in body:
        yield statement
        for block in blocks_of(statement):
            yield from all_statements(block)


# --- expressions -----------------------------------------------------------------------------------------------


def expressions(statement: Stmt) -> Iterator[Expr]:
    """The expressions that a statement itself holds, and their parts: values before what they are bound to."""
    if not isinstance(statement, FunctionDef | ClassDef):
        for name in ("value", "test", "iter", "subject", "targets", "target", "parts", "items"):
            for expr in _inside(getattr(statement, name, None)):
                yield from parts(expr)


def parts(expr: Expr) -> Iterator[Expr]:
    """An expression and everything in it. The method that an application calls is named, and its receiver is an
    operand."""
    yield expr
    if isinstance(expr, Apply) and expr.callee is not None:
        yield expr.callee
    for child in children(expr):
        yield from parts(child)


def children(expr: Expr) -> Iterator[Expr]:
    """The direct sub-expressions."""
    if isinstance(expr, Apply):
        if isinstance(expr.callee, Attribute) and expr.callee.base not in expr.operands.values():
            yield expr.callee.base  # `x.new_tensor(3.0)` takes no number from x
        yield from expr.operands.values()
        yield from expr.extras
        return
    for name in expr.__dataclass_fields__:
        if name not in ("origin", "params"):
            yield from _inside(getattr(expr, name))


def _inside(content: Any) -> Iterator[Expr]:
    if isinstance(content, Expr):
        yield content
    elif isinstance(content, dict):
        yield from _inside(tuple(content.values()))
    elif isinstance(content, tuple):
        for each in content:
            yield from _inside(each)
