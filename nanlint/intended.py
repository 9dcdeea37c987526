"""Where NaN or an infinity is what the author means, or as good as never met."""

from __future__ import annotations

from math import inf

from nanlint.flow import assumptions
from nanlint.flow.leaves import parts
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.ir.walk import parts as expressions
from nanlint.ops.reductions import CONDITIONS
from nanlint.ops.terms import length_of, literal, operand
from nanlint.values.value import Term

_COUNTS = frozenset({"sum", "count_nonzero"})
_PROJECTED = frozenset({"affine", "batch_norm"})
_BUILDING = frozenset({"__init__", "reset_parameters"})


def counts_what_is_good(term: Term) -> bool:
    """Does it count the numbers that are no NaN? Where there are none, NaN is the honest answer."""
    term = peel(term)
    if term.head == "either":
        return all(counts_what_is_good(one) for one in term.args if isinstance(one, Term))
    counted = operand(term, "x") if term.head in _COUNTS else None
    return counted is not None and _is_good(counted, truth=True)


def _is_good(test: Term, *, truth: bool) -> bool:
    """Does the test tell, if it is true (or not), that something is no NaN, and no more?"""
    test = peel(test)
    if test.head in ("logical_not", "not"):
        return _is_good(test.args[0], truth=not truth)
    if test.head == ("logical_and" if truth else "logical_or"):
        return all(_is_good(part, truth=truth) or _is_about_infinity(part) for part in test.args)
    return test.head == "isfinite" if truth else test.head in ("isnan", "isinf")


def _is_about_infinity(test: Term) -> bool:
    """Is it `x == float("inf")`?"""
    return test.head == "eq" and any(map(_is_infinite, test.args))


def _is_infinite(term: Term) -> bool:
    term = peel(term)
    return literal(term.args[0] if term.head == "neg" else term) in (inf, -inf)


def is_outside_support(term: Term, use: Use, class_name: str) -> bool:
    """Is it the probability of what may lie outside the support of a distribution? Its logarithm is -inf there."""
    in_density = class_name != "" and getattr(use.function, "name", "") == "log_prob"
    return in_density and any(part.head in CONDITIONS for part in parts(term))


def is_drawn_once(term: Term, use: Use) -> bool:
    """Is it a random number of a constructor? That one in 2**24 is exactly 0 matters to noise, which is drawn anew in
    every step, and not to a few numbers that are drawn once."""
    return peel(term).head == "random" and getattr(use.function, "name", "") in _BUILDING


def is_of_a_noise_table(use: Use, operand_name: str) -> bool:
    """Is it one of the tables of a diffusion model, which are made of settings, whatever way they came here?"""
    node = use.node.operands.get(operand_name)
    names = () if node is None else (getattr(part, "name", getattr(part, "id", "")) for part in expressions(node))
    return any(isinstance(name, str) and assumptions.is_noise_table(name) for name in names)


def is_length_of_output(term: Term, use: Use) -> bool:
    """Is it the length of what a projection or an encoder puts out? All its numbers are 0 only if its weights are."""
    x = length_of(peel(term))
    if x is None:
        return False
    names = [name for name, value in use.state.vars.items() if value.term is x]
    given = [str(arg) for arg in x.args if isinstance(arg, str)] if x.head in ("param", "attr") else []
    return peel(x).head in _PROJECTED or any(map(assumptions.is_embedding, (*names, *given)))
