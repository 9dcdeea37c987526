"""Which number a setting is: followed to where the file writes it down, through variables, defaults, attributes, dicts
and options of the command line.

Settings need no interpreting: they are written once and handed on. What is written twice, or changed, is not followed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from nanlint.checks.structure import key_of
from nanlint.facts import Facts
from nanlint.ir import nodes
from nanlint.ir.walk import blocks_of, expressions, parts

_DEPTH = 8  # links of a chain of names
_OPTIONS = frozenset({"add_argument", "add_option", "option", "DEFINE_float", "DEFINE_integer"})
_REGISTERED = ("DEFINE_float", "DEFINE_integer")  # absl: name and default stand first
_ARITHMETIC = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
}


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, and the expression that says so: the setting itself if it is written in place."""

    value: float
    node: nodes.Expr


@dataclass(slots=True, eq=False)
class Scope:
    """A module or a function: what its names are bound to; None where a binding says nothing."""

    function: nodes.FunctionDef | None = None
    owner: nodes.ClassDef | None = None
    outer: Scope | None = None
    bound: dict[str, list[nodes.Expr | None]] = field(default_factory=dict)

    def bind(self, name: str, value: nodes.Expr | None) -> None:
        self.bound.setdefault(name, []).append(value)


@dataclass(frozen=True, slots=True)
class Place:
    """A call, the statement it stands in, and the scope of that."""

    call: nodes.Call
    statement: nodes.Stmt
    scope: Scope


