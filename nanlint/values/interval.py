"""Ranges of numbers as floats compute them: the lattice every other room reasons in.

A `Range` is a set of floats: an interval whose ends may be open, optionally without zero, optionally with NaN,
optionally of whole numbers only. The empty set is `None`-free: it is `EMPTY`, so that meeting two facts that
contradict each other is a value too ("this branch cannot run").
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, floor, inf, isinf, isnan, nextafter

from nanlint.values.quick import quick

# Widening moves an unstable end to the nearest of these: the points where operations change their behaviour.
_LANDMARKS = (-inf, -1.0, 0.0, 1.0, inf)


@quick
class Range:
    """All floats between `lo` and `hi`, seen as computed: softmax is [0, 1], because it underflows to 0.

    Attributes:
        lo, hi: the ends, possibly infinite. An infinite end that is closed means the infinity itself is reached.
        lo_open, hi_open: the end itself is not reached.
        nonzero: exactly 0 is left out although it lies between the ends.
        integer: only whole numbers (and possibly infinities).
        nan: NaN is possible too.
    """

    lo: float = -inf
    hi: float = inf
    lo_open: bool = False
    hi_open: bool = False
    nonzero: bool = False
    integer: bool = False
    nan: bool = False

    # --- questions -------------------------------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """No number at all (NaN is not a number)."""
        return self.lo > self.hi or (self.lo == self.hi and (self.lo_open or self.hi_open))

    @property
    def is_constant(self) -> bool:
        return self.lo == self.hi and not (self.lo_open or self.hi_open or self.nan)

    @property
    def is_finite(self) -> bool:
        """Neither infinity is reached, nor NaN (an open infinite end is not reached)."""
        return not self.nan and (self.lo > -inf or self.lo_open) and (self.hi < inf or self.hi_open)

    def contains(self, x: float) -> bool:
        if isnan(x):
            return self.nan
        if x == 0 and self.nonzero:
            return False
        if self.integer and not isinf(x) and x != floor(x):
            return False
        above = x > self.lo or (x == self.lo and not self.lo_open)
        below = x < self.hi or (x == self.hi and not self.hi_open)
        return above and below

    def may_be_zero(self) -> bool:
        return self.contains(0.0)

    def may_be_negative(self) -> bool:
        return self.lo < 0

    def may_be_positive(self) -> bool:
        return self.hi > 0

    def must_be_positive(self) -> bool:
        return not self.is_empty and (self.lo > 0 or (self.lo == 0 and (self.lo_open or self.nonzero)))

    def must_be_nonnegative(self) -> bool:
        return self.lo >= 0

    def must_be_nonzero(self) -> bool:
        return not self.may_be_zero()

    def __le__(self, other: Range) -> bool:
        """Is every value of this range in the other?"""
        if self.nan and not other.nan:
            return False
        if self.is_empty:
            return True
        if self.integer is False and other.integer and not self.is_constant:
            return False
        if other.nonzero and self.may_be_zero():
            return False
        low = self.lo > other.lo or (self.lo == other.lo and (self.lo_open or not other.lo_open))
        high = self.hi < other.hi or (self.hi == other.hi and (self.hi_open or not other.hi_open))
        return low and high and (not (self.is_constant and other.integer) or other.contains(self.lo))

    def overlaps(self, other: Range) -> bool:
        """Is there a number (not NaN) in both?"""
        return not self.meet(other).is_empty

    # --- lattice ---------------------------------------------------------------------------------------------

    def join(self, other: Range) -> Range:
        """The smallest range that holds both."""
        nan = self.nan or other.nan
        if self.is_empty:
            return other if other.nan == nan else replace(other, nan=nan)
        if other.is_empty:
            return self if self.nan == nan else replace(self, nan=nan)
        lo, lo_open = min((self.lo, self.lo_open), (other.lo, other.lo_open))
        hi, hi_closed = max((self.hi, not self.hi_open), (other.hi, not other.hi_open))
        return _make(
            lo,
            hi,
            lo_open,
            not hi_closed,
            nonzero=self.must_be_nonzero() and other.must_be_nonzero(),
            integer=self.integer and other.integer,
            nan=nan,
        )

    def meet(self, other: Range) -> Range:
        """The values that lie in both; `EMPTY` if there are none."""
        lo, lo_closed = max((self.lo, not self.lo_open), (other.lo, not other.lo_open), key=_low_key)
        hi, hi_open = min((self.hi, self.hi_open), (other.hi, other.hi_open), key=_high_key)
        return _make(
            lo,
            hi,
            not lo_closed,
            hi_open,
            nonzero=self.nonzero or other.nonzero,
            integer=self.integer or other.integer,
            nan=self.nan and other.nan,
        )

    def widen(self, newer: Range) -> Range:
        """An upper bound of both that changes only finitely often: unstable ends jump to a landmark."""
        both = self.join(newer)
        lo, lo_open, hi, hi_open = both.lo, both.lo_open, both.hi, both.hi_open
        if (lo, lo_open) != (self.lo, self.lo_open):
            lo, lo_open = max(mark for mark in _LANDMARKS if mark <= lo), False
        if (hi, hi_open) != (self.hi, self.hi_open):
            hi, hi_open = min(mark for mark in _LANDMARKS if mark >= hi), False
        return _make(lo, hi, lo_open, hi_open, nonzero=both.nonzero, integer=both.integer, nan=both.nan)

    # --- changed copies --------------------------------------------------------------------------------------

    def with_nan(self, nan: bool = True) -> Range:
        return self if self.nan == nan else replace(self, nan=nan)

    def without_zero(self) -> Range:
        """The same values but 0."""
        return _make(self.lo, self.hi, self.lo_open, self.hi_open, nonzero=True, integer=self.integer, nan=self.nan)

    def as_real(self) -> Range:
        """The same ends, no longer known to be whole numbers."""
        return replace(self, integer=False) if self.integer else self

    def as_integer(self) -> Range:
        return _make(self.lo, self.hi, self.lo_open, self.hi_open, nonzero=self.nonzero, integer=True, nan=False)

    # --- text ------------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        """Mathematical notation: `[0, 1]`, `(0, inf]`, `[-inf, inf] without 0`, `{2}`, with ` or NaN`."""
        if self.is_empty:
            return "NaN" if self.nan else "empty"
        if self.is_constant:
            return f"{{{_number(self.lo)}}}"
        left, right = "(" if self.lo_open else "[", ")" if self.hi_open else "]"
        text = f"{left}{_number(self.lo)}, {_number(self.hi)}{right}"
        if self.nonzero and self.lo < 0 < self.hi:
            text += " without 0"
        return text + (" or NaN" if self.nan else "")


def _low_key(end: tuple[float, bool]) -> tuple[float, bool]:
    value, closed = end
    return value, not closed  # of two equal lower ends, the open one is the tighter


def _high_key(end: tuple[float, bool]) -> tuple[float, bool]:
    value, is_open = end
    return value, not is_open


def _make(lo: float, hi: float, lo_open: bool, hi_open: bool, *, nonzero: bool, integer: bool, nan: bool) -> Range:
    """A range in its one normal form, so that equal sets of floats are equal objects."""
    if lo > hi:
        return NAN if nan else EMPTY
    if integer:
        if not isinf(lo):
            lo, lo_open = (floor(lo) + 1.0 if lo_open else float(ceil(lo))), False
        if not isinf(hi):
            hi, hi_open = (ceil(hi) - 1.0 if hi_open else float(floor(hi))), False
    if nonzero:
        if lo == 0 and not lo_open:
            lo, lo_open = (1.0, False) if integer else (0.0, True)
        if hi == 0 and not hi_open:
            hi, hi_open = (-1.0, False) if integer else (0.0, True)
        nonzero = lo < 0 < hi
    if lo > hi or (lo == hi and (lo_open or hi_open)):
        return NAN if nan else EMPTY
    return Range(lo, hi, lo_open, hi_open, nonzero, integer, nan)


def interval(
    lo: float = -inf,
    hi: float = inf,
    *,
    open: str = "",
    nonzero: bool = False,
    integer: bool = False,
    nan: bool = False,
) -> Range:
    """A range in normal form. `open` names the open ends: "lo", "hi" or "lo hi"."""
    return _make(lo, hi, "lo" in open, "hi" in open, nonzero=nonzero, integer=integer, nan=nan)


def constant(x: float | int | bool) -> Range:
    """Exactly one number (or NaN)."""
    try:
        value = float(x)
    except OverflowError:
        value = inf if x > 0 else -inf
    return NAN if isnan(value) else Range(value, value, integer=isinstance(x, int))


def next_above(x: float) -> float:
    """The next larger double."""
    return nextafter(x, inf)


def _number(x: float) -> str:
    return f"{x:.6g}"


EMPTY = Range(inf, -inf)
NAN = Range(inf, -inf, nan=True)
ANY = Range(nan=True)  # nothing is known
REAL = Range()  # any number, infinities too, but not NaN
FINITE = Range(lo_open=True, hi_open=True)
POSITIVE = Range(0.0, inf, lo_open=True)
NONNEGATIVE = Range(0.0, inf)
UNIT = Range(0.0, 1.0)
SIZE = Range(1.0, inf, hi_open=True, integer=True)
COUNT = Range(0.0, inf, hi_open=True, integer=True)
BOOLEAN = Range(0.0, 1.0, integer=True)
