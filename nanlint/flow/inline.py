"""Calls into the program itself: the body is evaluated with the arguments it gets.

Nothing is summarised beforehand. A helper is run where it is called, with what is known there, so `safe_log(p)`,
a norm in another method or an assertion in a checking function all mean what they do. Depth and total work are
limited; beyond the limits, and in recursion, the result is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nanlint.flow import assumptions
from nanlint.flow.functions import Frame, Function, attributes_of, bind_arguments, decorator_path
from nanlint.flow.leaves import UNFOLLOWED
from nanlint.flow.sharing import change
from nanlint.flow.state import State, join_states, join_values
from nanlint.flow.targets import Targets
from nanlint.flow.uses import Context, Record
from nanlint.ir import nodes
from nanlint.ir.walk import all_statements
from nanlint.ops.spellings import NO_GRAD
from nanlint.values.value import UNKNOWN, Term, Terms, Value

_DEPTH = 4  # calls within calls
_SILENT_DEPTH = 2  # in a loop's first turns, which only find out what changes
_STEPS = 300  # statements run in bodies of callees, whatever the size of the file
_STEPS_PER_STATEMENT = 0.5  # and for each statement of the file


def work_limit(module: nodes.Module) -> int:
    """How many statements may be run in the bodies of callees while one file is interpreted."""
    return _STEPS + int(_STEPS_PER_STATEMENT * sum(1 for _ in all_statements(module.body)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call leaves behind: its result, what it learned, and what it changed in its arguments."""

    value: Value
    facts: Mapping[Term, Any]
    changed: Mapping[Term, Value]
    attributes: Mapping[str, Value]  # of the receiver


class Inliner(Targets):
    """The part of the evaluator that follows calls into bodies."""

    framework: str
    frame: Frame
    statement: nodes.Stmt
    no_grad: int
    returns: list[tuple[Value | None, State]] | None  # of the body being run; None outside of calls
    active: list[nodes.FunctionDef | nodes.Lambda]
    steps_left: int
    memo: dict[tuple[Any, ...], Outcome]
    followed: dict[int, set[int]]  # function node → the calls of it that were met
    unfollowed: set[int]  # functions with a call that was not run
    filling: int  # how many classes' attributes are being found out
    run: dict[int, Function]  # every function that was ever entered, by its node

    def evaluate(self, expr: nodes.Expr, state: State) -> Value:
        """The value of an expression."""
        raise NotImplementedError

    def run_body(self, function: Function, state: State) -> State | None:
        """Run the statements of a function in this state."""
        raise NotImplementedError

    def call_function(
        self, function: Function, args: Sequence[Value], keywords: Mapping[str, Value], call: nodes.Expr, state: State
    ) -> Value:
        """The result of a call of a function of the program; `state` receives what it changes."""
        self.followed.setdefault(id(function.node), set()).add(id(call))
        bound = bind_arguments(function, args, keywords, self.terms)
        if bound is None or not self._worthwhile(function):
            self.unfollowed.add(id(function.node))
            given = (*args, *keywords.values())
            self.record.outlets.leave(*given)
            self.forget_lists(given, state)
            unseen = self.terms.make(UNFOLLOWED) if self.steps_left <= 0 else None
            return UNKNOWN.with_term(self.terms.fresh(*(value.term for value in given), unseen))
        receiver = _receiver_name(call) if function.receiver is not None else None
        inner = self._entry(function, bound, receiver, state)
        key = (function.node, self.recording, self.no_grad > 0, _signature(inner))
        outcome = self.memo.get(key)
        if outcome is None:
            outcome = self.memo[key] = self._run(function, inner, call)
        _adopt(outcome, receiver, state, self.terms)
        return outcome.value.with_term(outcome.value.term)  # another object than that of the call before

    def _worthwhile(self, function: Function) -> bool:
        if self.filling and function.owner is None:
            return False  # what a constructor builds its layers with says nothing of numbers
        if not self.active and not function.is_worth_a_look:
            return False  # a script's tables of settings
        depth = _DEPTH if self.recording else _SILENT_DEPTH
        # what a short private function is for, only its callers tell
        cheap = len(self.active) == 1 and function.is_private and function.is_short
        affordable = len(self.active) < depth and (self.steps_left > 0 or cheap) and function.node not in self.active
        return affordable and function.runs_as_written and function.computes

    def _entry(
        self, function: Function, bound: Mapping[str, Value | None], receiver: str | None, state: State
    ) -> State:
        """The state at the beginning of the body."""
        inner = State({}, dict(state.facts), function.visible())
        for param in function.node.params:
            value = bound[param.name]
            if value is None:
                assert param.default is not None
                value = self.silently(param.default, State({}, None, inner.globals))
            inner.vars[param.name] = self._named(param.name, value)
        if receiver is not None:
            own = function.node.params[0].name
            inner.vars.update((f"{own}.{name}", value) for name, value in attributes_of(receiver, state).items())
        return inner

    def _run(self, function: Function, inner: State, call: nodes.Expr) -> Outcome:
        record = Record(outlets=self.record.outlets) if self.recording else self.record
        statement, outer = self.statement, self.record
        with self.inside(function, record):
            returns: list[tuple[Value | None, State]] = []
            self.returns = returns
            end = self.run_body(function, inner)
        if record is not outer and (record.uses or record.contexts):
            context = Context(call, statement, function.name, record, self.frame.filename, function.frame.module)
            outer.enter(context)
        return self._outcome(function, returns, end)

    @contextmanager
    def inside(self, function: Function, record: Record) -> Iterator[None]:
        """Everything that belongs to one activation of a function is set aside and restored."""
        kept = self.record, self.statement, self.frame, self.framework, self.returns
        silenced = any(decorator_path(each) in NO_GRAD for each in getattr(function.node, "decorators", ()))
        silenced = silenced or is_silenced(function)
        self.record, self.frame, self.framework = record, function.frame, function.frame.framework
        self.returns = None
        self.active.append(function.node)
        self.run[id(function.node)] = function
        self.no_grad += silenced
        try:
            yield
        finally:
            self.no_grad -= silenced
            self.active.pop()
            self.record, self.statement, self.frame, self.framework, self.returns = kept

    def _outcome(self, function: Function, returns: Sequence[tuple[Value | None, State]], end: State | None) -> Outcome:
        after = end
        value: Value | None = None
        for result, state in returns:
            after = join_states(after, state, self.terms)
            if result is not None:
                value = result if value is None else join_values(value, result, self.terms)
        if after is None:
            return Outcome(UNKNOWN.with_term(self.terms.fresh()), {}, {}, {})
        attributes: dict[str, Value] = {}
        if function.receiver is not None:
            attributes = attributes_of(function.node.params[0].name, after)
        unknown = UNKNOWN.with_term(self.terms.fresh())
        return Outcome(value or unknown, after.facts, after.changed, attributes)


