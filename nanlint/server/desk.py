"""What the server knows of the files that are open in an editor: their findings and ranges."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

from nanlint.cards import Card, CardError
from nanlint.config import ConfigError, Configuration, Settings
from nanlint.depth import on_deep_stack
from nanlint.diagnostic import Diagnostic
from nanlint.discover import is_excluded
from nanlint.engine import FileResult, Repair, lint_text
from nanlint.fix import Applicability
from nanlint.plan import Planner
from nanlint.reading import NOTEBOOK
from nanlint.source import Source, SourceError, Span
from nanlint.syntax import parse


@dataclass(frozen=True)
class Page:
    """One version of one file.

    Attributes:
        source: its text.
        found: what is to be shown.
        cards: the rules that hold for it.
        settings: what the project says.
        trouble: what could not be done, in a line.
    """

    source: Source
    found: tuple[Diagnostic, ...] = ()
    cards: tuple[Card, ...] = ()
    settings: Settings | None = None
    trouble: str | None = None

    def at(self, line: int, column: int) -> list[Diagnostic]:
        """The findings at a place."""
        return [one for one in self.found if one.span[:2] <= (line, column) <= one.span[2:]]

    def touching(self, span: Span) -> list[Diagnostic]:
        """The findings on the lines of a stretch."""
        return [
            one for one in self.found if one.span.start_line <= span.end_line and span.start_line <= one.span.end_line
        ]

    def repaired(self, applicabilities: Collection[Applicability]) -> str:
        """The text with its repairs."""
        if self.settings is None:
            return self.source.text
        result = lint_text(self.source, self.cards, self.settings, Repair(applicabilities, write=False))
        return self.source.text if result.source is None else result.source.text

    def range_at(self, line: int, column: int) -> str | None:
        """`p: [0, 1]` for the name at a place: as assigned there, else where it was assigned last above."""
        name = _name_at(self.source.line_text(line), column)
        if not name:
            return None
        first, last = self._scope(line)
        above = [one for one in self._ranges if one[0] == name and first <= one[1] <= min(line, last)]
        return f"{name}: {max(above, key=lambda one: one[1])[2]}" if above else None

    @cached_property
    def _ranges(self) -> list[tuple[str, int, str]]:
        from nanlint.analysis import ranges  # noqa: PLC0415  (only if someone asks)

        try:
            return [(one.name, one.line, one.text) for one in on_deep_stack(lambda: ranges(self.source))]
        except (SourceError, RecursionError):
            return []

    def _scope(self, line: int) -> tuple[int, int]:
        """The lines of the innermost function around a line."""
        scopes = [scope for scope in self._functions if scope[0] <= line <= scope[1]]
        return max(scopes, default=(1, len(self.source.lines) + 1))

    @cached_property
    def _functions(self) -> list[tuple[int, int]]:
        try:
            tree = on_deep_stack(lambda: parse(self.source))
        except (SourceError, RecursionError):
            return []
        functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
        return [(node.lineno, node.end_lineno or node.lineno) for node in functions]


class Desk:
    """Lints texts with the settings of their files."""

    def __init__(self) -> None:
        self.reload()

    def reload(self) -> None:
        """Settings and cards may have changed."""
        self._planner = Planner(Configuration())

    def page(self, source: Source) -> Page:
        """What there is to say about a text; never an exception."""
        filename, empty = source.filename, Page(source)
        try:
            _, settings, cards = self._planner.file(filename)
        except (ConfigError, CardError) as error:
            return Page(source, trouble=str(error))
        # the JSON of a notebook is not what its reader sees
        is_json = filename.endswith(NOTEBOOK) and source.file is source
        if is_json or is_excluded(filename, replace(settings, force_exclude=True)):
            return empty
        if (analysis := sys.modules.get("nanlint.analysis")) is not None:
            analysis.begin_run()  # files that this one imports may have changed
        result: FileResult = lint_text(source, cards, settings)
        return Page(source, result.found, cards, settings, result.problem)


def _name_at(text: str, column: int) -> str:
    """The name, with its attributes up to there, that a character of a line belongs to."""
    start = end = min(column - 1, len(text))
    while start and (text[start - 1].isidentifier() or text[start - 1].isdigit() or text[start - 1] == "."):
        start -= 1
    while end < len(text) and (text[end].isidentifier() or text[end].isdigit()):
        end += 1
    return text[start:end]
