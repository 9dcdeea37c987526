"""Comments that silence findings: `# nanlint: ignore[NAN101] reason`, `# noqa: NAN101`, `# nanlint: ignore-file`, and
for a stretch of lines `# nanlint: disable[NAN101]` up to `# nanlint: enable[NAN101]`.

A suppression that silences nothing (NAN001), or names a rule that does not exist (NAN002), is itself a finding.
"""

from __future__ import annotations

import io
import re
import tokenize
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from nanlint.cards import Card, find_card
from nanlint.config import Settings, nearest_rule
from nanlint.diagnostic import Diagnostic, Evidence, Severity
from nanlint.fix import Applicability, Edit, Fix
from nanlint.source import Source, Span

UNUSED = ("NAN001", "unused-suppression")
UNKNOWN = ("NAN002", "unknown-suppression-code")
RUN_CODES = frozenset({UNUSED[0], UNKNOWN[0]})  # about comments, not about code

# the reason ends where another comment begins
_NANLINT = re.compile(r"#\s*nanlint\s*:\s*(?P<verb>ignore-file|ignore|disable)\b(?:\s*\[(?P<codes>[^\]#]*)\])?[^#]*")
_ENABLE = re.compile(r"#\s*nanlint\s*:\s*enable\b(?:\s*\[(?P<codes>[^\]#]*)\])?")
_CODE = r"[A-Za-z]+[0-9]+"
_NOQA = re.compile(rf"#\s*noqa\b(?:\s*:\s*(?P<codes>{_CODE}(?:[\s,]+{_CODE})*))?[^#]*", re.I)
_OURS = re.compile(r"NAN[0-9]+", re.I)
_MENTIONED = re.compile(r"#[^\n#]*(?:nanlint|noqa)", re.I)
_WORD = re.compile(r"[^\s,]+")
_COMMENT = re.compile(r"#[^\r\n]*")


@dataclass
class Suppression:
    """One directive in one comment.

    Attributes:
        span: from its `#` to its last character.
        codes: what it silences, and where each code stands; empty: everything.
        bare: it names no codes.
        noqa: shared with other linters: never unused as a whole, and only our codes in it are looked at.
        first_line, last_line: where a finding must stand to be silenced.
        own_line: nothing but the comment stands on its line.
        used: the codes that silenced something ("" for a bare one).
    """

    span: Span
    codes: dict[str, Span]
    bare: bool
    noqa: bool
    first_line: int
    last_line: int
    own_line: bool
    used: set[str] = field(default_factory=set)

    def silences(self, found: Diagnostic) -> bool:
        """Does this directive name the rule of a finding on its lines? Remembers that it did."""
        if self.bare:
            self.used.add("")
            return True
        words = [word for word in self.codes if word.upper() == found.code or word.lower() == found.name]
        self.used.update(words)
        return bool(words)


class _Directives:
    """The directives of a text by where the statements end that they speak of: thousands of findings may meet
    thousands of them. Statements do not overlap; comments above one belong to it."""

    def __init__(self, suppressions: Iterable[Suppression]) -> None:
        self._by_end: dict[int, list[Suppression]] = {}
        for one in suppressions:
            self._by_end.setdefault(one.last_line, []).append(one)
        self._ends = sorted(self._by_end)
        self._below = {end: max(one.first_line for one in group) for end, group in self._by_end.items()}
        self._answers: dict[tuple[int, str], bool] = {}

    def silence(self, found: Diagnostic) -> bool:
        """Does one speak of the finding? Every one is asked: two on one statement are both used."""
        first, last = found.span.start_line, max(found.span.end_line, found.noqa_line or 0)
        start, stop = bisect_left(self._ends, first), bisect_left(self._ends, last) + 1
        # the last end may be that of the whole file
        ends = (*self._ends[start:stop], *self._ends[max(stop, len(self._ends) - 1) :])
        return True in [self._ask(end, found, last) for end in ends]

    def _ask(self, end: int, found: Diagnostic, last: int) -> bool:
        group = self._by_end[end]
        if self._below[end] > last:  # it stands above or between the comments
            return True in [one.silences(found) for one in group if one.first_line <= last]
        if (end, found.code) not in self._answers:
            self._answers[end, found.code] = True in [one.silences(found) for one in group]
        return self._answers[end, found.code]


