"""Questions to the facts, answered as findings. A card names the check that serves it, or just its operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from nanlint.cards import Card
from nanlint.checks.exponentials import log_of_sigmoid, log_sum_exp_by_hand, softmax_by_hand
from nanlint.checks.finding import Finding
from nanlint.checks.norms import division_by_norm, norm_by_hand
from nanlint.checks.operands import operands
from nanlint.config import RuleOptions, Settings
from nanlint.facts import Facts

__all__ = ["CHECKS", "run_checks"]

Check = Callable[[Card, Facts, RuleOptions], Iterator[Finding]]

CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (log_of_sigmoid, log_sum_exp_by_hand, softmax_by_hand, division_by_norm, norm_by_hand)
}


def run_checks(cards: Iterable[Card], facts: Facts, settings: Settings) -> list[Finding]:
    """What all cards find, less what a more specific card says better about the same use."""
    found: list[Finding] = []
    for card in cards:
        check = operands if card.check is None else CHECKS.get(card.check)
        if check is not None:  # the engine serves the rest
            found += check(card, facts, settings.options(card.code, card.name))
    return _most_specific(found)


def _most_specific(found: Iterable[Finding]) -> list[Finding]:
    best: dict[int, int] = {}
    kept = list(found)
    for one in kept:
        use = id(one.use.node.origin)
        best[use] = max(best.get(use, 0), _specificity(one.card))
    return [one for one in kept if _specificity(one.card) == best[id(one.use.node.origin)]]


def _specificity(card: Card) -> int:
    """A pattern knows more than "made by", and that more than the bare operation."""
    return 2 if card.check is not None else 1 if card.operand_from else 0
