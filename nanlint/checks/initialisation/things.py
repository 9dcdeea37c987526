"""What the names of a program stand for, as far as layers are concerned: modules, signals, weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from nanlint.checks.initialisation.layers import Activation, Layer, Mark, Steps

END: Steps = (Mark.END,)


@dataclass(frozen=True, slots=True)
class Stack:
    """A module, or a list of them, by what each does to a signal.

    Attributes:
        items: the modules in it.
        is_list: they stand beside each other, and need not follow one another.
    """

    items: tuple[Steps, ...]
    is_list: bool = False

    @property
    def steps(self) -> Steps:
        return tuple(step for item in self.items for step in item)


@dataclass(frozen=True, slots=True)
class Signal:
    """A tensor, by what it has passed through."""

    steps: Steps


@dataclass(frozen=True, slots=True)
class Leaf:
    """A tensor that is made here: a weight if it is trained, and a matrix.

    Attributes:
        layer: what a product with it is; None for what is no matrix, like a bias.
        is_trained: it is a parameter, or asks for gradients.
    """

    layer: Layer | None
    is_trained: bool = False

    @property
    def weight(self) -> Layer | None:
        return self.layer if self.is_trained else None


Thing = Stack | Signal | Leaf | None
Env = dict[str, Thing]


@dataclass(slots=True)
class Wiring:
    """What was read: the ways of signals, and what the names of classes and functions hold.

    Attributes:
        ways: what signals pass through until nobody follows them further.
        attributes: per class, by its name, what `self.x` is.
        names: per function, by its `id` (None for the file itself), what its variables are.
        made: the layer that a call or a tensor makes, by the `id` of the expression.
    """

    ways: list[Steps] = field(default_factory=list)
    attributes: dict[str, Env] = field(default_factory=dict)
    names: dict[int | None, Env] = field(default_factory=dict)
    made: dict[int, Layer | None] = field(default_factory=dict)


def joined(one: Env, other: Env) -> Env:
    """What is known after two branches."""
    return {key: either(one.get(key), other.get(key)) for key in {**one, **other}}


def either(one: Thing, other: Thing) -> Thing:
    """What a name stands for that is one of two things."""
    if one == other:
        return one
    if isinstance(one, Stack) and isinstance(other, Stack):
        long, short = (one, other) if len(one.items) >= len(other.items) else (other, one)
        return (
            long
            if _ends_it(long.items[len(short.items) :]) and long.items[: len(short.items)] == short.items
            else Stack((END,))
        )
    if isinstance(one, Signal) and isinstance(other, Signal):
        long_, short_ = (one, other) if len(one.steps) >= len(other.steps) else (other, one)
        rest = long_.steps[len(short_.steps) :]
        is_longer = long_.steps[: len(short_.steps)] == short_.steps
        # an activation of all layers but the last, or a normalisation that may be there
        harmless = all(isinstance(step, Activation) for step in rest) or Mark.END in rest
        return long_ if is_longer and harmless else Signal(END)
    known = one if other is None else other
    return known if one is None or other is None else None


def _ends_it(items: Iterable[Steps]) -> bool:
    return any(Mark.END in steps for steps in items)


def grown(before: Thing, after: Thing, rounds: int) -> Thing:
    """What several rounds add, if one adds that."""
    if isinstance(before, Stack) and isinstance(after, Stack) and after.items[: len(before.items)] == before.items:
        return Stack(before.items + after.items[len(before.items) :] * rounds, before.is_list)
    if isinstance(before, Signal) and isinstance(after, Signal) and after.steps[: len(before.steps)] == before.steps:
        return Signal(before.steps + after.steps[len(before.steps) :] * rounds)
    return after
