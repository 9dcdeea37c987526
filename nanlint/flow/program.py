"""A whole file: the module body first, then every function, then every class with `__init__` before its methods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cached_property
from typing import Any

from nanlint.flow import assumptions
from nanlint.flow.execute import Executor
from nanlint.flow.state import State, join_values
from nanlint.flow.uses import Use
from nanlint.ir import nodes
from nanlint.ops.spellings import NO_GRAD, framework_of
from nanlint.values.value import UNKNOWN, Grounds, Kind, Term, Terms, Value

# methods that run before all others and set the attributes up: Python's, keras', flax' and Lightning's
_SETUP = ("__init__", "__post_init__", "build", "setup", "reset_parameters")
_PRIORITY = ("torch", "jax", "tensorflow", "keras", "numpy")


class Analysis:
    """What interpreting one file left behind, and the questions `facts` passes on."""

    def __init__(self, module: nodes.Module, executor: Executor) -> None:
        self.module = module
        self._executor = executor
        self._record = executor.record
        self.uses: list[Use] = list(executor.record.uses.values())
        self.calls = list(executor.record.calls.values())
        self.reveals = list(executor.record.reveals.values())
        self.assignments = list(executor.record.assignments.values())

    def term_of(self, expr: nodes.Expr) -> Term | None:
        value = self.value_of(expr)
        return None if value is None else value.term

    def value_of(self, expr: nodes.Expr) -> Value | None:
        return self._record.values.get(id(expr))

    def value_of_term(self, term: Term) -> Value | None:
        return self._executor.by_term.get(term)

    @cached_property
    def passing(self) -> frozenset[Term]:
        """The terms whose value leaves the function they arise in."""
        return self._record.outlets.sources(gradient=False)

    @cached_property
    def passing_gradient(self) -> frozenset[Term]:
        """The terms whose gradient may be asked for."""
        return self._record.outlets.sources(gradient=True)

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


def interpret(module: nodes.Module, *, everything: bool = False) -> Analysis:
    """Interpret the functions of a file that a rule could speak of, or really all of them."""
    executor = Executor(Terms(), _default_framework(module), everything=everything)
    top = executor.block(module.body, State({})) or State({})
    _run_pending(executor, top)
    executor.record.outlets.leave(*top.vars.values())
    return Analysis(module, executor)


def _run_pending(executor: Executor, top: State) -> None:
    """Run what was defined; definitions inside are found on the way and run in turn."""
    while executor.functions or executor.classes:
        functions, executor.functions = executor.functions, []
        classes, executor.classes = executor.classes, []
        for function, state in functions:
            if isinstance(function, nodes.FunctionDef) and (function.has_hazard or executor.everything):
                _run_function(executor, function, _enclosing(state, top))
        for definition, state in classes:
            _run_class(executor, definition, _enclosing(state, top))


def _enclosing(state: State, top: State) -> dict[str, Value]:
    """What a function sees from outside: module names as they are in the end, inner ones as at the definition."""
    return {**state.globals, **state.vars, **top.vars}


def _run_function(
    executor: Executor, node: nodes.FunctionDef, outside: dict[str, Value], attributes: dict[str, Value] | None = None
) -> State | None:
    visible = {name: value for name, value in outside.items() if name not in node.assigned}
    state = State({}, None, visible)
    for at, param in enumerate(node.params):
        if attributes is not None and at == 0:
            term = executor.terms.make("param", param.name, id(node))
            state.vars[param.name] = Value(kind=Kind.OBJECT, term=term)
            for name, value in attributes.items():
                state.vars[f"{param.name}.{name}"] = replace(value, term=executor.terms.make("attr", term, name))
            continue
        state.vars[param.name] = _parameter(executor, param, id(node))
    silenced = any(_decorator_path(decorator) in NO_GRAD for decorator in node.decorators)
    outer, executor.loops = executor.loops, []
    executor.no_grad += silenced
    after = executor.block(node.body, state)
    executor.no_grad -= silenced
    executor.loops = outer
    after = after if after is not None else state
    executor.record.outlets.end(after.vars.values())
    return after


def _decorator_path(decorator: nodes.Expr) -> str | None:
    func = decorator.func if isinstance(decorator, nodes.Call) else decorator
    return getattr(func, "path", None)


def _parameter(executor: Executor, param: nodes.Param, scope: int) -> Value:
    term = executor.terms.make("param", param.name, scope)
    if param.starred:
        return Value(kind=Kind.UNKNOWN, term=term)
    default = param.default
    if isinstance(default, nodes.Constant) and isinstance(default.value, int | float):
        return assumptions.with_default(param.name, default.value, term)
    if param.annotation is not None:
        return assumptions.annotated(param.name, param.annotation, term)
    return assumptions.named(param.name, term)


# --- classes ---------------------------------------------------------------------------------------------------------


def _run_class(executor: Executor, node: nodes.ClassDef, outside: dict[str, Value]) -> None:
    methods = [statement for statement in node.body if isinstance(statement, nodes.FunctionDef)]
    executor.classes.extend(
        (inner, State({}, None, outside)) for inner in node.body if isinstance(inner, nodes.ClassDef)
    )
    if not (executor.everything or any(method.has_hazard for method in methods)):
        return
    attributes = _class_attributes(executor, node, outside)
    first = [method for method in methods if method.name in _SETUP]
    for method in sorted(first, key=lambda method: _SETUP.index(method.name)):
        attributes.update(_assigned_attributes(executor, method, outside, attributes))
    attributes = _joined_over_methods(executor, methods, outside, attributes)
    silenced = _is_autograd_function(node) or assumptions.is_preprocessing(node.name, _base_names(node))
    executor.no_grad += silenced
    for method in methods:
        if method.has_hazard or executor.everything:
            static = any(_decorator_path(decorator) == "builtins.staticmethod" for decorator in method.decorators)
            _run_function(executor, method, outside, None if static else attributes)
    executor.no_grad -= silenced


def _base_names(node: nodes.ClassDef) -> list[str]:
    names = (getattr(base, "path", None) or getattr(base, "id", None) or "" for base in node.bases)
    return [name.rpartition(".")[2] for name in names]


def _is_autograd_function(node: nodes.ClassDef) -> bool:
    """The author writes the gradient by hand there; autograd never differentiates forward or backward."""
    return any((getattr(base, "path", None) or "").endswith("autograd.Function") for base in node.bases)


def _class_attributes(executor: Executor, node: nodes.ClassDef, outside: dict[str, Value]) -> dict[str, Value]:
    """Constants of the class body: defaults that an instance may override."""
    attributes: dict[str, Value] = {}
    for statement in node.body:
        if isinstance(statement, nodes.Assign) and isinstance(statement.targets[0], nodes.Name):
            name = statement.targets[0].id
            value = executor.silently(statement.value, State({}, None, outside))
            if value.constant is not None and not name.isupper():
                value = assumptions.with_default(name, value.constant, None)
            attributes[name] = value
    return attributes


def _assigned_attributes(
    executor: Executor, method: nodes.FunctionDef, outside: dict[str, Value], attributes: dict[str, Value]
) -> dict[str, Value]:
    """What a method leaves in `self`, found in a silent run."""
    if not method.params:
        return {}
    recording, executor.recording = executor.recording, False
    try:
        after = _run_function(executor, method, outside, attributes)
    finally:
        executor.recording = recording
    prefix = method.params[0].name + "."
    if after is None:
        return {}
    return {
        name.removeprefix(prefix): _kept(value)
        for name, value in after.vars.items()
        if name.startswith(prefix) and "." not in name.removeprefix(prefix)
    }


def _kept(value: Value) -> Value:
    """An attribute as another method sees it: a number given in one place is a default, not a certainty."""
    if value.kind is Kind.NUMBER and value.constant is not None and value.constant != 0:
        return value
    return replace(value, why=None) if value.grounds is Grounds.NONE else value


def _joined_over_methods(
    executor: Executor, methods: Sequence[nodes.FunctionDef], outside: dict[str, Value], attributes: dict[str, Value]
) -> dict[str, Value]:
    joined = dict(attributes)
    for method in methods:
        if method.name in _SETUP or not _assigns_to_self(method):
            continue
        for name, value in _assigned_attributes(executor, method, outside, attributes).items():
            before = joined.get(name, UNKNOWN)
            joined[name] = join_values(before, value, executor.terms)
    return joined


def _assigns_to_self(method: nodes.FunctionDef) -> bool:
    return bool(method.params) and any(
        isinstance(target, nodes.Attribute)
        and isinstance(target.base, nodes.Name)
        and target.base.id == method.params[0].name
        for statement in _statements(method.body)
        if isinstance(statement, nodes.Assign)
        for target in statement.targets
    )


def _statements(body: Sequence[nodes.Stmt]) -> Iterator[nodes.Stmt]:
    for statement in body:
        yield statement
        for part in ("body", "orelse", "final"):
            yield from _statements(getattr(statement, part, ()))


def _default_framework(module: nodes.Module) -> str:
    """The framework of a value about which nothing else tells: the first of those the file imports."""
    found = {framework_of(path) for path in module.imports.values()}
    return next((name for name in _PRIORITY if name in found), "torch")
