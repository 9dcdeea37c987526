"""What a run will look at, and the settings and rules that hold for each file, settled before it starts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nanlint.cards import Card, load_cards
from nanlint.config import ConfigError, Configured, Settings, check_selectors
from nanlint.config.keys import check_keys
from nanlint.discover import Found, discover


class File(NamedTuple):
    """A file, with what holds for it. Files with the same settings share the object."""

    name: str
    settings: Settings
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will look at.

    Attributes:
        files: each with the settings and the rules that hold for it.
        problems: what is wrong with the paths, one line each.
        cards: all rules of the run.
        remarks: what was passed over and why, one line each.
    """

    files: tuple[File, ...]
    problems: tuple[str, ...]
    cards: tuple[Card, ...]
    remarks: tuple[str, ...] = ()


class Planner:
    """Finds what holds for files. Cards are read, and settings are checked, once."""

    def __init__(self, configured: Configured) -> None:
        self._configured = configured
        self._books: dict[tuple[Path, ...], tuple[Card, ...]] = {}
        self._settings: dict[tuple[Path, Path | None, tuple[str, ...]], Settings] = {}

    def file(self, filename: str) -> File:
        """The file with its settings and rules.

        Raises:
            CardError: a card in `extra-rules` cannot be used.
            ConfigError: the settings cannot be used, or name a rule that does not exist.
        """
        own = self._configured.for_file(filename)
        key = own.root, own.source, own.ignored_here
        if key not in self._settings:
            if own.extra_rules not in self._books:
                self._books[own.extra_rules] = load_cards(own.extra_rules)
            _check_settings(own, self._books[own.extra_rules])
            self._settings[key] = own
        settings = self._settings[key]
        return File(filename, settings, self._books[settings.extra_rules])

    def cards(self) -> tuple[Card, ...]:
        """All rules that hold for some file."""
        return tuple({card.code: card for cards in self._books.values() for card in cards}.values())


def plan_run(paths: Sequence[str], configured: Configured, *, named: bool = False) -> Plan:
    """The files under `paths`, or `paths` themselves if they name text that is not in files, and what holds for each.

    Raises:
        CardError: a card in `extra-rules` cannot be used.
        ConfigError: the settings cannot be used, or name a rule that does not exist.
    """
    found = Found(tuple(paths)) if named else discover(paths, configured)
    planner = Planner(configured)
    # wrong settings are wrong even where there is nothing to lint
    files = tuple(planner.file(filename) for filename in found.files or (os.curdir,))
    return Plan(files if found.files else (), found.problems, planner.cards(), found.remarks)


def _check_settings(settings: Settings, cards: Sequence[Card]) -> None:
    """See that settings speak of things that exist.

    Raises:
        ConfigError: one does not; the message names the nearest that does.
    """
    check_selectors(settings, cards)
    for word, options in settings.rules.items():
        if options.max_rates:
            from nanlint.checks.optimizers import RATES  # noqa: PLC0415  (hardly anyone sets it)

            try:
                check_keys(options.max_rates, RATES)
            except ConfigError as error:
                raise ConfigError(f"`rules.{word}.max-rates`: {error}") from None
