"""Every operation that torch spells: torch's answers lie in the predicted range, and hazards are where we say."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import reduce
from math import inf, isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import lies_in, points, ranges

from nanlint.ops import spellings
from nanlint.ops.catalogue import OPERATIONS
from nanlint.ops.operation import Form, Hazard, Role, Spelling
from nanlint.values.arithmetic import rounded
from nanlint.values.interval import ANY, FINITE, constant
from nanlint.values.value import Kind, Value, number

torch = pytest.importorskip("torch")

PATHS = [path for path in spellings.functions() if path.startswith("torch.") and not path.startswith("torch.Tensor.")]
METHODS = [name for name in spellings.methods() if hasattr(torch.Tensor, name)]
SHAPE = (2, 3)


def resolve(path: str) -> Any:
    """The object a dotted path names; None if this torch has none."""
    module, *names = path.split(".")
    try:
        return reduce(getattr, names, importlib.import_module(module))
    except AttributeError:
        return None


# --- every spelling exists ---------------------------------------------------------------------------------------


def homes(path: str) -> list[Any]:
    """One table serves torch, torch.special and Tensor: a name must exist in at least one of them."""
    name = path.rpartition(".")[2]
    if path.startswith(("torch.nn.", "torch.linalg.")):
        return [resolve(path)]
    return [getattr(home, name, None) for home in (torch, torch.special, torch.Tensor)]


@pytest.mark.parametrize("path", PATHS)
def test_function_exists(path: str) -> None:
    assert any(callable(home) for home in homes(path)), path


@pytest.mark.parametrize("path", [p for p in spellings.modules() if p.startswith("torch.")])
def test_layer_exists_and_takes_its_keywords(path: str) -> None:
    import inspect

    spelling = spellings.module(path)
    assert spelling is not None
    assert set(spelling.keywords) <= set(inspect.signature(resolve(path).__init__).parameters)


# --- torch's answers lie in the predicted range --------------------------------------------------------------------

# operands that are not numbers to reason about, by canonical name
SIDE: dict[str, Callable[[], Any]] = {
    "dim": lambda: -1,
    "condition": lambda: torch.tensor([[True, False, True], [False, True, False]]),
    "mask": lambda: torch.tensor([[True, False, True], [False, True, True]]),
    "size": lambda: SHAPE,
    "steps": lambda: 5,
    "q": lambda: 0.5,
    "weight": lambda: 0.25,
    "dtype": lambda: torch.float32,
}
SCALARS = {"value", "min", "max", "low", "high", "start", "end"}

# operands the function cannot do without, beside x, y and the scalars
NEEDED = {
    "where": ["condition"],
    "masked_fill": ["mask"],
    "masked_select": ["mask"],
    "quantile": ["q"],
    "lerp": ["weight"],
    "logsumexp": ["dim"],
    "cumsum": ["dim"],
    "cumprod": ["dim"],
    "softmax": ["dim"],
    "log_softmax": ["dim"],
}

# what the generic call cannot write: shapes, lists of tensors, indices, other kinds of arguments
NOT_CALLED = {
    "matmul", "attention", "complex", "stack", "copy", "view", "part", "randint", "arange", "linspace", "eye", "zeros",
    "ones", "empty", "full",
    "rand", "randn", "tensor", "one_hot", "bincount", "size", "bernoulli", "trace", "triangle", "uniform", "fill",
    "count_nonzero", "cross_entropy", "binary_cross_entropy", "distance", "topk",
}  # fmt: skip
# results that are no tensor, or arguments that are none of ours
NOT_TENSORS = {"item", "numpy", "tolist", "bucketize", "multinomial", "searchsorted", "nonzero", "argwhere"}
CALLED = [
    name
    for name in METHODS
    if (found := spellings.method(name))
    and found.form is Form.METHOD
    and found.operation.name not in NOT_CALLED
    and name not in NOT_TENSORS
]
FUNCTIONS = [
    path
    for path in PATHS
    if callable(resolve(path))
    and (found := spellings.function(path))
    and found.operation.name not in NOT_CALLED
    and path.rpartition(".")[2] not in NOT_TENSORS
]


def keyword_of(spelling: Spelling, operand: str) -> str:
    return next(word for word, name in spelling.keywords.items() if name == operand)


def draw_call(data: st.DataObject, spelling: Spelling) -> tuple[dict[str, Value], dict[str, Any]]:
    """Operands as nanlint sees them, and as torch gets them."""
    known: dict[str, Value] = dict(spelling.fixed)
    given_: dict[str, Any] = {name: value.constant for name, value in spelling.fixed.items()}
    written = [
        name for name in spelling.operation.operands if name in {*spelling.positions, *spelling.keywords.values()}
    ]
    for name in written:
        if name in ("x", "y"):
            r = data.draw(ranges(nan=False), label=name)
            xs = data.draw(st.lists(points(r), min_size=6, max_size=6))
            known[name] = Value(r, Kind.TENSOR)
            given_[name] = torch.tensor(xs, dtype=torch.float32).reshape(SHAPE)
        elif name in SCALARS:
            bound = data.draw(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), label=name)
            bound = max(bound, known["min"].range.lo) if name == "max" and "min" in known else bound
            known[name], given_[name] = number(bound), bound
        elif name in NEEDED.get(spelling.operation.name, ()):
            given_[name] = SIDE[name]()
            known[name] = number(given_[name]) if isinstance(given_[name], int | float) else Value(ANY)
    return known, given_


def check(spelling: Spelling, call: Callable[[dict[str, Any]], Any], data: st.DataObject) -> None:
    known, given_ = draw_call(data, spelling)
    predicted = rounded(spelling.operation.result(known))
    result = call(given_)
    result = result[0] if isinstance(result, tuple) else result
    for computed in result.double().flatten().tolist():
        assert lies_in(predicted, computed), (spelling.operation.name, str(predicted), computed, given_)


def one_element(spelling: Spelling) -> bool:
    return spelling.operation.name in ("std", "var")


@pytest.mark.parametrize("path", FUNCTIONS)
@settings(max_examples=25)
@given(data=st.data())
def test_function_range(path: str, data: st.DataObject) -> None:
    spelling = spellings.function(path)
    assert spelling is not None
    function = resolve(path)

    def call(given_: dict[str, Any]) -> Any:
        positional = [given_[name] for name in ("condition", "x") if name in given_ and name in spelling.positions]
        rest = {keyword_of(spelling, n): v for n, v in given_.items() if n not in ("condition", "x", *spelling.fixed)}
        if "other" in rest and spelling.operation.role is Role.REDUCE:
            rest.pop("other")
        try:
            return function(*positional, **rest)
        except TypeError:  # torch.mul and friends name their second operand differently from release to release
            return function(*positional, *rest.values())

    check(spelling, call, data)


@pytest.mark.parametrize("name", CALLED)
@settings(max_examples=25)
@given(data=st.data())
def test_method_range(name: str, data: st.DataObject) -> None:
    spelling = spellings.method(name)
    assert spelling is not None

    def call(given_: dict[str, Any]) -> Any:
        bound = getattr(given_["x"], name)
        order = [n for n in spelling.positions if n != "_" and n in given_ and n != "x"]
        if spelling.operation.role is Role.REDUCE:
            order = [n for n in order if n != "y"]
        return bound(*(given_[n] for n in order))

    check(spelling, call, data)


LAYERS = [
    path
    for path in spellings.modules()
    if path.startswith("torch.nn.")
    and (found := spellings.module(path))
    and found.operation.name not in {*NOT_CALLED, "affine", "batch_norm", "cosine_similarity", "mse_loss", "l1_loss"}
    and not path.endswith(("2d", "3d"))
]


@pytest.mark.parametrize("path", LAYERS)
@settings(max_examples=25)
@given(data=st.data())
def test_layer_range(path: str, data: st.DataObject) -> None:
    spelling = spellings.module(path)
    assert spelling is not None
    arguments = {"dim": -1} if spelling.operation.name in ("softmax", "log_softmax") else {}
    layer = resolve(path)(**arguments)
    r = data.draw(ranges(nan=False))
    x = torch.tensor(data.draw(st.lists(points(r), min_size=6, max_size=6)), dtype=torch.float32).reshape(SHAPE)
    predicted = rounded(spelling.operation.result({"x": Value(r, Kind.TENSOR)}))
    for computed in layer(x).flatten().tolist():
        assert lies_in(predicted, computed), (path, str(predicted), computed)


# --- hazards -------------------------------------------------------------------------------------------------------

HAZARDS = [operation for operation in OPERATIONS.values() if operation.hazard]


def evaluate(name: str, operand: str, at: float) -> tuple[float, float]:
    """The value at a point, and the gradient with respect to the operand."""
    variable = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    function = getattr(torch, name)
    result = function(variable) if operand == "x" else function(torch.tensor(1.0, dtype=torch.float64), variable)
    (gradient,) = torch.autograd.grad(result, variable)
    return float(result.detach()), float(gradient)


@pytest.mark.parametrize("operation", HAZARDS, ids=lambda operation: operation.name)
@given(data=st.data())
def test_safe_points_are_finite(operation: Any, data: st.DataObject) -> None:
    hazard: Hazard = operation.hazard
    value, _ = evaluate(operation.name, hazard.operand, data.draw(points(hazard.safe.meet(FINITE))))
    assert isfinite(value)
    smooth = hazard.safe if hazard.smooth is None else hazard.smooth
    _, gradient = evaluate(operation.name, hazard.operand, data.draw(points(smooth.meet(FINITE))))
    assert isfinite(gradient)


@pytest.mark.parametrize("operation", HAZARDS, ids=lambda operation: operation.name)
def test_excluded_points_are_not_finite(operation: Any) -> None:
    hazard: Hazard = operation.hazard
    edges = [x for x in (hazard.safe.lo, hazard.safe.hi, 0.0) if isfinite(x) and abs(x) < inf]
    excluded = [x for x in edges if not hazard.safe.contains(x)]
    rough = [
        x for x in edges if hazard.smooth is not None and hazard.safe.contains(x) and not hazard.smooth.contains(x)
    ]
    assert excluded or rough, "a hazard excludes something"
    for x in excluded:
        value, gradient = evaluate(operation.name, hazard.operand, x)
        assert not (isfinite(value) and isfinite(gradient)), x
    for x in rough:
        value, gradient = evaluate(operation.name, hazard.operand, x)
        assert isfinite(value), x
        assert not isfinite(gradient), x


OVERFLOWS = [operation for operation in OPERATIONS.values() if operation.overflow]


@pytest.mark.parametrize("operation", OVERFLOWS, ids=lambda operation: operation.name)
def test_overflow_begins_where_we_say(operation: Any) -> None:
    for end in (operation.overflow.lo, operation.overflow.hi):
        if isfinite(end):
            inside, outside = torch.tensor([end * 0.9999, end * 1.0002], dtype=torch.float32)
            assert isfinite(getattr(torch, operation.name)(inside))
            assert not isfinite(getattr(torch, operation.name)(outside))


def test_below_the_domain_is_nan() -> None:
    for name in ("log", "sqrt", "rsqrt"):
        value, _ = evaluate(name, "x", -1.0)
        assert not isfinite(value)
    assert OPERATIONS["log"].result({"x": Value(constant(-1.0))}).nan
