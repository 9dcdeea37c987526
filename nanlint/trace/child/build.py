"""From a candidate to a model that runs: its constructor's arguments, and an input that its forward accepts."""

from __future__ import annotations

import contextlib
import copy
import gc
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from nanlint.faults import described
from nanlint.trace.child import belt
from nanlint.trace.child.inputs import Inputs, from_example, from_specs, shapes
from nanlint.trace.child.loading import Loaded, Loader, is_missing
from nanlint.trace.child.models import EXAMPLE, Candidate, NotTraceableError, required_parameters
from nanlint.trace.child.paging import Pager
from nanlint.trace.child.probing import Probe, probe, runs
from nanlint.trace.child.recorder import Recorder
from nanlint.trace.child.scripts import initialisers
from nanlint.trace.child.seeking import SEARCH, NoInputError, Seeker
from nanlint.trace.child.sites import construction_sites, quiet
from nanlint.trace.child.walking import tensors
from nanlint.trace.protocol import Options, Place

# of the memory that a process may use, one part in so many is for parameters if they do not all fit
_ROOM = 8

# makes a model or a function to call, and its own input where it brings one
Make = Callable[[], tuple[Callable[..., Any], Inputs | None]]


@dataclass
class Built:
    """A model and its input.

    Attributes:
        model: a module, or a function that computes something.
        inputs: what to call it with.
        recorder: has seen the construction, and knows who wrote which parameter.
        pager: has seen the construction too, and keeps parameters that do not fit out of memory.
        sites: where the user made each module, by its id.
    """

    model: Callable[..., Any]
    inputs: Inputs
    recorder: Recorder
    pager: Pager
    sites: dict[int, Place] = field(default_factory=dict)


