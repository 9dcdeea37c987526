"""Softmax of scores that were filled with -inf, where the fill may cover a whole row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import inf

from nanlint.cards import Card
from nanlint.checks.fills import Fill, fills_of
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow.leaves import contains, given, is_unknown, parts
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.ops.terms import operand
from nanlint.repair import masks
from nanlint.repair.edits import Repair
from nanlint.values.interval import BOOLEAN
from nanlint.values.value import Term
from nanlint.weighing import Trouble

_COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})

# each position may look at itself, so that no row is masked entirely
_CAUSAL = re.compile(
    r"causal|tril|triu|future|subsequent|look_?ahead|autoregress|square|window|relative", re.IGNORECASE
)
_CAUSAL_MAKERS = frozenset({"tril", "triu", "tril_indices", "triu_indices", "generate_square_subsequent_mask"})
# some action is legal, some word may follow
_CHOICES = re.compile(
    r"action|legal|avail|allow|vocab|token_?ids|suppress|banned|bad_words|visited|top_?[kp]|logits", re.IGNORECASE
)
# names of masks that are about the data, whatever else the file does
_OF_DATA = re.compile(r"pad|valid|len|missing|key_mask|adj|edge|neighbo|batch", re.IGNORECASE)


def masked_softmax(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """A softmax or log-softmax over a row that a mask may have filled with -inf entirely."""
    yield from _masked_attention(card, facts)
    for use in facts.uses(("softmax", "log_softmax")):
        value = use.values.get("x")
        if value is None or value.term is None or facts.elsewhere(use) is not None or not facts.passes_on(use):
            continue
        fills = list(fills_of(facts, value.term, -inf))
        if not fills or _is_mended(facts, use, fills):
            continue
        found = [(evidence, fill) for fill in fills if (evidence := _evidence(facts, use, fill)) is not None]
        if found:
            evidence, fill = max(found, key=lambda one: one[0])
            node = use.node.operands.get("x")
            yield finding(
                card, facts, use, Trouble(evidence, "softmax of"), operand=node, reasons=value,
                repair=_finite(facts, use, fills, fill),
            )  # fmt: skip


def _masked_attention(card: Card, facts: Facts) -> Iterator[Finding]:
    """Attention under a mask that may leave a query no key, on a torch where that is NaN."""
    if facts.target_torch is None or facts.target_torch >= _ZERO_ATTENTION:
        return
    for use in facts.uses(("attention",)):
        mask = use.values.get("mask")
        if mask is None or mask.term is None or facts.elsewhere(use) is not None or not facts.passes_on(use):
            continue
        fills = list(fills_of(facts, mask.term, -inf))
        if mask.range == BOOLEAN:
            fills.append(Fill(mask.term, mask.term, None))
        found = [evidence for fill in fills if (evidence := _evidence(facts, use, fill)) is not None]
        if found:
            yield finding(
                card,
                facts,
                use,
                Trouble(max(found), "attention under"),
                operand=use.node.operands["mask"],
                reasons=mask,
            )


def _evidence(facts: Facts, use: Use, fill: Fill) -> Evidence | None:
    """How sure it is that a whole row may be masked; None where one surely stays."""
    sources = dict(given(fill.mask))
    names = set(sources.values())
    if any(_CAUSAL.search(name) or _CHOICES.search(name) for name in names) or _compares_places(fill.mask):
        return None
    if fill.scores is not None and _compares(fill.mask, fill.scores):
        return None
    if not names:
        return Evidence.UNKNOWN if is_unknown(fill.mask) else None
    if _rows_are_looked_at(facts, set(sources)):
        return None
    of_data = any(_OF_DATA.search(name) for name in names)
    causal = any(part.head == "triangle" for part in parts(fill.mask))
    if use.framework == "numpy" or causal or is_unknown(fill.mask) or (facts.mentions(*_CAUSAL_MAKERS) and not of_data):
        return Evidence.UNKNOWN
    return Evidence.POSSIBLE


def _compares_places(mask: Term) -> bool:
    """Are positions compared with positions (`i < j`), and nothing else?"""
    found = [part for part in parts(mask) if part.head in _COMPARISONS]
    return bool(found) and all(
        all(isinstance(arg, Term) and any(part.head == "arange" for part in parts(arg)) for arg in one.args[:2])
        for one in found
    )


def _compares(mask: Term, scores: Term) -> bool:
    """Are the scores themselves compared (the best k, all above a threshold)? Then the best of them stays."""
    scores = peel(scores)
    return contains(mask, scores)


def _rows_are_looked_at(facts: Facts, sources: set[Term]) -> bool:
    """Does the program ask which rows have nothing left (`mask.all(-1)`, `mask.sum(1) == 0`)?"""
    for term in facts.terms(("all", "any", *_COMPARISONS)):
        if term.head == "any" and operand(term, "dim") is None:
            continue
        if term.head in _COMPARISONS and not any(part.head in ("sum", "count_nonzero") for part in parts(term)):
            continue
        if not sources.isdisjoint(parts(term)):
            return True
    return False


# since this torch a query without keys gets 0 (release notes of 2.5)
_ZERO_ATTENTION = (2, 5)
_MENDING = frozenset({"masked_fill", "where", "nan_to_num", "isnan", "isfinite"})


def _is_mended(facts: Facts, use: Use, fills: list[Fill]) -> bool:
    """Is NaN replaced right behind the softmax? Its gradient stops at the fill, but passes through a mask that is
    added."""
    if use.differentiable and any(fill.scores is None for fill in fills):
        return False
    waiting = [] if use.result.term is None else [use.result.term]
    for _ in range(4):
        made = [one for term in waiting for one in facts.made_from(term)]
        if any(one.head in _MENDING or _is_stored_into(facts, one) for one in made):
            return True
        waiting = [one for one in made if one.head in ("copy", "view", "detach", "either") or _is_dropped(one)]
    return False


def _is_dropped(term: Term) -> bool:
    return term.head == "fresh" and sum(isinstance(arg, Term) for arg in term.args) <= 2


def _is_stored_into(facts: Facts, term: Term) -> bool:
    """Is it `weights[...] = 0`?"""
    if term.head != "fresh" or len(term.args) < 3 or not isinstance(term.args[2], Term):
        return False
    value = facts.value_of_term(term.args[2])
    return value is not None and value.constant == 0


def _finite(facts: Facts, use: Use, fills: list[Fill], fill: Fill) -> Repair | None:
    """One fill, written where we see it."""
    if len(fills) != 1:
        return None
    return masks.finite_minimum(facts, use, fill.term)
