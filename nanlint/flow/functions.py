"""Functions, classes and their instances as values, and how arguments meet parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from nanlint.flow import assumptions
from nanlint.flow.state import Outside, State
from nanlint.ir import nodes
from nanlint.ir.walk import all_statements
from nanlint.ops.spellings import framework_of
from nanlint.values.value import UNKNOWN, Kind, Terms, Value

# decorators under which a call still runs the body as it is written
_TRANSPARENT = frozenset(
    "staticmethod classmethod property cached_property no_grad inference_mode enable_grad jit script script_if_tracing "
    "compile filter_jit function lru_cache cache override final torch_jit_script typechecked jaxtyped typecheck "
    "custom_fwd custom_bwd autocast wraps beartype deprecated export ignore unused nograd".split()
)


_PRIORITY = ("torch", "jax", "tensorflow", "keras", "pytensor", "numpy")


_SHORT = 6  # statements


class Frame:
    """One module while and after it runs: its variables, as they are at the moment."""

    __slots__ = ("filename", "framework", "module", "vars")

    def __init__(self, module: nodes.Module, filename: str = "") -> None:
        self.module = module
        self.filename = filename
        self.framework = _default_framework(module)  # of values about which nothing else tells
        self.vars: Mapping[str, Value] = {}


def _default_framework(module: nodes.Module) -> str:
    """The first of those that the file imports."""
    found = {framework_of(path) for path in module.imports.values()}
    return next((name for name in _PRIORITY if name in found), "torch")


@dataclass(frozen=True, slots=True)
class Function:
    """A function, method or lambda of the program.

    Attributes:
        node: its definition; two functions are equal if this and the receiver are the same.
        frame: the module it stands in.
        enclosing: the variables of the functions around it, None at the top level of a module or class.
        owner: the class it is a method of.
        receiver: what it is bound to (`self`).
    """

    node: nodes.FunctionDef | nodes.Lambda
    frame: Frame = field(compare=False)
    enclosing: Mapping[str, Value] | None = field(default=None, compare=False)
    owner: Class | None = field(default=None, compare=False)
    receiver: Value | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        return self.node.name if isinstance(self.node, nodes.FunctionDef) else "lambda"

    @property
    def is_static(self) -> bool:
        return "staticmethod" in self.decorators

    @property
    def is_property(self) -> bool:
        return bool(self.decorators & {"property", "cached_property"})

    @property
    def is_private(self) -> bool:
        """Not meant to be called from elsewhere: `_name`, or defined inside another function."""
        private = self.name.startswith("_") and not self.name.endswith("__")
        return private or self.name == "lambda" or (self.enclosing is not None and self.owner is None)

    @property
    def decorators(self) -> frozenset[str]:
        """The last words of the decorators: "no_grad", "staticmethod"."""
        decorators = getattr(self.node, "decorators", ())
        return frozenset(path.rpartition(".")[2] for path in map(decorator_path, decorators))

    @property
    def runs_as_written(self) -> bool:
        """Does a call run the body, and nothing else?"""
        return self.decorators <= _TRANSPARENT and not getattr(self.node, "is_generator", False)

    @property
    def is_worth_a_look(self) -> bool:
        """Does the body hold an operation that can break, or is it so short that nobody need ask?"""
        return isinstance(self.node, nodes.Lambda) or self.node.has_hazard or len(self.node.body) <= _SHORT

    @property
    def is_short(self) -> bool:
        """Are there few statements in it, inner ones included?"""
        return isinstance(self.node, nodes.Lambda) or len(self._first_statements()) <= _SHORT

    @property
    def computes(self) -> bool:
        """Can a call matter to numbers? One that reckons can, and a short one that checks or passes something on; one
        that puts names and dictionaries together cannot."""
        if isinstance(self.node, nodes.Lambda) or self.node.numbers:
            return True
        return self.is_short and any(map(_matters, self._first_statements()))

    def _first_statements(self) -> list[nodes.Stmt]:
        assert isinstance(self.node, nodes.FunctionDef)
        return list(islice(all_statements(self.node.body), _SHORT + 1))

    def visible(self) -> Outside:
        """What the body sees from outside, less the names it binds itself."""
        outside = self.frame.vars if self.enclosing is None else self.enclosing
        return Outside(outside, getattr(self.node, "assigned", frozenset()))

    def bound_to(self, receiver: Value) -> Function:
        return self if self.is_static else replace(self, receiver=receiver)


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the program, with what its methods leave in an instance's attributes.

    Attributes:
        bases: the classes of the program it inherits from, nearest first.
        attributes: name → value in every instance; filled in by `classes`, empty while that is under way.
        own: its own methods by name; filled in when one is first asked for.
    """

    node: nodes.ClassDef
    frame: Frame = field(compare=False)
    enclosing: Mapping[str, Value] | None = field(default=None, compare=False)
    bases: list[Class] = field(default_factory=list, compare=False)
    foreign: tuple[str, ...] = field(default=(), compare=False)
    attributes: dict[str, Value] = field(default_factory=dict, compare=False)
    own: dict[str, Function] = field(default_factory=dict, compare=False, repr=False)

    def method(self, name: str) -> Function | None:
        """The method of this name, its own or inherited."""
        if not self.own:
            for method in self.methods():
                self.own.setdefault(method.name, method)
        if (own := self.own.get(name)) is not None:
            return own
        return next((found for base in self.bases if (found := base.method(name)) is not None), None)

    def methods(self) -> Iterator[Function]:
        """Its own methods, in order."""
        for statement in self.node.body:
            if isinstance(statement, nodes.FunctionDef):
                yield Function(statement, self.frame, self.enclosing, self)

    def attribute(self, name: str) -> Value | None:
        """What instances hold under this name."""
        if name in self.attributes:
            return self.attributes[name]
        return next((found for base in self.bases if (found := base.attribute(name)) is not None), None)

    @property
    def is_layer(self) -> bool:
        """Is it called on tensors (an nn.Module and its kin)?"""
        return any(path.endswith(("Module", "Layer", "Model")) for path in self.foreign) or any(
            base.is_layer for base in self.bases
        )


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a class of the program."""

    cls: Class


@dataclass(frozen=True, slots=True)
class Pending:
    """An object of a class of another file, which was not looked into yet."""

    path: str
    importer: str


def _matters(statement: nodes.Stmt) -> bool:
    if isinstance(statement, nodes.Return):
        value = statement.value.value if isinstance(statement.value, nodes.Constant) else statement.value
        return value is not None and not isinstance(value, nodes.DictDisplay | str)
    if isinstance(statement, nodes.Assign):
        return any(not isinstance(target, nodes.Name) for target in statement.targets)
    return isinstance(statement, nodes.Assert | nodes.Raise) or (
        isinstance(statement, nodes.Evaluate) and isinstance(statement.value, nodes.Apply)
    )


def decorator_path(decorator: nodes.Expr) -> str:
    """The dotted path of a decorator, called or not; just its name if it is the program's own."""
    func = decorator.func if isinstance(decorator, nodes.Call) else decorator
    path = getattr(func, "path", None)
    return path or getattr(func, "id", None) or getattr(func, "name", "") or ""


