"""Where a bad point lies in the range of a value and is not met: it is no bound that is reached, or no input is one.

A range that is known to touch 0 is the reason to report a division; most such zeros are real (an empty mask, a constant
image). These are the shapes of those that are not, read off the term.
"""

from __future__ import annotations

from nanlint.conventions import GIVEN, Conventions
from nanlint.flow.leaves import parts
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.intended import (
    counts_what_is_good,
    is_drawn_once,
    is_length_of_output,
    is_of_a_noise_table,
    is_outside_support,
)
from nanlint.ops.terms import operand, squared
from nanlint.values.interval import BOOLEAN
from nanlint.values.value import Grounds, Kind, Term, Value

# bounded on both sides of 0, without a liking for it
_THROUGH_ZERO = frozenset({"sin", "cos", "tan", "tanh", "erf", "atan2", "cosine_similarity", "hardtanh", "normalize"})
# what is done to each number by itself, so that random numbers stay random
_EACH = frozenset({"add", "sub", "mul", "div", "square", "pow", "abs", "sqrt", "exp", "cumsum", "item", "view"})
_CROSSING = frozenset({"add", "mul", "div", "sum", "mean"})  # two things may well be equal, so no differences
_MIXTURES = _CROSSING | {"sub", "neg", "view"}
_REDUCTIONS = frozenset({"sum", "mean", "max", "norm", "std", "var", "logsumexp"})
# where a sum may be 0 because nothing was added up
_TOTALS = frozenset({"sum", "mean", "count_nonzero", "scatter", "matmul"})
# tensors from nothing
_TABLES = frozenset({"arange", "linspace", "zeros", "ones", "eye", "full", "tuple", "list"})


