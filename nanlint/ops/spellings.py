"""Looks up how an operation is written: by dotted path, method name, layer or operator symbol.

The tables in torch.py, numpy.py and so on are text, read once and parsed entry by entry when asked for:

    [torch torch.special]                       the modules that hold the names below
    log log2: (x=input)                         two operations of those names; `input` is the keyword of operand x
    clip: clamp(x=input, min, max)              another name for clamp; `min` is keyword and operand alike
    sum: (x=input, dim=dim|axis, *, _=dtype)    two keywords for dim; after * by keyword only; "_" is not tracked
    zeros: (*size, dtype)                       any number of positional arguments, the first of them is `size`
    reshape: view(x=input, *_)                  any number of further ones, not tracked
    zero_: fill(x; value=0)                     `value` is implied; a trailing "_" means in place
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from nanlint.ops import jax, keras, numpy, pytensor, python, tensorflow, torch
from nanlint.ops.catalogue import OPERATIONS
from nanlint.ops.names import NO_GRAD, call_value, dtype_named, finfo_attribute, namespace_value
from nanlint.ops.operation import Form, Operation, Spelling
from nanlint.values.interval import ANY
from nanlint.values.value import DType, Grounds, Kind, Value, number

__all__ = [
    "NO_GRAD",
    "activation",
    "call_value",
    "dtype_named",
    "finfo_attribute",
    "framework_of",
    "function",
    "functions",
    "method",
    "methods",
    "module",
    "modules",
    "namespace_value",
    "operator",
]

Table = dict[str, tuple[str, str]]  # what is written → operation, signature

# the frameworks by the first word of a path
_FRAMEWORKS = {
    "torch": "torch",
    "numpy": "numpy",
    "scipy": "numpy",
    "jax": "jax",
    "flax": "jax",
    "tensorflow": "tensorflow",
    "keras": "keras",
    "pytensor": "pytensor",
    "aesara": "pytensor",
    "theano": "pytensor",
    "torch_scatter": "torch",
    "torch_geometric": "torch",
}

# packages of Keras pass its functions on
_KERAS_OPS = re.compile(r"^keras\w*\.(?:\w+\.)*backend\.ops\.")

# layers are spelled in capitals: nn.LeakyReLU
_MODULE_OPERATIONS = {name.replace("_", ""): name for name in OPERATIONS}


def _read(*texts: str) -> Table:
    table: Table = {}
    for text in texts:
        prefixes: list[str] = []
        for line in text.splitlines():
            if line.startswith("["):
                prefixes = [f"{word}." for word in line[1:-1].split()] or [""]
            elif line:
                names, _, rest = line.partition(": ")
                operation, _, signature = rest.partition("(")
                for name in names.split():
                    entry = operation or name, signature
                    for prefix in prefixes:
                        table[prefix + name] = entry
    return table


@cache
def functions() -> Table:
    """All functions by dotted path, unparsed."""
    libraries = (python, pytensor, keras, tensorflow, jax, numpy, torch)
    return _read(*(library.FUNCTIONS for library in libraries))


@cache
def methods() -> Table:
    """All methods of tensors and arrays by name, unparsed."""
    return _read(torch.METHODS)


@cache
def modules() -> Table:
    """All layers by dotted path, unparsed."""
    return _read(keras.MODULES, jax.MODULES, torch.MODULES)


_BACKEND = "keras.backend."
_DTYPES = frozenset(dtype.value for dtype in DType)


@cache
def function(path: str) -> Spelling | None:
    """The function with this fully qualified name."""
    path = _KERAS_OPS.sub("keras.ops.", path)
    entry = functions().get(path)
    if entry is None and path.startswith(_BACKEND):
        # projects add to Keras's backend what it lacks (`K.where`), with the meaning it has in keras.ops
        entry = functions().get(f"keras.ops.{path.removeprefix(_BACKEND)}")
    if entry is None:
        return None
    name, signature = entry
    return _spelling(OPERATIONS[name], framework_of(path), Form.FUNCTION, signature)


@cache
def method(name: str) -> Spelling | None:
    """The method of this name, on a tensor or array of whichever framework."""
    entry = methods().get(name)
    if entry is None:
        return None
    inplace = name.endswith("_")
    operation = entry[0] if entry[0] in OPERATIONS else entry[0].rstrip("_")
    return _spelling(OPERATIONS[operation], "torch", Form.INPLACE if inplace else Form.METHOD, entry[1])


@cache
def module(path: str) -> Spelling | None:
    """The layer with this fully qualified name; its operands are the constructor's arguments."""
    entry = modules().get(path)
    if entry is None:
        return None
    name = entry[0] if entry[0] in OPERATIONS else _MODULE_OPERATIONS[entry[0].lower()]
    return _spelling(OPERATIONS[name], framework_of(path), Form.MODULE, entry[1])


@cache
def activation(name: str) -> Spelling | None:
    """What `Activation(name)` and `Dense(…, activation=name)` of Keras compute."""
    operation = keras.ACTIVATIONS.get(name)
    return None if operation is None else _spelling(OPERATIONS[operation], "keras", Form.MODULE, ")")


@cache
def operator(symbol: str) -> Spelling | None:
    """A binary operator or comparison by its symbol, or the unary minus, "neg"."""
    if symbol == "neg":
        return _spelling(OPERATIONS["neg"], "python", Form.OPERATOR, "x)")
    name = python.OPERATORS.get(symbol)
    return None if name is None else _spelling(OPERATIONS[name], "python", Form.OPERATOR, "x, y)")


def framework_of(path: str) -> str:
    """The framework a dotted path belongs to; "python" for builtins and the standard library."""
    return "keras" if ".keras." in path else _FRAMEWORKS.get(path.partition(".")[0], "python")


# --- signatures --------------------------------------------------------------------------------------------------


def _spelling(operation: Operation, framework: str, form: Form, signature: str) -> Spelling:
    arguments, _, implied = signature.rstrip(")").partition(";")
    positions: list[str] = []
    keywords: dict[str, str] = {}
    keyword_only = False
    for written, names in _arguments(arguments):
        if written == "*":
            keyword_only = True
            continue
        operand = written.removeprefix("*")
        if not keyword_only:
            positions.append(operand)
        if operand != "_":
            keywords.update((name.removeprefix("*"), operand) for name in names)
        if written != operand:
            positions.append("*")
            keyword_only = True
    pairs = (part.strip().partition("=") for part in implied.split(",") if part)
    fixed = {name: _implied(text) for name, _, text in pairs}
    return Spelling(operation, framework, form, tuple(positions), keywords, fixed)


def _arguments(text: str) -> Iterator[tuple[str, list[str]]]:
    """`x=input|self` → ("x", ["input", "self"]); `min|a_min` → ("min", ["min", "a_min"])."""
    for part in text.split(","):
        operand, _, names = part.strip().partition("=")
        first, *others = operand.split("|")
        if first:
            yield first, names.split("|") if names else [first, *others]


def _implied(text: str) -> Value:
    try:
        return number(float(text))
    except ValueError:
        if text not in _DTYPES:
            return Value(kind=Kind.STRING, differentiable=False, payload=text)
        return Value(ANY, Kind.NAMESPACE, Grounds.KNOWN, dtype=DType(text), differentiable=False, payload=text)
