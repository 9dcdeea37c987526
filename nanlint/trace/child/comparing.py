"""The words that a file compares a name with: `if mode == "lstm"` says which modes there are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# the first of them are tried
_MOST = 4


@cache
def compared(file: str, name: str) -> list[str]:
    """The strings that this file compares a name or an attribute with, or looks up for it, in their order."""
    tree = _parsed(file)
    names = {name, *_aliases(tree, name)}
    return list(dict.fromkeys(_words(tree, names)))[:_MOST]


def _words(tree: ast.AST, names: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and _name(node.left) in names:
            yield from (one.value for one in ast.walk(node) if _is_text(one))  # type: ignore[attr-defined]
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Dict) and _name(node.slice) in names:
            yield from (one.value for one in node.value.keys if _is_text(one))  # type: ignore[union-attr]


def _aliases(tree: ast.AST, name: str) -> Iterator[str]:
    """Variables that hold what is asked about: `norm = config.model.normalization`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _name(node.value) == name and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id


def _name(node: ast.expr | None) -> str:
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):  # mode.lower()
        node = node.func.value
    return node.id if isinstance(node, ast.Name) else node.attr.lower() if isinstance(node, ast.Attribute) else ""


def _is_text(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(node.value)


@cache
def _parsed(file: str) -> ast.AST:
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])
