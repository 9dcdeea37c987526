"""A hypothesis strategy for small random programs, and for what they are called with.

Every variable is revealed where it is assigned, where a branch begins, and where paths meet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import torch
from hypothesis import strategies as st

from soundness import words
from soundness.statements import Statements
from soundness.writer import Names

HEADER = ("import math", "import torch", "import torch.nn as nn", "import torch.nn.functional as F", "")

# parameters of main; neutral names, of which flow/assumptions.py supposes nothing
PARAMETERS = ("v1", "v2", "v3", "v4")

# What nanlint gets wrong today; the test passes without. Remove a line together with the bug it names.
EXCLUDED = frozenset({
    # eps of normalize is 0 in float16
    "{x}.half()",
})  # fmt: skip


def _definitions(writer: Statements) -> Names:
    """What stands above main, and is known in it."""
    names = Names()
    if writer.chance(30):
        writer.line(f"K1 = {writer.pick(words.CONSTANTS)}")
        names = names.with_("numbers", "K1")
    writer.names = names
    if writer.chance(30):
        names = names.with_("helpers", writer.helper())
    writer.names = Names()
    if writer.chance(25):
        names = names.with_("instances", writer.class_())
    return names


def write_program(random: Random, excluded: frozenset[str] = EXCLUDED) -> str:
    """The text of a program whose `main` takes two tensors, a number and a flag."""
    writer = Statements(random, excluded, lines=list(HEADER))
    names = _definitions(writer)
    writer.line(f"def main({', '.join(PARAMETERS)}):")
    with writer.block():
        made = [(f"v{at}", name) for at, name in enumerate(names.instances, 5)]
        writer.names = replace(
            names, tensors=("v1", "v2"), numbers=(*names.numbers, "v3"), flags=("v4",),
            instances=tuple(name for name, _ in made),
        )  # fmt: skip
        for name, kind in made:
            writer.line(f"{name} = {kind}()")
        writer.body(5)
        writer.reveal_all()
    return "\n".join(writer.lines) + "\n"


# --- inputs ----------------------------------------------------------------------------------------------------------

SHAPES: tuple[tuple[int, ...], ...] = ((3,), (1,), (), (2, 3), (3, 3))
FILLS: dict[str, Callable[[tuple[int, ...]], torch.Tensor]] = {
    "ones": torch.ones,
    "zeros": torch.zeros,
    "normal": torch.randn,
    "uniform": torch.rand,
    "constant": lambda shape: torch.full(shape, -2.5),
    "repeated": lambda shape: torch.randint(-1, 3, shape).float(),
    "large": lambda shape: torch.randn(shape) * 100,
    "negative": lambda shape: -torch.rand(shape) - 0.1,
    "huge": lambda shape: torch.randn(shape) * 1e30,
    "tiny": lambda shape: torch.rand(shape) * 1e-18,
}
EXTREME = frozenset({"huge", "tiny"})
NUMBERS = (1.0, 0.0, -1.0, 0.5, 3, 1e-3, -100.0)
RUNS = 4


@dataclass(frozen=True)
class Inputs:
    """What main is called with, in words, so that a failing example can be read."""

    first: str
    second: str
    shape: tuple[int, ...]
    number: float
    flag: bool
    seed: int

    @property
    def extreme(self) -> bool:
        """So large or small that float32 overflows or underflows soon?"""
        return bool(EXTREME & {self.first, self.second})

    def arguments(self) -> dict[str, Any]:
        """The arguments themselves: new ones on every call, since a program may change them."""
        torch.manual_seed(self.seed)
        values = (FILLS[self.first](self.shape), FILLS[self.second](self.shape), self.number, self.flag)
        return dict(zip(PARAMETERS, values, strict=True))


def draw_inputs(random: Random) -> Inputs:
    """One way to call main."""
    return Inputs(
        random.choice(tuple(FILLS)),
        random.choice(tuple(FILLS)),
        random.choice(SHAPES),
        random.choice(NUMBERS),
        random.random() < 0.5,
        random.randrange(4),
    )


@dataclass(frozen=True)
class Case:
    """A program, and what it is called with."""

    text: str
    runs: tuple[Inputs, ...]


def make_case(seed: int, excluded: frozenset[str] = EXCLUDED) -> Case:
    """The case of a seed."""
    random = Random(seed)
    text = write_program(random, excluded)
    return Case(text, tuple(draw_inputs(random) for _ in range(RUNS)))


def cases(excluded: frozenset[str] = EXCLUDED) -> st.SearchStrategy[Case]:
    """Programs with their inputs. hypothesis chooses no more than the seed: choices drawn one by one repeat each other,
    and taking lines out of the text (reducing.py) makes smaller programs than taking choices back."""
    return st.integers(0, 2**32).map(lambda seed: make_case(seed, excluded))
