"""Norms and deviations of jax and TensorFlow: 0 for a zero vector, with a gradient that is NaN there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.ops.operation import Form, Hazard
from nanlint.ops.terms import literal, operand
from nanlint.repair.calls import other_arguments
from nanlint.repair.edits import Repair
from nanlint.repair.frameworks import library
from nanlint.repair.precedence import as_argument
from nanlint.values.interval import ANY, REAL
from nanlint.values.value import Grounds, Term, Value

# the value is finite everywhere, the gradient where not all of the elements are 0 (or equal, for a deviation)
_AT_ZERO = Hazard("x", ANY, REAL.without_zero())
_EUCLIDEAN = (None, 2, 2.0, "fro", "euclidean")
_EPSILON = "1e-12"


def norm_gradient(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """`norm` and `std` of what may well be a zero vector, where a gradient is taken."""
    guarded = _guarded(facts)
    for use in facts.uses(("norm", "std")):
        value = use.values.get("x")
        if use.framework not in ("jax", "tensorflow") or value is None or not _is_root(use) or _is_numpy(use):
            continue
        trouble = facts.trouble(use, _AT_ZERO)
        if trouble is not None:
            expected = use.result.term in guarded or (use.operation.name == "norm" and _vanishes(facts, value))
            trouble = replace(trouble, evidence=Evidence.POSSIBLE if expected else Evidence.UNKNOWN)
            yield finding(card, facts, use, trouble, reasons=value, repair=_by_hand(facts, use))


def _is_numpy(use: Use) -> bool:
    """Is it `x.std()` in a program of TensorFlow, whose tensors have no such methods?"""
    return use.framework == "tensorflow" and use.node.spelling.form is Form.METHOD


def _is_root(use: Use) -> bool:
    """Is it a root of squares? The other norms have finite gradients."""
    order = use.values.get("ord")
    return order is None or (order.term is not None and literal(order.term) in _EUCLIDEAN and order.term.args != ())


def _guarded(facts: Facts) -> frozenset[Term]:
    """The terms to which something is done before they divide: who wrote that expects them to be 0."""
    found = set()
    for use in facts.uses(("div",)):
        divisor = use.values["y"].term if "y" in use.values else None
        if divisor is None or (term := _under_guard(peel(divisor))) is None:
            continue
        found.add(term)
    return frozenset(found)


def _under_guard(term: Term) -> Term | None:
    if term.head not in ("add", "clamp", "maximum"):
        return None
    for name in ("x", "y"):
        part = operand(term, name)
        part = None if part is None else peel(part)
        if part is not None and part.head in ("norm", "std"):
            return part
    return None


def _vanishes(facts: Facts, value: Value) -> bool:
    """Is it a difference of two things, which may be equal, or what a mask or a relu may leave nothing of?"""
    term = None if value.term is None else peel(value.term)
    if term is None:
        return False
    parts = [part for part in term.args if isinstance(part, Term)]
    if term.head == "sub":
        return len(parts) == 2 and not any(_is_settled(facts, part) for part in parts)
    if term.head == "mul":
        return any(_is_mask(facts, part) for part in parts)
    return term.head in ("relu", "masked_fill")


def _is_settled(facts: Facts, part: Term) -> bool:
    """A constant or a mean: a centred vector is seldom a zero vector."""
    return peel(part).head in ("const", "mean", "random")


def _is_mask(facts: Facts, part: Term) -> bool:
    value = facts.value_of_term(part)
    return value is not None and value.grounds is Grounds.KNOWN and value.range.integer and value.range.may_be_zero()


def _by_hand(facts: Facts, use: Use) -> Repair | None:
    """`norm(x, axis=a)` → `sqrt(sum(square(x), axis=a) + 1e-12)`, and the same with the variance."""
    arguments = other_arguments(facts, use, use.node)
    if use.node.spelling.form is not Form.FUNCTION or arguments is None:
        return None
    kept = [argument for argument in arguments if argument.operand != "ord"]
    if any(argument.operand not in ("dim", "keepdim") or argument.keyword is None for argument in kept):
        return None
    is_norm = use.operation.name == "norm"
    root, square = library(facts, use, "sqrt"), library(facts, use, "square")
    reduction = library(facts, use, "sum" if is_norm else "var")
    if root is None or square is None or reduction is None:
        return None
    x = as_argument(facts.text(use.node.operands["x"]))
    inner = reduction.call(square.call(x) if is_norm else x, *map(str, kept))
    return Repair(
        Applicability.UNSAFE,
        f"add {_EPSILON} under the root",
        ((use.node, root.call(f"{inner} + {_EPSILON}")),),
        root.imports,
    )
