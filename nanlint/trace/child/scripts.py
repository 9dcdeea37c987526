"""What the rest of a file does with its models, read and not run: which class a variable is, who initialises it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from nanlint.trace.child.loading import Loaded
from nanlint.trace.child.models import required_parameters


def owners(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Variables and the classes that they are made from: `model = Net(10)`, `model = Net().to(device)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            value = node.value
            while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
                value = value.func.value
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
                yield ast.unparse(node.targets[0]), value.func.id
        elif isinstance(node, ast.ClassDef):
            yield "self", node.name


def initialisers(loaded: Loaded, name: str) -> Iterator[Callable[..., Any]]:
    """Functions of the file that it applies to the models of a class: `net = Net()` and `net.apply(init)`."""
    known = dict(owners(loaded.tree))
    for node in ast.walk(loaded.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "apply"):
            continue
        given = node.args[0] if node.args else None
        if known.get(ast.unparse(node.func.value)) != name or not isinstance(given, ast.Name):
            continue
        function = vars(loaded.module).get(given.id)
        if callable(function) and ast.unparse(node.func.value) != "self":
            yield function


def factories_in_file(loaded: Loaded, name: str) -> Iterator[Callable[[], Any]]:
    """Functions of the file that want nothing and return one."""
    for statement in loaded.tree.body:
        if not isinstance(statement, ast.FunctionDef):
            continue
        returned = [one.value for one in ast.walk(statement) if isinstance(one, ast.Return)]
        makes = any(
            isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == name for one in returned
        )
        function = vars(loaded.module).get(statement.name)
        if makes and callable(function) and not required_parameters(function):
            yield function
