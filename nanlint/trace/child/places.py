"""Where in the user's source something happens: the innermost of the user's frames, to the column.

Torch runs dozens of frames below a line of the user; the byte code of the innermost of his own frames knows which
expression it is in the middle of. Backward runs from C++, where no such frame is; see `recorder.py`.
"""

from __future__ import annotations

import ast
import contextlib
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType

from nanlint.source import Span
from nanlint.trace.protocol import Place

_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_OURS = str(Path(__file__).parent.parent.parent) + "/"
# below this function of torch there is only what the engine calls: custom backwards and recomputations
_ENGINE = "_engine_run_backward"


_LONGEST = 56


class Places:
    """Knows which files are the user's. A package that he asked for by name is his, wherever it is installed."""

    def __init__(self, roots: Iterable[str]) -> None:
        self._roots = tuple({str(Path(root).resolve()) for root in roots})
        self._mine: dict[str, bool] = {}
        self._known: dict[tuple[CodeType, int], Place | None] = {}

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders whose files are the user's."""
        return self._roots

    def add_root(self, root: str) -> None:
        """Files in this folder are the user's too."""
        self._roots = (*self._roots, str(Path(root).resolve()))
        self._mine.clear()

    def is_mine(self, file: str) -> bool:
        """Is this one of the user's files?"""
        known = self._mine.get(file)
        if known is None:
            known = self._mine[file] = self._judge(file)
        return known

    def here(self, *, below_engine: bool = False, skip_self: object = None) -> Place | None:
        """The expression of the user that is being evaluated.

        Args:
            below_engine: only look at frames that the autograd engine called.
            skip_self: pass over methods of this object; what called them is meant.
        """
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
        while frame is not None:
            code = frame.f_code
            if below_engine and code.co_name == _ENGINE:
                return None
            if self.is_mine(code.co_filename) and (
                skip_self is None or not code.co_varnames or frame.f_locals.get(code.co_varnames[0]) is not skip_self
            ):
                return self._place(code, frame.f_lasti)
            frame = frame.f_back
        return None

    def _judge(self, file: str) -> bool:
        if file.startswith(("<", _OURS)):
            return False
        path = str(Path(file).resolve())
        inside = [root for root in self._roots if path.startswith(root + "/") or path == root]
        if not inside:
            return False
        root = max(inside, key=len)
        # a library below the user's folder (a virtual environment) is not his, a root inside a library is
        return (
            not any(path.startswith(folder + "/") and not root.startswith(folder) for folder in _LIBRARIES)
            and "site-packages" not in path[len(root) :]
        )

    def at(self, code: CodeType, last: int) -> Place | None:
        """The expression at a byte of code."""
        return self._place(code, last)

    def _place(self, code: CodeType, last: int) -> Place | None:
        key = (code, last)
        if key not in self._known:
            self._known[key] = _located(code, last)
        return self._known[key]


def _located(code: CodeType, last: int) -> Place | None:
    start, end, left, right = next(islice(code.co_positions(), last // 2, None), (None, None, None, None))
    if start is None:
        return None
    end = start if end is None else end
    if left is None or right is None:
        return Place(code.co_filename, Span(start, 1, start, 1))
    first, final = _characters(code.co_filename, start, left), _characters(code.co_filename, end, right)
    return Place(code.co_filename, Span(start, first + 1, end, final + 1))


def _characters(file: str, line: int, at: int) -> int:
    """The interpreter counts bytes, people count characters."""
    lines = _lines(file)
    if not 0 < line <= len(lines):
        return at
    return len(lines[line - 1][:at].decode("utf-8", errors="replace"))


@cache
def _lines(file: str) -> list[bytes]:
    try:
        return Path(file).read_bytes().splitlines()
    except OSError:
        return []


def place_of(file: str, node: ast.expr) -> Place:
    """Where an expression of a parsed file stands."""
    end = node.end_lineno or node.lineno
    left = _characters(file, node.lineno, node.col_offset)
    right = _characters(file, end, node.end_col_offset or node.col_offset)
    return Place(file, Span(node.lineno, left + 1, end, right + 1))


def shown(place: Place) -> str:
    """The source text of a place as a message shows it: in backticks, and not too long."""
    text = text_at(place)
    return f"`{text}`" if len(text) <= _LONGEST else f"`{text[: _LONGEST - 1]}…`"


def line_at(place: Place) -> str:
    """The whole of the line in which a place begins."""
    lines = _lines(place.file)
    at = place.span.start_line
    return lines[at - 1].decode("utf-8", errors="replace") if 0 < at <= len(lines) else ""


def text_at(place: Place) -> str:
    """The source text of a place, on one line."""
    lines = [line.decode("utf-8", errors="replace") for line in _lines(place.file)]
    span = place.span
    if not 0 < span.start_line <= span.end_line <= len(lines):
        return ""
    chosen = lines[span.start_line - 1 : span.end_line]
    chosen[-1] = chosen[-1][: span.end_column - 1]
    chosen[0] = chosen[0][span.start_column - 1 :]
    if len(chosen) > 1:  # without the comments between the lines
        with contextlib.suppress(SyntaxError, ValueError):
            return ast.unparse(ast.parse("(" + "\n".join(chosen) + "\n)", mode="eval"))
    return " ".join(" ".join(chosen).split())
