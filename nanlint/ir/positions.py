"""Where syntax nodes stand in the text."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from nanlint.source import Source, Span


def locate(source: Source, tree: ast.Module, wanted: Iterable[Any]) -> dict[int, Span]:
    """The span of each wanted node that is part of the tree, by its `id`. Parentheses around an expression do not
    belong to it."""
    ids = {id(node) for node in wanted}
    return {id(node): span_of(source, node) for node in ast.walk(tree) if id(node) in ids}


def span_of(source: Source, node: Any) -> Span:
    """The span of one expression or statement of this text."""
    return Span(
        node.lineno,
        _column(source, node.lineno, node.col_offset),
        node.end_lineno,
        _column(source, node.end_lineno, node.end_col_offset),
    )


def _column(source: Source, line: int, offset: int) -> int:
    """Characters from 1, of bytes from 0 in UTF-8."""
    text = source.lines[line - 1]
    return offset + 1 if text.isascii() else len(text.encode()[:offset].decode(errors="replace")) + 1
