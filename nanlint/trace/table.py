"""The table of a model's layers: what flows out of each, what flows back into it, and whether that is healthy."""

from __future__ import annotations

from collections.abc import Iterator

from nanlint.report.style import Style
from nanlint.trace.protocol import Model


def table(model: Model, style: Style) -> Iterator[str]:
    """The lines of the table, without line ends."""
    if not model.rows:
        return
    yield model.name