class Doubts(Conventions):
    """What speaks against a bad point that the range of a value allows."""

    def is_doubtful(self, value: Value, use: Use) -> bool:
        """Is the bad point in the range only in name?"""
        term = value.term
        if term is None:
            return False
        hazard = use.operation.hazard
        beyond = hazard is not None and hazard.safe.contains(0.0)  # 0 itself would be fine
        if hazard is not None and is_of_a_noise_table(use, hazard.operand):
            return True
        divides = use.operation.name in ("div", "reciprocal")
        logs = use.operation.name.startswith("log")
        return (
            (beyond and self._sign_is_unknown(term))
            or (divides and self._is_no_divisor_of_zero(term, use))
            or (logs and self._is_no_logarithm_of_zero(value, term, use))
            or ((divides or logs) and (self.is_of_the_trade(term, use) or _is_drawn(term) or self._crosses_zero(term)))
            or self._is_the_same_always(term)
            or self._is_over_all_but_the_batch(term)
            or (peel(term).head in ("std", "norm") and self.is_inference(use))
        )

    def _is_no_divisor_of_zero(self, term: Term, use: Use) -> bool:
        if self._needs_both(term):
            return True
        return self._passes_zero(term) or counts_what_is_good(term) or is_length_of_output(term, use)

    def _is_no_logarithm_of_zero(self, value: Value, term: Term, use: Use) -> bool:
        return (
            peel(term).head in _THROUGH_ZERO
            or is_outside_support(term, use, self._analysis.class_of(use))
            or is_drawn_once(term, use)
            or value.range == BOOLEAN  # log(mask) is 0 or -inf, and meant so
        )

    def _passes_zero(self, term: Term) -> bool:
        """Is 0 just one of the values on the way (a cosine, the square of something of which nothing is known)? It is
        no bound then that is reached. Differences are different: two things may well be equal."""
        term = peel(term)
        if term.head in ("mul", "div", "neg", "item", "masked_select"):
            varying = _varying(term)
            if len(varying) == 1 or (term.head in ("item", "masked_select") and varying):
                return self._passes_zero(varying[0])
        if term.head in _THROUGH_ZERO:
            return True
        inner = squared(term)
        value = None if inner is None else self.value_of_term(inner)
        if inner is None or value is None or peel(inner).head == "sub":
            return False
        return value.grounds <= Grounds.ASSUMED or peel(inner).head in _THROUGH_ZERO

    def _sign_is_unknown(self, term: Term) -> bool:
        if term.head not in ("mul", "div"):
            return False
        for factor in (arg for arg in term.args if isinstance(arg, Term)):
            value = self.value_of_term(factor)
            if value is not None and value.range.lo < 0 and value.grounds is Grounds.NONE:
                return True
            if self._sign_is_unknown(factor):
                return True
        return False

    def _is_over_all_but_the_batch(self, term: Term) -> bool:
        """`x.std(dim=list(range(1, x.ndim)))`: are the dimensions worked out, to be all of them? One row or channel may
        well be constant; that a whole example is, is extreme."""
        dim = operand(peel(term), "dim") if peel(term).head in ("std", "var") else None
        value = None if dim is None else self.value_of_term(dim)
        return dim is not None and dim.head == "fresh" and value is not None and value.kind is Kind.SEQUENCE

    def _is_the_same_always(self, term: Term) -> bool:
        """Is it made of constants and settings only (noise schedules, position tables, windows)?"""
        seen: set[Term] = set()
        waiting = [term]
        while waiting:
            part = waiting.pop()
            if part in seen or part.head in ("const", "path", "none"):
                continue
            seen.add(part)
            sources = [arg for arg in part.args if isinstance(arg, Term)]
            if part.head == "fresh" and any(source.head in GIVEN for source in sources):
                return False  # an element of something given, or what an unknown function makes of it
            if part.head in GIVEN or (not sources and part.head not in _TABLES):
                value = self.value_of_term(part)
                if value is None or value.grounds is not Grounds.ASSUMED:
                    return False
            else:
                waiting += sources
        return True

    def _crosses_zero(self, term: Term) -> bool:
        """Has a sum or a product either sign? It passes 0 by chance, unless one of its parts ends there."""
        term = peel(term)
        if term.head in ("square", "item", "neg") and isinstance(term.args[0], Term):
            return self._crosses_zero(term.args[0])
        return term.head in _CROSSING and self._has_either_sign(term) and not self._ends_at_zero(term)

    def _has_either_sign(self, term: Term) -> bool:
        value = self.value_of_term(term)
        return value is not None and value.range.lo < 0 < value.range.hi

    def _ends_at_zero(self, term: Term) -> bool:
        """Does it, or a part of the sum or product that it is, end at 0? Not what only chooses among others."""
        value = self.value_of_term(term)
        known = None if value is None or value.grounds < Grounds.UNDERFLOW else value.range
        if known is not None and known != BOOLEAN and 0.0 in (known.lo, known.hi):
            return True
        return peel(term).head in _MIXTURES and any(map(self._ends_at_zero, _varying(term)))

    def _needs_both(self, term: Term) -> bool:
        """Is it a sum of two numbers that are not negative, and 0 only where both are? A square is different: the
        length of (x, y) is 0 at the origin; and so is a total, of nothing."""
        term = peel(term)
        terms = _varying(term) if term.head == "add" else []
        values = [self.value_of_term(one) for one in terms]
        if len(terms) != 2 or not all(value is not None and value.range.lo >= 0 for value in values):
            return False
        return not any(map(_vanishes_by_itself, terms))


def _varying(term: Term) -> list[Term]:
    return [arg for arg in term.args if isinstance(arg, Term) and arg.head != "const"]


def _vanishes_by_itself(term: Term) -> bool:
    """Is it a square, a total or a count, or something given that may be one?"""
    made = squared(peel(term)) is None and peel(term).head not in GIVEN | {"fresh", "item", "part"}
    return not made or any(part.head in _TOTALS for part in parts(term))


def _is_drawn(term: Term) -> bool:
    """Is it the length, the largest or the spread of random numbers? That all of them are 0 never happens."""
    term = peel(term)
    waiting = [arg for arg in term.args if isinstance(arg, Term)] if term.head in _REDUCTIONS else []
    if term.head in ("sqrt", "abs") and isinstance(term.args[0], Term):
        return _is_drawn(term.args[0])
    while waiting:
        part = peel(waiting.pop())
        if part.head == "random":
            return True
        if part.head in _EACH | _REDUCTIONS:
            waiting += [arg for arg in part.args if isinstance(arg, Term)]
    return False
