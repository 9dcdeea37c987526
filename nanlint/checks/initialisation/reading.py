"""What expressions make of modules and signals."""

from __future__ import annotations

from collections.abc import Sequence

from nanlint.checks.initialisation import making
from nanlint.checks.initialisation.layers import ACTIVATIONS, Activation, Steps
from nanlint.checks.initialisation.rounds import DEPTH, MOST, Rounds, functions_of
from nanlint.checks.initialisation.things import END, Env, Leaf, Signal, Stack, Thing, either
from nanlint.checks.structure import key_of
from nanlint.ir import nodes
from nanlint.ops.operation import Role

_GROWING = frozenset({"append", "add", "add_module", "extend", "insert"})
_LISTS = ("Sequential", "ModuleList", "ModuleDict")
# what wraps a module, a list or a tensor and is the same for us
_WRAPPING = frozenset({
    "builtins.list", "builtins.tuple", "builtins.reversed", "collections.OrderedDict", "torch.nn.DataParallel",
    "torch.compile", "torch.jit.script", "torch.utils.checkpoint.checkpoint",
})  # fmt: skip
_MOVES = frozenset({"to", "cuda", "cpu", "train", "eval", "float", "double", "half", "apply", "requires_grad_"})
_MEMBERS = frozenset({"values", "items", "children", "named_children"})
_VIEWS = frozenset({"dropout", "part", "copy", "view", "detach", "flip", "permute", "interpolate"})


