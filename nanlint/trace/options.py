"""`[tool.nanlint.trace]`: how to trace, and what, so that `nanlint trace` can be run bare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nanlint.cards import nearest
from nanlint.config import ConfigError
from nanlint.trace.protocol import OPTIMIZERS, Options

_KEYS: Mapping[str, type | tuple[type, ...]] = {
    "seeds": int, "batch": int, "budget": (int, float), "memory": int, "device": str, "import": bool,
    "lr": (int, float), "optimizer": str, "seed": int,
}  # fmt: skip
_TARGET_KEYS = ("target", "input", "loss", "labels")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One target as the user names it: a word as on the command line, its inputs, its loss and the loss's labels."""

    word: str
    inputs: tuple[str, ...] = ()
    loss: str | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """The settings of a project.

    Attributes:
        options: how to trace.
        targets: by name.
    """

    options: Options = field(default_factory=Options)
    targets: Mapping[str, Wanted] = field(default_factory=dict)


def read_settings(table: Mapping[str, Any]) -> TraceSettings:
    """The settings in a table.

    Raises:
        ConfigError: one cannot be used; the message says which, and the nearest valid word.
    """
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key == "targets":
            continue
        if key not in _KEYS:
            raise ConfigError(f"unknown key `trace.{key}`{nearest(key, [*_KEYS, 'targets'])}")
        kind = _KEYS[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ConfigError(f"`trace.{key}` must be {_said(kind)}")
        values["imports" if key == "import" else key] = value
    return TraceSettings(with_values(Options(), values), _targets(table.get("targets", {})))


def with_values(options: Options, values: Mapping[str, Any]) -> Options:
    """The options with those that are given; None leaves one as it is.

    Raises:
        ConfigError: a number is too small, or there is no such optimiser.
    """
    given = {key: value for key, value in values.items() if value is not None}
    for key in ("seeds", "batch", "budget", "lr"):
        if key in given and not given[key] > 0:
            raise ConfigError(f"`{key}` must be a number above 0")
    if given.get("memory", 0) < 0:
        raise ConfigError("`memory` must be 0 or more")
    known = str(given.get("optimizer", "adam")).partition(",")[0].strip().lower()
    if known not in OPTIMIZERS:
        raise ConfigError(f"unknown optimizer `{known}`{nearest(known, list(OPTIMIZERS))}")
    return replace(options, **given)


def _targets(table: Any) -> Mapping[str, Wanted]:
    if not isinstance(table, dict) or not all(isinstance(one, dict) for one in table.values()):
        raise ConfigError("`trace.targets` must hold one table per target, like [tool.nanlint.trace.targets.mine]")
    return {name: _target(f"trace.targets.{name}", one) for name, one in table.items()}


def _target(where: str, table: Mapping[str, Any]) -> Wanted:
    for key in table:
        if key not in _TARGET_KEYS:
            raise ConfigError(f"unknown key `{where}.{key}`{nearest(key, _TARGET_KEYS)}")
    word, loss = table.get("target"), table.get("loss")
    if not isinstance(word, str):
        raise ConfigError(f"`{where}.target` must be a string like `model.py:Net`")
    if loss is not None and not isinstance(loss, str):
        raise ConfigError(f"`{where}.loss` must be a string like `train.py:loss`")
    return Wanted(word, _specs(table, "input", where), loss, _specs(table, "labels", where))


def _specs(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list) or not all(isinstance(spec, str) for spec in value):
        raise ConfigError(f"`{where}.{key}` must be a list of strings")
    return tuple(value)


def _said(kind: type | tuple[type, ...]) -> str:
    return {int: "a whole number", str: "a string", bool: "true or false"}.get(
        kind if isinstance(kind, type) else float, "a number"
    )
