"""Names that are values rather than operations: constants, dtypes, machine limits, contexts without gradients."""

from __future__ import annotations

import math
import sys
from functools import cache

from nanlint.values.interval import ANY
from nanlint.values.value import DType, Grounds, Kind, Value, number

# contexts and decorators under which nothing is differentiated
NO_GRAD: frozenset[str] = frozenset(
    {
        "torch.no_grad",
        "torch.inference_mode",
        "torch.autograd.no_grad",
        "torch.autograd.inference_mode",
        "torch.autograd.grad_mode.no_grad",
        "torch.autograd.grad_mode.inference_mode",
    }
)

_CONSTANTS = {
    **{f"{module}.pi": math.pi for module in ("math", "numpy", "jax.numpy", "torch")},
    **{f"{module}.e": math.e for module in ("math", "numpy", "jax.numpy", "torch")},
    **{f"{module}.inf": math.inf for module in ("math", "numpy", "jax.numpy", "torch")},
    **{f"{module}.nan": math.nan for module in ("math", "numpy", "jax.numpy", "torch")},
    "math.tau": math.tau,
    "numpy.Inf": math.inf,
    "numpy.NINF": -math.inf,
    "numpy.NaN": math.nan,
    "sys.float_info.epsilon": sys.float_info.epsilon,
    "sys.float_info.min": sys.float_info.min,
    "sys.float_info.max": sys.float_info.max,
}

_DTYPES = {
    "float16": DType.FLOAT16,
    "half": DType.FLOAT16,
    "bfloat16": DType.BFLOAT16,
    "float32": DType.FLOAT32,
    "float": DType.FLOAT32,
    "single": DType.FLOAT32,
    "float64": DType.FLOAT64,
    "double": DType.FLOAT64,
    "bool": DType.BOOLEAN,
    "bool_": DType.BOOLEAN,
    "complex64": DType.COMPLEX,
    "complex128": DType.COMPLEX,
    **dict.fromkeys(
        ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "int", "long", "short"],
        DType.INTEGER,
    ),
}
_DTYPE_MODULES = frozenset({"torch", "numpy", "jax.numpy", "tensorflow", "tensorflow.dtypes", "tensorflow.compat.v1"})

# the numbers of finfo; resolution is 10 ** -precision
_LIMITS: dict[DType, tuple[float, float, float, float]] = {
    DType.FLOAT16: (2.0**-10, 2.0**-14, 65504.0, 1e-3),
    DType.BFLOAT16: (2.0**-7, 2.0**-126, (2 - 2.0**-7) * 2.0**127, 1e-2),
    DType.FLOAT32: (2.0**-23, 2.0**-126, (2 - 2.0**-23) * 2.0**127, 1e-6),
    DType.FLOAT64: (2.0**-52, 2.0**-1022, sys.float_info.max, 1e-15),
}


@cache
def dtype_named(name: str) -> DType | None:
    """The dtype a string names: `dtype="float16"`, `.astype("int64")`."""
    return _DTYPES.get(name)


@cache
def namespace_value(path: str) -> Value | None:
    """A constant or dtype by its dotted path."""
    if path in _CONSTANTS:
        return number(_CONSTANTS[path])
    module, _, name = path.rpartition(".")
    dtype = _DTYPES.get(name) if module in _DTYPE_MODULES else None
    if dtype is None:
        return None
    if module == "numpy" and name in ("float", "double"):
        dtype = DType.FLOAT64
    return Value(ANY, Kind.NAMESPACE, Grounds.KNOWN, dtype=dtype, differentiable=False, payload=path)


def finfo_attribute(name: str, dtype: DType | None) -> Value:
    """`torch.finfo(dtype).name`; of an unknown dtype that of float32."""
    limits = _LIMITS.get(dtype or DType.FLOAT32, _LIMITS[DType.FLOAT32])
    eps, tiny, largest, resolution = limits
    numbers = {
        "eps": eps,
        "tiny": tiny,
        "smallest_normal": tiny,
        "min": -largest,
        "max": largest,
        "resolution": resolution,
    }
    return number(numbers[name]) if name in numbers else Value()


def call_value(path: str) -> Value | None:
    """The result of a call that needs no operands: `K.epsilon()`, wherever it is imported from."""
    return number(1e-7) if path.rpartition(".")[2] == "epsilon" else None
