"""The table of a model's layers: what flows out of each, what flows back into it, and whether that is healthy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from nanlint.report.style import Style
from nanlint.trace.protocol import EXPLODING, VANISHING, Model, Row

_BAR = 24
_MOST = 40
_HEADER = ("layer", "kind", "line", "output", "activation", "gradient")


def table(model: Model, style: Style) -> Iterator[str]:
    """The lines of the table, without line ends."""
    rows = model.rows
    if not rows:
        return
    how = f", {model.how}" if model.how else ""
    yield style("bold", model.name) + style("dim", f"  on {model.inputs}{how}")
    cells = [_cells(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(_HEADER, *cells, strict=True)]
    yield style("dim", _line(_HEADER, widths) + f"  {'gradient, log scale':<{_BAR}}")
    levels = [_level(row) for row in rows]
    reference = _reference(levels)
    for at, (row, cell) in enumerate(zip(rows, cells, strict=True)):
        if len(rows) > _MOST and _MOST // 2 <= at < len(rows) - _MOST // 2:
            if at == _MOST // 2:
                yield style("dim", f"… {len(rows) - _MOST} more")
            continue
        said = verdict(row, reference)
        bar = f"{_bar(levels[at], levels):<{_BAR}}"
        yield f"{_line(cell, widths)}  {style('warning' if said else 'added', bar)}  {style('warning', said)}".rstrip()
    yield ""


def verdict(row: Row, reference: float | None) -> str:
    """What is wrong with one layer, in a word; empty if nothing is."""
    level = _level(row)
    if row.activation is not None and not math.isfinite(row.activation):
        return "not finite"
    if row.gradient == 0:
        return "no gradient"
    if level is None or reference is None:
        return ""
    if level - reference < VANISHING:
        return "vanishing"
    return "exploding" if level - reference > EXPLODING else ""


def reference_level(rows: Sequence[Row]) -> float | None:
    """The usual gradient of the last third of the layers, as a power of ten."""
    return _reference([_level(row) for row in rows])


def _reference(levels: Sequence[float | None]) -> float | None:
    known = [one for one in levels if one is not None]
    known = known[:-1] if len(known) > 3 else known  # without the head
    return median(known[-max(len(known) // 3, 1) :]) if known else None


def _level(row: Row) -> float | None:
    good = row.gradient is not None and math.isfinite(row.gradient) and row.gradient > 0
    return math.log10(row.gradient) if good and row.gradient else None


def _cells(row: Row) -> tuple[str, ...]:
    line = f"{Path(row.place.file).name}:{row.place.span.start_line}" if row.place is not None else ""
    name = row.module or "(itself)"
    return name, row.kind, line, "×".join(map(str, row.shape)), _number(row.activation), _number(row.gradient)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    texts = [f"{cell:<{width}}" for cell, width in zip(cells[:4], widths[:4], strict=True)]
    numbers = [f"{cell:>{width}}" for cell, width in zip(cells[4:], widths[4:], strict=True)]
    return "  ".join((*texts, *numbers))


def _bar(level: float | None, levels: Sequence[float | None]) -> str:
    """Longer is larger; the whole width is at least four powers of ten, so that small differences look small."""
    known = [one for one in levels if one is not None]
    if level is None:
        return ""
    low, high = min(known), max(known)
    spread = max(high - low, 4.0)
    filled = (level - (high - spread)) / spread * (_BAR - 1) + 1
    whole, rest = divmod(max(filled, 0.125), 1)
    return "█" * int(whole) + " ▏▎▍▌▋▊▉"[int(rest * 8)].strip()