class Literals:
    """The settings of one file."""

    def __init__(self, body: Sequence[nodes.Stmt]) -> None:
        self.calls: list[Place] = []
        self.stored: set[str] = set()  # attributes and keys that are assigned outside of a class's own methods
        self._classes: dict[str, nodes.ClassDef] = {}
        self._fields: dict[tuple[nodes.ClassDef, str], list[tuple[nodes.Expr | None, Scope]]] = {}
        self._options: dict[str, list[tuple[nodes.Expr | None, Scope]]] = {}
        self._module = Scope()
        self._scopes: dict[int, Scope] = {}
        self._walk(body, self._module)
        for place in self.calls:
            self._register(place.call, place.scope)

    def scope_of(self, function: nodes.FunctionDef | None) -> Scope:
        """The scope of a function of this file; that of the file itself for None."""
        return self._module if function is None else self._scopes[id(function)]

    def follow(self, expr: nodes.Expr | None, scope: Scope, depth: int = _DEPTH) -> Literal | None:
        """The number that an expression is, if the file says so."""
        expr, scope = self.origin(expr, scope, depth)
        if isinstance(expr, nodes.Constant):
            number = expr.value
            if isinstance(number, int | float) and not isinstance(number, bool):
                return Literal(float(number), expr)
        if isinstance(expr, nodes.Apply):
            return self._reckoned(expr, scope, depth)
        if isinstance(expr, nodes.Call) and getattr(expr.func, "path", None) == "builtins.float" and expr.args:
            return self.follow(expr.args[0], scope, depth - 1) if depth else None
        return None

    def origin(self, expr: nodes.Expr | None, scope: Scope, depth: int = _DEPTH) -> tuple[nodes.Expr | None, Scope]:
        """What was written for an expression: names are replaced by the one thing that they are bound to."""
        for left in range(depth, 0, -1):
            found = self._step(expr, scope, left - 1)
            if found is None:
                return expr, scope
            expr, scope = found
        return None, scope

    def _step(self, expr: nodes.Expr | None, scope: Scope, depth: int) -> tuple[nodes.Expr | None, Scope] | None:
        if isinstance(expr, nodes.Name) and expr.path is None:
            return self._named(expr.id, scope)
        if isinstance(expr, nodes.Attribute) and expr.path is None:
            return self._attribute(expr, scope, depth)
        if isinstance(expr, nodes.Subscript) and len(expr.index) == 1:
            return self._entry(expr.base, expr.index[0], scope, depth)
        return None

    def _named(self, name: str, scope: Scope) -> tuple[nodes.Expr | None, Scope] | None:
        where: Scope | None = scope
        while where is not None:
            param = _parameter(where.function, name)
            if name in where.bound:
                values = where.bound[name]
                return (values[0], where) if len(values) == 1 and param is None else (None, where)
            if param is not None:
                return self._given(where, param)
            where = where.outer
        return None

    def _given(self, scope: Scope, param: nodes.Param) -> tuple[nodes.Expr | None, Scope]:
        """What the only call in the file passes for a parameter; its default where none passes anything."""
        function = scope.function
        assert function is not None
        name = scope.owner.name if scope.owner is not None and function.name == "__init__" else function.name
        names = [one.name for one in function.params]
        place = names.index(param.name) - (names[0] in ("self", "cls"))
        given: list[tuple[nodes.Expr, Scope]] = []
        for other in self.calls:
            if getattr(other.call.func, "id", getattr(other.call.func, "name", None)) != name:
                continue
            if any(isinstance(arg, nodes.Starred) for arg in other.call.args):
                return None, scope
            if param.name in other.call.keywords:
                given.append((other.call.keywords[param.name], other.scope))
            elif 0 <= place < len(other.call.args):
                given.append((other.call.args[place], other.scope))
        if given:
            return given[0] if len(given) == 1 else (None, scope)
        if param.default is None:
            return self._option(param.name, scope) or (None, scope)
        return param.default, scope.outer or scope

    def _attribute(self, expr: nodes.Attribute, scope: Scope, depth: int) -> tuple[nodes.Expr | None, Scope] | None:
        base = expr.base
        owner = scope.owner if isinstance(base, nodes.Name) and base.id in ("self", "cls") else None
        made: nodes.Call | None = None
        if owner is None:
            if expr.name in self.stored:
                return None, scope
            owner, made = self._class_of(base, scope, depth)
        if made is not None and expr.name in made.keywords:
            return made.keywords[expr.name], scope
        found = [] if owner is None else self._fields.get((owner, expr.name), [])
        if found:
            return found[0] if len(found) == 1 else (None, scope)
        return None if owner is not None and made is None else self._option(expr.name, scope)

    def _class_of(self, base: nodes.Expr, scope: Scope, depth: int) -> tuple[nodes.ClassDef | None, nodes.Call | None]:
        """The class of this file that an expression denotes or is an instance of, and the call that makes it."""
        if isinstance(base, nodes.Name) and base.id in self._classes:
            return self._classes[base.id], None
        if isinstance(base, nodes.Name):
            param = _parameter(scope.function, base.id)
            if param is not None and param.annotation in self._classes:
                return self._classes[param.annotation], None
        made, _ = self.origin(base, scope, depth)
        name = getattr(made.func, "id", None) if isinstance(made, nodes.Call) else None
        return (self._classes[name], made) if isinstance(made, nodes.Call) and name in self._classes else (None, None)

    def _option(self, name: str, scope: Scope) -> tuple[nodes.Expr | None, Scope] | None:
        found = self._options.get(name, [])
        return None if not found else found[0] if len(found) == 1 else (None, scope)

    def _entry(
        self, base: nodes.Expr, index: nodes.Expr, scope: Scope, depth: int
    ) -> tuple[nodes.Expr | None, Scope] | None:
        """`cfg["lr"]` of a dict that the file writes down."""
        if not isinstance(index, nodes.Constant) or index.value in self.stored:
            return None
        held, where = self.origin(base, scope, depth)
        if isinstance(held, nodes.DictDisplay) and None not in held.keys:
            for key, entry in zip(held.keys, held.values, strict=True):
                if isinstance(key, nodes.Constant) and key.value == index.value:
                    return entry, where
        if isinstance(held, nodes.Call) and getattr(held.func, "path", None) == "builtins.dict":
            value = held.keywords.get(str(index.value))
            return None if value is None else (value, where)
        return None

    def _reckoned(self, expr: nodes.Apply, scope: Scope, depth: int) -> Literal | None:
        name, operands = expr.spelling.operation.name, list(expr.operands.values())
        numbers = [self.follow(one, scope, depth - 1) for one in operands] if depth else []
        known = [one.value for one in numbers if one is not None]
        if len(known) != len(operands) or not known:
            return None
        if name == "neg":
            return Literal(-known[0], expr)
        if name == "sqrt":
            return Literal(math.sqrt(known[0]), expr) if known[0] >= 0 else None
        if name not in _ARITHMETIC or len(known) != 2:
            return None
        try:
            value = _ARITHMETIC[name](*known)
        except (ArithmeticError, ValueError):
            return None
        return Literal(value, expr) if isinstance(value, float) and math.isfinite(value) else None

    # --- reading the file ----------------------------------------------------------------------------------------

    def _walk(self, body: Sequence[nodes.Stmt], scope: Scope, owner: nodes.ClassDef | None = None) -> None:
        """`owner` is the class whose body this is."""
        for statement in body:
            self._note(statement, scope, owner)
            if isinstance(statement, nodes.FunctionDef):
                inner = self._scopes[id(statement)] = Scope(statement, owner or scope.owner, scope)
                for decorator in statement.decorators:
                    self._note_calls(parts(decorator), statement, scope)
                self._walk(statement.body, inner)
            elif isinstance(statement, nodes.ClassDef):
                self._classes[statement.name] = statement
                self._walk(statement.body, scope, statement)
            else:
                for block in blocks_of(statement):
                    self._walk(block, scope, owner)

    def _note(self, statement: nodes.Stmt, scope: Scope, owner: nodes.ClassDef | None) -> None:
        self._note_calls(expressions(statement), statement, scope)
        if isinstance(statement, nodes.Assign):
            for target in statement.targets:
                self._bind(target, None if statement.augmented else statement.value, scope, owner)
        elif isinstance(statement, nodes.For):
            self._bind(statement.target, None, scope, owner)
        elif isinstance(statement, nodes.With):
            for _, held in statement.items:
                if held is not None:
                    self._bind(held, None, scope, owner)

    def _note_calls(self, found: Iterator[nodes.Expr], statement: nodes.Stmt, scope: Scope) -> None:
        self.calls += (Place(one, statement, scope) for one in found if isinstance(one, nodes.Call))

    def _bind(self, target: nodes.Expr, value: nodes.Expr | None, scope: Scope, owner: nodes.ClassDef | None) -> None:
        if isinstance(target, nodes.Display):
            given = value.items if isinstance(value, nodes.Display) else ()
            paired = len(given) == len(target.items)
            for place, part in enumerate(target.items):
                self._bind(part, given[place] if paired else None, scope, owner)
        elif isinstance(target, nodes.Name) and owner is not None:
            self._fields.setdefault((owner, target.id), []).append((value, scope))
        elif isinstance(target, nodes.Name):
            scope.bind(target.id, value)
        elif isinstance(target, nodes.Attribute):
            if scope.owner is not None and key_of(target) == f"self.{target.name}":
                self._fields.setdefault((scope.owner, target.name), []).append((value, scope))
            else:
                self.stored.add(target.name)
        elif isinstance(target, nodes.Subscript):
            keys = (one.value for one in target.index if isinstance(one, nodes.Constant))
            self.stored.update(key for key in keys if isinstance(key, str))

    def _register(self, call: nodes.Call, scope: Scope) -> None:
        """An option of argparse, click or absl, and its default."""
        name = getattr(call.func, "name", getattr(call.func, "id", ""))
        flags = [one.value for one in call.args if isinstance(one, nodes.Constant) and isinstance(one.value, str)]
        if name not in _OPTIONS or not flags:
            return
        if name in _REGISTERED:
            self._options.setdefault(flags[0], []).append((call.args[1] if len(call.args) > 1 else None, scope))
            return
        long = [flag for flag in flags if flag.startswith("--")] or flags
        dest = call.keywords.get("dest")
        option = dest.value if isinstance(dest, nodes.Constant) else long[0].lstrip("-").replace("-", "_")
        self._options.setdefault(str(option), []).append((call.keywords.get("default"), scope))


def _parameter(function: nodes.FunctionDef | None, name: str) -> nodes.Param | None:
    params = () if function is None else function.params
    return next((param for param in params if param.name == name), None)


_READ: WeakKeyDictionary[Facts, Literals] = WeakKeyDictionary()


def literals_of(facts: Facts) -> Literals:
    """The settings of a file, read once for all rules."""
    if facts not in _READ:
        _READ[facts] = Literals(facts.body)
    return _READ[facts]
