"""Functions that take too long to interpret: what is not found there is not said to be right."""

from __future__ import annotations

from collections.abc import Iterator

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.wording import remark
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.ir.nodes import FunctionDef


def gave_up(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """Where the interpreter ran out of patience."""
    for node in facts.given_up():
        name = f"`{node.name}`" if isinstance(node, FunctionDef) else "the module"
        yield remark(card, node, node, Evidence.CERTAIN, operand=name)
