"""Colours, and how wide text is on a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from nanlint.diagnostic import Severity

TAB = 4

# they shape a letter; of the invisible characters all others could turn the order of the letters, or hide some
_JOINERS = "\u200c\u200d"

_CODES = {
    "bold": "1", "dim": "2", "error": "1;31", "warning": "1;33", "info": "1;36", "gutter": "1;34", "related": "1;34",
    "help": "1;36", "added": "32", "removed": "31",
}  # fmt: skip


_LINKING_PROGRAMS = frozenset({"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio"})
_LINKING_TERMINALS = frozenset({"xterm-kitty", "alacritty", "foot", "xterm-ghostty"})


@dataclass(frozen=True, slots=True)
class Style:
    """Wraps text in colours and links, or leaves it alone.

    Attributes:
        colour: with colours.
        links: with links.
        screen: a terminal shows it, be it without colours.
    """

    colour: bool = False
    links: bool = False
    screen: bool = False

    def __call__(self, role: str | Severity, text: str) -> str:
        return f"\x1b[{_CODES[str(role)]}m{text}\x1b[0m" if self.colour and text else text

    def link(self, text: str, url: str | None) -> str:
        """Text that a terminal opens a page for."""
        return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\" if self.links and url else text


def wants_links(stream: IO[str], environment: Mapping[str, str]) -> bool:
    """Links for this stream? FORCE_HYPERLINK decides if set, else whether it is a terminal known to have them."""
    if environment.get("FORCE_HYPERLINK"):
        return environment["FORCE_HYPERLINK"] != "0"
    if not stream.isatty() or environment.get("CI") or environment.get("TERM") == "dumb":
        return False
    vte = environment.get("VTE_VERSION", "")
    return (
        environment.get("TERM_PROGRAM", "") in _LINKING_PROGRAMS
        or environment.get("TERM", "") in _LINKING_TERMINALS
        or any(environment.get(name) for name in ("WT_SESSION", "KITTY_WINDOW_ID", "KONSOLE_VERSION"))
        or (vte.isdigit() and int(vte) >= 5000)  # what GNOME's terminals are made from
    )


def wants_colour(stream: IO[str], environment: Mapping[str, str]) -> bool:
    """Colours for this stream? NO_COLOR and FORCE_COLOR decide if set (not empty), else whether it is a terminal."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environment.get("TERM") != "dumb"


def character_width(character: str, column: int) -> int:
    """The cells one character takes at a 0-based column."""
    if character == "\t":
        return TAB - column % TAB
    if character in _JOINERS or unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    if not character.isprintable():
        return 1  # for what is shown instead
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def cells(text: str) -> list[int]:
    """The column where each character of `text` begins, and where the last one ends."""
    starts, at = [], 0
    for character in text:
        starts.append(at)
        at += character_width(character, at)
    return [*starts, at]


def displayed(text: str) -> str:
    """The text as it may be printed: tabs expanded, control characters made visible."""
    shown, at = [], 0
    for character in text:
        width = character_width(character, at)
        if character == "\t":
            shown.append(" " * width)
        else:
            # an escape sequence in a stranger's file must not reach the terminal
            shown.append(character if character.isprintable() or width == 0 else "�")
        at += width
    return "".join(shown)
