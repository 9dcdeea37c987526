"""NaN removed where it shows, and left where it arises: a loss that is cleaned or skipped, gradients set to 0.

A question about the shape of a training loop. It is asked of the syntax: which name is differentiated, and what is done
to it before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.wording import remark, shortened
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.ir import nodes
from nanlint.ir.walk import expressions, parts, statements

_TESTS = frozenset({"isnan", "isinf", "isfinite"})
_REDUCTIONS = frozenset({"sum", "mean"})
_BACKWARD = frozenset({"backward", "manual_backward"})
# what Lightning and its kin differentiate is what these return
_STEPS = frozenset({"training_step", "compute_loss"})
_STOPS = frozenset({"exit", "_exit", "breakpoint", "set_trace", "abort", "quit"})


def nan_swept_under(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """A loss or a gradient of which NaN is removed before the step."""
    if facts.chain or not facts.mentions(*_TESTS, "nan_to_num", "nan_to_num_"):
        return  # the syntax is the same in each call
    for name, body in facts.bodies():
        own = list(statements(body))
        losses = _differentiated(name, own)
        for statement in own:
            for node in (*_cleaned(name, statement, losses), *_skipped(statement, losses), *_zeroed(statement)):
                text = shortened(facts.text(node))
                yield remark(card, node, statement, Evidence.POSSIBLE, expression=text)


# --- what is differentiated --------------------------------------------------------------------------------------


def _differentiated(function: str, body: Sequence[nodes.Stmt]) -> set[str]:
    """The variables whose gradient is asked for in this function."""
    found: set[str] = set()
    for statement in body:
        for expr in expressions(statement):
            if isinstance(expr, nodes.Call) and getattr(expr.func, "name", "") in _BACKWARD:
                base = getattr(expr.func, "base", None)
                found |= _names(expr.args[0]) if expr.args and not _is_tensor(base) else _names(base)
        if function in _STEPS and isinstance(statement, nodes.Return) and isinstance(statement.value, nodes.Name):
            found.add(statement.value.id)
    return found


def _is_tensor(base: object) -> bool:
    """Is it a loss, rather than an accelerator that is given one?"""
    if not isinstance(base, nodes.Name):
        return isinstance(base, nodes.Call | nodes.Apply)
    return "loss" in base.id.lower()


def _names(expr: nodes.Expr | None) -> set[str]:
    found = () if expr is None else parts(expr)
    return {one.id for one in found if isinstance(one, nodes.Name) and one.path is None}


# --- what is done to it ------------------------------------------------------------------------------------------


def _cleaned(function: str, statement: nodes.Stmt, losses: set[str]) -> Iterator[nodes.Expr]:
    """`loss = torch.nan_to_num(loss)` and `torch.nan_to_num(loss).backward()`."""
    if function in _STEPS and isinstance(statement, nodes.Return) and statement.value is not None:
        if _is(statement.value, "nan_to_num"):
            yield statement.value
        return
    if isinstance(statement, nodes.Assign) and any(
        isinstance(target, nodes.Name) and target.id in losses for target in statement.targets
    ):
        value = statement.value
        while isinstance(value, nodes.Apply) and value.spelling.operation.name in _REDUCTIONS:
            value = value.operands["x"]
        if _is(value, "nan_to_num"):
            yield value
    for expr in expressions(statement):
        if isinstance(expr, nodes.Call) and getattr(expr.func, "name", "") in _BACKWARD:
            for base in (getattr(expr.func, "base", None), *expr.args[:1]):
                if isinstance(base, nodes.Apply) and _is(base, "nan_to_num"):
                    yield base


def _skipped(statement: nodes.Stmt, losses: set[str]) -> Iterator[nodes.Expr]:
    """`if torch.isnan(loss): continue`."""
    if not isinstance(statement, nodes.If) or not (_asked(statement.test) & losses):
        return
    body = statement.orelse if _asks_for_good(statement.test) else statement.body
    inside = list(statements(body))
    stops = any(
        isinstance(one, nodes.Raise | nodes.Break | nodes.Assert) or any(map(_is_stop, expressions(one)))
        for one in inside
    )
    if inside and not stops and any(_goes_on(one, losses) for one in inside):
        yield statement.test


def _asked(test: nodes.Expr) -> set[str]:
    """The variables of which the condition asks whether they are NaN."""
    found: set[str] = set()
    for expr in parts(test):
        if isinstance(expr, nodes.Apply) and expr.spelling.operation.name in _TESTS:
            found |= _names(expr.operands.get("x"))
        elif isinstance(expr, nodes.Call) and _last(expr.func) in _TESTS:
            found |= {name for arg in expr.args for name in _names(arg)}
    return found


def _asks_for_good(test: nodes.Expr) -> bool:
    """Is it the finite loss that takes the first branch?"""
    negated = isinstance(test, nodes.Not) or _is(test, "logical_not")
    finite = any(
        _is(expr, "isfinite") or (isinstance(expr, nodes.Call) and _last(expr.func) == "isfinite")
        for expr in parts(test)
    )
    return finite != negated


def _goes_on(statement: nodes.Stmt, losses: set[str]) -> bool:
    """The next batch, or another number in place of the loss."""
    if isinstance(statement, nodes.Continue):
        return True
    return isinstance(statement, nodes.Assign) and any(
        isinstance(target, nodes.Name) and target.id in losses for target in statement.targets
    )


def _is_stop(expr: nodes.Expr) -> bool:
    return isinstance(expr, nodes.Call) and _last(expr.func) in _STOPS


def _zeroed(statement: nodes.Stmt) -> Iterator[nodes.Expr]:
    """`p.grad[torch.isnan(p.grad)] = 0` and `p.grad.nan_to_num_()`."""
    if isinstance(statement, nodes.Assign):
        for target in statement.targets:
            if isinstance(target, nodes.Subscript) and _is_gradient(target.base) and _asks_for_nan(target):
                yield target
    for expr in expressions(statement):
        if isinstance(expr, nodes.Apply) and _is(expr, "nan_to_num") and _is_gradient(expr.operands["x"]):
            yield expr
        if isinstance(expr, nodes.Call) and _last(expr.func) == "register_hook" and expr.args:
            hook = expr.args[0]
            if isinstance(hook, nodes.Lambda) and _is(hook.body, "nan_to_num"):
                yield hook.body


def _asks_for_nan(target: nodes.Subscript) -> bool:
    return any(_is(part, "isnan") for index in target.index for part in parts(index))


def _is_gradient(expr: nodes.Expr) -> bool:
    """Is it `p.grad` or `p.grad.data`?"""
    if isinstance(expr, nodes.Attribute) and expr.name == "data":
        expr = expr.base
    return isinstance(expr, nodes.Attribute) and expr.name == "grad"


def _is(expr: nodes.Expr, operation: str) -> bool:
    return isinstance(expr, nodes.Apply) and expr.spelling.operation.name == operation


def _last(func: nodes.Expr) -> str:
    """`isnan` of `math.isnan` and of `isnan`."""
    path = getattr(func, "path", None) or getattr(func, "name", None) or getattr(func, "id", "")
    return str(path).rpartition(".")[2]
