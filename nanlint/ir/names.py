"""Which names are imports, which are variables: Python's scoping, resolved in one pass over the statements."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator

import libcst as cst

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


def collect(body: Iterable[cst.BaseStatement | cst.BaseSmallStatement], scope: Scope) -> None:
    """Enter everything that the statements of one scope bind into `scope`."""
    for statement in body:
        if isinstance(statement, cst.SimpleStatementLine):
            for small in statement.body:
                _collect_small(small, scope)
        else:
            _collect_compound(statement, scope)


def _collect_small(node: cst.BaseSmallStatement | cst.BaseStatement, scope: Scope) -> None:
    if isinstance(node, cst.Assign):
        for target in node.targets:
            scope.bound.update(bound_names(target.target))
    elif isinstance(node, cst.AnnAssign | cst.AugAssign):
        scope.bound.update(bound_names(node.target))
    elif isinstance(node, cst.Import):
        scope.imports.update(_import_bindings(node))
    elif isinstance(node, cst.ImportFrom):
        if isinstance(node.names, cst.ImportStar):
            scope.stars.append(_prefix(node))
        scope.imports.update(_from_bindings(node))


def _collect_compound(node: cst.BaseStatement | cst.BaseSmallStatement, scope: Scope) -> None:
    if isinstance(node, cst.FunctionDef | cst.ClassDef):
        scope.bound.add(node.name.value)
        return
    if isinstance(node, cst.For):
        scope.bound.update(bound_names(node.target))
    elif isinstance(node, cst.With):
        for item in node.items:
            if item.asname is not None:
                scope.bound.update(bound_names(item.asname.name))
    elif isinstance(node, cst.Try | cst.TryStar):
        for handler in node.handlers:
            if handler.name is not None:
                scope.bound.update(bound_names(handler.name.name))
    elif not isinstance(node, cst.If | cst.While | cst.Match | cst.Else | cst.Finally):
        _collect_small(node, scope)
        return
    for block in blocks_of(node):
        collect(block, scope)


def blocks_of(node: cst.CSTNode) -> Iterator[Iterable[cst.BaseStatement | cst.BaseSmallStatement]]:
    """The statement lists inside a compound statement, in order."""
    if isinstance(node, cst.Match):
        for case in node.cases:
            yield case.body.body
        return
    body = getattr(node, "body", None)
    if isinstance(body, cst.BaseSuite):
        yield body.body
    for handler in getattr(node, "handlers", ()):
        yield handler.body.body
    for part in ("orelse", "finalbody"):
        inner = getattr(node, part, None)
        if isinstance(inner, cst.If):
            yield (inner,)
        elif inner is not None:
            yield inner.body.body


def bound_names(target: cst.CSTNode) -> Iterator[str]:
    """The variables an assignment target binds (attributes and subscripts bind none)."""
    if isinstance(target, cst.Name):
        yield target.value
    elif isinstance(target, cst.Tuple | cst.List):
        for element in target.elements:
            yield from bound_names(element.value)
    elif isinstance(target, cst.StarredElement):
        yield from bound_names(target.value)


def dotted(node: cst.CSTNode) -> str:
    """`a.b.c` of a chain of names, as written in an import statement."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if isinstance(node, cst.Name):
        parts.append(node.value)
    return ".".join(reversed(parts))


def _import_bindings(node: cst.Import) -> Iterator[tuple[str, str]]:
    for alias in node.names:
        path = dotted(alias.name)
        if alias.asname is not None:
            for name in bound_names(alias.asname.name):
                yield name, path
        else:
            top = path.partition(".")[0]
            yield top, top


def _prefix(node: cst.ImportFrom) -> str:
    """`.pkg.` of `from .pkg import …`."""
    return "." * len(node.relative) + (dotted(node.module) + "." if node.module is not None else "")


def _from_bindings(node: cst.ImportFrom) -> Iterator[tuple[str, str]]:
    if isinstance(node.names, cst.ImportStar):
        return
    prefix = _prefix(node)
    for alias in node.names:
        path = prefix + dotted(alias.name)
        if alias.asname is None:
            # a re-export under a conventional name: `from mylib.backend import K`
            path = CONVENTIONAL.get(dotted(alias.name), path)
        if alias.asname is not None:
            for name in bound_names(alias.asname.name):
                yield name, path
        else:
            yield dotted(alias.name), path
