"""Numbers that a mask puts into a tensor: -inf into scores, -100 into targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nanlint.facts import Facts
from nanlint.flow.aftermath import store
from nanlint.flow.state import peel
from nanlint.values.value import Term

_DEPTH = 16
_STEPS = frozenset({"add", "sub", "mul", "div", "either", "masked_fill", "where", "fresh"})


@dataclass(frozen=True, slots=True)
class Fill:
    """Where a mask puts a number.

    Attributes:
        term: the masked value.
        mask: the condition.
        scores: what was masked; None where it is a mask that is added to the scores.
    """

    term: Term
    mask: Term
    scores: Term | None


def fills_of(facts: Facts, term: Term, number: float, depth: int = _DEPTH, *, added: bool = False) -> Iterator[Fill]:
    """Where masks put this number into these values."""
    term = peel(term)
    if depth == 0 or term.head not in _STEPS:
        return
    args = [arg if isinstance(arg, Term) else None for arg in term.args]
    if term.head == "masked_fill":
        scores, mask, value = args[:3]
        sides: list[tuple[Term | None, Term | None, Term | None]] = [(mask, scores, value)]
    elif term.head == "where":
        condition, x, y = args[:3]
        sides = [(condition, y, x), (condition, x, y)]
    elif term.head == "fresh":
        stored = store(term)  # `scores[mask] = -inf`
        sides = [] if stored is None or stored[2].head == "none" else [(stored[2], stored[0], stored[1])]
    else:
        for arg in args[: 1 if term.head == "div" else None]:
            if arg is not None:
                yield from fills_of(facts, arg, number, depth - 1, added=added or term.head in ("add", "sub"))
        return
    for mask, scores, value in sides:
        if mask is None or scores is None or value is None:
            continue
        if _is(facts, value, number):
            own = None if added and _is_fixed(facts, scores) else scores
            yield Fill(term, mask, own)
        yield from fills_of(facts, scores, number, depth - 1, added=added)


def _is(facts: Facts, term: Term, number: float) -> bool:
    value = facts.value_of_term(term)
    return value is not None and value.constant == number


def _is_fixed(facts: Facts, term: Term) -> bool:
    """Is it a tensor of zeros, that becomes a mask to add?"""
    value = facts.value_of_term(term)
    return value is not None and value.constant is not None
