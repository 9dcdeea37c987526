"""A few steps of training on random targets: what is zero or alike at the start may be meant so, afterwards it is not.

Zero-initialised gates, heads and low-rank factors are good practice, and have gradients of zero at first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from nanlint.trace.child.inputs import Inputs
from nanlint.trace.child.sites import quiet
from nanlint.trace.child.walking import dense

STEPS = 5
_LEARNT = 1e-3


@dataclass
class Trained:
    """The model after a few steps. Names of weight matrices; `judged` are those that any gradient was computed for."""

    judged: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    alike: list[str] = field(default_factory=list)


def train(model: nn.Module, inputs: Inputs, seed: int, steps: int = STEPS) -> Trained | None:
    """Steps of Adam towards random targets. None if nothing can be learnt here."""
    parameters: list[Tensor] = [one for one in model.parameters() if one.requires_grad]
    if not parameters:
        return None
    losses = list(_losses(model, inputs, _Adam(parameters), seed, steps))
    if not losses or not math.isfinite(losses[-1]):
        return None
    done = Trained()
    for name, one in model.named_parameters():
        if one.dim() < 2 or not one.requires_grad or one.grad is None or one.grad.is_sparse:
            continue
        done.judged.append(name)
        # who has learnt everything has no gradient either: four rows are soon known by heart
        if losses[-1] > _LEARNT * losses[0] and not one.grad.any():
            done.stuck.append(name)
        rows = one.detach().flatten(1)
        if len(rows) > 1 and rows.shape[1] > 1 and bool((rows == rows[0]).all()):
            done.alike.append(name)
    return done


def losses(
    model: nn.Module, inputs: Inputs, make: Callable[[list[Tensor]], torch.optim.Optimizer], seed: int, steps: int
) -> list[float]:
    """The loss before each step of an optimiser, until it is no longer finite."""
    parameters: list[Tensor] = [one for one in model.parameters() if one.requires_grad]
    return list(_losses(model, inputs, make(parameters), seed, steps)) if parameters else []


class _Steps(Protocol):
    """What an optimiser does."""

    def zero_grad(self) -> None:
        """Forget the gradients."""

    def step(self) -> Any:
        """Change the parameters."""


class _Adam:
    """Adam with its usual settings. That of torch loads the compiler first, which takes seconds."""

    def __init__(self, parameters: list[Tensor]) -> None:
        self._parameters = parameters
        self._means = [torch.zeros_like(one) for one in parameters]
        self._squares = [torch.zeros_like(one) for one in parameters]
        self._steps = 0

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for one in self._parameters:
            one.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One step."""
        self._steps += 1
        for one, mean, square in zip(self._parameters, self._means, self._squares, strict=True):
            if one.grad is None:
                continue
            gradient = one.grad.to_dense() if one.grad.is_sparse else one.grad
            mean.lerp_(gradient, 0.1)
            square.mul_(0.999).addcmul_(gradient, gradient.conj(), value=0.001)
            size = (square / (1 - 0.999**self._steps)).sqrt_().add_(1e-8)
            one.addcdiv_(mean, size, value=-1e-3 / (1 - 0.9**self._steps))


def _losses(model: nn.Module, inputs: Inputs, optimizer: _Steps, seed: int, steps: int) -> Iterator[float]:
    with quiet():
        for _ in range(steps):
            optimizer.zero_grad()
            torch.manual_seed(seed)
            loss = synthetic_loss(list(dense(model(*inputs.args, **inputs.kwargs))), seed)
            if loss is None or not loss.requires_grad:
                return
            loss.backward()  # type: ignore[no-untyped-call]
            yield float(loss)
            if not math.isfinite(float(loss)):
                return
            optimizer.step()


def synthetic_loss(outputs: list[Tensor], seed: int) -> Tensor | None:
    """Made-up targets: classes where there are scores of classes, numbers where there is anything else."""
    generator = torch.Generator().manual_seed(seed + 2)
    for one in outputs:
        if not (one.is_floating_point() and one.requires_grad):
            continue
        if one.dim() == 0:
            return one
        if one.dim() == 2 and 2 <= one.shape[1] <= 1000 and bool((one.detach() < 0).any()):
            labels = torch.randint(0, one.shape[1], (one.shape[0],), generator=generator).to(one.device)
            return nn.functional.cross_entropy(one.float().clamp(-1e30, 1e30), labels)
        target = torch.randn(one.shape, generator=generator).to(one.device, one.dtype)
        # scores that are masked have nothing to learn; anything else that is not finite is a loss that is not
        return (one.masked_fill(one == -torch.inf, 0) - target).square().mean()
    return None
