"""Chains of layers in which a signal explodes or dies out, or whose units stay alike."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from nanlint.checks.initialisation.layers import NARROW, WIDE, Draw, Family, Layer, Link, chains
from nanlint.checks.initialisation.propagation import Passage, passage
from nanlint.checks.initialisation.setting import Settings
from nanlint.checks.initialisation.wiring import wiring
from nanlint.checks.literals import literals_of
from nanlint.facts import Facts

# in powers of ten; measured with SGD, SGD with momentum and Adam on networks of 2 to 15 layers: beyond these at least
# two of the three do not train
GROWS, SHRINKS = 2.9, -3.5
# layers that take as many numbers as the one before them gives
_AS_GIVEN = ("Dense", "LazyLinear", "Linear")
# of the output, where the gradient has grown too: larger logits and squares of them are not survived
LARGE, _GROWS_LARGE = 4.0, 2.0
# and these, where most units of several layers are in the flat part of their activation
_GROWS_FLAT, _FLAT = 1.7, 0.7


@dataclass(frozen=True, slots=True)
class Drawn:
    """A layer of a chain with what it is initialised by in the end."""

    link: Link
    draw: Draw
    bias: Draw | None

    @property
    def layer(self) -> Layer:
        return self.link.layer


Chain = tuple[Drawn, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """An initialiser that spoils a chain.

    Attributes:
        chain: the layers.
        blamed: those of them that it initialises.
        passage: what the chain does to a signal.
    """

    chain: Chain
    blamed: Chain
    passage: Passage

    @property
    def draw(self) -> Draw:
        return self.blamed[0].draw

    @property
    def activation(self) -> str:
        """The commonest one."""
        names = [one.link.activation or "identity" for one in self.chain[:-1]]
        return max(sorted(set(names)), key=names.count)


@dataclass(slots=True)
class Networks:
    """The chains of a file, and the initialisers in it."""

    chains: list[Chain]
    settings: Settings


def _read(facts: Facts) -> Networks:
    file = literals_of(facts)
    found = wiring(facts.body, file)
    settings = Settings(facts.body, file, found)
    seen: dict[tuple[tuple[int, str | None], ...], Chain] = {}
    drawn: dict[int, tuple[Draw, Draw | None]] = {}
    for steps in dict.fromkeys(found.ways):
        for links in chains(steps):
            if len(links) < 2:
                continue
            key = tuple((id(link.layer), link.activation) for link in links)
            for link in links:
                if id(link.layer) not in drawn:
                    weight = settings.draw(link.layer, "weight")
                    assert weight is not None
                    drawn[id(link.layer)] = weight, settings.draw(link.layer, "bias")
            seen.setdefault(key, tuple(Drawn(link, *drawn[id(link.layer)]) for link in links))
    return Networks(list(seen.values()), settings)


_READ: WeakKeyDictionary[Facts, Networks] = WeakKeyDictionary()


def networks_of(facts: Facts) -> Networks:
    """The networks of a file, read once for all rules."""
    if facts not in _READ:
        _READ[facts] = _read(facts)
    return _READ[facts]


# --- random weights ------------------------------------------------------------------------------------------------


def spoiled(chain: Chain) -> Iterator[Fault]:
    """The initialisers under which signals explode or die out on the way through a chain."""
    for part in _random(chain):
        low, high = _passed(part, NARROW), _passed(part, WIDE)
        grows = min(low, high, key=lambda one: one.gradient)
        shrinks = max(low, high, key=lambda one: one.gradient)
        is_flat = min(low.saturated, high.saturated) >= _FLAT and grows.gradient >= _GROWS_FLAT
        is_large = grows.output >= LARGE and grows.gradient >= _GROWS_LARGE
        if grows.gradient >= GROWS or is_flat or is_large:
            yield from _blamed(part, grows)
        elif shrinks.gradient <= SHRINKS:
            yield from _blamed(part, shrinks)


def is_sound(chain: Chain) -> bool:
    """Does a signal come through?"""
    return not any(True for _ in spoiled(chain))


def _random(chain: Chain) -> Iterator[Chain]:
    """The parts of a chain of which it is known how they are drawn."""
    part: list[Drawn] = []
    for one in chain:
        if one.draw.family in (Family.SCALED, Family.UNSCALED):
            part.append(one)
        else:
            if len(part) > 1:
                yield tuple(part)
            part = []
    if len(part) > 1:
        yield tuple(part)


def _passed(chain: Chain, width: float) -> Passage:
    return passage(
        (gain(one, before, width), one.link.activation or "identity") for one, before in _with_previous(chain)
    )


def _with_previous(chain: Sequence[Drawn]) -> Iterator[tuple[Drawn, Drawn | None]]:
    previous: Drawn | None = None
    for one in chain:
        yield one, previous
        previous = one


def gain(one: Drawn, before: Drawn | None, width: float) -> float:
    """The variance of the weights times the number of inputs."""
    if one.draw.family is Family.SCALED:
        return one.draw.size
    inputs = one.layer.inputs
    if inputs is None and before is not None and one.layer.kind in _AS_GIVEN and before.layer.kind in _AS_GIVEN:
        inputs = before.layer.outputs  # `nn.Linear(previous, width)`
    return one.draw.size * (inputs or width)


def _blamed(chain: Chain, passed: Passage) -> Iterator[Fault]:
    """One fault for each initialiser that has a share in it."""
    groups: dict[int, list[Drawn]] = {}
    for one in chain:
        groups.setdefault(id(one.draw.node), []).append(one)
    width = WIDE if passed.gradient < 0 else NARROW
    for group in groups.values():
        factors = (gain(one, None, width) * _SLOPES.get(one.link.activation or "", 1.0) for one in group)
        share = sum(math.log10(max(factor, 1e-30)) / 2 for factor in factors)
        if share * passed.gradient > 0 and abs(share) >= abs(passed.gradient) / (2 * len(groups)):
            yield Fault(chain, tuple(group), passed)


# the mean square of a slope, near 0: enough to say which layers are to blame
_SLOPES = {"relu": 0.5, "leaky_relu": 0.5, "sigmoid": 1 / 16, "gelu": 0.45, "silu": 0.4, "softplus": 0.3}


# --- constant weights ----------------------------------------------------------------------------------------------


def alike(chain: Chain) -> Iterator[tuple[Chain, str]]:
    """Neighbouring layers whose units stay alike or dead, with what is wrong."""
    for one, following in itertools.pairwise(chain):
        if one.draw.family is not Family.CONSTANT or not _is_constant(one.bias):
            continue
        is_dead = one.draw.size == 0 and (one.bias is None or one.bias.size <= 0)
        # different constants are put in by hand: a small model whose answer is known; a single unit is like no other
        if one.layer.outputs != 1 and following.draw.family is Family.CONSTANT and following.draw.text == one.draw.text:
            yield (one, following), "all units of a layer stay alike"
        elif is_dead and one.link.activation == "relu" and following.draw.family is not Family.UNKNOWN:
            yield (one,), "no unit of the layer is ever active"


def _is_constant(bias: Draw | None) -> bool:
    return bias is None or bias.family is Family.CONSTANT
