"""Calls of functions and classes that are no operations, in the shape in which findings are made."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from nanlint.facts import Facts
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Apply, Call, Expr, Starred
from nanlint.ops.operation import Form, Operation, Spelling
from nanlint.values.interval import ANY
from nanlint.values.value import UNKNOWN, Grounds, Value


@dataclass(frozen=True, slots=True)
class Called:
    """One call, the values of its positional arguments, and the use that stands for it in a finding."""

    call: Call
    values: tuple[Value, ...]
    use: Use

    @property
    def is_plain(self) -> bool:
        """Are all arguments written out? With `*args` or `**kwargs` anything may be given."""
        return not any(isinstance(arg, Starred) for arg in self.call.args)

    def argument(self, name: str, position: int) -> Expr | None:
        """The argument of this name, or at this place."""
        if name in self.call.keywords:
            return self.call.keywords[name]
        return self.call.args[position] if position < len(self.call.args) else None


def calls_of(facts: Facts, paths: Collection[str], phrase: str) -> Iterator[Called]:
    """Every call of one of these functions or classes of torch."""
    for path in paths:
        operation = Operation(path, phrase, ("x",), lambda _: ANY, lambda _, __: Grounds.NONE)
        spelling = Spelling(operation, "torch", Form.FUNCTION, ("x",), {}, {})
        for call, values, statement, state in facts.calls(path):
            node = Apply(call.origin, spelling, {})
            yield Called(call, values, Use(node, statement, {}, UNKNOWN, state, "torch", True))
