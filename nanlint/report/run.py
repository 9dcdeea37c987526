"""What a report is made of: the same for every format."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from nanlint.cards import Card
from nanlint.diagnostic import Diagnostic, Related
from nanlint.fix import Edit
from nanlint.formats import FORMATS
from nanlint.report.style import Style, displayed
from nanlint.source import Source, Span

HOME = "https://github.com/nanlint/nanlint"


@dataclass(frozen=True)
class Run:
    """One run, as it is to be reported.

    Attributes:
        found: all findings, file by file.
        sources: the text that they speak of, by file.
        cards: the rules of the run.
        problems: what nanlint could not do, a line each.
    """

    found: Sequence[Diagnostic]
    sources: Mapping[str, Source] = field(default_factory=dict)
    cards: Sequence[Card] = ()
    problems: Sequence[str] = ()

    @cached_property
    def rules(self) -> Mapping[str, Card]:
        """The rules by code."""
        return {card.code: card for card in self.cards}

    def url(self, one: Diagnostic) -> str | None:
        """The page of the rule."""
        card = self.rules.get(one.code)
        return None if card is None else card.url

    def path(self, filename: str) -> str:
        """A file as seen from the root of the repository, with `/`; absolute if it is not in there.

        Services that show a report beside the code know files by these names, wherever nanlint was run.
        """
        if filename.startswith("<"):  # standard input
            return filename
        path = Path(os.path.abspath(filename))  # noqa: PTH100  (links stay as they are)
        return path.relative_to(self._top).as_posix() if path.is_relative_to(self._top) else path.as_posix()

    def uri(self, filename: str) -> str:
        """The same as a URI reference."""
        from urllib.parse import quote  # noqa: PLC0415  (slow, for the few formats that need it)

        path = self.path(filename)
        encoded = quote(os.fsencode(path), safe="/")
        is_absolute = path.startswith("/") or path[1:2] == ":"
        return f"file:///{encoded.lstrip('/')}" if is_absolute else encoded

    def place(self, filename: str, span: Span) -> str:
        """Where a stretch begins, for people: `a.py:7:19`, or `a.ipynb:cell 3:7:19`."""
        return f"{displayed(filename)}:{self.place_in(filename, span)}"

    def place_in(self, filename: str, span: Span) -> str:
        """The same without the file."""
        source = self.sources.get(filename)
        if source is None or (cell := source.cell_of(span.start_line)) is None:
            return f"{span.start_line}:{span.start_column}"
        return f"cell {cell}:{source.line_number(span.start_line)}:{span.start_column}"

    def cell(self, filename: str, span: Span) -> str:
        """`cell 3, line 7: ` for formats that know files and lines only; nothing outside notebooks."""
        source = self.sources.get(filename)
        cell = None if source is None else source.cell_of(span.start_line)
        return "" if source is None or cell is None else f"cell {cell}, line {source.line_number(span.start_line)}: "

    def in_cell(self, filename: str, span: Span) -> Span:
        """A stretch with the numbers that lines have in their cell."""
        source = self.sources.get(filename)
        if source is None:
            return span
        return span._replace(start_line=source.line_number(span.start_line), end_line=source.line_number(span.end_line))

    def in_file(self, filename: str, span: Span) -> Span:
        """Where a stretch stands in the file itself: in the JSON of a notebook."""
        source = self.sources.get(filename)
        return span if source is None else source.in_file(span)

    def edit_in_file(self, filename: str, edit: Edit) -> Edit:
        """The same for a repair."""
        source = self.sources.get(filename)
        return edit if source is None else Edit(*source.edit_in_file(edit.span, edit.content))

    def related_file(self, one: Diagnostic, related: Related) -> str:
        """The file of a place that explains a finding."""
        return related.filename or one.filename

    @cached_property
    def fingerprints(self) -> list[str]:
        """What each finding is recognised by in another run; see `adoption.keys`."""
        from nanlint.adoption.keys import fingerprints  # noqa: PLC0415  (as above)

        return fingerprints(self.found, self.sources)

    @cached_property
    def _top(self) -> Path:
        here = Path.cwd()
        return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


def version() -> str:
    """The version of nanlint, as installed."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  (slow, and seldom asked for)

    try:
        return version("nanlint")
    except PackageNotFoundError:
        return "0"


def report(form: str, run: Run, style: Style) -> Iterator[str]:
    """The lines of a report in one of `FORMATS`, without line ends."""
    module = importlib.import_module(f"nanlint.report.{FORMATS[form].module}")
    for line in module.report(run, style):
        # a file name that is no text in any encoding must not end the run
        yield str(line).encode(errors="replace").decode()
