"""Hypothesis strategies: ranges, and numbers drawn from a range."""

from __future__ import annotations

from math import ceil, floor, inf, isfinite, isnan

from hypothesis import settings
from hypothesis import strategies as st

from nanlint.values.interval import EMPTY, NAN, Range, constant, interval

# torch's first calls are slow
settings.register_profile("nanlint", settings.default, deadline=None)
settings.load_profile("nanlint")

# exactly representable in every format, float16 included
_ENDS = (-inf, -16.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 16.0, inf)
MODERATE = 16.0


@st.composite
def ranges(draw: st.DrawFn, *, nan: bool = True) -> Range:
    """A range that holds at least one number of moderate size."""
    if draw(st.integers(0, 9)) == 0:
        return constant(draw(st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0])))
    lo, hi = sorted(draw(st.lists(st.sampled_from(_ENDS), min_size=2, max_size=2, unique=True)))
    flags = draw(st.integers(0, 15))
    opened = ("lo " if flags & 1 else "") + ("hi" if flags & 2 else "")
    r = interval(
        lo,
        hi,
        open=opened,
        nonzero=bool(flags & 4),
        integer=flags & 8 > 0 and draw(st.booleans()),
        nan=nan and draw(st.booleans()),
    )
    return r if r.overlaps(interval(-MODERATE, MODERATE)) else constant(1.0)


@st.composite
def any_ranges(draw: st.DrawFn) -> Range:
    """A range in normal form, the empty ones included."""
    return draw(st.one_of(ranges(), st.sampled_from([EMPTY, NAN])))


def points(r: Range) -> st.SearchStrategy[float]:
    """Numbers of moderate size in a range, exact in float32; small numbers are left to the ends."""
    lo, hi = max(r.lo, -MODERATE), min(r.hi, MODERATE)
    if lo == hi and r.contains(lo):
        return st.just(lo)
    if r.integer:
        whole = st.integers(ceil(lo), floor(hi)).filter(lambda n: r.contains(float(n)))
        return whole.map(lambda n: float(n) or (-0.0 if r.hi <= 0 else 0.0))
    drawn = st.floats(lo, hi, width=32, allow_subnormal=False)
    return drawn.map(lambda x: _moderate(r, x)).filter(r.contains)


def _moderate(r: Range, x: float) -> float:
    """Not so small that a product underflows; a zero has the sign of the rest of its range (see arithmetic.py)."""
    if x == 0 and r.contains(0.0):
        return -0.0 if r.hi <= 0 else 0.0
    small = 2.0**-10
    return x if abs(x) > small else small if r.hi > 0 and x >= 0 else -small


def lies_in(r: Range, computed: float) -> bool:
    """Is it in the range, as far as rounding leaves it there?"""
    if isnan(computed):
        return r.nan
    near = 1e-5 * max(1.0, abs(computed)) if computed != 0 and isfinite(computed) else 0.0
    return r.contains(computed) or (near > 0 and r.overlaps(interval(computed - near, computed + near)))
