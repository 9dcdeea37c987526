"""NAN901 and NAN902: runs on plain and on special inputs, and the expressions that made what is not finite."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from nanlint.trace.child.build import Built
from nanlint.trace.child.inputs import Inputs, special
from nanlint.trace.child.losses import Criterion
from nanlint.trace.child.passes import Sink, run
from nanlint.trace.child.places import Places, shown
from nanlint.trace.child.recorder import Recorder
from nanlint.trace.protocol import Found, Place

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

    def special(self, built: Built, criterion: Criterion | None, has_time: Callable[[], bool]) -> Iterator[Found]:
        """What is wrong on special inputs. What an input cannot be used for is no finding."""
        for inputs in special(built.inputs):
            if not has_time():
                return
            yield from self._report(self._sinks(built, inputs, criterion), inputs, "warning")

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
