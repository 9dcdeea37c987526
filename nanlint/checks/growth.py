"""What makes a value grow without bound: an output of a layer, or something called a log-variance or a box offset."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from nanlint.facts import Facts
from nanlint.flow import assumptions
from nanlint.flow.leaves import is_unfollowed
from nanlint.flow.uses import Use
from nanlint.ops.terms import operand
from nanlint.values.value import Grounds, Term, Value

LAYER, LOG_SCALE, BOX_OFFSET = "a layer's output", "a log-scale", "a box offset"

# the same numbers, or some of them
_PASSING = frozenset(
    {"view", "part", "copy", "detach", "item", "masked_select", "dropout", "sum", "mean", "max", "min"}
)
# any of their operands may be what grows
_CHOOSING = frozenset({"add", "maximum", "minimum", "where", "masked_fill", "stack", "either", "tuple", "list"})
# grow with their operand; those that bound it are stopped by the range
_RISING = frozenset({"relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus"})
# what nothing is known of; by its name alone it is judged
_OPAQUE = frozenset({"param", "item", "fresh", "part", "attr"})

# so diffusion models call an entry of their tables
_OF_SCHEDULE = "log_variance"

_DEEPEST = 12


def growing(facts: Facts, use: Use) -> str | None:
    """What the operand x of this use is made of that may grow upwards without bound, in the words of a message."""
    value = use.values.get("x")
    if value is None or value.term is None:
        return None
    found = set(_sources(facts, use, value.term, upwards=True))
    return next((source for source in (LAYER, LOG_SCALE, BOX_OFFSET) if source in found), None)


def _sources(facts: Facts, use: Use, term: Term, *, upwards: bool, depth: int = 0) -> Iterator[str]:
    value = facts.value_of_term(term)
    if value is not None and _is_bounded(value, upwards=upwards):
        return
    if term.head == "affine":
        yield LAYER
    elif (named := _named(facts, use, term, value)) is not None:
        yield named
    elif depth < _DEEPEST:
        for part, direction in _parts(facts, use, term, upwards, depth):
            yield from _sources(facts, use, part, upwards=direction, depth=depth + 1)


def _is_bounded(value: Value, *, upwards: bool) -> bool:
    return value.is_scalar or (value.range.hi < inf if upwards else value.range.lo > -inf)


def _named(facts: Facts, use: Use, term: Term, value: Value | None) -> str | None:
    """What an opaque value is by its name: that of a parameter, an entry of a dict, an attribute or a variable."""
    if facts.class_of(use).endswith("Distribution"):
        return None  # it holds what it was given, often trained parameters
    if not _is_opaque(term) or is_unfollowed(term) or (value is not None and value.grounds is not Grounds.NONE):
        return None
    for name in _names(use, term):
        if assumptions.is_log_scale(name):
            return LOG_SCALE
        if assumptions.is_box_offset(name):
            return BOX_OFFSET
    return None


def _is_opaque(term: Term) -> bool:
    """Is it of one or the other branch, both must be."""
    if term.head == "either":
        return all(arg.head in _OPAQUE and arg.head != "attr" for arg in term.args if isinstance(arg, Term))
    return term.head in _OPAQUE


def _names(use: Use, term: Term) -> Iterator[str]:
    if term.head == "param":
        yield str(term.args[0])
    elif term.head == "item":
        entries = (str(arg.args[0]) for arg in term.args[1:] if isinstance(arg, Term) and arg.head == "const")
        yield from (entry for entry in entries if entry != _OF_SCHEDULE)
    elif term.head == "attr" and not _is_of_self(term):
        yield str(term.args[1])
    yield from (
        name.rpartition(".")[2] for name, value in use.state.vars.items() if value.term is term and term.head != "attr"
    )


def _is_of_self(attribute: Term) -> bool:
    """What an object holds from its construction on is rather a trained parameter than an output."""
    base = attribute.args[0]
    if isinstance(base, Term) and base.head == "attr":
        return _is_of_self(base)
    return isinstance(base, Term) and base.head == "param" and base.args[0] == "self"


def _parts(facts: Facts, use: Use, term: Term, upwards: bool, depth: int) -> Iterator[tuple[Term, bool]]:
    """The terms that let this one grow, each with the direction in which it has to."""
    x, y = operand(term, "x"), operand(term, "y")
    if term.head in _CHOOSING:
        yield from ((arg, upwards) for arg in term.args if isinstance(arg, Term))
    elif term.head in _PASSING or term.head in _RISING:
        yield from ((arg, upwards) for arg in term.args[:1] if isinstance(arg, Term))
    elif term.head == "neg" and x is not None:
        yield x, not upwards
    elif term.head == "sub" and x is not None and y is not None:
        # of what is subtracted from a value it may be the maximum that nothing else tells of
        steady = _is_steady(facts, y)
        if steady or any(_sources(facts, use, y, upwards=not upwards, depth=depth + 1)):
            yield x, upwards
        if _is_steady(facts, x) or not steady:
            yield y, not upwards
    elif term.head in ("mul", "div") and x is not None and y is not None:
        yield from _factors(facts, x, y, upwards)
        if term.head == "mul":
            yield from _factors(facts, y, x, upwards)


def _factors(facts: Facts, x: Term, factor: Term, upwards: bool) -> Iterator[tuple[Term, bool]]:
    """`x` times or through something that is given, or whose range is known."""
    value = facts.value_of_term(factor)
    given = _is_steady(facts, factor) or _is_opaque(factor)
    if value is None or (not given and value.grounds is Grounds.NONE):
        return
    if value.range.hi > 0:
        yield x, upwards
    if value.range.lo < 0:
        yield x, not upwards


def _is_steady(facts: Facts, term: Term) -> bool:
    """Is it a plain number, a setting or a trained parameter?"""
    value = facts.value_of_term(term)
    return term.head in ("const", "attr") or (
        value is not None and (value.is_scalar or value.grounds is Grounds.ASSUMED or value.constant is not None)
    )
