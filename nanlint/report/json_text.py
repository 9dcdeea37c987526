"""JSON that a terminal may show: what could steer it, or change the order of the letters, is written as an escape."""

from __future__ import annotations

import json
import re
from typing import Any

# beyond what JSON itself escapes: DEL and the C1 controls, line separators, and what turns the direction of writing
_STEERING = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def json_text(value: Any, indent: int | None = None) -> str:
    """A value as JSON."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
