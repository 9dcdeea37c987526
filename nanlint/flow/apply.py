"""Applying an operation to values: range, grounds, kind, dtype, framework, reason and term of the result."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from nanlint.flow.relations import sharpen
from nanlint.ops.constructors import converted
from nanlint.ops.define import NUMERIC
from nanlint.ops.operation import Form, Operation, Role, Spelling
from nanlint.ops.reductions import CONDITIONS
from nanlint.values.interval import BOOLEAN
from nanlint.values.rounding import rounded
from nanlint.values.value import DType, Grounds, Kind, Term, Terms, Value, Why, replace

# never the same twice
FRESH = frozenset({"rand", "randn", "randint", "uniform", "bernoulli", "dropout", "empty"})
# the others take no more than a shape from a tensor
_OF_THEIR_OPERAND = frozenset({"bernoulli", "dropout"})
# other weights in each layer
_WEIGHTED = frozenset({"affine", "batch_norm"})
# an element of their results depends on others than the one in its place
_MIXING = frozenset({
    "view", "part", "masked_select", "stack", "cumsum", "cumprod", "matmul", "len", "size", "bincount", "softmax",
    "log_softmax", "logsumexp", "normalize", "batch_norm", "affine", "cosine_similarity", "distance", "cross_entropy",
    "mse_loss", "l1_loss", "binary_cross_entropy",
})  # fmt: skip
# made of no tensor, or constant between their steps
_NO_GRADIENT = frozenset(
    {"detach", "arange", "linspace", "eye", "randint", "bincount", "count_nonzero", "argmax", "argmin", "one_hot"}
    | {"zeros", "ones", "empty", "rand", "randn", "uniform", "bernoulli", "unique"}
    | {"sign", "floor", "ceil", "round", "trunc"}
)
# operations whose result is bounded by what they are: these begin an explanation
_PRODUCERS_FROM = Grounds.UNDERFLOW
# of truth values these make whole numbers
_COUNTING = frozenset({"sum", "prod", "cumsum", "cumprod", "add", "sub", "argmax", "count_nonzero", "bincount"})
_SHORT = (DType.FLOAT16, DType.BFLOAT16)
# what Python's own functions of one name do to tensors too
_BUILTINS = frozenset({"abs", "round", "maximum", "minimum", "sum", "pow", "any", "all", "view", "copy", "detach"})
_WHOLE = (DType.BOOLEAN, DType.INTEGER)


def mixes(operation: Operation, given: Container[str]) -> bool:
    """Does an element of the result depend on more than the elements of the operands in its own place?"""
    if operation.name in ("max", "min") and "y" in given:
        return False
    return operation.role is Role.REDUCE or operation.name in _MIXING


def fitted(value: Value, dtype: DType | None) -> Value:
    """A value as it is stored in a tensor of this dtype: fractions do not fit into whole numbers."""
    return value.with_range(converted(value.range, dtype)) if dtype in _WHOLE else value


def term_for(terms: Terms, name: str, names: tuple[str, ...], operands: dict[str, Value]) -> Term:
    """The term of an application; random numbers are new each time."""
    if name in FRESH:
        sources = [value.term for key, value in operands.items() if key != "x" or name in _OF_THEIR_OPERAND]
        return terms.fresh(*sources, head="random" if name != "dropout" else "fresh")
    if name in _WEIGHTED:
        return terms.fresh(*(value.term for value in operands.values()), head=name)
    args: list[Any] = []
    for operand in names:
        value = operands.get(operand)
        args.append(None if value is None else value.term or _implied_term(terms, value))
    if name == "copy" and _truncates(operands):
        name = "truncated"
    elif names[-1] == "how" and args[-1] is None:
        args[-1] = terms.fresh()
    return terms.make(name, *args)


def _implied_term(terms: Terms, value: Value) -> Term:
    """`x.float()` implies a dtype, which is the same each time."""
    if value.kind is Kind.NAMESPACE:
        return terms.make("path", value.payload)
    return terms.fresh() if value.constant is None else terms.make("const", value.constant)


def _truncates(operands: dict[str, Value]) -> bool:
    """Does a conversion change the numbers?"""
    to, x = operands.get("dtype"), operands["x"].range
    if to is None or to.dtype not in _WHOLE:
        return False
    return not (x <= BOOLEAN if to.dtype is DType.BOOLEAN else x.integer)


def apply(terms: Terms, spelling: Spelling, operands: dict[str, Value], node: Any, default_framework: str) -> Value:
    """What is known of `operation(operands)`. `operands` must hold all that the operation needs."""
    operation = spelling.operation
    name = operation.name
    framework = _framework(spelling, operands, default_framework)
    kind = _kind(spelling, operands, framework)
    dtype = dtype_of(operands, name)
    is_embedding = name == "matmul" and spelling.form is Form.MODULE
    if is_embedding and dtype in _WHOLE:
        dtype = None  # they only number its weights
    tensor = kind in (Kind.TENSOR, Kind.ARRAY, Kind.UNKNOWN)
    precision = dtype if tensor else DType.FLOAT64
    if kind is Kind.ARRAY and dtype is None:
        precision = DType.FLOAT64
    inputs = {key: _input(value, precision if tensor else DType.FLOAT64) for key, value in operands.items()}
    range = operation.result(inputs)
    if operation.role is Role.COMPUTE and precision is not DType.FLOAT64:
        range = rounded(range, precision)
    grounds = operation.grounds(inputs, range)
    result = Value(
        range=range,
        kind=kind,
        grounds=grounds,
        term=term_for(terms, name, operation.operands, operands),
        dtype=DType.BOOLEAN if name in CONDITIONS else dtype,
        framework=framework,
        attains=operands["x"].attains if operation.role is Role.VIEW and "x" in operands else None,
        differentiable=is_embedding or _differentiable(name, kind, framework, operands),
    )
    result = sharpen(name, operands, result)
    return replace(result, why=_why(name, operation.phrase, node, operands, result))


def _input(value: Value, dtype: DType | None) -> Value:
    """An operand as the operation meets it: a plain number is rounded to the tensor's precision first, and of a value
    about which nothing is known we do not suppose that it is NaN already."""
    if value.range.nan and value.grounds is Grounds.NONE:
        return value.with_range(value.range.with_nan(False))
    if dtype is DType.FLOAT64 or not value.is_scalar or not value.range.is_constant:
        return value
    return value.with_range(rounded(value.range, dtype))


def _framework(spelling: Spelling, operands: dict[str, Value], default: str) -> str:
    if spelling.form in (Form.FUNCTION, Form.MODULE) and spelling.framework != "python":
        return spelling.framework
    found = [value.framework for key in NUMERIC if (value := operands.get(key)) is not None and value.framework]
    named = [name for name in found if name not in ("python", "numpy")]
    if named:
        return named[0]
    values = [value for key in NUMERIC if (value := operands.get(key)) is not None]
    if values and all(value.is_scalar for value in values):
        return "python"
    # of a numpy array and something unknown the result is numpy as far as we can tell
    if "numpy" in found:
        return "numpy"
    return default


def _kind(spelling: Spelling, operands: dict[str, Value], framework: str) -> Kind:
    name = spelling.operation.name
    if name in ("len", "size"):
        return Kind.SIZE
    if "plain" in operands:
        return Kind.NUMBER  # `x.item()`
    values = [value for key in NUMERIC if (value := operands.get(key)) is not None]
    if values and all(value.is_scalar for value in values):
        scalar = framework in ("python", "numpy") or spelling.form is Form.OPERATOR
        return Kind.NUMBER if scalar else Kind.TENSOR
    if framework == "numpy":
        return Kind.ARRAY
    if spelling.framework == "python" and spelling.form is Form.FUNCTION and name not in _BUILTINS:
        return Kind.NUMBER  # math.exp takes and gives plain numbers
    if spelling.framework == "python" and spelling.form is not Form.OPERATOR:
        kinds = {value.kind for value in values}
        return Kind.TENSOR if Kind.TENSOR in kinds else Kind.UNKNOWN if Kind.UNKNOWN in kinds else Kind.NUMBER
    if spelling.form is Form.OPERATOR:
        kinds = {value.kind for value in values}
        return Kind.TENSOR if Kind.TENSOR in kinds else Kind.UNKNOWN
    return Kind.TENSOR


def dtype_of(operands: dict[str, Value], name: str) -> DType | None:
    """The element type of a result, where it is visible."""
    explicit = operands.get("dtype")
    if explicit is not None:
        return explicit.dtype
    values = [value for key in NUMERIC if (value := operands.get(key)) is not None]
    known = {value.dtype for value in values if not value.is_scalar}
    visible = known - {None}
    if len(visible) != 1:
        return None
    dtype = visible.pop()
    if name in _WEIGHTED and dtype in _WHOLE:
        return None
    if dtype not in _WHOLE:  # with a float32 tensor, half precision gives float32
        return None if None in known and dtype in _SHORT else dtype
    if name == "full":
        return dtype
    if dtype is DType.BOOLEAN and name in _COUNTING:
        dtype = DType.INTEGER
    # whole numbers stay whole only among themselves
    fractions = None in known or any(value.is_scalar and not value.range.integer for value in values)
    return None if fractions or name in ("div", "mean", "sqrt", "log") else dtype


def _differentiable(name: str, kind: Kind, framework: str, operands: dict[str, Value]) -> bool:
    if kind in (Kind.NUMBER, Kind.SIZE) or framework in ("numpy", "python"):
        return False
    if name in _NO_GRADIENT or name in CONDITIONS:
        return False
    if name in _WEIGHTED:
        return True
    values = [value for key in NUMERIC if (value := operands.get(key)) is not None]
    return not values or any(value.differentiable and value.dtype not in _WHOLE for value in values)


def _why(name: str, phrase: str, node: Any, operands: dict[str, Value], result: Value) -> Why | None:
    inherited = next(
        (value.why for key in NUMERIC if (value := operands.get(key)) is not None and value.why is not None), None
    )
    if result.grounds < _PRODUCERS_FROM:
        return inherited
    if name in ("copy", "view", "part") or (name == "detach" and inherited is None):
        return inherited
    # a sum of counts, say, is explained by the count; but the outermost link names the range it has now
    return Why(node, phrase, result.range, result.grounds, () if inherited is None else (inherited,))
