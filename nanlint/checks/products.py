"""Products of 0 and infinity, which are NaN: `p * log(p)` at 0, and masks that multiply what they should leave out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding, shortened
from nanlint.config import RuleOptions
from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Apply
from nanlint.ops.operation import Form
from nanlint.ops.terms import LOGARITHMS, both_ways, factors, operand, operand_of, poles
from nanlint.repair import guards
from nanlint.repair.edits import Repair
from nanlint.repair.frameworks import library
from nanlint.repair.precedence import as_argument
from nanlint.values.value import Term

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
            yield finding(
                card, facts, use, replace(trouble, what=what), reasons=value, repair=repair, covers=covers
            )
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
