"""Looks for an input that a model accepts: likely ones first, then changes of those that came furthest.

How far a try came is how many functions of torch were called before the fault. The fault's text says what to change:
the number of dimensions, a size, a type. A change that gets further is kept and changed again.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from nanlint.trace.child.belt import at_most
from nanlint.trace.child.inputs import Inputs, from_specs
from nanlint.trace.child.shapes import guesses
from nanlint.trace.child.walking import tensors
from nanlint.trace.specs import Spec, parse_spec

# likely inputs, changed ones, how many of those that came furthest are changed, and seconds for it all
_LIKELY, _CHANGED, _BEAM, _SECONDS = 120, 400, 16, 8.0
# seconds for one try
_TRY = 10.0
# the largest size of one dimension, and of all together
_LONGEST, _LARGEST = 4096, 2**22

_RANKS = (
    re.compile(r"not enough values to unpack \(expected (\d)"),
    re.compile(r"too many values to unpack \(expected (\d)"),
    re.compile(r"(\d)D or \d-?D"), re.compile(r"or (\d)D"), re.compile(r"(\d)D \(batched\)"),
    re.compile(r"(\d)-?D\b"), re.compile(r"must be (\d)-dim"), re.compile(r">=(\d) dims"),
    re.compile(r"ordering of dimensions i\.e\. .*len\(dims\) = (\d)"), re.compile(r"expected (\d) dims"),
)  # fmt: skip
_MATRICES = re.compile(r"\(\d+x(\d+) and (\d+)x\d+\)")
_WHOLE = re.compile(r"Long, Int|indices|integer|torch\.LongTensor|Long\b|int64|Index tensor|index is supposed")
_BOOLEAN = re.compile(r"[Bb]ool")


# how far it came, the input, the fault's text
_Tried = tuple[tuple[int, int], tuple[str, ...], str]


class _Counter(TorchFunctionMode):
    """Counts the functions of torch that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self.calls += 1
        return result


@dataclass
class Probe:
    """What came of the search.

    Attributes:
        inputs: what the model accepts; None if nothing was found.
        fault: what it raised on the input that came furthest.
        calls, line: how many functions of torch were called before that, and the line of `forward`.
        specs: that input.
        seen: all inputs that were tried.
    """

    inputs: Inputs | None = None
    fault: Exception | None = None
    calls: int = -1
    line: int = 0
    specs: tuple[str, ...] = ()
    seen: set[tuple[str, ...]] = field(default_factory=set)


def probe(model: nn.Module, batch: int, until: float) -> Probe:
    """Find an input for this model, with so many rows where it has rows, until that time."""
    until = min(time.monotonic() + _SECONDS, max(until, time.monotonic() + 1.0))
    found = Probe()
    tried: list[_Tried] = []
    for inputs in islice(guesses(model, batch), _LIKELY):
        if _try(model, inputs.specs, found, tried) or time.monotonic() > until:
            return found
    left = _CHANGED
    changed: set[tuple[str, ...]] = set()
    while left > 0 and time.monotonic() < until:
        tried.sort(key=lambda one: one[0], reverse=True)
        base = next((one for one in tried[:_BEAM] if one[1] not in changed), None)
        if base is None:
            break
        changed.add(base[1])
        for specs in changes(base[1], base[2], batch):
            if specs in found.seen:
                continue
            left -= 1
            if _try(model, specs, found, tried) or left <= 0 or time.monotonic() > until:
                break
            if found.calls > base[0][0]:  # further: go on from there
                break
        if found.inputs is not None:
            break
    return found


def _try(model: nn.Module, specs: tuple[str, ...], found: Probe, tried: list[_Tried]) -> bool:
    found.seen.add(specs)
    inputs = from_specs(specs)
    fault, calls = runs(model, inputs, _TRY)
    if fault is None:
        found.inputs = inputs
        return True
    line = _line(fault, model)
    tried.append(((calls, line), specs, str(fault)))
    if (calls, line) > (found.calls, found.line):
        fault, found.fault = found.fault or fault, fault
        found.calls, found.line, found.specs = calls, line, specs
    if fault is not found.fault:
        fault.__traceback__ = None  # it holds on to all that forward had computed
    return False


def _line(fault: Exception, model: nn.Module) -> int:
    """The line of the model's own `forward` in which it failed."""
    trace = fault.__traceback__
    while trace is not None:
        if trace.tb_frame.f_locals.get("self") is model and trace.tb_frame.f_code.co_name == "forward":
            return trace.tb_lineno
        trace = trace.tb_next
    return 0


def runs(model: nn.Module, inputs: Inputs, seconds: float | None = None) -> tuple[Exception | None, int]:
    """Does forward accept this? The fault if it does not, and how many functions were called before it."""
    state = torch.get_rng_state()
    counter = _Counter()
    try:
        with torch.no_grad(), at_most(seconds), counter:
            result: Any = model(*inputs.args, **inputs.kwargs)
    except Exception as error:
        return error, counter.calls
    finally:
        torch.set_rng_state(state)
    return (None if any(True for _ in tensors(result)) else TypeError("forward returns no tensor")), counter.calls


