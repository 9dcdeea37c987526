"""What a condition teaches: after `if x > 0:` the term x lies in (0, inf] on one branch and [-inf, 0] on the other.

Conditions are terms like any other value, so it does not matter whether one stands in an `if`, in an `assert`, in
`torch.where`, or was stored in a variable first.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from nanlint.flow.state import State, join_states
from nanlint.ops.terms import holds_somewhere, operand
from nanlint.values.interval import REAL, Range, constant, interval
from nanlint.values.value import UNKNOWN, Kind, Term, Terms, Value

_NEGATED = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "gt": "le", "le": "gt"}
_COMPOSED = frozenset({*_NEGATED, "not", "and", "or", "logical_not", "logical_and", "logical_or", "isclose"})
_SWAPPED = {"eq": "eq", "ne": "ne", "lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}


class Refiner:
    """Narrows states by conditions. `value_of` tells what a term was worth when it was last evaluated."""

    def __init__(self, terms: Terms, value_of: Callable[[Term], Value | None]) -> None:
        self._terms = terms
        self._value_of = value_of

    def refine(self, state: State | None, condition: Term | None, truth: bool) -> State | None:
        """The state where the condition holds (or does not), or None if it cannot. May change `state`."""
        if state is None or condition is None:
            return state
        head, args = condition.head, condition.args
        if head == "const":
            return state if bool(args[0]) == truth else None
        if head in ("not", "logical_not"):
            return self.refine(state, args[0], not truth)
        if head in ("and", "logical_and"):
            return self._both(state, args[0], args[1], truth)
        if head in ("or", "logical_or"):
            return self._both(state, args[0], args[1], truth, negated=True)
        if head in _NEGATED:
            return self._compare(state, head if truth else _NEGATED[head], args[0], args[1])
        if head == "isclose":  # what is far apart is not equal, but what is close need not be
            return state if truth else self._compare(state, "ne", args[0], args[1])
        if (shown := self._shown(state, condition, truth)) is not None:
            return self.refine(state, shown, truth)
        if head == "all" and truth:
            return self._of_each(state, args[0], True)
        if head == "any":
            return self._any(state, args[0], truth)
        return self._truthy(state, condition, truth)

    def _both(self, state: State, a: Term, b: Term, truth: bool, negated: bool = False) -> State | None:
        """`a and b`; with `negated`, `a or b` by De Morgan."""
        sense = not negated
        if truth == sense:
            return self.refine(self.refine(state, a, sense), b, sense)
        first = self.refine(state.copy(), a, not sense)
        second = self.refine(self.refine(state, a, sense), b, not sense)
        return join_states(first, second, self._terms)

    def _any(self, state: State, inner: Term, truth: bool) -> State | None:
        if not truth:
            return self._of_each(state, inner, False)
        # a mask that selects something has a positive count
        for name in ("sum", "count_nonzero"):
            count = self._terms.make(name, inner, None, None) if name == "sum" else self._terms.make(name, inner, None)
            state.narrow(count, interval(1.0), UNKNOWN)
        return state

    def _of_each(self, state: State, condition: Term, truth: bool) -> State | None:
        """What holds (or does not) of each element, and of none in an empty selection."""
        if not may_be_empty(condition):
            return self.refine(state, condition, truth)
        return self.refine(state.copy(), condition, truth) or state

    def _truthy(self, state: State, term: Term, truth: bool) -> State | None:
        value = self._value_of(term) or UNKNOWN
        if value.kind in (Kind.SEQUENCE, Kind.DICT, Kind.STRING):
            length = self._terms.make("len", term)
            state.narrow(length, interval(1.0) if truth else constant(0), UNKNOWN)
            return state
        if value.kind is Kind.NONE:
            return None if truth else state
        if value.kind in (Kind.MODULE, Kind.FUNCTION, Kind.CLASS, Kind.OBJECT, Kind.NAMESPACE, Kind.SHAPE):
            return state
        if truth:
            return self._narrow(state, term, REAL.without_zero())
        # None, an empty list and False are falsy too: only of numbers do we learn that they are 0
        return self._narrow(state, term, constant(0)) if value.kind in (Kind.NUMBER, Kind.SIZE, Kind.TENSOR) else state

    def _compare(self, state: State, operator: str, a: Term, b: Term) -> State | None:
        left, right = self._known(state, a), self._known(state, b)
        narrowed = self._narrow(state, a, _side(operator, right.range)) if b.head != "none" else state
        if narrowed is not None:
            narrowed = self._narrow(narrowed, b, _side(_SWAPPED[operator], left.range))
        if narrowed is not None and a.head != "const" and b.head != "const":
            difference = _side(operator, constant(0))
            narrowed.narrow(self._terms.make("sub", a, b), difference, UNKNOWN)
            narrowed.narrow(self._terms.make("sub", b, a), _side(_SWAPPED[operator], constant(0)), UNKNOWN)
        return narrowed

    def _known(self, state: State, term: Term) -> Value:
        return state.known(self._value_of(term) or UNKNOWN)

    def _narrow(self, state: State, term: Term, range: Range) -> State | None:
        """Learn it about the term, and about what it was made of where that follows."""
        while True:
            if term.head == "const":
                # a number that contradicts the condition: the branch is dead
                return state if isinstance(term.args[0], str) or range.contains(float(term.args[0])) else None
            value = self._value_of(term) or UNKNOWN
            if not state.narrow(term, range, value):
                return None
            if term.head in ("sum", "count_nonzero") and range.hi <= 0 and _is_condition(term.args[0]):
                return self._of_each(state, term.args[0], False)  # of a mask that counts nothing
            step = _operand_range(term, state.known(value).range)
            if step is None or (term.head == "view" and state.whole is not None):
                return state
            term, range = step

    def _shown(self, state: State, view: Term, truth: bool) -> Term | None:
        """The condition that a view or conversion shows."""
        head, args = view.head, view.args
        if head in ("copy", "detach") or (head == "view" and state.whole is None) or (head == "truncated" and truth):
            return args[0]  # type: ignore[no-any-return]
        return self._arranged(args[0], args[1]) if head == "view" and args[0].head in _COMPOSED else None

    def _arranged(self, condition: Term, how: Term) -> Term:
        """The condition for elements that a view puts elsewhere: that of the view, wherever it is computed."""
        if condition.head == "const":
            return condition
        if condition.head not in _COMPOSED:
            return self._terms.make("view", condition, how)
        parts = (self._arranged(part, how) for part in condition.args if isinstance(part, Term))
        return self._terms.make(condition.head, *parts)


_ONE_BY_ONE = _COMPOSED | {
    "copy", "detach", "view", "truncated", "add", "sub", "mul", "div", "neg", "abs", "square", "pow", "sqrt", "exp",
    "log", "log1p", "clamp", "relu", "sigmoid", "tanh", "softplus", "softmax", "log_softmax", "isnan", "isinf",
    "isfinite", "maximum", "minimum", "where", "masked_fill",
}  # fmt: skip


def may_be_empty(term: Term, depth: int = 6) -> bool:
    """Is it made of what a mask selects, element by element?"""
    if term.head == "masked_select":
        return not holds_somewhere(operand(term, "mask"))
    if depth == 0 or term.head not in _ONE_BY_ONE:
        return False
    return any(isinstance(arg, Term) and may_be_empty(arg, depth - 1) for arg in term.args)


def _is_condition(term: object) -> bool:
    return isinstance(term, Term) and term.head in (*_NEGATED, "isnan", "isinf", "logical_and", "logical_or")


def _side(operator: str, other: Range) -> Range:
    """Where `a` must lie for `a OPERATOR b` to hold, given b's range. A comparison with NaN is false."""
    if other.is_empty:
        return REAL
    if operator == "eq":
        return other.with_nan(False)
    if operator == "ne":
        return REAL.without_zero() if other.is_constant and other.lo == 0 else Range(nan=True)
    if operator in ("lt", "le"):
        return interval(-inf, other.hi, open="hi" if operator == "lt" or other.hi_open else "")
    return interval(other.lo, inf, open="lo" if operator == "gt" or other.lo_open else "")


