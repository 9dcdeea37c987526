"""Initialisers as torch, Keras and flax spell them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from nanlint.checks.initialisation.layers import UNKNOWN, Draw, Family
from nanlint.ir import nodes

Number = Callable[[nodes.Expr | None], float | None]
"""The number that an expression is, if the file says so."""

_GAINS = {
    "linear": 1.0, "identity": 1.0, "sigmoid": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "tanh": 25 / 9,
    "relu": 2.0, "leaky_relu": 2.0, "selu": 9 / 16,
}  # fmt: skip
"""`torch.nn.init.calculate_gain`, squared."""
DEFAULTS = {
    "torch": Draw(Family.SCALED, 1 / 3, "the default of {}"),  # kaiming_uniform_(a=sqrt(5))
    "keras": Draw(Family.SCALED, 1.0, "the default of {}"),  # glorot_uniform
    "flax": Draw(Family.SCALED, 1.0, "the default of {}"),  # lecun_normal
}
BIASES = {
    "torch": Draw(Family.SCALED, 1 / 3, "the default"),
    "keras": Draw(Family.CONSTANT),
    "flax": Draw(Family.CONSTANT),
}
_TENSORS = frozenset({"randn", "rand", "zeros", "ones", "full", "empty"})
# of normal numbers cut at two deviations
_CUT = 0.774


def argument(call: nodes.Call | nodes.Apply, name: str, place: int) -> nodes.Expr | None:
    """The argument with this name, or at this place."""
    if name in call.keywords:
        return call.keywords[name]
    return call.args[place] if 0 <= place < len(call.args) else None


def _given(call: nodes.Call | nodes.Apply, number: Number, name: str, place: int, default: float) -> float | None:
    node = argument(call, name, place)
    return default if node is None else number(node)


def _normal(call: nodes.Call | nodes.Apply, number: Number, first: int, default: float = 1.0) -> Draw:
    mean = _given(call, number, "mean", first, 0.0)
    deviation = _given(call, number, "std", first + 1, default)
    if deviation is None and (name := "stddev") in call.keywords:
        deviation = number(call.keywords[name])
    if mean is None or deviation is None:
        return UNKNOWN
    if deviation == 0:
        return Draw(Family.CONSTANT, mean, f"{mean:g}")
    return Draw(Family.UNSCALED, mean**2 + deviation**2, f"N({mean:g}, {_power(deviation)})")


def _power(deviation: float) -> str:
    return f"{deviation:g}" if deviation in (0, 1) else f"{deviation:g}²"


def _uniform(low: float | None, high: float | None) -> Draw:
    if low is None or high is None or low >= high:
        return UNKNOWN
    return Draw(Family.UNSCALED, (low * low + low * high + high * high) / 3, f"U({low:g}, {high:g})")


def _constant(value: float | None) -> Draw:
    # of an unknown number too it is known that it is one
    return (
        Draw(Family.CONSTANT, math.nan, "a constant") if value is None else Draw(Family.CONSTANT, value, f"{value:g}")
    )


def _scaled(size: float | None, name: str) -> Draw:
    return UNKNOWN if size is None else Draw(Family.SCALED, size, f"`{name}`")


def _kaiming(call: nodes.Call, number: Number, name: str) -> Draw:
    slope = _given(call, number, "a", 1, 0.0)
    given = argument(call, "nonlinearity", 3)
    kind = "leaky_relu" if given is None else given.value if isinstance(given, nodes.Constant) else None
    if slope is None or kind not in _GAINS:
        return UNKNOWN
    size = _GAINS[str(kind)]
    return _scaled(size / (1 + slope**2) if kind == "leaky_relu" else size, name)


def _gain(call: nodes.Call, number: Number, name: str) -> Draw:
    given = argument(call, "gain", 1)
    if isinstance(given, nodes.Call) and _last(given.func) == "calculate_gain" and given.args:
        kind = given.args[0]
        slope = number(given.args[1]) if len(given.args) > 1 else 0.01
        known = isinstance(kind, nodes.Constant) and kind.value in _GAINS and slope is not None
        assert not known or isinstance(kind, nodes.Constant)
        size = _GAINS[str(kind.value)] if known and isinstance(kind, nodes.Constant) else None
        is_leaky = isinstance(kind, nodes.Constant) and kind.value == "leaky_relu"
        return _scaled(size / (1 + (slope or 0.0) ** 2) if size is not None and is_leaky else size, name)
    gain = 1.0 if given is None else number(given)
    return _scaled(None if gain is None else gain**2, name)


def of_torch_init(call: nodes.Call, number: Number) -> Draw | None:
    """`nn.init.normal_(w, …)`: None if the function is none of these."""
    name = _last(call.func)
    base = name.rstrip("_")
    if base == "normal":
        return _normal(call, number, 1)
    if base == "trunc_normal":
        low, high = _given(call, number, "a", 3, -2.0), _given(call, number, "b", 4, 2.0)
        drawn = _normal(call, number, 1)
        deviation = math.sqrt(drawn.size)
        cut = low is not None and high is not None and max(-low, high) < 2.5 * deviation
        return replace(drawn, size=drawn.size * _CUT) if cut and drawn.family is Family.UNSCALED else drawn
    if base == "uniform":
        return _uniform(_given(call, number, "a", 1, 0.0), _given(call, number, "b", 2, 1.0))
    if base == "constant":
        return _constant(number(argument(call, "val", 1)))
    if base in ("zeros", "ones"):
        return _constant(float(base == "ones"))
    if base.startswith(("kaiming", "he_")):
        return _kaiming(call, number, name)
    return _gain(call, number, name) if base.startswith(("xavier", "glorot", "orthogonal")) else UNKNOWN


def of_method(name: str, call: nodes.Call | nodes.Apply, number: Number) -> Draw | None:
    """`w.data.normal_(0, 1)`: None if the method does not set anything."""
    if name == "normal_":
        return _normal(call, number, 0)
    if name == "uniform_":
        low = argument(call, "from", 0)
        return _uniform(0.0 if low is None else number(low), _given(call, number, "to", 1, 1.0))
    if name == "fill_":
        return _constant(number(argument(call, "value", 0)))
    if name in ("zero_", "one_"):
        return _constant(float(name == "one_"))
    changed = name in (
        "copy_",
        "mul_",
        "div_",
        "add_",
        "clamp_",
        "exponential_",
        "cauchy_",
        "log_normal_",
        "bernoulli_",
    )
    return UNKNOWN if changed else None


def of_tensor(made: nodes.Expr, number: Number) -> Draw:
    """`torch.randn(3, 4) * 0.1`: numbers of one's own."""
    if not isinstance(made, nodes.Apply):
        return UNKNOWN
    name = made.spelling.operation.name
    if name in ("mul", "div") and made.spelling.framework == "python":
        left, right = made.operands["x"], made.operands["y"]
        drawn, factor = of_tensor(left, number), number(right)
        if drawn is UNKNOWN and name == "mul":
            drawn, factor = of_tensor(right, number), number(left)
        if drawn.family is not Family.UNSCALED or not factor:
            return UNKNOWN
        factor = factor if name == "mul" else 1 / factor
        deviation = abs(factor) * (math.sqrt(drawn.size) if drawn.text.startswith("N") else 1)
        text = f"N(0, {_power(deviation)})" if drawn.text.startswith("N") else f"{factor:g} · {drawn.text}"
        return replace(drawn, size=drawn.size * factor**2, text=text)
    if name in ("copy", "view", "to"):
        return of_tensor(made.operands["x"], number)
    if name in ("randn", "uniform") and made.callee is not None:  # `torch.empty(3, 4).normal_()`
        return of_method(_last(made.callee), made, number) or UNKNOWN
    if name == "randn":
        return Draw(Family.UNSCALED, 1.0, "N(0, 1)")
    if name == "rand":
        return _uniform(0.0, 1.0)
    if name in ("zeros", "ones"):
        return _constant(float(name == "ones"))
    return _constant(number(made.operands.get("value"))) if name == "full" else UNKNOWN


