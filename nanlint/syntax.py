"""From text to Python's syntax tree.

Python's own parser is seven times faster than libcst's, and says best what is wrong with a file. It knows no grammar
newer than the Python that nanlint runs under; libcst does, and steps in for such files (see `newer`).
"""

from __future__ import annotations

import ast
import re
import warnings

from nanlint.depth import too_deep
from nanlint.source import Source, SourceError

# where a grammar since Python 3.12 may be at work: PEP 695 and 696, 701 and 750, 758
_NEWER = re.compile(r"""\b(?:class|def|type)\s+\w+\s*[\[=]|\b[rR]?[fFtT][rR]?["']|\bexcept\b[^(:\n]+,""")


def parse(source: Source) -> ast.Module:
    """The syntax tree of a text; each node's place in the tree is its place in the text.

    Raises:
        SourceError: the text is not Python.
    """
    try:
        return _parsed(source.text)
    except SyntaxError as error:
        if (tree := _newer(source)) is not None:
            return tree
        raise SourceError(error.msg, error.lineno or 1, error.offset or 1) from None
    except ValueError as error:
        raise SourceError(str(error)) from None
    except (RecursionError, MemoryError):
        raise too_deep(source) from None


def _newer(source: Source) -> ast.Module | None:
    """The tree of a text in newer grammar; None if it is wrong in every grammar."""
    if not _NEWER.search(source.text):
        return None
    # imported late: libcst takes longer to import than most files take to lint
    from nanlint.newer import in_older_grammar  # noqa: PLC0415

    older = in_older_grammar(source)
    try:
        return None if older is None else _parsed(older)
    except SyntaxError:
        return None


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in a stranger's file is not our subject
        return ast.parse(text)
