"""From the text of a file to what is wrong with it: parse → lower → interpret → ask → locate.

The only place where findings about nodes become diagnostics about spans: one pass over the tree locates all nodes
of all findings at once.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from nanlint.cards import Card
from nanlint.checks import run_checks
from nanlint.checks.finding import Finding
from nanlint.checks.wording import shortened
from nanlint.config import Settings
from nanlint.diagnostic import Diagnostic, Related
from nanlint.facts import Facts
from nanlint.fix import Edit, Fix
from nanlint.flow.assumptions import Trust, trusting
from nanlint.flow.program import Analysis, interpret
from nanlint.flow.uses import Use
from nanlint.garbage import no_collection
from nanlint.gate import custom_words, names_arrays
from nanlint.ir import nodes
from nanlint.ir.positions import locate, span_of
from nanlint.ir.walk import blocks_of
from nanlint.places import Place
from nanlint.project import Project
from nanlint.repair.edits import Repair
from nanlint.repair.precedence import as_primary
from nanlint.source import Source, Span
from nanlint.values.value import Grounds, Why

# what files import from each other, read once for all the files of a run; it looks at a file's time before it answers
_PROJECT = Project()

_CALLS = re.compile(r"[\w\])]")  # what stands before the parentheses of a call

_SIMPLE = (nodes.Assign, nodes.Evaluate, nodes.Return, nodes.Raise, nodes.Assert, nodes.Delete)

# how an end of a range is reached, where that is not plain to see
_HINTS = {"softmax": ", underflows to 0", "sigmoid": ", rounds to 0 and 1"}


class Reveal(NamedTuple):
    """The range inferred for one name, for `nanlint show ranges`."""

    line: int
    column: int
    name: str
    text: str
    cell: int | None = None


def analyse(source: Source, cards: Sequence[Card], settings: Settings) -> list[Diagnostic]:
    """What the analysis finds. In a file with suppressions that is everything, whatever the settings select, so that
    a comment which hides a weak finding is not called unused; elsewhere only what will be reported is located.

    Raises:
        SourceError: the text is not Python.
    """
    trust = Trust(settings.assume_positive, settings.safe_functions)
    with no_collection(), trusting(trust):
        # a call of a card's own operation may stand in a function that holds nothing else of interest
        analysis = _interpreted(source, everything=any(card.custom for card in cards))
        facts = Facts(analysis, settings.target_torch)
        found = run_checks(cards, facts, settings)
        if found and not names_arrays(source.text, custom_words(cards)):
            found = []
        if "noqa" not in source.text and "nanlint:" not in source.text:
            found = [one for one in found if settings.reports(one.card, one.evidence)]
        located = _Locator(source, analysis.module, facts, found).diagnostics() if found else []
        analysis.release()
        return located


def begin_run() -> None:
    """Files may have changed since the last run of this process."""
    _PROJECT.begin()


def begin_file() -> None:
    """From now on it is noted what is looked into for the next file's sake."""
    _PROJECT.watch()


def looked_into() -> tuple[frozenset[str], frozenset[Place]]:
    """What was looked into since `begin_file`: files, and places where files were looked for."""
    return _PROJECT.looked_into()


def reveal(source: Source) -> list[Reveal]:
    """The range of every `reveal_range(x)`.

    Raises:
        SourceError: the text is not Python.
    """
    return _revealed(source, lambda analysis: analysis.reveals)


def ranges(source: Source) -> list[Reveal]:
    """The range of every assigned name, and of what every function returns.

    Raises:
        SourceError: the text is not Python.
    """
    return _revealed(source, lambda analysis: [*analysis.assignments, *analysis.summaries])


def _interpreted(source: Source, *, everything: bool) -> Analysis:
    return interpret(_PROJECT.parsed(source), filename=source.filename, modules=_PROJECT, everything=everything)


def _revealed(
    source: Source, shown_by: Callable[[Analysis], Sequence[tuple[nodes.Expr | nodes.Stmt, str, str]]]
) -> list[Reveal]:
    with no_collection():
        analysis = _interpreted(source, everything=True)
        shown = shown_by(analysis)
        spans = locate(source, analysis.module.origin, [node.origin for node, _, _ in shown])
    revealed = [
        Reveal(span.start_line, span.start_column, name, text)
        for node, name, text in shown
        if (span := spans.get(id(node.origin))) is not None
    ]
    return sorted(revealed, key=lambda one: (one.line, one.column))


