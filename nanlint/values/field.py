"""The four operations and the remainders on ranges. Conventions: see arithmetic.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from math import inf, isinf, isnan

from nanlint.values.interval import EMPTY, NAN, Range, interval

End = tuple[float, bool]  # the number, and whether it is left out
_ONE = Range(1.0, 1.0)


def make(lo: End, hi: End, *, nonzero: bool = False, integer: bool = False, nan: bool = False) -> Range:
    """A range from two ends; the usual case, in normal form already, takes the short way."""
    if lo[0] == hi[0]:  # operands were not empty, so where rounding makes the ends meet, that number is reached
        return Range(lo[0], hi[0], integer=integer, nan=nan)
    if nonzero or integer:
        names = ("lo " if lo[1] else "") + ("hi" if hi[1] else "")
        return interval(lo[0], hi[0], open=names, nonzero=nonzero, integer=integer, nan=nan)
    return Range(lo[0], hi[0], lo[1], hi[1], False, False, nan)


def hull(corners: Iterable[End]) -> tuple[End, End] | None:
    """The least and the greatest of some ends; of equal ones the reached one. NaN corners are left out."""
    lo: End = (inf, True)
    hi: End = (-inf, True)
    found = False
    for corner in corners:
        x, is_open = corner
        if isnan(x):
            continue
        found = True
        if x < lo[0] or (x == lo[0] and not is_open):
            lo = corner
        if x > hi[0] or (x == hi[0] and not is_open):
            hi = corner
    return (lo, hi) if found else None


def ends_of(r: Range) -> tuple[End, End]:
    """Both ends of a range."""
    return (r.lo, r.lo_open), (r.hi, r.hi_open)


def reaches_infinity(r: Range) -> bool:
    """May it be inf or -inf?"""
    return (r.hi == inf and not r.hi_open) or (r.lo == -inf and not r.lo_open)


def of_empty(a: Range, b: Range) -> Range | None:
    """The result when an operand has no numbers at all; None when both have some."""
    if a.lo <= a.hi and b.lo <= b.hi:
        return None
    return NAN if a.nan or b.nan else EMPTY


# --- the four operations -----------------------------------------------------------------------------------------


def neg(a: Range) -> Range:
    """-a"""
    if a.lo > a.hi:
        return a
    return Range(0.0 - a.hi, 0.0 - a.lo, a.hi_open, a.lo_open, a.nonzero, a.integer, a.nan)


def add(a: Range, b: Range) -> Range:
    """The sum a + b."""
    nothing = of_empty(a, b)
    if nothing is not None:
        return nothing
    up = (a.hi == inf and not a.hi_open) and (b.lo == -inf and not b.lo_open)
    down = (a.lo == -inf and not a.lo_open) and (b.hi == inf and not b.hi_open)
    lo = _added((a.lo, a.lo_open), (b.lo, b.lo_open))
    hi = _added((a.hi, a.hi_open), (b.hi, b.hi_open))
    nan = a.nan or b.nan or up or down
    if isnan(lo[0]) or isnan(hi[0]):  # one operand is nothing but an infinity, and so is the sum
        return _infinite_sum(a, b, lo, hi)
    zero_shift = (a.nonzero and b.lo == b.hi == 0) or (b.nonzero and a.lo == a.hi == 0)
    return make(lo, hi, nonzero=zero_shift, integer=a.integer and b.integer, nan=nan)


def _added(p: End, q: End) -> End:
    x = p[0] + q[0]
    if isinf(x):
        reached = (isinf(p[0]) and not p[1]) or (isinf(q[0]) and not q[1]) or not (isinf(p[0]) or isinf(q[0]))
        return x, not reached
    if p[0] == 0 or q[0] == 0:
        # what lies just above 0 is absorbed by any other number: (0, 1] + 1 does reach 1
        return x, (p[1] or q[1]) if x == 0 else (q[1] if p[0] == 0 else p[1])
    return x, x == 0 and (p[1] or q[1])  # differences of neighbours are exact, other sums are rounded


def _infinite_sum(a: Range, b: Range, lo: End, hi: End) -> Range:
    if isnan(lo[0]) and isnan(hi[0]):
        return NAN
    x = hi[0] if isnan(lo[0]) else lo[0]
    return Range(x, x, nan=True)


def sub(a: Range, b: Range) -> Range:
    """A - b"""
    return add(a, neg(b))


def mul(a: Range, b: Range) -> Range:
    """A * b, for operands that vary independently."""
    nothing = of_empty(a, b)
    if nothing is not None:
        return nothing
    a_zero, b_zero = a.may_be_zero(), b.may_be_zero()
    nan = a.nan or b.nan or (a_zero and reaches_infinity(b)) or (b_zero and reaches_infinity(a))
    single = a.is_constant or b.is_constant  # 0 * inf is 0 as the limit of an unbounded range, NaN for {0} * {inf}
    a_ends, b_ends = ((a.lo, a.lo_open), (a.hi, a.hi_open)), ((b.lo, b.lo_open), (b.hi, b.hi_open))
    only_infinity = single and ((isinf(a.lo) and a.lo == a.hi) or (isinf(b.lo) and b.lo == b.hi))
    ends = hull(_multiplied(p, q, only_infinity) for p in a_ends for q in b_ends)
    if ends is None:
        return NAN
    return make(*ends, nonzero=not (a_zero or b_zero), integer=a.integer and b.integer, nan=nan)


def _multiplied(p: End, q: End, only_infinity: bool) -> End:
    x = p[0] * q[0]
    if isnan(x):
        return (x if only_infinity else 0.0), _zero_is_open(p, q)
    if x == 0 and (p[0] == 0 or q[0] == 0):
        return 0.0, _zero_is_open(p, q)
    if isinf(x):
        reached = (isinf(p[0]) and not p[1]) or (isinf(q[0]) and not q[1]) or not (isinf(p[0]) or isinf(q[0]))
        return x, not reached
    return x, p[1] or q[1]


def _zero_is_open(p: End, q: End) -> bool:
    if p[0] == 0 and not p[1]:
        return False
    return not (q[0] == 0 and not q[1])


def reciprocal(a: Range) -> Range:
    """1 / a"""
    return div(_ONE, a)


def div(a: Range, b: Range) -> Range:
    """A / b, for operands that vary independently."""
    nothing = of_empty(a, b)
    if nothing is not None:
        return nothing
    a_zero, b_zero = a.may_be_zero(), b.may_be_zero()
    nan = a.nan or b.nan or (a_zero and b_zero) or (reaches_infinity(a) and reaches_infinity(b))
    nonzero = not a_zero and not reaches_infinity(b)
    if b.lo < 0 < b.hi:
        if a.lo == a.hi == 0:
            return Range(0.0, 0.0, nan=nan)
        ended = b.nonzero and not reaches_infinity(a)
        return make((-inf, ended), (inf, ended), nonzero=nonzero, nan=nan)
    negative = b.lo < 0
    ends = hull(
        _divided((x, x_open), (y, y_open), negative)
        for x, x_open in ((a.lo, a.lo_open), (a.hi, a.hi_open))
        for y, y_open in ((b.lo, b.lo_open), (b.hi, b.hi_open))
    )
    return NAN if ends is None else make(*ends, nonzero=nonzero, nan=nan)


def _divided(p: End, q: End, negative: bool) -> End:
    (x, x_open), (y, y_open) = p, q
    if y == 0:
        if x == 0:
            return math.nan, True
        return (inf if (x > 0) != negative else -inf), y_open and (x_open or not isinf(x))
    if isinf(y):
        if isinf(x):
            return math.nan, True
        return 0.0, y_open and (x_open or x != 0)
    if x == 0:
        return 0.0, x_open
    if isinf(x):
        return x / y, x_open
    return x / y, x_open or y_open


def floordiv(a: Range, b: Range) -> Range:
    """A // b"""
    return whole(math.floor, div(a, b))


