"""Runs statements over states: structured recursion, no control-flow graph.

Each statement takes the state before it and gives the state after it, or None where the end cannot be reached.
`break` and `continue` leave their states with the enclosing loop, `return` and `raise` simply end the path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nanlint.flow import assumptions
from nanlint.flow.classes import fill_attributes, instance_of
from nanlint.flow.constraints import declared_support
from nanlint.flow.functions import Class, Frame, Function, unbound_parameter
from nanlint.flow.loops import Looper
from nanlint.flow.modules import Modules
from nanlint.flow.sharing import change
from nanlint.flow.state import Nested, State, join_values
from nanlint.ir import nodes
from nanlint.ops.spellings import NO_GRAD
from nanlint.values.value import UNKNOWN, Kind, Terms, Value, replace

# work on one function and its calls, after which the rest of it is unknown. Of 7,500 ordinary ones the largest needs
# half of it; it is for thousands of branches and dozens of loops inside each other
_PATIENCE = 12_000
_NAMES_PER_STEP = 64  # a state that knows so much more makes a statement as dear as another one


_BRANCHING = (nodes.If, nodes.For, nodes.While, nodes.Try, nodes.Match)


class Exhausted(Exception):  # noqa: N818  (not an error)
    """A function takes too long to interpret."""


class Executor(Looper):
    """Executes blocks; functions and classes defined in them are collected for `program`."""

    def __init__(self, terms: Terms, frame: Frame, modules: Modules, *, everything: bool = False) -> None:
        super().__init__(terms, frame, modules)
        self.everything = everything  # also functions in which no operation can break
        self.functions: list[Function] = []
        self.classes: list[Class] = []
        self.filled: set[Class] = set()
        self.steps_to_fill = 0  # as `steps_left`, for finding out what objects hold
        self.enclosings: list[Nested] = []  # what nested functions see: themselves too
        self.patience = _PATIENCE
        self.ends: list[State] = []  # at the returns of the function that is run on its own
        self.given_up: list[nodes.Stmt] = []  # functions, and in the module's own body statements

    def block(self, body: Sequence[nodes.Stmt], state: State | None) -> State | None:
        for statement in body:
            if state is None:
                break
            self.statement = statement
            self._spend(statement, state)
            if self.active:
                self.steps_left -= 1
            else:
                self.frame.vars = state.vars
            handler = _STATEMENTS.get(type(statement))
            if handler is not None:
                state = handler(self, statement, state)
        return state

    def _spend(self, statement: nodes.Stmt, state: State) -> None:
        """Count the work of a statement; one with branches copies all that is known."""
        copied = isinstance(statement, _BRANCHING)
        self.patience -= 1 + (len(state.vars) + len(state.facts)) // _NAMES_PER_STEP if copied else 1
        if self.patience < 0:
            raise Exhausted

    # --- simple statements -----------------------------------------------------------------------------------

    def assign(self, node: nodes.Assign, state: State) -> State:
        value = self.evaluate(node.value, state)
        if node.augmented and isinstance(node.value, nodes.Apply) and value.kind in (Kind.TENSOR, Kind.UNKNOWN):
            # `x += y` changes the tensor itself, whatever other names it has; a number stays as it is under those
            old = self.silently(node.targets[0], state)
            if value.kind is Kind.TENSOR:
                self.assign_in_place(node.targets[0], old, value, state)
            elif old.kind is Kind.UNKNOWN:
                change(state, old.term, replace(join_values(old, value, self.terms), attains=None), self.terms)
        for target in node.targets:
            if isinstance(target, nodes.Subscript):
                self.evaluate(target, state)
            self.bind_target(target, value, state)
        return state

    def evaluate_(self, node: nodes.Evaluate, state: State) -> State | None:
        self.record.outlets.leave(self.evaluate(node.value, state))
        call = node.value
        exits = isinstance(call, nodes.Call) and getattr(call.func, "path", None) in ("sys.exit", "builtins.exit")
        return None if exits else state

    def return_(self, node: nodes.Return, state: State) -> None:
        if node.value is None:
            if self.returns is not None:
                self.returns.append((None, state))
            else:
                self.ends.append(state)
            return
        value = self.evaluate(node.value, state)
        if self.returns is None:
            self.record.outlets.leave(value)
            self.ends.append(state)
            self._summarise(value)
        else:
            self.returns.append((value, state))

    def _summarise(self, value: Value) -> None:
        """Note what the function that is seen on its own returns."""
        node = self.active[-1] if self.active else None
        if isinstance(node, nodes.FunctionDef) and self.recording:
            before = self.record.returned.get(id(node))
            joined = value if before is None else join_values(before[1], value, self.terms)
            self.record.returned[id(node)] = node, joined

    def raise_(self, node: nodes.Raise, state: State) -> None:
        for part in node.parts:
            self.evaluate(part, state)

    def assert_(self, node: nodes.Assert, state: State) -> State | None:
        return self.refiner.refine(state, self.condition(node.test, state), True)

    def delete(self, node: nodes.Delete, state: State) -> State:
        for target in node.targets:
            if isinstance(target, nodes.Name):
                state.forget(target.id)
        return state

    def function(self, node: nodes.FunctionDef, state: State) -> State:
        enclosing = self._enclosing(state)
        function = Function(node, self.frame, enclosing)
        value = Value(kind=Kind.FUNCTION, term=self.terms.fresh(), payload=function, differentiable=False)
        state.bind(node.name, value)
        if enclosing is not None:
            enclosing.vars[node.name] = value
            self.enclosings.append(enclosing)
        if self.recording and self.returns is None:
            self.functions.append(function)
        return state

    def class_(self, node: nodes.ClassDef, state: State) -> State:
        cls = self._class(node, self._enclosing(state), state)
        state.bind(node.name, Value(kind=Kind.CLASS, term=self.terms.fresh(), payload=cls, differentiable=False))
        if self.recording and self.returns is None:
            self.classes.append(cls)
        return state

    def _class(self, node: nodes.ClassDef, enclosing: Nested | None, state: State) -> Class:
        bases = [self.evaluate(base, state) for base in node.bases]
        own = [base.payload for base in bases if isinstance(base.payload, Class)]
        foreign = tuple(base.payload for base in bases if base.kind is Kind.NAMESPACE and isinstance(base.payload, str))
        return Class(node, self.frame, enclosing, own, foreign)

    def _enclosing(self, state: State) -> Nested | None:
        """What a function defined here sees of the functions around it."""
        return Nested(dict(state.vars), state.globals) if self.active else None

    # --- functions -------------------------------------------------------------------------------------------

    def run_body(self, function: Function, state: State) -> State | None:
        self.loops, outer = [], self.loops
        if isinstance(function.node, nodes.Lambda):
            value = self.evaluate(function.node.body, state)
            if self.returns is not None:
                self.returns.append((value, state))
            after: State | None = None
        else:
            after = self.block(function.node.body, state)
        self.loops = outer
        return after

    def run_alone(self, function: Function) -> State:
        """Run a function of whose callers nothing is known; the state at its end."""
        state = State({}, None, function.visible())
        if assumptions.is_safe_function(function.name):
            return state
        for at, param in enumerate(function.node.params):
            value = unbound_parameter(param, id(function.node), self.terms)
            if at == 0 and function.owner is not None and not function.is_static:
                value = replace(instance_of(function.owner), term=value.term)
            elif function.owner is not None and param.name == "value" and value.term is not None:
                value = declared_support(function.owner, value.term) or value
            state.vars[param.name] = value
        self.ends.clear()
        with self.inside(function, self.record):
            after = self.patiently(lambda: self.run_body(function, state))
        for end in self.ends if after is None else (*self.ends, after):
            self.record.outlets.end(value for name, value in end.vars.items() if name != "_")
        return after or state

    def patiently(self, work: Callable[[], State | None]) -> State | None:
        """What `work` returns; None if that takes too long."""
        self.patience = _PATIENCE
        kept = self.recording, self.loops
        try:
            return work()
        except Exhausted:
            self.recording, self.loops = kept
            self.record.guards.clear()
            where = self.active[-1] if self.active else self.statement
            if isinstance(where, nodes.Stmt) and where not in self.given_up:
                self.given_up.append(where)
            return None

    def fill(self, cls: Class) -> None:
        """Make sure that the attributes of a class are known, as far as they are not just being found out."""
        if cls not in self.filled:
            self.filled.add(cls)
            for path in cls.foreign:
                base = self.imported(path, cls.frame.filename)
                if base is not None and isinstance(base.payload, Class) and base.payload is not cls:
                    cls.bases.append(base.payload)
            for parent in cls.bases:
                self.fill(parent)
            with self._filling():
                fill_attributes(self, cls)

    @contextmanager
    def _filling(self) -> Iterator[None]:
        """What other files do to build their objects must not use up the work that this file is worth."""
        outermost = not self.filling
        if outermost:
            self.steps_left, self.steps_to_fill = self.steps_to_fill, self.steps_left
        self.filling += 1
        try:
            yield
        finally:  # it may take too long
            self.filling -= 1
            if outermost:
                self.steps_left, self.steps_to_fill = self.steps_to_fill, self.steps_left

    # --- branches --------------------------------------------------------------------------------------------

    def if_(self, node: nodes.If, state: State) -> State | None:
        condition = self.condition(node.test, state)
        yes = self.refiner.refine(state.copy(), condition, True)
        no = self.refiner.refine(state, condition, False)
        return self._join(self.block(node.body, yes), self.block(node.orelse, no))

    def match(self, node: nodes.Match, state: State) -> State | None:
        subject = self.evaluate(node.subject, state)
        ends: list[State | None] = []
        rest: State | None = state
        for case in node.cases:
            if rest is None:
                break
            inside: State | None = rest.copy()
            if case.pattern is not None:
                assert inside is not None
                literal = self.evaluate(case.pattern, inside)  # type: ignore[arg-type]
                test = self.terms.make("eq", subject.term, literal.term)
                inside = self.refiner.refine(inside, test, True)
                rest = self.refiner.refine(rest, test, False) if case.guard is None else rest
            for name in case.names:
                if inside is not None:
                    part = subject if case.catches_all else UNKNOWN.with_term(self.terms.fresh(subject.term))
                    inside.bind(name, part)
            if inside is not None and case.guard is not None:
                inside = self.refiner.refine(inside, self.condition(case.guard, inside), True)
            ends.append(self.block(case.body, inside))
            if case.catches_all and case.guard is None:
                rest = None
        return self._join(*ends, rest)

    def with_(self, node: nodes.With, state: State) -> State | None:
        silenced = 0
        for item, target in node.items:
            value = self.evaluate(item, state)
            func = item.func if isinstance(item, nodes.Call) else item
            silenced += getattr(func, "path", None) in NO_GRAD
            if target is not None:
                self.bind_target(target, replace(UNKNOWN, kind=value.kind, term=self.terms.fresh(value.term)), state)
        self.no_grad += silenced
        after = self.block(node.body, state)
        self.no_grad -= silenced
        return after

    def try_(self, node: nodes.Try, state: State) -> State | None:
        before = state.copy()
        # an exception may strike anywhere in the body: a handler starts from before it or from after any statement
        interrupted: State | None = before
        after_body: State | None = state
        for statement in node.body:
            after_body = self.block((statement,), after_body)
            if after_body is not None and node.handlers:
                interrupted = self._join(interrupted, after_body.copy())
        ends = [self.block(node.orelse, after_body)]
        for handler in node.handlers:
            start = interrupted.copy() if interrupted is not None else None
            if start is not None and handler.name is not None:
                start.bind(handler.name, UNKNOWN.with_term(self.terms.fresh()))
            ends.append(self.block(handler.body, start))
        joined = self._join(*ends)
        if joined is None and node.final:
            self.block(node.final, before)
            return None
        return self.block(node.final, joined)


_STATEMENTS: dict[type, Callable[[Executor, Any, State], State | None]] = {
    nodes.Assign: Executor.assign,
    nodes.Evaluate: Executor.evaluate_,
    nodes.Return: Executor.return_,
    nodes.Raise: Executor.raise_,
    nodes.Assert: Executor.assert_,
    nodes.Break: Executor.break_,
    nodes.Continue: Executor.continue_,
    nodes.Delete: Executor.delete,
    nodes.FunctionDef: Executor.function,
    nodes.ClassDef: Executor.class_,
    nodes.If: Executor.if_,
    nodes.While: Executor.while_,
    nodes.For: Executor.for_,
    nodes.With: Executor.with_,
    nodes.Try: Executor.try_,
    nodes.Match: Executor.match,
}
