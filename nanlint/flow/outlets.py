"""Where values go. A NaN only matters if it, or its gradient, can leave the place where it arises.

An *outlet* is where the interpreter loses sight of a value: it is returned, stored in an attribute, given to a
function we cannot see, or left behind by the module. A logarithm whose result is only compared, or turned into the
number of a bucket, never makes a loss NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import Any

from nanlint.flow.leaves import is_outward
from nanlint.ops.reductions import CONDITIONS
from nanlint.values.value import Term, Value

# their results are true, false, a size or have only the shape of the operand: no NaN and no gradient passes
_DECISIONS = CONDITIONS | {"not", "any", "all", "len", "size", "bucketize", "zeros", "ones", "empty"}
# an index has no gradient, but that of a NaN is wrong
_WITHOUT_GRADIENT = frozenset({"detach", "argmax", "count_nonzero", "bincount"})

_STORED = 4  # a number, what was there, what is stored, and the mask: see `_store` in targets.py

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
        self.leave(*(value for value in values if value.term is not None and value.term not in self._read))

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

    @cached_property
    def sources_of_gradients(self) -> frozenset[Term]:
        """All terms through which gradients may flow back from an outlet."""
        return _closure(self._out, self._whole, _DECISIONS | _WITHOUT_GRADIENT)


def condition_for(choice: Term, arm: Term) -> tuple[Term, bool] | None:
    """When a choice takes this arm: the condition, and whether it holds then. `where(c, x, y)`, and `x[c] = y`, which
    leaves x where c does not hold."""
    condition = choice.args[0 if choice.head == "where" else -1] if choice.args else None
    if not isinstance(condition, Term) or condition is arm:
        return None
    if choice.head == "where":
        return condition, choice.args[1] is arm
    stored = choice.head == "fresh" and len(choice.args) == _STORED and choice.args[1] is arm
    return (condition, False) if stored else None


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
        if term.head not in stops and term not in whole and not is_outward(term):
            waiting.extend(arg for arg in term.args if isinstance(arg, Term) and not is_cut(term, arg))
    return frozenset(found)
