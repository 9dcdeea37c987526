"""Settings: what to look for, how loudly, and where; from `pyproject.toml`, `nanlint.toml` and the command line."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nanlint.cards import Card
from nanlint.diagnostic import Evidence
from nanlint.requirements import Version, oldest_torch, parse_version

ALL = "ALL"
CONFIG_FILES = ("nanlint.toml", "pyproject.toml")

_PREFIX = re.compile(r"[A-Z]{2,8}\d{0,4}")


class ConfigError(Exception):
    """A setting that cannot be used: one line that says where, what, and the nearest valid word."""


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """Settings of one rule. None: the rule's own default.

    Attributes:
        evidence: the weakest evidence to report.
        epsilon: the constant that the rule's repair writes.
    """

    evidence: Evidence | None = None
    epsilon: float | None = None


_NO_OPTIONS = RuleOptions()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run can be told. The defaults are those of `--isolated`.

    Attributes:
        select: the rules to report, as codes, prefixes of codes, names, or ALL.
        ignore: the rules not to report. Of two selectors the more specific one decides.
        extend_select: added to `select`.
        evidence: the weakest evidence to report, for all rules; None leaves it to each rule.
        epsilon: the constant that repairs write; None leaves it to each repair.
        target_torch: the oldest torch the code runs on; None is any. Left out of the settings, it is what the
            requirements of the project say.
        assume_positive: patterns of names that hold positive numbers.
        safe_functions: patterns of functions, by name or dotted path, that guard what they compute.
        exclude: patterns as in .gitignore, relative to `root`.
        extra_rules: folders with cards of the user's own.
        rules: options by code or name of a rule.
        trace: the table `trace`, which the dynamic pass reads itself.
        root: the folder of the configuration file.
    """

    select: tuple[str, ...] = (ALL,)
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    evidence: Evidence | None = None
    epsilon: float | None = None
    target_torch: Version | None = None
    assume_positive: tuple[str, ...] = ()
    safe_functions: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    extra_rules: tuple[Path, ...] = ()
    rules: Mapping[str, RuleOptions] = field(default_factory=lambda: MappingProxyType({}))
    trace: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    root: Path = Path()

    def options(self, code: str, name: str) -> RuleOptions:
        """The options of one rule: its own where given, else those for all rules."""
        own = self.rules.get(code) or self.rules.get(name) or _NO_OPTIONS
        evidence = self.evidence if own.evidence is None else own.evidence
        return RuleOptions(evidence, self.epsilon if own.epsilon is None else own.epsilon)

    def selects(self, code: str, name: str) -> bool:
        """Is the rule to be reported? The more specific selector decides; of equals, `ignore`."""
        chosen = max((_specificity(word, code, name) for word in self.select + self.extend_select), default=0)
        ignored = max((_specificity(word, code, name) for word in self.ignore), default=0)
        return chosen > ignored

    def reports(self, card: Card, evidence: Evidence) -> bool:
        """Is evidence this strong enough for the rule to speak?"""
        weakest = self.options(card.code, card.name).evidence
        return evidence >= (card.report if weakest is None else weakest)

    def with_command_line(
        self, select: Sequence[str] = (), ignore: Sequence[str] = (), evidence: Evidence | None = None
    ) -> Settings:
        """The settings after the command line's own. `--select` says all that runs; `--ignore` takes away from it."""
        changed = self
        if select:
            changed = replace(changed, select=tuple(select), extend_select=(), ignore=())
        if evidence is not None:
            changed = replace(changed, evidence=evidence, rules=_without_evidence(changed.rules))
        return replace(changed, ignore=changed.ignore + tuple(ignore))


def load_settings(paths: Iterable[str] = ()) -> Settings:
    """The settings in the configuration file nearest to `paths`: in their common folder or above it.

    A `pyproject.toml` without `[tool.nanlint]` says nothing about nanlint and is passed over.

    Raises:
        ConfigError: the file is not valid.
    """
    start = _common_folder(paths)
    for folder in (start, *start.parents):
        for name in CONFIG_FILES:
            path = folder / name
            if path.is_file() and (table := _read_table(path)) is not None:
                return _with_torch(_settings(path, table))
    return _with_torch(Settings(root=start))


def _with_torch(settings: Settings) -> Settings:
    known = settings.target_torch is not None
    return settings if known else replace(settings, target_torch=oldest_torch(settings.root))


