"""Uninitialised memory: it holds whatever was there before, NaN included."""

from __future__ import annotations

from collections.abc import Iterator

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.wording import remark, shortened
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow.memory import Fault, Uninitialised
from nanlint.repair.initialise import initialise


def uninitialised_memory(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """Parameters that are never initialised, and tensors that are read before they are written."""
    for found in facts.uninitialised():
        site = found.site
        name = found.name or shortened(facts.text(site.node))
        yield remark(
            card,
            site.node,
            site.statement,
            _evidence(found),
            repair=initialise(facts, found),
            operand=name,
            trouble=_trouble(facts, found),
        )


def _evidence(found: Uninitialised) -> Evidence:
    if found.is_loaded:
        return Evidence.UNKNOWN  # buffers and parameters that are not trained come from a checkpoint
    # another file may initialise what others can reach
    return Evidence.POSSIBLE if found.is_attribute or found.fault is Fault.PARTLY_WRITTEN else Evidence.CERTAIN


def _trouble(facts: Facts, found: Uninitialised) -> str:
    if found.fault is Fault.ADDED_TO:
        return "changed before it is set"
    if found.fault is Fault.PARTLY_WRITTEN:
        return f"only `{shortened(facts.text(found.node), 24)}` is set"
    return "never set"
