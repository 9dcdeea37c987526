"""Which names are imports, which are variables: Python's scoping, resolved in one pass over the statements."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator

_BUILTINS = frozenset(dir(builtins))

# names that mean one library everywhere, also when they are imported from the project's own modules
CONVENTIONAL = {
    "K": "keras.backend",
    "tf": "tensorflow",
    "np": "numpy",
    "jnp": "jax.numpy",
    "torch": "torch",
}


class Scope:
    """The names of one module, function or class body.

    A name that a scope imports stands for the imported path even if it is also assigned there
    (`try: import numpy as np / except ImportError: np = None`).
    """

    __slots__ = ("bound", "imports", "is_class", "parent", "stars")

    def __init__(self, parent: Scope | None, *, is_class: bool = False) -> None:
        self.parent = parent
        self.is_class = is_class
        self.bound: set[str] = set()
        self.imports: dict[str, str] = {}
        self.stars: list[str] = []  # what `from path import *` takes its names from, with a dot at the end

    def resolve(self, name: str) -> str | None:
        """The dotted path `name` was imported as, `builtins.NAME` for a builtin, None for a variable."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.imports:
                return scope.imports[name]
            if name in scope.bound:
                return None
            scope = scope.parent
            while scope is not None and scope.is_class:  # a method does not see its class's names
                scope = scope.parent
        return f"builtins.{name}" if name in _BUILTINS else None


def collect(body: Iterable[ast.stmt], scope: Scope) -> None:
    """Enter everything that the statements of one scope bind into `scope`."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            scope.bound.add(statement.name)
            continue
        for target in _targets(statement):
            scope.bound.update(bound_names(target))
        scope.bound.update(handler.name for handler in getattr(statement, "handlers", ()) if handler.name is not None)
        if isinstance(statement, ast.Import):
            scope.imports.update(_import_bindings(statement))
        elif isinstance(statement, ast.ImportFrom):
            _collect_from(statement, scope)
        for block in _blocks(statement):
            collect(block, scope)


def _targets(statement: ast.stmt) -> Iterable[ast.expr]:
    """What a statement itself assigns to, apart from the statements inside it."""
    if isinstance(statement, ast.Assign):
        return statement.targets
    if isinstance(statement, ast.AnnAssign | ast.AugAssign | ast.For | ast.AsyncFor):
        return (statement.target,)
    if isinstance(statement, ast.With | ast.AsyncWith):
        return (item.optional_vars for item in statement.items if item.optional_vars is not None)
    return ()


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The statement lists inside a compound statement, in order."""
    if isinstance(statement, ast.Match):
        yield from (case.body for case in statement.cases)
        return
    yield getattr(statement, "body", [])
    yield from (handler.body for handler in getattr(statement, "handlers", ()))
    yield getattr(statement, "orelse", [])
    yield getattr(statement, "finalbody", [])


def bound_names(target: ast.expr) -> Iterator[str]:
    """The variables an assignment target binds (attributes and subscripts bind none)."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from bound_names(element)
    elif isinstance(target, ast.Starred):
        yield from bound_names(target.value)


def _import_bindings(node: ast.Import) -> Iterator[tuple[str, str]]:
    for alias in node.names:
        top = alias.name.partition(".")[0]
        yield (top, top) if alias.asname is None else (alias.asname, alias.name)


def _collect_from(node: ast.ImportFrom, scope: Scope) -> None:
    """Enter what `from .pkg import a, b as c` binds."""
    prefix = "." * node.level + (f"{node.module}." if node.module else "")
    for alias in node.names:
        path = prefix + alias.name
        if alias.name == "*":
            scope.stars.append(prefix)
        elif alias.asname is None:
            # a re-export under a conventional name: `from mylib.backend import K`
            scope.imports[alias.name] = CONVENTIONAL.get(alias.name, path)
        elif alias.asname == "K" and alias.name == "backend":  # Keras's own, from inside of it and of what forks it
            scope.imports["K"] = CONVENTIONAL["K"]
        else:
            scope.imports[alias.asname] = path
