"""What follows from *which* values meet, beyond their ranges: `x - x.max()` is at most 0, `p / p.sum()` at most 1."""

from __future__ import annotations

from dataclasses import replace
from math import exp

from nanlint.flow.state import peel
from nanlint.values.interval import NONNEGATIVE, Range, constant, interval
from nanlint.values.value import Grounds, Term, Value


def sharpen(name: str, operands: dict[str, Value], result: Value) -> Value:
    """The result of an operation, sharpened by relations between its operands."""
    rule = _RULES.get(name)
    return result if rule is None else rule(operands, result)


def _sub(operands: dict[str, Value], result: Value) -> Value:
    x, y = _terms(operands)
    if x is None or y is None:
        return result
    if x is y:
        return _known(result, constant(0))
    if _extreme(y, x, ("max", "amax", "logsumexp")):
        lower = _known(result, interval(hi=0.0))
        return lower if y.head == "logsumexp" else replace(lower, attains=0.0)
    if _extreme(x, y, ("max", "amax", "logsumexp")) or _extreme(y, x, ("min", "amin")):
        return _known(result, NONNEGATIVE)
    if x.head == "max" and y.head == "min" and x.args[0] is y.args[0]:
        return _known(result, NONNEGATIVE)
    return result


def _mul(operands: dict[str, Value], result: Value) -> Value:
    x, y = _terms(operands)
    return _known(result, NONNEGATIVE) if x is not None and x is y else result


def _exp(operands: dict[str, Value], result: Value) -> Value:
    attained = operands["x"].attains
    return result if attained is None else replace(result, attains=exp(attained))


def _sum(operands: dict[str, Value], result: Value) -> Value:
    x = operands["x"]
    term = None if x.term is None else peel(x.term)
    if term is not None and term.head == "softmax" and _same_dim(term, operands):
        # rounding keeps the sum of a softmax within a few units in the last place of 1
        return replace(result, range=interval(0.999, 1.001), grounds=Grounds.KNOWN)
    if x.attains is not None and x.range.lo >= 0:
        return replace(result, range=result.range.meet(interval(lo=x.attains)))
    return result


def _div(operands: dict[str, Value], result: Value) -> Value:
    x, y = _terms(operands)
    if x is None or y is None or operands["x"].range.lo < 0:
        return result
    if y.head in ("sum", "max") and _operand(y) is x:
        return result.with_range(result.range.meet(interval(0.0, 1.0, nan=True)))
    return result


def _terms(operands: dict[str, Value]) -> tuple[Term | None, Term | None]:
    x, y = operands["x"].term, operands["y"].term
    return (None if x is None else peel(x)), (None if y is None else peel(y))


def _operand(term: Term) -> Term | None:
    inner = term.args[0] if term.args else None
    return peel(inner) if isinstance(inner, Term) else None


def _extreme(of: Term, x: Term, heads: tuple[str, ...]) -> bool:
    return of.head in heads and _operand(of) is x


def _same_dim(softmax: Term, operands: dict[str, Value]) -> bool:
    dim = operands.get("dim")
    return dim is not None and len(softmax.args) > 1 and softmax.args[1] is dim.term


def _known(result: Value, range: Range) -> Value:
    """The relation bounds the result, and the bound is really reached."""
    met = result.range.with_nan(False).meet(range)
    return replace(result, range=range if met.is_empty else met, grounds=max(result.grounds, Grounds.KNOWN))


_RULES = {"sub": _sub, "mul": _mul, "exp": _exp, "sum": _sum, "div": _div}
