"""What a parameter of a constructor may stand for: several guesses, the likeliest first.

The annotation is the best word, then the name, then what the class does with it: `if mode == "lstm"` says more about
`mode` than any list of names. Each guess is a way to make a value, because a model that is built again needs its own.
"""

from __future__ import annotations

import collections.abc
import enum
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import nn

from nanlint.trace.child.arguments import UNKNOWN, Settings, Through, by_type, guess
from nanlint.trace.child.comparing import compared
from nanlint.trace.child.models import required_parameters

Way = Callable[[], Any]

_WIDTH, _DEEPEST = 32, 2
_CHOICES = 4
_CALLABLE: tuple[Way, ...] = (
    Through, nn.ReLU, lambda: nn.ReLU, lambda: Through, partial(Through, count=2),
)  # fmt: skip
_SEQUENCES: tuple[Way, ...] = (
    lambda: [_WIDTH, _WIDTH],
    lambda: [16, 16],
    lambda: [Through(), Through()],
    lambda: ["a", "b"],
    lambda: [(4, 2), (4, 2)],
    lambda: (2, 2),
    lambda: (2, 2, 2),
)
_NUMBERS: tuple[Way, ...] = tuple(partial(int, one) for one in (16, 1, 32, 2, 4, 3, 8, 64))
_TENSORS: tuple[Way, ...] = (
    lambda: torch.rand(_WIDTH),
    lambda: torch.rand(_WIDTH, _WIDTH),
    lambda: torch.eye(16),
    lambda: torch.arange(16),
)
# what an attribute of the wrong value says about the right one
_TENSOR_WORDS = frozenset(
    "shape size to dim device dtype ndim float double detach clone T numel unsqueeze view mean sum long".split()
)
_LAYER_WORDS = frozenset({"in_features", "out_features", "weight", "in_channels", "out_channels", "bias"})
_MODULE_WORDS = frozenset("parameters named_parameters modules named_modules state_dict train eval children".split())
_TEXT_WORDS = frozenset({"lower", "upper", "startswith", "endswith", "split", "format", "strip"})
_MAPPING_WORDS = frozenset({"items", "keys", "values", "get", "pop", "update"})
_WANTS_SEQUENCE = re.compile(
    r"not iterable|has no len|not subscriptable|with an iterable|list index|tuple index|unpack"
)
_MISSING = re.compile(r"object has no attribute '(\w+)'")


def alternatives(cls: type, parameter: inspect.Parameter, names: Mapping[str, Any], depth: int = 0) -> list[Way]:
    """Ways to make a value for this parameter of this class; annotations are looked up among `names`."""
    return list(_alternatives(cls, parameter, names, depth))


def better(error: BaseException) -> list[Way]:
    """Ways to make what a fault asks for."""
    text = str(error)
    if (found := _MISSING.search(text)) is not None:
        return _with_attribute(found[1])
    if "not callable" in text:
        return list(_CALLABLE)
    if "values to unpack" in text:
        return [partial(Through, count=2), partial(Through, count=3), *_SEQUENCES]
    if isinstance(error, TypeError | IndexError) and _WANTS_SEQUENCE.search(text):
        return list(_SEQUENCES)
    if "Tensor" in text or "tensor" in text:
        return [*_TENSORS, *_NUMBERS[:4]]
    if "str" in text and isinstance(error, TypeError):
        return [lambda: "relu", lambda: "a"]
    # the words or numbers that would do
    said = list(dict.fromkeys(re.findall(r"'([A-Za-z]\w*)'", text)))[:_CHOICES]
    words: list[Way] = [partial(str, one) for one in said] if isinstance(error, AssertionError | ValueError) else []
    return [*words, *_NUMBERS]


def _with_attribute(name: str) -> list[Way]:
    layer: Way = partial(nn.Linear, _WIDTH, _WIDTH)
    if name in _LAYER_WORDS:
        return [layer, partial(nn.Conv2d, 16, 16, 3, padding=1)]
    if name in _MODULE_WORDS:
        return [Through, layer]
    if name in _TENSOR_WORDS:
        return [*_TENSORS, Through]
    if name in _TEXT_WORDS:
        return [lambda: "relu"]
    if name in _MAPPING_WORDS:
        return [lambda: {"a": 16, "b": 16}, Settings]
    return [Settings]


def _alternatives(cls: type, parameter: inspect.Parameter, names: Mapping[str, Any], depth: int) -> Iterator[Way]:
    kind = _resolved(parameter.annotation, names)
    words = [partial(str, one) for one in _compared(cls, parameter.name)]
    if kind is str or words:
        yield from words
    first = _guessed(parameter, names)
    if first is not None and inspect.isclass(kind) and isinstance(first(), kind):
        yield first
    if kind is not None and kind not in {int, float, bool, str}:
        yield from _of_kind(kind, parameter, names, depth)
    if first is not None:
        yield first
    if kind is str:
        yield from (lambda: "relu", lambda: "a", lambda: "mean")
    if kind in {int, None} or kind is inspect.Parameter.empty:
        yield from _NUMBERS
    if kind is float:
        yield from (lambda: 0.5, lambda: 1.0)
    if kind is None or kind is inspect.Parameter.empty:
        yield from (Settings, _SEQUENCES[0], Through)