class _Locator:
    """Turns findings about nodes into diagnostics about spans."""

    def __init__(self, source: Source, module: nodes.Module, facts: Facts, found: Sequence[Finding]) -> None:
        self.source = source
        self.module: ast.Module = module.origin
        self.facts = facts
        self.found = found
        self.targets = dict(_targets(module.body))
        self.spans = locate(source, self.module, self._wanted())

    def diagnostics(self) -> list[Diagnostic]:
        return [self._diagnostic(one, span) for one in self.found if (span := self._shown(one.node)) is not None]

    def _wanted(self) -> Iterator[Any]:
        for one in self.found:
            yield one.node.origin
            if one.statement is not None:
                yield one.statement.origin
            for link in one.why:
                yield link.node.origin
            for context in one.chain:
                yield context.call.origin
            if one.repair is not None:
                for node, _ in one.repair.replacements:
                    yield node.origin
        yield from _imports(self.module)

    def _span(self, node: nodes.Expr | nodes.Stmt) -> Span | None:
        return self.spans.get(id(node.origin))

    def _shown(self, node: nodes.Expr | nodes.Stmt) -> Span | None:
        """What to underline: of a statement its first line, which is where its comment belongs."""
        span = self._span(node)
        if span is None or span.start_line == span.end_line or not isinstance(node, nodes.Stmt):
            return span
        return span._replace(end_line=span.start_line, end_column=len(self.source.line_text(span.start_line)) + 1)

    def _diagnostic(self, one: Finding, span: Span) -> Diagnostic:
        statement = self._span(one.statement) if isinstance(one.statement, _SIMPLE) else None
        return Diagnostic(
            code=one.card.code,
            name=one.card.name,
            message=one.message,
            filename=self.source.filename,
            span=span,
            severity=one.severity,
            evidence=one.evidence,
            related=tuple(self._related(one)),
            fix=None if one.repair is None else self._fix(one.repair),
            noqa_line=(statement or span).end_line,
        )

    def _related(self, one: Finding) -> Iterator[Related]:
        if one.use is not None and (module := self.facts.elsewhere(one.use)) is not None:
            yield from self._related_elsewhere(one, one.use, module)
        for context in reversed(one.chain):
            if context.call is not one.node and (span := self._span(context.call)) is not None:
                yield Related(span, f"`{context.function}` is called here")
        for link in one.why:
            if (span := self._span(link.node)) is not None:
                subject = "this" if link.node is one.node else f"`{self._name(link.node)}`"
                yield Related(span, f"{subject} {_sentence(link)}")

    def _related_elsewhere(self, one: Finding, use: Use, module: nodes.Module) -> Iterator[Related]:
        """The operation itself, in the file that the call leads to."""
        filename = self.facts.filename_of(use)
        yield Related(span_of(module.source, use.node.origin), f"here, in `{one.chain[-1].function}`", filename)

    def _name(self, node: nodes.Expr) -> str:
        """The variable that the value was given to, else the expression itself."""
        return shortened(self.facts.text(self.targets.get(id(node), node)))

    def _fix(self, repair: Repair) -> Fix | None:
        """None where a comment would be lost, or where there is no place for an import."""
        edits: list[Edit] = []
        for node, text in repair.replacements:
            span = self._span(node)
            if span is None or "#" in text or "#" in self.source.slice(span):
                return None
            edits.append(Edit(self._without_parentheses(span, text), text))
        for line in repair.imports:
            edit = self._import(line)
            if edit is None:
                return None
            edits.append(edit)
        return Fix(repair.applicability, repair.message, tuple(edits))

    def _without_parentheses(self, span: Span, text: str) -> Span:
        """The span with the parentheses around it, where the new text needs none. Those of a call stay."""
        source = self.source.text
        start, end = self.source.offset(span.start_line, span.start_column), self.source.offset(*span[2:])
        own = source[start - 1 : start] == "(" and source[end : end + 1] == ")" and not _CALLS.match(source, start - 2)
        if start < 2 or not own or as_primary(text) != text:
            return span
        return span._replace(start_column=span.start_column - 1, end_column=span.end_column + 1)

    def _import(self, text: str) -> Edit | None:
        """A new line after the last import at the top level."""
        lines = [span.end_line for node in _imports(self.module) if (span := self.spans.get(id(node))) is not None]
        if not lines:
            return None
        line = max(lines)
        written = self.source.line_text(line)
        newline = self.source.lines[line - 1][len(written) :] or "\n"
        column = len(written) + 1
        return Edit(Span(line, column, line, column), newline + text)


def _imports(module: ast.Module) -> Iterator[ast.stmt]:
    return (statement for statement in module.body if isinstance(statement, ast.Import | ast.ImportFrom))


def _targets(body: Sequence[nodes.Stmt]) -> Iterator[tuple[int, nodes.Expr]]:
    """The single target that each assigned expression, by its `id`, is assigned to."""
    for statement in body:
        if isinstance(statement, nodes.Assign) and not statement.augmented and len(statement.targets) == 1:
            yield id(statement.value), statement.targets[0]
        for inner in blocks_of(statement):
            yield from _targets(inner)


def _sentence(link: Why) -> str:
    """What a link says of its value: `is a softmax: [0, 1], underflows to 0`."""
    hint = ""
    if link.grounds is Grounds.REACHED:
        hint = _HINTS.get(link.phrase.removeprefix("a "), ", and reaches its ends")
    elif link.grounds is Grounds.UNDERFLOW and link.range.may_be_zero():
        hint = ", underflows to 0 far below"
    return f"is {link.phrase}: {link.range}{hint}"