def check_selectors(settings: Settings, cards: Collection[Card]) -> None:
    """See that everything `settings` selects, ignores or configures is a rule.

    Raises:
        ConfigError: one is not; the message names the nearest that is.
    """
    for word in (*settings.select, *settings.extend_select, *settings.ignore):
        if word != ALL and not any(_specificity(word, card.code, card.name) for card in cards):
            raise ConfigError(f"unknown rule `{word}`{nearest_rule(word, cards)}")
    for word in settings.rules:
        if not any(word in {card.code, card.name} for card in cards):
            raise ConfigError(f"unknown rule `{word}` in the settings{nearest_rule(word, cards)}")


def nearest_rule(word: str, cards: Collection[Card]) -> str:
    """A hint to append to "unknown rule": the code or name most like `word`."""
    return _nearest(word, [card.code for card in cards] + [card.name for card in cards])


def _nearest(word: str, valid: Collection[str]) -> str:
    alike = {known.lower(): known for known in valid}
    close = difflib.get_close_matches(word.lower(), alike, n=1, cutoff=0.5)
    return f"; did you mean `{alike[close[0]]}`?" if close else ""


def _specificity(word: str, code: str, name: str) -> int:
    """How closely a selector names a rule: 0 is not at all."""
    if word == ALL:
        return 1
    if word in {code, name}:
        return 100
    return 1 + len(word) if _PREFIX.fullmatch(word) and code.startswith(word) else 0


def _without_evidence(rules: Mapping[str, RuleOptions]) -> Mapping[str, RuleOptions]:
    return MappingProxyType({word: replace(options, evidence=None) for word, options in rules.items()})


def _common_folder(paths: Iterable[str]) -> Path:
    existing = [Path(path).resolve() for path in paths if Path(path).exists()]
    if not existing:
        return Path.cwd()
    try:
        common = Path(os.path.commonpath(existing))
    except ValueError:  # different drives
        return Path.cwd()
    return common if common.is_dir() else common.parent


def _read_table(path: Path) -> Mapping[str, Any] | None:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{_shown(path)}: cannot be read: {error}") from None
    if path.name != "pyproject.toml":
        return data
    tool = data.get("tool", {})
    table = tool.get("nanlint") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f"{_shown(path)}: `tool.nanlint` must be a table")
    return table


def _settings(path: Path, table: Mapping[str, Any]) -> Settings:
    try:
        _check_keys(table, _READERS)
        values = {key.replace("-", "_"): _READERS[key](value, key) for key, value in table.items()}
    except ConfigError as error:
        raise ConfigError(f"{_shown(path)}: {error}") from None
    folder = path.parent
    extra = tuple(folder / name for name in values.pop("extra_rules", ()))
    return Settings(**values, extra_rules=extra, root=folder)


def _check_keys(table: Mapping[str, Any], valid: Collection[str]) -> None:
    for key in table:
        if key not in valid:
            hint = _nearest(key, valid) or f"; valid are: {', '.join(valid)}"
            raise ConfigError(f"unknown key `{key}`{hint}")


def _words(value: object, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ConfigError(f"`{key}` must be a list of strings")
    return tuple(value)


def _evidence(value: object, key: str) -> Evidence:
    labels = [evidence.label for evidence in Evidence]
    if not isinstance(value, str) or value not in labels:
        raise ConfigError(f"`{key}` must be one of {', '.join(labels)}")
    return Evidence[value.upper()]


def _positive(value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ConfigError(f"`{key}` must be a number above 0")
    return float(value)


def _torch(value: object, key: str) -> Version:
    version = parse_version(value) if isinstance(value, str) else None
    if version is None:
        raise ConfigError(f'`{key}` must be a version like "2.4"')
    return version


def _any_table(value: object, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"`{key}` must be a table")
    return MappingProxyType(value)


def _rule_tables(value: object, key: str) -> Mapping[str, RuleOptions]:
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise ConfigError(f"`{key}` must hold one table per rule, like [{key}.NAN101]")
    rules = {}
    for word, table in value.items():
        _check_keys(table, _RULE_READERS)
        options = {name: _RULE_READERS[name](option, f"{key}.{word}.{name}") for name, option in table.items()}
        rules[word] = RuleOptions(**options)
    return MappingProxyType(rules)


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


_RULE_READERS: Mapping[str, Any] = {"evidence": _evidence, "epsilon": _positive}
_READERS: Mapping[str, Any] = {
    "select": _words,
    "ignore": _words,
    "extend-select": _words,
    "evidence": _evidence,
    "epsilon": _positive,
    "target-torch": _torch,
    "assume-positive": _words,
    "safe-functions": _words,
    "exclude": _words,
    "extra-rules": _words,
    "rules": _rule_tables,
    "trace": _any_table,
}
