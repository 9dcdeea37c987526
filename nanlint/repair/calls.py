"""Writing a call again: with the arguments it had, under another name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from nanlint.facts import Facts
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Apply, Constant, Expr
from nanlint.ops.operation import Form
from nanlint.ops.terms import operand
from nanlint.repair.precedence import as_argument
from nanlint.values.value import Term


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument after the first operand.

    Attributes:
        operand: its canonical name, None if the operation does not track it.
        keyword: as written, None for a positional one.
        text: its value.
    """

    operand: str | None
    keyword: str | None
    text: str

    def __str__(self) -> str:
        return self.text if self.keyword is None else f"{self.keyword}={self.text}"


def other_arguments(facts: Facts, use: Use, made: Apply) -> list[Argument] | None:
    """All arguments of a call except the operand `x`, as they can be written at the place of `use`.

    None if one of them means something else there, or is one that we cannot place.
    """
    if made.spelling.framework == "python" or made.spelling.form not in (Form.FUNCTION, Form.METHOD):
        return None
    arguments: list[Argument] = []
    for name, keyword, node in _as_written(made):
        text = _text_there(facts, use, node)
        if text is None:
            return None
        arguments.append(Argument(name, keyword, text))
    placed = {id(made.operands.get("x")), *(id(node) for _, _, node in _as_written(made))}
    return arguments if all(id(extra) in placed for extra in made.extras) else None


def _as_written(made: Apply) -> Iterator[tuple[str | None, str | None, Expr]]:
    by_keyword = {id(node) for node in made.keywords.values()}
    for position in made.spelling.positions:
        node = made.operands.get(position)
        if node is not None and position != "x" and id(node) not in by_keyword:
            yield position, None, node
    for keyword, node in made.keywords.items():
        name = made.spelling.keywords.get(keyword)
        if name != "x":
            yield (None if name == "_" else name), keyword, node


def _text_there(facts: Facts, use: Use, node: Expr) -> str | None:
    if isinstance(node, Constant):
        return facts.text(node)
    term = facts.term_of(node)
    text = None if term is None else facts.spell(term, use)
    return None if text is None else as_argument(text)


def dim_text(facts: Facts, use: Use, term: Term) -> str | None:
    """The dimension of a reduction as it can be written at the place of `use`; None if there is none."""
    dim = operand(term, "dim")
    if dim is None:
        return None
    made = facts.producer(term, use)
    node = made.operands.get("dim") if made is not None else None
    return facts.spell(dim, use) if node is None else _text_there(facts, use, node)


def named(arguments: list[Argument], operands: Collection[str], dim: str | None = None) -> list[str]:
    """The arguments of these operands as text. `dim` gives a positional dimension that keyword."""
    return [
        f"{dim}={argument.text}" if dim and argument.operand == "dim" else str(argument)
        for argument in arguments
        if argument.operand in operands
    ]


def function_name(facts: Facts, made: Apply) -> str | None:
    """`F.softmax` of `F.softmax(x)`; None unless it is a function called by a dotted name."""
    if made.spelling.form is not Form.FUNCTION:
        return None
    name = facts.text(made).partition("(")[0].strip()
    return name if all(part.isidentifier() for part in name.split(".")) else None