def of_keyword(given: nodes.Expr | None, number: Number, library: str) -> Draw | None:
    """`kernel_initializer="zeros"`, `kernel_init=nn.initializers.normal(1.0)`: None where nothing is given."""
    if given is None:
        return None
    call = given if isinstance(given, nodes.Call) else nodes.Call(given.origin, given, (), {})
    name = str(given.value) if isinstance(given, nodes.Constant) else _last(given) or _last(call.func)
    key = name.replace("_", "").lower()
    if key in ("zeros", "ones", "zerosinit", "onesinit"):
        drawn = _constant(float(key.startswith("one")))
    elif key == "constant":
        drawn = _constant(number(argument(call, "value", 0)))
    elif key in ("randomnormal", "normal", "truncatednormal"):
        place = 1 if library == "keras" else 0
        name, default = ("stddev", 0.05) if library == "keras" else ("stddev", 0.01)
        drawn = _of_deviation(_given(call, number, name, place, default))
    elif key in ("randomuniform", "uniform"):
        if library == "keras":
            drawn = _uniform(_given(call, number, "minval", 0, -0.05), _given(call, number, "maxval", 1, 0.05))
        else:
            drawn = _uniform(0.0, _given(call, number, "scale", 0, 0.01))
    elif key in ("variancescaling", "orthogonal"):
        scale = _given(call, number, "gain" if key == "orthogonal" and library == "keras" else "scale", 0, 1.0)
        drawn = _scaled(None if scale is None else scale**2 if key == "orthogonal" else scale, name)
    else:
        size = {"he": 2.0, "ka": 2.0, "gl": 1.0, "xa": 1.0, "le": 1.0}.get(key[:2])
        fits = key.startswith(("henormal", "heuniform", "kaiming", "glorot", "xavier", "lecun"))
        drawn = _scaled(size if fits else None, name)
    return replace(drawn, node=given) if drawn is not UNKNOWN else UNKNOWN


def _of_deviation(deviation: float | None) -> Draw:
    return UNKNOWN if not deviation else Draw(Family.UNSCALED, deviation**2, f"N(0, {_power(deviation)})")


def sizes_of(made: nodes.Expr) -> tuple[nodes.Expr, ...]:
    """The sizes in `torch.randn(3, 4) * 0.1`."""
    while isinstance(made, nodes.Apply) and made.spelling.operation.name not in _TENSORS:
        left, right = made.operands.get("x"), made.operands.get("y")
        inner = left if isinstance(left, nodes.Apply | nodes.Call) else right
        if inner is None or inner is made:
            return ()
        made = inner
    sizes = made.args if isinstance(made, nodes.Apply | nodes.Call) else ()
    if sizes and isinstance(sizes[0], nodes.Display):
        sizes = sizes[0].items
    return () if any(isinstance(one, nodes.Starred) for one in sizes) else sizes


def _last(func: object) -> str:
    """`normal_` of `nn.init.normal_`."""
    for name in ("name", "id"):
        if isinstance(word := getattr(func, name, None), str):
            return word
    return ""