def _guessed(parameter: inspect.Parameter, names: Mapping[str, Any]) -> Way | None:
    first = partial(guess, parameter, names)
    try:
        return None if first() is UNKNOWN else first
    except Exception:  # a configuration may refuse what is guessed for it
        return None


def _of_kind(kind: Any, parameter: inspect.Parameter, names: Mapping[str, Any], depth: int) -> Iterator[Way]:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        for one in inner:
            if one is not type(None):
                yield from _of_kind(one, parameter, names, depth)
    elif origin is typing.Literal:
        yield from (partial(_same, one) for one in inner[:_CHOICES])
    elif kind is tuple or (origin is tuple and inner):
        yield from _of_tuple(inner, parameter, names, depth)
    elif origin is type and inner:
        yield from (lambda: nn.ReLU, lambda: Through)
    elif kind in {list, collections.abc.Sequence, collections.abc.Iterable} or origin in {
        list, collections.abc.Sequence, collections.abc.Iterable,
    }:  # fmt: skip
        for way in (*_of_kind(inner[0], parameter, names, depth),) if inner else ():
            yield partial(_several, (way, way), list)
        yield from _SEQUENCES[:2]
    elif kind is dict or origin in {dict, collections.abc.Mapping}:
        yield from (lambda: {"a": 16, "b": 16}, dict)
    elif origin is collections.abc.Callable or kind in {collections.abc.Callable, typing.Callable}:
        yield from (nn.ReLU, lambda: nn.ReLU, lambda: Through)
    elif inspect.isclass(kind):
        yield from _of_class(kind, parameter, names, depth)


def _of_tuple(
    inner: Sequence[Any], parameter: inspect.Parameter, names: Mapping[str, Any], depth: int
) -> Iterator[Way]:
    kinds = [one for one in inner if one is not Ellipsis]
    kinds = kinds * 2 if Ellipsis in inner else kinds
    ways = [way for one in kinds for way in islice(_of_kind(one, parameter, names, depth), 1)]
    if ways and len(ways) == len(kinds):
        yield partial(_several, tuple(ways), tuple)
    yield from (lambda: (_WIDTH, _WIDTH), lambda: (2, 2))


def _of_class(kind: type, parameter: inspect.Parameter, names: Mapping[str, Any], depth: int) -> Iterator[Way]:
    if kind in {int, float, bool, str}:
        yield partial(by_type, kind, parameter.name)
    elif issubclass(kind, torch.Tensor):
        yield from _TENSORS
    elif kind is nn.Module:
        yield from (Through, partial(nn.Linear, _WIDTH, _WIDTH))
    elif issubclass(kind, nn.ModuleList):
        yield lambda: nn.ModuleList([nn.Linear(_WIDTH, _WIDTH), nn.Linear(_WIDTH, _WIDTH)])
    elif issubclass(kind, enum.Enum):
        yield from (partial(_same, one) for one in list(kind)[:_CHOICES])
    elif kind in {torch.device, torch.dtype}:
        yield partial(by_type, kind, parameter.name)
    elif depth < _DEEPEST and not inspect.isabstract(kind) and kind.__module__ not in {"builtins", "typing"}:
        yield partial(assembled, kind, names, depth + 1)


def assembled(kind: type, names: Mapping[str, Any], depth: int = 0) -> Any:
    """An object of a class from the likeliest guesses for its own constructor."""
    wanted = {one.name: alternatives(kind, one, names, depth) for one in required_parameters(kind)}
    missing = next((name for name, ways in wanted.items() if not ways), None)
    if missing is not None:
        raise TypeError(f"nothing says what to pass for `{missing}`")
    return kind(**{name: ways[0]() for name, ways in wanted.items()})


def _compared(cls: type, name: str) -> list[str]:
    try:
        return compared(inspect.getfile(cls), name)
    except (OSError, TypeError):
        return []


def _resolved(annotation: Any, names: Mapping[str, Any]) -> Any:
    """The type that an annotation means; None if it says nothing."""
    if isinstance(annotation, str):
        try:
            return eval(annotation, dict(names))  # noqa: S307  (the user's own annotation)
        except Exception:
            return None
    return None if annotation is inspect.Parameter.empty else annotation


def _same(value: Any) -> Any:
    return value


def _several(ways: Sequence[Way], kind: Callable[[Any], Any]) -> Any:
    return kind([way() for way in ways])
