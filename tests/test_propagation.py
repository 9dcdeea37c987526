"""What is reckoned of a signal on its way through random layers is what torch measures."""

import math

import pytest
import torch
from torch.nn import functional

from nanlint.checks.initialisation.propagation import CURVES, passage

WIDTH, DEPTH = 300, 6


@pytest.mark.parametrize("gain", [0.02, 1 / 3, 1.0, 2.0, 16.0, 300.0])
@pytest.mark.parametrize("activation", sorted(CURVES))
def test_the_reckoning_agrees_with_torch(activation: str, gain: float) -> None:
    function = {"identity": torch.clone}.get(activation) or getattr(functional, activation)
    torch.manual_seed(0)
    signal = torch.randn(200, WIDTH)
    outputs = []
    for place in range(DEPTH):
        weights = torch.randn(WIDTH, WIDTH) * math.sqrt(gain / WIDTH)
        signal = (function(signal) if place else signal) @ weights
        signal.requires_grad_() if not place else signal.retain_grad()
        outputs.append(signal)
    (signal * torch.randn_like(signal)).sum().backward()
    sizes = [one.grad.square().mean() for one in outputs if one.grad is not None]
    reckoned = passage([(gain, activation)] * DEPTH)
    # a third of a power of ten over six layers
    assert reckoned.gradient == pytest.approx(math.log10(sizes[0] / sizes[-1]) / 2, abs=0.33)
    assert reckoned.output == pytest.approx(math.log10(signal.detach().square().mean()) / 2, abs=0.33)


def test_saturation() -> None:
    assert passage([(300.0, "tanh")] * 3).saturated > 0.8
    assert passage([(1.0, "tanh")] * 3).saturated < 0.05
    assert passage([(300.0, "relu")] * 3).saturated == 0


@pytest.mark.parametrize("gain", [0.0, 1e-300, 1e300, math.inf])
@pytest.mark.parametrize("activation", sorted(CURVES))
def test_nothing_overflows(activation: str, gain: float) -> None:
    found = passage([(gain, activation)] * 64)
    assert all(map(math.isfinite, (found.gradient, found.output, found.saturated)))


def test_short_stacks() -> None:
    assert passage([]).gradient == 0
    assert passage([(4.0, "relu")]).gradient == 0
    assert passage([(4.0, "relu")]).output == pytest.approx(math.log10(2))