def apply_suppressions(
    source: Source, found: Iterable[Diagnostic], cards: Collection[Card], settings: Settings
) -> list[Diagnostic]:
    """What is left of `found`, and what is wrong with the suppressions themselves.

    `found` holds everything the analysis saw, reported or not, so that a comment needed under one configuration is
    not called unused under another.
    """
    found = list(found)
    if not _MENTIONED.search(source.text):
        return found
    suppressions = list(find_suppressions(source))
    directives = _Directives(suppressions)
    kept = [one for one in found if not directives.silence(one)]
    problems = [problem for one in suppressions for problem in _problems(source, one, cards, settings)]
    # a NAN001 or NAN002 can be silenced as well, but then by name
    named = _Directives(one for one in suppressions if RUN_CODES & {word.upper() for word in one.codes})
    return kept + [problem for problem in problems if not named.silence(problem)]


def find_suppressions(source: Source) -> Iterator[Suppression]:
    """All directives in real comments, with the lines each one speaks of."""
    comments, statements = _comments(source)
    for line, column, text in comments:
        before = source.line_text(line)[: column - 1]
        own_line = not before.strip()
        for noqa, pattern in ((False, _NANLINT), (True, _NOQA)):
            for match in pattern.finditer(text):
                span = Span(line, column + match.start(), line, column + len(match[0].rstrip()) + match.start())
                codes = _codes(match, line, column, noqa=noqa)
                if not noqa and match["verb"] == "ignore-file":
                    first, last = 1, len(source.lines) + 1
                elif not noqa and match["verb"] == "disable":
                    ends = (other for other, _, words in comments if other > line and _enables(words, codes))
                    first, last = line, next(ends, len(source.lines) + 1)
                else:
                    first, last = statements.around(line)
                yield Suppression(span, codes, match["codes"] is None, noqa, first, last, own_line)


def _enables(comment: str, codes: Collection[str]) -> bool:
    """Does a comment end what was disabled? One without codes ends everything."""
    match = _ENABLE.search(comment)
    return match is not None and (match["codes"] is None or {*codes} <= {*_WORD.findall(match["codes"])})


def statements_of(source: Source) -> Statements:
    """Where the statements of a text begin and end, as comments see them."""
    return _comments(source)[1]


def _codes(match: re.Match[str], line: int, column: int, *, noqa: bool) -> dict[str, Span]:
    if match["codes"] is None:
        return {}
    at = column + match.start("codes")
    words = {word[0]: Span(line, at + word.start(), line, at + word.end()) for word in _WORD.finditer(match["codes"])}
    return {word: span for word, span in words.items() if not noqa or _OURS.fullmatch(word)}


@dataclass(frozen=True, slots=True)
class Statements:
    """First and last line of every simple statement and of every header of a compound one, in order."""

    lines: Sequence[tuple[int, int]]

    def around(self, line: int) -> tuple[int, int]:
        """What a comment on `line` speaks of: the statement it stands in, or else the next one below."""
        at = bisect_left(self.lines, line, key=lambda statement: statement[1])
        first, last = self.lines[at] if at < len(self.lines) else (line, line)
        return min(first, line), max(last, line)


