"""Losses of torch that are given less than they could have: probabilities instead of logits, no word about infinity."""

from __future__ import annotations

from collections.abc import Iterator

from nanlint.cards import Card
from nanlint.checks.called import Called, calls_of
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding, remark, shortened
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.state import peel
from nanlint.ir.nodes import Call, Constant
from nanlint.ops.operation import Hazard
from nanlint.ops.terms import operand_of
from nanlint.repair import rewrite
from nanlint.repair.edits import Repair
from nanlint.values.interval import ANY, interval
from nanlint.values.value import Grounds, Term
from nanlint.weighing import Trouble

# the loss is finite everywhere, its gradient only inside
_SATURATED = Hazard("x", ANY, interval(0.0, 1.0, open="lo hi"))

_SIGMOID = "the saturated output of a sigmoid"
_PROBABILITIES = "probabilities, most often the output of a sigmoid"
_UNKNOWN = Trouble(Evidence.UNKNOWN, "")

_CTC_LAYER = "torch.nn.CTCLoss"
# and where the reduction and zero_infinity stand
_CTC = ((_CTC_LAYER, 1, 2), ("torch.nn.functional.ctc_loss", 5, 6), ("torch.ctc_loss", 5, 6))
_LENGTHS = {2: "input_lengths", 3: "target_lengths"}


def bce_on_sigmoid(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """`binary_cross_entropy(sigmoid(x), y)`, the sigmoid here or in the model."""
    for use in facts.uses(("binary_cross_entropy",)):
        value = use.values.get("x")
        if value is None or value.term is None or not use.differentiable:
            continue
        logits = operand_of(value.term, "sigmoid")
        if _is_sigmoid(value.term):
            trouble = facts.trouble(use, _SATURATED)
        else:
            trouble = _UNKNOWN if value.grounds is Grounds.NONE and facts.passes_on(use) else None
        if trouble is not None:
            trouble = Trouble(trouble.evidence, _SIGMOID if trouble.evidence > Evidence.UNKNOWN else _PROBABILITIES)
            repair = None if logits is None else rewrite.with_logits(facts, use, logits)
            yield finding(card, facts, use, trouble, operand=use.node.operands["x"], reasons=value, repair=repair)
    if not facts.chain:
        yield from _losses(card, facts)


def _losses(card: Card, facts: Facts) -> Iterator[Finding]:
    """Every `nn.BCELoss()`, for those who ask for all that is not known to be good."""
    for one in calls_of(facts, "torch.nn.BCELoss"):
        text = shortened(facts.text(one.call))
        yield remark(
            card, one.call, one.statement, Evidence.UNKNOWN, operand=text, trouble=f"which takes {_PROBABILITIES}"
        )


def _is_sigmoid(term: Term) -> bool:
    """One, or several put together."""
    term = peel(term)
    if term.head in ("stack", "tuple", "list"):
        parts = [part for part in term.args if isinstance(part, Term) and part.head not in ("const", "none")]
        return bool(parts) and all(map(_is_sigmoid, parts))
    return term.head == "sigmoid"


def ctc_loss(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """`nn.CTCLoss` and `F.ctc_loss` that leave `zero_infinity` at False."""
    if facts.chain:
        return  # it is written there whoever calls it
    for path, reduction_at, zero_infinity_at in _CTC:
        for one in calls_of(facts, path):
            if not one.is_plain or one.argument("zero_infinity", zero_infinity_at) is not None:
                continue
            reduction = one.argument("reduction", reduction_at)
            if isinstance(reduction, Constant) and reduction.value == "none":
                continue  # each loss is looked at: there is a reason for that
            if path != _CTC_LAYER and _is_looked_at(one, facts):
                continue
            text, repair = shortened(facts.text(one.call)), _with_zero_infinity(facts, one.call)
            yield remark(card, one.call, one.statement, Evidence.POSSIBLE, repair=repair, expression=text)


def _is_looked_at(one: Called, facts: Facts) -> bool:
    """Is no gradient taken, or were the lengths compared before?"""
    if one.values and not one.values[0].differentiable:
        return True
    lengths = [facts.term_of(node) for place in (2, 3) if (node := one.argument(_LENGTHS[place], place)) is not None]
    compared = [side for fact in one.state.facts if fact.head == "sub" for side in fact.args]
    return any(length is not None and any(length is side for side in compared) for length in lengths)


def _with_zero_infinity(facts: Facts, call: Call) -> Repair | None:
    text = facts.text(call)
    if not text.endswith(")"):
        return None
    given = text[:-1].rstrip()
    separator = "" if given.endswith("(") else " " if given.endswith(",") else ", "
    written = f"{given}{separator}zero_infinity=True)"
    return Repair(Applicability.UNSAFE, "add `zero_infinity=True`", ((call, written),))