def _operand_range(term: Term, range: Range) -> tuple[Term, Range] | None:
    """If `term` lies in `range`, its operand lies in …: one step down, or None where nothing follows."""
    args = term.args
    inner = args[0] if args and isinstance(args[0], Term) else None
    if inner is None:
        return None
    if term.head in ("copy", "detach", "view"):
        return inner, range
    if term.head == "neg":
        return inner, interval(-range.hi, -range.lo, open=_swap(range), nonzero=range.nonzero)
    if term.head == "abs":
        bounded = interval(-range.hi, range.hi, open="lo hi" if range.hi_open else "")
        return inner, bounded.without_zero() if range.must_be_nonzero() else bounded
    if term.head == "square" and range.must_be_nonzero():
        return inner, REAL.without_zero()
    if term.head == "min" and len(args) > 1 and not isinstance(args[1], Term):
        return inner, interval(range.lo, inf, open="lo" if range.lo_open else "")
    if term.head == "max" and len(args) > 1 and not isinstance(args[1], Term):
        return inner, interval(-inf, range.hi, open="hi" if range.hi_open else "")
    if term.head in ("sub", "add") and isinstance(args[1], Term) and args[1].head == "const":
        shift = args[1].args[0]
        if isinstance(shift, int | float) and shift:
            shift = shift if term.head == "sub" else -shift
            return inner, interval(range.lo + shift, range.hi + shift, open=_open(range))
    return None


def _open(range: Range) -> str:
    return ("lo " if range.lo_open else "") + ("hi" if range.hi_open else "")


def _swap(range: Range) -> str:
    return ("lo " if range.hi_open else "") + ("hi" if range.lo_open else "")
