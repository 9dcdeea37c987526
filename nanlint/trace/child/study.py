"""One model, all questions: what is not finite on plain and special inputs, then what flows through it at first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from torch import nn

from nanlint.faults import described
from nanlint.trace.child import belt
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
from nanlint.trace.protocol import Found, Options, Row, Target, encode

# one seed is this many runs of forward and backward; more seeds only where there is time for them
_RUNS = 8


class Study:
    """The questions about one model, and what is known so far."""

    def __init__(self, builder: Builder, loader: Loader, target: Target, options: Options) -> None:
        self._builder = builder
        self._options = options
        self._name = builder.candidate.name
        self._blame = Blame(self._name, builder.places, builder.candidate.place)
        self._loader = loader
        self._target = target
        self._until = time.monotonic() + options.budget * 0.8

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
        plain = list(self._blame.plain(flow.done.sinks, self.inputs))
        yield from plain
        loss = criterion(self._builder.loaded, self._loader, self._target)
        if loss is not None and not plain:
            plain = list(self._blame.plain(self._with_loss(loss), self.inputs))
            yield from plain
        model = self._builder.build(options.seed).model
        yield from self._blame.special(model, self.inputs, options.seed, loss)
        if isinstance(built.model, nn.Module) and flow.layers:
            seeds = [self._measured(built, flow, options.seed)]
            for seed in range(options.seed + 1, options.seed + options.seeds):
                if time.monotonic() + took * _RUNS > self._until:
                    break
                other = self._builder.build(seed)
                assert isinstance(other.model, nn.Module)
                seeds.append(self._measured(other, measure(other.model, other.inputs, other.recorder, seed), seed))
            verdicts = Verdicts(self._name, seeds, self._builder.candidate.place, guessed=self._builder.guessed)
            found = list(verdicts.all())
            flows = [one.flow for one in seeds]
            self.rows = rows(flows)
            if found and not self._builder.guessed and not plain:
                healer = Healer(self._builder, self._loader, options, self._until)
                found = healer.heal(found, squashing=any(flow.saturated for flow in flows))
            yield from found
            yield from self._half(flows)
            if not plain:
                yield from self._rates(built.model)

    def _with_loss(self, loss: Criterion) -> list[Sink]:
        built = self._builder.build(self._options.seed)
        try:
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

    def _rates(self, model: nn.Module) -> Iterator[Found]:
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
                return measure(built.model, built.inputs, built.recorder, seed)
            return Flow(run(built.model, built.inputs, built.recorder, seed))
        except Exception as error:
            raise NotTraceableError(f"`{self._name}` raises on {shapes(built.inputs)}: {described(error)}") from None

    def _measured(self, built: Built, flow: Flow, seed: int) -> Measured:
        later = None
        if flow.done.sinks:  # nothing can be learnt from a loss that is not finite
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


def study(
    builder: Builder, loader: Loader, target: Target, emit: Callable[[str], None], options: Options
) -> tuple[list[Row], str, tuple[str, ...], bool]:
    """Measure the model and report what is found; its table, the input that it got, and whether it is a module.

    Raises:
        NotTraceableError: it does not run.
    """
    work = Study(builder, loader, target, options)
    for found in work.findings():
        emit(encode("found", found))
    return work.rows, shapes(work.inputs), work.inputs.specs, work.is_module
