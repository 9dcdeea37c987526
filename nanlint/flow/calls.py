"""Calls: of layers, of functions held in variables, of constructors we know; all others are unknown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nanlint.flow import assumptions
from nanlint.flow.classes import instance_of
from nanlint.flow.functions import Class, Function, Instance, Pending
from nanlint.flow.inline import Inliner
from nanlint.flow.layers import Layers, construct_layer
from nanlint.flow.outlets import only_shows
from nanlint.flow.state import State
from nanlint.ir import nodes
from nanlint.ir.arguments import bind
from nanlint.ops import spellings, watched
from nanlint.ops.distributions import DRAWING_FUNCTIONS, DRAWING_METHODS, distribution, drawn_from
from nanlint.ops.operation import Spelling
from nanlint.values.interval import BOOLEAN, REAL
from nanlint.values.value import UNKNOWN, Grounds, Kind, Value, replace

# of torch.distributed, mpi4py and what is built on them
_RECEIVES = re.compile(
    r"all_?reduce\w*|reduce_(?:tensors?|scatter\w*)|all_gather\w*|broadcast_?(?:tensors?)?|i?recv|"
    r"I?(?:Allreduce|Reduce|Allgatherv?|Bcast|Recv|Scatterv?|Gatherv?)"
)
# methods of layers that return the layer
_OF_LAYERS = frozenset(
    "to cuda cpu float double half bfloat16 type to_empty eval train apply requires_grad_ share_memory compile".split()
)
# what wraps a layer, or makes it anew, and computes the same
_WRAPPERS = frozenset(
    {"torch.compile", "torch.jit.script", "torch.nn.DataParallel", "torch.nn.parallel.DistributedDataParallel"}
    | {"torch.nn.SyncBatchNorm.convert_sync_batchnorm", "copy.deepcopy", "copy.copy"}
)
# methods of lists and dicts that change nothing
_READING = frozenset({"index", "count", "copy", "get", "keys", "values", "items"})
# functions that change no list they get
_HARMLESS = ("builtins.", "math.", "itertools.", "torch.", "numpy.", "jax.", "tensorflow.")


class Calls(Inliner):
    """The part of the evaluator that knows what is called."""

    dynamic: dict[int, nodes.Apply]

    def settled(self, value: Value) -> Value:
        """The value with an imported class looked up, if it is an object of one."""
        raise NotImplementedError

    def is_of_project(self, path: str) -> bool:
        """Does a dotted path lead to another file of the project?"""
        raise NotImplementedError

    def apply(self, expr: nodes.Apply, state: State) -> Value:
        """The value of an application."""
        raise NotImplementedError

    def use(self, expr: nodes.Apply, operands: dict[str, Value], result: Value, state: State) -> None:
        """Write down an application."""
        raise NotImplementedError

    def use_of_layer(
        self, layers: Layers, expr: nodes.Call, args: Sequence[Value], result: Value, state: State
    ) -> None:
        """A layer that a rule may speak of (`self.softmax(x)`) is written down like the function."""
        step = layers.steps[0] if len(layers.steps) == 1 else None
        if step is not None and watched.always(step[0].operation) and self.recording:
            spelling, options = step
            applied = self._as_apply(expr, spelling, dict(zip(("x", "y"), expr.args, strict=False)))
            self.use(applied, {**dict(options), **dict(zip(("x", "y"), args, strict=False))}, result, state)

    def call(self, expr: nodes.Call, state: State) -> Value:
        func = self.evaluate(expr.func, state)
        if assumptions.is_safe_function(_name_of(expr.func)):
            return self._trusted_call(expr, state)
        if func.kind is Kind.NAMESPACE and isinstance(func.payload, str):
            return self.call_path(expr, func.payload, state)
        args = tuple(self.evaluate(arg, state) for arg in expr.args)
        named = {name: self.evaluate(keyword, state) for name, keyword in expr.keywords.items()}
        keywords = tuple(named.values())
        if isinstance(func.payload, Layers) and len(args) == 2 and (loss := func.payload.loss) is not None:
            operands = dict(zip(("x", "y"), expr.args, strict=True))
            return self.apply(self._as_apply(expr, loss, operands), state)
        if isinstance(func.payload, Layers) and args:
            result = func.payload.run(self.terms, args[0], expr, self.framework)
            self.use_of_layer(func.payload, expr, args, result, state)
            return result
        if isinstance(expr.func, nodes.Attribute) and (known := self._of_receiver(expr.func, state)) is not None:
            return known
        plain = not any(isinstance(arg, nodes.Starred) for arg in expr.args)
        if plain and (called := self._function_of(func)) is not None:
            return self.call_function(called, args, named, expr, state)
        if isinstance(func.payload, Class):
            self.record.outlets.leave(*args, *keywords)
            return replace(instance_of(func.payload), term=self.terms.fresh())
        method = expr.func.name if isinstance(expr.func, nodes.Attribute) else None
        if not only_shows(None, method):
            self.record.outlets.leave(func, *args, *keywords)
        self._forget_mutated(expr, args, state)
        self._forget_received(expr, args, state)
        self.forget_lists((*args, *keywords), state)
        if isinstance(expr.func, nodes.Name) and expr.func.id == "reveal_range" and args and self.recording:
            self.record.reveals[id(expr)] = (expr.args[0], "reveal_range", str(args[0].range))
        if isinstance(expr.func, nodes.Attribute) and expr.func.name in ("shape", "get_shape"):
            return Value(kind=Kind.SHAPE)
        return UNKNOWN

    def _of_receiver(self, method: nodes.Attribute, state: State) -> Value | None:
        """What methods give that draw from a distribution, or return their own layer: `Model().to(device)`."""
        if method.name in DRAWING_METHODS:
            drawn = drawn_from(self.silently(method.base, state))
            return None if drawn is None else drawn.with_term(self.terms.fresh())
        if method.name not in _OF_LAYERS:
            return None
        layer = self.silently(method.base, state)
        if isinstance(layer.payload, Instance) and layer.payload.cls.method(method.name) is not None:
            return None
        return layer if _is_layer(layer) else None

    def _trusted_call(self, expr: nodes.Call, state: State) -> Value:
        """A call of a function that guards what it computes, says the project."""
        args = [self.evaluate(arg, state) for arg in (*expr.args, *expr.keywords.values())]
        self.record.outlets.leave(*args)
        term = self.terms.fresh(*(arg.term for arg in args))
        return assumptions.trusted(replace(UNKNOWN, kind=Kind.TENSOR, term=term))

    def _function_of(self, func: Value) -> Function | None:
        """The function that a call of this value runs."""
        if isinstance(func.payload, Function):
            return func.payload
        func = self.settled(func)
        if isinstance(func.payload, Instance):
            for name in ("forward", "__call__", "call"):
                if (method := func.payload.cls.method(name)) is not None:
                    return method.bound_to(func)
        return None

    def call_path(self, expr: nodes.Call, path: str, state: State) -> Value:
        spelling = spellings.function(path)
        if spelling is not None and (operands := bind(spelling, expr.args, expr.keywords)) is not None:
            return self.apply(self._as_apply(expr, spelling, operands), state)
        if path == "builtins.map" and (mapped := self._mapped(expr, state)) is not None:
            return mapped
        args = tuple(self.evaluate(arg, state) for arg in expr.args)
        keywords = {name: self.evaluate(value, state) for name, value in expr.keywords.items()}
        if self.recording:
            self.record.calls[id(expr)] = (path, expr, args, self.statement, state.copy())
        if not only_shows(path, None):
            self.record.outlets.leave(*args, *keywords.values())
            if not path.startswith(_HARMLESS):
                self.forget_lists((*args, *keywords.values()), state)
        self._forget_received(expr, args, state)
        if path.startswith("numpy.") and path.endswith(".at") and args:  # `np.add.at(total, index, x)`
            self.assign_in_place(expr.args[0], args[0], UNKNOWN, state)
            return Value(kind=Kind.NONE)
        return self._made_by(path, args, keywords)

    def _mapped(self, expr: nodes.Call, state: State) -> Value | None:
        """`map(lambda t: t / t.norm(), (q, k))` runs the function for each."""
        if len(expr.args) != 2 or not isinstance(expr.args[0], nodes.Lambda):
            return None
        function, over = self.silently(expr.args[0], state).payload, self.evaluate(expr.args[1], state)
        if not isinstance(function, Function) or not over.items:
            return None
        return Value(
            kind=Kind.SEQUENCE,
            items=tuple(self.call_function(function, (item,), {}, expr, state) for item in over.items),
            term=self.terms.fresh(over.term),
        )

    def _made_by(self, path: str, args: tuple[Value, ...], keywords: dict[str, Value]) -> Value:
        """The result of an imported function or class that is no operation."""
        if path.endswith(("finfo", "iinfo")):
            dtype = args[0].dtype if args else None
            return Value(kind=Kind.OBJECT, payload=("finfo", dtype), term=self.terms.make("finfo", str(dtype)))
        if path in _WRAPPERS and args and _is_layer(args[0]):
            return args[0]
        made = construct_layer(path, args, keywords) or distribution(path)
        if made is not None:
            return made
        if path in DRAWING_FUNCTIONS and len(args) > 1 and (drawn := drawn_from(args[1])) is not None:
            return drawn.with_term(self.terms.fresh())
        if path.endswith("nn.Parameter") and args:
            # a trained weight may become anything, zero included
            return Value(REAL, Kind.TENSOR, Grounds.ASSUMED, framework="torch", payload=None)
        if path in ("builtins.isinstance", "builtins.hasattr", "builtins.callable"):
            return Value(BOOLEAN, Kind.NUMBER, Grounds.KNOWN, differentiable=False)
        if path in ("builtins.list", "builtins.tuple", "builtins.sorted") and args:
            return replace(args[0], kind=Kind.SEQUENCE, items=None, term=None)
        if path.rpartition(".")[2][:1].isupper() and self.is_of_project(path):
            return Value(kind=Kind.OBJECT, payload=Pending(path, self.frame.filename), differentiable=False)
        given = spellings.call_value(path)
        return UNKNOWN if given is None else given.with_term(self.terms.make("const", given.constant))

    def _as_apply(self, expr: nodes.Call, spelling: Spelling, operands: dict[str, nodes.Expr]) -> nodes.Apply:
        """The Apply that a call through a variable (`ln = torch.log`) turns out to be; one per call."""
        found = self.dynamic.get(id(expr))
        if found is None or found.spelling is not spelling:
            found = nodes.Apply(expr.origin, spelling, operands, keywords=expr.keywords)
            self.dynamic[id(expr)] = found
        return found

    def _forget_mutated(self, expr: nodes.Call, args: Sequence[Value], state: State) -> None:
        """An in-place method we do not know (`x.foo_()`) leaves its receiver unknown, and so do most of a list's."""
        func = expr.func
        if not isinstance(func, nodes.Attribute):
            return
        in_place = func.name.endswith("_") and not func.name.endswith("__")
        if not in_place and (func.name in _READING or not _is_place(func.base)):
            return
        receiver = self.silently(func.base, state)
        if receiver.kind in (Kind.SEQUENCE, Kind.DICT):
            self.change_list(func.base, receiver, func.name, args, state)
        elif in_place:
            self.assign_in_place(func.base, receiver, UNKNOWN, state)

    def _forget_received(self, expr: nodes.Call, args: Sequence[Value], state: State) -> None:
        """`dist.all_reduce(total)`, `comm.Allreduce(own, total)`: what other processes send is written into it."""
        if _RECEIVES.fullmatch(_name_of(expr.func).rpartition(".")[2]) is None:
            return
        for arg, value in zip(expr.args, args, strict=True):
            if value.kind in (Kind.TENSOR, Kind.ARRAY):
                self.assign_in_place(arg, value, UNKNOWN, state)


def _is_layer(value: Value) -> bool:
    """Is it a layer, or an object of a class of the project, which may be one?"""
    return value.kind is Kind.MODULE or isinstance(value.payload, Pending)


def _name_of(func: nodes.Expr) -> str:
    """`mylib.safe_log` of what is called so, `safe_log` of `self.safe_log`."""
    return str(getattr(func, "path", None) or getattr(func, "id", None) or getattr(func, "name", ""))


def _is_place(expr: nodes.Expr) -> bool:
    """A variable, an attribute or an item of one: where a list is kept. Not the result of a chain of calls."""
    while isinstance(expr, nodes.Attribute | nodes.Subscript):
        expr = expr.base
    return isinstance(expr, nodes.Name) and expr.path is None
