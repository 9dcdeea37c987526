"""What a finding is recognised by after the file has changed: the expression it stands in, and not its line.

The expression is that around the one underlined: `torch.log(p)` where `p` is what may be 0. It is taken from the
syntax tree, so that neither moved lines nor a formatter (line breaks, quotes, parentheses, trailing commas, comments)
change its key; nor does what else is done in the statement. A finding about a whole statement is known by that, without
its body.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from nanlint.depth import on_deep_stack
from nanlint.diagnostic import Diagnostic
from nanlint.source import Source, SourceError
from nanlint.syntax import parse

_BODIES = frozenset({"body", "orelse", "finalbody", "handlers", "cases"})
# what the tree says twice, or only some versions of Python say
_UNSAID = frozenset({"ctx", "kind", "type_comment", "type_ignores"})

_Place = tuple[int, int]


def keys_of(source: Source | None, found: Sequence[Diagnostic]) -> list[str]:
    """A key for each finding in one text; findings of one rule in equal expressions have equal keys."""
    if source is None or not found:
        return [_digest(one.code) for one in found]
    try:
        return on_deep_stack(lambda: _keys(source, found))
    except (SourceError, RecursionError):  # what cannot be parsed has its lines only
        return [_digest(one.code, _squeezed(source.line_text(one.span.start_line))) for one in found]


def fingerprints(found: Iterable[Diagnostic], sources: Mapping[str, Source]) -> list[str]:
    """A key for each finding of a run, like `3f2a9b0c1d2e4f56:1`: equal ones in one file are counted."""
    listed = list(found)
    by_file: dict[str, list[Diagnostic]] = {}
    for one in listed:
        by_file.setdefault(one.filename, []).append(one)
    keys = {filename: iter(keys_of(sources.get(filename), some)) for filename, some in by_file.items()}
    seen: Counter[tuple[str, str]] = Counter()
    made = []
    for one in listed:
        key = next(keys[one.filename])
        seen[one.filename, key] += 1
        made.append(f"{key}:{seen[one.filename, key]}")
    return made


def _keys(source: Source, found: Sequence[Diagnostic]) -> list[str]:
    statements = _Statements(source)
    return [_digest(one.code, statements.around(one)) for one in found]


class _Statements:
    """The statements of a text, each with the places where it begins and ends."""

    def __init__(self, source: Source) -> None:
        self._source = source
        nodes = (node for node in ast.walk(parse(source)) if isinstance(node, ast.stmt | ast.excepthandler))
        self._placed = sorted(((_start(node), _end(node), node) for node in nodes), key=lambda placed: placed[:2])

    def around(self, one: Diagnostic) -> str:
        """The expression around a finding, else its statement; of a comment, its words."""
        text = self._source.slice(one.span)
        if text.startswith("#"):
            return _squeezed(text)
        start = self._place(one.span.start_line, one.span.start_column)
        end = self._place(one.span.end_line, one.span.end_column)
        inside = None
        for first, last, node in self._placed:
            if first > start:
                break
            if start < last:
                inside = node
        return _squeezed(text) if inside is None else "".join(_said(_expression(inside, start, end) or inside))

    def _place(self, line: int, column: int) -> _Place:
        """The tree counts bytes."""
        return line, len(self._source.line_text(line)[: column - 1].encode(errors="surrogatepass"))


def _expression(statement: ast.AST, start: _Place, end: _Place) -> ast.expr | None:
    """The smallest expression of a statement that holds this part of the text, and more."""
    best, waiting = None, [statement]
    while waiting:
        for child in _parts(waiting.pop()):
            if isinstance(child, ast.expr):
                first, last = _start(child), _end(child)
                if not (first <= start and end <= last):
                    continue
                if (first, last) != (start, end):
                    best = child
            waiting.append(child)
    return best


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    for name, value in ast.iter_fields(node):
        if name not in _BODIES or not isinstance(node, ast.stmt | ast.excepthandler):
            yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, ast.AST))


def _start(node: ast.stmt | ast.excepthandler | ast.expr) -> _Place:
    first = min((one.lineno for one in getattr(node, "decorator_list", ())), default=node.lineno)
    return first, node.col_offset


def _end(node: ast.stmt | ast.excepthandler | ast.expr) -> _Place:
    return node.end_lineno or node.lineno, node.end_col_offset or node.col_offset


def _said(node: ast.AST) -> Iterator[str]:
    """A node in words that are the same in every version of Python."""
    yield f"({type(node).__name__}"
    for name, value in ast.iter_fields(node):
        if name in _UNSAID or (name in _BODIES and isinstance(node, ast.stmt | ast.excepthandler)):
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, ast.AST):
                yield f" {name}"
                yield from _said(one)
            elif one is not None:
                yield f" {name}:{type(one).__name__}:{one!r}"
    yield ")"


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode(errors="surrogatepass")).hexdigest()[:16]
