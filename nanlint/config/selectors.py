"""Words that stand for rules: a code, a prefix of codes, a name, ALL, or DEFAULT for those that are on by default."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable

from nanlint.cards import Card

ALL = "ALL"
DEFAULT = "DEFAULT"

_PREFIX = re.compile(r"[A-Z]{2,8}\d{0,4}")


def specificity(word: str, code: str, name: str) -> int:
    """How closely a selector names a rule: 0 is not at all. Whether DEFAULT stands for it the caller knows."""
    if word in {ALL, DEFAULT}:
        return 1
    if word in {code, name}:
        return 100
    return 1 + len(word) if _PREFIX.fullmatch(word) and code.startswith(word) else 0


def closest(words: Iterable[str], code: str, name: str) -> int:
    """The best `specificity` among several selectors."""
    return max((specificity(word, code, name) for word in words), default=0)


def nearest_rule(word: str, cards: Collection[Card]) -> str:
    """A hint to append to "unknown rule": the code or name most like `word`."""
    return nearest(word, [card.code for card in cards] + [card.name for card in cards])


def nearest(word: str, valid: Collection[str]) -> str:
    """A hint to append to an error: the valid word most like `word`, if one is."""
    alike = {known.lower(): known for known in valid}
    close = difflib.get_close_matches(word.lower(), alike, n=1, cutoff=0.5)
    return f"; did you mean `{alike[close[0]]}`?" if close else ""
