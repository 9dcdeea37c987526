"""Patterns of norms: division by one, and norms, deviations and moduli written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.intended import is_length_of_output
from nanlint.ops.terms import both_ways, literal, operand, operand_of, squared
from nanlint.repair import guards, rewrite
from nanlint.repair.edits import Repair
from nanlint.values.value import DType, Term

# elsewhere the library's own norm has a NaN gradient at 0 as well
_FINITE_NORM_GRADIENT = "torch"


def division_by_norm(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """A divisor that is a norm, or a product with one in it, and may be 0."""
    for use in facts.uses(("div", "reciprocal")):
        hazard = use.operation.hazard
        value = None if hazard is None else use.values.get(hazard.operand)
        if hazard is None or value is None or value.term is None or not _norms(value.term):
            continue
        trouble = facts.trouble(use)
        if trouble is not None:
            if use.framework == "numpy":
                # geometry on given points and comparing embeddings: nearly never a zero vector, and no gradient
                trouble = replace(trouble, evidence=Evidence.UNKNOWN)
            elif all(is_length_of_output(norm, use) for norm in _norms(value.term)):
                trouble = replace(trouble, evidence=Evidence.UNKNOWN)
            repair = _without_division(facts, use, value.term, options)
            node = use.node.operands.get(hazard.operand)
            yield finding(card, facts, use, trouble, operand=node, reasons=value, repair=repair)


def _norms(term: Term) -> list[Term]:
    """The norm that a term is, or those of a product."""
    term = peel(term)
    factors = (operand(term, "x"), operand(term, "y")) if term.head == "mul" else (term,)
    return [peel(factor) for factor in factors if factor is not None and peel(factor).head == "norm"]


def _without_division(facts: Facts, use: Use, divisor: Term, options: RuleOptions) -> Repair | None:
    if use.framework != _FINITE_NORM_GRADIENT:
        return None
    dividend = use.values.get("x")
    repair = None
    if use.operation.name == "div" and "rounding_mode" not in use.node.operands and dividend is not None:
        repair = _library_form(facts, use, dividend.term, divisor)
    return repair or guards.add_epsilon(facts, use, options)


def _library_form(facts: Facts, use: Use, dividend: Term | None, divisor: Term) -> Repair | None:
    if dividend is None:
        return None
    if operand_of(divisor, "norm") is dividend:
        return rewrite.normalize(facts, use, divisor)
    product = operand_of(dividend, "sum")
    for a, b in both_ways(product, "mul"):
        for first, second in both_ways(divisor, "mul"):
            if _is_length(first, a, dividend) and _is_length(second, b, dividend):
                return rewrite.cosine_similarity(facts, use, a, b, dividend)
    return None


def _is_length(norm: Term, x: Term, reduction: Term) -> bool:
    """Is this the 2-norm of `x` over the one dimension that `reduction` sums?"""
    dim = operand(norm, "dim")
    return (
        operand_of(norm, "norm") is x
        and dim is not None
        and dim is operand(reduction, "dim")
        and isinstance(literal(dim), int)
        and literal(operand(norm, "ord")) in (None, 2)
        and not literal(operand(norm, "keepdim"))
        and not literal(operand(reduction, "keepdim"))
    )


def norm_by_hand(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """`sqrt` of a sum of squares, of a variance, or of two squares, where a gradient is taken."""
    for use in facts.uses(("sqrt",)):
        value = use.values.get("x")
        if use.framework != _FINITE_NORM_GRADIENT or value is None or value.term is None:
            continue
        if value.dtype in (DType.INTEGER, DType.BOOLEAN, DType.COMPLEX):
            continue
        trouble = facts.trouble(use)
        found = None if trouble is None else _norm(facts, use, value.term)
        if trouble is not None and found is not None:
            yield finding(card, facts, use, trouble, reasons=value, repair=found[0])


def _norm(facts: Facts, use: Use, term: Term) -> tuple[Repair | None] | None:
    """The repair, if there is one, where the term is that of a norm by hand."""
    if term.head == "var":
        return (rewrite.std(facts, use, term),)
    if (x := squared(operand_of(term, "sum"))) is not None:
        return (rewrite.vector_norm(facts, use, term, x),)
    if term.head == "add":
        real, imaginary = squared(operand(term, "x")), squared(operand(term, "y"))
        if real is not None and imaginary is not None:
            return (rewrite.modulus(facts, use, real, imaginary),)
    return None
