"""What follows from *which* values meet, beyond their ranges: `x - x.max()` is at most 0, `p / p.sum()` at most 1."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, inf

from nanlint.flow.refine import may_be_empty
from nanlint.flow.state import COPIES, aligned, complete, peel
from nanlint.ops.define import square
from nanlint.ops.terms import both_ways, holds_somewhere, is_one, literal, operand, operand_of, squared
from nanlint.values.interval import COUNT, NAN, NONNEGATIVE, Range, constant, interval
from nanlint.values.value import Grounds, Term, Value, replace

_ONE = interval(0.999, 1.001)  # as far as rounding leaves it one
_LOW = -1e4  # no logit is so low
_FEW = 8
_BELOW_ONE = interval(0.0, 1.0)  # rounding may reach it


# what a reduction gives of no elements at all
_OF_NOTHING = {
    "sum": constant(0), "norm": constant(0), "prod": constant(1), "mean": NAN, "std": NAN, "var": NAN,
    "logsumexp": constant(-inf),
}  # fmt: skip


def sharpen(name: str, operands: dict[str, Value], result: Value) -> Value:
    """The result of an operation, sharpened by relations between its operands."""
    rule = _RULES.get(name)
    result = result if rule is None else rule(operands, result)
    if name in _OF_NOTHING and (term := operands["x"].term) is not None and may_be_empty(term):
        return _or_of_nothing(name, result)
    return result


def _or_of_nothing(name: str, result: Value) -> Value:
    """A mask may select nothing. That it does is no more than supposed."""
    joined = result.range.join(_OF_NOTHING[name])
    if joined.with_nan(False) == result.range.with_nan(False):
        return result.with_range(joined)
    return replace(result, range=joined, grounds=min(result.grounds, Grounds.ASSUMED))


def _sub(operands: dict[str, Value], result: Value) -> Value:
    x, y = _terms(operands)
    if x is None or y is None:
        return result
    if x is y:
        return _known(result, constant(0))
    x, y = peel(x), _unfloored(peel(y))
    if _extreme(y, x, ("max", "amax", "logsumexp")):
        lower = _known(result, interval(hi=0.0))
        return lower if y.head == "logsumexp" or not _is_all(operands["x"]) else replace(lower, attains=0.0)
    if _extreme(x, y, ("max", "amax", "logsumexp")) or _extreme(y, x, ("min", "amin")):
        return _known(result, NONNEGATIVE)
    if _is_variance(x, y):
        return replace(result, grounds=Grounds.KNOWN)  # rounding makes it negative where all elements are alike
    if x.head == "max" and y.head == "min" and _operand(x) is _operand(y):
        return _known(result, NONNEGATIVE)
    if x.head == "sum" and _operand(x) is y and min(operands["x"].range.lo, operands["y"].range.lo) >= 0:
        return result.with_range(NONNEGATIVE)  # one term of a sum is not larger than the sum
    return result


def _are_complements(x: Term | None, y: Term | None) -> bool:
    """Do these count a mask and its complement?"""
    mask, other = operand_of(x, "sum"), operand_of(y, "sum")
    if mask is None or other is None:
        return False
    mask, other = peel(mask), peel(other)
    return operand_of(other, "logical_not") is mask or operand_of(mask, "logical_not") is other


def _count_in(term: Term | None) -> Term | None:
    """The count in `(count * scale) ** 0.5`."""
    while term is not None and term.head in ("sqrt", "pow", "mul", "div") and isinstance(term.args[0], Term):
        term = term.args[0]
    return term


def _unfloored(term: Term) -> Term:
    """A maximum that was kept from being -inf, so that -inf is not subtracted from -inf: it is larger at most."""
    if term.head != "clamp" or operand(term, "max") is not None:
        return term
    floor, inner = literal(operand(term, "min")), operand(term, "x")
    is_low = isinstance(floor, int | float) and floor <= _LOW
    return peel(inner) if is_low and inner is not None else term


def _add(operands: dict[str, Value], result: Value) -> Value:
    x, y = _terms(operands)
    if _is_direction((squared(x), squared(y))):
        return replace(result, range=_ONE)
    if _adds_up_to_one(squared(x), squared(y)):
        return _known(result, interval(0.499))  # smallest where both are alike
    if _is_shifted(x, y) or _is_shifted(y, x):
        return _known(result, interval(1.0, 2.0))
    if _are_complements(x, y):
        return _known(result, interval(1.0))
    if _are_complements(_count_in(x), _count_in(y)):
        return result.with_range(result.range.without_zero())
    return result


def _mul(operands: dict[str, Value], result: Value) -> Value:
    x, y = _terms(operands)
    if any(value.attains == 0 for value in operands.values()):
        return replace(result, attains=0.0)  # where one factor is 0, so is the product
    if x is None or x is not y:
        return result
    return replace(_known(result, NONNEGATIVE), grounds=square(operands, result.range))


def _exp(operands: dict[str, Value], result: Value) -> Value:
    attained = operands["x"].attains
    return result if attained is None else replace(result, attains=exp(attained))


def _sum(operands: dict[str, Value], result: Value) -> Value:
    x = operands["x"]
    term = None if x.term is None else peel(x.term, COPIES)
    if term is not None and any(_same_dim(part, operands) for part in _mixed(term)):
        # rounding keeps the sum of a softmax within a few units in the last place of 1
        return replace(result, range=_ONE, grounds=Grounds.KNOWN)
    if term is not None and term.head == "bitwise":
        # who sums `a | b` counts where masks hold; nobody sums bits
        return replace(result, range=COUNT, grounds=Grounds.KNOWN)
    if x.attains is not None and x.range.lo >= 0:
        return replace(result, range=result.range.meet(interval(lo=x.attains)))
    if term is not None and _is_largest_share(peel(term)):
        return result.with_range(result.range.without_zero())
    return result


def _mean(operands: dict[str, Value], result: Value) -> Value:
    x = operands["x"]
    if x.attains is not None and x.attains > 0 and x.range.lo >= 0:
        return result.with_range(result.range.without_zero())  # no element is negative, and one is as large as that
    return result


def _eq(operands: dict[str, Value], result: Value) -> Value:
    return replace(result, attains=1.0) if holds_somewhere(result.term) else result


def _prod(operands: dict[str, Value], result: Value) -> Value:
    """Of a few positive numbers that were put side by side: no underflow is to be feared."""
    x = operands["x"]
    term = None if x.term is None else peel(x.term)
    parts = _operand(term) if term is not None and term.head == "stack" else None
    few = parts is not None and parts.head in ("tuple", "list") and len(parts.args) <= _FEW and "dim" in operands
    positive = x.range.lo >= 0 and not x.range.may_be_zero() and x.range.hi > 1
    return result.with_range(result.range.without_zero()) if few and positive else result


def _cumsum(operands: dict[str, Value], result: Value) -> Value:
    x = operands["x"]
    # the last of the running sums is as large as the largest element
    return replace(result, attains=x.attains) if x.attains is not None and x.range.lo >= 0 else result


def _div(operands: dict[str, Value], result: Value) -> Value:
    x, y = _terms(operands)
    if operands["x"].attains == 0:
        result = replace(result, attains=0.0)
    if x is None or y is None or operands["x"].range.lo < 0:
        return result
    x, y = peel(x), peel(y)
    if x.head == "arange" and (operand(x, "end") or operand(x, "start")) is y and operands["x"].range.lo >= 0:
        return replace(result, range=_BELOW_ONE, grounds=Grounds.KNOWN)
    # where only chosen elements are not negative, their sum with the others may be anything
    summed = y.head == "sum" and operands["y"].range.lo >= 0
    if (summed or y.head == "max") and _operand(y) is x:
        return result.with_range(result.range.meet(interval(0.0, 1.0, nan=True)))
    return result


def _extent(operands: dict[str, Value], result: Value) -> Value:
    """The largest, or the length, of an identity matrix; of the cosine and the sine of one angle, which are never 0
    together."""
    x = operands["x"].term
    x = None if x is None else peel(x)
    if x is not None and x.head == "eye":
        return _known(result, interval(1.0))
    if x is not None and x.head == "abs":
        x = _operand(x)
    if x is not None and _is_largest_share(x):
        return result.with_range(result.range.without_zero())
    parts = _operand(x) if x is not None and x.head == "stack" else None
    if parts is None or parts.head not in ("tuple", "list") or not _is_direction(parts.args):
        return result
    return replace(result, range=interval(0.7, 1.001), grounds=Grounds.KNOWN)


def _is_largest_share(term: Term) -> bool:
    """Are these the largest of a softmax, which are at least 1/n?"""
    inner = operand(term, "x") if term.head in ("topk", "max") else None
    return inner is not None and peel(inner).head == "softmax"


def _is_variance(x: Term, y: Term) -> bool:
    """Are these mean(x**2) and mean(x)**2?"""
    inner, outer = squared(operand_of(x, "mean")), operand_of(squared(y), "mean")
    return inner is not None and inner is outer


def _adds_up_to_one(x: Term | None, y: Term | None) -> bool:
    """Are these a and 1 - a, in either order?"""
    return any(
        whole is not None and rest is not None and rest.head == "sub" and is_one(operand(rest, "x"))
        and operand(rest, "y") is whole
        for whole, rest in ((x, y), (y, x))
    )  # fmt: skip


def _is_shifted(x: Term | None, y: Term | None) -> bool:
    """Are these exp(-m) and exp(a - m) with m = max(a, 0)? One of them is 1 then."""
    first, second = operand_of(x, "exp"), operand_of(y, "exp")
    largest = operand_of(first, "neg")
    if largest is None or second is None or second.head != "sub" or second.args[1] is not largest:
        return False
    return _is_floored_at_zero(largest) and largest.args[0] is second.args[0]


def _is_floored_at_zero(term: Term) -> bool:
    """Is this max(a, 0), with `a` as its first operand?"""
    floor = {"clamp": "min", "maximum": "y"}.get(term.head)
    return term.head == "relu" or (floor is not None and literal(operand(term, floor)) == 0)


def _is_direction(parts: tuple[Term | None, ...]) -> bool:
    """Are these cos(t) and sin(t), in either order?"""
    if len(parts) != 2 or parts[0] is None or parts[1] is None:
        return False
    heads = {part.head for part in parts if part is not None}
    return heads == {"cos", "sin"} and parts[0].args[0] is parts[1].args[0]


def _terms(operands: dict[str, Value]) -> tuple[Term | None, Term | None]:
    # `seen.add()` may turn out to be anything
    x, y = (operands[name].term if name in operands else None for name in ("x", "y"))
    return (None if x is None else aligned(x)), (None if y is None else aligned(y))


def _operand(term: Term) -> Term | None:
    """What a reduction is of. Not what it is a part of: the largest of some is not the largest of all."""
    inner = term.args[0] if term.args else None
    return complete(inner) if isinstance(inner, Term) else None


def _is_all(x: Value) -> bool:
    return x.term is not None and complete(x.term) is peel(x.term)


def _extreme(of: Term, x: Term, heads: tuple[str, ...]) -> bool:
    return of.head in heads and _operand(of) is x


def _same_dim(softmax: Term, operands: dict[str, Value]) -> bool:
    dim = operands.get("dim")
    return dim is not None and len(softmax.args) > 1 and softmax.args[1] is dim.term


def _mixed(term: Term) -> Iterator[Term]:
    """The softmax that a term is, or one of the two that it is a mixture of: `(1 - a) * p + a * q`."""
    if term.head == "softmax":
        yield term
    for first, second in both_ways(term, "add"):
        for rest, p in both_ways(first, "mul"):
            for share, q in both_ways(second, "mul"):
                both = p.head == q.head == "softmax" and operand(p, "dim") is operand(q, "dim")
                if both and is_one(operand(rest, "x")) and rest.head == "sub" and operand(rest, "y") is share:
                    yield p


def _known(result: Value, range: Range) -> Value:
    """The relation bounds the result, and the bound is really reached."""
    met = result.range.with_nan(False).meet(range)
    return replace(result, range=range if met.is_empty else met, grounds=max(result.grounds, Grounds.KNOWN))


_RULES = {
    "add": _add, "sub": _sub, "mul": _mul, "exp": _exp, "sum": _sum, "mean": _mean, "div": _div, "max": _extent,
    "norm": _extent, "cumsum": _cumsum, "prod": _prod, "eq": _eq,
}  # fmt: skip
