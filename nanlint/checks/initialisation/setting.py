"""Which initialiser a layer gets in the end: from its constructor, a method, a loop over all of them, or `apply`.

A program sets weights with conditions on layers (`isinstance(m, nn.Linear)`) and on names (`"weight" in name`). They
are answered for each layer; an answer that nobody knows makes the initial values unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nanlint.checks.initialisation.draws import argument, of_method, of_tensor, of_torch_init
from nanlint.checks.initialisation.layers import UNKNOWN, Draw, Family, Layer
from nanlint.checks.initialisation.questions import Asked, answer
from nanlint.checks.initialisation.things import Env, Leaf, Stack, Thing, Wiring
from nanlint.checks.literals import Literals, Scope
from nanlint.checks.structure import key_of, scopes
from nanlint.ir import nodes
from nanlint.ir.walk import blocks_of

_MODULES = frozenset({"modules", "children", "named_modules", "named_children"})
_PARAMETERS = frozenset({"parameters", "named_parameters"})
_ITERATORS = frozenset({"builtins.enumerate", "builtins.list", "builtins.reversed", "builtins.filter", "builtins.zip"})
_DATA = frozenset({"data", "detach"})
_INITIALISING = re.compile(r"init|reset|weight|orthogonal|xavier|kaiming|load", re.IGNORECASE)
_WEIGHTS = frozenset({"weight", "bias"})


@dataclass(frozen=True, slots=True)
class Those:
    """Some layers, or some of their weights.

    Attributes:
        part: "weight", "bias", "all" parameters one after the other; None: the layers themselves.
        is_certain: it is known that they are these, and not only that they may be.
    """

    layers: tuple[Layer, ...]
    part: str | None = None
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """One initialiser in the program, with the conditions under which it is reached."""

    those: Those
    asked: tuple[tuple[nodes.Expr, bool], ...]
    draw: Draw
    function: int | None
    target: nodes.Expr | None = None


@dataclass(frozen=True, slots=True)
class _HandOver:
    """Something is given to a function: its name, the place or name of the parameter, what, and in which function."""

    called: str
    at: int | str
    given: nodes.Expr
    home: nodes.FunctionDef | None
    is_applied: bool = False


class Settings:
    """All initialisers of a file."""

    def __init__(self, body: Sequence[nodes.Stmt], file: Literals, found: Wiring) -> None:
        self.file = file
        self.found = found
        self.owners = dict(_owners(body))
        self.classes = {one.name: one for one in body if isinstance(one, nodes.ClassDef)}
        self.functions = {one.name: one for one in body if isinstance(one, nodes.FunctionDef)}
        self.everything = tuple(
            dict.fromkeys(step for steps in found.ways for step in steps if isinstance(step, Layer))
        )
        self.rules: list[Rule] = []
        self._given: dict[str, list[nodes.Expr]] = {}
        self._asked: list[tuple[nodes.Expr, bool]] = []
        self._bound: dict[str, Those] = {}
        self.function: nodes.FunctionDef | None = None
        self._handed = list(self._hand_overs(body))
        for function, inside in scopes(body):
            self.function, self._bound, self._asked = function, {}, []
            self._block(inside)
        self._set_elsewhere(body)

    def draw(self, layer: Layer, part: str) -> Draw | None:
        """How a layer's weight or bias is drawn in the end; None: it has no bias."""
        found = layer.draw if part == "weight" else layer.bias
        if found is None:
            return None
        by: int | None = -1
        for rule in self.rules:
            if layer not in rule.those.layers or rule.those.part not in (part, "all"):
                continue
            holds = self._holds(rule, layer, part)
            if holds is False:
                continue
            is_other = by not in (-1, rule.function)  # which of two functions is called last is not known
            found = UNKNOWN if holds is None or (is_other and found != rule.draw) else rule.draw
            by = rule.function
        return found

    def _holds(self, rule: Rule, layer: Layer, part: str) -> bool | None:
        """Is the initialiser reached for this layer? None if nobody knows."""
        asked = Asked(layer, part, self._name_of(layer))
        replies = [(answer(test, asked), wanted) for test, wanted in rule.asked]
        if any(reply is not None and reply != wanted for reply, wanted in replies):
            return False
        return None if any(reply is None for reply, _ in replies) else True

    def target(self, layer: Layer, draw: Draw) -> nodes.Expr | None:
        """What the initialiser of the weight is given."""
        return next((rule.target for rule in self.rules if rule.draw is draw), None)

    # --- reading -------------------------------------------------------------------------------------------------

    def _block(self, body: Sequence[nodes.Stmt]) -> None:
        for statement in body:
            if isinstance(statement, nodes.FunctionDef | nodes.ClassDef):
                continue
            if isinstance(statement, nodes.Evaluate):
                self._evaluated(statement.value, statement)
            elif isinstance(statement, nodes.Assign):
                self._assigned(statement)
            elif isinstance(statement, nodes.If):
                self._asked.append((statement.test, True))
                self._block(statement.body)
                self._asked[-1] = (statement.test, False)
                self._block(statement.orelse)
                self._asked.pop()
                if statement.body and isinstance(statement.body[-1], nodes.Continue | nodes.Return):
                    self._asked.append((statement.test, False))
                    continue
            elif isinstance(statement, nodes.For):
                kept = list(self._asked)
                self._loop(statement)
                self._block(statement.body)
                self._asked = kept
            else:
                for block in blocks_of(statement):
                    self._block(block)

    def _evaluated(self, expr: nodes.Expr, statement: nodes.Stmt) -> None:
        """`nn.init.normal_(w) if wide else nn.init.zeros_(w)` as a statement is an `if`."""
        if not isinstance(expr, nodes.Conditional):
            self._set(expr, statement)
            return
        for truth, branch in ((True, expr.body), (False, expr.orelse)):
            self._asked.append((expr.test, truth))
            self._evaluated(branch, statement)
            self._asked.pop()

    def _loop(self, loop: nodes.For) -> None:
        those = self._those(loop.iter)
        target = loop.target
        names = target.items if isinstance(target, nodes.Display) else (target,)
        for name in names:
            if isinstance(name, nodes.Name):
                self._bound.pop(name.id, None)
        last = names[-1]
        if those is not None and isinstance(last, nodes.Name):
            self._bound[last.id] = those

    def _assigned(self, statement: nodes.Assign) -> None:
        """`self.fc.weight = nn.Parameter(torch.randn(3, 4))`, `layer.weight.data = …`"""
        value = statement.value
        for target in statement.targets:
            if isinstance(target, nodes.Attribute) and target.name in {*_WEIGHTS, "data"}:
                those = self._those(target)
                given = value.args[0] if isinstance(value, nodes.Call) and value.args else value
                if those is not None and those.part is not None:
                    drawn = of_tensor(given, self._number)
                    # numbers that are put in by hand are meant: a small model whose answer is known
                    meant = drawn.family in (Family.UNKNOWN, Family.CONSTANT)
                    self._add(those, UNKNOWN if meant else replace(drawn, node=value, statement=statement))

    def _set(self, expr: nodes.Expr, statement: nodes.Stmt) -> None:
        """`nn.init.normal_(w)`, `w.data.normal_()`"""
        if not isinstance(expr, nodes.Call | nodes.Apply):
            return
        func = expr.func if isinstance(expr, nodes.Call) else expr.callee
        path = getattr(func, "path", None) or ""
        if isinstance(expr, nodes.Call) and path.startswith("torch.nn.init.") and (expr.args or expr.keywords):
            target = argument(expr, "tensor", 0)
            drawn = of_torch_init(expr, self._number)
        elif isinstance(func, nodes.Attribute) and not path:
            target, drawn = func.base, of_method(func.name, expr, self._number)
        else:
            return
        those = None if target is None else self._those(target)
        if those is not None and drawn is not None and those.part is not None:
            known = UNKNOWN if drawn is UNKNOWN else replace(drawn, node=expr, statement=statement)
            self._add(those, known, target)

    def _add(self, those: Those, draw: Draw, target: nodes.Expr | None = None) -> None:
        key = None if self.function is None else id(self.function)
        self.rules.append(Rule(those, tuple(self._asked), draw if those.is_certain else UNKNOWN, key, target))

    def _number(self, expr: nodes.Expr | None) -> float | None:
        literal = None if expr is None else self.file.follow(expr, self._scope())
        return None if literal is None else literal.value

    def _scope(self) -> Scope:
        return self.file.scope_of(self.function)

    # --- which layers an expression denotes ----------------------------------------------------------------------

    def _those(self, expr: nodes.Expr, depth: int = 6) -> Those | None:
        if depth == 0:
            return None
        match expr:
            case nodes.Name():
                return self._named(expr.id, depth)
            case nodes.Attribute():
                return self._attribute(expr, depth)
            case nodes.Subscript():
                whole = self._those(expr.base, depth - 1)
                if whole is None or whole.part is not None:
                    return None  # a part of a weight, set on its own
                return self._picked(expr, whole)
            case nodes.Call() | nodes.Apply():
                return self._called(expr, depth)
            case nodes.Display():
                items = (one.value if isinstance(one, nodes.Starred) else one for one in expr.items)
                found = [self._those(one, depth - 1) for one in items]
                known = [one for one in found if one is not None]
                kinds = {one.part for one in known}
                if known and len(kinds) == 1:
                    certain = all(one.is_certain for one in known)
                    return Those(tuple(layer for one in known for layer in one.layers), kinds.pop(), certain)
        return None

    def _picked(self, expr: nodes.Subscript, whole: Those) -> Those:
        index = self._number(expr.index[0]) if len(expr.index) == 1 else None
        key = key_of(expr.base)
        held = self._env().get(key or "")
        if index is not None and isinstance(held, Stack) and -len(held.items) <= index < len(held.items):
            return Those(tuple(step for step in held.items[int(index)] if isinstance(step, Layer)))
        return whole

    def _env(self) -> Env:
        env = self.found.names.get(None if self.function is None else id(self.function), {})
        owner = self.owners.get(id(self.function)) if self.function is not None else None
        return {
            **self.found.attributes.get(owner or "", {}),
            **{key: one for key, one in env.items() if one is not None},
        }

    def _named(self, name: str, depth: int) -> Those | None:
        if name in self._bound:
            return self._bound[name]
        owner = self.owners.get(id(self.function)) if self.function is not None else None
        if name == "self" and owner is not None:
            return self._of_class(owner)
        held = self._env().get(name)
        if held is not None:
            return _held(held)
        params = [] if self.function is None else [param.name for param in self.function.params]
        if name in params:
            return self._handed_over(name, depth)
        outer = self.found.names.get(None, {}).get(name)
        return _held(outer)

    def _of_class(self, owner: str) -> Those:
        kindred = [
            owner,
            *(one.name for one in self.classes.values() if owner in [getattr(b, "id", "") for b in one.bases]),
        ]
        found = [
            layer
            for name in kindred
            for thing in self.found.attributes.get(name, {}).values()
            for layer in (_held(thing) or Those(())).layers
        ]
        return Those(tuple(dict.fromkeys(found)))

    def _attribute(self, expr: nodes.Attribute, depth: int) -> Those | None:
        held = self._env().get(key_of(expr) or "")
        if held is not None:
            return _held(held)
        base = self._those(expr.base, depth - 1)
        if base is None:
            return None
        if expr.name in _WEIGHTS and base.part is None:
            return replace(base, part=expr.name)
        return base if expr.name in _DATA else None

    def _called(self, expr: nodes.Call | nodes.Apply, depth: int) -> Those | None:
        made = self.found.made.get(id(expr))
        if made is not None:
            return Those((made,), None if made.kind else "weight")
        func = expr.func if isinstance(expr, nodes.Call) else expr.callee
        path = getattr(func, "path", None) or ""
        if path in _ITERATORS or path.rpartition(".")[2] in ("chain", "Parameter"):
            for one in reversed(expr.args):
                those = self._those(one, depth - 1)
                if those is not None:
                    return those
            return None
        if not isinstance(func, nodes.Attribute) or path:
            return None
        base = self._those(func.base, depth - 1)
        if base is None or base.part is not None:
            return base if func.name in _DATA else None
        if func.name in _MODULES:
            return base
        return replace(base, part="all") if func.name in _PARAMETERS else None

    # --- functions that are given layers -------------------------------------------------------------------------

    def _hand_overs(self, body: Sequence[nodes.Stmt]) -> Iterator[_HandOver]:
        """Calls that give something to a function."""
        homes = {id(self.file.scope_of(function)): function for function, _ in scopes(body)}
        for place in self.file.calls:
            home = homes.get(id(place.scope))
            func = place.call.func
            if (getattr(func, "path", None) or "").startswith(("torch.", "builtins.")):
                continue
            name = getattr(func, "name", getattr(func, "id", ""))
            if name == "apply" and isinstance(func, nodes.Attribute) and place.call.args:
                given = place.call.args[0]
                if isinstance(given, nodes.Call) and given.args:  # partial(init, std=0.02)
                    given = given.args[0]
                yield _HandOver(getattr(given, "name", getattr(given, "id", "")), 0, func.base, home, is_applied=True)
            else:
                for at, one in enumerate(place.call.args):
                    yield _HandOver(name, at, one, home)
                for word, one in place.call.keywords.items():
                    yield _HandOver(name, word, one, home)

    def _set_elsewhere(self, body: Sequence[nodes.Stmt]) -> None:
        """Layers that are given to a function of another file, which initialises them."""
        known = {function.name for function, _ in scopes(body) if function is not None}
        for one in self._handed:
            if one.called not in known and (one.is_applied or _INITIALISING.search(one.called)):
                self.function, self._bound, self._asked = one.home, {}, []
                those = self._those(one.given)
                if those is not None:
                    self._add(replace(those, part="all"), UNKNOWN)

    def _handed_over(self, name: str, depth: int) -> Those | None:
        """The layers that callers give for a parameter; where one is not known, all of the file, perhaps."""
        function = self.function
        assert function is not None
        params = [param.name for param in function.params if param.name not in ("self", "cls")]
        if name not in params:
            return None
        found: list[Those] = []
        for one in self._handed:
            if one.called != function.name or one.at not in (params.index(name), name):
                continue
            saved = self.function, self._bound
            self.function, self._bound = one.home, {}
            those = self._those(one.given, depth - 1)
            self.function, self._bound = saved
            found.append(those if those is not None else Those(self.everything, None, is_certain=False))
        kinds = {one.part for one in found}
        if not found:  # used from elsewhere
            return Those(self.everything, None, is_certain=False)
        if len(kinds) > 1:
            return None
        layers = tuple(dict.fromkeys(layer for one in found for layer in one.layers))
        return Those(layers, kinds.pop(), all(one.is_certain for one in found))

    def _name_of(self, layer: Layer) -> str | None:
        """The attribute that a layer is kept in."""
        for env in self.found.attributes.values():
            for key, thing in env.items():
                if key.startswith("self.") and layer in (_held(thing) or Those(())).layers:
                    return key.removeprefix("self.")
        return None


def _held(thing: Thing) -> Those | None:
    if isinstance(thing, Leaf):
        return None if thing.layer is None else Those((thing.layer,), "weight")
    if isinstance(thing, Stack):
        return Those(tuple(dict.fromkeys(step for step in thing.steps if isinstance(step, Layer))))
    return None


def _owners(body: Sequence[nodes.Stmt]) -> Iterator[tuple[int, str]]:
    """The class of each method, by the method's `id`."""
    for cls in body:
        if isinstance(cls, nodes.ClassDef):
            yield from ((id(one), cls.name) for one in cls.body if isinstance(one, nodes.FunctionDef))
