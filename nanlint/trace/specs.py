"""Inputs as users write them: `32,3,224,224`, `ids=8,128:int64:50257`, `mask=8,128:bool`."""

from __future__ import annotations

import re
from typing import NamedTuple

_SPEC = re.compile(
    r"(?:(?P<name>[A-Za-z_]\w*)=)?(?P<shape>\d+(?:,\d+)*|scalar)(?::(?P<dtype>[a-z]+\d*))?(?::(?P<high>\d+))?"
)
# what may be written, and the name of it in torch
_DTYPES = {
    "float": "float32", "float32": "float32", "float64": "float64", "double": "float64", "float16": "float16",
    "half": "float16", "bfloat16": "bfloat16", "int": "int64", "int64": "int64", "long": "int64", "int32": "int32",
    "bool": "bool", "complex": "complex64", "complex64": "complex64",
}  # fmt: skip


class Spec(NamedTuple):
    """One tensor.

    Attributes:
        name: of the argument; None: it is given by its position.
        shape: its sizes; none for a scalar.
        dtype: the name that torch has for it.
        high: whole numbers lie below it.
    """

    name: str | None
    shape: tuple[int, ...]
    dtype: str
    high: int


def parse_spec(text: str) -> Spec | None:
    """What is written there; None if it is not understood."""
    found = _SPEC.fullmatch(text.replace(" ", ""))
    dtype = None if found is None else _DTYPES.get(found["dtype"] or "float")
    if found is None or dtype is None:
        return None
    shape = () if found["shape"] == "scalar" else tuple(int(one) for one in found["shape"].split(","))
    return Spec(found["name"], shape, dtype, int(found["high"] or 2))
