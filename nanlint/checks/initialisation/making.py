"""Layers where they are made: how wide they are, and how their constructor draws the weights."""

from __future__ import annotations

import re
from dataclasses import replace
from math import prod

from nanlint.checks.initialisation.draws import BIASES, DEFAULTS, Number, argument, of_keyword, of_tensor, sizes_of
from nanlint.checks.initialisation.layers import (
    ACTIVATIONS,
    Activation,
    Draw,
    Family,
    Layer,
    Mark,
    Steps,
    library_of,
    plain_module,
)
from nanlint.ir import nodes

__all__ = ["library_of", "module", "parameter", "plain_module", "rank_of"]

_CONVOLUTION = re.compile(r"(?:Lazy)?Conv(?P<transposed>Transpose)?(?P<rank>[123])?[dD]?(?:Transpose)?$")


def module(
    call: nodes.Call, path: str, statement: nodes.Stmt, number: Number, made: dict[int, Layer | None]
) -> Steps | None:
    """What the module that a call makes does to a signal; None if it makes none."""
    library = library_of(path)
    if library is None:
        return None
    name = path.rpartition(".")[2]
    if library == "keras" and name == "Activation":
        return _activation(argument(call, "activation", 0))
    plain = plain_module(path)
    if plain is not None:
        return plain
    layer = made.get(id(call))
    if layer is None:
        layer = made[id(call)] = _layer(call, name, library, statement, number)
    after = argument(call, "activation", 1 if name == "Dense" else -1) if library == "keras" else None
    return (layer, *_activation(after)) if after is not None else (layer,)


def _activation(given: nodes.Expr | None) -> Steps:
    name = str(given.value) if isinstance(given, nodes.Constant) else getattr(given, "name", getattr(given, "id", ""))
    if given is None or (isinstance(given, nodes.Constant) and given.value is None):
        return ()
    return (Activation(ACTIVATIONS[name]),) if name in ACTIVATIONS else (Mark.END,)


def _layer(call: nodes.Call, name: str, library: str, statement: nodes.Stmt, number: Number) -> Layer:
    inputs, outputs = _sizes(call, name, library, number)
    draw = DEFAULTS[library]
    bias: Draw | None = BIASES[library]
    if library != "torch":
        word = ("kernel_initializer", "bias_initializer") if library == "keras" else ("kernel_init", "bias_init")
        draw = of_keyword(call.keywords.get(word[0]), number, library) or draw
        bias = of_keyword(call.keywords.get(word[1]), number, library) or bias
    given = call.keywords.get("use_bias" if library != "torch" else "bias")
    if given is None and name in ("Linear", "LazyLinear") and library == "torch":
        given = argument(call, "bias", 2)
    if given is not None:
        is_true = isinstance(given, nodes.Constant) and given.value is True
        is_false = isinstance(given, nodes.Constant) and given.value is False
        bias = bias if is_true else None if is_false else Draw(Family.UNKNOWN)
    if draw.node is None:
        draw = replace(draw, text=draw.text.format(f"`{name}`"))
    else:
        draw = replace(draw, statement=statement)
    return Layer(name, call, statement, inputs, outputs, draw, bias)


def _sizes(call: nodes.Call, name: str, library: str, number: Number) -> tuple[float | None, float | None]:
    """How many numbers meet in one output, and how many outputs there are."""
    if library != "torch":
        word = {"keras": ("units", "filters")[name != "Dense"], "flax": "features"}[library]
        outputs = number(argument(call, word, 0))
        return None, outputs if name == "Dense" else None
    if name == "Linear":
        return number(argument(call, "in_features", 0)), number(argument(call, "out_features", 1))
    found = _CONVOLUTION.match(name)
    if found is None or found["transposed"] or name.startswith("Lazy") or "groups" in call.keywords:
        return None, None
    channels, kernel = number(argument(call, "in_channels", 0)), argument(call, "kernel_size", 2)
    parts = kernel.items if isinstance(kernel, nodes.Display) else (kernel,) * int(found["rank"] or 2)
    sizes = [number(part) for part in parts]
    known = [size for size in sizes if size is not None]
    outputs = number(argument(call, "out_channels", 1))
    return (None if channels is None or len(known) < len(sizes) else channels * prod(known)), outputs


def rank_of(made: nodes.Expr) -> int | None:
    """How many dimensions a new tensor has; None if it is none, or nobody knows."""
    return len(sizes_of(made)) or None


def parameter(made: nodes.Apply, statement: nodes.Stmt, number: Number) -> Layer:
    """A matrix of random numbers or constants, which becomes a layer where something is multiplied with it."""
    sizes = sizes_of(made)
    draw = replace(of_tensor(made, number), node=made, statement=statement)
    return Layer("", made, statement, number(sizes[0]), number(sizes[1]), draw, None)
