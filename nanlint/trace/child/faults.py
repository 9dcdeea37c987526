"""Faults of the user's code, on one line."""

from __future__ import annotations

_LONGEST = 200


def described(error: BaseException) -> str:
    """The kind of fault and its text."""
    text = " ".join(str(error).split())
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
