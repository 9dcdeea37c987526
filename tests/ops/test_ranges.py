"""numpy, scipy, JAX, TensorFlow and Keras: their answers lie in the predicted range (see test_ops_against_torch)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops.libraries import installed, keywords_of, paths, resolve, signatures
from strategies import lies_in, points, ranges

from nanlint.ops import keras as keras_table
from nanlint.ops import spellings
from nanlint.ops.operation import Spelling
from nanlint.values.arithmetic import rounded
from nanlint.values.interval import ANY, Range
from nanlint.values.value import Kind, Value, number

np = pytest.importorskip("numpy")

SHAPE = (2, 3)
SCALARS = {"value", "min", "max", "alpha", "slope"}
MASK = [[True, False, True], [False, True, True]]

# operands the function cannot do without, beside x, y and the scalars
NEEDED: dict[str, dict[str, Any]] = {
    "where": {"condition": MASK},
    "masked_select": {"mask": MASK},
    "quantile": {"q": 0.5},
}

# what the generic call cannot write: shapes, lists of tensors, indices, keys, targets
NOT_CALLED = {
    "matmul", "stack", "copy", "view", "part", "detach", "randint", "arange", "linspace", "eye", "zeros",
    "ones", "empty",
    "full",
    "rand", "randn", "tensor", "one_hot", "bincount", "size", "bernoulli", "uniform", "fill", "cross_entropy",
    "binary_cross_entropy",
    "batch_norm",
}  # fmt: skip
# operands of another dtype, or answers that are no numbers
NOT_FLOAT = {
    "tensorflow": {"logical_and", "logical_or", "logical_not", "any", "all"},
    "jax.lax": {"logical_and"},
}
SKIPPED = {
    "jax.lax.integer_pow": "takes a Python integer",
    "jax.lax.select": "takes an array of truth values of the same shape by position; the same as jax.numpy.where",
    "tensorflow.keras.backend.sqrt": "takes a negative number for 0, which no other library does",
    "tensorflow.keras.backend.switch": "the branches may be functions",
    "keras.ops.switch": "the branches are functions",
}


def convert_for_tensorflow(xs: Any) -> Any:
    return resolve("tensorflow.constant")(xs)


def native(path: str) -> Callable[[Any], Any]:
    """Numbers as the library wants them."""
    if path.startswith("jax"):
        return lambda xs: resolve("jax.numpy").asarray(xs)
    if path.startswith(("tensorflow", "keras")):
        return convert_for_tensorflow
    return lambda xs: xs


def is_called(path: str) -> bool:
    """Can the generic call below write a call of this function?"""
    spelling = spellings.function(path)
    if spelling is None or path in SKIPPED or not callable(resolve(path)):
        return False
    excluded = {name for prefix, names in NOT_FLOAT.items() if path.startswith(prefix) for name in names}
    return spelling.operation.name not in NOT_CALLED | excluded


def distinct(found: list[str]) -> list[str]:
    """One path for each function and reading of it: most modules re-export what others define."""
    seen: dict[tuple[int, str], str] = {}
    for path in found:
        seen.setdefault((id(resolve(path)), str(spellings.functions()[path])), path)
    return list(seen.values())


LIBRARIES = [name for name in ("numpy", "scipy", "jax", "tensorflow", "keras") if installed(name)]
PATHS = distinct(
    [
        path
        for library in LIBRARIES
        if library != "keras" or "tensorflow" in LIBRARIES
        for path in paths(spellings.functions(), library)
        if ".compat." not in path and ".python." not in path and is_called(path)
    ]
)


def numbers(data: st.DataObject, r: Range) -> Any:
    xs = data.draw(st.lists(points(r), min_size=6, max_size=6))
    return np.array(xs, dtype=np.float32).reshape(SHAPE)


def draw_call(data: st.DataObject, path: str, spelling: Spelling) -> tuple[dict[str, Value], dict[str, Any]]:
    """Operands as nanlint sees them, and as the library gets them."""
    known, given_, needed = dict(spelling.fixed), {}, NEEDED.get(spelling.operation.name, {})
    for name in spelling.operation.operands:
        if name not in {*spelling.positions, *spelling.keywords.values()}:
            continue
        if name in ("x", "y"):
            r = data.draw(ranges(nan=False), label=name)
            known[name], given_[name] = Value(r, Kind.TENSOR), native(path)(numbers(data, r))
        elif name in SCALARS:
            bound = data.draw(st.sampled_from([0.0, 0.5, 2.0]), label=name)
            bound = max(bound, known["min"].range.lo) if name == "max" and "min" in known else bound
            known[name], given_[name] = number(bound), np.float32(bound)
        elif name in needed:
            known[name] = Value(ANY)
            given_[name] = needed[name] if isinstance(needed[name], float) else native(path)(np.array(needed[name]))
    return known, given_


def call(path: str, spelling: Spelling, given_: dict[str, Any]) -> Any:
    """By position as far as the positions go, the rest by keyword."""
    function = resolve(path)
    positional: list[Any] = []
    for name in spelling.positions:
        if name not in given_ or name in {"*", "_"}:
            break
        positional.append(given_[name])
    rest = {name: value for name, value in given_.items() if name not in spelling.positions[: len(positional)]}
    accepted = {word for found in signatures(path, function) for word in keywords_of(found)}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*positional, **{keyword(spelling, name, accepted): value for name, value in rest.items()})


def keyword(spelling: Spelling, operand: str, accepted: set[str]) -> str:
    words = [word for word, name in spelling.keywords.items() if name == operand]
    return next((word for word in words if word in accepted), words[0])


def assert_in(predicted: Range, result: Any, context: object) -> None:
    for computed in np.asarray(result).astype(np.float64).flatten().tolist():
        assert lies_in(predicted, computed), (str(predicted), computed, context)


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=25)
@given(data=st.data())
def test_function_range(path: str, data: st.DataObject) -> None:
    spelling = spellings.function(path)
    assert spelling is not None
    known, given_ = draw_call(data, path, spelling)
    predicted = rounded(spelling.operation.result(known))
    assert_in(predicted, call(path, spelling, given_), given_)


@pytest.mark.skipif(not installed("keras"), reason="keras is not installed")
@pytest.mark.parametrize("name", keras_table.ACTIVATIONS)
@settings(max_examples=25)
@given(data=st.data())
def test_keras_activation_range(name: str, data: st.DataObject) -> None:
    spelling = spellings.activation(name)
    assert spelling is not None
    r = data.draw(ranges(nan=False))
    x = numbers(data, r)
    result = resolve("keras.activations.get")(name)(resolve("keras.ops.convert_to_tensor")(x))
    assert_in(rounded(spelling.operation.result({"x": Value(r, Kind.TENSOR)})), result, x)


LAYERS = [
    path
    for path in spellings.modules()
    if path.startswith("keras.layers.")
    and (found := spellings.module(path))
    and found.operation.name not in {*NOT_CALLED, "dropout", "affine", "matmul"}
]


@pytest.mark.skipif(not installed("keras"), reason="keras is not installed")
@pytest.mark.parametrize("path", LAYERS)
@settings(max_examples=25)
@given(data=st.data())
def test_keras_layer_range(path: str, data: st.DataObject) -> None:
    spelling = spellings.module(path)
    assert spelling is not None
    r = data.draw(ranges(nan=False))
    x = numbers(data, r)
    predicted = rounded(spelling.operation.result({**spelling.fixed, "x": Value(r, Kind.TENSOR)}))
    assert_in(predicted, resolve(path)()(x), x)
