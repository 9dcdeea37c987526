"""Inputs as users write them: `32,3,224,224`, `ids=8,128:int64:50257`, `mask=8,128:bool`, `mask=none`, `2*8,64`."""

from __future__ import annotations

import re
from typing import NamedTuple

_SPEC = re.compile(
    r"(?:(?P<name>[A-Za-z_]\w*)=)?(?:(?P<count>\d+)\*)?(?P<shape>\d+(?:,\d+)*|scalar|none|number)(?::(?P<dtype>[a-z]+\d*))?(?::(?P<high>\d+))?"
)
# what may be written, and the name of it in torch
_DTYPES = {
    "float": "float32", "float32": "float32", "float64": "float64", "double": "float64", "float16": "float16",
    "half": "float16", "bfloat16": "bfloat16", "int": "int64", "int64": "int64", "long": "int64", "int32": "int32",
    "bool": "bool", "complex": "complex64", "complex64": "complex64",
}  # fmt: skip

_NO_TENSOR = frozenset({"none", "number"})


class Spec(NamedTuple):
    """One tensor, or None, or a plain number.

    Attributes:
        name: of the argument; None: it is given by its position.
        shape: its sizes; none for a scalar.
        dtype: the name that torch has for it; `none` and `number` for what is no tensor.
        high: whole numbers lie below it; a plain number is this one.
        several: so many of them, as a list; 0: one, and no list.
    """

    name: str | None
    shape: tuple[int, ...]
    dtype: str
    high: int
    several: int = 0

    def __str__(self) -> str:
        """As it is written."""
        sizes = self.dtype if self.dtype in _NO_TENSOR else ",".join(map(str, self.shape)) or "scalar"
        text = f"{self.name}=" if self.name else ""
        text += f"{self.several}*{sizes}" if self.several else sizes
        if self.dtype == "number" or self.dtype.startswith("int"):
            return f"{text}:{self.high}" if self.dtype == "number" else f"{text}:{self.dtype}:{self.high}"
        return text if self.dtype in {"float32", "none"} else f"{text}:{self.dtype}"


def parse_spec(text: str) -> Spec | None:
    """What is written there; None if it is not understood."""
    found = _SPEC.fullmatch(text.replace(" ", ""))
    dtype = None if found is None else _DTYPES.get(found["dtype"] or "float")
    if found is None or dtype is None:
        return None
    if found["shape"] in _NO_TENSOR:
        return None if found["dtype"] else Spec(found["name"], (), found["shape"], int(found["high"] or 2))
    shape = () if found["shape"] == "scalar" else tuple(int(one) for one in found["shape"].split(","))
    return Spec(found["name"], shape, dtype, int(found["high"] or 2), int(found["count"] or 0))
