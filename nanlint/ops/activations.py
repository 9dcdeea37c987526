"""Activation functions, the softmax family, and layers whose output has a known range."""

from __future__ import annotations

import math
from math import inf

from nanlint.ops.define import (
    binary,
    bounded,
    constant_of,
    fixed_at,
    known,
    operation,
    range_of,
    reached,
    unary,
    zero_from,
)
from nanlint.ops.operation import Operands
from nanlint.values import arithmetic as ar
from nanlint.values.arithmetic import increasing
from nanlint.values.interval import ANY, BOOLEAN, NONNEGATIVE, UNIT, Range, interval
from nanlint.values.value import Grounds

_COSINE = Range(-1.000001, 1.000001)  # rounding takes it a little beyond 1: torch gives up to 1.0000002


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def _softplus_at(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _softplus(operands: Operands) -> Range:
    x = range_of(operands, "x")
    if constant_of(operands, "beta", 1.0) != 1.0:
        return NONNEGATIVE.with_nan(x.nan)
    return increasing(_softplus_at, x, saturates=True)


def _logsigmoid(r: Range) -> Range:
    return increasing(lambda x: -_softplus_at(-x), r, saturates=True)


def _softsign(r: Range) -> Range:
    return increasing(lambda x: math.copysign(1.0, x) if abs(x) == inf else x / (1 + abs(x)), r, saturates=True)


def _relu(r: Range) -> Range:
    return ar.maximum(r, Range(0.0, 0.0, integer=r.integer))


def _leaky_relu(operands: Operands) -> Range:
    x, slope = range_of(operands, "x"), constant_of(operands, "slope", 0.01)
    if slope is None:
        return Range(-inf if x.lo < 0 else 0.0, inf, nan=x.nan)
    if slope < 0:
        return ar.mul(x.meet(Range(-inf, 0.0)), Range(slope, slope)).join(_relu(x))
    return increasing(lambda at: at if at >= 0 else at * slope, x) if slope > 0 else _relu(x)


def _elu(operands: Operands) -> Range:
    x, alpha = range_of(operands, "x"), constant_of(operands, "alpha", 1.0)
    if alpha is None or alpha < 0:
        return Range(-inf, inf, nan=x.nan)
    return increasing(lambda at: at if at > 0 else alpha * math.expm1(at), x, saturates=True)


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # torch.nn.SELU


def _selu(r: Range) -> Range:
    return increasing(lambda x: _SELU_SCALE * (x if x > 0 else _SELU_ALPHA * math.expm1(x)), r, saturates=True)


def _above(least: float) -> ar.Function:
    """For x * gate(x): from its minimum up to x itself."""
    return lambda r: Range(0.0 if r.lo >= 0 else least, max(r.hi, 0.0), nan=r.nan)


def _hardtanh(operands: Operands) -> Range:
    low, high = constant_of(operands, "min", -1.0), constant_of(operands, "max", 1.0)
    x = range_of(operands, "x")
    if low is None or high is None or low > high:
        return Range(-inf, inf, nan=x.nan)
    return ar.clamp(x, Range(low, low), Range(high, high))


def _log_softmax(operands: Operands) -> Range:
    x = range_of(operands, "x")
    return interval(-inf, 0.0, open="lo" if x.is_finite or x.nan else "", nan=x.nan)


def _logsumexp(operands: Operands) -> Range:
    # at least the largest element, and finite where all are
    x = range_of(operands, "x")
    if x.is_empty:
        return x
    hi_open = x.hi < inf or x.hi_open
    return interval(x.lo, inf, open="lo hi" if x.lo_open and hi_open else "hi" if hi_open else "", nan=x.nan)


def _normalize(operands: Operands) -> Range:
    x = range_of(operands, "x")
    return Range(0.0 if x.lo >= 0 else -1.0, 0.0 if x.hi <= 0 else 1.0, nan=x.nan)


def _dropout(operands: Operands) -> Range:
    """Kept elements grow by 1 / (1 - p); the others are 0."""
    x, p = range_of(operands, "x"), range_of(operands, "p", Range(0.0, 0.5))
    if not p <= Range(0.0, 1.0):
        p = UNIT
    scale = ar.div(Range(1.0, 1.0), interval(1 - p.hi, 1.0 - p.lo, open="lo" if p.hi == 1 else ""))
    return ar.mul(x, scale.join(Range(1.0, 1.0))).join(Range(0.0, 0.0))


def _distance(a: Range, b: Range) -> Range:
    return NONNEGATIVE.with_nan(a.nan or b.nan)


ACTIVATIONS = (
    operation("sigmoid", "a sigmoid", "x", unary(lambda r: increasing(_sigmoid, r, saturates=True)), reached),
    operation("tanh", "a hyperbolic tangent", "x", unary(lambda r: increasing(math.tanh, r, saturates=True)), reached),
    operation("hardsigmoid", "a hard sigmoid", "x", bounded(UNIT), reached),
    operation("logsigmoid", "a log-sigmoid", "x", unary(_logsigmoid), known),
    operation("softplus", "a softplus", "x beta", _softplus, fixed_at(Grounds.UNDERFLOW)),
    operation("softsign", "a softsign", "x", unary(_softsign)),
    operation("relu", "a relu", "x", unary(_relu), known),
    operation("relu6", "a relu6", "x", unary(lambda r: ar.clamp(r, Range(0.0, 0.0), Range(6.0, 6.0))), known),
    operation("leaky_relu", "a leaky relu", "x slope", _leaky_relu),
    operation("elu", "an elu", "x alpha", _elu),
    operation("selu", "a selu", "x", unary(_selu)),
    operation("gelu", "a gelu", "x", unary(_above(-0.17005))),
    operation("silu", "a silu", "x", unary(_above(-0.27847))),
    operation("mish", "a mish", "x", unary(_above(-0.30885))),
    operation("hardtanh", "a hard tanh", "x min max", _hardtanh, known),
    operation("softmax", "a softmax", "x dim", bounded(UNIT), reached, watched=True),
    operation("log_softmax", "a log-softmax", "x dim", _log_softmax, known, watched=True),
    operation("logsumexp", "a log-sum-exp", "x dim keepdim", _logsumexp),
    operation("normalize", "a normalised value", "x ord dim eps", _normalize, known),
    operation("cosine_similarity", "a cosine similarity", "x y dim eps", bounded(_COSINE), known),
    operation("distance", "a distance", "x y", binary(_distance), known),
    operation("one_hot", "a one-hot code", "x", lambda operands: BOOLEAN, known),
    operation("dropout", "a dropout", "x p", _dropout, zero_from("x")),
    # what a layer with weights of its own makes: any number
    operation("affine", "a layer's output", "x y", lambda operands: ANY, fixed_at(Grounds.NONE)),
    operation("batch_norm", "a normalisation layer", "x", lambda operands: ANY, fixed_at(Grounds.NONE)),
    operation("attention", "an attention", "x y z mask", lambda operands: ANY, fixed_at(Grounds.NONE), watched=True),
    # losses: torch's binary_cross_entropy clamps its logarithm, the others take logits or log-probabilities
    operation("cross_entropy", "a cross-entropy", "x y ignore_index reduction", binary(_distance), known, watched=True),
    operation(
        "binary_cross_entropy", "a binary cross-entropy", "x y reduction", binary(_distance), known, watched=True
    ),
    operation("mse_loss", "a mean squared error", "x y reduction", binary(_distance), known, watched=True),
    operation("l1_loss", "a mean absolute error", "x y reduction", binary(_distance), known, watched=True),
)