def changes(specs: tuple[str, ...], fault: str, batch: int) -> Iterator[tuple[str, ...]]:
    """The same input with one argument changed as the fault suggests, the likeliest first."""
    parsed = [parse_spec(one) for one in specs]
    told: list[list[tuple[str, ...]]] = []
    others: list[list[tuple[str, ...]]] = []
    for at, spec in enumerate(parsed):
        if spec is not None:
            told.append([_with(specs, at, one) for one in _told(spec, fault, batch) if _fits(one)])
            others.append([_with(specs, at, one) for one in _any(spec, parsed, batch) if _fits(one)])
    yield from _in_turn(told)
    yield from _in_turn(others)


def _fits(spec: Spec) -> bool:
    return math.prod(spec.shape) <= _LARGEST


def _with(specs: tuple[str, ...], at: int, spec: Spec) -> tuple[str, ...]:
    return (*specs[:at], str(spec), *specs[at + 1 :])


def _in_turn(lists: list[list[tuple[str, ...]]]) -> Iterator[tuple[str, ...]]:
    for at in range(max(map(len, lists), default=0)):
        for one in lists:
            if at < len(one):
                yield one[at]


def _told(spec: Spec, text: str, batch: int) -> Iterator[Spec]:
    """What a fault's text says of a tensor."""
    if _WHOLE.search(text):
        yield spec._replace(dtype="int64", high=10)
    if _BOOLEAN.search(text):
        yield spec._replace(dtype="bool" if spec.dtype != "bool" else "float32")
    if "out of range in self" in text and spec.dtype == "int64":
        yield spec._replace(high=2)
    ranks = dict.fromkeys(int(found[1]) for pattern in _RANKS if (found := pattern.search(text)) is not None)
    for rank in ranks:
        yield from _of_rank(spec, rank, batch)
    numbers = [int(one) for one in re.findall(r"(?<![\w.])\d+(?=\D|$)", text)]
    numbers += [int(one) for pair in re.findall(r"(\d+)x(\d+)", text) for one in pair]
    yield from _scaled(spec, text)
    known = [one for one in dict.fromkeys(numbers) if 0 < one <= _LONGEST]
    for size in known[:8]:
        for at in reversed(range(len(spec.shape))):
            if spec.shape[at] != size:
                yield spec._replace(shape=(*spec.shape[:at], size, *spec.shape[at + 1 :]))


def _scaled(spec: Spec, text: str) -> Iterator[Spec]:
    """Sizes that could make so many columns of so many others, where two matrices do not fit."""
    found = _MATRICES.search(text)
    if found is None:
        return
    has, wanted = int(found[1]), int(found[2])
    for power in (1.0, 0.5):
        for at in reversed(range(1, len(spec.shape))):
            yield _resized(spec, [at], (wanted / max(has, 1)) ** power)
        if len(spec.shape) == 4:
            yield _resized(spec, [2, 3], (wanted / max(has, 1)) ** power)
    for at in reversed(range(1, len(spec.shape))):
        if spec.shape[at] + wanted - has > 0:
            yield spec._replace(shape=(*spec.shape[:at], spec.shape[at] + wanted - has, *spec.shape[at + 1 :]))


def _resized(spec: Spec, places: Sequence[int], factor: float) -> Spec:
    shape = [max(round(size * factor), 1) if at in places else size for at, size in enumerate(spec.shape)]
    return spec._replace(shape=tuple(shape))


def _of_rank(spec: Spec, rank: int, batch: int) -> Iterator[Spec]:
    """Tensors with so many dimensions, with the sizes that it has."""
    shape = spec.shape
    if rank == len(shape) or not 0 < rank < 6:
        return
    if rank < len(shape):
        yield spec._replace(shape=(*shape[: rank - 1], shape[-1]))
        yield spec._replace(shape=shape[:rank])
        return
    missing = rank - len(shape)
    first, last = shape[:1] or (batch,), shape[-1:] or (32,)
    if len(shape) == 1 and shape[0] == batch:
        last = (32,)
    yield spec._replace(shape=(*first, *[16] * (rank - 2), *last))
    yield spec._replace(shape=(*first, *last, *[16] * (rank - 2)))
    yield spec._replace(shape=(*[1] * missing, *shape))
    yield spec._replace(shape=(*first, 3, *[32] * (rank - 2)))
    yield spec._replace(shape=(*first, *[4] * missing, *shape[1:]))


def _any(spec: Spec, all_of_them: list[Spec | None], batch: int) -> Iterator[Spec]:
    """Changes that no text suggests: another number of dimensions, the shape of another argument, another type."""
    for other in all_of_them:
        if other is not None and (other.shape, other.dtype) != (spec.shape, spec.dtype):
            yield other._replace(name=spec.name)
    for rank in (2, 3, 4, 1, 5):
        if rank != len(spec.shape):
            yield next(_of_rank(spec, rank, batch), spec)
    if spec.dtype in {"float32", "bool"}:
        yield spec._replace(dtype="int64", high=10)
    if spec.dtype in {"int64", "bool"}:
        yield spec._replace(dtype="float32")
    if spec.dtype not in {"none", "number"}:
        yield Spec(spec.name, (), "none", 2)
        yield Spec(spec.name, (), "number", 2)
        yield Spec(spec.name, (batch,), "float32", 2)
        if not spec.several:
            yield spec._replace(several=2)
    if len(spec.shape) > 2:
        yield spec._replace(shape=spec.shape[1:])
        yield spec._replace(shape=(*spec.shape[:1], *reversed(spec.shape[1:])))
    for size in (1, 2, 3, 4):
        yield spec._replace(shape=(*spec.shape[:-1], size))
