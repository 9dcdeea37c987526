"""The one general check: may an operand leave the operation's safe range? Serves every card with `operations`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nanlint.cards import Card, CustomOperation
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.facts import Facts
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Apply
from nanlint.ops import spellings
from nanlint.ops.operation import Form, Hazard, Operation, Spelling
from nanlint.repair import guards, rewrite
from nanlint.repair.edits import Repair
from nanlint.values.interval import ANY
from nanlint.values.value import UNKNOWN, Grounds


def _log_softmax(facts: Facts, use: Use, options: RuleOptions) -> Repair | None:
    term = use.values["x"].term
    # behind a reshape or a detach the rewrite would not be the same value
    return rewrite.log_softmax(facts, use, term) if term is not None and term.head == "softmax" else None


# what a card's `fix` may say
REPAIRS: dict[str, Callable[[Facts, Use, RuleOptions], Repair | None]] = {
    "clamp": guards.clamp,
    "add_epsilon": guards.add_epsilon,
    "epsilon_inside": guards.epsilon_inside,
    "guard_divisor": guards.guard_divisor,
    "log_softmax": _log_softmax,
}


def operands(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """Findings of a card that names operations."""
    for use in (*facts.uses(card.operations), *_custom_uses(card, facts)):
        trouble = facts.trouble(use)
        hazard = use.operation.hazard
        if trouble is None or hazard is None:
            continue
        value = use.values[hazard.operand]
        if card.operand_from and facts.produced_by(value) not in card.operand_from:
            continue
        repair = REPAIRS.get(card.fix or "")
        yield finding(
            card,
            facts,
            use,
            trouble,
            operand=use.node.operands.get(hazard.operand),
            reasons=value,
            repair=None if repair is None else repair(facts, use, options),
        )


def _custom_uses(card: Card, facts: Facts) -> Iterator[Use]:
    """Uses of the functions that the card itself calls operations."""
    for custom in card.custom:
        known = spellings.function(custom.name)
        if known is None:
            yield from _calls(custom, facts)
            continue
        for use in facts.uses((known.operation.name,)):
            spelling = use.node.spelling
            if spelling.form is Form.FUNCTION and spelling.framework == known.framework:
                yield from _redefined(custom, use)


def _redefined(custom: CustomOperation, use: Use) -> Iterator[Use]:
    """A use of an operation that we know, judged by what the card says of it."""
    names = use.operation.operands
    name = names[custom.operand] if custom.operand < len(names) else None
    if name is not None and name in use.node.operands and name in use.values:
        node = Apply(use.node.origin, _spelling(custom, use.framework), {"x": use.node.operands[name]})
        yield Use(
            node, use.statement, {"x": use.values[name]}, use.result, use.state, use.framework, use.differentiable
        )


def _calls(custom: CustomOperation, facts: Facts) -> Iterator[Use]:
    for call, values, statement, state in facts.calls(custom.name):
        if custom.operand < len(call.args) and custom.operand < len(values):
            value = values[custom.operand]
            framework = value.framework or "torch"
            node = Apply(call.origin, _spelling(custom, framework), {"x": call.args[custom.operand]})
            yield Use(node, statement, {"x": value}, UNKNOWN, state, framework, value.differentiable)


def _spelling(custom: CustomOperation, framework: str) -> Spelling:
    operation = Operation(
        custom.name, custom.phrase, ("x",), lambda _: ANY, lambda _, __: Grounds.NONE, Hazard("x", custom.safe)
    )
    return Spelling(operation, framework, Form.FUNCTION, ("x",), {}, {})
