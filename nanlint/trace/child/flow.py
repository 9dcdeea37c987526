"""What flows through a model at initialisation: the size of every layer's output and of the gradient that comes back.

Sizes alone say little: healthy networks have layers whose outputs are 1e-5 or 200 wide. What separates sick from
healthy is how the gradient changes between the first and the last third of the depth, and what activations do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from nanlint.trace.child.births import memory
from nanlint.trace.child.inputs import Inputs
from nanlint.trace.child.passes import Pass, run
from nanlint.trace.child.recorder import Recorder
from nanlint.trace.child.walking import dense
from nanlint.trace.protocol import Histogram, Place

_PRODUCTS = frozenset({"mm", "addmm", "bmm", "baddbmm", "convolution", "linear", "_addmm_activation", "addmv", "mv"})
_SQUASHING = {"tanh": 0.97, "tanh_": 0.97, "sigmoid": 0.47, "sigmoid_": 0.47}
_RELU = frozenset({"relu", "relu_", "threshold", "threshold_"})
_STEPS = 40
# fewer positions than these say nothing about a unit
_POSITIONS = 16


@dataclass
class Layer:
    """A module with weights of its own, over all its calls in one run.

    Attributes:
        name: its path in the model.
        module: itself.
        place: the user's expression that called it.
        shape: of its output.
        activations: root mean square of each output.
        gradients: norm of the gradient of each output.
        deviations: standard deviation of each output.
        output_histogram, gradient_histogram: of the first output, and of the sizes in its gradient.
    """

    name: str
    module: nn.Module
    place: Place | None = None
    shape: tuple[int, ...] = ()
    activations: list[float] = field(default_factory=list)
    gradients: list[float] = field(default_factory=list)
    deviations: list[float] = field(default_factory=list)
    output_histogram: Histogram | None = None
    gradient_histogram: Histogram | None = None

    @property
    def gradient(self) -> float | None:
        """The usual norm over the calls; None if no gradient arrived."""
        return median(self.gradients) if self.gradients else None


@dataclass
class Squashed:
    """An activation, over all its calls at one place.

    Attributes:
        share: of its outputs that are saturated, or of its units that are dead.
        before: the parameter that a product used last before it.
    """

    operation: str
    place: Place
    share: float
    before: str


@dataclass
class Flow:
    """One run of one model, measured.

    Attributes:
        layers: in the order in which they were first called.
        saturated: tanh and sigmoid, by place.
        dead: relu, by place.
        output: root mean square of the outputs; None if they have no scale of their own.
        uses: parameters in the order in which a product used them, with the place of the product.
        largest: the largest number that a product or sum made, and where.
    """

    done: Pass
    layers: list[Layer] = field(default_factory=list)
    saturated: list[Squashed] = field(default_factory=list)
    dead: list[Squashed] = field(default_factory=list)
    output: float | None = None
    uses: list[tuple[str, Place | None]] = field(default_factory=list)
    largest: tuple[float, Place | None, str] = (0.0, None, "")


def measure(model: nn.Module, inputs: Inputs, recorder: Recorder, seed: int) -> Flow:
    """One forward and backward with everything that the rules ask for."""
    layers: dict[str, Layer] = {}
    listener = _Listener(model)
    recorder.listeners.append(listener)
    # inside the fused LSTM nothing can be seen
    fused = not any(isinstance(one, nn.RNNBase) for one in model.modules())
    try:
        inner: list[Tensor] = []
        with (
            _watched(model, recorder, layers, inner),
            nullcontext() if fused else torch.backends.mkldnn.flags(enabled=False),
        ):
            done = run(model, inputs, recorder, seed, inner)
    finally:
        recorder.listeners.remove(listener)
    flow = Flow(done, list(layers.values()), uses=listener.uses, largest=listener.largest)
    flow.saturated = [
        Squashed(name, place, bad / count, listener.before.get(place, ""))
        for (name, place), (bad, count) in listener.saturated.items()
    ]
    flow.dead = [
        Squashed("relu", place, dead / units, listener.before.get(place, ""))
        for place, (dead, units) in listener.dead.items()
    ]
    # losses have no scale to judge, and logarithms of probabilities have that of the number of classes
    judged = [one for one in done.outputs if one.dim() and one.is_floating_point()]
    flow.output = _rms([one for one in judged if memory(one) not in listener.logarithms])
    return flow


class _Listener:
    """Hears every operation of the run."""

    def __init__(self, model: nn.Module) -> None:
        self.uses: list[tuple[str, Place | None]] = []
        self.saturated: dict[tuple[str, Place], tuple[float, int]] = {}
        self.dead: dict[Place, tuple[int, int]] = {}
        self.largest: tuple[float, Place | None, str] = (0.0, None, "")
        self.before: dict[Place, str] = {}
        self.logarithms: set[int] = set()
        self._names = {memory(one): name for name, one in model.named_parameters()}

    def __call__(self, name: str, result: Any, args: Sequence[Any], place: Place | None, *, backward: bool) -> None:
        if backward or not isinstance(result, Tensor) or not result.is_floating_point() or not result.numel():
            return
        if name == "_log_softmax":
            self.logarithms.add(memory(result))
        if name in _PRODUCTS:
            self._product(name, result, args, place)
        elif place is None:
            return
        elif name in _SQUASHING:
            self._remember(place)
            middle = 0.5 if name.startswith("sigmoid") else 0.0
            bad = int(((result - middle).abs() > _SQUASHING[name]).sum())
            before, count = self.saturated.get((name, place), (0, 0))
            self.saturated[name, place] = before + bad, count + result.numel()
        elif name in _RELU:
            self._remember(place)
            self._relu(result, place)

    def _product(self, name: str, result: Tensor, args: Sequence[Any], place: Place | None) -> None:
        for one in dense(args):
            if (known := self._names.get(memory(one))) is not None and one.dim() > 1:
                self.uses.append((known, place))
        size = float(result.abs().max())
        if size > self.largest[0] and math.isfinite(size):
            self.largest = size, place, name

    def _remember(self, place: Place) -> None:
        if self.uses:
            self.before.setdefault(place, self.uses[-1][0])

    def _relu(self, result: Tensor, place: Place) -> None:
        zero = result == 0
        # whether units lie along the second or the last axis the tensor does not say
        for axis in {1, result.dim() - 1} if result.dim() == 3 else {1} if result.dim() > 1 else set():
            units = result.shape[axis]
            if result.numel() // units < _POSITIONS:
                continue
            others = [at for at in range(result.dim()) if at != axis]
            dead = int(zero.all(dim=others[0]).sum()) if len(others) == 1 else int(zero.amin(dim=others).sum())
            before = self.dead.get(place)
            if before is None or dead / units < before[0] / before[1]:
                self.dead[place] = dead, units


@contextmanager
def _watched(model: nn.Module, recorder: Recorder, layers: dict[str, Layer], inner: list[Tensor]) -> Iterator[None]:
    handles = []
    for name, module in model.named_modules():
        if not owns_weights(module):
            continue

        def after(module: nn.Module, _args: Any, result: Any, name: str = name) -> None:
            with torch.utils._python_dispatch._disable_current_modes():  # noqa: SLF001
                _note(layers.setdefault(name, Layer(name, module)), result, recorder)
            inner[:] = [one for one in dense(result) if one.is_floating_point()][:1] or inner

        handles.append(module.register_forward_hook(after))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _note(layer: Layer, result: Any, recorder: Recorder) -> None:
    output = next((one for one in dense(result) if one.is_floating_point() and one.numel()), None)
    if output is None:
        return
    layer.place = layer.place or recorder.here()
    layer.shape = tuple(output.shape)
    detached = output.detach()
    if not layer.activations:
        layer.output_histogram = histogram(detached)
    layer.activations.append(_rms([detached]) or 0.0)
    layer.deviations.append(float(detached.std()) if detached.numel() > 1 else 0.0)
    if output.requires_grad:
        output.register_hook(lambda gradient: _note_gradient(layer, gradient.detach()))  # type: ignore[no-untyped-call]


def _note_gradient(layer: Layer, gradient: Tensor) -> None:
    layer.gradients.append(float(gradient.norm()))
    if layer.gradient_histogram is None:
        sizes = gradient.abs()
        layer.gradient_histogram = histogram(sizes[sizes > 0].log10())


def histogram(values: Tensor) -> Histogram | None:
    """How the finite numbers of a tensor are spread; None if there are none, or all are one."""
    known = values[torch.isfinite(values)].float()
    if known.numel() < 2:
        return None
    low, high = (float(one) for one in known.aminmax())
    if not low < high:
        return None
    return Histogram(low, high, tuple(int(one) for one in torch.histc(known, _STEPS, low, high).tolist()))


def owns_weights(module: nn.Module) -> bool:
    """Does the module itself have a matrix to learn?"""
    return any(one.dim() > 1 and one.requires_grad for one in module.parameters(recurse=False))


def third_ratio(layers: Sequence[Layer]) -> float | None:
    """How the gradient changes on its way back, as a power of ten: over the thirds of the depth, without the head.

    Medians over thirds do not mind what is normal in one place: a pooling, a small layer scale, a head.
    None: too few layers, or no gradient arrives at the first ones.
    """
    found = [one.gradient for one in layers if one.gradient is not None][:-1]
    if len(found) < 3:
        return None
    third = max(len(found) // 3, 1)
    first, last = median(found[:third]), median(found[-third:])
    if not (first > 0 and last > 0 and math.isfinite(first) and math.isfinite(last)):
        return None
    return math.log10(first) - math.log10(last)


def starved(layers: Sequence[Layer]) -> bool:
    """Does no gradient at all arrive at the first layers?"""
    found = [one.gradient for one in layers if one.gradient is not None][:-1]
    return len(found) >= 3 and median(found[: max(len(found) // 3, 1)]) == 0


def _rms(values: Sequence[Tensor]) -> float | None:
    count = sum(one.numel() for one in values)
    if not count:
        return None
    total = sum(float(one.detach().masked_fill(~torch.isfinite(one), 0).double().square().sum()) for one in values)
    return math.sqrt(total / count)
