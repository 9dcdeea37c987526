"""Patterns of paths, as in .gitignore: those of the settings must be right, those of git's own files need not be."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Any

from pathspec import GitIgnoreSpec

# a pattern is matched by going back at each star: n of them in one name of 200 letters take 200ⁿ steps
_MOST_STARS = 4


def matcher(patterns: Iterable[str]) -> GitIgnoreSpec:
    """What says whether a path is meant.

    Raises:
        ValueError: one of them is no pattern.
    """
    found: list[Any] = []
    for pattern in patterns:
        if not _is_quick(pattern):
            raise ValueError(f"a pattern with too many stars: `{pattern[:40]}`")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of `re`, about `[[`
                found += GitIgnoreSpec.from_lines([pattern]).patterns
        except (ValueError, re.error):
            raise ValueError(f"not a pattern of paths: `{pattern}`") from None
    return GitIgnoreSpec(found)


def _is_quick(pattern: str) -> bool:
    """Has no part of the pattern, between two slashes, more stars than people write?"""
    return all(part.replace("**", "*").count("*") <= _MOST_STARS for part in pattern.split("/"))


def lenient_matcher(lines: Iterable[str]) -> GitIgnoreSpec:
    """The same without the lines that are no patterns, which git passes over."""
    found: list[Any] = []
    for line in lines:
        try:
            found += matcher([line]).patterns
        except ValueError:
            continue
    return GitIgnoreSpec(found)
