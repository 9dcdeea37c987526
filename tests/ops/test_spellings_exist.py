"""Every path, method and keyword in the tables is one that the real library has, or once had."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from ops.libraries import (
    LIBRARIES,
    OTHER_KEYWORDS,
    installed,
    keywords_of,
    overloads,
    paths,
    resolve,
    signatures,
    slots_of,
    takes,
    tracked,
    versions,
)

from nanlint.ops import keras as keras_table
from nanlint.ops import names, spellings
from nanlint.ops.operation import Spelling

KEYWORD_AND_POSITION = inspect.Parameter.POSITIONAL_OR_KEYWORD

# signatures that say less than the function takes
UNTOLD = {
    "numpy.arange": "start by keyword and dtype by position are taken too",
    "where": "the schema is the function's, with the condition first",
    "uniform_": "from is no keyword that Python lets anybody write",
    "random_": "from is no keyword that Python lets anybody write",
}


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    """Each library that is installed."""
    name = str(request.param)
    if not installed(name):
        pytest.skip(f"{name} is not installed")
    if name == "keras" and not installed("tensorflow"):
        pytest.skip("the backend functions of Keras 2 are looked up in TensorFlow")
    return name


def test_functions_exist(library: str) -> None:
    assert not [p for p in paths(spellings.functions(), library) if not any(map(callable, versions(p)))]


def test_layers_exist(library: str) -> None:
    assert not [p for p in paths(spellings.modules(), library) if not any(map(callable, versions(p)))]


def test_constants_exist(library: str) -> None:
    old = {"numpy.Inf", "numpy.NINF", "numpy.NaN"}  # until numpy 2
    mentioned = {*names._CONSTANTS, *names.NO_GRAD} - old
    assert not [p for p in mentioned if p.partition(".")[0] == library and not versions(p)]


# --- signatures ----------------------------------------------------------------------------------------------------


def position_faults(path: str, spelling: Spelling, found: list[inspect.Signature]) -> set[str]:
    """What is wrong by every overload."""
    return set.intersection(*(set(_position_faults(path, spelling, one)) for one in found)) if found else set()


def _position_faults(path: str, spelling: Spelling, found: inspect.Signature) -> Iterator[str]:
    """Where an operand by position is not the parameter at that position."""
    slots, (operands, variadic) = slots_of(found), tracked(spelling)
    open_end = takes(found, inspect.Parameter.VAR_POSITIONAL)
    for at, operand in enumerate(operands):
        if at >= len(slots):
            if not open_end and operand != "_":
                yield f"{path}: {operand} is not at position {at}"
            continue
        if slots[at].kind is not KEYWORD_AND_POSITION or (at == 0 and slots[at].name == "self"):
            continue
        named = spelling.keywords.get(slots[at].name)
        if named != (None if operand == "_" else operand):
            yield f"{path}: {operand} is not at position {at}"
    needed = sum(slot.default is inspect.Parameter.empty for slot in slots)
    if needed > len(operands) and not variadic:
        yield f"{path}: needs more arguments"


def keyword_faults(path: str, spelling: Spelling, all_found: list[inspect.Signature]) -> Iterator[str]:
    """The keywords that no version takes. One for a parameter by position only does no harm: nobody can write it."""
    operands, _ = tracked(spelling)
    for word, operand in spelling.keywords.items():
        at = operands.index(operand) if operand in operands else -1
        if (path, word) not in OTHER_KEYWORDS and not any(accepts(found, word, at) for found in all_found):
            yield f"{path}: no keyword {word}"


def accepts(found: inspect.Signature, word: str, at: int) -> bool:
    """May this keyword be written, or is its position one that has no keyword?"""
    slots = slots_of(found)
    if word in keywords_of(found) or takes(found, inspect.Parameter.VAR_KEYWORD):
        return True
    if 0 <= at < len(slots):
        return slots[at].kind is inspect.Parameter.POSITIONAL_ONLY or slots[at].name == "self"
    return at >= len(slots) and takes(found, inspect.Parameter.VAR_POSITIONAL)


def faults(path: str, spelling: Spelling, *, positions: bool) -> Iterator[str]:
    found = [signatures(path, version) for version in versions(path)]
    if any(found) and path not in UNTOLD:
        yield from keyword_faults(path, spelling, [one for overloaded in found for one in overloaded])
        if positions:
            yield from position_faults(path, spelling, found[0])


def test_functions_take_their_arguments(library: str) -> None:
    found = {path: spellings.function(path) for path in paths(spellings.functions(), library)}
    assert not [
        fault for path, spelling in found.items() if spelling for fault in faults(path, spelling, positions=True)
    ]


def test_layers_take_their_arguments(library: str) -> None:
    found = {path: spellings.module(path) for path in paths(spellings.modules(), library)}
    assert not [
        fault for path, spelling in found.items() if spelling for fault in faults(path, spelling, positions=False)
    ]


# --- methods, activations --------------------------------------------------------------------------------------------

ARRAYS = ("torch.Tensor", "numpy.ndarray", "jax.Array")


def test_methods_exist() -> None:
    pytest.importorskip("torch")
    homes = [home for home in map(resolve, ARRAYS) if home is not None]
    assert not [name for name in spellings.methods() if not any(hasattr(home, name) for home in homes)]


def test_methods_take_their_arguments() -> None:
    pytest.importorskip("torch")
    found = {name: spellings.method(name) for name in spellings.methods()}
    assert not [
        fault
        for name, spelling in found.items()
        if spelling and name not in UNTOLD and (known := overloads(name))
        for fault in (*keyword_faults(name, spelling, known), *position_faults(name, spelling, known))
    ]


def test_activation_names_exist() -> None:
    if not installed("keras"):
        pytest.skip("keras is not installed")
    get = resolve("keras.activations.get")
    assert all(callable(get(name)) for name in keras_table.ACTIVATIONS)
