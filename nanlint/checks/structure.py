"""Programs as they are written, for rules about their shape rather than their values: scopes and names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nanlint.ir import nodes
from nanlint.ir.walk import all_statements, parts


def scopes(body: Sequence[nodes.Stmt]) -> Iterator[tuple[nodes.FunctionDef | None, list[nodes.Stmt]]]:
    """The statements of a module, then those of each function and method in it, nested ones too."""
    yield None, list(body)
    for statement in all_statements(body):
        if isinstance(statement, nodes.FunctionDef):
            yield statement, statement.body


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
