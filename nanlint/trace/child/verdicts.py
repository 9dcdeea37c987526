"""NAN903 to NAN908: which measurements mean trouble, and at which line of the user it begins.

The thresholds were measured on two hundred healthy models and fifty broken ones; the comments name the healthy extreme.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from torch import nn

from nanlint.trace.child.births import number
from nanlint.trace.child.build import Built
from nanlint.trace.child.flow import Flow, Layer, third_ratio
from nanlint.trace.child.places import shown
from nanlint.trace.child.steps import Trained
from nanlint.trace.protocol import EXPLODING, VANISHING, Found, Note, Place

_VANISHING_BADLY, _EXPLODING_BADLY = -4.0, 5.0
_OUTPUT = 10.0  # 2.6 among library models
_OUTPUT_OF_BIG_HEAD = 4.0
_GAIN_OF_BIG_HEAD = 2.5
_SATURATED = 0.4  # 0.13
_DEAD = 0.9  # 0.59
_STUCK = 0.5  # 0.29, after five steps
_ONE_CULPRIT = 0.6


@dataclass
class Measured:
    """One seed: the model as it was built, what flowed, and what a few steps of training made of it."""

    built: Built
    flow: Flow
    trained: Trained | None
    later: Flow | None = None

    @property
    def model(self) -> nn.Module:
        assert isinstance(self.built.model, nn.Module)
        return self.built.model

    @property
    def ratio(self) -> float | None:
        """The change of the gradient over the depth; after one step, if at first nothing arrived."""
        first = third_ratio(self.flow.layers)
        return third_ratio(self.later.layers) if first is None and self.later is not None else first


class Verdicts:
    """All rules about one model, for all seeds together."""

    def __init__(self, name: str, seeds: Sequence[Measured], fallback: Place | None, *, guessed: bool) -> None:
        self._name = name
        self._seeds = seeds
        self._first = seeds[0]
        self._fallback = fallback
        self._guessed = guessed

    def all(self) -> Iterator[Found]:
        """Everything that is wrong with it."""
        depth = list(self._depth())
        yield from depth
        if not any(one.code == "NAN904" for one in depth):  # which says why outputs are large
            yield from self._output()
        steps, units = list(self._steps()), list(self._units())
        # weights that are all alike kill the units behind them; other weights do not move because the units are dead
        yield from units if units and not (steps and self._all_alike()) else steps

    def _found(
        self, code: str, place: Place, words: dict[str, str], severity: str, notes: tuple[Note, ...] = ()
    ) -> Found:
        if self._guessed:
            # not the user's model: worth a word, no more
            severity = "info"
        return Found(code, place, {"expression": shown(place), **words}, self._name, severity, notes)

    def _depth(self) -> Iterator[Found]:
        ratios = [one.ratio for one in self._seeds]
        known = [one for one in ratios if one is not None]
        if len(known) * 2 <= len(ratios):
            return
        ratio = median(known)
        if VANISHING <= ratio <= EXPLODING:
            return
        layers = _with_gradients(self._first)
        place, notes = self._site(layers, ratio)
        if place is None:
            return
        count = len(layers)
        factor = 10 ** (ratio / max(count * 2 / 3, 1))
        words = {
            "trouble": _power(ratio),
            "range": f"{count} layers",
            "operand": f"{number(factor)} per layer",
        }
        if ratio < 0:
            yield self._found("NAN903", place, words, "error" if ratio < _VANISHING_BADLY else "warning", notes)
        else:
            yield self._found("NAN904", place, words, "error" if ratio > _EXPLODING_BADLY else "warning", notes)

    def _site(self, layers: list[Layer], ratio: float) -> tuple[Place | None, tuple[Note, ...]]:
        """Who is at fault: one layer that changes most, or what initialises most of them."""
        logs = [math.log10(max(one.gradient or 0.0, 1e-300)) for one in layers]
        steps = [before - after for before, after in pairwise(logs)]
        at = max(range(len(steps)), key=lambda one: steps[one] * (1 if ratio > 0 else -1), default=None)
        if at is not None and steps[at] / ratio > _ONE_CULPRIT and abs(ratio) > 0:
            culprit = layers[at + 1]
            return self._site_of(culprit), ()
        sites = [site for one in layers if (site := self._site_of(one)) is not None]
        if not sites:
            return self._fallback, ()
        counts = Counter(sites)
        common, most = counts.most_common(1)[0]
        others = [site for site, count in counts.items() if site != common and 4 * count >= most]
        return common, tuple(Note(site, "and here") for site in others[:3])

    def _site_of(self, layer: Layer) -> Place | None:
        """Where the weights of a layer were last written, else where the layer was made."""
        built = self._first.built
        for one in layer.module.parameters(recurse=False):
            if one.dim() > 1 and (site := built.recorder.site(one)) is not None:
                return site
        return built.sites.get(id(layer.module)) or layer.place

    def _output(self) -> Iterator[Found]:
        known = [one.flow.output for one in self._seeds if one.flow.output is not None]
        if len(known) * 2 <= len(self._seeds):
            return
        size = median(known)
        name, place, gain = self._head()
        big_head = gain > _GAIN_OF_BIG_HEAD
        if not (size > _OUTPUT or (size > _OUTPUT_OF_BIG_HEAD and big_head)):
            return
        if not big_head:  # the head only hands on what has grown before it
            name, place = self._amplifier() or (name, place)
        if place is None:
            return
        words = {"trouble": number(size), "operand": f"`{name}`" if name else "the last layer"}
        yield self._found("NAN905", place, words, "warning")

    def _head(self) -> tuple[str, Place | None, float]:
        """The weight that made the output: its name, where it was initialised, and how it scales a normal input."""
        flow, built = self._first.flow, self._first.built
        if not flow.uses:
            return "", self._fallback, 0.0
        name, used = flow.uses[-1]
        weight = dict(self._first.model.named_parameters())[name].detach()
        gain = float(weight.std()) * math.sqrt(weight[0].numel()) if weight.numel() > 1 else 0.0
        return name, built.recorder.site(weight) or used or self._fallback, gain

    def _amplifier(self) -> tuple[str, Place] | None:
        """The layer that makes numbers larger, or what initialises most of those that do."""
        layers = [one for one in self._first.flow.layers if one.activations]
        logs = [math.log10(max(median(one.activations), 1e-300)) for one in layers]
        steps = [(after - before, layer) for before, after, layer in zip(logs, logs[1:], layers[1:], strict=False)]
        growing = [(step, layer, site) for step, layer in steps if step > 0 and (site := self._site_of(layer))]
        if not growing:
            return None
        step, layer, place = max(growing, key=lambda one: one[0])
        if step <= _ONE_CULPRIT * sum(one for one, _, _ in growing):
            place = Counter(site for _, _, site in growing).most_common(1)[0][0]
            layer = next(one for _, one, site in growing if site == place)
        return f"{layer.name}.weight", place

    def _units(self) -> Iterator[Found]:
        """Activations that let nothing through."""
        for code, most, name in (("NAN906", _SATURATED, "saturated"), ("NAN907", _DEAD, "dead")):
            shares: dict[Place, list[float]] = defaultdict(list)
            before: dict[Place, str] = {}
            for seed in self._seeds:
                for one in getattr(seed.flow, name):
                    shares[one.place].append(one.share)
                    before[one.place] = one.before
            for place, found in shares.items():
                if median(found) > most:
                    notes = self._initialised(before[place], place)
                    yield self._found(code, place, {"trouble": _percent(median(found))}, "warning", notes)

    def _initialised(self, name: str, place: Place) -> tuple[Note, ...]:
        """Where the weights and biases in front of an activation come from."""
        parameters = dict(self._first.model.named_parameters())
        bias = name.removesuffix("weight") + "bias"
        sites: dict[Place, str] = {}
        for one in (bias, name):
            parameter = parameters.get(one)
            site = None if parameter is None else self._first.built.recorder.site(parameter)
            if site is not None and site != place:
                sites[site] = one
        return tuple(Note(site, f"`{one}` is initialised here") for site, one in sites.items())

    def _steps(self) -> Iterator[Found]:
        trained = [one.trained for one in self._seeds if one.trained is not None and one.trained.judged]
        if not trained:
            return
        stuck = median(len(one.stuck) / len(one.judged) for one in trained)
        alike = median(len(one.alike) / len(one.judged) for one in trained)
        if stuck > _STUCK:
            names, what = trained[0].stuck, "has a gradient of zero"
        elif alike > _STUCK:
            names, what = trained[0].alike, "has rows that stay alike"
        else:
            return
        place = self._common_site(names)
        if place is not None:
            many = f"{len(names)} of {len(trained[0].judged)} weight matrices"
            yield self._found("NAN908", place, {"operand": f"`{names[0]}`", "trouble": what, "range": many}, "error")

    def _all_alike(self) -> bool:
        """Do most matrices begin with one number in every place?"""
        matrices = [one.detach() for one in self._first.model.parameters() if one.dim() > 1]
        return 2 * sum(bool((one == one.flatten()[0]).all()) for one in matrices) > len(matrices)

    def _common_site(self, names: Sequence[str]) -> Place | None:
        parameters = dict(self._first.model.named_parameters())
        # the steps were taken on a copy
        sites = [site for name in names if (site := self._first.built.recorder.site(parameters[name])) is not None]
        return Counter(sites).most_common(1)[0][0] if sites else self._fallback


def _with_gradients(one: Measured) -> list[Layer]:
    flow = one.flow if third_ratio(one.flow.layers) is not None or one.later is None else one.later
    return [layer for layer in flow.layers if layer.gradient is not None]


def _power(ratio: float) -> str:
    """A power of ten as people say it."""
    return number(10 ** abs(ratio)) if abs(ratio) < 4 else f"1e{abs(ratio):.0f}"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
