"""One forward and one backward of a model, watched; and what of it is not finite where it matters."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from nanlint.trace.child.births import Birth, finite
from nanlint.trace.child.inputs import Inputs
from nanlint.trace.child.recorder import Recorder
from nanlint.trace.child.walking import dense, leaves

# bytes of all gradients; a call for each of them takes time
_LARGE = 2**28


@dataclass(frozen=True)
class Sink:
    """Something that must be finite and is not, and the operation at fault. `what` is "output" or "gradient"."""

    what: str
    birth: Birth
    name: str = ""


@dataclass
class Pass:
    """The outcome of one run."""

    outputs: list[Tensor] = field(default_factory=list)
    sinks: list[Sink] = field(default_factory=list)
    differentiated: bool = False


def run(
    model: Callable[..., Any],
    inputs: Inputs,
    recorder: Recorder,
    seed: int,
    inner: list[Tensor] | None = None,
    criterion: Callable[[Any], Any] | None = None,
) -> Pass:
    """Forward and backward, under the recorder.

    The outputs are weighed with random numbers, as a loss would weigh them: a plain sum has a gradient of zero behind
    every softmax and every normalisation. If the outputs are not finite, `inner` is what the layers made: the last of
    it that is finite takes their place, so that the layers before the fault can be measured all the same. With a
    `criterion`, what it makes of the outputs takes their place.
    """
    inputs = inputs.copied()
    generator = torch.Generator().manual_seed(seed + 1)
    with warnings.catch_warnings(), paths(model, recorder), recorder:
        warnings.simplefilter("ignore")
        result = model(*inputs.args, **inputs.kwargs)
        done = Pass(list(dense(result if criterion is None else criterion(result))))
        done.sinks += _values(done.outputs, recorder)
        if done.sinks:
            done.outputs = [one for one in inner or [] if one.requires_grad and finite(one)][-1:]
            loss = weighed(done.outputs, generator)
            if loss is not None:
                loss.backward()  # type: ignore[no-untyped-call]
            return done
        ends = leaves(done.outputs)
        # a function may have differentiated itself
        if all(one.grad is None for one in ends):
            loss = weighed(done.outputs, generator)
            if loss is not None:
                with _looked_at(ends, _names(model), recorder) as sinks:
                    loss.backward()  # type: ignore[no-untyped-call]
                done.sinks += sinks
                done.differentiated = True
    done.sinks += _buffers(model, recorder)
    done.sinks += _gradients(ends, _names(model), recorder)
    return done


@contextmanager
def _looked_at(ends: list[Tensor], names: dict[int, str], recorder: Recorder) -> Iterator[list[Sink]]:
    """Gradients of large models are looked at as they arrive, and not kept: together they are as large as the model."""
    sinks: list[Sink] = []
    large = sum(one.numel() * one.element_size() for one in ends) >= _LARGE

    def look(leaf: Tensor) -> None:
        with torch.utils._python_dispatch._disable_current_modes():  # noqa: SLF001
            sinks.extend(_gradients([leaf], names, recorder))
        leaf.grad = None

    handles: list[Any] = [
        one.register_post_accumulate_grad_hook(look)  # type: ignore[no-untyped-call]
        for one in ends
        if large and id(one) in names
    ]
    try:
        yield sinks
    finally:
        for handle in handles:
            handle.remove()


def weighed(outputs: list[Tensor], generator: torch.Generator) -> Tensor | None:
    """The sum of all outputs with random weights; what is infinite on purpose weighs nothing."""
    total: Tensor | None = None
    for one in outputs:
        if not one.requires_grad:
            continue
        if one.is_complex():
            one = torch.view_as_real(one)  # noqa: PLW2901
        if one.dim() == 0:
            part = one
        else:
            weights = torch.randn(one.shape, generator=generator).to(one.device, one.dtype)
            part = (one.masked_fill(~torch.isfinite(one), 0) * weights).sum()
        total = part if total is None else total + part.to(total.dtype)
    return total


def _values(outputs: list[Tensor], recorder: Recorder) -> Iterator[Sink]:
    for one in outputs:
        if finite(one):
            continue
        birth = recorder.births.of(one)
        # scores that are masked on their way out are no fault; a loss that is infinite is one
        if birth is not None and (not birth.mask or one.dim() == 0 or bool(torch.isnan(one).any())):
            yield Sink("output", birth)


def _buffers(model: Any, recorder: Recorder) -> Iterator[Sink]:
    if isinstance(model, nn.Module):
        for name, one in model.named_buffers():
            birth = recorder.births.of(one)
            if birth is not None and not birth.mask and not finite(one):
                yield Sink("output", birth, name)


def _names(model: Any) -> dict[int, str]:
    return {id(one): name for name, one in model.named_parameters()} if isinstance(model, nn.Module) else {}


def _gradients(ends: list[Tensor], names: dict[int, str], recorder: Recorder) -> Iterator[Sink]:
    for leaf in ends:
        gradient = leaf.grad
        if gradient is None or gradient.is_sparse or finite(gradient):
            continue
        birth = recorder.births.of(gradient)
        if birth is not None:
            yield Sink("gradient", birth, names.get(id(leaf), ""))


@contextmanager
def paths(model: Any, recorder: Recorder) -> Iterator[None]:
    """Let the recorder know which module is running."""
    if not isinstance(model, nn.Module):
        yield
        return
    handles = []
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            continue

        def enter(_module: nn.Module, _args: Any, name: str = name) -> None:
            recorder.path.append(name)

        def leave(_module: nn.Module, _args: Any, _result: Any) -> None:
            if recorder.path:
                recorder.path.pop()

        handles.append(module.register_forward_pre_hook(enter))
        handles.append(module.register_forward_hook(leave, always_call=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        recorder.path.clear()
