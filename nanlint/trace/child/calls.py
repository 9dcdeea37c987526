"""The calls that make a model, read and not run: in its own file, and in other files of its project.

Only what can be known without running anything is taken: constants, the constants that a function assigns before, the
defaults of its parameters, and layers made from these.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nanlint.trace.child.loading import is_constant

Arguments = tuple[list[Any], dict[str, Any]]

# what files that are not loaded may speak of
_KNOWN: Mapping[str, Any] = {"torch": torch, "nn": nn, "math": math}
_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


def calls_in(tree: ast.Module, name: str, names: Mapping[str, Any]) -> Iterator[Arguments]:
    """The arguments with which this file makes a `name`, as far as they are known; `names` are those of the file."""
    for scopes, call in _calls(tree, [tree], name):
        known: dict[str, Any] = {}
        for scope in scopes:
            known |= _constants(scope, {**names, **known})
        try:
            yield _arguments(call, {**names, **known})
        except (Exception, SystemExit):  # noqa: S112  (something that only a run knows)
            continue


def calls_elsewhere(file: str, name: str) -> Iterator[Arguments]:
    """The same for a file that is not loaded."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    yield from calls_in(tree, name, _KNOWN)


def _calls(node: ast.AST, scopes: list[_Scope], name: str) -> Iterator[tuple[list[_Scope], ast.Call]]:
    for child in ast.iter_child_nodes(node):
        inner = [*scopes, child] if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else scopes
        if isinstance(child, ast.Call) and _called(child.func) == name:
            yield scopes, child
        yield from _calls(child, inner, name)


def _called(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _constants(scope: _Scope, names: Mapping[str, Any]) -> dict[str, Any]:
    """What is assigned once in a scope, or given as a default."""
    found: dict[str, Any] = {}
    pairs: list[tuple[str, ast.expr]] = []
    if not isinstance(scope, ast.Module):
        given = [*scope.args.posonlyargs, *scope.args.args]
        pairs += zip([one.arg for one in given][::-1], scope.args.defaults[::-1], strict=False)
        pairs += [(one.arg, value) for one, value in zip(scope.args.kwonlyargs, scope.args.kw_defaults, strict=True)
                  if value is not None]  # fmt: skip
    for statement in scope.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            pairs += _assigned(statement.targets[0], statement.value)
    for name, value in pairs:
        try:
            found[name] = _value(value, {**names, **found})
        except (Exception, SystemExit):  # noqa: S112  (options that must be given make argparse exit)
            continue
    return found


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield from _assigned(one, its)


def _arguments(call: ast.Call, names: Mapping[str, Any]) -> Arguments:
    if any(isinstance(one, ast.Starred) for one in call.args) or any(one.arg is None for one in call.keywords):
        raise ValueError("starred")
    return (
        [_value(one, names) for one in call.args],
        {str(one.arg): _value(one.value, names) for one in call.keywords},
    )


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    if not _is_known(node, names):
        raise ValueError("not constant")
    code = compile(ast.Expression(node), "<argument>", "eval")
    return eval(code, dict(names))  # noqa: S307  (constants and layers only)


def _is_known(node: ast.expr, names: Mapping[str, Any]) -> bool:
    """Is it a constant, or a layer made from constants?"""
    if isinstance(node, ast.Call) and not is_constant(node):
        made = _looked_up(node.func, names)
        inner = [*node.args, *(one.value for one in node.keywords)]
        return isinstance(made, type) and issubclass(made, nn.Module) and all(_is_known(one, names) for one in inner)
    return is_constant(node)


def _looked_up(node: ast.expr, names: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    return getattr(_looked_up(node.value, names), node.attr, None) if isinstance(node, ast.Attribute) else None
