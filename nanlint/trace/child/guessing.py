"""A constructor's arguments by trial: where a guess makes it fail, the fault says which one, and often what it wants.

The first guesses come from annotations and names. A fault that is raised in `__init__`, or later in `forward`, stands
in an expression of the user; the parameters named there are suspects, and each gets another guess until the fault lies
further on. That is a climb: no guess that worked is questioned again.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import TracebackType
from typing import Any

from torch import nn

from nanlint.trace.child.alternatives import Way, alternatives, better
from nanlint.trace.child.arguments import by_name
from nanlint.trace.child.models import required_parameters
from nanlint.trace.child.places import Places, line_at, text_at

# trials of other guesses, and for one suspect
_MOST, _EACH = 80, 8

# how far a trial came: into forward or not, how much was done, in which line it ended
Progress = tuple[int, int, int]


class UnguessableError(Exception):
    """A parameter about which neither its name nor its annotation says anything."""


@dataclass
class _State:
    ways: dict[str, Way]
    progress: Progress = (-1, 0, 0)
    trials: list[dict[str, Way]] = field(default_factory=list)


class Guesser:
    """Arguments for one class. Ask for `make`, and after a fault for another with `after`."""

    def __init__(self, cls: Any, names: Mapping[str, Any], places: Places, *, optional: bool = False) -> None:
        """Begin with the likeliest; `optional`: also for what is None by default, as some authors mean that it must
        be given."""
        self._cls, self._places = cls, places
        self._all = {one.name: one for one in _parameters(cls)}
        self._names = names
        self._ways: dict[str, Way] = {}
        self._unknown = ""
        for one in required_parameters(cls):
            known = alternatives(cls, one, names)
            if known:
                self._ways[one.name] = known[0]
            else:
                self._unknown = self._unknown or one.name
        if optional:
            for one in self._all.values():
                if one.default is None and isinstance(by_name(one.name.lower()), int):
                    self._ways[one.name] = alternatives(cls, one, names)[0]
        for one in self._all.values():
            if "pretrained" in one.name and one.default is True:  # nothing can be downloaded
                self._ways[one.name] = bool
        self._base: _State | None = None
        self._trial = self._ways
        self._left = _MOST

    def make(self) -> Any:
        """A model from the present guesses.

        Raises:
            UnguessableError: of one parameter nothing is known.
            Exception: what the constructor raises.
        """
        if self._unknown:
            raise UnguessableError(self._unknown)
        return self._cls(**{name: way() for name, way in self._trial.items()})

    @property
    def has_guesses(self) -> bool:
        """Is anything passed that was guessed?"""
        return bool(self._trial)

    def frozen(self) -> Any:
        """What `make` does now, for later."""
        ways = dict(self._trial)
        return lambda: self._cls(**{name: way() for name, way in ways.items()})

    def after(self, error: BaseException, progress: Progress) -> bool:
        """Take another guess after this fault. Is there one?"""
        if isinstance(error, UnguessableError) or self._left <= 0:
            return False
        if self._base is None or progress > self._base.progress:
            trials = list(islice(self._trials(error), 60))
            self._base = _State(self._trial, progress, trials)
        if not self._base.trials:
            return False
        self._left -= 1
        self._trial = self._base.trials.pop(0)
        return True

    def _trials(self, error: BaseException) -> Iterator[dict[str, Way]]:
        """The present guesses with another for each suspect; all suspects' first choices come first."""
        suspects = [*dict.fromkeys(self._suspects(error))]
        choices = {}
        for name in suspects:
            own = alternatives(self._cls, self._all[name], self._names)[1:]
            choices[name] = list(islice((*better(error)[:_EACH], *own), 2 * _EACH))
        for at in range(max(map(len, choices.values()), default=0)):
            for name in suspects:
                if at < len(choices[name]):
                    yield {**self._trial, name: choices[name][at]}

    def _suspects(self, error: BaseException) -> Iterator[str]:
        """The parameters that are named where the fault arose; those that were guessed before those with a default."""
        words = [set(re.findall(r"\w+", text)) for text in _expressions(error, self._cls, self._places)]
        for named in words:
            yield from (one for one in self._trial if one in named)
            yield from (one for one in self._all if one in named and one not in self._trial)
        said = set(re.findall(r"\w+", str(error)))
        yield from (one for one in self._all if one in said)
        if not words or not any(one in named for named in words for one in self._all):
            yield from list(self._trial)[:6]


class Count:
    """Counts the modules that are made while it is entered."""

    def __enter__(self) -> Count:
        self.modules = 0
        self._original = original = nn.Module.__init__

        def init(module: nn.Module, *args: Any, **kwargs: Any) -> None:
            self.modules += 1
            original(module, *args, **kwargs)

        nn.Module.__init__ = init  # type: ignore[assignment, method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        nn.Module.__init__ = self._original  # type: ignore[method-assign]


def how_far(error: BaseException, cls: type, made: int) -> Progress:
    """How far a constructor came before it failed."""
    lines = [line for _, line in _frames(error.__traceback__, cls)]
    return (0, made, lines[0] if lines and lines[0] else 0)


def _expressions(error: BaseException, cls: type, places: Places) -> Iterator[str]:
    """The user's text in which the fault arose, from the innermost method of the class on outwards."""
    found = []
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        owner = frame.f_locals.get("self")
        if isinstance(owner, cls) and places.is_mine(frame.f_code.co_filename):
            place = places.at(frame.f_code, trace.tb_lasti)
            if place is not None:
                found += [line_at(place), text_at(place)]
        trace = trace.tb_next
    yield from reversed(found)


def _frames(trace: TracebackType | None, cls: type) -> Iterator[tuple[Any, int]]:
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_code.co_name == "__init__" and isinstance(frame.f_locals.get("self"), cls):
            yield frame, trace.tb_lineno
        trace = trace.tb_next


def _parameters(cls: Any) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(cls).parameters.values()
    except (TypeError, ValueError):
        return []
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [one for one in parameters if one.kind in plain]
