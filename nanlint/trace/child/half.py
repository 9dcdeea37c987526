"""NAN910: numbers that half precision cannot hold, in code that uses it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from nanlint.trace.child.births import number
from nanlint.trace.child.flow import Flow
from nanlint.trace.child.places import shown
from nanlint.trace.protocol import Found

CODE = "NAN910"

_LARGEST = 65504.0
_HALF = re.compile(r"(?<!b)float16\b|\.half\(\)|torch\.half\b|\bfp16\b|\bautocast\(|GradScaler|16-mixed")
_BRAIN = re.compile(r"autocast\([^)]*bfloat16")


def uses_half(file: str | None) -> bool:
    """Does the file compute in float16 anywhere?"""
    try:
        text = Path(file or "").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return _HALF.search(_BRAIN.sub("", text)) is not None


def beyond_half(name: str, flows: Sequence[Flow], *, guessed: bool) -> Found | None:
    """The product whose result float16 cannot hold, on a random input."""
    size = median(flow.largest[0] for flow in flows)
    _, place, _ = max((flow.largest for flow in flows), key=lambda one: one[0])
    if size <= _LARGEST or place is None:
        return None
    return Found(CODE, place, {"expression": shown(place), "trouble": number(size)}, name, "info" if guessed else None)
