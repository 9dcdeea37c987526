"""Calls of functions and classes that are no operations, with what was known where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nanlint.facts import Facts
from nanlint.flow.state import State
from nanlint.ir.nodes import Call, Expr, Starred, Stmt
from nanlint.values.value import Value


@dataclass(frozen=True, slots=True)
class Called:
    """One call, the values of its positional arguments, its statement, and what held there."""

    call: Call
    values: tuple[Value, ...]
    statement: Stmt
    state: State

    @property
    def is_plain(self) -> bool:
        """Are all arguments written out? With `*args` or `**kwargs` anything may be given."""
        return not any(isinstance(arg, Starred) for arg in self.call.args)

    def argument(self, name: str, position: int) -> Expr | None:
        """The argument of this name, or at this place."""
        if name in self.call.keywords:
            return self.call.keywords[name]
        return self.call.args[position] if position < len(self.call.args) else None


def calls_of(facts: Facts, path: str) -> Iterator[Called]:
    """Every call of this function or class that is no operation of ours."""
    return (Called(*found) for found in facts.calls(path))
