"""From the text of a file to what is wrong with it. To be written; until then nothing is found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nanlint.cards import Card
from nanlint.config import Settings
from nanlint.diagnostic import Diagnostic
from nanlint.source import Source, SourceError


class Reveal(NamedTuple):
    """The range inferred for one name, for `nanlint show ranges`."""

    line: int
    column: int
    name: str
    text: str


def analyse(source: Source, cards: Sequence[Card], settings: Settings) -> list[Diagnostic]:
    """Everything the analysis finds, whatever the settings select.

    Raises:
        SourceError: the text is not Python.
    """
    import libcst  # noqa: PLC0415

    try:
        libcst.parse_module(source.text)
    except libcst.ParserSyntaxError as error:
        raise SourceError(error.message.splitlines()[0], error.raw_line, error.raw_column + 1) from None
    return []


def reveal(source: Source) -> list[Reveal]:
    """The range of every assigned name."""
    return []
