"""`--report out.html`: one page that needs nothing else, with the flow through each model and the findings about it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from nanlint.diagnostic import Diagnostic
from nanlint.report.full import explain
from nanlint.report.run import Run
from nanlint.report.style import Style
from nanlint.source import Source
from nanlint.trace.protocol import EXPLODING, VANISHING, Model, Row
from nanlint.trace.results import Results
from nanlint.trace.table import reference_level, verdict

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 880, 320, 56, 34, 38

_STYLE = """
:root { --ink: #1d2433; --soft: #667085; --line: #e4e7ec; --ground: #fff; --panel: #f8f9fb; --act: #2563eb;
  --grad: #d97706; --bad: #c81e3a; --good: #16803c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9f0; --soft: #98a2b3; --line: #313a4b; --ground: #12161f;
  --panel: #1a202c; --act: #6ea0ff; --grad: #f2a93b; --bad: #ff7a8f; --good: #5fd38a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1000px; padding: 32px 24px 80px; background: var(--ground); color: var(--ink);
  font: 15px/1.55 system-ui, sans-serif; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 44px 0 2px; }
p { margin: 4px 0 14px; color: var(--soft); }
svg { display: block; width: 100%; height: auto; background: var(--panel); border: 1px solid var(--line);
  border-radius: 8px; margin: 10px 0; }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
