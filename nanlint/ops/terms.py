"""Reading terms: what the arguments of an operation's term are called, and the shapes that checks look for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isinf

from nanlint.ops.catalogue import OPERATIONS
from nanlint.values.value import Term, Value

LOGARITHMS = frozenset({"log", "log2", "log10"})
# at the bad point these are infinite, and 0 times that is NaN
SINGULAR = LOGARITHMS | {"div", "reciprocal", "rsqrt"}
_SAME_NUMBERS = frozenset({"copy", "detach", "view", "part", "item", "neg"})
# some of the numbers that were there before
_SELECTIONS = frozenset({"unique", "max", "min"})
_OF_THE_SAME = frozenset({"copy", "detach", "view", "part", "item", "topk", "max", "min"})
_DEEPEST = 4
_MAXIMA = frozenset({"max", "amax"})
_FAR = 1e3  # what is lowered by so much is out of the question


def operand(term: Term, name: str) -> Term | None:
    """The operand of this canonical name; None where it was left out or the term is no operation's."""
    operation = OPERATIONS.get(term.head)
    if operation is None or name not in operation.operands:
        return None
    at = operation.operands.index(name)
    found = term.args[at] if at < len(term.args) else None
    return found if isinstance(found, Term) else None


def literal(term: Term | None) -> object:
    """The constant a term denotes; None for any other term, and for an operand that was left out."""
    return term.args[0] if term is not None and term.head == "const" else None


def is_one(term: Term | None) -> bool:
    """Is it the constant 1 or 1.0?"""
    return literal(term) == 1


def operand_of(term: Term | None, head: str) -> Term | None:
    """`x` where the term is `head(x, …)`."""
    return operand(term, "x") if term is not None and term.head == head else None


def both_ways(term: Term | None, head: str) -> Iterator[tuple[Term, Term]]:
    """The two operands of a commutative operation, in either order."""
    if term is None or term.head != head:
        return
    x, y = operand(term, "x"), operand(term, "y")
    if x is not None and y is not None:
        yield x, y
        if x is not y:
            yield y, x


def holds_somewhere(condition: Term | None) -> bool:
    """Does the comparison hold for one element at least: `x == c`, where `c` is one of `unique(x)`, or `x.max()`?"""
    return any(_is_one_of(value, tensor) for tensor, value in both_ways(condition, "eq"))


def _is_one_of(value: Term, tensor: Term) -> bool:
    if value.head in _SELECTIONS:
        return operand(value, "x") is tensor
    inner: object = value
    while isinstance(inner, Term) and inner.args and inner.head in _OF_THE_SAME:
        inner = inner.args[0]
        if isinstance(inner, Term) and inner.head in _SELECTIONS:
            return operand(inner, "x") is tensor
    return False


def is_above_others(term: Term) -> bool:
    """Is it `x - max(x.masked_fill(…))`: less a maximum that leaves some elements of x out, which may be far above?"""
    x, most = (operand(term, "x"), operand(term, "y")) if term.head == "sub" else (None, None)
    while most is not None and most.head in _SAME_NUMBERS:
        most = most.args[0] if isinstance(most.args[0], Term) else None
    if x is None or most is None or most.head not in _MAXIMA:
        return False
    over = operand(most, "x")
    return over is not None and _leaves_out(over, x)


def _leaves_out(term: Term, x: Term) -> bool:
    """Is it `x.masked_fill(mask, v)`, `where(mask, x, v)`, `x[mask]` or `x - (1 - mask) * 1e20`?"""
    if term.head in ("masked_fill", "masked_select", "item"):
        return term.args[0] is x
    if term.head == "where":
        return x in (operand(term, "x"), operand(term, "y"))
    less = operand(term, "y") if term.head in ("add", "sub") and operand(term, "x") is x else None
    numbers = [] if less is None else [literal(arg) for arg in less.args if isinstance(arg, Term)]
    return any(isinstance(number, int | float) and abs(number) >= _FAR for number in numbers)


def squared(term: Term | None) -> Term | None:
    """`x` where the term is `x ** 2`, `x.square()` or `x * x`."""
    if term is None:
        return None
    if term.head == "square":
        return operand(term, "x")
    if term.head == "pow":
        return operand(term, "x") if literal(operand(term, "y")) == 2 else None
    if term.head == "mul":
        x, y = operand(term, "x"), operand(term, "y")
        return x if x is y else None
    return None


def length_of(term: Term) -> Term | None:
    """`x` where the term is a norm of x, or written out: `x.pow(2).sum().sqrt()`."""
    if term.head == "norm":
        return operand(term, "x")
    root = term.head == "sqrt" or (term.head == "pow" and literal(operand(term, "y")) == 0.5)
    return squared(operand_of(operand(term, "x"), "sum")) if root else None


def poles(term: Term | None, depth: int = _DEEPEST) -> Iterator[Term]:
    """The logarithms and quotients that the term is a sum of, up to sign and shape: where one is infinite, so is it."""
    if term is None or depth == 0:
        return
    if term.head in SINGULAR:
        yield term
    elif term.head in _SAME_NUMBERS or term.head in ("add", "sub"):
        parts = term.args[:2] if term.head in ("add", "sub") else term.args[:1]
        for part in parts:
            if isinstance(part, Term):
                yield from poles(part, depth - 1)


def factors(term: Term | None, depth: int = _DEEPEST) -> Iterator[Term]:
    """What is multiplied to give the term, up to sign and shape, the term itself included."""
    if term is None or depth == 0:
        return
    yield term
    if term.head in _SAME_NUMBERS or term.head == "mul":
        for part in term.args[: 2 if term.head == "mul" else 1]:
            if isinstance(part, Term):
                yield from factors(part, depth - 1)


def may_meet_infinity(operands: Mapping[str, Value]) -> bool:
    """Is one of the factors infinite as it is written, or a sum of logarithms or quotients?"""
    return any(
        (isinstance(value.constant, float) and isinf(value.constant)) or next(poles(value.term), None) is not None
        for value in operands.values()
    )
