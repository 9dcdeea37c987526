"""The mean of what may be nothing: the sum, divided by a count of at least 1. Of nothing it becomes 0: unsafe."""

from __future__ import annotations

from collections.abc import Sequence

from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Assign, Expr, Name, Return
from nanlint.ops.operation import Form
from nanlint.ops.terms import literal
from nanlint.repair.edits import Repair

_SELECTED = "selected"


def guarded_means(facts: Facts, uses: Sequence[Use]) -> Repair | None:
    """`x[m].mean()` → `(selected := x[m]).sum() / max(selected.numel(), 1)`, for all means over one mask.

    None if one of them cannot be written so: it would be as bad as before.
    """
    written = tuple((use.node, _guarded(facts, use)) for use in uses)
    texts = tuple((node, text) for node, text in written if text is not None)
    return Repair(Applicability.UNSAFE, "divide by at least 1", texts) if len(texts) == len(written) else None


def _guarded(facts: Facts, use: Use) -> str | None:
    """The count is that of the selection and not of its mask, which may have fewer dimensions."""
    node = use.node.operands.get("x")
    if use.operation.name != "mean" or use.framework != "torch" or node is None:
        return None
    if use.node.spelling.form not in (Form.FUNCTION, Form.METHOD) or use.node.extras or facts.chain:
        return None
    named = _named(facts, use, node)
    others = use.node.operands.keys() - {"x"}
    if named is not None and not others:
        return _fitted(facts, use, f"{named[0]}.sum() / max({named[1]}.numel(), 1)")
    if named is not None and others == {"dim"} and literal(use.values["dim"].term) == 0:
        return _fitted(facts, use, f"{named[0]}.sum(0) / max(len({named[1]}), 1)")
    return None


def _named(facts: Facts, use: Use, node: Expr) -> tuple[str, str] | None:
    """The selection, and what it can be called after that."""
    text = facts.text(node)
    if isinstance(node, Name):
        return text, text
    if "\n" in text or facts.mentions(_SELECTED) or _SELECTED in use.state.vars:
        return None
    return f"({_SELECTED} := {text})", _SELECTED


def _fitted(facts: Facts, use: Use, text: str) -> str:
    """The quotient, in parentheses unless it is all that its statement computes."""
    statement = use.statement
    is_whole = isinstance(statement, Assign | Return) and statement.value is use.node
    return text if is_whole or facts.is_enclosed(use.node) else f"({text})"
