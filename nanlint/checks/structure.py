"""Walking a program as it is written, for rules about its shape rather than its values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nanlint.ir import nodes


def scopes(body: Sequence[nodes.Stmt]) -> Iterator[tuple[nodes.FunctionDef | None, list[nodes.Stmt]]]:
    """The statements of a module, then those of each function and method in it, nested ones too."""
    yield None, list(body)
    for function in _functions(body):
        yield function, function.body


def _functions(body: Sequence[nodes.Stmt]) -> Iterator[nodes.FunctionDef]:
    for statement in body:
        if isinstance(statement, nodes.FunctionDef):
            yield statement
        for block in blocks(statement, definitions=True):
            yield from _functions(block)


def blocks(statement: nodes.Stmt, *, definitions: bool = False) -> Iterator[Sequence[nodes.Stmt]]:
    """The statement lists inside a compound statement; inside functions and classes only if asked."""
    if definitions or not isinstance(statement, nodes.FunctionDef | nodes.ClassDef):
        yield from nodes.blocks_of(statement)


def statements(body: Sequence[nodes.Stmt]) -> Iterator[nodes.Stmt]:
    """The statements of one scope, those inside others included, in order."""
    for statement in body:
        yield statement
        for block in blocks(statement):
            yield from statements(block)


def expressions(statement: nodes.Stmt) -> Iterator[nodes.Expr]:
    """The expressions that a statement itself holds, and their parts."""
    if isinstance(statement, nodes.FunctionDef | nodes.ClassDef):
        return
    for name in ("value", "test", "iter", "subject", "targets", "parts"):
        yield from _inside(getattr(statement, name, None))
    for item in getattr(statement, "items", ()):
        yield from _inside(item[0])


def parts(expr: nodes.Expr) -> Iterator[nodes.Expr]:
    """An expression and everything in it."""
    yield expr
    for name in getattr(type(expr), "__dataclass_fields__", ()):
        if name not in ("origin", "spelling", "params", "args" if isinstance(expr, nodes.Apply) else ""):
            yield from _inside(getattr(expr, name))


def _inside(content: Any) -> Iterator[nodes.Expr]:
    if isinstance(content, nodes.Expr):
        yield from parts(content)
    elif isinstance(content, dict):
        yield from _inside(tuple(content.values()))
    elif isinstance(content, tuple):
        for each in content:
            yield from _inside(each)


def key_of(expr: nodes.Expr) -> str | None:
    """`model` or `self.model`: the name a value is kept under."""
    if isinstance(expr, nodes.Name):
        return expr.id if expr.path is None else None
    return expr.key if isinstance(expr, nodes.Attribute) and expr.path is None else None


def names_in(expr: nodes.Expr) -> set[str]:
    """The variables and dotted attributes that an expression reads."""
    return {key for part in parts(expr) if (key := key_of(part)) is not None}


def targets_of(statement: nodes.Stmt) -> Iterator[str]:
    """The names that an assignment binds."""
    for target in getattr(statement, "targets", ()) if isinstance(statement, nodes.Assign) else ():
        for part in target.items if isinstance(target, nodes.Display) else (target,):
            if (key := key_of(part)) is not None:
                yield key
