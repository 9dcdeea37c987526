"""The `html` format: one page that needs nothing else, with code frames and filters.

Whatever comes from linted files is escaped, and the page's own policy lets nothing run but the script below.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from nanlint.cards import Card
from nanlint.diagnostic import Diagnostic, Severity
from nanlint.fix import Fix, apply_fixes
from nanlint.report.diff import changed_lines
from nanlint.report.frame import cut_around
from nanlint.report.full import HOW, first_difference, frames
from nanlint.report.html_page import SCRIPT, STYLE
from nanlint.report.run import Run, version
from nanlint.report.style import Style, displayed
from nanlint.source import Source

_NOUNS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_CODE = re.compile(r"`([^`]+)`")
# control characters, which `displayed` leaves in no text, stand for tags until the text is escaped
_OPEN, _NAMED, _CLOSE = "\x01", "\x02", "\x03"
_MARK = re.compile(f"{_OPEN}(\\w+){_NAMED}")


class _Marks(Style):
    """Marks roles where a terminal would have colours."""

    def __call__(self, role: str | Severity, text: str) -> str:
        return f"{_OPEN}{role}{_NAMED}{text}{_CLOSE}" if text else text


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield '<head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
    yield f"<title>nanlint: {_count(len(run.found), 'finding')}</title>"
    yield f"<style>{STYLE}</style></head>"
    yield "<body>"
    yield from _head(run)
    yield "<main>"
    for number, one in enumerate(run.found):
        yield from _finding(run, one, run.fingerprints[number])
    empty = "Nothing found." if not run.found else "Nothing left with these filters."
    yield f'<p id="nothing"{" hidden" if run.found else ""}>{empty}</p>'
    yield "</main>"
    yield from _rules(run)
    yield f"<footer>nanlint {escape(version())}</footer>"
    yield f"<script>{SCRIPT}</script>"
    yield "</body></html>"


def _head(run: Run) -> Iterator[str]:
    severities = Counter(one.severity for one in run.found)
    files = len({one.filename for one in run.found})
    yield "<header><h1><span>nan</span>lint</h1>"
    yield f'<p class="sum"><b id="shown">{len(run.found)}</b> of {_count(len(run.found), "finding")} in '
    yield f"{_count(files, 'file')}</p>"
    if run.problems:
        items = "".join(f"<li>{_text(problem)}</li>" for problem in run.problems)
        yield f'<ul class="problems">{items}</ul>'
    yield '<form id="filters" autocomplete="off"><fieldset><legend>Severity</legend>'
    for severity in Severity:
        count = severities[severity]
        yield (
            f'<label class="chip {severity}"><input type="checkbox" name="severity" value="{severity}" checked>'
            f"{_count(count, _NOUNS[severity])}</label>"
        )
    yield "</fieldset>"
    yield from _select("rule", "All rules", Counter((one.code, f"{one.code} {one.name}") for one in run.found))
    yield from _select("file", "All files", Counter((one.filename, one.filename) for one in run.found))
    yield '<label>Text <input type="search" name="text" placeholder="filter"></label>'
    yield "</form></header>"


def _select(name: str, everything: str, counts: Counter[tuple[str, str]]) -> Iterator[str]:
    yield f'<label>{name.capitalize()} <select name="{name}"><option value="">{everything}</option>'
    for (value, label), count in sorted(counts.items()):
        yield f'<option value="{_attribute(value)}">{_text(label)} ({count})</option>'
    yield "</select></label>"


def _finding(run: Run, one: Diagnostic, mark: str) -> Iterator[str]:
    place = f"{one.filename}:{run.place_in(one.filename, one.span)}"
    identity = f"f-{hashlib.sha256(f'{one.filename}:{mark}'.encode(errors='replace')).hexdigest()[:12]}"
    yield (
        f'<article id="{identity}" class="{one.severity}" data-severity="{one.severity}" '
        f'data-rule="{_attribute(one.code)}" data-file="{_attribute(one.filename)}">'
    )
    yield f'<h2><span class="badge">{_NOUNS[one.severity]}</span> {_sentence(one.message)}</h2>'
    rule = f'<a href="#{_attribute(one.code)}">{_text(one.code)} {_text(one.name)}</a>'
    yield (
        f'<p class="where"><a class="place" href="#{identity}">{_text(place)}</a> {rule} '
        f'<span class="evidence">{one.evidence.label} evidence</span></p>'
    )
    source = run.sources.get(one.filename)
    if source is not None and source.text:
        _, *lines = frames(one, run.sources, _Marks())  # the first one only makes room on a terminal
        yield f"<pre>{_marked(lines)}</pre>"
        if one.fix is not None:
            yield from _repair(one.fix, source)
    yield "</article>"


def _repair(fix: Fix, source: Source) -> Iterator[str]:
    after, _ = apply_fixes(source, [fix])
    changes = list(changed_lines(source, after))
    at = first_difference([text for _, _, text in changes])
    width = max((len(str(line)) for _, line, _ in changes), default=1)
    lines = []
    for sign, line, text in changes:
        role = "added" if sign == "+" else "removed"
        lines.append(_Marks()(role, f"{source.line_number(line):>{width}} {sign} {cut_around(text, at)}".rstrip()))
    yield f'<p class="help">{_sentence(fix.message)} <small>{escape(HOW[fix.applicability])}</small></p>'
    yield f'<pre class="repair">{_marked(lines)}</pre>'


def _rules(run: Run) -> Iterator[str]:
    codes = sorted({one.code for one in run.found})
    cards = [run.rules[code] for code in codes if code in run.rules]
    if cards:
        yield '<section id="rules"><h2>The rules</h2>'
        for card in cards:
            yield from _rule(card)
        yield "</section>"


def _rule(card: Card) -> Iterator[str]:
    yield f'<details id="{_attribute(card.code)}"><summary>{_text(card.code)} {_text(card.title)}</summary>'
    yield f"<p>{_sentence(card.summary)}</p>"
    why = card.sections.get("Why is this bad?", "").split("\n\n")[0]
    yield f"<p>{_sentence(' '.join(why.split()))}</p>"
    yield f'<p><a href="{_attribute(card.url)}" rel="noreferrer">Examples and repairs</a></p></details>'


def _marked(lines: Sequence[str]) -> str:
    """Escaped lines, with a tag for every mark."""
    text = escape("\n".join(lines))
    return _MARK.sub(r'<span class="\1">', text).replace(_CLOSE, "</span>")


def _text(text: str) -> str:
    return escape(displayed(text))


def _attribute(text: str) -> str:
    return escape(displayed(text), quote=True)


def _sentence(text: str) -> str:
    """Text with `code` in it."""
    return _CODE.sub(r"<code>\1</code>", _text(text))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
