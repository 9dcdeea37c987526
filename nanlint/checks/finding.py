"""What a check yields: a finding about IR nodes, not yet located in the text."""

from __future__ import annotations

from dataclasses import dataclass

from nanlint.cards import Card
from nanlint.diagnostic import Evidence, Severity
from nanlint.flow.uses import Context, Use
from nanlint.ir.nodes import Expr, Stmt
from nanlint.repair.edits import Repair
from nanlint.values.value import Term, Why


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of one rule about one use of an operation.

    Attributes:
        card: the rule.
        use: the use it is about, if it is about a value; of several findings about one use only the most specific is
            kept.
        node: the expression to underline, or the statement of which to underline the first line.
        message: one line, lower case, no full stop.
        why: the links that explain the value, most direct first.
        repair: how to mend it, if we can.
        place: the statement that `node` stands in, where there is no use.
        chain: the calls in which it is met, the outermost first; empty where the function alone is reason enough.
        covers: the value of another use about which nothing is left to say.
    """

    card: Card
    use: Use | None
    node: Expr | Stmt
    message: str
    evidence: Evidence
    severity: Severity
    why: tuple[Why, ...] = ()
    repair: Repair | None = None
    chain: tuple[Context, ...] = ()
    covers: Term | None = None
    place: Stmt | None = None

    @property
    def subject(self) -> Expr | Stmt:
        """What is wrong: the application, be it underlined or only its operand."""
        return self.node if self.use is None else self.use.node

    @property
    def statement(self) -> Stmt | None:
        """The statement that the underlined expression stands in."""
        place = next((context for context in self.chain if context.call is self.node), None)
        if place is not None:
            return place.statement
        return self.place if self.use is None else self.use.statement
