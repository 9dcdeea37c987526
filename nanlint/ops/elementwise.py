"""Arithmetic and elementary functions, element by element."""

from __future__ import annotations

import math
from math import inf, pi

from nanlint.ops.define import (
    Result,
    all_at_once,
    binary,
    bounded,
    constant_of,
    fixed_at,
    floor_at,
    known,
    operation,
    range_of,
    reached,
    square,
    unary,
    weakest,
    zero_from,
)
from nanlint.ops.operation import Hazard, Operands
from nanlint.values import arithmetic as ar
from nanlint.values.arithmetic import increasing
from nanlint.values.interval import ANY, FINITE, NONNEGATIVE, POSITIVE, REAL, Range, interval
from nanlint.values.value import Grounds

_NONZERO = REAL.without_zero()
_ABOVE_MINUS_ONE = interval(-1.0, inf, open="lo")
_CLOSED_UNIT = Range(-1.0, 1.0)
_OPEN_UNIT = interval(-1.0, 1.0, open="lo hi")
_OPEN_PROBABILITY = interval(0.0, 1.0, open="lo hi")
_HALF_TURN = Range(-pi, pi)
_ZERO = Range(0.0, 0.0)
# where the result still is a float32
_EXP = interval(hi=88.72)
_EXP2 = interval(hi=128.0, open="hi")
_COSH = interval(-89.41, 89.41)


def _log(base: float) -> ar.Function:
    return lambda r: increasing(lambda x: -inf if x == 0 else math.log(x) / base, r, 0.0, inf)


def _log1p(r: Range) -> Range:
    return increasing(lambda x: -inf if x == -1 else math.log1p(x), r, -1.0, inf)


def _overflowing(f: ar.Scalar) -> ar.Scalar:
    def g(x: float) -> float:
        try:
            return f(x)
        except OverflowError:
            return math.copysign(inf, x)

    return g


def _exp2(r: Range) -> Range:
    return increasing(_overflowing(lambda x: 2.0**x), r, saturates=True)


def _expm1(r: Range) -> Range:
    # unlike exp it keeps an open 0: expm1(x) is x for small x
    grown = increasing(_overflowing(math.expm1), r, saturates=True)
    return grown.without_zero() if r.must_be_nonzero() else grown


def _rsqrt(r: Range) -> Range:
    # the root of -0.0 is -0.0, so -inf is reached where every number is negative or zero
    return ar.reciprocal(ar.sqrt(r)) if r.hi > 0 else ANY


def _asin(r: Range) -> Range:
    return increasing(math.asin, r, -1.0, 1.0)


def _acos(r: Range) -> Range:
    return ar.add(Range(pi / 2, pi / 2), ar.neg(_asin(r)))


def _sinh(r: Range) -> Range:
    return increasing(_overflowing(math.sinh), r)


def _cosh(r: Range) -> Range:
    return increasing(_overflowing(math.cosh), ar.absolute(r), saturates=True)


def _sign(r: Range) -> Range:
    signs = increasing(lambda x: float((x > 0) - (x < 0)), r, saturates=True)
    signs = interval(signs.lo, signs.hi, integer=True, nonzero=r.must_be_nonzero(), nan=signs.nan)
    if r.lo == 0 and r.lo_open:
        return Range(1.0, 1.0, integer=True, nan=r.nan)
    return Range(-1.0, -1.0, integer=True, nan=r.nan) if r.hi == 0 and r.hi_open else signs


def _log_gamma(r: Range) -> Range:
    # the minimum on the positive side is -0.1215 at 1.4616; poles at 0 and below
    return Range(-0.1215 if r.lo >= 0 else -inf, inf, nan=r.nan or r.lo == -inf)


def _logit(r: Range) -> Range:
    inside = r.meet(Range(0.0, 1.0, nan=True))
    nan = r.nan or r.lo < 0 or r.hi > 1
    odds = increasing(lambda x: -inf if x <= 0 else inf if x >= 1 else math.log(x / (1 - x)), inside)
    return odds.with_nan(nan)


