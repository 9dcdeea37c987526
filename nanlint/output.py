"""From the results of a run to the lines to print, in the format that was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from nanlint.cards import Card
from nanlint.diagnostic import Diagnostic
from nanlint.engine import FileResult
from nanlint.report.concise import concise
from nanlint.report.diff import unified_diff
from nanlint.report.full import full
from nanlint.report.json import json_report
from nanlint.report.statistics import statistics, summary
from nanlint.report.style import Style


class Output:
    """What one run has to say."""

    def __init__(
        self, results: Sequence[FileResult], cards: Sequence[Card], form: str, *, statistics: bool, diff: bool
    ) -> None:
        self.results = results
        self.form = form
        self.statistics = statistics
        self.diff = diff
        self._cards = cards

    @cached_property
    def found(self) -> list[Diagnostic]:
        """All findings, file by file."""
        return [one for result in self.results for one in result.found]

    @property
    def has_findings(self) -> bool:
        """Is there something to exit with 1 for? A difference that was only shown counts."""
        return bool(self.found) or (self.diff and any(result.changed for result in self.results))

    def lines(self, style: Style) -> Iterator[str]:
        """The report, without the sentence that ends it."""
        if self.diff:
            for result in self.results:
                if result.before is not None and result.source is not None and result.changed:
                    yield from unified_diff(result.before, result.source.text, style)
        elif self.form == "json":
            yield json_report(self.found, {card.code: card.url for card in self._cards})
        elif self.statistics:
            yield from statistics(self.found)
        elif self.form == "concise":
            yield from concise(self.found, style)
        else:
            sources = {result.filename: result.source for result in self.results if result.source is not None}
            yield from full(self.found, sources, style)

    def closing_line(self) -> str | None:
        """What was found, in a sentence; nothing where a program reads the report."""
        if self.form == "json" and not self.diff:
            return None
        fixed = sum(result.fixed for result in self.results)
        if self.diff:
            return f"Would fix {fixed} finding{'' if fixed == 1 else 's'}; {len(self.found)} left."
        files = sum(result.source is not None or bool(result.found) for result in self.results)
        if not files and any(result.problem for result in self.results):
            return None  # the problem says it all
        return summary(self.found, files=files, fixed=fixed)
