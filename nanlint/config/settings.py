"""What a run can be told, and the questions that are asked of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from nanlint.cards import Card
from nanlint.config.errors import ConfigError
from nanlint.config.selectors import ALL, DEFAULT, closest, nearest_rule, specificity
from nanlint.diagnostic import Evidence, Severity
from nanlint.files import real_path
from nanlint.requirements import Version

# folders that hold other people's code, or none
DEFAULT_EXCLUDES = (
    ".bzr/", ".direnv/", ".eggs/", ".git/", ".hg/", ".ipynb_checkpoints/", ".mypy_cache/", ".nanlint_cache/", ".nox/",
    ".pants.d/", ".pyenv/", ".pytest_cache/", ".pytype/", ".ruff_cache/", ".svn/", ".tox/", ".venv/", "__pycache__/",
    "__pypackages__/", "buck-out/", "build/", "dist/", "node_modules/", "site-packages/", "venv/",
)  # fmt: skip

CACHE_DIR = Path(".nanlint_cache")

# options that only one rule has
OWNERS = {
    "clip_norm": "missing-gradient-clipping",
    "families": "missing-gradient-clipping",
    "max_rates": "learning-rate-too-high",
}

_NONE: Mapping[Any, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """Settings of one rule, or of several. None: the rule's own default.

    Attributes:
        evidence: the weakest evidence to report.
        severity: how bad a finding is, whatever the rule says.
        fix: how safe the repair is held to be: "safe", "unsafe", or "never" for none.
        epsilon: the constant that the rule's repair writes.
        guard: how a repair keeps a value that is never negative away from 0: "add" the constant, or "clamp" to it.
        clip_norm: the limit that the repair of missing-gradient-clipping writes.
        families: the kinds of models that missing-gradient-clipping speaks of.
        max_rates: of learning-rate-too-high, the highest rate for each optimiser that is not reported.
    """

    evidence: Evidence | None = None
    epsilon: float | None = None
    severity: Severity | None = None
    fix: str | None = None
    guard: str | None = None
    clip_norm: float | None = None
    families: tuple[str, ...] | None = None
    max_rates: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run can be told. The defaults are those of `--isolated`.

    Attributes:
        select: the rules to report, as codes, prefixes of codes, names, ALL, or DEFAULT: those that are on by default.
        ignore: the rules not to report. Of two selectors the more specific one decides.
        extend_select, extend_ignore: added to them.
        per_file_ignores: patterns of files, and the rules that are never reported in them.
        evidence: the weakest evidence to report, for all rules; None leaves it to each rule.
        min_severity: the weakest severity to report.
        fail_on: the weakest severity to exit with 1 for.
        epsilon: the constant that repairs write; None leaves it to each repair.
        target_torch: the oldest torch the code runs on; None is any. Left out of the settings, it is what the
            requirements of the project say.
        assume_positive: patterns of names that hold positive numbers.
        safe_functions: patterns of functions, by name or dotted path, that guard what they compute.
        exclude, extend_exclude: patterns as in .gitignore, relative to `root`.
        force_exclude: exclude files that are named on the command line as well.
        respect_gitignore: leave out what git ignores.
        extra_rules: folders with cards of the user's own.
        baseline: the file with the findings that are not reported.
        output_format: how to report.
        cache_dir: the folder with what earlier runs saw, relative to `root`.
        rules: options by code, prefix or name of rules.
        trace: the table that the dynamic pass reads itself.
        root: the folder that patterns are relative to.
        source: the configuration file.
        ignored_here: the selectors of `per_file_ignores` that hold for one file; see `for_file`.
    """

    select: tuple[str, ...] = (DEFAULT,)
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    extend_ignore: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NONE)
    evidence: Evidence | None = None
    min_severity: Severity = Severity.INFO
    fail_on: Severity = Severity.INFO
    epsilon: float | None = None
    target_torch: Version | None = None
    assume_positive: tuple[str, ...] = ()
    safe_functions: tuple[str, ...] = ()
    exclude: tuple[str, ...] = DEFAULT_EXCLUDES
    extend_exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    respect_gitignore: bool = True
    extra_rules: tuple[Path, ...] = ()
    baseline: Path | None = None
    output_format: str = "full"
    cache_dir: Path = CACHE_DIR
    rules: Mapping[str, RuleOptions] = field(default_factory=lambda: _NONE)
    trace: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    root: Path = Path()
    source: Path | None = None
    ignored_here: tuple[str, ...] = ()

    def for_folder(self, folder: Path) -> Settings:
        """These settings: one object may stand for a whole `Configuration`."""
        return self

    def for_file(self, filename: str) -> Settings:
        """These settings, with what `per_file_ignores` says of one file."""
        if not self.per_file_ignores:
            return self
        path = os.path.relpath(real_path(filename), self.root.resolve()).replace(os.sep, "/")
        return replace(self, ignored_here=tuple(_ignored_in(path, self.per_file_ignores)))

    def options(self, code: str, name: str) -> RuleOptions:
        """The options of one rule: those given closest to it, else those for all rules."""
        if not self.rules:  # asked very often
            return RuleOptions(self.evidence, self.epsilon)
        given: dict[str, Any] = {"evidence": self.evidence, "epsilon": self.epsilon}
        for word in sorted(self.rules, key=lambda word: specificity(word, code, name)):
            if specificity(word, code, name):
                own = self.rules[word]
                given |= {one.name: value for one in fields(own) if (value := getattr(own, one.name)) is not None}
        return RuleOptions(**given)

    def selects(self, code: str, name: str, *, by_default: bool = True) -> bool:
        """Is the rule to be reported? The more specific selector decides; of equals, `ignore`. One that is not on by
        default has to be asked for: by code, prefix or name, or with ALL."""
        words = self.select + self.extend_select
        chosen = closest(words if by_default else (word for word in words if word != DEFAULT), code, name)
        ignored = closest(self.ignore + self.extend_ignore, code, name)
        return chosen > ignored and not closest(self.ignored_here, code, name)

    def ignores_by_name(self, code: str, name: str) -> bool:
        """Is the rule itself named among those to ignore, and not just a group that it belongs to?"""
        return bool({code, name} & {*self.ignore, *self.extend_ignore, *self.ignored_here})

    def reports(self, card: Card, evidence: Evidence) -> bool:
        """Is evidence this strong enough for the rule to speak?"""
        weakest = self.options(card.code, card.name).evidence
        return evidence >= (card.report if weakest is None else weakest)

    def shows(self, severity: Severity) -> bool:
        """Is a finding this bad to be reported?"""
        return _weight(severity) >= _weight(self.min_severity)

    def fails(self, severity: Severity) -> bool:
        """Is a finding this bad a reason to exit with 1?"""
        return _weight(severity) >= _weight(self.fail_on)

    def with_command_line(
        self,
        select: Sequence[str] = (),
        ignore: Sequence[str] = (),
        evidence: Evidence | None = None,
        extend_select: Sequence[str] = (),
        extend_ignore: Sequence[str] = (),
    ) -> Settings:
        """The settings after the command line's own. `--select` says all that runs; the others add and take away."""
        changed = self
        if select:
            changed = replace(changed, select=tuple(select), extend_select=(), ignore=(), extend_ignore=())
        if evidence is not None:
            changed = replace(changed, evidence=evidence, rules=_without_evidence(changed.rules))
        return replace(
            changed,
            extend_select=changed.extend_select + tuple(extend_select),
            ignore=changed.ignore + tuple(ignore),
            extend_ignore=changed.extend_ignore + tuple(extend_ignore),
        )