def _clamped_logit(operands: Operands) -> Range:
    """`logit(x, eps)` is finite: x is first brought into [eps, 1 - eps]."""
    x, eps = range_of(operands, "x"), constant_of(operands, "eps", None)
    if eps is None or not 0 <= eps <= 0.5:
        return _logit(x)
    dtype = operands["x"].dtype
    least, most = (ar.rounded(Range(end, end), dtype) for end in (eps, 1 - eps))
    return _logit(ar.clamp(x, least, most))


def _xlogy(operands: Operands) -> Range:
    x, y = range_of(operands, "x"), range_of(operands, "y")
    product = ar.mul(x, ar.log(y))
    if x.may_be_zero():  # 0 * log(y) is 0 here, whatever y is
        product = product.join(_ZERO)
    # NaN remains where an operand is NaN, y is negative, or an infinite x meets log(1)
    return product.with_nan(x.nan or y.nan or y.lo < 0 or (ar.reaches_infinity(x) and y.contains(1.0)))


def _entropy(r: Range) -> Range:
    return Range(-inf, 1 / math.e, nan=r.nan)  # torch.special.entr: -inf below 0


def _hypotenuse(a: Range, b: Range) -> Range:
    a, b = ar.absolute(a), ar.absolute(b)
    longer = ar.maximum(a, b)
    return interval(longer.lo, inf, open="lo" if longer.lo_open else "", nan=a.nan or b.nan)


def _lerp(operands: Operands) -> Range:
    x, y, weight = (range_of(operands, name) for name in ("x", "y", "weight"))
    return ar.mean_of(x.join(y)) if weight <= Range(0.0, 1.0) else ANY


def _log_add_exp(a: Range, b: Range) -> Range:
    larger = ar.maximum(a, b)
    opened = ("lo " if larger.lo_open else "") + ("hi" if larger.hi < inf or larger.hi_open else "")
    return interval(larger.lo, inf, open=opened, nan=a.nan or b.nan)


def _divide_no_nan(a: Range, b: Range) -> Range:
    quotient = ar.div(a, b.without_zero())
    return quotient.join(_ZERO) if b.may_be_zero() else quotient


def _clamp(operands: Operands) -> Range:
    least, most = operands.get("min"), operands.get("max")
    return ar.clamp(
        range_of(operands, "x"), None if least is None else least.range, None if most is None else most.range
    )


def _fold(f: ar.Pairwise) -> Result:
    def result(operands: Operands) -> Range:
        r = range_of(operands, "x")
        for name in ("y", "z", "w"):
            if name in operands:
                r = f(r, operands[name].range)
        return r

    return result


def _where(operands: Operands) -> Range:
    return range_of(operands, "x").join(range_of(operands, "y"))


def _masked_fill(operands: Operands) -> Range:
    return range_of(operands, "x").join(range_of(operands, "value"))


def _nan_to_num(operands: Operands) -> Range:
    # infinities become the largest finite numbers, NaN becomes `nan` (0)
    x = range_of(operands, "x")
    clean = x.with_nan(False).meet(FINITE)
    fill = constant_of(operands, "nan", 0.0)
    return clean.join(Range(fill, fill) if fill is not None else REAL) if x.nan else clean


def _power(operands: Operands) -> Range:
    return ar.power(range_of(operands, "x"), range_of(operands, "y"))


def _fill(operands: Operands) -> Range:
    return range_of(operands, "value")


def _power_grounds(operands: Operands, result: Range) -> Grounds:
    exponent = constant_of(operands, "y", None)
    return square(operands, result) if exponent is not None and exponent % 2 == 0 else zero_from("x")(operands, result)


