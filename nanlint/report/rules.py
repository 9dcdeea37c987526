"""The rules themselves, for `nanlint rule`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from nanlint.cards import Card


def rules_as_text(cards: Sequence[Card]) -> str:
    """One card as it was written; of several, a table with a line for each."""
    if len(cards) == 1:
        card = cards[0]
        repair = "has a repair" if card.fixable else "has no repair"
        state = "" if card.default else f", off by default: --extend-select {card.code}"
        return f"{card.code} ({card.name}), {card.severity}, {repair}{state}\n\n{card.text.strip()}"
    width = max((len(card.name) for card in cards), default=0)
    return "\n".join(
        f"{card.code}  {'[*]' if card.fixable else '[ ]'}  {card.name:<{width}}  {card.title}"
        f"{'' if card.default else ' (off by default)'}"
        for card in cards
    )


def rules_as_json(cards: Sequence[Card]) -> str:
    """An array with everything a documentation page or an editor wants to know."""
    return json.dumps([_as_json(card) for card in cards], indent=2, ensure_ascii=False)


def _as_json(card: Card) -> dict[str, object]:
    return {
        "code": card.code,
        "name": card.name,
        "title": card.title,
        "summary": card.summary,
        "severity": str(card.severity),
        "evidence": card.report.label,
        "default": card.default,
        "message": card.message,
        "fixable": card.fixable,
        "since": card.since,
        "url": card.url,
        "sections": dict(card.sections),
    }