def _comments(source: Source) -> tuple[list[tuple[int, int, str]], Statements]:
    """Comments as (line, column, text). If the text does not tokenize, every `#` that looks like one."""
    comments: list[tuple[int, int, str]] = []
    statements: list[tuple[int, int]] = []
    first: int | None = None
    # universal newlines, so that line numbers are those of `source`
    reader = io.StringIO(source.text, newline=None).readline
    try:
        for token in tokenize.generate_tokens(reader):
            line, column = token.start
            if token.type == tokenize.COMMENT:
                comments.append((line, column + 1, token.string))
            elif token.type == tokenize.NEWLINE:
                statements.append((first or line, line))
                first = None
            elif first is None and token.type not in {tokenize.NL, tokenize.INDENT, tokenize.DEDENT}:
                first = line
    except (tokenize.TokenError, SyntaxError):
        pairs = enumerate(source.lines, start=1)
        found = [(line, match.start() + 1, match[0]) for line, text in pairs if (match := _COMMENT.search(text))]
        return found, Statements([(line, line) for line, _ in enumerate(source.lines, start=1)])
    return comments, Statements(statements)


def _problems(
    source: Source, suppression: Suppression, cards: Collection[Card], settings: Settings
) -> Iterator[Diagnostic]:
    known: dict[str, Card] = {word: card for word in suppression.codes if (card := find_card(cards, word))}
    if not suppression.noqa:
        for word, span in suppression.codes.items():
            if word not in known:
                message = f"unknown rule `{word}` in a suppression{nearest_rule(word, cards)}"
                yield _finding(source, UNKNOWN, span, message, cards)
    if suppression.bare:
        if not suppression.noqa and not suppression.used:
            fix = _removal(source, suppression, suppression.codes)
            yield _finding(source, UNUSED, suppression.span, "unused suppression", cards, fix)
        return
    unused = [
        word
        for word, card in known.items()
        if word not in suppression.used
        # only a run of the model could tell whether a rule of the dynamic pass needs it
        and not card.traced
        and card.code not in RUN_CODES
        and settings.selects(card.code, card.name, by_default=card.default)
    ]
    if unused:
        names = ", ".join(f"`{word}`" for word in unused)
        span = suppression.span if len(unused) == len(suppression.codes) else suppression.codes[unused[0]]
        fix = _removal(source, suppression, unused)
        yield _finding(source, UNUSED, span, f"unused suppression of {names}", cards, fix)


def _removal(source: Source, suppression: Suppression, words: Iterable[str]) -> Fix:
    """A repair that takes `words` out of the directive, or all of it when none would be left."""
    pattern = _NOQA if suppression.noqa else _NANLINT
    match = pattern.match(source.slice(suppression.span))
    dropped = set(words)
    # of a `noqa`, codes of other linters may be left
    left = [word for word in _WORD.findall(match["codes"] or "") if word not in dropped] if match else []
    if match is None or not left:
        return Fix(Applicability.SAFE, "remove the comment", (Edit(_whole(source, suppression), ""),))
    line, column = suppression.span[:2]
    span = Span(line, column + match.start("codes"), line, column + match.end("codes"))
    names = ", ".join(sorted(dropped))
    return Fix(Applicability.SAFE, f"remove {names} from the comment", (Edit(span, ", ".join(left)),))


def _whole(source: Source, suppression: Suppression) -> Span:
    """The directive with the space before it; the whole line if nothing else stands there."""
    line, column, _, end = suppression.span
    text = source.line_text(line)
    before, after = text[: column - 1], text[end - 1 :]
    if suppression.own_line and not after.strip():
        has_next = line < len(source.lines)
        return Span(line, 1, line + 1, 1) if has_next else Span(line, 1, line, len(source.lines[line - 1]) + 1)
    if after.strip():  # another comment follows and stays where this one was
        return Span(line, column, line, end + len(after) - len(after.lstrip()))
    return Span(line, len(before.rstrip()) + 1, line, len(text) + 1)


def _finding(
    source: Source,
    rule: tuple[str, str],
    span: Span,
    message: str,
    cards: Collection[Card],
    fix: Fix | None = None,
) -> Diagnostic:
    card = find_card(cards, rule[0])
    severity = card.severity if card else Severity.WARNING
    line = span.end_line
    return Diagnostic(*rule, message, source.filename, span, severity, Evidence.CERTAIN, fix=fix, noqa_line=line)
