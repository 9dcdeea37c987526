"""Products of 0 and infinity, which are NaN: `p * log(p)` at 0, and masks that multiply what they should leave out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isinf

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding, shortened
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Apply, Expr
from nanlint.ops.operation import Form
from nanlint.ops.reductions import CONDITIONS
from nanlint.ops.terms import LOGARITHMS, SINGULAR, both_ways, factors, literal, operand, operand_of, poles
from nanlint.repair import guards
from nanlint.repair.choices import leads_to
from nanlint.repair.edits import Repair
from nanlint.repair.frameworks import library
from nanlint.repair.precedence import as_argument, as_primary
from nanlint.values.value import DType, Grounds, Term, Value
from nanlint.weighing import Trouble

# rules of their own mend the logarithm of these for good
_MENDED = frozenset({"softmax", "sigmoid"})


def zero_times_log_zero(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """`p * log(p)`, `p * (log(p) - log(q))` and `p * log(p / q)`, where p may be 0."""
    logarithms = {use.result.term: use for use in facts.uses(LOGARITHMS)}
    for use in facts.uses(("mul",)):
        if facts.elsewhere(use) is not None or not facts.passes_on(use):
            continue
        for logarithm in _logarithms_of_itself(use, logarithms):
            value = logarithm.values["x"]
            trouble = facts.trouble(logarithm)
            if trouble is None or not value.range.may_be_zero() or _is_mended(logarithm):
                continue
            what = f"`{shortened(facts.text(logarithm.node.operands['x']))}` is 0"
            repair = _xlogy(facts, use, logarithm) or guards.clamp(facts, logarithm, options)
            covers = logarithm.result.term
            yield finding(card, facts, use, replace(trouble, what=what), reasons=value, repair=repair, covers=covers)
            break


def _logarithms_of_itself(use: Use, logarithms: dict[Term | None, Use]) -> Iterator[Use]:
    """The logarithms in one factor whose operand is 0 where the other factor is."""
    for one, other in both_ways(use.result.term, "mul"):
        numbers = {peel(factor) for factor in factors(one)}
        for term in poles(other):
            logarithm = logarithms.get(term)
            if logarithm is not None and not numbers.isdisjoint(_zeros(logarithm.values["x"].term)):
                yield logarithm


def _zeros(term: Term | None) -> Iterator[Term]:
    """The terms at whose zeros this one is 0."""
    if term is None:
        return
    yield peel(term)
    if (dividend := operand_of(peel(term), "div")) is not None:
        yield from _zeros(dividend)


def _is_mended(logarithm: Use) -> bool:
    term = logarithm.values["x"].term
    if logarithm.operation.name != "log" or term is None:
        return False
    term = peel(term)
    complement = operand(term, "y") if term.head == "sub" else None  # 1 - sigmoid(x)
    return term.head in _MENDED or (complement is not None and peel(complement).head == "sigmoid")


def _xlogy(facts: Facts, use: Use, logarithm: Use) -> Repair | None:
    """`p * log(p)` → `xlogy(p, p)`. Its gradient at 0 is NaN as well, so only where there is none."""
    x, y = use.node.operands.get("x"), use.node.operands.get("y")
    if use.differentiable or logarithm.operation.name != "log" or use.node.spelling.form is not Form.OPERATOR:
        return None
    factor = y if x is logarithm.node else x if y is logarithm.node else None
    function = library(facts, use, "xlogy")
    if factor is None or function is None or _is_augmented(use):
        return None
    inner = logarithm.node.operands["x"]
    if facts.term_of(factor) is not facts.term_of(inner) or not isinstance(logarithm.node, Apply):
        return None
    text = function.call(as_argument(facts.text(factor)), as_argument(facts.text(inner)))
    return Repair(Applicability.UNSAFE, "use `xlogy`", ((use.node, text),), function.imports)


def _is_augmented(use: Use) -> bool:
    return getattr(use.statement, "augmented", False) and getattr(use.statement, "value", None) is use.node


def zero_times_infinity(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """`(1 - mask) * -inf`, and `log(x) * (x > 0)`: a mask that multiplies the infinity it should leave out by 0."""
    singular = {use.result.term: use for use in facts.uses(SINGULAR)}
    for use in facts.uses(("mul",)):
        if facts.elsewhere(use) is not None or use.result.is_scalar or not facts.passes_on(use):
            continue
        for zero, infinite in (("x", "y"), ("y", "x")):
            if zero not in use.node.operands or infinite not in use.values:
                continue
            found = _infinite_constant(facts, use, zero, infinite) or _selected_away(
                facts, use, zero, infinite, singular
            )
            if found is not None:
                trouble, repair, covers = found
                yield finding(card, facts, use, trouble, reasons=use.values[zero], repair=repair, covers=covers)
                break


def _infinite_constant(
    facts: Facts, use: Use, zero: str, infinite: str
) -> tuple[Trouble, Repair | None, Term | None] | None:
    """`mask * -inf` has no number for where the mask is 0."""
    value, constant = use.values[zero], use.values[infinite].constant
    if constant is None or not isinf(constant) or not value.range.may_be_zero() or value.is_scalar:
        return None
    evidence = Evidence.POSSIBLE if value.grounds >= Grounds.KNOWN else Evidence.UNKNOWN
    what = f"`{shortened(facts.text(use.node.operands[zero]))}` is 0"
    return Trouble(evidence, what), _where(facts, use, zero, infinite), None


def _where(facts: Facts, use: Use, zero: str, infinite: str) -> Repair | None:
    """`mask * -inf` → `where(mask != 0, -inf, 0.0)`, the same for zeros and ones."""
    function, value = library(facts, use, "where"), use.values[zero]
    factor, constant = use.node.operands[zero], use.node.operands.get(infinite)
    if function is None or constant is None or use.node.spelling.form is Form.INPLACE or _is_augmented(use):
        return None
    if not 0.0 <= value.range.lo <= value.range.hi <= 1.0:
        return None
    text = function.call(_condition(facts, factor, value), as_argument(facts.text(constant)), "0.0")
    return Repair(Applicability.UNSAFE, "use `where`", ((use.node, text),), function.imports)


def _condition(facts: Facts, mask: Expr, value: Value) -> str:
    text = facts.text(mask)
    return as_argument(text) if value.dtype is DType.BOOLEAN else f"{as_primary(text)} != 0"


def _asks_about_a_number(condition: Term) -> bool:
    """Is it `x > 0`? `rand < keep` chooses at random, and tells nothing of what `keep` may be."""
    return any(isinstance(arg, Term) and isinstance(literal(arg), int | float) for arg in condition.args)


def _selected_away(
    facts: Facts, use: Use, zero: str, infinite: str, singular: dict[Term | None, Use]
) -> tuple[Trouble, Repair | None, Term | None] | None:
    """A condition on x, as a factor, of what is infinite where it does not hold."""
    mask = use.values[zero].term
    if mask is None or peel(mask).head not in CONDITIONS or not _asks_about_a_number(peel(mask)):
        return None
    for term in poles(use.values[infinite].term):
        inner = singular.get(term)
        hazard = None if inner is None else inner.operation.hazard
        if inner is None or hazard is None or hazard.operand not in inner.node.operands:
            continue
        node, value = inner.node.operands[hazard.operand], inner.values[hazard.operand]
        kept = facts.value_if(node, inner, peel(mask), True)
        dropped = facts.value_if(node, inner, peel(mask), False)
        if kept is None or dropped is None or value.is_scalar or not value.range.may_be_zero():
            continue
        if not kept.range.may_be_zero() and dropped.range.may_be_zero():
            what = f"`{shortened(facts.text(node))}` is 0"
            return Trouble(Evidence.POSSIBLE, what), _guarded(facts, use, zero, inner), term
    return None


def _guarded(facts: Facts, use: Use, zero: str, inner: Use) -> Repair | None:
    """`log(x) * mask` → `log(where(mask, x, 1)) * mask`, whose gradient is finite too."""
    hazard, function = inner.operation.hazard, library(facts, use, "where")
    if (
        hazard is None
        or function is None
        or inner.node.spelling.form is Form.INPLACE
        or not leads_to(use.node, inner.node)
    ):
        return None
    node, mask = inner.node.operands[hazard.operand], use.values[zero].term
    condition = None if mask is None else facts.spell(peel(mask), inner) or facts.spell(peel(mask), use)
    if condition is None:
        return None
    text = function.call(as_argument(condition), as_argument(facts.text(node)), "1")
    return Repair(Applicability.UNSAFE, "replace what the mask leaves out by 1", ((node, text),), function.imports)
