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
_LINEAR = 'kaiming_normal_({}, nonlinearity="linear")'
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
    order = [_SMALL, *order, _LINEAR] if scale else [*order, _LINEAR, _SMALL]
    node = _at(tree, source, span)
    if not isinstance(node, ast.Call | ast.BinOp):
        return
    fills = [one for one in _beside(tree, node) if _fills(one)]
    draws = [one for one in _beside(tree, node) if _draws(source, one)]
    if _fills(node):
        yield from _other_calls(source, [node], order)
        if len(fills) > 1:
            yield from _other_calls(source, fills, order)
    elif _draws(source, node):
        yield from _scaled(source, [node])
        if len(draws) > 1:
            yield from _scaled(source, draws)
    elif isinstance(node, ast.Call):
        yield from _methods(source, tree, node, order)


def _fills(node: ast.expr) -> bool:
    """Is it `nn.init.normal_(w)` or `w.normal_()`?"""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _FILLS


def _draws(source: Source, node: ast.expr) -> bool:
    """Is it `torch.randn(a, b)`, perhaps times a number?"""
    inner = node.left if isinstance(node, ast.BinOp) else node
    return isinstance(inner, ast.Call) and len(inner.args) == 2 and _text(source, inner.func).endswith("randn")


def _beside(tree: ast.Module, node: ast.expr) -> list[ast.expr]:
    """All expressions of the innermost function around a node; one fault is often written several times."""
    functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
    around = [one for one in functions if one.lineno <= node.lineno <= (one.end_lineno or 0)]
    if not around:
        return [node]
    inner = min(around, key=lambda one: (one.end_lineno or 0) - one.lineno)
    found = [one for one in ast.walk(inner) if isinstance(one, ast.Call | ast.BinOp)]
    # `torch.randn(a, b) * 3` is one thing
    parts = {id(one.left) for one in found if isinstance(one, ast.BinOp)}
    return [one for one in found if id(one) not in parts]


def _other_calls(source: Source, nodes: Sequence[ast.expr], order: Sequence[str]) -> Iterator[Cure]:
    """The same parameters, initialised in another way."""
    for form in order:
        changes = tuple(Change(_span(source, one), _call(source, one, form)) for one in nodes)
        yield Cure(_message(form if "bias" not in changes[0].text else "zeros_("), changes)


def _call(source: Source, node: ast.expr, form: str) -> str:
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Attribute)
    owner = _text(source, node.func.value)
    if owner.split(".")[-1] == "init" and node.args:
        prefix, weight = owner, _text(source, node.args[0])
    else:  # layer.weight.data.uniform_()
        prefix = "nn.init" if "nn" in _imported(source) else "torch.nn.init"
        weight = owner.removesuffix(".data")
    zeros = f"{prefix}.zeros_({weight})"
    if "bias" in weight.rpartition(".")[2]:
        return zeros
    call = f"{prefix}.{form.format(weight)}"
    # a loop over all parameters meets biases and scales as well
    return f"{call} if {weight}.dim() > 1 else {zeros}" if weight.isidentifier() else call


def _message(form: str) -> str:
    return f"initialise with `{form.partition('(')[0]}`"


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
        yield Cure(_message(form), (Change(at, "\n" + "\n".join(body)),))


def _scaled(source: Source, nodes: Sequence[ast.expr]) -> Iterator[Cure]:
    """`torch.randn(a, b) * 3` with a factor that suits the width."""
    for factor in (2, 1):
        changes = []
        for node in nodes:
            inner = node.left if isinstance(node, ast.BinOp) else node
            assert isinstance(inner, ast.Call)
            width = _text(source, inner.args[0])
            width = width if width.isidentifier() or width.isdigit() else f"({width})"
            changes.append(Change(_span(source, node), f"{_text(source, inner)} * ({factor} / {width}) ** 0.5"))
        yield Cure("scale with the width", tuple(changes))


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
