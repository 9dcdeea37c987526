"""Suppression comments for findings that exist: which comment, and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from nanlint.diagnostic import Diagnostic
from nanlint.fix import Applicability, Edit, Fix, apply_fixes
from nanlint.source import Source, Span
from nanlint.suppress import RUN_CODES, Suppression, find_suppressions, statements_of

# a line with its comment that is longer than this gets the comment above it
_LONGEST = 120
_SYNTAX_ERROR = "NAN003"


def with_ignores(source: Source, found: Iterable[Diagnostic], reason: str) -> str:
    """The text with a comment for every finding."""
    edits = tuple(ignoring(source, found, reason))
    text, _ = apply_fixes(source, [Fix(Applicability.DISPLAY, "", edits)])
    return text


def ignoring(source: Source, found: Iterable[Diagnostic], reason: str) -> Iterator[Edit]:
    """One edit for each statement with findings: a comment at its end, or above it where that would be too long.

    A file that is no Python, and suppressions that are wrong themselves, cannot be silenced.
    """
    statements = statements_of(source)
    codes: dict[tuple[int, int], dict[str, None]] = {}
    for one in found:
        if one.code not in RUN_CODES and one.code != _SYNTAX_ERROR:
            codes.setdefault(statements.around(one.span.start_line), {})[one.code] = None
    if not codes:
        return
    present = [one for one in find_suppressions(source) if not one.noqa and one.codes and not one.own_line]
    for (first, last), words in codes.items():
        at_end = [one for one in present if one.span.start_line == last and one.first_line == first]
        yield _extended(at_end[0], list(words)) if at_end else _comment(source, first, last, list(words), reason)


def _extended(suppression: Suppression, words: Sequence[str]) -> Edit:
    """More codes for a comment that is there, whose reason then holds for them too."""
    end = max(span for span in suppression.codes.values())
    at = Span(end.end_line, end.end_column, end.end_line, end.end_column)
    return Edit(at, "".join(f", {word}" for word in words))


def _comment(source: Source, first: int, last: int, words: Sequence[str], reason: str) -> Edit:
    # on one line, whatever is in it: what follows a line break would be code
    comment = f"# nanlint: ignore[{', '.join(words)}] {' '.join(reason.split())}".rstrip()
    text = source.line_text(last)
    if len(text) + len(comment) + 2 <= _LONGEST:
        end = len(text.rstrip()) + 1
        return Edit(Span(last, end, last, len(text) + 1), f"  {comment}")
    text = source.line_text(first)
    newline = source.lines[first - 1][len(text) :] or "\n"
    column = len(text) - len(text.lstrip()) + 1
    return Edit(Span(first, column, first, column), f"{comment}{newline}{text[: column - 1]}")