class Expressions(Rounds):
    """Evaluates expressions; statements and functions are the reader's."""

    def forward(self, cls: nodes.ClassDef) -> Steps:
        """What an instance of the class does to a signal."""
        raise NotImplementedError

    def used_up(self, thing: Thing) -> None:
        """A signal that nobody follows further, or a module that nobody calls here."""
        raise NotImplementedError

    def scoped(self, function: nodes.FunctionDef | None, env: Env, owner: nodes.ClassDef | None) -> list[Thing]:
        """Runs a function; what it returns."""
        raise NotImplementedError

    def value(self, expr: nodes.Expr) -> Thing:
        match expr:
            case nodes.Name() | nodes.Attribute():
                key = key_of(expr)
                found = None if key is None else self.env.get(key)
                if found is None and isinstance(expr, nodes.Attribute) and expr.name == "data":
                    return self.value(expr.base)
                return found
            case nodes.Subscript():
                return self._item(self.value(expr.base), expr)
            case nodes.Call():
                return self._call(expr)
            case nodes.Apply():
                return self._applied(expr)
            case nodes.Display():
                return self._display(expr.items)
            case nodes.DictDisplay():
                return self._display(expr.values)
            case nodes.Comprehension() if not any(one.conditions for one in expr.generators):
                return self._comprehension(expr)
            case nodes.Conditional():
                return either(self.value(expr.body), self.value(expr.orelse))
        return None

    def _item(self, base: Thing, expr: nodes.Subscript) -> Thing:
        if isinstance(base, Signal):
            return base
        if not isinstance(base, Stack) or not base.items or len(expr.index) != 1:
            return None
        index = expr.index[0]
        if isinstance(index, nodes.Slice):
            parts = [None if part is None else self.number(part) for part in index.parts]
            if any(number is None and part is not None for number, part in zip(parts, index.parts, strict=True)):
                return Stack((END,))
            return Stack(base.items[slice(*(None if part is None else int(part) for part in parts))], base.is_list)
        number = self.number(index)
        if number is None:  # one of them
            return Stack(base.items[:1])
        return Stack((base.items[int(number)],)) if -len(base.items) <= number < len(base.items) else None

    def _display(self, items: Sequence[nodes.Expr]) -> Thing:
        found: list[Steps] = []
        signals = modules = False
        for item in items:
            is_starred = isinstance(item, nodes.Starred)
            thing = self.value(item.value if isinstance(item, nodes.Starred) else item)
            if isinstance(item, nodes.Display) and isinstance(thing, Stack) and len(item.items) == 2:
                found.append(thing.steps)  # ("name", layer)
                modules = True
            elif isinstance(thing, Stack):
                modules = True
                found += thing.items if is_starred else (thing.steps,)
            elif isinstance(thing, Signal):
                signals = True
            elif is_starred or isinstance(item, nodes.Call | nodes.Name | nodes.Attribute):
                found.append(END)  # a module that nobody knows, if there are others
        if signals:
            return Signal(END)
        return Stack(tuple(found), is_list=True) if modules or not items else None

    def _comprehension(self, expr: nodes.Comprehension) -> Thing:
        saved = dict(self.env)
        found = self._generated(expr, expr.generators)
        self.env = saved
        return None if found is None else Stack(tuple(found[:MOST]), is_list=True)

    def _generated(self, expr: nodes.Comprehension, generators: Sequence[nodes.Generator]) -> list[Steps] | None:
        """The modules that a comprehension makes, one after the other; None if they are none."""
        if not generators:
            made = self.value(expr.elements[-1])
            return [made.steps] if isinstance(made, Stack) else None
        first, *others = generators
        rounds = self.rounds(first.iter)
        targets = first.target.items if isinstance(first.target, nodes.Display) else (first.target,)
        if isinstance(rounds, int):
            with self.round_by_round(first.target, first.iter):
                once = self._generated(expr, others)
            return None if once is None else once * rounds
        found: list[Steps] = []
        for bound in rounds[:MOST]:
            for target, thing in zip(targets, bound if len(targets) > 1 else bound[-1:], strict=False):
                self.bind(target, thing)
            once = self._generated(expr, others)
            if once is None:
                return None
            found += once
        return found

    def _applied(self, expr: nodes.Apply) -> Thing:
        name = expr.spelling.operation.name
        x = expr.operands.get("x")
        held = None if x is None else self.value(x)
        if name == "add" and isinstance(held, Stack) and expr.callee is not None:  # `model.add(layer)`
            return self._added(expr.callee, expr.args, held)
        if name in ("add", "mul") and isinstance(held, Stack):  # lists
            other = self.value(expr.operands["y"]) if "y" in expr.operands else None
            if name == "add":
                return Stack((*held.items, *(other.items if isinstance(other, Stack) else (END,))), is_list=True)
            times = self.number(expr.operands.get("y"))
            return Stack(held.items * min(int(times or 1), MOST), is_list=True)
        other = self.value(expr.operands["y"]) if "y" in expr.operands else None
        if isinstance(held, Signal):
            return self._passed(expr, name, held, other)
        if isinstance(other, Signal):
            if name == "matmul" and isinstance(held, Leaf) and held.weight is not None:
                return Signal((*other.steps, held.weight))
            return self._met(name, x, other, held)
        if isinstance(held, Stack):
            return held if name in ("copy", "to", "view") else None
        for operand in expr.operands.values():
            if operand is not x and operand is not expr.operands.get("y"):
                self.used_up(self.value(operand))
        if name == "matmul" and isinstance(other, Leaf) and other.weight is not None:  # `images @ w1`
            return Signal((other.weight,))
        return self._leaf(expr)

    def _passed(self, expr: nodes.Apply, name: str, held: Signal, other: Thing) -> Thing:
        if name in ACTIVATIONS:
            return Signal((*held.steps, Activation(ACTIVATIONS[name])))
        if name in ("matmul", "affine") and isinstance(other, Leaf) and other.weight is not None:
            return Signal((*held.steps, other.weight))
        is_view = expr.spelling.operation.role is Role.VIEW or name in _VIEWS
        if is_view or (name == "add" and isinstance(other, Leaf)):
            return held
        return self._met(name, expr.operands.get("y"), held, other)

    def _met(self, name: str, by: nodes.Expr | None, signal: Signal, other: Thing) -> Thing:
        """A signal meets something else. Where they are added or joined, one may go past the layers of the other: then
        what was multiplied so far does not count."""
        if name in ("add", "stack") and not isinstance(by, nodes.Constant):
            return Signal(END)
        self.used_up(signal)
        self.used_up(other)
        return Signal(END)

    def _leaf(self, expr: nodes.Apply) -> Thing:
        if id(expr) not in self.found.made:
            rank = making.rank_of(expr)
            if rank is None:
                return None
            self.found.made[id(expr)] = making.parameter(expr, self.statement, self.number) if rank == 2 else None
        asks = expr.keywords.get("requires_grad")
        return Leaf(self.found.made[id(expr)], isinstance(asks, nodes.Constant) and asks.value is True)

    def _call(self, expr: nodes.Call) -> Thing:
        path = getattr(expr.func, "path", None) or self._activation(expr.func)
        name = getattr(expr.func, "name", getattr(expr.func, "id", ""))
        if name in ("Parameter", "Variable") and path and expr.args:
            return self._parameter(expr)
        made = self._constructed(expr, path)
        if made is not None:
            return made
        if path in _WRAPPING and expr.args:
            return self.value(expr.args[-1] if path.endswith("checkpoint") else expr.args[0])
        if path.rpartition(".")[2] in ACTIVATIONS and path.startswith(
            ("torch.", "tensorflow.", "jax.", "flax.", "keras.")
        ):
            held = self.value(expr.args[0]) if expr.args else None
            return (
                Signal((*held.steps, Activation(ACTIVATIONS[path.rpartition(".")[2]])))
                if isinstance(held, Signal)
                else None
            )
        if isinstance(expr.func, nodes.Attribute) and not path:
            base = self.value(expr.func.base)
            if name in _GROWING:
                return self._added(expr.func, expr.args, base)
            if name in _MOVES | _MEMBERS and isinstance(base, Stack):
                return base
            if name == "register_parameter" and len(expr.args) == 2 and isinstance(expr.args[0], nodes.Constant):
                self.env[f"self.{expr.args[0].value}"] = self.value(expr.args[1])
                return None
        called = self.value(expr.func)
        if isinstance(called, Stack):
            return self._through(called, expr)
        own = self._own(expr)
        return self._lost(expr) if own is None else own

    def _activation(self, func: nodes.Expr) -> str:
        """The class that a name stands for: `activation=nn.ReLU`, or that of all layers but the last."""
        held, scope = self.file.origin(func, self.scope)
        if isinstance(held, nodes.Conditional):
            held, _ = self.file.origin(held.body, scope)
        path = getattr(held, "path", None) or ""
        steps = making.plain_module(path) if path else None
        return path if steps is not None and steps != END else ""

    def _constructed(self, expr: nodes.Call, path: str) -> Thing:
        name = path.rpartition(".")[2]
        if name in _LISTS and path.startswith(("torch.", "keras.", "tensorflow.", "tf_keras.", "flax.")):
            inner = self._listed(expr)
            return Stack(inner.items, is_list=name != "Sequential")
        steps = making.module(expr, path, self.statement, self.number, self.found.made)
        if steps is not None:
            return Stack((steps,))
        cls = self.classes.get(getattr(expr.func, "id", ""))
        if cls is not None and cls is not self.owner:
            self.depth += 1
            steps = self.forward(cls)
            self.depth -= 1
            return Stack((steps,))
        return None

    def _listed(self, expr: nodes.Call) -> Stack:
        """The modules that a container is given: one by one, or in a list or a dict."""
        first = expr.args[0] if len(expr.args) == 1 else None
        if first is None or isinstance(first, nodes.Starred):
            inner = self._display(expr.args)
        else:
            inner = self.value(first)
            if isinstance(inner, Stack) and not inner.is_list:
                inner = Stack((inner.steps,))
        return inner if isinstance(inner, Stack) else Stack((END,))

    def _parameter(self, expr: nodes.Call) -> Thing:
        held = self.value(expr.args[0])
        frozen = expr.keywords.get("requires_grad")
        is_frozen = isinstance(frozen, nodes.Constant) and frozen.value is False
        return None if is_frozen else Leaf(held.layer, is_trained=True) if isinstance(held, Leaf) else held

    def _added(self, func: nodes.Expr, args: Sequence[nodes.Expr], base: Thing) -> Thing:
        """`layers.append(nn.ReLU())`"""
        key = key_of(func.base) if isinstance(func, nodes.Attribute) else None
        new = self.value(args[-1]) if args else None
        if key is None or not (isinstance(base, Stack) or (base is None and key == "self")):
            self.used_up(new)
            return None
        items = base.items if isinstance(base, Stack) else ()
        is_many = isinstance(func, nodes.Attribute) and func.name == "extend"
        added = (END,) if not isinstance(new, Stack) else new.items if is_many else (new.steps,)
        self.env[key] = Stack((*items, *added), isinstance(base, Stack) and base.is_list)
        return None

    def _through(self, module: Stack, expr: nodes.Call) -> Thing:
        """A call of a module."""
        given = (
            self.value(expr.args[0]) if expr.args else next((self.value(one) for one in expr.keywords.values()), None)
        )
        for other in expr.args[1:]:
            self.used_up(self.value(other))
        before = given.steps if isinstance(given, Signal) else ()
        return Signal((*before, *module.steps))

    def _own(self, expr: nodes.Call) -> Thing:
        """A call of a function of this file, or of a method of this class."""
        function: nodes.FunctionDef | None = None
        env: Env = {}
        func = expr.func
        if isinstance(func, nodes.Name) and func.path is None:
            function = self.functions.get(func.id)
            args = expr.args
        elif isinstance(func, nodes.Attribute) and key_of(func.base) == "self" and self.owner is not None:
            function = next((one for one in functions_of(self.owner.body) if one.name == func.name), None)
            args = expr.args
            env = {key: thing for key, thing in self.env.items() if key.partition(".")[0] == "self"}
        elif isinstance(func, nodes.Attribute) and func.name == "__init__" and self.owner is not None:
            if (
                any((getattr(base, "path", "") or "").endswith("nn.Sequential") for base in self.owner.bases)
                and expr.args
            ):
                self.env["self"] = self._display(expr.args)
            return None
        if function is None or self.depth > DEPTH or any(isinstance(one, nodes.Starred) for one in expr.args):
            return None
        params = [param.name for param in function.params if not param.starred and param.name != "self"]
        env.update(zip(params, map(self.value, args), strict=False))
        env.update((name, self.value(one)) for name, one in expr.keywords.items() if name in params)
        returned = self.scoped(function, env, self.owner if isinstance(func, nodes.Attribute) else None)
        if isinstance(func, nodes.Attribute) and not returned:  # `self._build()` sets attributes
            self.env.update((key, thing) for key, thing in env.items() if key.startswith("self."))
        found = returned[0] if returned else None
        for other in returned[1:]:
            found = either(found, other)
        return found

    def _lost(self, expr: nodes.Call) -> Thing:
        """What an unknown function makes of signals and modules is unknown."""
        things = [
            self.value(one.value if isinstance(one, nodes.Starred) else one)
            for one in (*expr.args, *expr.keywords.values())
        ]
        if isinstance(expr.func, nodes.Attribute):
            things.append(self.value(expr.func.base))
        for thing in things:
            self.used_up(thing)
        if any(isinstance(thing, Signal) for thing in things):
            return Signal(END)
        return Stack((END,)) if any(isinstance(thing, Stack) for thing in things) else None
