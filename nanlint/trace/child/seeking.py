"""How to build a class and what to call it with, found together: the first way that runs.

What the class and its project say comes first, then the part of another model that it is, then guesses.
"""

from __future__ import annotations

import copy
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from nanlint.trace.child.calls import calls_elsewhere, calls_in
from nanlint.trace.child.configured import maker
from nanlint.trace.child.guessing import Count, Guesser, Progress, UnguessableError, how_far
from nanlint.trace.child.inputs import Inputs
from nanlint.trace.child.models import EXAMPLE, NotTraceableError, required_parameters
from nanlint.trace.child.probing import runs
from nanlint.trace.child.relatives import Part, mentioning, users
from nanlint.trace.child.scripts import factories_in_file
from nanlint.trace.child.sites import quiet

if TYPE_CHECKING:
    from nanlint.trace.child.build import Builder

# of the seconds for a model, this share is for each step of the search
SEARCH = 0.15
# calls and functions that are tried
_CALLS, _FUNCTIONS = 4, 2
# seconds for a constructor with guessed arguments
_TRY = 10.0

_NOWHERE: Progress = (0, 0, 0)


class NoInputError(NotTraceableError):
    """A model was built, and does not run on anything that was tried.

    Attributes:
        fault: what it raised where it came furthest.
        calls: how many functions of torch were called before that.
    """

    def __init__(self, text: str, fault: Exception | None, calls: int = 0) -> None:
        super().__init__(text)
        self.fault, self.calls = fault, calls