def bind_arguments(
    function: Function, args: Sequence[Value], keywords: Mapping[str, Value], terms: Terms
) -> dict[str, Value | None] | None:
    """Parameter → argument, None for one that keeps its default; None if the call does not fit."""
    params = function.node.params
    waiting = list(args)
    if function.receiver is not None:
        waiting.insert(0, function.receiver)
    bound: dict[str, Value | None] = {}
    starred = [param for param in params if param.starred]
    for param in params:
        if param.starred:
            given = (value.term for value in (*waiting, *keywords.values()))
            bound[param.name] = UNKNOWN.with_term(terms.fresh(*given))
        elif waiting:
            bound[param.name] = waiting.pop(0)
        elif param.name in keywords:
            bound[param.name] = keywords[param.name]
        elif param.default is not None:
            bound[param.name] = None
        else:
            return None
    unexpected = waiting or any(name not in bound for name in keywords)
    return None if unexpected and not starred else bound


def unbound_parameter(param: nodes.Param, scope: int, terms: Terms) -> Value:
    """A parameter of which no caller tells: only its default, annotation and name speak."""
    term = terms.make("param", param.name, scope)
    if param.starred:
        return Value(kind=Kind.UNKNOWN, term=term)
    default = param.default
    if isinstance(default, nodes.Constant) and isinstance(default.value, int | float):
        return assumptions.with_default(param.name, default.value, term)
    if param.annotation is not None:
        return assumptions.annotated(param.name, param.annotation, term)
    return assumptions.named(param.name, term)


def attributes_of(name: str, state: State) -> dict[str, Value]:
    """What a state knows of an object's attributes: `self.a.b` is the attribute "a.b" of `self`."""
    prefix = name + "."
    return {key.removeprefix(prefix): value for key, value in state.vars.items() if key.startswith(prefix)}
