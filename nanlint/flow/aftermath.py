"""What becomes of a NaN or an infinity where no gradient is taken.

The minimum of 1 and infinity is 1, the exponential of minus infinity is 0, and `x[isnan(x)] = 0` leaves no NaN. What an
operation makes of an infinity is asked of the operation itself: its result is computed for that operand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import Flag, auto
from itertools import product
from math import inf

from nanlint.ops.catalogue import OPERATIONS
from nanlint.ops.terms import operand
from nanlint.values.interval import Range, constant
from nanlint.values.value import Term, Value


class Bad(Flag):
    """What a result may be that is no finite number."""

    NONE = 0
    NAN = auto()
    HIGH = auto()  # plus infinity
    LOW = auto()  # minus infinity
    INFINITE = HIGH | LOW
    ANY = NAN | HIGH | LOW


# ends the term of a store, and holds the mask, or `none` if the index is none
STORED_WHERE = "stored_where"

# the same numbers, or some of them
_KEEPING = frozenset({"copy", "view", "part", "detach", "item", "masked_select", "max", "min", "topk", "median"})
_KEEPING_ALL = frozenset({"either", "tuple", "list", "stack"})
_ADDING = frozenset({"sum", "mean", "cumsum"})
# their results are computed for infinite operands as libraries compute them, which a test holds against torch
COMPUTED = frozenset(
    "add sub mul div neg abs square sqrt exp exp2 log log2 log10 log1p tanh sigmoid erf atan softplus relu relu6 "
    "hardtanh clamp maximum minimum floor ceil round trunc sign reciprocal logaddexp".split()
)
_INDICES = frozenset({"argmax"})  # an infinity is the largest or the smallest; what a NaN is, nobody knows
# the test → of what an arm is free if the test is about it: where it holds, and where it does not
_TESTS = {
    "isnan": (Bad.INFINITE, Bad.NAN),
    "isinf": (Bad.NAN, Bad.INFINITE),
    "isfinite": (Bad.ANY, Bad.NONE),
}

# comparisons of an arm with something finite likewise; no NaN compares
_COMPARISONS = {
    "lt": (Bad.NAN | Bad.HIGH, Bad.LOW),
    "le": (Bad.NAN | Bad.HIGH, Bad.LOW),
    "gt": (Bad.NAN | Bad.LOW, Bad.HIGH),
    "ge": (Bad.NAN | Bad.LOW, Bad.HIGH),
    "eq": (Bad.ANY, Bad.NONE),
    "ne": (Bad.NONE, Bad.ANY),
}
_MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}

_GOOD = Range(-1e300, 1e300)  # an open infinite end, plus infinity, might be NaN

ValueOf = Callable[[Term], Value | None]
Users = Mapping[Term, Sequence[Term]]


def arrives(start: Term, bad: Bad, users: Users, ends: Collection[Term], value_of: ValueOf) -> bool:
    """Does what is bad in `start` make any of the ends bad? `users` gives the terms that a term goes into."""
    met = {start: bad}
    waiting = [start]
    while waiting:
        term = waiting.pop()
        if term in ends:
            return True
        for user in users.get(term, ()):
            after = met.get(user, Bad.NONE) | _after(user, met, value_of)
            if after != met.get(user, Bad.NONE):
                met[user] = after
                waiting.append(user)
    return False


def condition_for(choice: Term, arm: Term) -> tuple[Term, bool] | None:
    """When a choice takes this arm: the condition, and whether it holds then. `where(c, x, y)`, and `x[c] = y`, which
    leaves x where c does not hold."""
    condition: object = choice.args[0] if choice.head == "where" else None
    if (stored := store(choice)) is not None:
        before, _, condition = stored
        condition = condition if before is arm else None
    if not isinstance(condition, Term) or condition is arm:
        return None
    return condition, choice.head == "where" and choice.args[1] is arm


def store(term: Term) -> tuple[Term, Term, Term] | None:
    """What was there, what is stored, and where, if the term is what `x[mask] = y` makes of x."""
    last = term.args[-1] if term.head == "fresh" else None
    if not isinstance(last, Term) or last.head != STORED_WHERE:
        return None
    _, before, stored, _ = term.args
    return before, stored, last.args[0]


def _after(user: Term, met: Mapping[Term, Bad], value_of: ValueOf) -> Bad:
    """What the result of an operation may be, given what its operands may be."""
    sources = [arg for arg in user.args if isinstance(arg, Term)]
    all_of_them = Bad.NONE
    for source in sources:
        all_of_them |= met.get(source, Bad.NONE)
    if user.head == "where" or store(user) is not None:
        return _after_choice(user, sources, met, value_of)
    if user.head in _KEEPING_ALL:
        return all_of_them
    if user.head in _KEEPING and sources and not any(met.get(source) for source in sources[1:]):
        return _kept(user, met, value_of)
    if user.head in _ADDING:
        return all_of_them | (Bad.NAN if Bad.INFINITE in all_of_them else Bad.NONE)
    if user.head in _INDICES:
        return all_of_them & Bad.NAN
    return _computed(user, met, value_of) if user.head in COMPUTED else Bad.ANY


def _kept(user: Term, met: Mapping[Term, Bad], value_of: ValueOf) -> Bad:
    x, *others = (arg for arg in user.args if isinstance(arg, Term))
    if user.head == "item" and len(others) == 1 and _counts(x, others[0]):
        return Bad.NONE
    mask = operand(user, "mask") if user.head == "masked_select" else None
    return met[x] if mask is None else met[x] & ~_excluded(mask, True, x, met, value_of)


def _counts(term: Term, group: Term) -> bool:
    """Is it made, number by number, of how often each group occurs? `(1 / bincount(y))[y]` looks up no empty one."""
    if term.head == "bincount":
        return term.args[0] is group
    made = term.head in COMPUTED or term.head == "copy"
    parts = [arg for arg in term.args if isinstance(arg, Term) and arg.head not in ("const", "path")]
    return made and bool(parts) and all(_counts(part, group) for part in parts)


def _after_choice(user: Term, sources: Sequence[Term], met: Mapping[Term, Bad], value_of: ValueOf) -> Bad:
    found = Bad.NONE
    for arm in sources:
        bad = met.get(arm, Bad.NONE)
        chosen = condition_for(user, arm) if bad else None
        found |= bad if chosen is None else bad & ~_excluded(*chosen, arm, met, value_of)
    return found


def _excluded(condition: Term, truth: bool, arm: Term, met: Mapping[Term, Bad], value_of: ValueOf) -> Bad:
    """What the arm cannot be where the condition holds, or does not."""
    if condition.head in ("logical_not", "not"):
        return _excluded(condition.args[0], not truth, arm, met, value_of)
    if condition.head == ("logical_and" if truth else "logical_or"):
        found = Bad.NONE
        for part in condition.args:
            found |= _excluded(part, truth, arm, met, value_of)
        return found
    if condition.head in _TESTS:
        return _TESTS[condition.head][0 if truth else 1] if condition.args[0] is arm else Bad.NONE
    if condition.head not in _COMPARISONS:
        return Bad.NONE
    left, right = condition.args
    if left is right:  # `x != x`
        return Bad.NAN if left is arm and truth is (condition.head == "eq") else Bad.NONE
    head = condition.head if left is arm else _MIRRORED.get(condition.head, condition.head)
    other = right if left is arm else left
    if arm not in (left, right) or met.get(other):
        return Bad.NONE
    if head in ("eq", "ne"):
        return _unlike(other, value_of) if truth is (head == "ne") else Bad.NONE
    return _COMPARISONS[head][0 if truth else 1]


def _unlike(number: Term, value_of: ValueOf) -> Bad:
    """The infinity that is excluded where something is not this number."""
    value = value_of(number)
    constant = None if value is None else value.constant
    return Bad.HIGH if constant == inf else Bad.LOW if constant == -inf else Bad.NONE


def _computed(user: Term, met: Mapping[Term, Bad], value_of: ValueOf) -> Bad:
    """The result for every mixture of good and bad operands."""
    operation = OPERATIONS[user.head]
    given = {name: arg for name, arg in zip(operation.operands, user.args, strict=False) if isinstance(arg, Term)}
    found = Bad.NONE
    for mixture in product(*(tuple(_possible(arg, met, value_of)) for arg in given.values())):
        if any(bad is Bad.NAN for bad, _ in mixture):
            found |= Bad.NAN
        elif any(bad for bad, _ in mixture):
            operands = {name: Value(range=range) for name, (_, range) in zip(given, mixture, strict=True)}
            found |= bad_in(operation.result(operands))
    return found


def _possible(term: Term, met: Mapping[Term, Bad], value_of: ValueOf) -> Iterator[tuple[Bad, Range]]:
    """The good numbers an operand may be, and each of the bad ones."""
    value = value_of(term)
    good = _GOOD if value is None else value.range.with_nan(False).meet(_GOOD)
    if not good.is_empty:
        yield Bad.NONE, good
    elif value is not None:
        yield Bad.NONE, value.range.with_nan(False)  # infinite on purpose
    bad = met.get(term, Bad.NONE)
    if Bad.NAN in bad:
        yield Bad.NAN, _GOOD
    if Bad.HIGH in bad:
        yield Bad.HIGH, constant(inf)
    if Bad.LOW in bad:
        yield Bad.LOW, constant(-inf)


def bad_in(range: Range) -> Bad:
    """What is no finite number in a range."""
    found = Bad.NAN if range.nan else Bad.NONE
    if range.contains(inf):
        found |= Bad.HIGH
    if range.contains(-inf):
        found |= Bad.LOW
    return found