class Configured(Protocol):
    """What knows the settings of every file: one `Settings` for all, or a `Configuration` that looks them up."""

    def for_file(self, filename: str) -> Settings: ...

    def for_folder(self, folder: Path) -> Settings: ...


def check_selectors(settings: Settings, cards: Collection[Card]) -> None:
    """See that everything `settings` selects, ignores or configures is a rule.

    Raises:
        ConfigError: one is not; the message names the nearest that is.
    """
    chosen = (word for word in settings.select + settings.extend_select if word != DEFAULT)
    ignored = (settings.ignore, settings.extend_ignore, *settings.per_file_ignores.values())
    for word in (*chosen, *(word for words in ignored for word in words)):
        if not _stands_for_rules(word, cards):
            raise ConfigError(f"unknown rule `{word}`{nearest_rule(word, cards)}")
    for word, options in settings.rules.items():
        if not _stands_for_rules(word, cards):
            raise ConfigError(f"unknown rule `{word}` in the settings{nearest_rule(word, cards)}")
        for key, owner in OWNERS.items():
            if getattr(options, key) is not None and not any(
                specificity(word, card.code, card.name) == 100 for card in cards if card.name == owner
            ):
                raise ConfigError(f"`rules.{word}` has no option `{key.replace('_', '-')}`; only `{owner}` has")


def _stands_for_rules(word: str, cards: Collection[Card]) -> bool:
    return word == ALL or (word != DEFAULT and any(specificity(word, card.code, card.name) for card in cards))


def _weight(severity: Severity) -> int:
    return -list(Severity).index(severity)


def _without_evidence(rules: Mapping[str, RuleOptions]) -> Mapping[str, RuleOptions]:
    return MappingProxyType({word: replace(options, evidence=None) for word, options in rules.items()})


def _ignored_in(path: str, patterns: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The selectors whose pattern speaks of the path; `!pattern` speaks of all others."""
    from nanlint.patterns import matcher  # noqa: PLC0415  (most settings have no such table)

    found: list[str] = []
    for pattern, words in patterns.items():
        spec = matcher([pattern.removeprefix("!")])
        if spec.match_file(path) != pattern.startswith("!"):
            found += words
    return found