def mod(a: Range, b: Range) -> Range:
    """A % b with the sign of the divisor (Python, torch.remainder, numpy.mod)."""
    nothing = of_empty(a, b)
    if nothing is not None:
        return nothing
    nan = a.nan or b.nan or b.may_be_zero() or reaches_infinity(a)
    # a tiny negative number modulo 1 rounds to 1, so for floats the divisor itself is reached
    integer = a.integer and b.integer
    if a.lo >= 0 and b.lo > 0:
        hi = min((a.hi, a.hi_open), (b.hi, b.hi_open or integer))
        return make((0.0, False), hi, integer=integer, nan=nan)
    return make((min(b.lo, 0.0), integer), (max(b.hi, 0.0), integer), integer=integer, nan=nan).join(
        Range(0.0, 0.0, integer=integer)
    )


def fmod(a: Range, b: Range) -> Range:
    """The remainder with the sign of the dividend (C, torch.fmod)."""
    nothing = of_empty(a, b)
    if nothing is not None:
        return nothing
    nan = a.nan or b.nan or b.may_be_zero() or reaches_infinity(a)
    most = max(abs(b.lo), abs(b.hi))
    return make(
        (0.0 if a.lo >= 0 else max(a.lo, -most), False),
        (0.0 if a.hi <= 0 else min(a.hi, most), False),
        integer=a.integer and b.integer,
        nan=nan,
    )


def whole(f: Callable[[float], int], a: Range) -> Range:
    """A rounding to whole numbers (floor, ceil, trunc, round)."""
    if a.is_empty:
        return a
    lo = a.lo if isinf(a.lo) else float(f(math.nextafter(a.lo, inf) if a.lo_open else a.lo))
    hi = a.hi if isinf(a.hi) else float(f(math.nextafter(a.hi, -inf) if a.hi_open else a.hi))
    return make((lo, a.lo_open and isinf(lo)), (hi, a.hi_open and isinf(hi)), integer=True, nan=a.nan)
