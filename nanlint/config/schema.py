"""The JSON schema of the settings, made from the table that reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nanlint.config.keys import KEYS, RULE_KEYS, Key

URL = "https://raw.githubusercontent.com/nanlint/nanlint/main/docs/nanlint.schema.json"


def schema() -> dict[str, Any]:
    """The schema of `nanlint.toml`, and of the table `[tool.nanlint]`."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": URL,
        "title": "Settings of nanlint",
        **_object(KEYS),
        "$defs": {"options": {"description": "options of one rule, or of several", **_object(RULE_KEYS)}},
    }


def schema_as_json() -> str:
    """The same as text, as it is published."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _object(keys: Mapping[str, Key]) -> dict[str, Any]:
    properties = {name: {"description": key.about, **key.schema} for name, key in keys.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}