class Seeker:
    """Tries the ways for one builder, and lets it adopt the first that runs."""

    def __init__(self, builder: Builder, given: Inputs | None) -> None:
        self._builder, self._given = builder, given
        self._cls, self._name = builder.candidate.thing, builder.candidate.name
        self._told: tuple[Progress, NotTraceableError] | None = None
        self._fault: BaseException | None = None
        self._calls = 0

    def find(self) -> None:
        """Find one.

        Raises:
            NotTraceableError: there is none. It says what became of the way that came furthest.
        """
        self._set_clock()
        if self._as_said() or self._as_part(guessed=False) or self._by_guesses() or self._as_part(guessed=True):
            return
        self._builder.how, self._builder.guessed = "", False
        assert self._told is not None
        raise self._told[1]

    def _set_clock(self) -> None:
        self._builder.until = time.monotonic() + self._builder.options.budget * SEARCH

    def _as_said(self) -> bool:
        """As the class, its file or its project says."""
        builder = self._builder
        for make, how in self._ways():
            model, fault = builder.attempt(make, None)
            if model is None or not isinstance(model, self._cls):
                self._tell(self._not_built(fault), _NOWHERE)
            elif self._runs(model, lambda make=make: builder.initialised(make()), how, guessed=False):  # type: ignore[misc]
                return True
        return False

    def _ways(self) -> Iterator[tuple[Callable[[], Any], str]]:
        cls, name, loaded = self._cls, self._name, self._builder.loaded
        if not required_parameters(cls):
            yield cls, ""
        for args, kwargs in islice(calls_in(loaded.tree, name, vars(loaded.module)), _CALLS):
            yield _calling(cls, args, kwargs), "built as the file builds it"
        if (configured := maker(cls)) is not None:
            yield configured, "built from a small configuration"
        for factory in islice(factories_in_file(loaded, name), _FUNCTIONS):
            yield factory, f"built by `{factory.__name__}`"
        if required_parameters(cls) and not self._builder.within:
            yield from islice(self._called_elsewhere(), _CALLS)

    def _called_elsewhere(self) -> Iterator[tuple[Callable[[], Any], str]]:
        for other in mentioning(self._builder.loader, str(self._builder.loaded.module.__file__), self._name):
            for args, kwargs in calls_elsewhere(other, self._name):
                yield _calling(self._cls, args, kwargs), f"built as `{Path(other).name}` builds it"

    def _as_part(self, *, guessed: bool) -> bool:
        """As part of another class, with the input that it gets there; of any of the project if guesses are allowed."""
        if self._builder.within or self._given is not None:
            return False
        self._set_clock()
        part = Part(self._cls)
        loader = self._builder.loader
        for loaded, user in users(self._builder.loaded, loader if guessed else None, self._name):
            if time.monotonic() > self._builder.until:
                break
            whole = type(self._builder)(loaded, user, loader, self._builder.options)
            whole.within, whole.may_guess = True, guessed
            inputs = _input_of(part, whole)
            if inputs is None:
                continue
            make: Any = lambda whole=whole: part.within(whole.made())  # noqa: E731
            inside, _ = self._builder.attempt(make, None)
            if inside is not None and self._builder.fault(inside, inputs) is None:
                self._builder.adopt(make, f"as a part of `{user.name}`", inputs, guessed=whole.guessed)
                return True
        return False

    def _by_guesses(self) -> bool:
        """From guesses, that are changed where they fail."""
        if not self._builder.may_guess:
            return False
        if inspect.isabstract(self._cls):
            text = f"`{self._name}` is abstract; name a class that is derived from it"
            self._tell(NotTraceableError(text), (1, 0, 0))
            return False
        self._set_clock()
        return any(self._climbs(optional=optional) for optional in (False, True))

    def _climbs(self, *, optional: bool) -> bool:
        builder = self._builder
        guesser = Guesser(self._cls, vars(builder.loaded.module), builder.places, optional=optional)
        while time.monotonic() < builder.until:
            with Count() as made:
                model, fault = builder.attempt(lambda: _full(guesser.make()), _TRY)
            if fault is not None:
                progress = how_far(fault, self._cls, made.modules)
                how = " from guessed arguments" if guesser.has_guesses else ""
                self._tell(self._not_built(fault, how), progress)
            else:
                frozen = guesser.frozen()
                make: Any = lambda frozen=frozen: builder.initialised(frozen())  # noqa: E731
                if self._runs(model, make, "built with guessed arguments", guessed=True):
                    return True
                fault, progress = self._fault, (1, self._calls, 0)
            self._fault = None  # it holds on to all that was made
            if fault is None or not guesser.after(fault, progress):
                break
        return False

    def _runs(self, model: nn.Module, make: Callable[[], nn.Module], how: str, *, guessed: bool) -> bool:
        """Is there an input that this model runs on? Then it is adopted."""
        builder = self._builder
        builder.adopt(make, how, guessed=guessed)
        self._fault = None
        try:
            builder.find_input(model, None, self._given)
        except NoInputError as trouble:
            self._fault, self._calls, trouble.fault = trouble.fault, trouble.calls, None
            self._tell(trouble, (1, 0 if guessed else sys.maxsize, trouble.calls))
            return False
        except NotTraceableError as trouble:
            self._tell(trouble, (2, 0, 0))
            return False
        except Exception as error:  # even a question about its parameters may be too much
            self._tell(self._not_built(error), (1, 0, 0))
            return False
        return True

    def _tell(self, trouble: NotTraceableError, progress: Progress) -> None:
        """What came furthest is told in the end, and of equals the first."""
        if self._told is None or progress > self._told[0]:
            self._told = (progress, trouble)

    def _not_built(self, error: BaseException | None, how: str = "") -> NotTraceableError:
        if error is None:
            fault = "its file makes something else"
        elif isinstance(error, UnguessableError):
            how, fault = "", f"nothing says what to pass for `{error}`"
        else:
            fault = self._builder.explained(error)
        if "No module named" in fault:
            return NotTraceableError(f"cannot build `{self._name}`: {fault}; install what is missing")
        return NotTraceableError(
            f"cannot build `{self._name}`{how}: {fault}; write `def {EXAMPLE}()` that returns a model and its input"
        )


def _input_of(part: Part, whole: Builder) -> Inputs | None:
    """What a part is called with where the whole runs; None if it does not, or calls no such part."""
    try:
        whole.prepare(())
        built = whole.build(whole.options.seed)
        if not isinstance(built.model, nn.Module):
            return None
        with part.watched() as calls, quiet(), built.pager.running():
            runs(built.model, built.inputs)
    except Exception:
        return None
    return calls[0] if calls and part.within(built.model) is not None else None


def _full(model: nn.Module) -> nn.Module:
    """A model of guesses in which every layer has weights."""
    if not all(one.numel() for one in model.parameters()):
        raise ValueError("a layer has no weights")
    return model


def _calling(cls: Any, args: list[Any], kwargs: dict[str, Any]) -> Callable[[], Any]:
    """Call it with arguments of its own: a layer among them is the same layer in no two models."""
    return lambda: cls(*copy.deepcopy(args), **copy.deepcopy(kwargs))
