"""Arithmetic on ranges: what floats give when every operand lies somewhere in its range.

Three conventions hold throughout.

* A closed end is reached. Saturating functions (exp, sigmoid, tanh) therefore close their ends; products, quotients
  and powers keep an open 0 open: two guarded or hyper-parameter-like factors do not underflow in practice.
* An open infinite end stays open under + - * /: overflow is modelled where it is usual (exp, powers of large numbers).
* NaN appears where floats make it: inf - inf, 0 * inf, inf / inf, 0 / 0, a function outside its domain.

Zero counts as having the sign of the other numbers of its range: 1 / [0, 1] is [1, inf].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from math import inf, isinf, isnan

from nanlint.values.field import (
    End,
    add,
    div,
    ends_of,
    floordiv,
    fmod,
    hull,
    make,
    mod,
    mul,
    neg,
    of_empty,
    reaches_infinity,
    reciprocal,
    sub,
    whole,
)
from nanlint.values.interval import EMPTY, NAN, REAL, Range
from nanlint.values.rounding import rounded

Scalar = Callable[[float], float]
Function = Callable[[Range], Range]
Pairwise = Callable[[Range, Range], Range]

__all__ = [
    "Function",
    "Pairwise",
    "Scalar",
    "absolute",
    "add",
    "clamp",
    "div",
    "exp",
    "floordiv",
    "fmod",
    "increasing",
    "join_all",
    "log",
    "maximum",
    "mean_of",
    "minimum",
    "mod",
    "mul",
    "neg",
    "power",
    "product_of",
    "reaches_infinity",
    "reciprocal",
    "rounded",
    "spread_of",
    "sqrt",
    "square",
    "sub",
    "sum_of",
    "whole",
]


# --- powers ------------------------------------------------------------------------------------------------------


def absolute(a: Range) -> Range:
    """|a|"""
    if a.lo >= 0 or a.is_empty:
        return a
    if a.hi <= 0:
        return neg(a)
    hi = max((a.hi, not a.hi_open), (-a.lo, not a.lo_open))
    return make((0.0, a.nonzero), (hi[0], not hi[1]), nonzero=a.nonzero, integer=a.integer, nan=a.nan)


def square(a: Range) -> Range:
    """A * a of one value with itself."""
    b = absolute(a)
    if b.is_empty:
        return b
    return make((b.lo * b.lo, b.lo_open), (b.hi * b.hi, b.hi_open), integer=b.integer, nan=b.nan)


def power(a: Range, b: Range) -> Range:
    """The power a ** b."""
    nothing = of_empty(a, b)
    if nothing is not None:
        return nothing
    if b.is_constant:
        return _constant_power(a, b.lo)
    if a.lo >= 0:
        pairs = [((x, xo), (y, yo)) for x, xo in ends_of(a) for y, yo in ends_of(b)]
        ends = hull(_raised(p, q) for p, q in pairs)
        integer = a.integer and b.integer and b.lo >= 0
        return NAN if ends is None else make(*ends, integer=integer, nan=a.nan or b.nan)
    if a.lo >= -1 and a.hi <= 1 and b.integer and b.lo >= 0:  # (-1) ** step
        return Range(-1.0, 1.0, nan=a.nan or b.nan)
    return REAL.with_nan(a.nan or b.nan or not b.integer)


def _constant_power(a: Range, n: float) -> Range:
    if n == 0:
        return Range(1.0, 1.0, integer=a.integer)
    if n == 1:
        return a
    if n < 0:
        return reciprocal(_constant_power(a, -n))
    if n == 2:
        return square(a)
    if isinf(n) or n != int(n):
        return increasing(lambda x: _pow(x, n), a, 0.0, inf)
    if n % 2 == 0:
        a = absolute(a)
    raised = increasing(lambda x: _pow(x, n), a)
    return make(*ends_of(raised), nonzero=raised.nonzero, integer=a.integer, nan=a.nan)


def _pow(x: float, n: float) -> float:
    try:
        return math.pow(x, n)
    except OverflowError:
        return -inf if x < 0 and n % 2 == 1 else inf
    except ValueError:  # 0 to a negative power
        return inf


def _raised(p: End, q: End) -> End:
    x = _pow(p[0], q[0])
    if x == 1 and ((p[0] == 1 and not p[1]) or (q[0] == 0 and not q[1])):
        return x, False
    if isinf(x) or x == 0:  # powers overflow and underflow soon
        return x, False
    return x, p[1] or q[1]


def sqrt(a: Range) -> Range:
    """The square root; NaN below 0."""
    return increasing(math.sqrt, a, 0.0, inf)


# --- functions ---------------------------------------------------------------------------------------------------


def increasing(f: Scalar, a: Range, least: float = -inf, most: float = inf, *, saturates: bool = False) -> Range:
    """A function that never decreases on [least, most] and is NaN outside. `f` is called on the ends only.

    A saturating function takes one float for many arguments, so its ends are reached even where those of `a` are not.
    """
    outside = a.lo < least or a.hi > most
    if outside:
        nan = True
        a = a.meet(Range(least, most, nan=a.nan))
    else:
        nan = a.nan
    if a.lo > a.hi:
        return NAN if nan else EMPTY
    lo, hi = f(a.lo), f(a.hi)
    if saturates:
        return Range(lo, hi, nan=nan)
    return Range(lo, hi, a.lo_open and lo != hi, a.hi_open and lo != hi, a.nonzero and lo < 0 < hi, False, nan)


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return inf


def exp(a: Range) -> Range:
    """The exponential: overflows to inf and underflows to exactly 0, so [0, inf] of an unbounded operand."""
    return increasing(_exp, a, saturates=True)


def _log(x: float) -> float:
    return -inf if x == 0 else math.log(x)


def log(a: Range) -> Range:
    """The natural logarithm: -inf at 0, NaN below."""
    return increasing(_log, a, 0.0, inf)


def maximum(a: Range, b: Range) -> Range:
    """The larger of two; NaN if either is."""
    nothing = of_empty(a, b)
    if nothing is not None:
        return nothing
    lo = max(ends_of(a)[0], ends_of(b)[0])
    hi = max((a.hi, not a.hi_open), (b.hi, not b.hi_open))
    nonzero = a.must_be_nonzero() and b.must_be_nonzero()
    return make(lo, (hi[0], not hi[1]), nonzero=nonzero, integer=a.integer and b.integer, nan=a.nan or b.nan)


def minimum(a: Range, b: Range) -> Range:
    """The smaller of two; NaN if either is."""
    return neg(maximum(neg(a), neg(b)))


def clamp(a: Range, least: Range | None, most: Range | None) -> Range:
    """min(max(a, least), most), as torch defines it; an absent bound does nothing."""
    if least is not None:
        a = maximum(a, least)
    return a if most is None else minimum(a, most)


def join_all(ranges: Iterable[Range]) -> Range:
    """The smallest range that holds all of them; empty of none."""
    joined = EMPTY
    for r in ranges:
        joined = joined.join(r)
    return joined


# --- many elements -----------------------------------------------------------------------------------------------


def sum_of(a: Range) -> Range:
    """The sum of one or more elements. Sums of finite elements count as finite."""
    if a.is_empty:
        return a
    lo = (a.lo, a.lo_open) if a.lo >= 0 else (-inf, a.lo > -inf or a.lo_open)
    hi = (a.hi, a.hi_open) if a.hi <= 0 else (inf, a.hi < inf or a.hi_open)
    return make(lo, hi, integer=a.integer, nan=a.nan or _both_infinities(a))


def mean_of(a: Range) -> Range:
    """The mean of one or more elements."""
    if a.is_empty:
        return a
    return Range(a.lo, a.hi, a.lo_open, a.hi_open, False, False, a.nan or _both_infinities(a))


def _both_infinities(a: Range) -> bool:
    return a.lo == -inf and a.hi == inf and not (a.lo_open or a.hi_open)


def product_of(a: Range) -> Range:
    """The product of one or more elements: many factors below 1 underflow to 0, many above 1 overflow."""
    if a.is_empty:
        return a
    nan = a.nan or (a.may_be_zero() and reaches_infinity(a))
    most = max(abs(a.lo), abs(a.hi))
    bound = most if most <= 1 else inf
    if a.lo < 0:
        return make((-bound, False), (bound, False), integer=a.integer, nan=nan)
    return make((a.lo if a.lo >= 1 else 0.0, False), (bound, False), integer=a.integer, nan=nan)


def spread_of(a: Range) -> Range:
    """The standard deviation of one or more elements; 0 where they are equal. One element's NaN is a rule's affair."""
    if a.is_empty:
        return a
    width = a.hi - a.lo
    return Range(0.0, inf if isnan(width) else width, nan=a.nan)
