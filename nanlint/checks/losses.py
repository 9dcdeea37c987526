"""Losses of torch that are given less than they could have: probabilities instead of logits."""

from __future__ import annotations

from collections.abc import Iterator

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.facts import Facts
from nanlint.flow.state import peel
from nanlint.ops.operation import Hazard
from nanlint.ops.terms import operand_of
from nanlint.repair import rewrite
from nanlint.values.interval import ANY, interval
from nanlint.values.value import Term

# the loss is finite everywhere, its gradient only inside
_SATURATED = Hazard("x", ANY, interval(0.0, 1.0, open="lo hi"))


def bce_on_sigmoid(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """`binary_cross_entropy(sigmoid(x), y)`, the sigmoid here or in the model."""
    for use in facts.uses(("binary_cross_entropy",)):
        value = use.values.get("x")
        if value is None or value.term is None or not _is_sigmoid(value.term):
            continue
        trouble = facts.trouble(use, _SATURATED)
        if trouble is not None:
            logits = operand_of(value.term, "sigmoid")
            repair = None if logits is None else rewrite.with_logits(facts, use, logits)
            yield finding(card, facts, use, trouble, operand=use.node.operands["x"], reasons=value, repair=repair)


def _is_sigmoid(term: Term) -> bool:
    """One, or several put together."""
    term = peel(term)
    if term.head in ("stack", "tuple", "list"):
        parts = [part for part in term.args if isinstance(part, Term) and part.head not in ("const", "none")]
        return bool(parts) and all(map(_is_sigmoid, parts))
    return term.head == "sigmoid"
