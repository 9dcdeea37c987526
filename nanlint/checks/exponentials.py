"""Patterns of exp, log and quotients that overflow or saturate where the library's own form does not."""

from __future__ import annotations

from collections.abc import Iterator

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.ops.terms import both_ways, is_one, literal, operand, operand_of, squared
from nanlint.repair import rewrite
from nanlint.repair.edits import Repair
from nanlint.values.value import Term
from nanlint.weighing import Trouble

# numpy has neither a gradient nor a library form; plain numbers are never flagged
_FRAMEWORKS = frozenset({"torch", "jax", "tensorflow", "keras", "pytensor"})

_OVERFLOW = Trouble(Evidence.POSSIBLE, "inf")


def log_of_sigmoid(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """`log(sigmoid(x))`, `log(1 - sigmoid(x))` and `log1p(-sigmoid(x))`, the sigmoid under any name."""
    for use in facts.uses(("log", "log1p")):
        trouble = facts.trouble(use)
        value = use.values.get("x")
        if trouble is None or value is None or value.term is None:
            continue
        found = _sigmoid_in(use, value.term)
        if found is not None:
            x, complement = found
            repair = rewrite.log_sigmoid(facts, use, x, complement=complement)
            yield finding(card, facts, use, trouble, operand=use.node.operands.get("x"), reasons=value, repair=repair)


def _sigmoid_in(use: Use, term: Term) -> tuple[Term, bool] | None:
    """The sigmoid's operand, and whether it is 1 - sigmoid that the logarithm is of."""
    x: Term | None = None
    if use.operation.name == "log" and (x := operand_of(term, "sigmoid")) is not None:
        return x, False
    if use.operation.name == "log1p":
        x = operand_of(operand_of(term, "neg"), "sigmoid")
    elif term.head == "sub" and is_one(operand(term, "x")):
        x = operand_of(operand(term, "y"), "sigmoid")
    else:
        for one, other in both_ways(term, "add"):
            if is_one(one):
                x = x or operand_of(operand_of(other, "neg"), "sigmoid")
    return None if x is None else (x, True)


def log_sum_exp_by_hand(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """`log(sum(exp(x)))`, `log(1 + exp(x))` and `log1p(exp(x))`, unless the exponent is bounded above."""
    for use in facts.uses(("log", "log1p")):
        value = use.values.get("x")
        if use.framework not in _FRAMEWORKS or value is None or value.term is None or value.is_scalar:
            continue
        found = _sum_of_exp(facts, use, value.term)
        if found is not None:
            exponential, repair = found
            reasons = facts.value_of_term(exponential)
            yield finding(card, facts, use, _OVERFLOW, reasons=reasons, repair=repair, covers=exponential)


def _sum_of_exp(facts: Facts, use: Use, term: Term) -> tuple[Term, Repair | None] | None:
    """The exponential that may overflow, and how to mend the whole."""
    if use.operation.name == "log1p":
        x = operand_of(term, "exp")
        return (term, rewrite.softplus(facts, use, x)) if x is not None and _overflows(facts, term) else None
    summed = operand_of(term, "sum")
    x = operand_of(summed, "exp")
    if summed is not None and x is not None and _overflows(facts, summed):
        return summed, rewrite.logsumexp(facts, use, term, x)
    for one, other in both_ways(term, "add"):
        x = operand_of(other, "exp")
        if is_one(one) and x is not None and _overflows(facts, other):
            return other, rewrite.softplus(facts, use, x)
    return None


def softmax_by_hand(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """`exp(x) / sum(exp(x))`, `1 / (1 + exp(-x))`, `exp(x) / (1 + exp(x))` and the quotient that is tanh."""
    for use in facts.uses(("div", "reciprocal")):
        if use.framework not in _FRAMEWORKS or "rounding_mode" in use.node.operands or use.result.is_scalar:
            continue
        found = _quotient(facts, use)
        if found is not None:
            exponential, repair = found
            reasons = facts.value_of_term(exponential)
            yield finding(card, facts, use, _OVERFLOW, reasons=reasons, repair=repair, covers=exponential)


def _quotient(facts: Facts, use: Use) -> tuple[Term, Repair | None] | None:
    """The exponential that may overflow, and how to mend the whole."""
    above, below = _parts(use)
    if below is None:
        return None
    total = operand_of(below, "sum")
    if total is not None and total is above:
        x = operand_of(total, "exp")
        return (total, rewrite.softmax(facts, use, below, x)) if x is not None and _overflows(facts, total) else None
    for one, exponential in both_ways(below, "add"):
        x = operand_of(exponential, "exp")
        if x is None or not _overflows(facts, exponential):
            continue
        if is_one(one) and (above is None or is_one(above)):
            return exponential, rewrite.sigmoid(facts, use, x, negative=True)
        if is_one(one) and above is exponential:
            return exponential, rewrite.sigmoid(facts, use, x, negative=False)
        if _is_tanh(above, exponential, one):
            return exponential, rewrite.tanh(facts, use, x)
    return None


def _parts(use: Use) -> tuple[Term | None, Term | None]:
    """Dividend and divisor; a reciprocal has no dividend."""
    if use.operation.name == "reciprocal":
        value = use.values.get("x")
        return None, None if value is None else value.term
    above, below = use.values.get("x"), use.values.get("y")
    if above is None or below is None or above.term is None:
        return None, None
    return above.term, below.term


def _is_tanh(above: Term | None, grown: Term, shrunk: Term) -> bool:
    """Is the dividend `grown - shrunk`, with exp(x) and exp(-x) for the two?"""
    if above is None or above.head != "sub":
        return False
    if operand(above, "x") is not grown or operand(above, "y") is not shrunk:
        return False
    return operand_of(operand_of(shrunk, "exp"), "neg") is operand_of(grown, "exp")


def _is_kernel(exponent: Term | None) -> bool:
    """Is it `-k * (x - y)**2`, of a Gaussian kernel? Nobody writes the minus for a negative k."""
    if exponent is None:
        return False
    if exponent.head == "neg":
        return any(squared(factor) is not None for factor in _factors(exponent.args[0]))
    factors = list(_factors(exponent))
    negative = any(factor.head == "neg" or _is_negative(factor) for factor in factors)
    return negative and any(squared(factor) is not None for factor in factors)


def _factors(term: Term) -> Iterator[Term]:
    """The factors of a product, seen through reshapes, and what a quotient divides."""
    term = peel(term)
    if term.head not in ("mul", "div"):
        yield term
        return
    for arg in term.args[: 2 if term.head == "mul" else 1]:
        if isinstance(arg, Term):
            yield from _factors(arg)


def _is_negative(term: Term) -> bool:
    number = literal(term)
    return isinstance(number, int | float) and number < 0


def _overflows(facts: Facts, exponential: Term) -> bool:
    """May this exponential be inf? Not if its exponent is bounded by a clamp, or its maximum was subtracted, be the
    rest divided by a temperature or not."""
    if _is_kernel(operand_of(exponential, "exp") or operand_of(operand_of(exponential, "sum"), "exp")):
        return False
    value = facts.value_of_term(exponential)
    return value is not None and not value.is_scalar and value.range.hi == float("inf") and value.attains is None
