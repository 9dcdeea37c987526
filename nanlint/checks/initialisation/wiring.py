"""In which order a signal passes through the layers of a program, read off its constructors and `forward` methods.

Nothing is run: modules are followed through attributes, lists, loops and helpers, and the signal through calls. Whatever
is not understood ends a chain of layers; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from nanlint.checks.initialisation import making
from nanlint.checks.initialisation.layers import ACTIVATIONS, Activation, Layer, Mark, Steps
from nanlint.checks.literals import Literals, Scope
from nanlint.checks.structure import key_of
from nanlint.ir import nodes
from nanlint.ops.operation import Role

_DEPTH = 5  # calls inside calls
_MOST = 64  # rounds of a loop
_END: Steps = (Mark.END,)
_GROWING = frozenset({"append", "add", "add_module", "extend", "insert"})
_LISTS = ("Sequential", "ModuleList", "ModuleDict")
# what wraps a module, a list or a tensor and is the same for us
_WRAPPING = frozenset({
    "builtins.list", "builtins.tuple", "builtins.reversed", "collections.OrderedDict", "torch.nn.DataParallel",
    "torch.compile", "torch.jit.script", "torch.utils.checkpoint.checkpoint",
})  # fmt: skip
_MOVES = frozenset({"to", "cuda", "cpu", "train", "eval", "float", "double", "half", "apply", "requires_grad_", "double"})
_VIEWS = frozenset({"dropout", "part", "copy", "view", "detach", "flip", "permute", "interpolate"})


@dataclass(frozen=True, slots=True)
class Stack:
    """A module, or a list of them, by what each does to a signal.

    Attributes:
        items: the modules in it.
        is_list: they stand beside each other, and need not follow one another.
    """

    items: tuple[Steps, ...]
    is_list: bool = False

    @property
    def steps(self) -> Steps:
        return tuple(step for item in self.items for step in item)


@dataclass(frozen=True, slots=True)
class Signal:
    """A tensor, by what it has passed through."""

    steps: Steps


@dataclass(frozen=True, slots=True)
class Leaf:
    """A weight that is no module: `torch.randn(3, 4, requires_grad=True)`; None for what is no matrix, like a bias."""

    layer: Layer | None


Thing = Stack | Signal | Leaf | None
Env = dict[str, Thing]


@dataclass(slots=True)
class Wiring:
    """What was read: the ways of signals, and what the names of classes and functions hold.

    Attributes:
        ways: what signals pass through until nobody follows them further.
        attributes: per class, by its name, what `self.x` is.
        names: per function, by its `id` (None for the file itself), what its variables are.
        made: the layer that a call or a tensor makes, by the `id` of the expression.
    """

    ways: list[Steps] = field(default_factory=list)
    attributes: dict[str, Env] = field(default_factory=dict)
    names: dict[int | None, Env] = field(default_factory=dict)
    made: dict[int, Layer | None] = field(default_factory=dict)


def wiring(body: Sequence[nodes.Stmt], file: Literals) -> Wiring:
    """How the layers of a file are put together."""
    reader = _Reader(body, file)
    reader.read(body)
    return reader.found


class _Reader:
    def __init__(self, body: Sequence[nodes.Stmt], file: Literals) -> None:
        self.file = file
        self.found = Wiring()
        self.classes = {one.name: one for one in body if isinstance(one, nodes.ClassDef)}
        self.functions = {one.name: one for one in body if isinstance(one, nodes.FunctionDef)}
        self.env: Env = {}
        self.owner: nodes.ClassDef | None = None
        self.scope: Scope = file.scope_of(None)
        self.statement: nodes.Stmt = nodes.Stmt(None)
        self.returned: list[Thing] = []
        self.depth = 0
        self._busy: set[str] = set()

    # --- scopes --------------------------------------------------------------------------------------------------

    def read(self, body: Sequence[nodes.Stmt]) -> None:
        for cls in self.classes.values():
            self._forward(cls)
        for cls in self.classes.values():
            for method in _functions(cls.body):
                if method.name != "__init__" and id(method) not in self.found.names:
                    self._scope(method, dict(self._attributes(cls)), cls)
        for function in self.functions.values():
            self._scope(function, {}, None)
        self._scope(None, {}, None, body)

    def _scope(
        self, function: nodes.FunctionDef | None, env: Env, owner: nodes.ClassDef | None, body: Sequence[nodes.Stmt] = ()
    ) -> list[Thing]:
        """Runs a function; what it returns."""
        saved = self.env, self.owner, self.scope, self.returned, self.statement
        self.env, self.owner, self.returned = env, owner, []
        self.scope = self.file.scope_of(function)
        self.depth += 1
        self._block(body if function is None else function.body)
        self.depth -= 1
        key = None if function is None else id(function)
        self.found.names.setdefault(key, self.env)
        if env is not self.env:  # branches and comprehensions work on copies
            env.update(self.env)
        returned = self.returned
        if self.depth == 0:
            for thing in returned:
                self._used_up(thing)
            for key, thing in self.env.items():  # a model that is only made here
                if isinstance(thing, Stack) and not key.startswith("self."):
                    self._used_up(thing)
        self.env, self.owner, self.scope, self.returned, self.statement = saved
        return returned

    def _attributes(self, cls: nodes.ClassDef) -> Env:
        """What `self.x` is after `__init__` (Keras: also `build`, flax: `setup`)."""
        if cls.name in self.found.attributes:
            return self.found.attributes[cls.name]
        self.found.attributes[cls.name] = {}
        env: Env = {}
        for base in cls.bases:
            inherited = self.classes.get(getattr(base, "id", ""))
            if inherited is not None:
                env.update(self._attributes(inherited))
        for method in _functions(cls.body):
            if method.name in ("__init__", "build", "setup"):
                inner = dict(env)
                self.depth += 1
                self._scope(method, inner, cls)
                self.depth -= 1
                env.update((key, thing) for key, thing in inner.items() if key.partition(".")[0] == "self")
        self.found.attributes[cls.name] = env
        return env

    def _forward(self, cls: nodes.ClassDef) -> Steps:
        """What an instance of the class does to a signal."""
        env = dict(self._attributes(cls))
        method = next((one for one in _functions(cls.body) if one.name in ("forward", "call", "__call__")), None)
        if method is None:
            own = env.get("self")
            return own.steps if isinstance(own, Stack) else _END
        if cls.name in self._busy or self.depth > _DEPTH:
            return _END
        self._busy.add(cls.name)
        params = [param.name for param in method.params if not param.starred][1:]
        env.update(dict.fromkeys(params))
        if params:
            env[params[0]] = Signal(())
        returned = self._scope(method, env, cls)
        self._busy.discard(cls.name)
        ways = {one.steps for one in returned if isinstance(one, Signal)}
        return ways.pop() if len(ways) == 1 and len(returned) == 1 else _END

    def _used_up(self, thing: Thing) -> None:
        if (isinstance(thing, Signal) or (isinstance(thing, Stack) and not thing.is_list)) and thing.steps:
            self.found.ways.append(thing.steps)

    # --- statements ----------------------------------------------------------------------------------------------

    def _block(self, body: Iterable[nodes.Stmt]) -> None:
        for statement in body:
            self.statement = statement
            self._run(statement)

    def _run(self, statement: nodes.Stmt) -> None:
        match statement:
            case nodes.Assign():
                value = self.value(statement.value)
                for target in statement.targets:
                    self._bind(target, value)
            case nodes.Evaluate():
                self.value(statement.value)
            case nodes.Return() if statement.value is not None:
                self.returned.append(self.value(statement.value))
            case nodes.If():
                before = dict(self.env)
                self._block(statement.body)
                after, self.env = self.env, before
                self._block(statement.orelse)
                self.env = _joined(after, self.env)
            case nodes.For():
                self._loop(statement)
            case nodes.While() | nodes.With() | nodes.Try():
                for block in nodes.blocks_of(statement):
                    self._block(block)

    def _bind(self, target: nodes.Expr, value: Thing) -> None:
        if isinstance(target, nodes.Display):
            for place, part in enumerate(target.items):
                item = Stack((value.items[place],)) if isinstance(value, Stack) and place < len(value.items) else value
                self._bind(part, Signal(_END) if isinstance(value, Signal) else item)
        elif (key := key_of(target)) is not None:
            self.env[key] = value
            if isinstance(value, Leaf | Stack) and isinstance(target, nodes.Attribute) and key.endswith(".weight"):
                self.env[key] = None

    def _loop(self, loop: nodes.For) -> None:
        rounds = self._rounds(loop.iter)
        if isinstance(rounds, int):  # every round does the same
            before = dict(self.env)
            self._block(loop.body)
            for key, thing in self.env.items():
                self.env[key] = _grown(before.get(key), thing, rounds)
            return
        for bound in rounds[:_MOST]:
            targets = loop.target.items if isinstance(loop.target, nodes.Display) else (loop.target,)
            for target, thing in zip(targets, bound if len(targets) > 1 else bound[-1:], strict=False):
                self._bind(target, thing)
            self._block(loop.body)

    def _rounds(self, over: nodes.Expr) -> int | list[tuple[Thing, ...]]:
        """What is bound in each round of a loop over modules; else how many rounds there are, 1 if nobody knows."""
        path = getattr(over.func, "path", None) if isinstance(over, nodes.Call) else None
        if isinstance(over, nodes.Call) and path == "builtins.enumerate" and over.args:
            inner = self._rounds(over.args[0])
            return inner if isinstance(inner, int) else [(None, *bound) for bound in inner]
        if isinstance(over, nodes.Call) and path == "builtins.zip" and over.args:
            stacks = [self.value(one) for one in over.args]
            lengths = [len(one.items) for one in stacks if isinstance(one, Stack)]
            if lengths:
                return [
                    tuple(Stack((one.items[i],)) if isinstance(one, Stack) else None for one in stacks)
                    for i in range(min(lengths))
                ]
        held = self.value(over)
        if isinstance(held, Stack) and held.items:
            return [(Stack((item,)),) for item in held.items]
        return min(self._count(over), _MOST)

    def _count(self, over: nodes.Expr) -> int:
        """How often a loop runs; 1 if nobody knows."""
        func = getattr(over, "func", getattr(over, "callee", None))
        path = getattr(func, "path", None)
        if isinstance(over, nodes.Call) and path == "builtins.range" and over.args:
            ends = [self._number(one) for one in over.args[:2]]
            if None in ends or len(over.args) > 2:
                return 1
            low, high = (0.0, *ends) if len(ends) == 1 else ends
            return max(int((high or 0) - (low or 0)), 0)
        if isinstance(over, nodes.Call) and path in ("builtins.zip", "itertools.pairwise") and over.args:
            counts = [self._length(one) for one in over.args]
            known = [one for one in counts if one is not None]
            return (min(known) - (path != "builtins.zip")) if known else 1
        return self._length(over) or 1

    def _length(self, of: nodes.Expr) -> int | None:
        """Of a list that is written down, or of a part of it."""
        if isinstance(of, nodes.Subscript) and len(of.index) == 1 and isinstance(of.index[0], nodes.Slice):
            whole = self._length(of.base)
            low, high, step = (None if part is None else self._number(part) for part in of.index[0].parts)
            return None if whole is None else len(range(whole)[slice(*(None if x is None else int(x) for x in (low, high, step)))])
        held, _ = self.file.origin(of, self.scope)
        if isinstance(held, nodes.Display) and not any(isinstance(one, nodes.Starred) for one in held.items):
            return len(held.items)
        if isinstance(held, nodes.Apply) and held.spelling.operation.name == "mul":  # [64] * 10
            for listed, factor in ((held.operands["x"], held.operands["y"]), (held.operands["y"], held.operands["x"])):
                times = self._number(factor)
                if isinstance(listed, nodes.Display) and times is not None:
                    return len(listed.items) * int(times)
        return None

    def _number(self, expr: nodes.Expr | None) -> float | None:
        literal = None if expr is None else self.file.follow(expr, self.scope)
        if literal is not None:
            return literal.value
        if isinstance(expr, nodes.Apply) and expr.spelling.operation.name in ("size", "sub", "add"):
            if expr.spelling.operation.name == "size":
                return None
            left, right = (self._number(expr.operands[name]) for name in ("x", "y"))
            return None if left is None or right is None else left + (right if expr.spelling.operation.name == "add" else -right)
        if isinstance(expr, nodes.Call | nodes.Apply) and expr.args and _called(expr) == "builtins.len":
            held = self.value(expr.args[0])
            return float(len(held.items)) if isinstance(held, Stack) else self._length(expr.args[0])
        return None

    # --- expressions ---------------------------------------------------------------------------------------------

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
                return _either(self.value(expr.body), self.value(expr.orelse))
        return None

    def _item(self, base: Thing, expr: nodes.Subscript) -> Thing:
        if isinstance(base, Signal):
            return base
        if not isinstance(base, Stack) or not base.items or len(expr.index) != 1:
            return None
        index = expr.index[0]
        if isinstance(index, nodes.Slice):
            parts = [None if part is None else self._number(part) for part in index.parts]
            if any(number is None and part is not None for number, part in zip(parts, index.parts, strict=True)):
                return Stack((_END,))
            return Stack(base.items[slice(*(None if part is None else int(part) for part in parts))], base.is_list)
        number = self._number(index)
        if number is None:  # one of them
            return Stack(base.items[:1])
        return Stack((base.items[int(number)],)) if -len(base.items) <= number < len(base.items) else None

    def _display(self, items: Sequence[nodes.Expr]) -> Thing:
        found: list[Steps] = []
        signals = False
        for item in items:
            is_starred = isinstance(item, nodes.Starred)
            thing = self.value(item.value if isinstance(item, nodes.Starred) else item)
            if isinstance(item, nodes.Display) and isinstance(thing, Stack) and len(item.items) == 2:
                found.append(thing.steps)  # ("name", layer)
            elif isinstance(thing, Stack):
                found += thing.items if is_starred else (thing.steps,)
            elif isinstance(thing, Signal):
                self._used_up(thing)
                signals = True
            elif is_starred:
                found.append(_END)
        if signals:
            return Signal(_END)
        return Stack(tuple(found), is_list=True) if found or not items else None

    def _comprehension(self, expr: nodes.Comprehension) -> Thing:
        saved = dict(self.env)
        found = self._generated(expr, expr.generators)
        self.env = saved
        return None if found is None else Stack(tuple(found[:_MOST]), is_list=True)

    def _generated(self, expr: nodes.Comprehension, generators: Sequence[nodes.Generator]) -> list[Steps] | None:
        """The modules that a comprehension makes, one after the other; None if they are none."""
        if not generators:
            made = self.value(expr.elements[-1])
            return [made.steps] if isinstance(made, Stack) else None
        first, *others = generators
        rounds = self._rounds(first.iter)
        targets = first.target.items if isinstance(first.target, nodes.Display) else (first.target,)
        if isinstance(rounds, int):
            once = self._generated(expr, others)
            return None if once is None else once * rounds
        found: list[Steps] = []
        for bound in rounds[:_MOST]:
            for target, thing in zip(targets, bound if len(targets) > 1 else bound[-1:], strict=False):
                self._bind(target, thing)
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
                return Stack((*held.items, *(other.items if isinstance(other, Stack) else (_END,))), is_list=True)
            times = self._number(expr.operands.get("y"))
            return Stack(held.items * min(int(times or 1), _MOST), is_list=True)
        other = self.value(expr.operands["y"]) if "y" in expr.operands else None
        if isinstance(held, Signal):
            return self._passed(expr, name, held, other)
        if isinstance(other, Signal):
            if name == "matmul" and isinstance(held, Leaf) and held.layer is not None:
                return Signal((*other.steps, held.layer))
            return Signal(_END)
        if isinstance(held, Stack):
            return held if name in ("copy", "to", "view") else None
        for operand in expr.operands.values():
            if operand is not x and operand is not expr.operands.get("y"):
                self._used_up(self.value(operand))
        if name == "matmul" and isinstance(other, Leaf) and other.layer is not None:  # `images @ w1`
            return Signal((other.layer,))
        return self._leaf(expr)

    def _passed(self, expr: nodes.Apply, name: str, held: Signal, other: Thing) -> Thing:
        if name in ACTIVATIONS:
            return Signal((*held.steps, Activation(ACTIVATIONS[name])))
        if name in ("matmul", "affine") and isinstance(other, Leaf) and other.layer is not None:
            return Signal((*held.steps, other.layer))
        is_view = expr.spelling.operation.role is Role.VIEW or name in _VIEWS
        if is_view or (name == "add" and isinstance(other, Leaf)):
            return held
        if name in ("add", "mul", "div", "stack") or isinstance(other, Signal):
            return Signal(_END)  # a residual connection, perhaps: what was multiplied so far does not count
        self._used_up(held)
        return Signal(_END)

    def _leaf(self, expr: nodes.Apply) -> Thing:
        if id(expr) not in self.found.made:
            rank = making.rank_of(expr)
            if rank is None:
                return None
            self.found.made[id(expr)] = making.parameter(expr, self.statement, self._number) if rank == 2 else None
        return Leaf(self.found.made[id(expr)])

    def _call(self, expr: nodes.Call) -> Thing:
        path = getattr(expr.func, "path", None) or ""
        name = getattr(expr.func, "name", getattr(expr.func, "id", ""))
        if name in ("Parameter", "Variable") and path and expr.args:
            return self._parameter(expr)
        made = self._constructed(expr, path)
        if made is not None:
            return made
        if path in _WRAPPING and expr.args:
            return self.value(expr.args[-1] if path.endswith("checkpoint") else expr.args[0])
        if path.rpartition(".")[2] in ACTIVATIONS and path.startswith(("torch.", "tensorflow.", "jax.", "flax.", "keras.")):
            held = self.value(expr.args[0]) if expr.args else None
            return Signal((*held.steps, Activation(ACTIVATIONS[path.rpartition(".")[2]]))) if isinstance(held, Signal) else None
        if isinstance(expr.func, nodes.Attribute) and not path:
            base = self.value(expr.func.base)
            if name in _GROWING:
                return self._added(expr.func, expr.args, base)
            if name in _MOVES and isinstance(base, Stack):
                return base
            if name == "register_parameter" and len(expr.args) == 2 and isinstance(expr.args[0], nodes.Constant):
                self.env[f"self.{expr.args[0].value}"] = self.value(expr.args[1])
                return None
        called = self.value(expr.func)
        if isinstance(called, Stack):
            return self._through(called, expr)
        own = self._own(expr)
        if own is not NotImplemented:
            return own
        return self._lost(expr)

    def _constructed(self, expr: nodes.Call, path: str) -> Thing:
        name = path.rpartition(".")[2]
        if name in _LISTS and path.startswith(("torch.", "keras.", "tensorflow.", "tf_keras.", "flax.")):
            inner = self._listed(expr)
            return Stack(inner.items, is_list=name != "Sequential")
        steps = making.module(expr, path, self.statement, self._number, self.found.made)
        if steps is not None:
            return Stack((steps,))
        cls = self.classes.get(getattr(expr.func, "id", ""))
        if cls is not None and cls is not self.owner:
            self.depth += 1
            steps = self._forward(cls)
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
        return inner if isinstance(inner, Stack) else Stack((_END,))

    def _parameter(self, expr: nodes.Call) -> Thing:
        held = self.value(expr.args[0])
        frozen = expr.keywords.get("requires_grad")
        return None if isinstance(frozen, nodes.Constant) and frozen.value is False else held

    def _added(self, func: nodes.Expr, args: Sequence[nodes.Expr], base: Thing) -> Thing:
        """`layers.append(nn.ReLU())`"""
        key = key_of(func.base) if isinstance(func, nodes.Attribute) else None
        new = self.value(args[-1]) if args else None
        if key is None or not (isinstance(base, Stack) or (base is None and key == "self")):
            self._used_up(new)
            return None
        items = base.items if isinstance(base, Stack) else ()
        is_many = isinstance(func, nodes.Attribute) and func.name == "extend"
        added = (_END,) if not isinstance(new, Stack) else new.items if is_many else (new.steps,)
        self.env[key] = Stack((*items, *added), isinstance(base, Stack) and base.is_list)
        return None

    def _through(self, module: Stack, expr: nodes.Call) -> Thing:
        """A call of a module."""
        given = self.value(expr.args[0]) if expr.args else next((self.value(one) for one in expr.keywords.values()), None)
        for other in expr.args[1:]:
            self._used_up(self.value(other))
        before = given.steps if isinstance(given, Signal) else ()
        return Signal((*before, *module.steps))

    def _own(self, expr: nodes.Call) -> Thing:
        """A call of a function of this file, or of a method of this class; `NotImplemented` if it is neither."""
        function: nodes.FunctionDef | None = None
        env: Env = {}
        func = expr.func
        if isinstance(func, nodes.Name) and func.path is None:
            function = self.functions.get(func.id)
            args = expr.args
        elif isinstance(func, nodes.Attribute) and key_of(func.base) == "self" and self.owner is not None:
            function = next((one for one in _functions(self.owner.body) if one.name == func.name), None)
            args = expr.args
            env = {key: thing for key, thing in self.env.items() if key.partition(".")[0] == "self"}
        elif isinstance(func, nodes.Attribute) and func.name == "__init__" and self.owner is not None:
            if any((getattr(base, "path", "") or "").endswith("nn.Sequential") for base in self.owner.bases) and expr.args:
                self.env["self"] = self._display(expr.args)
            return None
        if function is None or self.depth > _DEPTH or any(isinstance(one, nodes.Starred) for one in expr.args):
            return NotImplemented
        params = [param.name for param in function.params if not param.starred and param.name != "self"]
        env.update(zip(params, map(self.value, args), strict=False))
        env.update((name, self.value(one)) for name, one in expr.keywords.items() if name in params)
        returned = self._scope(function, env, self.owner if isinstance(func, nodes.Attribute) else None)
        if isinstance(func, nodes.Attribute) and not returned:  # `self._build()` sets attributes
            self.env.update((key, thing) for key, thing in env.items() if key.startswith("self."))
        found = returned[0] if returned else None
        for other in returned[1:]:
            found = _either(found, other)
        return found

    def _lost(self, expr: nodes.Call) -> Thing:
        """What an unknown function makes of signals and modules is unknown."""
        things = [self.value(one.value if isinstance(one, nodes.Starred) else one) for one in (*expr.args, *expr.keywords.values())]
        if isinstance(expr.func, nodes.Attribute):
            things.append(self.value(expr.func.base))
        for thing in things:
            self._used_up(thing)
        if any(isinstance(thing, Signal) for thing in things):
            return Signal(_END)
        return Stack((_END,)) if any(isinstance(thing, Stack) for thing in things) else None


def _functions(body: Sequence[nodes.Stmt]) -> Iterator[nodes.FunctionDef]:
    return (one for one in body if isinstance(one, nodes.FunctionDef))


def _called(expr: nodes.Call | nodes.Apply) -> str | None:
    func = expr.func if isinstance(expr, nodes.Call) else expr.callee
    if isinstance(expr, nodes.Apply) and func is None and expr.spelling.operation.name in ("len", "size"):
        return "builtins.len"
    return getattr(func, "path", None)


def _joined(one: Env, other: Env) -> Env:
    """What is known after two branches."""
    return {key: _either(one.get(key), other.get(key)) for key in {**one, **other}}


def _either(one: Thing, other: Thing) -> Thing:
    if one == other:
        return one
    if isinstance(one, Stack) and isinstance(other, Stack):
        long, short = (one, other) if len(one.items) >= len(other.items) else (other, one)
        return long if _ends_it(long.items[len(short.items) :]) and long.items[: len(short.items)] == short.items else Stack((_END,))
    if isinstance(one, Signal) and isinstance(other, Signal):
        long_, short_ = (one, other) if len(one.steps) >= len(other.steps) else (other, one)
        rest = long_.steps[len(short_.steps) :]
        is_longer = long_.steps[: len(short_.steps)] == short_.steps
        # an activation of all layers but the last, or a normalisation that may be there
        harmless = all(isinstance(step, Activation) for step in rest) or Mark.END in rest
        return long_ if is_longer and harmless else Signal(_END)
    known = one if other is None else other
    return known if one is None or other is None else None


def _ends_it(items: Iterable[Steps]) -> bool:
    return any(Mark.END in steps for steps in items)


def _grown(before: Thing, after: Thing, rounds: int) -> Thing:
    """What several rounds add, if one adds that."""
    if isinstance(before, Stack) and isinstance(after, Stack) and after.items[: len(before.items)] == before.items:
        return Stack(before.items + after.items[len(before.items) :] * rounds, before.is_list)
    if isinstance(before, Signal) and isinstance(after, Signal) and after.steps[: len(before.steps)] == before.steps:
        return Signal(before.steps + after.steps[len(before.steps) :] * rounds)
    return after
