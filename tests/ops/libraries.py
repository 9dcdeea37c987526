"""The real libraries behind the tables of nanlint/ops: what a dotted path names, and with which signature."""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import warnings
from collections.abc import Iterator
from functools import cache, reduce
from importlib.util import find_spec
from typing import Any

from nanlint.ops import spellings
from nanlint.ops.operation import Spelling

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
logging.getLogger("tensorflow").setLevel(logging.ERROR)
if find_spec("tensorflow") is None:
    os.environ.setdefault("KERAS_BACKEND", "torch")

# by the first word of a path
LIBRARIES = ("builtins", "math", "random", "torch", "numpy", "scipy", "jax", "flax", "tensorflow", "keras", "pytensor")

# Where an API that the newest release no longer has lives on: the same row of a table serves both.
LEGACY = {
    "keras.backend": "tensorflow.python.keras.backend",  # Keras 2; TensorFlow keeps a copy
    "tensorflow.keras.backend": "tensorflow.python.keras.backend",
    "keras.layers": "tensorflow.python.keras.layers",
    "tensorflow.keras.layers": "tensorflow.python.keras.layers",
    "tensorflow": "tensorflow.compat.v1",  # what `import tensorflow` was before version 2
    "tensorflow.math": "tensorflow.compat.v1.math",
    "tensorflow.compat.v1": "tensorflow.compat.v2",  # for the keywords that version 2 renamed
    "tensorflow.compat.v1.math": "tensorflow.compat.v2.math",
    "tensorflow.compat.v2": "tensorflow.compat.v1",
    "tensorflow.compat.v2.math": "tensorflow.compat.v1.math",
}

# keywords that the library at hand does not take, and who does
OTHER_KEYWORDS = {
    ("jax.numpy.clip", "a_min"): "until JAX 0.4.27",
    ("jax.numpy.clip", "a_max"): "until JAX 0.4.27",
    ("std", "ddof"): "a method of numpy's arrays",
    ("var", "ddof"): "a method of numpy's arrays",
}


def installed(library: str) -> bool:
    """Can this library be imported here?"""
    return find_spec(library) is not None


@cache
def resolve(path: str) -> Any:
    """The object a dotted path names; None if the installed library has none."""
    words = path.split(".")
    for at in range(len(words) - 1, 0, -1):
        module = _module(".".join(words[:at]))
        try:
            if module is not None:
                return reduce(getattr, words[at:], module)
        except AttributeError:
            continue
    return None


@cache
def _module(path: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside of the libraries
        try:
            return importlib.import_module(path)
        except ImportError:
            return None


def twin(path: str) -> str | None:
    """The same function in the other version of the library."""
    module, _, name = path.rpartition(".")
    return f"{LEGACY[module]}.{name}" if module in LEGACY else None


def versions(path: str) -> list[Any]:
    """What the path names in the versions of the library that can be looked at: the newest first."""
    paths = (path, twin(path))
    return [found for p in paths if p is not None and (found := resolve(p)) is not None]


def signatures(path: str, function: Any) -> list[inspect.Signature]:
    """The signature, or all overloads; none where a function written in C tells nobody."""
    try:
        return [inspect.signature(function)]
    except (ValueError, TypeError):
        return overloads(path.replace(".", "_")) if path.startswith("torch.") else []


# what torch's parser of arguments takes beside the name of the schema
_ALIASES = {"dim": ["axis"], "keepdim": ["keepdims"], "self": ["input", "x"]}


def overloads(path: str) -> list[inspect.Signature]:
    """The overloads that torch's own schemas list, each also with numpy's names for its parameters."""
    name = path.removeprefix("torch_").removeprefix("Tensor_").removeprefix("nn_functional_")
    schemas = importlib.import_module("torch")._C._jit_get_schemas_for_operator(f"aten::{name}")
    return [_from_schema(schema, renamed) for schema in schemas for renamed in range(3)]


def _from_schema(schema: Any, renamed: int) -> inspect.Signature:
    parameters: dict[str, inspect.Parameter] = {}
    for argument in schema.arguments:
        names = [argument.name.replace("from", "from_"), *_ALIASES.get(argument.name, [])]
        name = names[min(renamed, len(names) - 1)]
        kind = inspect.Parameter.KEYWORD_ONLY if argument.kwarg_only else inspect.Parameter.POSITIONAL_OR_KEYWORD
        default = None if argument.has_default_value() else inspect.Parameter.empty
        parameters[name] = inspect.Parameter(name, kind, default=default)
    return inspect.Signature(sorted(parameters.values(), key=lambda p: p.kind), __validate_parameters__=False)


def paths(table: spellings.Table, library: str) -> Iterator[str]:
    """The paths of one table that belong to this library."""
    return (path for path in table if path.partition(".")[0] == library)


def keywords_of(found: inspect.Signature) -> set[str]:
    """The parameters that can be given by keyword."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {p.name for p in found.parameters.values() if p.kind in kinds}


def slots_of(found: inspect.Signature) -> list[inspect.Parameter]:
    """The parameters that can be given by position."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in found.parameters.values() if p.kind in kinds]


def takes(found: inspect.Signature, kind: Any) -> bool:
    """Is there a parameter of this kind?"""
    return any(p.kind is kind for p in found.parameters.values())


def tracked(spelling: Spelling) -> tuple[list[str], bool]:
    """The operands by position, and whether any number of further arguments may follow."""
    positions = list(spelling.positions)
    variadic = positions[-1:] == ["*"]
    if variadic:
        positions.pop()
        if positions[-1] == "_":
            positions.pop()
    return positions, variadic
