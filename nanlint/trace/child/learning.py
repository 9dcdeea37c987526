"""NAN909: the learning rate in the file, tried for some steps on made-up data.

A bound from the curvature would be wrong by a factor of a hundred; training is cheaper and tells the truth about
divergence. A rate that survives here may still be too high for real data: silence proves nothing.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from nanlint.trace.child.build import Builder
from nanlint.trace.child.loading import Loaded
from nanlint.trace.child.places import place_of
from nanlint.trace.child.scripts import owners
from nanlint.trace.child.steps import losses
from nanlint.trace.protocol import OPTIMIZERS, Found, Options, Place

CODE = "NAN909"

_STEPS = 15
_WORSE = 1.2


@dataclass(frozen=True)
class Rate:
    """A learning rate to try: the optimiser, its other settings, and where the number stands."""

    optimizer: str
    lr: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = None

    def make(self, parameters: list[Tensor], lr: float) -> torch.optim.Optimizer:
        """The optimiser with another rate."""
        kind: Any = getattr(torch.optim, self.optimizer)
        made: torch.optim.Optimizer = kind(parameters, lr=lr, **self.settings)
        return made

    @property
    def said(self) -> str:
        settings = ", ".join(f"{key}={value}" for key, value in self.settings.items())
        return f"{self.optimizer}({settings})" if settings else self.optimizer


def rates(loaded: Loaded, model: nn.Module, options: Options) -> Iterator[Rate]:
    """The user's own on the command line, else those that the file gives to an optimiser of this model."""
    if options.lr is not None:
        name, settings = _asked(options.optimizer or "adam")
        yield Rate(name, options.lr, settings)
        return
    known = dict(owners(loaded.tree))
    for node in ast.walk(loaded.tree):
        if isinstance(node, ast.Call) and (rate := _rate(node, str(loaded.module.__file__))) is not None:
            owner = _owner(node, known)
            if owner == type(model).__name__:
                yield rate


def judge(builder: Builder, rate: Rate, seeds: range, fallback: Place | None) -> Found | None:
    """Does training with this rate make the loss worse, whatever the seed?"""
    steps = [_diverges(builder, rate, rate.lr, seed) for seed in seeds]
    known = [one for one in steps if one is not None]
    place = rate.place or fallback
    if len(known) < len(steps) or not known or place is None:
        return None
    stable = next(
        (lr for lr in (rate.lr / 10**at for at in range(1, 6)) if _diverges(builder, rate, lr, seeds[0]) is None), None
    )
    words = {
        "operand": f"{rate.lr:g}",
        "operation": rate.said,
        "range": f"{max(known)} step{'' if max(known) == 1 else 's'}",
        "trouble": f"{stable:g} does not" if stable is not None else "and so does every smaller one",
    }
    return Found(CODE, place, words, builder.candidate.name, "info" if builder.guessed else None)


def _diverges(builder: Builder, rate: Rate, lr: float, seed: int) -> int | None:
    """After how many steps; None: it does not."""
    built = builder.build(seed)
    if not isinstance(built.model, nn.Module):
        return None
    found = losses(built.model, built.inputs, lambda parameters: rate.make(parameters, lr), seed, _STEPS)
    if not found or not math.isfinite(found[0]):
        return None
    limit = _WORSE * max(found[0], math.log(10))
    if math.isfinite(found[-1]) and found[-1] <= limit:
        return None
    return next(at for at, loss in enumerate(found) if not math.isfinite(loss) or loss > limit)


def _asked(text: str) -> tuple[str, dict[str, Any]]:
    """`sgd,momentum=0.9`"""
    name, *settings = text.split(",")
    pairs = (one.partition("=") for one in settings)
    return OPTIMIZERS.get(name.strip().lower(), "Adam"), {
        key.strip(): ast.literal_eval(value) for key, _, value in pairs
    }


def _rate(node: ast.Call, file: str) -> Rate | None:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name.lower() not in OPTIMIZERS or name != OPTIMIZERS[name.lower()] or not node.args:
        return None
    given = {one.arg: one.value for one in node.keywords if one.arg}
    literal = given.pop("lr", node.args[1] if len(node.args) > 1 else None)
    if not isinstance(literal, ast.Constant) or not isinstance(literal.value, int | float) or not literal.value > 0:
        return None
    try:
        settings = {key: ast.literal_eval(value) for key, value in given.items()}
    except ValueError:
        return None
    return Rate(name, float(literal.value), settings, place_of(file, literal))


def _owner(node: ast.Call, known: dict[str, str]) -> str | None:
    """The class whose parameters an optimiser gets, as far as the file says it."""
    first = node.args[0]
    if isinstance(first, ast.Call) and isinstance(first.func, ast.Attribute) and first.func.attr == "parameters":
        return known.get(ast.unparse(first.func.value))
    return None
