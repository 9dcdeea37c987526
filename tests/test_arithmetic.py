"""Ranges predict what numpy computes in float32."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import any_ranges, points, ranges

from nanlint.values import arithmetic as ar
from nanlint.values.interval import ANY, COUNT, FINITE, POSITIVE, REAL, SIZE, UNIT, Range, constant, interval
from nanlint.values.value import DType

BINARY: dict[str, tuple[ar.Pairwise, Callable[..., np.float32]]] = {
    "add": (ar.add, np.add),
    "sub": (ar.sub, np.subtract),
    "mul": (ar.mul, np.multiply),
    "div": (ar.div, np.divide),
    "floordiv": (ar.floordiv, np.floor_divide),
    "mod": (ar.mod, np.mod),
    "fmod": (ar.fmod, np.fmod),
    "power": (ar.power, np.power),
    "maximum": (ar.maximum, np.maximum),
    "minimum": (ar.minimum, np.minimum),
}
UNARY: dict[str, tuple[ar.Function, Callable[..., np.float32]]] = {
    "neg": (ar.neg, np.negative),
    "absolute": (ar.absolute, np.abs),
    "square": (ar.square, np.square),
    "sqrt": (ar.sqrt, np.sqrt),
    "exp": (ar.exp, np.exp),
    "log": (ar.log, np.log),
    "reciprocal": (ar.reciprocal, np.reciprocal),
}
MANY: dict[str, tuple[ar.Function, Callable[..., np.float32]]] = {
    "sum_of": (ar.sum_of, np.sum),
    "mean_of": (ar.mean_of, np.mean),
    "product_of": (ar.product_of, np.prod),
    "spread_of": (ar.spread_of, np.std),
}


def holds(r: Range, computed: float) -> bool:
    """Is the number in the range, but for the last digits of float32?"""
    if r.contains(computed) or np.isnan(computed):
        return r.contains(computed)
    near = 1e-6 * max(1.0, abs(computed))
    return computed != 0 and r.overlaps(interval(computed - near, computed + near))


@pytest.mark.parametrize("name", BINARY)
@given(ranges(), ranges(), st.data())
def test_binary(name: str, a: Range, b: Range, data: st.DataObject) -> None:
    predict, compute = BINARY[name]
    x, y = np.float32(data.draw(points(a))), np.float32(data.draw(points(b)))
    if name == "floordiv" and y == 0:
        return  # numpy's answer differs from that of Python and of torch
    with np.errstate(all="ignore"):
        computed = float(compute(x, y))
    assert holds(ar.rounded(predict(a, b)), computed), (str(a), str(b), str(predict(a, b)), computed)


@pytest.mark.parametrize("name", UNARY)
@given(ranges(), st.data())
def test_unary(name: str, a: Range, data: st.DataObject) -> None:
    predict, compute = UNARY[name]
    with np.errstate(all="ignore"):
        computed = float(compute(np.float32(data.draw(points(a)))))
    assert holds(ar.rounded(predict(a)), computed), (str(a), str(predict(a)), computed)


@pytest.mark.parametrize("name", MANY)
@given(ranges(), st.data())
def test_many(name: str, a: Range, data: st.DataObject) -> None:
    predict, compute = MANY[name]
    xs = np.array(data.draw(st.lists(points(a), min_size=1, max_size=5)), np.float32)
    computed = float(compute(xs))
    if not ar.rounded(predict(a)).contains(computed):
        assert holds(predict(a), computed), (str(a), str(predict(a)), xs, computed)


@given(any_ranges(), any_ranges())
def test_results_are_in_normal_form(a: Range, b: Range) -> None:
    for predict, _ in BINARY.values():
        r = predict(a, b)
        assert r.meet(REAL.with_nan()) == r, (str(a), str(b), r)
        assert r.is_empty <= (a.is_empty or b.is_empty or r.nan), (str(a), str(b), r)


@given(ranges(nan=False), ranges(nan=False), st.floats(-3, 3))
def test_larger_operands_give_larger_results(a: Range, b: Range, at: float) -> None:
    wider = a.join(constant(at))
    for name in ("add", "mul", "div", "power", "maximum"):
        predict, _ = BINARY[name]
        assert predict(a, b) <= predict(wider, b).with_nan(), (name, str(a), str(wider), str(b))


@given(st.floats(allow_nan=False))
def test_rounding_agrees_with_numpy(x: float) -> None:
    with np.errstate(all="ignore"):
        assert ar.rounded(constant(x)).lo == float(np.float32(x))
        assert ar.rounded(constant(x), DType.FLOAT16).lo == float(np.float16(x))
    assert ar.rounded(constant(x), DType.FLOAT64).lo == x


@given(st.floats(allow_nan=False))
def test_rounding_to_bfloat16_agrees_with_torch(x: float) -> None:
    torch = pytest.importorskip("torch")
    assert ar.rounded(constant(x), DType.BFLOAT16).lo == float(torch.tensor(x, dtype=torch.float32).bfloat16())


def test_small_constants_are_absorbed() -> None:
    assert ar.rounded(ar.add(constant(1e-10), constant(1.0))) == constant(1.0)
    assert ar.rounded(ar.sub(constant(1.0), constant(1e-8))) == constant(1.0)
    assert ar.rounded(constant(1e-8), DType.FLOAT16) == constant(0.0)
    assert not ar.rounded(constant(1e-8), DType.BFLOAT16).may_be_zero()
    late = ar.sub(ar.rounded(ar.add(constant(1e-10), constant(1.0))), UNIT)
    assert late.may_be_zero()
    assert not ar.add(ar.sub(constant(1.0), UNIT), constant(1e-10)).may_be_zero()


def test_guarded_values_stay_positive() -> None:
    for r in (
        ar.mul(POSITIVE, POSITIVE),
        ar.sqrt(POSITIVE),
        ar.power(POSITIVE, constant(0.25)),
        ar.div(POSITIVE, interval(0, inf, open="lo hi")),
        ar.add(UNIT, POSITIVE),
        ar.rounded(POSITIVE),
        ar.sum_of(POSITIVE),
    ):
        assert r.must_be_positive(), str(r)


def test_zero_by_underflow() -> None:
    assert ar.power(constant(0.9), COUNT).may_be_zero()  # 0.9 ** 10000
    assert ar.exp(FINITE) == interval(0, inf)
    assert ar.product_of(interval(0, 1, open="lo hi")) == UNIT
    assert ar.sub(constant(1.0), interval(0, 1, open="lo hi")).must_be_positive()


def test_nan_where_floats_make_it() -> None:
    assert ar.sub(constant(inf), constant(inf)).nan
    assert ar.mul(constant(0.0), REAL).nan
    assert ar.div(REAL, REAL).nan
    assert ar.div(UNIT, UNIT).nan
    assert not ar.mul(UNIT, FINITE).nan
    assert not ar.div(UNIT, SIZE).nan
    assert ar.add(ANY, UNIT).nan
    assert not ar.add(REAL, UNIT).nan
