"""From a candidate to a model that runs: its constructor's arguments, and an input that its forward accepts."""

from __future__ import annotations

import contextlib
import copy
import gc
import inspect
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from torch import nn

from nanlint.faults import described
from nanlint.trace.child import belt
from nanlint.trace.child.arguments import factories_in_file, passed_in_file
from nanlint.trace.child.configured import maker
from nanlint.trace.child.guessing import Count, Guesser, UnguessableError, how_far
from nanlint.trace.child.inputs import Inputs, from_example, from_specs, shapes
from nanlint.trace.child.loading import Loaded, Loader
from nanlint.trace.child.models import EXAMPLE, Candidate, NotTraceableError, required_parameters
from nanlint.trace.child.paging import Pager
from nanlint.trace.child.probing import Probe, probe, runs
from nanlint.trace.child.recorder import Recorder
from nanlint.trace.child.relatives import Part, users
from nanlint.trace.child.scripts import initialisers
from nanlint.trace.child.sites import construction_sites, quiet
from nanlint.trace.child.walking import tensors
from nanlint.trace.protocol import Options, Place

# of the memory that a process may use, one part in so many is for parameters if they do not all fit
_ROOM = 8
# of the seconds for a model, this share is for finding out how it is built and what it takes
_SEARCH = 0.3

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


class NoInputError(NotTraceableError):
    """A model was built, and does not run on anything that was tried.

    Attributes:
        fault: what it raised where it came furthest.
        calls: how many functions of torch were called before that.
    """

    def __init__(self, text: str, fault: Exception | None, calls: int = 0) -> None:
        super().__init__(text)
        self.fault, self.calls = fault, calls


