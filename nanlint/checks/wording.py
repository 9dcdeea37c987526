"""Puts a finding together: its message from the card's sentence, its severity from the evidence, its reasons."""

from __future__ import annotations

import re
from pathlib import Path

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.diagnostic import Evidence, Severity
from nanlint.facts import Facts
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Assign, Expr, Stmt
from nanlint.repair.edits import Repair
from nanlint.values.value import Term, Value, Why
from nanlint.weighing import Trouble

_AFTER_BREAK = re.compile(r"(?<=[(\[{]) | (?=[)\]}])")  # what a line break inside brackets leaves
_COMMENT = re.compile(r"#[^\"']*$")

_WIDTH = 40
_LINKS = 3

_LOWERED = {Severity.ERROR: Severity.WARNING, Severity.WARNING: Severity.INFO, Severity.INFO: Severity.INFO}


def shortened(text: str, width: int = _WIDTH) -> str:
    """The text on one line, without comments, cut in the middle if it is long."""
    lines = text.splitlines()
    if len(lines) > 1:
        lines = [_COMMENT.sub("", line) for line in lines]
    text = _AFTER_BREAK.sub("", " ".join(" ".join(lines).split()))
    if len(text) <= width:
        return text
    left = (width - 1) // 2
    return f"{text[:left].rstrip()}…{text[len(text) - (width - 1 - left) :].lstrip()}"


def finding(
    card: Card,
    facts: Facts,
    use: Use,
    trouble: Trouble,
    *,
    operand: Expr | None = None,
    reasons: Value | None = None,
    repair: Repair | None = None,
    covers: Term | None = None,
) -> Finding:
    """A finding about `operand`, or about the whole application if none is given. It says all that there is to say of
    the value that it `covers`."""
    node = use.node if operand is None else operand
    message = card.message.format(
        operation=use.operation.name if "." not in use.operation.name else use.operation.phrase,
        operand=shortened(facts.text(node)),
        trouble=f"{trouble.what}, where its gradient is infinite" if trouble.gradient_only else trouble.what,
        range="unknown" if reasons is None else str(reasons.range),
        expression=shortened(facts.text(use.node)),
    )
    why = () if reasons is None else tuple(_links(reasons.why))
    severity = _severity(card, use, trouble.evidence)
    shown = use.node if _is_augmented(use) else node
    if facts.elsewhere(use) is not None:
        place = facts.call_here()
        message += f", in `{facts.chain[-1].function}` of {Path(facts.filename_of(use)).name}"
        return Finding(card, use, place.call, message, trouble.evidence, severity, why, None, facts.chain, covers)
    if facts.chain:
        message += f", in the call `{shortened(facts.text_of_call())}`"
    return Finding(card, use, shown, message, trouble.evidence, severity, why, repair, facts.chain, covers)


def remark(
    card: Card, node: Expr | Stmt, statement: Stmt, evidence: Evidence, *, repair: Repair | None = None, **words: str
) -> Finding:
    """A finding about the shape of the program and not about a value; `words` are what the card's message names."""
    message = card.message.format(**words)
    severity = _LOWERED[card.severity] if evidence is Evidence.UNKNOWN else card.severity
    return Finding(card, None, node, message, evidence, severity, repair=repair, place=statement)


def _is_augmented(use: Use) -> bool:
    """`x /= n` is underlined as a whole: the target is an operand too."""
    statement = use.statement
    return isinstance(statement, Assign) and statement.augmented and statement.value is use.node


def _severity(card: Card, use: Use, evidence: Evidence) -> Severity:
    if use.framework == "numpy":
        return Severity.INFO  # no gradient, and nearly every site in ordinary code is fine
    return _LOWERED[card.severity] if evidence is Evidence.UNKNOWN else card.severity


def _links(why: Why | None) -> list[Why]:
    """The first few links of the chain, the most direct first."""
    found: list[Why] = []
    waiting = [why] if why is not None else []
    while waiting and len(found) < _LINKS:
        link = waiting.pop(0)
        if all(link.node is not other.node for other in found):
            found.append(link)
        waiting += link.because
    return found