def power_hazard(operands: Operands) -> Hazard | None:
    """Where `x ** y` breaks; that depends on y. None where it never does, or where nothing is known of y."""
    y = range_of(operands, "y")
    if y.integer or (y.is_constant and float(y.lo).is_integer()):
        return Hazard("x", _NONZERO) if y.hi < 0 else None
    if y.hi < 0:
        return Hazard("x", POSITIVE)
    if y.is_constant:
        return Hazard("x", NONNEGATIVE, POSITIVE if y.lo < 1 else None)
    # the p-th root; of any other exponent nothing says that it is less than 1
    term = operands["y"].term if "y" in operands else None
    is_root = term is not None and (term.head == "reciprocal" or (term.head == "div" and term.args[0].args[:1] == (1,)))
    return Hazard("x", NONNEGATIVE, POSITIVE) if is_root else None


def _difference_grounds(operands: Operands, result: Range) -> Grounds:
    unknown = _is_shifted(operands, result) or _compares(operands, result)
    return Grounds.NONE if unknown else weakest(operands, result)


def _compares(operands: Operands, result: Range) -> bool:
    """Of two values that vary nothing tells which is larger (`sigma**2 - next_sigma**2`); counts may well agree."""
    x, y = range_of(operands, "x"), range_of(operands, "y")
    return result.lo < 0 and not (x.is_constant or y.is_constant or (x.integer and y.integer))


def _is_shifted(operands: Operands, result: Range) -> bool:
    """Zero is elsewhere now: that a / b reaches 0 tells nothing of a / b + 1, nor does exp(x) of exp(x) - 1."""
    x, y = range_of(operands, "x"), range_of(operands, "y")
    moved = any(r.is_constant and r.lo != 0 for r in (x, y))
    underflows = weakest(operands, result) is Grounds.UNDERFLOW
    return result.may_be_zero() and ((moved and result.lo == -inf) or (underflows and result.lo < 0))


def _sum_grounds(operands: Operands, result: Range) -> Grounds:
    if _is_shifted(operands, result):
        return Grounds.NONE
    both_vary = not (range_of(operands, "x").is_constant or range_of(operands, "y").is_constant)
    return all_at_once(operands, result) if both_vary else weakest(operands, result)


