"""Inverse trigonometric functions of what may leave [-1, 1] by rounding, or reach an end where it is steep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.ops.operation import Hazard
from nanlint.ops.terms import both_ways, literal, operand, operand_of, squared
from nanlint.repair import guards
from nanlint.values.interval import ANY
from nanlint.values.value import Term, Value
from nanlint.weighing import Trouble

# as an epsilon is written
_GIVEN = frozenset({"const", "param", "attr", "path", "global"})


def inverse_trig(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """acos, asin, atanh and acosh near the ends of their domain."""
    for use in facts.uses(("acos", "asin", "atanh", "acosh")):
        hazard, value = use.operation.hazard, use.values.get("x")
        if hazard is None or value is None:
            continue
        trouble = _trouble(facts, use, hazard, value)
        if trouble is not None:
            node = use.node.operands.get("x")
            repair = guards.clamp(facts, use, options)
            yield finding(card, facts, use, trouble, operand=node, reasons=value, repair=repair)


def _trouble(facts: Facts, use: Use, hazard: Hazard, value: Value) -> Trouble | None:
    found = facts.trouble(use)
    if found is None or (found.gradient_only and value.range.is_constant):
        return None
    if _is_bounded(value, hazard):
        # the ends themselves are the trouble, and they are part of the range
        return replace(found, what=_ends(value, hazard))
    if value.term is not None and _is_shortened(value.term):
        return None
    if use.operation.name != "acosh" and value.term is not None and not _was_compared(use, value.term):
        if _is_cosine(value.term):
            return replace(found, evidence=Evidence.POSSIBLE, what="outside [-1, 1] by rounding")
        if _is_component(value.term):
            # rounding keeps a component at most as long as the whole: it is the ends that are reached
            smooth = hazard.smooth or hazard.safe
            found = facts.trouble(use, Hazard("x", ANY if hazard.smooth else hazard.safe, smooth))
            return None if found is None else replace(found, evidence=Evidence.POSSIBLE, what="1 or -1")
    return replace(found, evidence=Evidence.UNKNOWN)


def _is_bounded(value: Value, hazard: Hazard) -> bool:
    """Does the range end where the domain does? Elsewhere it is as wide as it is because nothing is known."""
    known, domain = value.range, hazard.safe
    return domain.lo <= known.lo and known.hi <= domain.hi and (isfinite(known.hi) or domain.hi > known.lo)


def _ends(value: Value, hazard: Hazard) -> str:
    ends = [end for end in (hazard.safe.hi, hazard.safe.lo) if isfinite(end) and value.range.contains(end)]
    return " or ".join(f"{end:g}" for end in ends) or "1"


def _was_compared(use: Use, term: Term) -> bool:
    """`if abs(dot) > threshold: …` before it: whoever wrote that sends parallel vectors another way."""
    for fact in use.state.facts:
        if fact.head == "sub":
            sides = [peel(side) for side in fact.args if isinstance(side, Term)]
            if any((operand(side, "x") if side.head == "abs" else side) is term for side in sides):
                return True
    return False


def _is_cosine(term: Term) -> bool:
    """Is it a cosine made of a product of vectors, or of the trace of a rotation: in [-1, 1] but for rounding?"""
    term = _without_one_sided_bound(peel(term))
    if term.head == "cosine_similarity":
        return True
    if term.head in ("sum", "matmul"):
        factors = _factors_of_dot(term)
        if len(factors) == 2:
            # who takes the angle of a plain scalar product means vectors of length 1
            plain = term.head == "sum" and not any(map(_is_scaled, factors))
            return plain or all(_is_direction(factor) for factor in factors)
        inner = operand(term, "x")
        return term.head == "sum" and inner is not None and _is_dot_over_lengths(peel(inner))
    if term.head in ("mul", "div"):
        return _is_dot_over_lengths(term) or _is_half_of_trace(term)
    return False


def _without_one_sided_bound(term: Term) -> Term:
    """The term without a sign, a modulus, or a bound on one side: the other side is as it was."""
    while (inner := _inside_one_sided_bound(term)) is not None:
        term = peel(inner)
    return term


def _inside_one_sided_bound(term: Term) -> Term | None:
    x, y = operand(term, "x"), operand(term, "y")
    if term.head in ("neg", "abs"):
        return x
    if term.head == "clamp":
        return x if operand(term, "min") is None or operand(term, "max") is None else None
    if term.head in ("minimum", "maximum"):
        return y if literal(x) is not None else x if literal(y) is not None else None
    return None


def _factors_of_dot(term: Term) -> tuple[Term, ...]:
    """`a` and `b` of a sum of `a * b` over a dimension, or of a matrix product."""
    product = peel(inner) if term.head == "sum" and (inner := operand(term, "x")) is not None else term
    x, y = operand(product, "x"), operand(product, "y")
    if product.head not in ("mul", "matmul") or x is None or y is None:
        return ()
    return x, y


def _is_scaled(term: Term) -> bool:
    """`0.999999 * x`: a margin, or a vector of some other length."""
    term = peel(term)
    return term.head == "mul" and any(literal(operand(term, name)) is not None for name in ("x", "y"))


def _is_shortened(term: Term) -> bool:
    """Is it the product of two directions that were made a little shorter than 1, for rounding not to exceed it?"""
    factors = _factors_of_dot(peel(term))
    return len(factors) == 2 and all(any(map(_is_direction, _shortened(peel(factor)))) for factor in factors)


def _shortened(term: Term) -> Iterator[Term]:
    """`x` of `x * 0.999`."""
    for x, share in both_ways(term, "mul"):
        if isinstance(by := literal(share), float) and 0 < by < 1:
            yield x


def _is_direction(term: Term) -> bool:
    """A vector of length 1: normalised by the library, or divided by its norm."""
    term = peel(term)
    if term.head == "div":
        x, y = operand(term, "x"), operand(term, "y")
        return x is not None and y is not None and (norm := _length(y)) is not None and peel(norm) is peel(x)
    return term.head == "normalize"


def _length(term: Term) -> Term | None:
    """`x` where the term is the length of x, guarded against 0 or not."""
    term = _unguarded(term)
    if term.head == "norm":
        return operand(term, "x") if literal(operand(term, "ord")) in (None, 2, "fro") else None
    root = operand_of(term, "sqrt")
    return None if root is None else squared(operand_of(_unguarded(root), "sum"))


def _unguarded(term: Term) -> Term:
    """The divisor without `clamp(min=eps)`, `maximum(…, eps)` and `+ eps`."""
    term = peel(term)
    while term.head in ("clamp", "maximum", "add"):
        sides = [operand(term, name) for name in (("x",) if term.head == "clamp" else ("x", "y"))]
        made = [side for side in sides if side is not None and side.head not in _GIVEN]
        if len(made) != 1:
            return term
        term = peel(made[0])
    return term


def _is_dot_over_lengths(term: Term) -> bool:
    """`(a * b).sum() / (norm(a) * norm(b))`, in one division or two."""
    lengths: list[Term] = []
    while term.head == "div":
        x, y = operand(term, "x"), operand(term, "y")
        if x is None or y is None:
            return False
        divisor = _unguarded(y)
        parts = [operand(divisor, "x"), operand(divisor, "y")] if divisor.head == "mul" else [divisor]
        lengths += [length for part in parts if part is not None and (length := _length(part)) is not None]
        term = peel(x)
    factors = _factors_of_dot(term) if term.head in ("sum", "matmul", "mul") else ()
    return bool(lengths) and len(factors) == 2 and len(lengths) + sum(map(_is_direction, factors)) >= 2


def _is_half_of_trace(term: Term) -> bool:
    """`(trace - 1) / 2`, the cosine of the angle of a rotation matrix. Nothing else is written so."""
    x, y = operand(term, "x"), operand(term, "y")
    if x is None or y is None:
        return False
    if term.head == "mul" and literal(x) == 0.5:
        x, y = y, x
    if literal(y) != (2 if term.head == "div" else 0.5):
        return False
    inner = peel(x)
    minuend = operand(inner, "x")
    shift = literal(operand(inner, "y"))
    return minuend is not None and ((inner.head == "sub" and shift == 1) or (inner.head == "add" and shift == -1))


def _is_component(term: Term) -> bool:
    """Is it `z / norm`, one component of a direction?"""
    term = _without_one_sided_bound(peel(term))
    x, y = (operand(term, name) if term.head == "div" else None for name in ("x", "y"))
    if x is None or y is None:
        return False
    x, norm = peel(x), _length(y)
    root = operand_of(_unguarded(y), "sqrt")
    vector = peel(x.args[0]) if x.head == "item" else x
    return (norm is not None and peel(norm) is vector) or (root is not None and _is_one_square(x, _unguarded(root)))


def _is_one_square(x: Term, total: Term) -> bool:
    """Is `x ** 2` one of the summands?"""
    if total.head == "add":
        return any(part is not None and _is_one_square(x, part) for part in (operand(total, "x"), operand(total, "y")))
    square = squared(total)
    return square is not None and peel(square) is x
