"""Where a piece of Python needs parentheses before something can be written beside it."""

from __future__ import annotations

import ast

_PRIMARY = (ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.List, ast.Dict)
_ADDITIVE = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod, ast.FloorDiv, ast.MatMult, ast.Pow)


def _parsed(text: str) -> ast.expr | None:
    try:
        # in parentheses, because the text may go over several lines
        return ast.parse(f"({text}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return None


def as_primary(text: str) -> str:
    """Fit to stand before a dot, or on either side of any operator."""
    return text if isinstance(_parsed(text), _PRIMARY) else f"({text})"


def as_summand(text: str) -> str:
    """Fit to stand to the left of a plus."""
    node = _parsed(text)
    fits = (
        isinstance(node, (*_PRIMARY, ast.Constant))
        or (isinstance(node, ast.BinOp) and isinstance(node.op, _ADDITIVE))
        or (isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not))
    )
    return text if fits else f"({text})"


def as_argument(text: str) -> str:
    """Fit to stand between two commas."""
    node = _parsed(text)
    if isinstance(node, ast.Tuple | ast.GeneratorExp):
        bare = node.col_offset == 0  # its own parentheses belong to it, ours stand at 0
    else:
        bare = isinstance(node, ast.NamedExpr | ast.Yield | ast.YieldFrom)
    return f"({text})" if bare else text


def negated(text: str) -> str:
    """The text with a minus before it."""
    return f"-{as_primary(text)}"