class Builder:
    """Builds one candidate, as often as it is needed, always in the same way.

    Attributes:
        how: how the model is made, in words; empty if there is nothing to say.
        guessed: the constructor's arguments are not the user's.
        specs: the input as the user gave it.
        paged: the bytes of its parameters, if they do not fit into memory.
    """

    def __init__(
        self, loaded: Loaded, candidate: Candidate, loader: Loader, options: Options, *, alone: bool = False
    ) -> None:
        """Nothing is built yet; `alone`: do not look for a class that uses this one."""
        self.candidate = candidate
        self.places = loader.places
        self._loader, self._alone = loader, alone
        self.loaded = loaded
        self.how, self.guessed = "", False
        self.specs: tuple[str, ...] = ()
        self.paged = 0
        self._options = options
        self._make: Make = lambda: (candidate.thing, None)
        self._inputs: Inputs | None = None
        self._until = time.monotonic() + options.budget * _SEARCH
        self._pager = self._new_pager()

    def prepare(self, specs: tuple[str, ...]) -> None:
        """Find out how to build the model, and what to call it with.

        Raises:
            NotTraceableError: no way was found; says what to pass.
        """
        self.specs = specs
        belt.seed(self._options.seed)  # the same input on every run
        given = from_specs(specs) if specs else None
        if self.candidate.is_class:
            self._find_arguments(given)
        else:
            model, own = self._find_maker(given)
            if isinstance(model, nn.Module):
                self._find_input(model, own, given)
            else:
                self._inputs = given or Inputs(title="its own input")
        self.paged = self._pager.size if self._pager.paged else 0

    def _find_input(self, model: nn.Module, own: Inputs | None, given: Inputs | None) -> None:
        """What to call this model with: what is given, what it says of itself, what is found by trial.

        Raises:
            NotTraceableError: nothing of this runs.
        """
        self._inputs = given or (None if own is not None else self._example(model) or self._dummy(model))
        inputs = self._inputs or own
        if inputs is None:
            self._inputs = self._infer(model)
        elif (fault := self._fault(model, inputs)) is not None:
            text = f"{self._said()} does not run on {shapes(inputs)}: {self._explained(fault)}"
            raise NoInputError(text, fault)

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
        if isinstance(model, nn.Module) and self._options.device != "cpu":
            model = model.to(self._options.device)
        return Built(model, self._moved(inputs), recorder, pager, sites)

    def _new_pager(self) -> Pager:
        """For parameters that do not fit: they need their size once more for their gradients."""
        memory = self._options.memory * 2**20 if self._options.device == "cpu" else 0
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
        belt.seed(self._options.seed)
        try:
            with quiet(), self._pager.building():
                return self.candidate.thing(*inputs.args, **inputs.kwargs)
        except Exception as error:
            on = f" on {shapes(inputs)}" if inputs.args or inputs.kwargs else ""
            raise NotTraceableError(f"`{self.candidate.name}` raises{on}: {self._explained(error)}") from None

    def _find_arguments(self, given: Inputs | None) -> None:
        """How to build the class and what to call it with, together: the first way that runs.

        Raises:
            NotTraceableError: none does. It says what became of the way that came furthest.
        """
        self._until = time.monotonic() + self._options.budget * _SEARCH
        troubles: list[NotTraceableError] = []
        for find in (self._as_said, self._guessed) if self._alone else (self._as_said, self._guessed, self._by_user):
            if find(given, troubles):
                return
        self.how, self.guessed = "", False
        raise next((one for one in troubles if isinstance(one, NoInputError)), troubles[-1])

    def _as_said(self, given: Inputs | None, troubles: list[NotTraceableError]) -> bool:
        """As the class or its file says. Does it run?"""
        for make, how in self._ways():
            model, fault = self._attempt(make)
            if model is None or not isinstance(model, self.candidate.thing):
                troubles.append(self._not_built(fault))
                continue
            self.how, self.guessed = how, False
            self._make = lambda make=make: (self._initialised(make()), None)  # type: ignore[misc]
            if self._runs(model, given, troubles):
                return True
        return False

    def _guessed(self, given: Inputs | None, troubles: list[NotTraceableError]) -> bool:
        """From guesses, that are changed where they fail. Does it run?"""
        cls = self.candidate.thing
        if inspect.isabstract(cls):
            troubles.append(self._not_built(None))
            return False
        for optional in (False, True):
            guesser = Guesser(cls, vars(self.loaded.module), self.places, optional=optional)
            self.how, self.guessed = "built with guessed arguments", True
            while time.monotonic() < self._until:
                made = Count()
                with made:
                    model, fault = self._attempt(guesser.make)
                if model is None:
                    assert fault is not None
                    progress = how_far(fault, cls, made.modules)
                    troubles.append(self._not_built(fault))
                else:
                    self._make = lambda make=guesser.frozen(): (self._initialised(make()), None)  # type: ignore[misc]
                    if self._runs(model, given, troubles):
                        return True
                    found = troubles[-1]
                    fault, progress = getattr(found, "fault", None), (1, getattr(found, "calls", 0), 0)
                if fault is None or not guesser.after(fault, progress):
                    break
        return False

    def _by_user(self, given: Inputs | None, troubles: list[NotTraceableError]) -> bool:
        """As part of another class of the project, with the input that it gets there. Does it run?"""
        part = Part(self.candidate.thing)
        for loaded, user in users(self.loaded, self._loader, self.candidate.name):
            if time.monotonic() > self._until + self._options.budget * _SEARCH:
                break
            whole = Builder(loaded, user, self._loader, self._options, alone=True)
            try:
                whole.prepare(())
                built = whole.build(self._options.seed)
                with part.watched() as calls, quiet(), built.pager.running():
                    runs(built.model, built.inputs)  # type: ignore[arg-type]
            except Exception:  # noqa: S112  (then perhaps the next)
                continue
            inside = part.within(built.model) if isinstance(built.model, nn.Module) else None
            if inside is None or not calls:
                continue
            self.how, self.guessed = f"as a part of `{user.name}`", whole.guessed
            self._make = lambda whole=whole: (part.within(whole.made()), calls[0])  # type: ignore[misc, assignment]
            if given is None and self._fault(inside, calls[0]) is not None:
                continue
            self._inputs = calls[0]
            if given is None or self._runs(inside, given, troubles):
                return True
        return False

    def made(self) -> nn.Module:
        """The model once more, where `prepare` has found out how."""
        model, _ = self._make()
        assert isinstance(model, nn.Module)
        return model

    def _attempt(self, make: Callable[[], Any]) -> tuple[Any, Exception | None]:
        try:
            belt.seed(self._options.seed)
            self._pager = self._new_pager()
            with quiet(), self._pager.building():
                return make(), None
        except Exception as error:
            return None, error

    def _runs(self, model: nn.Module, given: Inputs | None, troubles: list[NotTraceableError]) -> bool:
        try:
            self._find_input(model, None, given)
        except NotTraceableError as trouble:
            troubles.append(trouble)
            return False
        return True

    def _not_built(self, error: Exception | None) -> NotTraceableError:
        name = self.candidate.name
        if inspect.isabstract(self.candidate.thing):
            return NotTraceableError(f"`{name}` is abstract; name a class that is derived from it")
        if error is None:
            fault = "its file makes something else"
        elif isinstance(error, UnguessableError):
            fault = f"nothing says what to pass for `{error}`"
        else:
            fault = self._explained(error)
        return NotTraceableError(
            f"cannot build `{name}`: {fault}; write `def {EXAMPLE}()` that returns a model and its input"
        )

    def _initialised(self, model: nn.Module) -> nn.Module:
        """The model as the rest of its file leaves it: `net.apply(init)`."""
        for function in initialisers(self.loaded, self.candidate.name):
            with contextlib.suppress(Exception):  # it may want what only the script has
                model.apply(function)
        return model

    def _ways(self) -> Iterator[tuple[Callable[[], Any], str]]:
        """How the class may be built: as it is, as its file builds it."""
        cls, name = self.candidate.thing, self.candidate.name
        if not required_parameters(cls):
            yield cls, ""
        for args, kwargs in islice(passed_in_file(self.loaded, name), 4):
            yield partial(cls, *args, **kwargs), "built as the file builds it"
        if (configured := maker(cls)) is not None:
            yield configured, "built from a small configuration"
        for factory in islice(factories_in_file(self.loaded, name), 2):
            yield factory, f"built by `{factory.__name__}`"

    def _example(self, model: nn.Module) -> Inputs | None:
        """What the model or its class says about its own input."""
        own = getattr(model, EXAMPLE, None)
        try:
            value = own() if callable(own) else getattr(model, "example_input_array", None)
        except Exception as error:
            raise NotTraceableError(f"`{EXAMPLE}` raises {self._explained(error)}") from None
        return None if value is None else from_example(value)

    def _dummy(self, model: nn.Module) -> Inputs | None:
        """What models of transformers take for their own input: words, even if they want images."""
        dummy = getattr(model, "dummy_inputs", None)
        inputs = from_example(dict(dummy)) if isinstance(dummy, Mapping) else None
        return inputs if inputs is not None and self._fault(model, inputs) is None else None

    def _infer(self, model: nn.Module) -> Inputs:
        with quiet(), self._pager.running():
            found: Probe = probe(model, self._options.batch, self._until)
        if found.inputs is not None:
            return found.inputs
        wanted = ", ".join(one.name for one in required_parameters(model.forward))
        on = f" on {' '.join(found.specs)}" if found.specs else ""
        last = f" (it came furthest{on}: {self._explained(found.fault)})" if found.fault is not None else ""
        text = f"found no input for {self._said()}, forward({wanted}){last}; pass --input, like --input 8,3,224,224"
        raise NoInputError(text, found.fault, found.calls)

    def _fault(self, model: nn.Module, inputs: Inputs) -> Exception | None:
        """What the model raises on this input."""
        with quiet(), self._pager.running():
            return runs(model, inputs)[0]

    def _explained(self, error: Exception) -> str:
        """The fault, and if it comes from a statement that was not run, that."""
        if isinstance(error, NameError) and (reason := self.loaded.skipped.get(str(error.name))) is not None:
            return f"`{error.name}` is not defined ({reason}); --import runs the whole file"
        return described(error)

    def _moved(self, inputs: Inputs) -> Inputs:
        device = self._options.device
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
