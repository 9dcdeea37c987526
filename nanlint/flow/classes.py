"""Classes: what their methods leave in an instance, `__init__` first, and every method run on its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nanlint.flow import assumptions
from nanlint.flow.constraints import declared_parameters
from nanlint.flow.functions import Class, Function, Instance, attributes_of
from nanlint.flow.state import State, join_values, widen_values
from nanlint.ir import nodes
from nanlint.ir.walk import all_statements
from nanlint.ops.operation import Form
from nanlint.values.value import UNKNOWN, Grounds, Kind, Term, Value, replace

if TYPE_CHECKING:
    from nanlint.flow.execute import Executor

# methods that run before all others and set the attributes up: Python's, keras', flax' and Lightning's
_SETUP = ("__init__", "__post_init__", "build", "setup", "reset_parameters")


def instance_of(cls: Class) -> Value:
    """An object of the class, of which nothing more is known."""
    return Value(kind=Kind.MODULE if cls.is_layer else Kind.OBJECT, payload=Instance(cls), differentiable=False)


def fill_attributes(executor: Executor, cls: Class) -> None:
    """Find out, in silent runs, what instances hold: class constants, then what the methods assign to `self`."""
    cls.attributes.update(_class_constants(executor, cls))
    methods = [method for method in cls.methods() if not method.is_static]
    first = [method for method in methods if method.name in _SETUP]
    for method in sorted(first, key=lambda method: _SETUP.index(method.name)):
        cls.attributes.update(_assigned(executor, method))
    joined = dict(cls.attributes)
    for method in methods:
        if method.name in _SETUP or not _assigns_to_self(method.node):
            continue
        for name, value in _assigned(executor, method).items():
            before = joined.get(name, UNKNOWN)
            joined[name] = _changed_by_method(name, before, value, executor)
    cls.attributes.update(joined)
    for name, declared in declared_parameters(cls):
        found = cls.attributes.get(name, UNKNOWN)
        cls.attributes[name] = found if found.range <= declared.range else replace(declared, kind=found.kind)


def _changed_by_method(name: str, before: Value, after: Value, executor: Executor) -> Value:
    """What an attribute may be that a method sets too. If the method changes what it finds (a counter), it may do so
    any number of times, and that it never did is not supposed."""
    if after == before:
        return before
    if after.term is not None and _contains(after.term, name):
        changed = widen_values(before, after, executor.terms)
        return replace(changed, grounds=min(changed.grounds, Grounds.ASSUMED))
    return join_values(before, after, executor.terms)


def _contains(term: Term, attribute: str) -> bool:
    """Is an attribute of this name part of the term?"""
    seen: set[Term] = set()
    waiting = [term]
    while waiting:
        part = waiting.pop()
        if part.head == "attr" and attribute in part.args:
            return True
        if part not in seen:
            seen.add(part)
            waiting.extend(arg for arg in part.args if isinstance(arg, Term))
    return False


def _class_constants(executor: Executor, cls: Class) -> Iterator[tuple[str, Value]]:
    """Constants of the class body: defaults that an instance may override."""
    outside = cls.frame.vars if cls.enclosing is None else cls.enclosing
    for statement in cls.node.body:
        if isinstance(statement, nodes.Assign) and isinstance(statement.targets[0], nodes.Name):
            name = statement.targets[0].id
            value = executor.silently(statement.value, State({}, None, outside))
            if value.constant is not None and not name.isupper():
                value = assumptions.with_default(name, value.constant, None)
            yield name, value


def _assigned(executor: Executor, method: Function) -> dict[str, Value]:
    """What a method leaves in `self`, found in a silent run."""
    params = method.node.params
    if not params:
        return {}
    recording, executor.recording = executor.recording, False
    try:
        after = executor.run_alone(method)
    finally:
        executor.recording = recording
    return {name: value for name, value in attributes_of(params[0].name, after).items() if "." not in name}


def _assigns_to_self(method: nodes.FunctionDef | nodes.Lambda) -> bool:
    """Does it set an attribute, or change one in place (`self.counts[i] += 1`, `self.total.add_(x)`)?"""
    if not isinstance(method, nodes.FunctionDef) or not method.params:
        return False
    own = method.params[0].name + "."
    return any(
        (getattr(target, "key", None) or "").startswith(own)
        for statement in all_statements(method.body)
        for target in _changed(statement)
    )


def _changed(statement: nodes.Stmt) -> Iterator[nodes.Expr]:
    """What a statement assigns to, or changes in place."""
    if isinstance(statement, nodes.Assign):
        for target in statement.targets:
            yield target.base if isinstance(target, nodes.Subscript) else target
        return
    changed = statement.value if isinstance(statement, nodes.Evaluate) else None
    if isinstance(changed, nodes.Apply) and changed.spelling.form is Form.INPLACE:
        yield changed.operands["x"]
