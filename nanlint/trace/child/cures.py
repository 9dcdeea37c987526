"""Initialisations to try in place of a bad one, as edits of the source. Whether one is a cure is measured, not argued.

A bad call of `nn.init` or of `tensor.normal_()` is replaced; a layer with its default gets a method `_init_weights`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nanlint.source import Source, Span
from nanlint.trace.protocol import Change

_FILLS = frozenset({
    "normal_", "uniform_", "zeros_", "ones_", "constant_", "fill_", "zero_", "trunc_normal_", "xavier_normal_",
    "xavier_uniform_", "kaiming_normal_", "kaiming_uniform_", "orthogonal_", "copy_",
})  # fmt: skip

_RELU = 'kaiming_normal_({}, nonlinearity="relu")'
_TANH = "xavier_normal_({})"
_SIGMOID = "xavier_normal_({}, gain=4.0)"
_SMALL = "normal_({}, std=0.02)"


@dataclass(frozen=True, slots=True)
class Cure:
    """Edits to try, and what they do, in words."""

    message: str
    changes: tuple[Change, ...]


def cures(source: Source, span: Span, *, squashing: bool, scale: bool) -> Iterator[Cure]:
    """What may be written in place of the initialisation at this span, the likeliest first.

    Args:
        source: the text of the file.
        span: the expression that initialises.
        squashing: the network has tanh or sigmoid.
        scale: its outputs are too large: small weights are worth a try first.
    """
    tree = ast.parse(source.text)
    order = [_TANH, _SIGMOID, _RELU] if squashing else [_RELU, _TANH]
    order = [_SMALL, *order] if scale else [*order, _SMALL]
    node = _at(tree, source, span)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _FILLS:
        yield from _other_calls(source, node, node.func, span, order)
    elif isinstance(node, ast.Call):
        yield from _methods(source, tree, node, order)
    elif isinstance(node, ast.BinOp):
        yield from _scaled(source, node, span)


def _other_calls(
    source: Source, node: ast.Call, function: ast.Attribute, span: Span, order: Sequence[str]
) -> Iterator[Cure]:
    owner = _text(source, function.value)
    if owner.split(".")[-1] == "init" and node.args:
        prefix, weight = owner, _text(source, node.args[0])
    else:  # layer.weight.data.uniform_()
        prefix, weight = "torch.nn.init", owner.removesuffix(".data")
        prefix = "nn.init" if "nn" in _imported(source) else prefix
    for form in order:
        call = f"{prefix}.{form.format(weight)}"
        message = f"initialise with `{form.partition('(')[0]}`"
        yield Cure(message, (Change(span, call),))
        # a loop over all parameters meets biases and scales as well
        both = f"{call} if {weight}.dim() > 1 else {prefix}.zeros_({weight})"
        yield Cure(message, (Change(span, both),))


def _methods(source: Source, tree: ast.Module, node: ast.Call, order: Sequence[str]) -> Iterator[Cure]:
    owner = next((one for one in _classes(tree) if one.lineno <= node.lineno <= (one.end_lineno or 0)), None)
    maker = None if owner is None else _method(owner, "__init__")
    if owner is None or maker is None or _method(owner, "_init_weights") is not None:
        return
    layer = _text(source, node.func)
    prefix = "nn" if "nn" in _imported(source) else "torch.nn"
    indent, inner = " " * maker.col_offset, " " * maker.body[-1].col_offset
    step = inner[len(indent) :]
    end = maker.end_lineno or maker.lineno
    at = Span(end, len(source.line_text(end)) + 1, end, len(source.line_text(end)) + 1)
    this = maker.args.args[0].arg if maker.args.args else "self"
    for form in order:
        body = [
            f"{inner}{this}.apply({this}._init_weights)",
            "",
            f"{indent}def _init_weights(self, module):",
            f"{inner}if isinstance(module, {layer}):",
            f"{inner}{step}{prefix}.init.{form.format('module.weight')}",
        ]
        if not layer.endswith("Embedding"):
            body += [
                f"{inner}{step}if module.bias is not None:",
                f"{inner}{step}{step}{prefix}.init.zeros_(module.bias)",
            ]
        message = f"initialise with `{form.partition('(')[0]}`"
        yield Cure(message, (Change(at, "\n" + "\n".join(body)),))


def _scaled(source: Source, node: ast.BinOp, span: Span) -> Iterator[Cure]:
    """`torch.randn(a, b) * 3`"""
    for one in ast.walk(node):
        if isinstance(one, ast.Call) and _text(source, one.func).endswith("randn") and len(one.args) == 2:
            width = _text(source, one.args[0])
            width = width if width.isidentifier() or width.isdigit() else f"({width})"
            for factor in (2, 1):
                text = f"{_text(source, one)} * ({factor} / {width}) ** 0.5"
                yield Cure("scale with the width", (Change(span, text),))


def _at(tree: ast.Module, source: Source, span: Span) -> ast.expr | None:
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and _span(source, node) == span:
            return node
    return None


def _span(source: Source, node: ast.expr) -> Span:
    end = node.end_lineno or node.lineno
    return Span(
        node.lineno,
        _column(source, node.lineno, node.col_offset),
        end,
        _column(source, end, node.end_col_offset or node.col_offset),
    )


def _column(source: Source, line: int, offset: int) -> int:
    return len(source.line_text(line).encode()[:offset].decode(errors="replace")) + 1


def _text(source: Source, node: ast.expr) -> str:
    return source.slice(_span(source, node))


def _classes(tree: ast.Module) -> list[ast.ClassDef]:
    found = [one for one in ast.walk(tree) if isinstance(one, ast.ClassDef)]
    return sorted(found, key=lambda one: (one.end_lineno or 0) - one.lineno)


def _method(owner: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((one for one in owner.body if isinstance(one, ast.FunctionDef) and one.name == name), None)


def _imported(source: Source) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.update((one.asname or one.name).partition(".")[0] for one in node.names)
    return names
