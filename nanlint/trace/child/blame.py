"""NAN901 and NAN902: runs on plain and on special inputs, and the expressions that made what is not finite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import nn

from nanlint.trace.child.build import Built
from nanlint.trace.child.inputs import Inputs, changing, special
from nanlint.trace.child.losses import Criterion
from nanlint.trace.child.passes import Sink, run
from nanlint.trace.child.places import Places, shown
from nanlint.trace.child.recorder import Recorder
from nanlint.trace.protocol import Found, Place
from nanlint.trace.specials import NO_MASK, SHIFTS, Shift

VALUE, GRADIENT = "NAN901", "NAN902"

# what overflows on a made-up input only because numbers of this size went in has another cause
_OVERGROWN = 1e15


class Blame:
    """Collects the findings about one model. Each expression is reported once, for the first input that shows it."""

    def __init__(self, name: str, places: Places, fallback: Place | None, seed: int) -> None:
        self._name = name
        self._seed = seed
        self._places = places
        self._fallback = fallback
        self._seen: set[tuple[str, Place]] = set()

    def plain(self, sinks: list[Sink], inputs: Inputs) -> Iterator[Found]:
        """What is wrong on the plain input."""
        yield from self._report(sinks, inputs, None)

    def inferred(self, sinks: list[Sink], built: Built) -> Iterator[Found]:
        """What is wrong on a plain input that nobody gave: it may have negative numbers where there never are any."""
        inputs = built.inputs
        positive = {(one.what, one.birth.place) for one in self._sinks(built, inputs.map(torch.abs, ""), None)}
        yield from self._report([one for one in sinks if (one.what, one.birth.place) in positive], inputs, None)
        rest = [one for one in sinks if (one.what, one.birth.place) not in positive]
        yield from self._report(rest, replace(inputs, title=f"{inputs.title} with negative numbers"), "info")

    def special(self, built: Built, criterion: Criterion | None, has_time: Callable[[], bool]) -> Iterator[Found]:
        """What is wrong on special inputs. What an input cannot be used for is no finding."""
        for inputs in special(built.inputs):
            if not has_time():
                return
            yield from self._report(self._sinks(built, inputs, criterion), inputs, "warning")

    def shifted(self, built: Built, criterion: Criterion | None, has_time: Callable[[], bool]) -> Iterator[Found]:
        """What is wrong with other weights: with what training could make of them at worst."""
        if not isinstance(built.model, nn.Module):
            return
        masks = [one for one in special(built.inputs) if one.title == NO_MASK.title]
        for shift in SHIFTS:
            with _shifted(built.model, shift) as any_changed:
                for inputs in (built.inputs, *masks) if any_changed else ():
                    if not has_time():
                        return
                    named = replace(inputs, title=f"{inputs.title} with {shift.title}")
                    yield from self._report(self._sinks(built, named, criterion), named, "info")

    def _sinks(self, built: Built, inputs: Inputs, criterion: Criterion | None) -> list[Sink]:
        model = built.model
        try:
            if isinstance(model, nn.Module):
                model.zero_grad()
            with built.pager.running():
                return run(model, inputs, Recorder(self._places), self._seed, criterion=criterion).sinks
        except Exception:  # a model may refuse an input
            return []

    def _report(self, sinks: list[Sink], inputs: Inputs, severity: str | None) -> Iterator[Found]:
        for sink in sinks:
            birth = sink.birth
            if severity is not None and birth.largest > _OVERGROWN:
                continue
            place = birth.place or self._fallback
            code = VALUE if sink.what == "output" else GRADIENT
            if place is None or (VALUE, place) in self._seen or (code, place) in self._seen:
                continue
            self._seen.add((code, place))
            yield Found(code, place, words(sink, place, inputs), self._name, severity)


@contextmanager
def _shifted(model: nn.Module, shift: Shift) -> Iterator[bool]:
    """The model with other weights in this block. Is there one to change?"""
    change = changing(shift.change)
    chosen = [
        one
        for name, one in model.named_parameters()
        if one.is_floating_point() and (name.endswith("bias") if shift.biases else one.dim() > 1)
    ]
    before = [one.detach().clone() for one in chosen]
    with torch.no_grad():
        for one in chosen:
            one.copy_(change(one))
    try:
        yield bool(chosen)
    finally:
        with torch.no_grad():
            for one, old in zip(chosen, before, strict=True):
                one.copy_(old)


def words(sink: Sink, place: Place, inputs: Inputs) -> dict[str, str]:
    """What the card's message is filled with."""
    birth = sink.birth
    expression, value = shown(place), birth.value
    if sink.what == "gradient":
        if birth.backward:
            expression = f"the gradient of {expression}"
        else:
            value += ", and so is a gradient,"
    operands = [one for one in birth.operands if one]
    span = f" ({birth.operation} of {' and '.join(operands)})" if operands else ""
    if birth.unwritten:
        span = " (memory that nothing has written)"
    return {
        "expression": expression,
        "operation": birth.operation,
        "trouble": value,
        "range": span,
        "operand": inputs.title,
    }
