"""Where values go. A NaN only matters if it, or its gradient, can leave the place where it arises.

An *outlet* is where the interpreter loses sight of a value: it is returned, stored in an attribute, given to a
function we cannot see, or left behind by the module. A logarithm whose result is only compared, or turned into the
number of a bucket, never makes a loss NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from typing import Any

from nanlint.flow.aftermath import Bad, ValueOf, arrives, condition_for
from nanlint.flow.leaves import is_outward
from nanlint.ops.reductions import CONDITIONS
from nanlint.values.value import Term, Value

# their results are true, false, a size or have only the shape of the operand: no NaN and no gradient passes
_DECISIONS = CONDITIONS | {"not", "any", "all", "len", "size", "bucketize", "zeros", "ones", "empty"}
# an index has no gradient, but that of a NaN is wrong
_WITHOUT_GRADIENT = frozenset({"detach", "argmax", "count_nonzero", "bincount"})

_CLEANING = frozenset({"nan_to_num"})

# calls that show a value to people and hand it to nobody
_SHOWING_PATHS = frozenset({"builtins.print", "builtins.repr", "builtins.str", "builtins.format", "warnings.warn"})
_SHOWING_METHODS = frozenset(
    {"info", "debug", "warning", "warn", "error", "exception", "critical", "set_postfix", "set_description"}
    | {"add_scalar", "add_scalars", "add_histogram", "log_metric", "log_metrics"}
)


def only_shows(path: str | None, method: str | None) -> bool:
    """Does the call print, log or plot its arguments?"""
    return path in _SHOWING_PATHS or method in _SHOWING_METHODS


class Outlets:
    """Collects the terms that leave sight, and answers what went into them."""

    def __init__(self) -> None:
        self._out: set[Term] = set()
        self._whole: set[Term] = set()
        self._read: set[Term] = set()

    def leave(self, *values: Value) -> None:
        """These values, and the items of displays, are out of sight from here on."""
        for value in values:
            if value.term is not None:
                self._out.add(value.term)
            if value.items is not None:
                self.leave(*value.items)

    def becomes_whole(self, term: Term) -> None:
        """The term is a conversion to integers or booleans."""
        self._whole.add(term)

    def read(self, term: Term) -> None:
        """A variable that holds the term was used."""
        self._read.add(term)

    def end(self, values: Iterable[Value]) -> None:
        """The end of a function: what was assigned and never used may still be meant for something."""
        for value in values:
            if value.term is not None and value.term not in self._read:
                self._out.update(self._unused(value.term))
                self.leave(*(value.items or ()))

    def _unused(self, term: Term) -> Iterator[Term]:
        """The term that no variable which was used ever held. Of what two branches assign, each is one."""
        waiting, seen = [term], set[Term]()
        while waiting:
            one = waiting.pop()
            if one in self._read or one in seen:
                continue
            seen.add(one)
            if one.head == "either":
                waiting += (arg for arg in one.args if isinstance(arg, Term))
            else:
                yield one

    @cached_property
    def sources_of_values(self) -> frozenset[Term]:
        """All terms whose value passes into an outlet. To be asked when the whole file was interpreted."""
        return _closure(self._out, self._whole, _DECISIONS)

    @cached_property
    def sources_of_uncleaned_values(self) -> frozenset[Term]:
        """The same, less what passes only through `nan_to_num` or a choice of what is finite. Where no gradient is
        taken, that mends it."""
        return _closure(self._out, self._whole, _DECISIONS | _CLEANING, _is_cleaned)

    def passes(self, term: Term, replaced: Callable[[Term, Term], bool]) -> bool:
        """Does the value of the term pass into an outlet, if some choices, given with their arms, replace it where it
        is bad?"""
        return term in _closure(
            self._out,
            self._whole,
            _DECISIONS | _CLEANING,
            lambda choice, arm: _is_cleaned(choice, arm) or replaced(choice, arm),
        )

    def arrives(self, term: Term, bad: Bad, value_of: ValueOf) -> bool:
        """Does what is bad in the value of the term make anything bad that passes into an outlet?"""
        return arrives(term, bad, self._users, self._out, value_of)

    @cached_property
    def _users(self) -> dict[Term, list[Term]]:
        """What the terms that pass into an outlet go into on their way."""
        users: dict[Term, list[Term]] = {}
        for user in self.sources_of_values:
            for arg in _passed_on(user, self._whole, _DECISIONS):
                users.setdefault(arg, []).append(user)
        return users

    @cached_property
    def sources_of_gradients(self) -> frozenset[Term]:
        """All terms through which gradients may flow back from an outlet."""
        return _closure(self._out, self._whole, _DECISIONS | _WITHOUT_GRADIENT)


def _is_cleaned(choice: Term, arm: Term) -> bool:
    """`where(isfinite(x), x, 0)`, `where(isnan(x), 0, x)`, `x[isnan(x)] = 0`: are bad values left out?"""
    chosen = condition_for(choice, arm)
    if chosen is None:
        return False
    condition: Any = chosen[0]
    while isinstance(condition, Term) and condition.head in ("logical_not", "not"):
        condition = condition.args[0]
    return isinstance(condition, Term) and condition.head in ("isnan", "isfinite") and condition.args[0] is arm


def _closure(
    start: Collection[Term],
    whole: Collection[Term],
    stops: Collection[str],
    is_cut: Callable[[Term, Term], bool] = lambda term, arg: False,
) -> frozenset[Term]:
    found: set[Term] = set()
    waiting = list(start)
    while waiting:
        term = waiting.pop()
        if term in found:
            continue
        found.add(term)
        waiting.extend(arg for arg in _passed_on(term, whole, stops) if not is_cut(term, arg))
    return frozenset(found)


def _passed_on(term: Term, whole: Collection[Term], stops: Collection[str]) -> Iterator[Term]:
    """The operands of which the value may pass into that of the term."""
    if term.head not in stops and term not in whole and not is_outward(term):
        yield from (arg for arg in term.args if isinstance(arg, Term))
