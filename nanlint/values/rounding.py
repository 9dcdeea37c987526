"""Rounding to the float formats of tensors, nearest-even: why `1 - 1e-8` is 1 and, in float16, `1e-8` is 0."""

from __future__ import annotations

import struct
from ctypes import c_float
from math import copysign, inf, isinf

from nanlint.values.interval import Range
from nanlint.values.value import DType

_EXACT = frozenset({DType.FLOAT64, DType.INTEGER, DType.BOOLEAN})


def round_to(x: float, dtype: DType | None = None) -> float:
    """The nearest number of the format; `None` stands for float32, the default of every framework."""
    if isinf(x) or dtype in _EXACT:
        return x
    if dtype is DType.FLOAT16:
        return _half(x)
    if dtype is DType.BFLOAT16:
        return _brain(x)
    return c_float(x).value


def _half(x: float) -> float:
    try:
        return float(struct.unpack("<e", struct.pack("<e", x))[0])
    except OverflowError:
        return copysign(inf, x)


def _brain(x: float) -> float:
    """bfloat16 is the upper half of a float32; ties go to the even neighbour."""
    single = c_float(x).value
    if isinf(single):
        return single
    (bits,) = struct.unpack("<I", struct.pack("<f", single))
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return float(struct.unpack("<f", struct.pack("<I", bits))[0])


def rounded(a: Range, dtype: DType | None = None) -> Range:
    """The range after every number in it is stored in the format.

    An open end stays open where it is itself a number of the format, so (0, inf) stays positive: what lies beyond the
    end is again a number of the format. An end that moves is reached.
    """
    if dtype in _EXACT or a.lo > a.hi:
        return a
    lo, hi = round_to(a.lo, dtype), round_to(a.hi, dtype)
    if lo == a.lo and hi == a.hi:
        return a
    lo_open, hi_open = a.lo_open and lo == a.lo, a.hi_open and hi == a.hi
    if lo == hi:
        lo_open = hi_open = False
    return Range(lo, hi, lo_open, hi_open, a.nonzero and lo < 0 < hi, a.integer, a.nan)
