"""One model, all questions: what is not finite on plain and special inputs, then what flows through it at first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from torch import nn

from nanlint.faults import described
from nanlint.trace.child import belt
from nanlint.trace.child.arguments import has_stand_in
from nanlint.trace.child.blame import Blame
from nanlint.trace.child.build import Builder, Built
from nanlint.trace.child.flow import Flow, measure, starved
from nanlint.trace.child.half import beyond_half, uses_half
from nanlint.trace.child.healing import Healer
from nanlint.trace.child.inputs import shapes
from nanlint.trace.child.layers import rows
from nanlint.trace.child.learning import judge, rates
from nanlint.trace.child.loading import Loader
from nanlint.trace.child.losses import Criterion, criterion
from nanlint.trace.child.models import NotTraceableError
from nanlint.trace.child.passes import Sink, run
from nanlint.trace.child.steps import train
from nanlint.trace.child.verdicts import Measured, Verdicts
from nanlint.trace.protocol import Found, Model, Options, Row, Target

# one seed is this many runs of forward and backward; more seeds only where there is time for them
_RUNS = 8


class Study:
    """The questions about one model, and what is known so far."""

    def __init__(self, builder: Builder, loader: Loader, target: Target, options: Options) -> None:
        self._builder = builder
        self._options = options
        self._name = builder.candidate.name
        self._blame = Blame(self._name, builder.places, builder.candidate.place, options.seed)
        self._loader = loader
        self._target = target
        self.cured: list[Row] = []
        self._began = time.monotonic()
        self._until = self._began + options.budget * 0.8

    def findings(self) -> Iterator[Found]:
        """All findings, as soon as they are known.

        Raises:
            NotTraceableError: it does not run.
        """
        options = self._options
        built = self._builder.build(options.seed)
        self.inputs = built.inputs
        self.is_module = isinstance(built.model, nn.Module)
        start = time.monotonic()
        flow = self._first_run(built)
        took = time.monotonic() - start
        self.rows: list[Row] = rows([flow])
        plain = list(self._plain(flow))
        yield from plain
        loss = criterion(self._builder.loaded, self._loader, self._target)
        if loss is not None and not plain:
            plain = list(self._blame.plain(self._with_loss(loss), self.inputs))
            yield from plain
        # statistics of batches have moved in the first; a large one takes long to build, and is good enough
        fresh = built if self._builder.paged else self._builder.build(options.seed)
        yield from self._blame.special(fresh, loss, lambda: self._has_time(took))
        if not self._builder.paged:
            yield from self._blame.shifted(fresh, loss, lambda: self._has_time(took))
        if isinstance(built.model, nn.Module) and flow.layers and not has_stand_in(built.model):
            yield from self._initialisation(built, flow, took, bare=bool(plain))

    def _plain(self, flow: Flow) -> Iterator[Found]:
        if flow.done.sinks and self._builder.has_inferred_input:
            yield from self._blame.inferred(flow.done.sinks, self._builder.build(self._options.seed))
        else:
            yield from self._blame.plain(flow.done.sinks, self.inputs)

    def summary(self, number: int) -> Model:
        """What was done with the model of this target, once all findings are known."""
        builder = self._builder
        return Model(
            number, self._name, builder.candidate.place, shapes(self.inputs), builder.how, tuple(self.rows),
            time.monotonic() - self._began, builder.guessed, self.inputs.specs, self.is_module, _remark(builder.paged),
            tuple(self.cured),
        )  # fmt: skip

    def _initialisation(self, built: Built, flow: Flow, took: float, *, bare: bool) -> Iterator[Found]:
        """What is wrong before anything is learnt; `bare`: no repairs, as a NaN must go first."""
        options, builder = self._options, self._builder
        seeds = [self._measured(built, flow, options.seed)]
        for seed in range(options.seed + 1, options.seed + options.seeds):
            if not self._has_time(took * _RUNS):
                break
            other = builder.build(seed)
            seeds.append(self._measured(other, self._flow(other, seed), seed))
        with built.pager.running():
            found = list(Verdicts(self._name, seeds, builder.candidate.place, guessed=builder.guessed).all())
        flows = [one.flow for one in seeds]
        self.rows = rows(flows)
        # training changes parameters, and those that do not fit could not be made again
        bare = bare or bool(builder.paged)
        if found and not builder.guessed and not bare:
            healer = Healer(builder, self._loader, options, self._until)
            found = healer.heal(found, squashing=any(flow.saturated for flow in flows))
            self.cured = healer.rows
        yield from found
        yield from self._half(flows)
        if not bare:
            yield from self._rates(built.model)

    def _has_time(self, seconds: float) -> bool:
        return time.monotonic() + seconds < self._until

    @staticmethod
    def _flow(built: Built, seed: int) -> Flow:
        assert isinstance(built.model, nn.Module)
        with built.pager.running():
            return measure(built.model, built.inputs, built.recorder, seed)

    def _with_loss(self, loss: Criterion) -> list[Sink]:
        built = self._builder.build(self._options.seed)
        try:
            with built.pager.running():
                return run(built.model, built.inputs, built.recorder, self._options.seed, criterion=loss).sinks
        except Exception as error:
            raise NotTraceableError(
                f"the loss raises {described(error)}; pass --target for its other arguments"
            ) from None

    def _half(self, flows: list[Flow]) -> Iterator[Found]:
        if uses_half(self._builder.loaded.module.__file__):
            found = beyond_half(self._name, flows, guessed=self._builder.guessed)
            if found is not None:
                yield found

    def _rates(self, model: Any) -> Iterator[Found]:
        first = self._options.seed
        for rate in rates(self._builder.loaded, model, self._options):
            try:
                found = judge(self._builder, rate, range(first, first + 2), self._builder.candidate.place)
            except Exception:  # noqa: S112  (settings that the optimiser refuses)
                continue
            if found is not None:
                yield found

    def _first_run(self, built: Built) -> Flow:
        seed = self._options.seed
        try:
            if isinstance(built.model, nn.Module):
                return self._flow(built, seed)
            return Flow(run(built.model, built.inputs, built.recorder, seed))
        except Exception as error:
            raise NotTraceableError(f"`{self._name}` raises on {shapes(built.inputs)}: {described(error)}") from None

    def _measured(self, built: Built, flow: Flow, seed: int) -> Measured:
        later = None
        # nothing can be learnt from a loss that is not finite
        if flow.done.sinks or self._builder.paged:
            return Measured(built, flow, None)
        try:
            copy = self._builder.build(seed)
            if starved(flow.layers):
                # a head of zeros lets nothing through until it has learnt something
                later = self._after_one_step(copy, seed)
                copy = self._builder.build(seed)
            assert isinstance(copy.model, nn.Module)
            trained = train(copy.model, copy.inputs, seed)
        except Exception:
            trained = None
        return Measured(built, flow, trained, later)

    @staticmethod
    def _after_one_step(copy: Built, seed: int) -> Flow | None:
        assert isinstance(copy.model, nn.Module)
        if train(copy.model, copy.inputs, seed, steps=1) is None:
            return None
        copy.model.zero_grad()
        belt.seed(seed)
        return measure(copy.model, copy.inputs, copy.recorder, seed)


def _remark(paged: int) -> str:
    """What was left out because the parameters do not fit into memory."""
    if not paged:
        return ""
    size = f"{paged / 2**30:.1f} GiB" if paged >= 2**30 else f"{paged / 2**20:.0f} MiB"
    return (
        f"its {size} of parameters do not fit into --memory with their gradients, and were made again where they are "
        "used; NAN908, NAN909 and repairs need training steps, and were not tried"
    )
