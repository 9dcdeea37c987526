"""From the results of a run to the lines to print, in the format that was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from nanlint.cards import Card
from nanlint.diagnostic import Diagnostic
from nanlint.engine import FileResult
from nanlint.formats import FORMATS
from nanlint.report.diff import unified_diff
from nanlint.report.run import Run, report
from nanlint.report.statistics import statistics, statistics_as_json, summary
from nanlint.report.style import Style
from nanlint.source import SourceError, read_source


class Output:
    """What one run has to say.

    Attributes:
        diff: show what the repairs would write, instead of the findings.
        statistics: show how often each rule spoke, instead of the findings.
        silenced: findings were silenced, and not repaired.
        hidden: how many findings a baseline leaves out.
        unchanged: how many files were not looked at, because nothing in them changed.
    """

    def __init__(
        self,
        results: Sequence[FileResult],
        cards: Sequence[Card],
        *,
        statistics: bool = False,
        diff: bool = False,
        silenced: bool = False,
        hidden: int = 0,
        unchanged: int = 0,
    ) -> None:
        self.results = results
        self.statistics = statistics
        self.diff = diff
        self.silenced = silenced
        self.hidden = hidden
        self.unchanged = unchanged
        self._cards = cards

    @cached_property
    def found(self) -> list[Diagnostic]:
        """All findings, file by file."""
        return [one for result in self.results for one in result.found]

    @cached_property
    def run(self) -> Run:
        """The run as formats see it."""
        sources = {result.filename: result.source for result in self.results if result.source is not None}
        unread = {result.filename for result in self.results if result.unread}
        for related in (related for one in self.found for related in one.related):
            if related.filename in unread and related.filename not in sources:
                with suppress(SourceError):  # then there is nothing to show of it
                    sources[related.filename] = read_source(Path(related.filename), related.filename)
        problems = [result.problem for result in self.results if result.problem is not None]
        return Run(self.found, sources, self._cards, problems)

    @property
    def has_changes(self) -> bool:
        """Was a file repaired, or would one be?"""
        return any(result.changed for result in self.results)

    @property
    def fails(self) -> bool:
        """Is there something to exit with 1 for? A difference that was only shown counts."""
        return any(result.fails for result in self.results) or (self.diff and self.has_changes)

    def lines(self, form: str, style: Style) -> Iterator[str]:
        """The report, without the sentence that ends it."""
        if self.diff:
            for result in self.results:
                if result.before is not None and result.source is not None and result.changed:
                    yield from unified_diff(result.before, result.source.text, style)
        elif self.statistics and form == "json":
            yield statistics_as_json(self.found)
        elif self.statistics:
            yield from statistics(self.found)
        else:
            yield from self.findings(form, style)

    def findings(self, form: str, style: Style) -> Iterator[str]:
        """The findings themselves."""
        return report(form, self.run, style)

    def closing_line(self, form: str) -> str | None:
        """What was found, in a sentence; nothing where a program reads the report."""
        fixed = sum(result.fixed for result in self.results)
        if self.diff:
            return f"Would {self._verb} {fixed} finding{'' if fixed == 1 else 's'}; {len(self.found)} left."
        if not FORMATS[form].for_people:
            return None
        unchecked = sum(result.problem is not None for result in self.results)
        checked = [result for result in self.results if result.problem is None]
        files = sum(result.unread or result.source is not None or bool(result.found) for result in checked)
        if not files and unchecked:
            return None  # the problem says it all
        if not files and self.unchanged:
            return f"No changes in {self.unchanged} Python file{'' if self.unchanged == 1 else 's'}."
        hidden = f" {self.hidden} in the baseline." if self.hidden else ""
        missing = f" {unchecked} could not be checked." if unchecked else ""
        return summary(self.found, files=files, fixed=fixed, verb=self._verb) + hidden + missing

    @property
    def _verb(self) -> str:
        return "silence" if self.silenced else "fix"