class Builder:
    """Builds one candidate, as often as it is needed, always in the same way.

    Attributes:
        how: how the model is made, in words; empty if there is nothing to say.
        guessed: the constructor's arguments are not the user's.
        specs: the input as the user gave it.
        paged: the bytes of its parameters, if they do not fit into memory.
        within: it is built for the sake of a part, and not looked for in others.
        may_guess: its arguments may be guessed.
        until: when the search for arguments and an input ends.
    """

    def __init__(self, loaded: Loaded, candidate: Candidate, loader: Loader, options: Options) -> None:
        self.candidate = candidate
        self.places = loader.places
        self.loaded, self.loader = loaded, loader
        self.how, self.guessed = "", False
        self.specs: tuple[str, ...] = ()
        self.paged = 0
        self.within, self.may_guess = False, True
        self.options = options
        self._make: Make = lambda: (candidate.thing, None)
        self._inputs: Inputs | None = None
        self.until = time.monotonic() + options.budget * SEARCH
        self._pager = self._new_pager()

    def prepare(self, specs: tuple[str, ...]) -> None:
        """Find out how to build the model, and what to call it with.

        Raises:
            NotTraceableError: no way was found; says what to pass.
        """
        self.specs = specs
        belt.seed(self.options.seed)  # the same input on every run
        given = from_specs(specs) if specs else None
        if self.candidate.is_class:
            Seeker(self, given).find()
        else:
            model, own = self._find_maker(given)
            if isinstance(model, nn.Module):
                self.find_input(model, own, given)
            else:
                self._inputs = given or Inputs(title="its own input")

    def find_input(self, model: nn.Module, own: Inputs | None, given: Inputs | None) -> None:
        """What to call this model with: what is given, what it says of itself, what is found by trial.

        Raises:
            NotTraceableError: nothing of this runs.
        """
        self._inputs = given or (None if own is not None else self._example(model) or self._dummy(model))
        inputs = self._inputs or own
        if inputs is None:
            self._inputs = self._infer(model)
        elif (fault := self.fault(model, inputs)) is not None:
            text = f"{self._said()} does not run on {shapes(inputs)}: {self.explained(fault)}"
            raise NoInputError(text, fault)
        # it is known only while the model lives
        self.paged = self._pager.size if self._pager.paged else 0

    @property
    def has_inferred_input(self) -> bool:
        """Nobody gave its input: it was found by trial."""
        return not self.specs and self._inputs is not None and bool(self._inputs.specs)

    def build(self, seed: int) -> Built:
        """A fresh model, with the same random numbers for the same seed."""
        belt.seed(seed)
        recorder, pager = Recorder(self.places), self._new_pager()
        recorder.building = True
        with quiet(), construction_sites(self.places) as sites, pager.building(), recorder:
            model, own = self._make()
        recorder.building = False
        inputs = self._inputs or own
        assert inputs is not None
        if isinstance(model, nn.Module) and self.options.device != "cpu":
            model = model.to(self.options.device)
        return Built(model, self._moved(inputs), recorder, pager, sites)

    def _new_pager(self) -> Pager:
        """For parameters that do not fit: they need their size once more for their gradients."""
        memory = self.options.memory * 2**20 if self.options.device == "cpu" else 0
        if self.paged:  # a model that did not fit will not fit again, and the last one may hang in a cycle
            gc.collect()
        return Pager(0 if self.paged else memory // 2 or sys.maxsize, memory // _ROOM)

    def _find_maker(self, given: Inputs | None) -> tuple[Callable[..., Any], Inputs | None]:
        thing, name = self.candidate.thing, self.candidate.name
        if self.candidate.is_model:
            self._make = lambda: (copy.deepcopy(thing), None)
            return self._make()
        wanted = ", ".join(one.name for one in required_parameters(thing))
        if wanted and given is None:
            raise NotTraceableError(f"`{name}` wants {wanted}; pass one --input for each, like --input 8,16")
        # a function that wants nothing may make a model, and the input is for that
        result = self._call(given if wanted and given is not None else Inputs())
        model, own = _model_of(result)
        if model is None:  # the function is the computation itself
            if not any(True for _ in tensors(result)):
                raise NotTraceableError(f"`{name}` returns no model and no tensor but {type(result).__name__}")
            return self._make()
        if wanted:
            raise NotTraceableError(f"`{name}` makes a model and wants {wanted}; write `def {EXAMPLE}()` that calls it")
        self._make = lambda: _made(thing())
        return model, own

    def _call(self, inputs: Inputs) -> Any:
        belt.seed(self.options.seed)
        try:
            with quiet(), self._pager.building():
                return self.candidate.thing(*inputs.args, **inputs.kwargs)
        except Exception as error:
            on = f" on {shapes(inputs)}" if inputs.args or inputs.kwargs else ""
            raise NotTraceableError(f"`{self.candidate.name}` raises{on}: {self.explained(error)}") from None

    def adopt(self, make: Callable[[], nn.Module], how: str, inputs: Inputs | None = None, *, guessed: bool) -> None:
        """From now on the model is made like this; `inputs` is what is known of its input by the way."""
        self._make = lambda: (make(), None)
        self._inputs = inputs
        self.how, self.guessed = how, guessed

    def made(self) -> nn.Module:
        """The model once more, where `prepare` has found out how."""
        model, _ = self._make()
        assert isinstance(model, nn.Module)
        return model

    def attempt(self, make: Callable[[], Any], seconds: float | None) -> tuple[Any, BaseException | None]:
        """What is made, or the fault; in no more than so many seconds."""
        try:
            belt.seed(self.options.seed)
            self._pager = self._new_pager()
            with quiet(), belt.at_most(seconds), self._pager.building():
                return make(), None
        except (Exception, SystemExit) as error:  # scripts read their options where they are needed
            return None, error

    def initialised(self, model: nn.Module) -> nn.Module:
        """The model as the rest of its file leaves it: `net.apply(init)`."""
        for function in initialisers(self.loaded, self.candidate.name):
            with contextlib.suppress(Exception):  # it may want what only the script has
                model.apply(function)
        return model

    def _example(self, model: nn.Module) -> Inputs | None:
        """What the model or its class says about its own input."""
        own = getattr(model, EXAMPLE, None)
        try:
            value = own() if callable(own) else getattr(model, "example_input_array", None)
        except Exception as error:
            raise NotTraceableError(f"`{EXAMPLE}` raises {self.explained(error)}") from None
        return None if value is None else from_example(value)

    def _dummy(self, model: nn.Module) -> Inputs | None:
        """What models of transformers take for their own input: words, even if they want images."""
        dummy = getattr(model, "dummy_inputs", None)
        inputs = from_example(dict(dummy)) if isinstance(dummy, Mapping) else None
        return inputs if inputs is not None and self.fault(model, inputs) is None else None

    def _infer(self, model: nn.Module) -> Inputs:
        with quiet(), self._pager.running():
            found: Probe = probe(model, self.options.batch, self.until)
        if found.inputs is not None:
            return found.inputs
        if isinstance(found.fault, NotImplementedError) and found.calls <= 0:
            raise NotTraceableError(
                f"`{self.candidate.name}` does not implement forward; write `def {EXAMPLE}()` that computes something"
            )
        wanted = ", ".join(one.name for one in required_parameters(model.forward))
        on = f" on {' '.join(found.specs)}" if found.specs else ""
        last = f" (it came furthest{on}: {self.explained(found.fault)})" if found.fault is not None else ""
        text = f"found no input for {self._said()}, forward({wanted}){last}; pass --input, like --input 8,3,224,224"
        raise NoInputError(text, found.fault, found.calls)

    def fault(self, model: nn.Module, inputs: Inputs) -> Exception | None:
        """What the model raises on this input."""
        with quiet(), self._pager.running():
            return runs(model, inputs)[0]

    def explained(self, error: BaseException) -> str:
        """The fault, and if it comes from a statement that was not run, that."""
        if isinstance(error, NameError) and (reason := self.loaded.skipped.get(str(error.name))) is not None:
            remedy = "" if is_missing(reason) else "; --import runs the whole file"
            return f"`{error.name}` is not defined ({reason}){remedy}"
        if isinstance(error, belt.TooSlowError):
            return str(error)
        if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
            return f"it wants more memory than it may have ({described(error)}); --memory allows more"
        return described(error)

    def _moved(self, inputs: Inputs) -> Inputs:
        device = self.options.device
        return inputs if device == "cpu" else inputs.map(lambda one: one.to(device), inputs.title)

    def _said(self) -> str:
        return f"`{self.candidate.name}`" + (f" ({self.how})" if self.how else "")


def _made(result: Any) -> tuple[Callable[..., Any], Inputs | None]:
    model, own = _model_of(result)
    assert model is not None
    return model, own


def _model_of(result: Any) -> tuple[nn.Module | None, Inputs | None]:
    """A model, or a model with its arguments, as `nanlint_example` returns them."""
    if isinstance(result, nn.Module):
        return result, None
    if isinstance(result, tuple) and result and isinstance(result[0], nn.Module):
        return result[0], from_example(tuple(result[1:]))
    return None, None