def _adopt(outcome: Outcome, receiver: str | None, state: State, terms: Terms) -> None:
    """What the callee learned and changed holds for the caller."""
    state.facts.update(outcome.facts)
    for term, value in outcome.changed.items():
        change(state, term, value, terms)
    if receiver is not None:
        for name, value in outcome.attributes.items():
            state.vars[f"{receiver}.{name}"] = value


def _receiver_name(call: nodes.Expr) -> str | None:
    """`self` of `self.helper(x)`, `self.net` of `self.net.helper(x)` and of `self.net(x)`."""
    func = getattr(call, "func", None) or getattr(call, "callee", None)
    if isinstance(func, nodes.Attribute):
        base = func.base
        return base.id if isinstance(base, nodes.Name) else getattr(base, "key", None)
    return None


def _signature(inner: State) -> tuple[Any, ...]:
    """What the outcome of a call depends on."""
    values = tuple((name, _key(value)) for name, value in inner.vars.items())
    return values, frozenset(inner.facts.items())


def _key(value: Value) -> tuple[Any, ...]:
    payload = value.payload
    return (
        value.range,
        value.kind,
        value.grounds,
        value.dtype,
        value.term,
        value.framework,
        value.attains,
        value.differentiable,
        payload if isinstance(payload, str | Function) else id(payload),
    )


def is_silenced(function: Function) -> bool:
    """Is nothing differentiated in this function?

    In an autograd.Function the author writes the gradient by hand; data is prepared before the model sees it, and
    measured afterwards; through a plain number no gradient comes back.
    """
    owner = function.owner
    if assumptions.is_undifferentiated_function(function.name) or _hands_out_numbers(function.node):
        return True
    if owner is None:
        return False
    names = [path.rpartition(".")[2] for path in owner.foreign] + [base.node.name for base in owner.bases]
    by_hand = any(path.endswith("autograd.Function") for path in owner.foreign)
    return by_hand or assumptions.is_undifferentiated_class(owner.node.name, names)


def _hands_out_numbers(function: nodes.FunctionDef | nodes.Lambda) -> bool:
    """Is all that it returns `x.item()`, and does it not train on the way?"""
    if isinstance(function, nodes.Lambda) or "item" not in function.mentioned or "backward" in function.mentioned:
        return False
    results = [one.value for one in all_statements(function.body) if isinstance(one, nodes.Return)]
    return bool(results) and all(_is_item(result) for result in results)


def _is_item(result: nodes.Expr | None) -> bool:
    callee = getattr(result, "callee", None) or getattr(result, "func", None)
    return isinstance(callee, nodes.Attribute) and callee.name == "item"
