"""What the interpreter leaves behind for the checks: every use of an operation that can break."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from nanlint.flow.outlets import Outlets
from nanlint.flow.state import State
from nanlint.ir.nodes import Apply, Call, Expr, FunctionDef, Lambda, Module, Stmt
from nanlint.ops.operation import Operation
from nanlint.values.value import Term, Value


@dataclass(slots=True, eq=False)
class Use:
    """One application of a risky operation, as last seen by the interpreter.

    Attributes:
        node: the application.
        statement: the statement it stands in.
        values: canonical operand name → what was known of it here.
        result: what was known of the result.
        state: what held at this point; never changed afterwards.
        framework: "torch", "numpy", "jax", "tensorflow", "keras" or "python" (plain numbers).
        differentiable: gradients may flow through it.
        function: the function it stands in; None at the top level.
    """

    node: Apply
    statement: Stmt
    values: dict[str, Value]
    result: Value
    state: State
    framework: str
    differentiable: bool
    function: FunctionDef | Lambda | None = None

    @property
    def operation(self) -> Operation:
        return self.node.spelling.operation


@dataclass(frozen=True, slots=True, eq=False)
class Guard:
    """One arm of a `where` or `masked_fill`, and the condition under which it is chosen.

    Attributes:
        choice: the `where` or `masked_fill`.
        arm: the expression that is chosen or not.
        condition, term: the condition, as an expression and as a term.
        truth: whether the condition or its contrary chooses this arm.
    """

    choice: Apply
    arm: Expr
    condition: Expr
    term: Term | None
    truth: bool


@dataclass(frozen=True, slots=True, eq=False)
class Trap:
    """A use inside the arms of choices. They select its value, but both arms are computed, and differentiated.

    Attributes:
        use: the use as it was found without the conditions; `Record.uses` has it under them.
        guards: the arms it stands in, the outermost first.
    """

    use: Use
    guards: tuple[Guard, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What running a function for one call of it left behind.

    Attributes:
        call: the call.
        statement: the statement the call stands in.
        function: the name of what is called.
        record: the uses inside, with what they met on this occasion.
        filename: the file the call stands in.
        module: where the function stands.
        is_whole: the call stands in an arm of a choice, and this is without its condition: the value that matters is
            that of another context, which is under it.
    """

    call: Expr
    statement: Stmt
    function: str
    record: Record
    filename: str
    module: Module
    is_whole: bool = False


@dataclass(slots=True)
class Record:
    """What is written down while a program is interpreted."""

    uses: dict[int, Use] = field(default_factory=dict)
    calls: dict[int, tuple[str, Call, tuple[Value, ...], Stmt, State]] = field(default_factory=dict)
    reveals: dict[int, tuple[Expr, str, str]] = field(default_factory=dict)
    assignments: dict[int, tuple[Expr, str, str]] = field(default_factory=dict)
    values: dict[int, Value] = field(default_factory=dict)  # by id of the expression
    returned: dict[int, tuple[FunctionDef, Value]] = field(default_factory=dict)  # by id of the function
    outlets: Outlets = field(default_factory=Outlets)
    contexts: list[Context] = field(default_factory=list)
    traps: dict[int, Trap] = field(default_factory=dict)
    guards: list[Guard] = field(default_factory=list)  # the arms that are being evaluated under their conditions

    def enter(self, context: Context) -> None:
        """A function was run for a call."""
        if self.guards:
            self.contexts = [replace(one, is_whole=True) if one.call is context.call else one for one in self.contexts]
        self.contexts.append(context)

    def use(self, use: Use) -> None:
        """The last use of a node is the one that counts, and the one before its conditions makes the trap."""
        node = id(use.node)
        if self.guards and (before := self.uses.get(node)) is not None:
            plain = self.traps[node].use if node in self.traps else before
            self.traps[node] = Trap(plain, tuple(self.guards))
        else:
            self.traps.pop(node, None)
        self.uses[node] = use
