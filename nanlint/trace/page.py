"""`--report out.html`: one page that needs nothing else, with the flow through each model and the findings about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from nanlint.diagnostic import Diagnostic
from nanlint.report.full import explain
from nanlint.report.run import Run
from nanlint.report.style import Style
from nanlint.source import Source
from nanlint.trace.plots import flow_plot, histograms, worst
from nanlint.trace.protocol import Model, Row
from nanlint.trace.results import Results
from nanlint.trace.table import reference_level, verdict

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
svg .warn { fill: var(--bad); } .bar-act { fill: var(--act); opacity: .8; }
.bar-grad { fill: var(--grad); opacity: .8; }
.zero { stroke: var(--soft); stroke-dasharray: 2 3; } figure { margin: 0; } h4 { font-size: 15px; margin: 22px 0 6px; }
figcaption { color: var(--soft); font-size: 13px; margin: -4px 0 12px; text-align: center; }
.layers { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: 14px; margin-bottom: 18px; }
h5 { font-size: 13px; margin: 0; font-weight: 500; } .small { margin: 6px 0; }
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
    if model.remark:
        yield f"<p>{escape(model.remark)}</p>"
    if not model.rows:
        return
    yield f"<figure>{flow_plot(model.rows, model.cured)}{_caption('as it is') if model.cured else ''}</figure>"
    if model.cured:
        yield f"<figure>{flow_plot(model.cured, model.rows)}{_caption('with the repair that is offered')}</figure>"
    if chosen := worst(model.rows):
        yield '<h4>The worst layers, and a healthy one</h4><div class="layers">'
        reference = reference_level(model.rows)
        for row in chosen:
            said = verdict(row, reference)
            mark = f'<span class="{"bad" if said else "good"}">{said or "healthy"}</span>'
            name = f"{escape(row.module or row.kind)} {mark}"
            yield f"<div><h5>{name}</h5>{''.join(histograms(row))}</div>"
        yield "</div>"
    yield from _table(model.rows)


def _caption(text: str) -> str:
    return f"<figcaption>{text}</figcaption>"


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
