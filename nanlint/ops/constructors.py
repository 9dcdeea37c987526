"""Tensors from nothing, and views: the same numbers, converted, rearranged or some of them."""

from __future__ import annotations

import math

from nanlint.ops.define import always, fixed_at, known, operation, range_of, weakest
from nanlint.ops.operation import Operands, Role
from nanlint.values import arithmetic as ar
from nanlint.values.interval import ANY, BOOLEAN, FINITE, Range, interval
from nanlint.values.value import DType, Grounds, Kind, Value

_ZERO = Range(0.0, 0.0, integer=True)
_ONE = Range(1.0, 1.0, integer=True)


def _filled(operands: Operands) -> Range:
    x, dtype = operands.get("x"), operands.get("dtype", operands.get("x"))
    whole = x is not None and dtype is not None and dtype.dtype in (DType.INTEGER, DType.BOOLEAN)
    r = range_of(operands, "value")
    return converted(r, dtype.dtype) if whole and dtype is not None else r


_BELOW_ONE = interval(0.0, 1.0, open="hi")  # the largest is 1 - 2**-24


def _between(operands: Operands) -> Range:
    """From `low` up to, not including, `high`; rounding may reach it all the same."""
    low, high = range_of(operands, "low", _ZERO), range_of(operands, "high", _ONE)
    return low.join(high).as_real()


def _whole_between(operands: Operands) -> Range:
    low, high = _limits(operands, "low", "high")
    return interval(low.lo, high.hi, open="hi", integer=True)


def _arange(operands: Operands) -> Range:
    start, end = _limits(operands, "start", "end")
    step = range_of(operands, "step", _ONE)
    integer = start.integer and step.integer
    if start.nan or end.nan:
        return ANY
    if step.lo >= 0 and start.lo < end.hi:
        return interval(start.lo, end.hi, open="hi" if integer else "", integer=integer)
    both = start.join(end)
    return interval(both.lo, both.hi, integer=integer)


def _limits(operands: Operands, first: str, second: str) -> tuple[Range, Range]:
    """One argument alone is the upper limit: randint(10), arange(10), randint(10, shape)."""
    if second in operands and operands[second].kind not in (Kind.SEQUENCE, Kind.SHAPE):
        return range_of(operands, first, _ZERO), range_of(operands, second)
    return _ZERO, range_of(operands, first)


def _linspace(operands: Operands) -> Range:
    return range_of(operands, "start").join(range_of(operands, "end")).as_real()


def converted(r: Range, dtype: DType | None) -> Range:
    """The numbers after a conversion: whole for integers, 0 or 1 for booleans, rounded for short floats."""
    if r.is_empty:
        return r
    if dtype is DType.INTEGER:
        return ar.whole(math.trunc, r).with_nan(False)
    if dtype is DType.BOOLEAN:
        if r.must_be_nonzero():
            return _ONE
        return _ZERO if r.is_constant else BOOLEAN
    return r if dtype is None else ar.rounded(r, dtype)


def _view(operands: Operands) -> Range:
    x, dtype = operands.get("x"), operands.get("dtype")
    r = ANY if x is None else _elements(x)
    return r if dtype is None or r.is_empty else converted(r, dtype.dtype)


def _elements(x: Value) -> Range:
    """The numbers in a value; those of all its items if it is a list or tuple."""
    if x.items is None:
        return x.range
    return ar.join_all(_elements(item) for item in x.items) if x.items else ANY


def _stacked(operands: Operands) -> Range:
    x = operands.get("x")
    return _elements(x) if x is not None and x.items else ANY


def _stacked_grounds(operands: Operands, result: Range) -> Grounds:
    x = operands.get("x")
    if x is None or not x.items:
        return Grounds.NONE
    return min((item.grounds for item in x.items if item.constant is None), default=Grounds.KNOWN)


def _limited_grounds(operands: Operands, result: Range) -> Grounds:
    """What is known of the limits is known of a number between them."""
    return weakest({name: operands[name] for name in ("low", "high") if name in operands}, result)


def _own_grounds(operands: Operands, result: Range) -> Grounds:
    x = operands.get("x")
    if x is None:
        return Grounds.NONE
    if x.items:
        return _stacked_grounds(operands, result)
    return Grounds.KNOWN if x.constant is not None else x.grounds


CONSTRUCTORS = (
    operation("zeros", "a tensor of zeros", "x size dtype", always(_ZERO), known),
    operation("ones", "a tensor of ones", "x size dtype", always(_ONE), known),
    operation("full", "a filled tensor", "x size value dtype", _filled),
    operation("empty", "uninitialised memory", "x size dtype", always(ANY), fixed_at(Grounds.KNOWN)),
    operation("rand", "a random number from [0, 1)", "x size dtype", always(_BELOW_ONE), known),
    operation(
        "randn", "a normal random number", "x size dtype", always(FINITE), fixed_at(Grounds.ASSUMED)
    ),  # 0 and below in so few cases
    operation("randint", "a random whole number", "x low high size dtype", _whole_between, known),
    operation("uniform", "a uniform random number", "x low high size dtype", _between, _limited_grounds),
    operation("bernoulli", "a random 0 or 1", "x", always(BOOLEAN), known),
    operation("arange", "a range of numbers", "start end step dtype", _arange, known),
    operation("linspace", "evenly spaced numbers", "start end steps dtype", _linspace, known),
    operation("eye", "an identity matrix", "size dtype", always(BOOLEAN), known),
    operation("tensor", "a tensor", "x dtype", _view, _own_grounds, role=Role.VIEW),
)

VIEWS = (
    # the same elements in the same places, `new` where surely in another tensor; elsewhere; and only some of them:
    # `how` tells which
    operation("copy", "a copy", "x dtype new", _view, _own_grounds, role=Role.VIEW),
    operation("view", "a view", "x how", _view, _own_grounds, role=Role.VIEW),
    operation("part", "a part", "x how", _view, _own_grounds),
    operation("unique", "the different values", "x", _view, _own_grounds),
    operation("detach", "a detached value", "x plain", _view, _own_grounds, role=Role.VIEW),
    operation("stack", "a stack", "x dim", _stacked, _stacked_grounds),
    operation("masked_select", "a selection", "x mask", _view, _own_grounds),
    operation("triangle", "a triangular matrix", "x", lambda operands: _view(operands).join(_ZERO), known),
)
