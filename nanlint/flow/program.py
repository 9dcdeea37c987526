"""A whole file: the module body first, then every function, then every class with `__init__` before its methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from nanlint.flow import assumptions
from nanlint.flow.execute import Executor
from nanlint.flow.functions import Class, Frame, statements_of
from nanlint.flow.inline import work_limit
from nanlint.flow.state import State
from nanlint.flow.uses import Context, Record, Trap, Use
from nanlint.ir import nodes
from nanlint.ops.spellings import framework_of
from nanlint.values.value import Term, Terms, Value

_PRIORITY = ("torch", "jax", "tensorflow", "keras", "numpy")


# nobody mentions these when he calls them
_CALLED_UNNAMED = frozenset({"__init__", "__call__", "forward", "call"})


class Analysis:
    """What interpreting one file left behind, and the questions `facts` passes on."""

    def __init__(
        self, module: nodes.Module, executor: Executor, record: Record | None = None, chain: tuple[Context, ...] = ()
    ) -> None:
        self.module = module
        self.chain = chain  # the calls that led here; empty where every function is seen on its own
        self._executor = executor
        self._record = record = executor.record if record is None else record
        self.uses: list[Use] = list(record.uses.values())
        self.traps: list[tuple[Trap, Use]] = [(trap, record.uses[node]) for node, trap in record.traps.items()]
        self.calls = list(record.calls.values())
        self.reveals = list(record.reveals.values())
        self.assignments = list(record.assignments.values())

    def in_calls(self) -> Iterator[Analysis]:
        """The functions once more, as they are met in each call of them."""
        for context in self._record.contexts:
            inner = Analysis(self.module, self._executor, context.record, (*self.chain, context))
            yield inner
            yield from inner.in_calls()

    def is_seen_in_calls(self, use: Use) -> bool:
        """Does the use stand in a function of which all callers are known? Then what they pass decides."""
        function = use.function
        if function is None or not self._executor.run[id(function)].is_private:
            return False
        calls = self.module.mentions.get(getattr(function, "name", ""), 0)
        met = len(self._executor.followed.get(id(function), ()))
        return 0 < met >= calls and id(function) not in self._executor.unfollowed

    def term_of(self, expr: nodes.Expr) -> Term | None:
        value = self.value_of(expr)
        return None if value is None else value.term

    def value_of(self, expr: nodes.Expr) -> Value | None:
        return self._record.values.get(id(expr))

    def value_of_term(self, term: Term) -> Value | None:
        return self._executor.by_term.get(term)

    @property
    def passing(self) -> frozenset[Term]:
        """The terms whose value leaves the function they arise in."""
        return self._record.outlets.sources_of_values

    @property
    def passing_gradient(self) -> frozenset[Term]:
        """The terms whose gradient may be asked for."""
        return self._record.outlets.sources_of_gradients

    def origin_of(self, term: Term) -> nodes.Expr | None:
        return self._executor.origins.get(term)

    def part_with_term(self, node: nodes.Expr, term: Term) -> nodes.Expr | None:
        """The outermost proper part of an expression that has this term."""
        for part in parts_of(node):
            if self.term_of(part) is term:
                return part
            if (deeper := self.part_with_term(part, term)) is not None:
                return deeper
        return None

    def term_here(self, expr: nodes.Expr, state: State) -> Term | None:
        """The term an expression would have in another state."""
        return self._executor.silently(expr, state.copy()).term

    def value_if(self, expr: nodes.Expr, state: State, condition: Term | None, truth: bool) -> Value | None:
        """The value of an expression where a condition holds (or does not); None where that cannot be."""
        inside = self._executor.refiner.refine(state.copy(), condition, truth)
        return None if inside is None else self._executor.silently(expr, inside)


def parts_of(node: Any) -> Iterator[nodes.Expr]:
    """The direct sub-expressions of an IR node."""
    if not is_dataclass(node):
        return
    for each in fields(node):
        if each.name in ("origin", "callee", "spelling", "args"):
            continue
        content = getattr(node, each.name)
        contents = content.values() if isinstance(content, dict) else content
        for part in contents if isinstance(content, dict | tuple) else (content,):
            if isinstance(part, nodes.Expr):
                yield part


def interpret(module: nodes.Module, *, filename: str = "", everything: bool = False) -> Analysis:
    """Interpret the functions of a file that a rule could speak of, or really all of them."""
    frame = Frame(module, _default_framework(module))
    executor = Executor(Terms(), frame, everything=everything)
    executor.steps_left = work_limit(module)
    executor.no_grad += assumptions.is_undifferentiated_file(filename)
    top = executor.block(module.body, State({})) or State({})
    frame.vars = top.vars
    _run_pending(executor)
    executor.record.outlets.leave(*top.vars.values())
    return Analysis(module, executor)


def _run_pending(executor: Executor) -> None:
    """Run what was defined, each on its own; definitions inside are found on the way and run in turn."""
    interesting = _interesting(executor.frame.module)
    while executor.functions or executor.classes:
        functions, executor.functions = executor.functions, []
        classes, executor.classes = executor.classes, []
        for function in functions:
            if executor.everything or interesting(function.node):
                executor.run_alone(function)
        for cls in classes:
            if executor.everything or any(interesting(method.node) for method in cls.methods()):
                _run_methods(executor, cls, interesting)


def _run_methods(executor: Executor, cls: Class, interesting: Callable[[object], bool]) -> None:
    executor.fill(cls)
    executor.classes.extend(
        Class(inner, cls.frame, cls.enclosing) for inner in cls.node.body if isinstance(inner, nodes.ClassDef)
    )
    for method in cls.methods():
        if executor.everything or interesting(method.node):
            executor.run_alone(method)


def _interesting(module: nodes.Module) -> Callable[[object], bool]:
    """Can a function break, or does it mention one of this file that can?"""
    functions = [one for one in statements_of(module.body) if isinstance(one, nodes.FunctionDef)]
    dangerous = {one.name for one in functions if one.has_hazard and one.name not in _CALLED_UNNAMED}

    def interesting(function: object) -> bool:
        return isinstance(function, nodes.FunctionDef) and (
            function.has_hazard or not dangerous.isdisjoint(function.mentioned)
        )

    return interesting


def _default_framework(module: nodes.Module) -> str:
    """The framework of a value about which nothing else tells: the first of those the file imports."""
    found = {framework_of(path) for path in module.imports.values()}
    return next((name for name in _PRIORITY if name in found), "torch")
