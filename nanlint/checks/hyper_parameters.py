"""Settings of optimisers and schedules with which training cannot work, and which the library takes nevertheless."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.literals import Literals, Place, literals_of
from nanlint.checks.optimizers import NAMES, Made, argument, groups, optimizers
from nanlint.checks.wording import remark
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.ir import nodes
from nanlint.repair.edits import Repair

_ADAPTIVE = ("Adam", "AdamW", "NAdam", "RAdam", "Adamax")
_WITH_EPSILON = (*_ADAPTIVE, "RMSprop", "Adagrad", "Adadelta")

_DIVIDES = "a parameter whose gradient is 0 becomes 0 / 0"
_NEVER_FADES = "old gradients never fade, and steps get longer and longer"
_NO_AVERAGE = "the average of squares stays 0, and every step is divided by that"
_UPHILL = "weights grow without bound"


@dataclass(frozen=True, slots=True)
class _Setting:
    """One number that an optimiser is given.

    Attributes:
        names: its keywords; the first is shown.
        optimizers: those that have it.
        is_bad: which numbers are taken and do harm.
        trouble: what they do.
        default: the number to use instead, by optimiser, "" for all others; None where there is none to propose.
        place: its place among the positional arguments in torch, by optimiser.
        part: its place in a pair of numbers.
    """

    names: tuple[str, ...]
    optimizers: tuple[str, ...]
    is_bad: Callable[[float], bool]
    trouble: str
    default: dict[str, str]
    place: dict[str, int]
    part: int | None = None


_EPSILON = _Setting(
    ("eps", "epsilon"),
    _WITH_EPSILON,
    lambda x: x == 0,
    _DIVIDES,
    {"": "1e-8", "Adagrad": "1e-10", "Adadelta": "1e-6", "keras": "1e-7"},
    {"": 3, "Adagrad": 5},
)
_MOMENTUM = _Setting(
    ("momentum",), ("SGD", "RMSprop"), lambda x: x >= 1, _NEVER_FADES, {"": "0.9"}, {"SGD": 2, "RMSprop": 5}
)
_SETTINGS = (
    _EPSILON,
    _MOMENTUM,
    _Setting(("dampening",), ("SGD",), lambda x: x >= 1, "gradients count for nothing or less", {"": "0"}, {"SGD": 3}),
    _Setting(
        ("alpha", "rho", "decay"), ("RMSprop",), lambda x: x >= 1, _NO_AVERAGE, {"": "0.99", "keras": "0.9"}, {"": 2}
    ),
    _Setting(("rho",), ("Adadelta",), lambda x: x >= 1, _NO_AVERAGE, {"": "0.9"}, {"": 2}),
)
# what torch refuses in a call (betas, signs) it takes in a parameter group; Keras and optax take it anywhere
_UNCHECKED = (
    _Setting(("eps", "epsilon"), _WITH_EPSILON, lambda x: x < 0, "the divisor may be 0", _EPSILON.default, {}),
    _Setting(("momentum",), ("SGD", "RMSprop"), lambda x: x < 0, "it must not be negative", {"": "0.9"}, {}),
    _Setting(("weight_decay",), (*_WITH_EPSILON, "SGD", "Lion"), lambda x: x < 0, _UPHILL, {}, {}),
    _Setting(("beta_1", "b1"), _ADAPTIVE, lambda x: not 0 <= x < 1, "1 - beta divides", {"": "0.9"}, {}),
    _Setting(("beta_2", "b2"), _ADAPTIVE, lambda x: not 0 <= x < 1, _NO_AVERAGE, {"": "0.999"}, {}),
    _Setting(("betas",), _ADAPTIVE, lambda x: not 0 <= x < 1, "1 - beta divides", {"": "0.9"}, {}, 0),
    _Setting(("betas",), _ADAPTIVE, lambda x: not 0 <= x < 1, _NO_AVERAGE, {"": "0.999"}, {}, 1),
)
# the factor of a schedule that is multiplied again and again: its keyword, its place, what to use instead
_FACTORS = {
    "torch.optim.lr_scheduler.StepLR": ("gamma", 2, "0.1"),
    "torch.optim.lr_scheduler.MultiStepLR": ("gamma", 2, "0.1"),
    "torch.optim.lr_scheduler.ExponentialLR": ("gamma", 1, None),
    "tensorflow.keras.optimizers.schedules.ExponentialDecay": ("decay_rate", 2, None),
    "keras.optimizers.schedules.ExponentialDecay": ("decay_rate", 2, None),
    "optax.exponential_decay": ("decay_rate", 2, None),
}
_SMALL = 1e-4  # below it a rate may well rise for a while
# a rate that rises on purpose: until training diverges, or for the first steps
_RISES = re.compile(r"lr_?find|find_?lr|range_?test|warm|SequentialLR|ChainedScheduler|join_schedules", re.IGNORECASE)


def optimizer_setting_out_of_range(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """Momentum, epsilons and betas that no library refuses, and learning rates that a schedule multiplies."""
    factors = {path.rpartition(".")[2] for path in _FACTORS}
    if facts.chain or facts.is_test or not (facts.mentions(*NAMES) or facts.mentions(*factors)):
        return
    file = literals_of(facts)
    for made in optimizers(file):
        for name, written, setting in _given(made, file):
            yield from _judged(card, file, made, name, written, setting)
    if not any(map(_RISES.search, facts.words())):
        for place in file.calls:
            path = getattr(place.call.func, "path", None) or ""
            if path in _FACTORS and _begins_high(place, file):
                yield from _growing(card, file, place, path)


def _given(made: Made, file: Literals) -> Iterator[tuple[str, nodes.Expr, _Setting]]:
    """The settings that an optimiser is given, in the call and in parameter groups."""
    checked = made.framework == "torch"
    for setting in _SETTINGS if checked else (*_SETTINGS, *_UNCHECKED):
        if made.name in setting.optimizers:
            place = setting.place.get(made.name, setting.place.get("")) if checked else None
            written = argument(made.call, setting.names, place)
            if written is not None and not _is_made_up_for(made, setting):
                yield _name(made.call.keywords, setting), written, setting
    for group in groups(made, file):
        for setting in (*_SETTINGS, *_UNCHECKED):
            written = next((group[name] for name in setting.names if name in group), None)
            if made.name in setting.optimizers and written is not None:
                yield _name(group, setting), written, setting


def _name(given: dict[str, nodes.Expr], setting: _Setting) -> str:
    return next((name for name in setting.names if name in given), setting.names[0])


def _is_made_up_for(made: Made, setting: _Setting) -> bool:
    """With optax another epsilon may stand under the root; dampening is nothing without momentum."""
    if setting.names[0] == "dampening":
        return argument(made.call, ("momentum",), 2) is None
    return setting is _EPSILON and "eps_root" in made.call.keywords


def _judged(
    card: Card, file: Literals, made: Made, name: str, written: nodes.Expr, setting: _Setting
) -> Iterator[Finding]:
    number, scope = written, made.place.scope
    if setting.part is not None:
        pair, scope = file.origin(written, scope)
        if not isinstance(pair, nodes.Display) or len(pair.items) != 2:
            return
        number = pair.items[setting.part]
        written = number if pair is written else written
    literal = file.follow(number, scope)
    if literal is None or not setting.is_bad(literal.value):
        return
    default = setting.default.get(made.framework) or setting.default.get(made.name) or setting.default.get("")
    direct = literal.node is written
    yield remark(
        card,
        written,
        made.place.statement,
        Evidence.POSSIBLE,
        repair=_instead(written, default) if direct else None,
        operand=f"{name} {literal.value:g}",
        operation=made.name,
        trouble=setting.trouble,
    )


def _begins_high(place: Place, file: Literals) -> bool:
    """Is the first rate written down, and such as networks are trained with? Tests of ranges begin with a tiny one."""
    first: nodes.Expr | None = place.call.args[0] if place.call.args else None
    optimizer, _ = file.origin(argument(place.call, ("optimizer",), 0), place.scope)
    for made in optimizers(file):
        if made.call is optimizer:
            first = made.rate
    literal = file.follow(first, place.scope)
    return literal is not None and literal.value >= _SMALL


def _growing(card: Card, file: Literals, place: Place, path: str) -> Iterator[Finding]:
    """A schedule whose factor is above 1, without an end."""
    if {"end_value", "transition_begin"} & place.call.keywords.keys():
        return
    name, at, default = _FACTORS[path]
    written = argument(place.call, (name,), at)
    literal = file.follow(written, place.scope)
    if written is not None and literal is not None and literal.value > 1:
        yield remark(
            card,
            written,
            place.statement,
            Evidence.POSSIBLE,
            repair=_instead(written, default) if literal.node is written else None,
            operand=f"{name} {literal.value:g}",
            operation=path.rpartition(".")[2],
            trouble="the learning rate grows without bound",
        )


def _instead(written: nodes.Expr, default: str | None) -> Repair | None:
    return None if default is None else Repair(Applicability.UNSAFE, f"use {default}", ((written, default),))
