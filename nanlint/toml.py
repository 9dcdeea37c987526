"""TOML that strangers wrote: whatever is wrong with it is said in one way."""

from __future__ import annotations

from tomllib import TOMLDecodeError, loads
from typing import Any

__all__ = ["TOMLDecodeError", "parse_toml"]


def parse_toml(text: str) -> dict[str, Any]:
    """The values in a text.

    Raises:
        TOMLDecodeError: it is no TOML, or too much of it for Python.
    """
    try:
        return loads(text)
    except TOMLDecodeError:
        raise
    except ValueError:
        raise TOMLDecodeError("a number in it is too long") from None
    except RecursionError:
        raise TOMLDecodeError("nested too deeply") from None