ELEMENTWISE = (
    # arithmetic
    operation("add", "a sum of two values", "x y", binary(ar.add), _sum_grounds),
    operation("sub", "a difference", "x y", binary(ar.sub), _difference_grounds),
    operation("mul", "a product", "x y", binary(ar.mul), zero_from("x", "y")),
    operation("div", "a quotient", "x y", binary(ar.div), zero_from("x"), safe=_NONZERO, hazard_of="y"),
    operation("floordiv", "a whole quotient", "x y", binary(ar.floordiv)),
    operation("mod", "a remainder", "x y", binary(ar.mod), known),
    operation("fmod", "a remainder", "x y", binary(ar.fmod), known),
    operation("pow", "a power", "x y", _power, _power_grounds),
    operation("neg", "a negated value", "x", unary(ar.neg)),
    operation("abs", "an absolute value", "x", unary(ar.absolute), known),
    operation("square", "a square", "x", unary(ar.square), square),
    operation("sqrt", "a square root", "x", unary(ar.sqrt), safe=NONNEGATIVE, smooth=POSITIVE),
    operation("rsqrt", "a reciprocal square root", "x", unary(_rsqrt), safe=POSITIVE),
    operation("reciprocal", "a reciprocal", "x", unary(ar.reciprocal), zero_from(), safe=_NONZERO),
    operation("divide_no_nan", "a guarded quotient", "x y", binary(_divide_no_nan), zero_from("x", "y")),
    operation("hypot", "a hypotenuse", "x y", binary(_hypotenuse), known),
    operation("complex", "a complex number", "x y", lambda operands: ANY),
    operation("lerp", "an interpolation", "x y weight", _lerp),
    # exponentials and logarithms
    operation("exp", "an exponential", "x", unary(ar.exp), fixed_at(Grounds.UNDERFLOW), overflow=_EXP),
    operation("exp2", "an exponential", "x", unary(_exp2), fixed_at(Grounds.UNDERFLOW), overflow=_EXP2),
    operation("expm1", "an exponential minus 1", "x", unary(_expm1), overflow=_EXP),
    operation("log", "a logarithm", "x", unary(ar.log), safe=POSITIVE),
    operation("log2", "a logarithm", "x", unary(_log(math.log(2))), safe=POSITIVE),
    operation("log10", "a logarithm", "x", unary(_log(math.log(10))), safe=POSITIVE),
    operation("log1p", "a logarithm of 1 + x", "x", unary(_log1p), safe=_ABOVE_MINUS_ONE),
    operation("logit", "a logit", "x eps", _clamped_logit, safe=_OPEN_PROBABILITY),
    operation("xlogy", "x * log(y)", "x y", _xlogy),
    operation("entr", "an entropy term", "x", unary(_entropy)),
    operation("lgamma", "a log-gamma", "x", unary(_log_gamma), safe=POSITIVE),
    operation("logaddexp", "a log-sum-exp", "x y", binary(_log_add_exp)),
    # trigonometry
    operation("sin", "a sine", "x", bounded(_CLOSED_UNIT), known),
    operation("cos", "a cosine", "x", bounded(_CLOSED_UNIT), known),
    operation("tan", "a tangent", "x", bounded(REAL)),
    operation("asin", "an arc sine", "x", unary(_asin), known, safe=_CLOSED_UNIT, smooth=_OPEN_UNIT),
    operation("acos", "an arc cosine", "x", unary(_acos), known, safe=_CLOSED_UNIT, smooth=_OPEN_UNIT),
    operation("atan", "an arc tangent", "x", unary(lambda r: increasing(math.atan, r, saturates=True))),
    operation("atan2", "an angle", "x y", bounded(_HALF_TURN), known),
    operation("sinh", "a hyperbolic sine", "x", unary(_sinh), overflow=_COSH),
    operation("cosh", "a hyperbolic cosine", "x", unary(_cosh), known, overflow=_COSH),
    operation("asinh", "an inverse hyperbolic sine", "x", unary(lambda r: increasing(math.asinh, r))),
    operation(
        "acosh",
        "an inverse hyperbolic cosine",
        "x",
        unary(lambda r: increasing(math.acosh, r, 1.0, inf)),
        safe=Range(1.0, inf),
        smooth=interval(1.0, inf, open="lo"),
    ),
    operation(
        "atanh",
        "an inverse hyperbolic tangent",
        "x",
        unary(lambda r: increasing(lambda x: math.copysign(inf, x) if abs(x) == 1 else math.atanh(x), r, -1.0, 1.0)),
        safe=_OPEN_UNIT,
    ),
    # rounding and choosing
    operation("sign", "a sign", "x", unary(_sign), known),
    operation("floor", "a value rounded down", "x", unary(lambda r: ar.whole(math.floor, r))),
    operation("ceil", "a value rounded up", "x", unary(lambda r: ar.whole(math.ceil, r))),
    operation("round", "a rounded value", "x", unary(lambda r: ar.whole(round, r))),
    operation("trunc", "a truncated value", "x", unary(lambda r: ar.whole(math.trunc, r))),
    operation("clamp", "a clamped value", "x min max", _clamp, floor_at("min")),
    operation("maximum", "a maximum", "x y z w", _fold(ar.maximum), floor_at("x", "y", "z", "w")),
    operation("minimum", "a minimum", "x y z w", _fold(ar.minimum)),
    operation("where", "a choice", "condition x y", _where, zero_from("x", "y")),
    operation("masked_fill", "a masked value", "x mask value", _masked_fill, zero_from("x", "value"), watched=True),
    operation("nan_to_num", "a cleaned value", "x nan", _nan_to_num),
    operation("fill", "a filled value", "x value", _fill),
    operation("erf", "an error function", "x", unary(lambda r: increasing(math.erf, r, saturates=True)), reached),
    operation("erfc", "an error function", "x", bounded(Range(0.0, 2.0)), reached),
)
