"""Every key of a configuration file: how it is read, what it may hold, and what it is for.

The reader, the JSON schema and the table in docs/settings.md all come from the tables below.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from nanlint.config.errors import ConfigError
from nanlint.config.selectors import nearest
from nanlint.config.settings import RuleOptions
from nanlint.diagnostic import Evidence, Severity
from nanlint.formats import FORMATS
from nanlint.requirements import Version, parse_version

Schema = Mapping[str, Any]

FIXES = ("safe", "unsafe", "never")
GUARDS = ("add", "clamp")
FAMILIES = ("recurrent", "attention", "policy", "critic")


class Key(NamedTuple):
    """One key.

    Attributes:
        read: from a TOML value and the key's name to what `Settings` holds.
        schema: the JSON schema of its values.
        default: what holds without it, as written in TOML.
        about: what it is for, in one line.
    """

    read: Callable[[object, str], Any]
    schema: Schema
    default: str
    about: str


def read_table(table: Mapping[str, Any], keys: Mapping[str, Key], prefix: str = "") -> dict[str, Any]:
    """The values of a table, by the names that they have in Python.

    Raises:
        ConfigError: a key is unknown, or its value is not what it may be.
    """
    check_keys(table, keys)
    return {name.replace("-", "_"): keys[name].read(value, prefix + name) for name, value in table.items()}


def check_keys(table: Mapping[str, Any], valid: Collection[str]) -> None:
    """See that a table holds known keys only.

    Raises:
        ConfigError: one is not known; the message names the nearest that is.
    """
    for key in table:
        if key not in valid:
            hint = nearest(key, valid) or f"; valid are: {', '.join(valid)}"
            raise ConfigError(f"unknown key `{key}`{hint}")


def _words(value: object, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ConfigError(f"`{key}` must be a list of strings")
    return tuple(_text(word, key) for word in value)


def _patterns(value: object, key: str) -> tuple[str, ...]:
    words = _words(value, key)
    _check_patterns(words, key)
    return words


def _check_patterns(words: Collection[str], key: str) -> None:
    from nanlint.patterns import matcher  # noqa: PLC0415  (most settings have none)

    try:
        matcher(words)
    except ValueError as error:
        raise ConfigError(f"`{key}`: {error}") from None


def _text(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"`{key}` must be a string")
    if "\0" in value:  # which no name of a file can hold
        raise ConfigError(f"`{key}` has a NUL in it")
    return value


def _folder(value: object, key: str) -> Path:
    if not _text(value, key):
        raise ConfigError(f"`{key}` must name a folder")
    return Path(_text(value, key))


def _flag(value: object, key: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"`{key}` must be true or false")
    return value


def _choice(value: object, key: str, valid: Collection[str]) -> str:
    if not isinstance(value, str) or value not in valid:
        raise ConfigError(f"`{key}` must be one of {', '.join(valid)}")
    return value


def _evidence(value: object, key: str) -> Evidence:
    return Evidence[_choice(value, key, [evidence.label for evidence in Evidence]).upper()]


def _severity(value: object, key: str) -> Severity:
    return Severity(_choice(value, key, [str(severity) for severity in Severity]))


def _fix(value: object, key: str) -> str:
    return _choice(value, key, FIXES)


def _guard(value: object, key: str) -> str:
    return _choice(value, key, GUARDS)


def _families(value: object, key: str) -> tuple[str, ...]:
    return tuple(_choice(word, key, FAMILIES) for word in _words(value, key))


def _format(value: object, key: str) -> str:
    return _choice(value, key, FORMATS)


def _positive(value: object, key: str) -> float:
    number = -1.0
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):  # TOML has whole numbers of any length
            number = float(value)
    if not (number > 0 and isfinite(number)):
        raise ConfigError(f"`{key}` must be a number above 0")
    return number


def _torch(value: object, key: str) -> Version:
    version = parse_version(value) if isinstance(value, str) else None
    if version is None:
        raise ConfigError(f'`{key}` must be a version like "2.4"')
    return version


def _words_by_pattern(value: object, key: str) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise ConfigError(f'`{key}` must be a table like "tests/*" = ["NAN101"]')
    _check_patterns([pattern.removeprefix("!") for pattern in value], key)
    return MappingProxyType({pattern: _words(words, f"{key}.{pattern}") for pattern, words in value.items()})


def _numbers(value: object, key: str) -> Mapping[str, float]:
    if not isinstance(value, dict):
        raise ConfigError(f"`{key}` must be a table like {{ Adam = 0.1 }}")
    return MappingProxyType({name: _positive(number, f"{key}.{name}") for name, number in value.items()})


def _any_table(value: object, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"`{key}` must be a table")
    return MappingProxyType(value)


def _rule_tables(value: object, key: str) -> Mapping[str, RuleOptions]:
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise ConfigError(f"`{key}` must hold one table per rule, like [{key}.NAN101]")
    return MappingProxyType(
        {word: RuleOptions(**read_table(table, RULE_KEYS, f"{key}.{word}.")) for word, table in value.items()}
    )


_WORDS: Schema = {"type": "array", "items": {"type": "string"}}
_NUMBER: Schema = {"type": "number", "exclusiveMinimum": 0}
_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_EVIDENCE: Schema = {"enum": [evidence.label for evidence in Evidence]}
_SEVERITY: Schema = {"enum": [str(severity) for severity in Severity]}

RULE_KEYS: Mapping[str, Key] = {
    "evidence": Key(_evidence, _EVIDENCE, "", "the weakest evidence to report"),
    "severity": Key(_severity, _SEVERITY, "", "how bad a finding is, whatever the rule says"),
    "fix": Key(
        _fix,
        {"enum": list(FIXES)},
        "",
        "how safe the repair is held to be: `--fix` makes `safe` ones; `never` offers none",
    ),
    "epsilon": Key(_positive, _NUMBER, "", "the constant that the repair writes"),
    "guard": Key(
        _guard,
        {"enum": list(GUARDS)},
        "",
        "how repairs keep what is never negative away from 0: `add` the constant or `clamp` to it",
    ),
    "clip-norm": Key(_positive, _NUMBER, "1.0", "missing-gradient-clipping only: the limit that the repair writes"),
    "families": Key(
        _families,
        {"type": "array", "items": {"enum": list(FAMILIES)}},
        "all",
        "missing-gradient-clipping only: the models it speaks of: `recurrent`, `attention`, `policy`, `critic`",
    ),
    "max-rates": Key(
        _numbers,
        {"type": "object", "additionalProperties": _NUMBER},
        "{}",
        "learning-rate-too-high only: the highest rate that is not reported, by optimiser",
    ),
}

KEYS: Mapping[str, Key] = {
    "select": Key(
        _words,
        _WORDS,
        '["DEFAULT"]',
        "the rules to report: codes, prefixes of codes, names, ALL, or DEFAULT for those that are on by default",
    ),
    "ignore": Key(_words, _WORDS, "[]", "the rules not to report; of two selectors the more specific one decides"),
    "extend-select": Key(_words, _WORDS, "[]", "added to `select`, like a rule that is off by default"),
    "extend-ignore": Key(_words, _WORDS, "[]", "added to `ignore`"),
    "per-file-ignores": Key(
        _words_by_pattern,
        {"type": "object", "additionalProperties": _WORDS},
        "{}",
        "patterns of files, and the rules that are never reported in them; `!pattern` is every other file",
    ),
    "evidence": Key(_evidence, _EVIDENCE, "each rule's own", "the weakest evidence to report, for all rules"),
    "min-severity": Key(_severity, _SEVERITY, '"info"', "the weakest severity to report"),
    "fail-on": Key(_severity, _SEVERITY, '"info"', "the weakest severity that makes the exit code 1"),
    "epsilon": Key(_positive, _NUMBER, "each repair's own", "the constant that repairs write"),
    "target-torch": Key(
        _torch,
        {"type": "string", "pattern": r"^\s*\d+\.\d+"},
        "your requirements",
        "the oldest torch that the code runs on",
    ),
    "assume-positive": Key(
        _words, _WORDS, "[]", "patterns of variables, parameters and attributes that hold positive numbers"
    ),
    "safe-functions": Key(_words, _WORDS, "[]", "patterns of functions that guard what they compute"),
    "exclude": Key(
        _patterns,
        _WORDS,
        "`.git/`, `.venv/`, `build/`, …",
        "what to leave out, as in .gitignore; replaces the defaults",
    ),
    "extend-exclude": Key(_patterns, _WORDS, "[]", "added to `exclude`"),
    "force-exclude": Key(
        _flag, _FLAG, "false", "leave out excluded files even if they are named, which pre-commit does"
    ),
    "respect-gitignore": Key(_flag, _FLAG, "true", "leave out what .gitignore files name"),
    "extra-rules": Key(_words, _WORDS, "[]", "folders with rule cards of your own"),
    "baseline": Key(_text, _TEXT, "none", "the file with the findings that are not reported"),
    "output-format": Key(_format, {"enum": list(FORMATS)}, '"full"', "how to report"),
    "cache-dir": Key(_folder, _TEXT, '".nanlint_cache"', "the folder with what earlier runs saw"),
    "rules": Key(
        _rule_tables,
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/options"}},
        "{}",
        "options by code, prefix or name of rules",
    ),
    "trace": Key(_any_table, {"type": "object"}, "{}", "what `nanlint trace` runs, and how: see docs/trace.md"),
}