.grid { stroke: var(--line); } .limit { stroke: var(--bad); stroke-dasharray: 5 4; }
.act { stroke: var(--act); fill: none; stroke-width: 2; } .grad { stroke: var(--grad); fill: none; stroke-width: 2; }
.dot-act { fill: var(--act); } .dot-grad { fill: var(--grad); } .band { fill: var(--grad); opacity: .18; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; color: var(--soft); font-weight: 500; } th, td { padding: 4px 10px 4px 0;
  border-bottom: 1px solid var(--line); white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.bad { color: var(--bad); font-weight: 600; } .good { color: var(--good); }
th.number { text-align: right; }
section { background: var(--panel); border: 1px solid var(--line); border-left: 4px solid var(--grad);
  border-radius: 6px; padding: 12px 16px 4px; margin: 12px 0; } section.error { border-left-color: var(--bad); }
h3 { font-size: 15px; margin: 0; overflow-wrap: anywhere; } section p { margin: 2px 0 8px; font-size: 13px; }
pre { overflow-x: auto; margin: 0 0 10px; font: 12.5px/1.5 ui-monospace, monospace; }
"""


def page(results: Results) -> str:
    """The whole page."""
    found = [one for several in results.found.values() for one in several]
    models = "1 model" if len(results.models) == 1 else f"{len(results.models)} models"
    findings = "nothing found" if not found else "1 finding" if len(found) == 1 else f"{len(found)} findings"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>nanlint trace: {findings}</title><style>{_STYLE}</style></head><body>",
        "<h1>nanlint trace</h1>",
        f'<p>{models} traced, <span class="{"bad" if found else "good"}">{findings}</span></p>',
        *_findings(found, results.sources),
        *(line for model in results.models for line in _model(model)),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _findings(found: Sequence[Diagnostic], sources: Mapping[str, Source]) -> Iterator[str]:
    run = Run(found, sources)
    for one in found:
        _, *frame = explain(one, run, Style())
        where = f"{one.filename}:{one.span.start_line}:{one.span.start_column}"
        yield f'<section class="{one.severity}"><h3>{escape(one.message)}</h3>'
        yield f"<p>{escape(where)} · {one.severity} {one.code} {one.name}</p>"
        if frame:
            yield f"<pre>{escape(chr(10).join(frame))}</pre>"
        yield "</section>"


def _model(model: Model) -> Iterator[str]:
    how = f", {model.how}" if model.how else ""
    yield f"<h2>{escape(model.name)}</h2><p>on {escape(model.inputs)}{escape(how)}; {model.seconds:.1f} s</p>"
    if model.rows:
        yield _plot(model.rows)
        yield from _table(model.rows)


def _table(rows: Sequence[Row]) -> Iterator[str]:
    heads = [f"<th>{head}</th>" for head in ("layer", "kind", "line", "output")]
    heads += [f'<th class="number">{head}</th>' for head in ("activation", "gradient")]
    yield f'<div class="scroll"><table><tr>{"".join(heads)}<th></th></tr>'
    reference = reference_level(rows)
    for row in rows:
        said = verdict(row, reference)
        place = "" if row.place is None else f"{row.place.file.rpartition('/')[2]}:{row.place.span.start_line}"
        texts = (row.module or "(itself)", row.kind, place, "×".join(map(str, row.shape)))
        numbers = (_number(row.activation), _number(row.gradient))
        yield (
            "<tr>"
            + "".join(f"<td>{escape(text)}</td>" for text in texts)
            + "".join(f'<td class="number">{text}</td>' for text in numbers)
            + f'<td class="{"bad" if said else "good"}">{said or "·"}</td></tr>'
        )
    yield "</table></div>"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _plot(rows: Sequence[Row]) -> str:
    """Activations and gradients through the depth, on a logarithmic axis, with the limits of the rules."""
    gradients = [_log(row.gradient) for row in rows]
    activations = [_log(row.activation) for row in rows]
    lows, highs = [_log(row.low) for row in rows], [_log(row.high) for row in rows]
    known = [one for one in (*gradients, *activations, *lows, *highs) if one is not None]
    if not known:
        return ""
    reference = reference_level(rows)
    low, high = math.floor(min(known)), math.ceil(max(known))
    if high - low < 4:  # small differences must look small
        low, high = low - (4 - high + low) // 2, high + (5 - high + low) // 2

    def x(at: int) -> float:
        return _LEFT + (at + 0.5) * (_WIDTH - _LEFT - 16) / len(rows)

    def y(level: float) -> float:
        return _TOP + (high - level) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="activation and gradient by layer">']
    for level in range(low, high + 1, max(1, (high - low) // 8)):
        parts += _ruler("grid", y(level))
        parts.append(f'<text x="{_LEFT - 8}" y="{y(level) + 4:.1f}" text-anchor="end">1e{level}</text>')
    for limit, name in ((VANISHING, "vanishing"), (EXPLODING, "exploding")):
        if reference is not None and low <= reference + limit <= high:
            at = y(reference + limit)
            parts += _ruler("limit", at)
            parts.append(f'<text x="{_WIDTH - 14}" y="{at - 4:.1f}" text-anchor="end">{name}</text>')
    ends = [(at, a, b) for at, (a, b) in enumerate(zip(lows, highs, strict=True)) if a is not None and b is not None]
    upper = [f"{x(at):.1f},{y(b):.1f}" for at, _, b in ends]
    lower = [f"{x(at):.1f},{y(a):.1f}" for at, a, _ in ends]
    parts.append(f'<polygon class="band" points="{" ".join(upper + lower[::-1])}"/>')
    for kind, levels in (("act", activations), ("grad", gradients)):
        marks = [(x(at), y(level)) for at, level in enumerate(levels) if level is not None]
        parts.append(f'<polyline class="{kind}" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in marks)}"/>')
        parts += [f'<circle class="dot-{kind}" cx="{a:.1f}" cy="{b:.1f}" r="2.6"/>' for a, b in marks]
    for at in range(0, len(rows), max(1, len(rows) // 8)):
        label = rows[at].module or rows[at].kind
        parts.append(f'<text x="{x(at):.1f}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(label[-16:])}</text>')
    for kind, name, at in (
        ("act", "standard deviation of the output", _LEFT + 12),
        ("grad", "norm of its gradient", 300),
    ):
        parts.append(f'<circle class="dot-{kind}" cx="{at}" cy="18" r="4"/>')
        parts.append(f'<text x="{at + 9}" y="22">{name}</text>')
    return "\n".join((*parts, "</svg>"))


def _ruler(kind: str, at: float) -> list[str]:
    return [f'<line class="{kind}" x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{at:.1f}" y2="{at:.1f}"/>']


def _log(value: float | None) -> float | None:
    return math.log10(value) if value is not None and value > 0 and math.isfinite(value) else None
