"""Faults on one line, as messages name them."""

from __future__ import annotations

_LONGEST = 200


def described(error: BaseException, where: str = "") -> str:
    """The kind of fault and its text; `where` it happened is put between them."""
    text = " ".join(str(error).split())
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    kind = f"{type(error).__name__}{where}"
    return f"{kind}: {text}" if text else kind
