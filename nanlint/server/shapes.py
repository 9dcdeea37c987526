"""What nanlint knows in the words of the language server protocol."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable

from lsprotocol import types
from pygls import uris

from nanlint.diagnostic import Diagnostic, Severity
from nanlint.fix import Edit
from nanlint.server.desk import Page
from nanlint.source import Source, Span
from nanlint.suppress import UNUSED

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFO: types.DiagnosticSeverity.Information,
}


class Ruler:
    """Places of a file in the units that the editor counts in."""

    def __init__(self, source: Source, encoding: str) -> None:
        self._source = source
        self._encoding = encoding

    def range(self, span: Span) -> types.Range:
        """A stretch of the text."""
        return self._range(self._source.in_file(span))

    def edit(self, edit: Edit) -> types.TextEdit:
        """One edit."""
        span, content = self._source.edit_in_file(edit.span, edit.content)
        return types.TextEdit(self._range(span), content)

    def rewriting(self, text: str) -> list[types.TextEdit]:
        """The lines that differ in another text."""
        before, after = self._source.file.lines, Source("", self._source.written(text)).lines
        edits = []
        for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if tag != "equal":
                edits.append(types.TextEdit(self._range(Span(a + 1, 1, b + 1, 1)), "".join(after[c:d])))
        return edits

    def place(self, position: types.Position) -> tuple[int, int]:
        """The line and column of a position."""
        text = self._source.line_text(position.line + 1)
        units, column = 0, 1
        for character in text:
            if units >= position.character:
                break
            units += self._units(character)
            column += 1
        return position.line + 1, column

    def _range(self, span: Span) -> types.Range:
        return types.Range(self._position(*span[:2]), self._position(*span[2:]))

    def _position(self, line: int, column: int) -> types.Position:
        text = self._source.file.line_text(line)
        beyond = max(column - 1 - len(text), 0)  # of another file the text is not known
        return types.Position(line - 1, self._units(text[: column - 1]) + beyond)

    def _units(self, text: str) -> int:
        if text.isascii() or self._encoding == "utf-32":
            return len(text)
        if self._encoding == "utf-8":
            return len(text.encode(errors="replace"))
        return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def diagnostics(page: Page, uri: str, ruler: Ruler) -> list[types.Diagnostic]:
    """All findings of a page."""
    return [diagnostic(page, one, uri, ruler) for one in page.found]


def diagnostic(page: Page, one: Diagnostic, uri: str, ruler: Ruler) -> types.Diagnostic:
    """One finding."""
    page_of_rule = next((card.url for card in page.cards if card.code == one.code), None)
    related = [
        types.DiagnosticRelatedInformation(
            types.Location(uri, ruler.range(place.span))
            if place.filename in {None, one.filename}
            else types.Location(_uri(place.filename), Ruler(Source("", ""), "utf-32").range(place.span)),
            place.message,
        )
        for place in one.related
    ]
    return types.Diagnostic(
        range=ruler.range(one.span),
        message=f"{one.message} ({one.name})",
        severity=_SEVERITIES[one.severity],
        code=one.code,
        code_description=None if page_of_rule is None else types.CodeDescription(page_of_rule),
        source="nanlint",
        related_information=related,
        tags=[types.DiagnosticTag.Unnecessary] if one.code == UNUSED[0] else None,
        data={"evidence": one.evidence.label},
    )


def changing(uri: str, edits: Iterable[types.TextEdit]) -> types.WorkspaceEdit:
    """Edits of one file."""
    return types.WorkspaceEdit(changes={uri: list(edits)})


def _uri(filename: str | None) -> str:
    return uris.from_fs_path(os.path.abspath(filename or "")) or ""  # noqa: PTH100  (links stay as they are)
