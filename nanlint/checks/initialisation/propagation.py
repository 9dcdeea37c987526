"""What becomes of a signal and of its gradient on the way through random layers.

In a wide layer the inputs of the activation are normal numbers of one variance, and one integral says how that variance
and that of the gradient change (Poole et al. 2016, Schoenholz et al. 2017). Nothing has to be run for that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

_POINTS = 160
_WIDEST = 6.0  # deviations
_LARGEST = 1e30
# beyond it tanh passes on less than a twentieth of a gradient
_SATURATED = 0.05


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _normal_below(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


def _elu(x: float, alpha: float = 1.0) -> float:
    return x if x > 0 else alpha * math.expm1(x)


def _elu_slope(x: float, alpha: float = 1.0) -> float:
    return 1.0 if x > 0 else alpha * math.exp(x)


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


@dataclass(frozen=True, slots=True)
class Curve:
    """An activation function and its derivative."""

    value: Callable[[float], float]
    slope: Callable[[float], float]


CURVES = {
    "identity": Curve(lambda x: x, lambda _: 1.0),
    "relu": Curve(lambda x: max(x, 0.0), lambda x: float(x > 0)),
    "leaky_relu": Curve(lambda x: x if x > 0 else 0.01 * x, lambda x: 1.0 if x > 0 else 0.01),
    "tanh": Curve(math.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "sigmoid": Curve(_sigmoid, lambda x: _sigmoid(x) * _sigmoid(-x)),
    "gelu": Curve(
        lambda x: x * _normal_below(x),
        lambda x: _normal_below(x) + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    ),
    "silu": Curve(lambda x: x * _sigmoid(x), lambda x: _sigmoid(x) * (1 + x * _sigmoid(-x))),
    "elu": Curve(_elu, _elu_slope),
    "selu": Curve(
        lambda x: _SELU_SCALE * _elu(x, _SELU_ALPHA),
        lambda x: _SELU_SCALE * _elu_slope(x, _SELU_ALPHA),
    ),
    "softplus": Curve(_softplus, _sigmoid),
}
# they flatten out on both sides
SATURATING = frozenset({"tanh", "sigmoid"})


@dataclass(frozen=True, slots=True)
class Passage:
    """What a stack of layers does, in powers of ten.

    Attributes:
        gradient: from the last layer back to the first, how much the gradient grows; negative if it shrinks.
        output: the size of what comes out of the last layer, for inputs of size 1.
        saturated: the share of the activations that are in their flat part, on average.
    """

    gradient: float
    output: float
    saturated: float


def passage(stack: Iterable[tuple[float, str]]) -> Passage:
    """A signal of variance 1 on its way through layers: the variance of the weights times the number of inputs, and the
    activation that follows. That of the last layer does not count."""
    links = [(min(gain, _LARGEST), activation) for gain, activation in stack]
    size, gradient, saturated = 1.0, 0.0, 0.0
    for place, (gain, activation) in enumerate(links):
        size = min(max(size * gain, 1 / _LARGEST), _LARGEST)
        if place + 1 < len(links):
            square, slope, flat = _moments(activation, _rounded(size))
            # what reaches the next layer has gone through its weights too
            gradient += _log(slope * links[place + 1][0])
            saturated += flat / (len(links) - 1)
            size *= square
    return Passage(gradient / 2, _log(size) / 2, saturated)


def _log(x: float) -> float:
    return math.log10(max(x, 1 / _LARGEST))


def _rounded(variance: float) -> float:
    """To a twentieth of a power of ten: deep stacks come to rest, and then nothing is computed twice."""
    return float(10 ** (round(math.log10(max(variance, 1e-12)) * 20) / 20))


@lru_cache(maxsize=1024)
def _moments(activation: str, variance: float) -> tuple[float, float, float]:
    """Of a normal number of this variance: the mean square of the activation divided by the variance, that of its
    slope, and how often it is flat."""
    curve, deviation = CURVES[activation], math.sqrt(variance)
    square = slope = flat = total = 0.0
    for place in range(-_POINTS, _POINTS + 1):
        # close together around 0, where a steep curve has its only slope
        at = place / _POINTS
        z = _WIDEST * at**3
        weight = math.exp(-z * z / 2) * at * at
        total += weight
        square += weight * curve.value(deviation * z) ** 2
        steepness = curve.slope(deviation * z)
        slope += weight * steepness**2
        flat += weight * (activation in SATURATING and steepness < _SATURATED * curve.slope(0.0))
    return square / total / variance, slope / total, flat / total
