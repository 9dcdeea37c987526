"""What the interpreter leaves behind for the checks: every use of an operation that can break."""

from __future__ import annotations

from dataclasses import dataclass, field

from nanlint.flow.outlets import Outlets
from nanlint.flow.state import State
from nanlint.ir.nodes import Apply, Call, Expr, Stmt
from nanlint.ops.operation import Operation
from nanlint.values.value import Value


@dataclass(slots=True, eq=False)
class Use:
    """One application of an operation with a hazard, as last seen by the interpreter.

    Attributes:
        node: the application.
        statement: the statement it stands in.
        values: canonical operand name → what was known of it here.
        result: what was known of the result.
        state: what held at this point; never changed afterwards.
        framework: "torch", "numpy", "jax", "tensorflow", "keras" or "python" (plain numbers).
        differentiable: gradients may flow through it.
    """

    node: Apply
    statement: Stmt
    values: dict[str, Value]
    result: Value
    state: State
    framework: str
    differentiable: bool

    @property
    def operation(self) -> Operation:
        return self.node.spelling.operation


@dataclass(slots=True)
class Record:
    """What is written down while a program is interpreted."""

    uses: dict[int, Use] = field(default_factory=dict)
    calls: dict[int, tuple[str, Call, tuple[Value, ...], Stmt, State]] = field(default_factory=dict)
    reveals: dict[int, tuple[Expr, str, str]] = field(default_factory=dict)
    assignments: dict[int, tuple[Expr, str, str]] = field(default_factory=dict)
    values: dict[int, Value] = field(default_factory=dict)  # by id of the expression
    outlets: Outlets = field(default_factory=Outlets)
