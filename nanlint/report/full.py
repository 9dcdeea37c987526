"""The `full` format: what is wrong, where, why, and what to write instead. The face of nanlint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from nanlint.cards import Card
from nanlint.diagnostic import Diagnostic, Related
from nanlint.fix import Applicability, Fix, apply_fixes
from nanlint.report.diff import changed_lines
from nanlint.report.frame import Label, code_frame, cut_around
from nanlint.report.run import Run
from nanlint.report.style import Style, displayed
from nanlint.source import Source

# a related place farther away than this gets a frame of its own
FAR = 12

HOW = {
    Applicability.SAFE: "safe: applied by --fix",
    Applicability.UNSAFE: "unsafe: applied by --fix --unsafe-fixes",
    Applicability.DISPLAY: "a suggestion: not applied",
}


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    return full(run.found, run.sources, style, run.cards)


def full(
    found: Iterable[Diagnostic], sources: Mapping[str, Source], style: Style, cards: Sequence[Card] = ()
) -> Iterator[str]:
    """The lines of the report, without line ends."""
    run = Run((), sources, cards)
    for diagnostic in found:
        yield from explain(diagnostic, run, style)
        yield ""


def explain(diagnostic: Diagnostic, run: Run, style: Style) -> Iterator[str]:
    """One finding: header, frames, help."""
    severity = diagnostic.severity
    where = style("bold", f"{run.place(diagnostic.filename, diagnostic.span)}:")
    what = style.link(style(severity, f"{severity}[{diagnostic.code}]"), run.url(diagnostic))
    yield f"{where} {what} {style('bold', diagnostic.name)}: {style('bold', displayed(diagnostic.message))}"
    source = run.sources.get(diagnostic.filename)
    if source is None or not source.text:
        return
    yield from frames(diagnostic, run.sources, style)
    if diagnostic.fix is not None:
        yield from _help(diagnostic.fix, source, style, _gutter_width(diagnostic, source))


def frames(diagnostic: Diagnostic, sources: Mapping[str, Source], style: Style) -> Iterator[str]:
    """The code that a finding is about, and the code that explains it."""
    source = sources[diagnostic.filename]
    near = [related for related in diagnostic.related if _is_near(related, diagnostic, source)]
    width = _gutter_width(diagnostic, source)
    labels = [Label(diagnostic.span, "", str(diagnostic.severity), "^"), *map(_label, near)]
    yield from code_frame(source, labels, style, width)
    for related in diagnostic.related:
        if related not in near:
            yield from _far_frame(related, diagnostic, sources, style, width)


def _is_near(related: Related, diagnostic: Diagnostic, source: Source) -> bool:
    if related.filename not in {None, diagnostic.filename}:
        return False
    if source.cell_of(related.span.start_line) != diagnostic.cell:
        return False
    return abs(related.span.start_line - diagnostic.span.start_line) <= FAR


def _label(related: Related) -> Label:
    return Label(related.span, displayed(related.message), "related", "-")


def _far_frame(
    related: Related, diagnostic: Diagnostic, sources: Mapping[str, Source], style: Style, width: int
) -> Iterator[str]:
    filename = related.filename or diagnostic.filename
    place = Run((), sources).place(filename, related.span)
    arrow = style("gutter", " " * width + "-->")
    source = sources.get(filename)
    if source is None:
        yield f"{arrow} {place}: {displayed(related.message)}"
        return
    yield f"{arrow} {place}"
    yield from code_frame(source, [_label(related)], style, width)


def _help(fix: Fix, source: Source, style: Style, width: int) -> Iterator[str]:
    yield f"{style('help', 'help:')} {displayed(fix.message)} ({HOW[fix.applicability]})"
    after, _ = apply_fixes(source, [fix])
    changes = list(changed_lines(source, after))
    at = first_difference([text for _, _, text in changes])
    for sign, line, text in changes:
        role = "added" if sign == "+" else "removed"
        yield (
            style("gutter", f"{source.line_number(line):>{width}}")
            + " "
            + style(role, f"{sign} {cut_around(text, at)}".rstrip())
        )


def first_difference(texts: list[str]) -> int:
    """Where lines begin to differ: the part of a long line that the reader wants to see."""
    return next((at for at, letters in enumerate(zip(*texts, strict=False)) if len(set(letters)) > 1), 0)


def _gutter_width(diagnostic: Diagnostic, source: Source) -> int:
    last = max([diagnostic.span.end_line, *(related.span.end_line for related in diagnostic.related)])
    if diagnostic.fix is not None:
        last = max([last, *(edit.span.end_line for edit in diagnostic.fix.edits)]) + 1
    has_far = any(not _is_near(related, diagnostic, source) for related in diagnostic.related)
    return len(str(last if has_far else min(last, len(source.lines) + 1)))
