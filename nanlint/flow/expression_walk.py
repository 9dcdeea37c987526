"""How expressions treat memory: which names it goes to, what is read, written, or handed to functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Any

from nanlint.flow.touches import ANY, UNNAMED, How, Place, Site, Touch, Touched, Touches
from nanlint.ir import nodes
from nanlint.ir.walk import parts
from nanlint.ops import memory
from nanlint.ops.operation import Form, Role


@dataclass(slots=True, eq=False)
class Scope:
    """A function, lambda or comprehension; `names` are those it binds itself."""

    owner: int
    names: frozenset[str]


_LOOKING = frozenset(
    f"builtins.{name}"
    for name in "print len isinstance issubclass type id str repr hasattr callable super format".split()
)
_HANDING_ON = frozenset(
    f"builtins.{name}" for name in "zip enumerate reversed list tuple iter sorted dict set next filter".split()
)
# all parameters of a module, under one name
_EVERYTHING = frozenset("parameters named_parameters _parameters buffers named_buffers _buffers state_dict".split())
_MEMBERS = frozenset({"items", "values", "get", "select", "tensor_split", "hsplit", "vsplit", "swapdims", "copy"})
_LOADING = frozenset({"load_state_dict", "_load_from_state_dict"})
# whatever is called so fills what it is given
_FILLING = re.compile(r"(?:_|^)(?:init|fill|reset)|_$|[a-z]Init")
_SETTING_UP = ("init", "reset", "build", "setup", "set_", "fill", "load", "new", "post", "weight")


class ExpressionWalk:
    """Writes down how the expressions of one function after the other treat memory."""

    def __init__(self, raw: Iterable[nodes.Expr] = ()) -> None:
        self.found = Touches()
        self._raw = {id(node) for node in raw}
        self._scopes: list[Scope] = []
        self._class: nodes.ClassDef | None = None
        self._receiver: str | None = None
        self._function = ""
        self._statement: nodes.Stmt | None = None
        self._loops = 0
        self._frozen = self._trained = False

    # --- places ----------------------------------------------------------------------------------------------

    def _variable(self, name: str) -> Place:
        owner = next((scope.owner for scope in reversed(self._scopes) if name in scope.names), 0)
        return Place("name", owner, name)

    def _attribute(self, base: nodes.Expr, name: str) -> Place:
        own = isinstance(base, nodes.Name) and base.id == self._receiver
        return Place("attribute", id(self._class) if own else 0, name)

    def _touch(self, place: Place, how: How, node: nodes.Expr) -> None:
        if isinstance(how, tuple):
            self.found.flows.setdefault(place, set()).update(how)
            for target in how:
                self.found.sources.setdefault(target, set()).add(place)
            return
        if how is Touch.HAND and place.kind == "attribute":
            # what the forward pass computes with is not filled there
            how = Touch.ESCAPE if any(word in self._function.lower() for word in _SETTING_UP) else Touch.READ
        if how is Touch.LEAVE and place.kind == "attribute":
            how = Touch.READ
        if how is not Touch.LOOK:
            self.found.touched.setdefault(place, []).append(Touched(how, node, self._loops))

    def _other(self, how: How) -> None:
        """A value that is none of ours goes there."""
        if isinstance(how, tuple):
            for target in how:
                self.found.sources.setdefault(target, set()).add(None)

    def _targets(self, target: nodes.Expr) -> tuple[Place, ...]:
        """The places an assignment binds, after what it writes has been noted."""
        if isinstance(target, nodes.Name):
            return () if target.path is not None else (self._variable(target.id),)
        if isinstance(target, nodes.Display):
            return tuple(place for item in target.items for place in self._targets(item))
        if isinstance(target, nodes.Starred):
            return self._targets(target.value)
        if isinstance(target, nodes.Subscript):
            self.visit(target.base, Touch.PART, target)
            self._indices(target)
        elif isinstance(target, nodes.Attribute):
            if target.name in memory.VIEWS:
                self.visit(target.base, Touch.WRITE)
            elif target.name not in memory.LOOKS:
                self.visit(target.base, Touch.LOOK)
                return (self._attribute(target.base, target.name),)
        return ()

    # --- expressions -----------------------------------------------------------------------------------------

    def visit(self, node: nodes.Expr, how: How, at: nodes.Expr | None = None) -> None:
        """Note what becomes of the memory that an expression denotes; `at` is what says so."""
        handler = _EXPRESSIONS.get(type(node))
        if handler is not None:
            handler(self, node, how, at or node)

    def name(self, node: nodes.Name, how: How, at: nodes.Expr) -> None:
        if node.path is not None:
            self._other(how)
        elif node.id == self._receiver:
            if isinstance(how, tuple) or how in (Touch.ESCAPE, Touch.HAND, Touch.WRITE):
                self.found.leaks.add(id(self._class))
        else:
            self._touch(self._variable(node.id), how, at)

    def constant(self, node: nodes.Constant, how: How, at: nodes.Expr) -> None:
        if node.value is not None:
            self._other(how)

    def attribute(self, node: nodes.Attribute, how: How, at: nodes.Expr) -> None:
        if node.path is not None or node.name in memory.LOOKS:
            self.visit(node.base, Touch.LOOK)
            self._other(how)
        elif node.name in memory.VIEWS:
            self.visit(node.base, how, at)
        else:
            self.visit(node.base, Touch.LOOK)
            name = ANY if node.name in _EVERYTHING else node.name
            self._touch(self._attribute(node.base, name), how, at)

    def subscript(self, node: nodes.Subscript, how: How, at: nodes.Expr) -> None:
        self.visit(node.base, how, at)
        self._indices(node)

    def _indices(self, node: nodes.Subscript) -> None:
        for index in node.index:
            self.visit(index, Touch.READ)

    def slice(self, node: nodes.Slice, how: How, at: nodes.Expr) -> None:
        for part in node.parts:
            if part is not None:
                self.visit(part, Touch.READ)

    def items(self, node: nodes.Display | nodes.DictDisplay, how: How, at: nodes.Expr) -> None:
        items = node.items if isinstance(node, nodes.Display) else node.values
        for item in items:
            self.visit(item, how)
        if not items:
            self._other(how)

    def conditional(self, node: nodes.Conditional, how: How, at: nodes.Expr) -> None:
        self.visit(node.test, Touch.READ)
        self.visit(node.body, how)
        self.visit(node.orelse, how)

    def logical(self, node: nodes.Logical, how: How, at: nodes.Expr) -> None:
        self.visit(node.left, how)
        self.visit(node.right, how)

    def compare(self, node: nodes.Compare, how: How, at: nodes.Expr) -> None:
        looks = all(operator in ("is", "is not", "in", "not in") for operator, _ in node.links)
        for part in (node.left, *(right for _, right in node.links)):
            self.visit(part, Touch.LOOK if looks else Touch.READ)
        self._other(how)

    def inner(self, node: nodes.Not | nodes.Starred, how: How, at: nodes.Expr) -> None:
        self.visit(node.operand if isinstance(node, nodes.Not) else node.value, how)

    def walrus(self, node: nodes.Walrus, how: How, at: nodes.Expr) -> None:
        self.visit(node.value, self._targets(node.target))
        self.visit(node.target, how)

    def comprehension(self, node: nodes.Comprehension, how: How, at: nodes.Expr) -> None:
        names = frozenset(name for part in node.generators for name in _bound(part.target))
        self._scopes.append(Scope(id(node), names))
        self._loops += 1
        for part in node.generators:
            self.visit(part.iter, self._targets(part.target))
            for condition in part.conditions:
                self.visit(condition, Touch.READ)
        for element in node.elements:
            self.visit(element, how)
        self._loops -= 1
        self._scopes.pop()

    def lambda_(self, node: nodes.Lambda, how: How, at: nodes.Expr) -> None:
        self._scopes.append(Scope(id(node), frozenset(param.name for param in node.params)))
        self.visit(node.body, Touch.LEAVE)
        self._scopes.pop()
        self._other(how)

    def opaque(self, node: nodes.Opaque, how: How, at: nodes.Expr) -> None:
        for part in node.parts:
            self.visit(part, Touch.LOOK if node.is_text else Touch.ESCAPE)
        self._other(how)

    # --- calls -----------------------------------------------------------------------------------------------

    def apply(self, node: nodes.Apply, how: How, at: nodes.Expr) -> None:
        operation, form = node.spelling.operation, node.spelling.form
        operands = dict(node.operands)
        x = operands.pop("x", None)
        method = node.callee.name if isinstance(node.callee, nodes.Attribute) else ""
        if x is None or operation.name in memory.FROM_NOTHING or operation.name in ("size", "len"):
            if x is not None and form is Form.INPLACE:
                self._in_place(method, x, node.keywords, how, node)
            elif id(node) in self._raw:
                self._site(node, how)
            else:
                self._other(how)
            if x is not None:
                self.visit(x, Touch.LOOK)
        elif form is Form.INPLACE:
            self._in_place(method, x, node.keywords, how, node)
        elif operation.role is Role.VIEW or operation.name == "part":
            self.visit(x, how, at)
        elif operation.name == "stack" and not isinstance(how, tuple):
            self.visit(x, how)  # padding that is handed on
        else:
            self.visit(x, Touch.LOOK if how is Touch.LOOK else Touch.READ)
            self._other(how)
        for operand in operands.values():
            self.visit(operand, Touch.LOOK if how is Touch.LOOK else Touch.READ)
        for extra in node.extras:
            self.visit(extra, Touch.WRITE if extra is node.keywords.get("out") else Touch.READ)

    def _site(self, node: nodes.Apply | nodes.Call, how: How) -> None:
        place = Place("site", id(node), "")
        assert self._statement is not None
        # `torch.FloatTensor(d)`: data, however short its name is
        given_data = isinstance(node, nodes.Call) and any(map(self._is_unpacked, node.args))
        self.found.sites[place] = Site(
            node, self._statement, self._class, self._loops, self._frozen, self._trained, given_data
        )
        self._touch(place, how, node)

    def _is_unpacked(self, size: nodes.Expr) -> bool:
        names = (part.id for part in parts(size) if isinstance(part, nodes.Name))
        return any(self._variable(name) in self.found.unpacked for name in names)

    def _in_place(self, method: str, x: nodes.Expr, keywords: Container[str], how: How, at: nodes.Expr) -> None:
        """`x.normal_()`: the result is `x` itself."""
        if method not in memory.STILL:
            changes = method in memory.CHANGING and "include_self" not in keywords
            self.visit(x, Touch.CHANGE if changes else Touch.WRITE, at)
        self.visit(x, how)

    def call(self, node: nodes.Call, how: How, at: nodes.Expr) -> None:
        path = getattr(node.func, "path", None)
        if id(node) in self._raw:
            self._site(node, how)
            self._arguments(node, Touch.LOOK)
        elif path is not None:
            self._function_call(node, path, how)
        elif isinstance(node.func, nodes.Attribute):
            self._method_call(node, node.func, how)
        else:
            self.visit(node.func, Touch.LOOK)
            self._arguments(node, _handed(getattr(node.func, "id", ""), how))
            self._other(how)

    def _function_call(self, node: nodes.Call, path: str, how: How) -> None:
        if path in memory.WRAPPERS:
            self._wrapped(node, path, how)
        elif path in _LOOKING or "_calculate_" in path:
            self._arguments(node, Touch.LOOK)
        elif path in _HANDING_ON:
            self._arguments(node, how)
        elif path in ("builtins.getattr", "builtins.setattr") and len(node.args) > 1:
            self._by_name(node, how)
            return
        elif memory.only_reads(path) and "beta" not in node.keywords:
            self._arguments(node, Touch.LOOK if how is Touch.LOOK else Touch.READ)
        elif path.endswith("Module.__init__"):
            return
        else:
            self._arguments(node, _handed(path.rpartition(".")[2], how))
        if path not in memory.WRAPPERS and path not in _HANDING_ON:
            self._other(how)

    def _wrapped(self, node: nodes.Call, path: str, how: How) -> None:
        kept = self._frozen, self._trained
        trained = node.keywords.get("requires_grad") or (node.args[1] if len(node.args) > 1 else None)
        self._trained = True
        if path in memory.BUFFERS or (isinstance(trained, nodes.Constant) and trained.value is False):
            self._frozen = True
        self._arguments(node, how)
        self._frozen, self._trained = kept
        if not node.args and not node.keywords:
            self._other(how)

    def _by_name(self, node: nodes.Call, how: How) -> None:
        """`getattr(self, name)`, `setattr(self, name, value)`."""
        word = node.args[1]
        name = word.value if isinstance(word, nodes.Constant) and isinstance(word.value, str) else UNNAMED
        place = self._attribute(node.args[0], name)
        if len(node.args) > 2 and getattr(node.func, "path", None) == "builtins.setattr":
            self.visit(node.args[2], (place,) if name is not UNNAMED else Touch.ESCAPE)
        else:
            self._touch(place, how, node)

    def _method_call(self, node: nodes.Call, func: nodes.Attribute, how: How) -> None:
        name, base = func.name, func.base
        own = isinstance(base, nodes.Name) and base.id == self._receiver
        arguments = _handed(name, how)
        if name in _EVERYTHING:
            self._touch(self._attribute(base, ANY), how, node)
            return
        if name in ("register_parameter", "register_buffer", "register_module") and self._registered(node, base, name):
            return
        if name in memory.LOOKS or name in memory.VIEWS:
            self.visit(base, Touch.LOOK)
        elif name.endswith("_") and not name.endswith("__"):
            self._in_place(name, base, node.keywords, how, node)
            arguments = Touch.READ
        elif name in _MEMBERS:
            self.visit(base, how)
        elif own:
            self._own_call(node, name)
        elif name == "__init__":
            return
        else:
            self.visit(base, Touch.ESCAPE)
        self._arguments(node, arguments)
        self._other(how)

    def _own_call(self, node: nodes.Call, name: str) -> None:
        self.found.called.setdefault(id(self._class), set()).add(name)
        if name == "apply":
            self.found.applied.setdefault(id(self._class), []).extend(node.args)
        elif name in _LOADING:
            self._touch(Place("attribute", id(self._class), UNNAMED), Touch.WRITE, node)

    def _registered(self, node: nodes.Call, base: nodes.Expr, method: str) -> bool:
        word = node.args[0] if node.args else node.keywords.get("name")
        value = node.args[1] if len(node.args) > 1 else node.keywords.get("param") or node.keywords.get("tensor")
        if not isinstance(word, nodes.Constant) or not isinstance(word.value, str) or value is None:
            return False
        kept, self._frozen = self._frozen, self._frozen or method == "register_buffer"
        self.visit(value, (self._attribute(base, word.value),))
        self._frozen = kept
        return True

    def _arguments(self, node: nodes.Call, how: How) -> None:
        for arg in node.args:
            self.visit(arg, how)
        for name, arg in node.keywords.items():
            self.visit(arg, Touch.WRITE if name == "out" else how)


def _handed(function: str, how: How) -> Touch:
    """What a function of this name, which we do not know, does to its arguments."""
    if _FILLING.search(function) is not None:
        return Touch.WRITE
    return Touch.ESCAPE if how is Touch.LOOK else Touch.HAND


def _bound(target: nodes.Expr) -> Iterable[str]:
    if isinstance(target, nodes.Name):
        return (target.id,)
    items = target.items if isinstance(target, nodes.Display) else ()
    return tuple(name for item in items for name in _bound(item))


_EXPRESSIONS: dict[type, Callable[[ExpressionWalk, Any, How, nodes.Expr], None]] = {
    nodes.Name: ExpressionWalk.name,
    nodes.Constant: ExpressionWalk.constant,
    nodes.Attribute: ExpressionWalk.attribute,
    nodes.Subscript: ExpressionWalk.subscript,
    nodes.Slice: ExpressionWalk.slice,
    nodes.Display: ExpressionWalk.items,
    nodes.DictDisplay: ExpressionWalk.items,
    nodes.Conditional: ExpressionWalk.conditional,
    nodes.Logical: ExpressionWalk.logical,
    nodes.Compare: ExpressionWalk.compare,
    nodes.Not: ExpressionWalk.inner,
    nodes.Starred: ExpressionWalk.inner,
    nodes.Walrus: ExpressionWalk.walrus,
    nodes.Comprehension: ExpressionWalk.comprehension,
    nodes.Lambda: ExpressionWalk.lambda_,
    nodes.Opaque: ExpressionWalk.opaque,
    nodes.Apply: ExpressionWalk.apply,
    nodes.Call: ExpressionWalk.call,
}
