"""The lattice laws of ranges."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st
from strategies import any_ranges, points, ranges

from nanlint.values.interval import EMPTY, NAN, UNIT, Range, constant, interval

PROBES = [-inf, -17.0, -2.0, -1.5, -1.0, -0.25, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 16.0, 20.0, inf, float("nan")]


def members(r: Range) -> set[str]:
    return {repr(x) for x in PROBES if r.contains(x)}


@given(any_ranges(), any_ranges())
def test_join_is_an_upper_bound(a: Range, b: Range) -> None:
    assert a <= a.join(b)
    assert b <= a.join(b)
    assert a.join(b) == b.join(a)
    assert members(a) | members(b) <= members(a.join(b))


@given(any_ranges(), any_ranges())
def test_meet_is_the_greatest_lower_bound(a: Range, b: Range) -> None:
    both = a.meet(b)
    assert both <= a
    assert both <= b
    assert members(both) == members(a) & members(b)


@given(any_ranges(), st.lists(any_ranges(), max_size=30))
def test_widening_is_an_upper_bound_and_ends(start: Range, steps: list[Range]) -> None:
    state, changes = start, 0
    for step in steps:
        wider = state.widen(step)
        assert state <= wider
        assert step <= wider
        changes += wider != state
        state = wider
    assert changes <= 16  # two ends over five landmarks, open or closed, and three flags


@given(any_ranges())
def test_normal_form(r: Range) -> None:
    if r.is_empty:
        assert r == (NAN if r.nan else EMPTY)
    again = interval(
        r.lo,
        r.hi,
        open=("lo " if r.lo_open else "") + ("hi" if r.hi_open else ""),
        nonzero=r.nonzero,
        integer=r.integer,
        nan=r.nan,
    )
    assert again == r or r.is_empty
    assert not r.nonzero or r.lo < 0 < r.hi
    assert r.meet(r) == r


@given(any_ranges(), any_ranges())
def test_order_is_containment(a: Range, b: Range) -> None:
    if a <= b:
        assert members(a) <= members(b)
    if a <= b <= a:
        assert members(a) == members(b)
    assert a <= Range(a.lo, a.hi, a.lo_open, a.hi_open, a.nonzero, a.integer, a.nan)


@given(ranges(), st.floats(-3, 3), st.data())
def test_a_condition_and_its_negation_cover_everything(r: Range, bound: float, data: st.DataObject) -> None:
    x = data.draw(points(r))
    below, above = interval(-inf, bound, open="hi"), interval(bound, inf)
    assert r.meet(below).contains(x) or r.meet(above).contains(x)
    assert r.without_zero().contains(x) or x == 0


def test_text() -> None:
    assert str(UNIT) == "[0, 1]"
    assert str(interval(-1, 1, nonzero=True, nan=True)) == "[-1, 1] without 0 or NaN"
    assert str(constant(2)) == "{2}"
    assert str(EMPTY) == "empty"


def test_whole_numbers_without_zero_start_at_one() -> None:
    assert interval(0, inf, integer=True).without_zero() == interval(1, inf, integer=True)
    assert interval(0, 1, open="lo hi", integer=True) == EMPTY
