"""What an editor offers to do about findings, and what it shows of a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lsprotocol import types

from nanlint.adoption.ignores import ignoring
from nanlint.cards import Card, find_card
from nanlint.fix import Applicability
from nanlint.server.desk import Page
from nanlint.server.rulers import Ruler
from nanlint.server.shapes import diagnostic
from nanlint.source import Span

FIX_ALL = "source.fixAll.nanlint"
_LABELS = {Applicability.SAFE: "safe", Applicability.UNSAFE: "unsafe: changes numbers"}


def actions(page: Page, span: Span, ruler: Ruler, only: Sequence[str] | None) -> Iterator[types.CodeAction]:
    """All that can be done about the findings on some lines, and about the whole file."""
    wanted = _wanted(only)
    if wanted(types.CodeActionKind.QuickFix):
        for one in page.touching(span):
            shown = diagnostic(page, one, ruler)
            if one.fix is not None and one.fix.applicability in _LABELS:
                yield types.CodeAction(
                    title=f"{one.code}: {one.fix.message} ({_LABELS[one.fix.applicability]})",
                    kind=types.CodeActionKind.QuickFix,
                    diagnostics=[shown],
                    is_preferred=one.fix.applicability is Applicability.SAFE,
                    edit=ruler.edited(one.fix.edits),
                )
            if edits := list(ignoring(page.source, [one], "")):
                yield types.CodeAction(
                    title=f"{one.code}: ignore this",
                    kind=types.CodeActionKind.QuickFix,
                    diagnostics=[shown],
                    edit=ruler.edited(edits),
                )
    has_safe = any(one.fix is not None and one.fix.applicability is Applicability.SAFE for one in page.found)
    if wanted(FIX_ALL) and has_safe:
        after = page.repaired({Applicability.SAFE})
        if after != page.source.text:
            yield types.CodeAction("nanlint: make all safe repairs", FIX_ALL, edit=ruler.rewritten(after))


def hover(page: Page, line: int, column: int, ruler: Ruler) -> types.Hover | None:
    """The range of the value at a place, and the rules that spoke there."""
    told = []
    span = None
    if (inferred := page.range_at(line, column)) is not None:
        told.append(f"```\n{inferred}\n```")
    for one in page.at(line, column):
        card = find_card(page.cards, one.code)
        if card is not None:
            told.append(_card(card))
            span = ruler.location(one.span).range
    if not told:
        return None
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, "\n\n---\n\n".join(told)), span)


def _card(card: Card) -> str:
    why = card.sections.get("Why is this bad?", "").split("\n\n")[0]
    return "\n\n".join([f"**{card.code} {card.title}**", card.summary, why, f"[Examples and repairs]({card.url})"])


def _wanted(only: Sequence[str] | None) -> Callable[[str], bool]:
    """Does the editor ask for a kind of action? It may name one that it is part of."""

    def wanted(kind: str) -> bool:
        return not only or any(kind == one or kind.startswith(f"{one}.") for one in only)

    return wanted
