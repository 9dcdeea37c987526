"""The pictures of the page, as SVG that needs nothing else: the flow through a model's depth, and histograms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from nanlint.trace.protocol import EXPLODING, VANISHING, Histogram, Row
from nanlint.trace.table import reference_level, verdict

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _BOTTOM, _TOP = 880, 330, 56, 16, 36, 44
_WORST = 3
_SMALL_WIDTH, _SMALL_HEIGHT, _MARGIN, _FLOOR = 280, 132, 12, 26


def flow_plot(rows: Sequence[Row], beside: Sequence[Row] = ()) -> str:
    """Activations and gradients through the depth, on a logarithmic axis, with the limits of the rules.

    The axis has room for what is shown `beside` it.
    """
    gradients, activations = [_log(row.gradient) for row in rows], [_log(row.activation) for row in rows]
    lows, highs = [_log(row.low) for row in rows], [_log(row.high) for row in rows]
    known = [level for row in (*rows, *beside) for level in _levels(row)]
    if not known:
        return ""
    low, high = _range(known)

    def x(at: int) -> float:
        return _LEFT + (at + 0.5) * (_WIDTH - _LEFT - _RIGHT) / len(rows)

    def y(level: float) -> float:
        return _TOP + (high - level) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="activation and gradient by layer">']
    for level in range(low, high + 1, max(1, math.ceil((high - low) / 8))):
        parts.append(_ruler("grid", y(level)))
        parts.append(_text(_LEFT - 8, y(level) + 4, _power(level), "end"))
    reference = reference_level(rows)
    for limit, name in ((VANISHING, "vanishing below"), (EXPLODING, "exploding above")):
        if reference is not None and low <= reference + limit <= high:
            at = y(reference + limit)
            parts.append(_ruler("limit", at))
            parts.append(_text(_WIDTH - _RIGHT - 4, at + (14 if limit < 0 else -5), name, "end", "warn"))
    ends = [(at, a, b) for at, (a, b) in enumerate(zip(lows, highs, strict=True)) if a is not None and b is not None]
    band = [f"{x(at):.1f},{y(b):.1f}" for at, _, b in ends] + [f"{x(at):.1f},{y(a):.1f}" for at, a, _ in ends[::-1]]
    parts.append(f'<polygon class="band" points="{" ".join(band)}"/>')
    for kind, levels in (("act", activations), ("grad", gradients)):
        marks = [(x(at), y(level), rows[at]) for at, level in enumerate(levels) if level is not None]
        parts.append(f'<polyline class="{kind}" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b, _ in marks)}"/>')
        parts += [_dot(kind, a, b, row) for a, b, row in marks]
    for at in range(0, len(rows), max(1, math.ceil(len(rows) / 9))):
        parts.append(_text(x(at), _HEIGHT - 12, (rows[at].module or rows[at].kind)[-15:], "middle"))
    parts += _legend(seeds=any(a != b for _, a, b in ends))
    return "\n".join((*parts, "</svg>"))


def worst(rows: Sequence[Row]) -> list[Row]:
    """The layers that are furthest from healthy, and for comparison the last one that is healthy."""
    reference = reference_level(rows)
    bad = [row for row in rows if verdict(row, reference)]

    def distance(row: Row) -> float:
        level = _log(row.gradient)
        return math.inf if level is None or reference is None else abs(level - reference)

    chosen = sorted(bad, key=distance, reverse=True)[:_WORST]
    good = [row for row in rows if not verdict(row, reference)]
    return [*sorted(chosen, key=list(rows).index), *good[-1:]] if chosen else []


def histograms(row: Row) -> Iterator[str]:
    """The outputs of a layer, and the sizes in its gradient."""
    for kind, made, logarithmic in (("act", row.outputs, False), ("grad", row.gradients, True)):
        if made is not None:
            yield _histogram(kind, made, logarithmic=logarithmic)


def _histogram(kind: str, made: Histogram, *, logarithmic: bool) -> str:
    inner, ground = _SMALL_WIDTH - 2 * _MARGIN, _SMALL_HEIGHT - _FLOOR
    step, most = inner / len(made.counts), max(made.counts)
    title = "size of the gradient" if logarithmic else "output"
    parts = [f'<svg class="small" viewBox="0 0 {_SMALL_WIDTH} {_SMALL_HEIGHT}" role="img" aria-label="{title}">']
    for at, count in enumerate(made.counts):
        height = count / most * (ground - 24)
        left = _MARGIN + at * step
        parts.append(
            f'<rect class="bar-{kind}" x="{left:.1f}" y="{ground - height:.1f}" width="{max(step - 1, 1):.1f}" '
            f'height="{height:.1f}"/>'
        )
    parts.append(f'<line class="grid" x1="{_MARGIN}" x2="{_SMALL_WIDTH - _MARGIN}" y1="{ground}" y2="{ground}"/>')
    ends = [f"{10**one:.2g}" if logarithmic and abs(one) < 300 else f"{one:.3g}" for one in (made.low, made.high)]
    parts.append(_text(_MARGIN, _SMALL_HEIGHT - 9, ends[0], "start"))
    parts.append(_text(_SMALL_WIDTH - _MARGIN, _SMALL_HEIGHT - 9, ends[1], "end"))
    if not logarithmic and made.low < 0 < made.high:
        zero = _MARGIN - made.low / (made.high - made.low) * inner
        parts.append(f'<line class="zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="22" y2="{ground}"/>')
        if _MARGIN + 40 < zero < _SMALL_WIDTH - _MARGIN - 40:
            parts.append(_text(zero, _SMALL_HEIGHT - 9, "0", "middle"))
    parts.append(_text(_MARGIN, 15, title, "start"))
    return "\n".join((*parts, "</svg>"))


def _levels(row: Row) -> list[float]:
    found = (_log(one) for one in (row.gradient, row.activation, row.low, row.high))
    return [one for one in found if one is not None]


def _range(known: Sequence[float]) -> tuple[int, int]:
    """Whole powers of ten around all levels, and enough of them that small differences look small."""
    low, high = math.floor(min(known)), math.ceil(max(known))
    missing = max(4 - (high - low), 0)
    return low - missing // 2, high + (missing + 1) // 2


def _legend(*, seeds: bool) -> Iterator[str]:
    names = [("act", "standard deviation of the output", _LEFT + 8), ("grad", "norm of its gradient", 300)]
    for kind, name, at in names:
        yield f'<circle class="dot-{kind}" cx="{at}" cy="20" r="4"/>'
        yield _text(at + 10, 24, name, "start")
    if seeds:
        yield '<rect class="band" x="464" y="14" width="22" height="12"/>'
        yield _text(492, 24, "from seed to seed", "start")


def _dot(kind: str, x: float, y: float, row: Row) -> str:
    value = row.activation if kind == "act" else row.gradient
    title = escape(f"{row.module or row.kind}: {value:.3g}")
    return f'<circle class="dot-{kind}" cx="{x:.1f}" cy="{y:.1f}" r="2.8"><title>{title}</title></circle>'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _ruler(kind: str, at: float) -> str:
    return f'<line class="{kind}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'


def _power(level: int) -> str:
    return f"10{str(level).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _log(value: float | None) -> float | None:
    return math.log10(value) if value is not None and value > 0 and math.isfinite(value) else None
