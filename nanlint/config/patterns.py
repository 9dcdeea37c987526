"""Patterns of files, as in .gitignore: which of them can be matched in no time."""

from __future__ import annotations

# a pattern is matched by going back at each star: n of them in one name of 200 letters take 200ⁿ steps
_MOST_STARS = 4


def is_quick(pattern: str) -> bool:
    """Has no part of the pattern, between two slashes, more stars than people write?"""
    return all(part.replace("**", "*").count("*") <= _MOST_STARS for part in pattern.split("/"))
