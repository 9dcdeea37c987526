"""The value of an expression in a state. Whatever is not understood is unknown, never a crash and never a guess."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from nanlint.flow import assumptions
from nanlint.flow.apply import apply, term_for
from nanlint.flow.layers import Layers, construct_layer
from nanlint.flow.refine import Refiner
from nanlint.flow.state import State, join_values
from nanlint.flow.uses import Use
from nanlint.ir import nodes
from nanlint.ir.arguments import bind
from nanlint.ops import spellings
from nanlint.ops.operation import Form, Spelling
from nanlint.values.interval import BOOLEAN, COUNT, REAL, SIZE, constant, interval
from nanlint.values.value import UNKNOWN, DType, Grounds, Kind, Term, Terms, Value, number

_COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_VIEWS = frozenset({"data", "T", "mT", "real", "H"})
_NOT_TENSORS = frozenset({Kind.STRING, Kind.DICT, Kind.MODULE, Kind.NAMESPACE, Kind.FUNCTION, Kind.OBJECT, Kind.NONE})


@dataclass(slots=True)
class Record:
    """What is written down while a program is interpreted."""

    uses: dict[int, Use] = field(default_factory=dict)
    calls: dict[int, tuple[str, nodes.Call, tuple[Value, ...], nodes.Stmt, State]] = field(default_factory=dict)
    reveals: dict[int, tuple[nodes.Expr, str, str]] = field(default_factory=dict)
    assignments: dict[int, tuple[nodes.Expr, str, str]] = field(default_factory=dict)
    values: dict[int, Value] = field(default_factory=dict)  # by id of the expression


class Evaluator:
    """Evaluates expressions; statements are `execute`'s."""

    def __init__(self, terms: Terms, framework: str) -> None:
        self.terms = terms
        self.framework = framework  # of values about which nothing else tells
        self.record = Record()
        self.recording = True
        self.no_grad = 0
        self.statement = nodes.Stmt(None)
        self.by_term: dict[Term, Value] = {}
        self.origins: dict[Term, nodes.Expr] = {}
        self.dynamic: dict[int, nodes.Apply] = {}
        self.refiner = Refiner(terms, self.by_term.get)

    # --- entry -----------------------------------------------------------------------------------------------

    def evaluate(self, expr: nodes.Expr, state: State) -> Value:
        handler = _HANDLERS.get(type(expr))
        value = UNKNOWN if handler is None else handler(self, expr, state)
        if value.term is None:
            value = replace(value, term=self.terms.fresh())
        term = value.term
        assert term is not None
        before = self.by_term.get(term)
        if before is None or not value.range <= before.range:
            self.by_term[term] = value  # the widest: what a condition narrowed here does not hold elsewhere
        self.origins.setdefault(term, expr)
        if self.recording:
            self.record.values[id(expr)] = value
        return value

    def silently(self, expr: nodes.Expr, state: State) -> Value:
        """The value, leaving no record."""
        recording, self.recording = self.recording, False
        try:
            return self.evaluate(expr, state)
        finally:
            self.recording = recording

    def condition(self, expr: nodes.Expr, state: State) -> Term | None:
        """Evaluates a test; its term is what `Refiner.refine` learns from."""
        return self.evaluate(expr, state).term

    # --- names and literals ----------------------------------------------------------------------------------

    def constant(self, expr: nodes.Constant, state: State) -> Value:
        content = expr.value
        if isinstance(content, bool | int | float):
            return replace(number(content), term=self.terms.make("const", content))
        if isinstance(content, str):
            return Value(kind=Kind.STRING, term=self.terms.make("const", content), payload=content)
        if content is None:
            return Value(kind=Kind.NONE, term=self.terms.make("none"))
        return UNKNOWN

    def name(self, expr: nodes.Name, state: State) -> Value:
        if expr.path is not None:
            return self.path(expr.path)
        value = state.read(expr.id)
        if value is None:
            return replace(UNKNOWN, term=self.terms.make("global", expr.id))
        return state.known(value)

    def path(self, path: str) -> Value:
        """An imported name: a constant where the library defines one, else just the path."""
        value = spellings.namespace_value(path)
        term = self.terms.make("path", path)
        if value is None:
            return Value(kind=Kind.NAMESPACE, term=term, payload=path, grounds=Grounds.KNOWN)
        if value.constant is not None:
            term = self.terms.make("const", value.constant)
        return replace(value, term=term)

    def attribute(self, expr: nodes.Attribute, state: State) -> Value:
        if expr.path is not None:
            return self.path(expr.path)
        key = expr.key
        known = state.read(key) if key is not None else None
        base = self.evaluate(expr.base, state)
        if known is not None:
            return state.known(known)
        return state.known(self._attribute_of(base, expr.name, expr.base))

    def _attribute_of(self, base: Value, name: str, base_expr: nodes.Expr) -> Value:
        term = self.terms.make("attr", base.term, name)
        if isinstance(base.payload, tuple) and base.payload[0] == "finfo":
            return spellings.finfo_attribute(name, base.payload[1])
        if base.kind is Kind.NAMESPACE and isinstance(base.payload, str):
            return self.path(f"{base.payload}.{name}")
        if name == "shape":
            return Value(kind=Kind.SHAPE, term=term, differentiable=False)
        if name in _VIEWS:
            return replace(base, term=self.terms.make("view", base.term, None), items=None)
        if name in ("values", "indices") and base.items is not None:
            return base.items[0 if name == "values" else 1]
        if name in ("ndim", "size", "nnz"):
            return Value(SIZE, Kind.SIZE, Grounds.ASSUMED, term, differentiable=False)
        return assumptions.named(name, term)

    # --- operations ------------------------------------------------------------------------------------------

    def apply(self, expr: nodes.Apply, state: State) -> Value:
        operands = {name: self.evaluate(operand, state) for name, operand in expr.operands.items()}
        for extra in expr.extras:
            self.evaluate(extra, state)
        spelling = expr.spelling
        if expr.callee is not None and operands["x"].kind in _NOT_TENSORS:
            return self._other_method(expr, operands["x"], state)
        if spelling.operation.name == "where" and "y" in operands:
            return self._choice(expr, (("x", True), ("y", False)), operands, "condition", state)
        if spelling.operation.name == "masked_fill" and "mask" in operands and "value" in operands:
            return self._choice(expr, (("value", True), ("x", False)), operands, "mask", state)
        return self._finish(expr, spelling, operands, state)

    def _finish(self, expr: nodes.Apply, spelling: Spelling, operands: dict[str, Value], state: State) -> Value:
        name = spelling.operation.name
        if name in ("max", "min") and _is_elementwise(operands):
            return self._extreme_of_two(expr, spelling, operands, state)
        operands = {**spelling.fixed, **operands}
        if name == "view" and operands["x"].kind is Kind.STRING:
            return _number_in(operands["x"])
        result = apply(self.terms, spelling, operands, expr, self.framework)
        if self.no_grad and result.differentiable:
            result = replace(result, differentiable=False)
        if name in ("size", "len"):
            result = self._length(spelling, operands, result)
        if name in ("max", "min", "median") and "dim" in operands and spelling.form is not Form.OPERATOR:
            position = Value(COUNT, Kind.TENSOR, Grounds.KNOWN, self.terms.fresh(), framework=result.framework)
            result = replace(result, items=(result, position))
        result = state.known(result)
        if spelling.operation.hazard is not None and self.recording:
            self._use(expr, operands, result, state)
        if spelling.form is Form.INPLACE or _is_true(expr.keywords.get("inplace")):
            self.assign_in_place(expr.operands["x"], operands["x"], result, state)
        if "out" in expr.keywords:
            self.assign_in_place(expr.keywords["out"], UNKNOWN, result, state)
        return result

    def _use(self, expr: nodes.Apply, operands: dict[str, Value], result: Value, state: State) -> None:
        framework = result.framework or self.framework
        differentiable = not self.no_grad and any(value.differentiable for value in operands.values())
        differentiable = differentiable and framework not in ("numpy", "python")
        if expr.spelling.framework == "python" and expr.spelling.form is not Form.OPERATOR:
            framework = "python"
        snapshot = State(dict(state.vars), state.facts, state.globals)
        self.record.uses[id(expr)] = Use(expr, self.statement, operands, result, snapshot, framework, differentiable)

    def _extreme_of_two(
        self, expr: nodes.Apply, spelling: Spelling, operands: dict[str, Value], state: State
    ) -> Value:
        """`torch.max(a, b)` and `a.max(b)` are the element-wise maximum, unlike `a.max(1)`."""
        other = operands.get("y") or operands["dim"]
        binary = spellings.function("torch.maximum" if spelling.operation.name == "max" else "torch.minimum")
        assert binary is not None
        return self._finish(expr, binary, {"x": operands["x"], "y": other}, state)

    def _length(self, spelling: Spelling, operands: dict[str, Value], result: Value) -> Value:
        name, dim = spelling.operation.name, operands.get("dim")
        if name == "size" and dim is None and spelling.form is Form.METHOD and "dim" in spelling.positions:
            return Value(kind=Kind.SHAPE, term=self.terms.make("attr", operands["x"].term, "shape"))
        if name == "len" and (items := operands["x"].items) is not None:
            return replace(result, range=constant(len(items)), differentiable=False)
        batch = dim is not None and dim.constant == 0
        return replace(result, range=SIZE, grounds=Grounds.KNOWN if batch else Grounds.ASSUMED, differentiable=False)

    def _choice(
        self,
        expr: nodes.Apply,
        sides: tuple[tuple[str, bool], tuple[str, bool]],
        operands: dict[str, Value],
        condition: str,
        state: State,
    ) -> Value:
        """`where` and `masked_fill`: each arm only counts where its condition holds, and is evaluated under it."""
        arms: list[Value] = []
        for name, truth in sides:
            inside = self.refiner.refine(state.copy(), operands[condition].term, truth)
            if inside is None:
                return operands[sides[0][0] if not truth else sides[1][0]]
            arms.append(self.evaluate(expr.operands[name], inside))
        joined = join_values(arms[0], arms[1], self.terms)
        spelling = expr.spelling
        term = term_for(self.terms, spelling.operation.name, spelling.operation.operands, operands)
        framework = arms[0].framework or arms[1].framework or spelling.framework
        kind = Kind.ARRAY if spelling.framework == "numpy" else Kind.TENSOR
        result = replace(joined, term=term, kind=kind, framework=framework)
        if spelling.form is Form.INPLACE:
            self.assign_in_place(expr.operands["x"], operands["x"], result, state)
        return result

    def _other_method(self, expr: nodes.Apply, receiver: Value, state: State) -> Value:
        """A method that only looks like a tensor's: a layer in an attribute (`self.softmax(x)`), a logger, a dict, or a
        library held in a variable."""
        assert isinstance(expr.callee, nodes.Attribute)
        call = nodes.Call(expr.origin, expr.callee, expr.args, expr.keywords)
        if receiver.kind is Kind.NAMESPACE and isinstance(receiver.payload, str):
            return self._call_path(call, f"{receiver.payload}.{expr.callee.name}", state)
        layer = self.evaluate(expr.callee, state).payload
        if isinstance(layer, Layers) and expr.args:
            return layer.run(self.terms, self.evaluate(expr.args[0], state), expr, self.framework)
        return UNKNOWN

    # --- calls -----------------------------------------------------------------------------------------------

    def call(self, expr: nodes.Call, state: State) -> Value:
        func = self.evaluate(expr.func, state)
        if func.kind is Kind.NAMESPACE and isinstance(func.payload, str):
            return self._call_path(expr, func.payload, state)
        args = tuple(self.evaluate(arg, state) for arg in expr.args)
        for keyword in expr.keywords.values():
            self.evaluate(keyword, state)
        if isinstance(func.payload, Layers) and args:
            return func.payload.run(self.terms, args[0], expr, self.framework)
        self._forget_mutated(expr, state)
        if isinstance(expr.func, nodes.Name) and expr.func.id == "reveal_range" and args and self.recording:
            self.record.reveals[id(expr)] = (expr.args[0], "reveal_range", str(args[0].range))
        if isinstance(expr.func, nodes.Attribute) and expr.func.name in ("shape", "get_shape"):
            return Value(kind=Kind.SHAPE)
        return UNKNOWN

    def _call_path(self, expr: nodes.Call, path: str, state: State) -> Value:
        spelling = spellings.function(path)
        if spelling is not None and (operands := bind(spelling, expr.args, expr.keywords)) is not None:
            return self.apply(self._as_apply(expr, spelling, operands), state)
        args = tuple(self.evaluate(arg, state) for arg in expr.args)
        keywords = {name: self.evaluate(value, state) for name, value in expr.keywords.items()}
        if self.recording:
            self.record.calls[id(expr)] = (path, expr, args, self.statement, state.copy())
        if path == "builtins.reveal_range" and args and self.recording:
            self.record.reveals[id(expr)] = (expr.args[0], "reveal_range", str(args[0].range))
        if path.endswith("finfo") or path.endswith("iinfo"):
            dtype = args[0].dtype if args else None
            return Value(kind=Kind.OBJECT, payload=("finfo", dtype), term=self.terms.make("finfo", str(dtype)))
        if (layer := construct_layer(path, args, keywords)) is not None:
            return layer
        if path.endswith("nn.Parameter") and args:
            # a trained weight may become anything, zero included
            return Value(REAL, Kind.TENSOR, Grounds.ASSUMED, framework="torch", payload=None)
        if path in ("builtins.isinstance", "builtins.hasattr", "builtins.callable"):
            return Value(BOOLEAN, Kind.NUMBER, Grounds.KNOWN, differentiable=False)
        if path in ("builtins.list", "builtins.tuple", "builtins.sorted") and args:
            return replace(args[0], kind=Kind.SEQUENCE, items=None, term=None)
        return spellings.call_value(path) or UNKNOWN

    def _as_apply(self, expr: nodes.Call, spelling: Spelling, operands: dict[str, nodes.Expr]) -> nodes.Apply:
        """The Apply that a call through a variable (`ln = torch.log`) turns out to be; one per call."""
        found = self.dynamic.get(id(expr))
        if found is None or found.spelling is not spelling:
            found = nodes.Apply(expr.origin, spelling, operands, keywords=expr.keywords)
            self.dynamic[id(expr)] = found
        return found

    def _forget_mutated(self, expr: nodes.Call, state: State) -> None:
        """An in-place method we do not know (`x.foo_()`) leaves its receiver unknown."""
        func = expr.func
        if isinstance(func, nodes.Attribute) and func.name.endswith("_") and not func.name.endswith("__"):
            self.assign_in_place(func.base, self.silently(func.base, state), UNKNOWN, state)

    def assign_in_place(self, target: nodes.Expr, before: Value, after: Value, state: State) -> None:
        """The object that `target` names holds other numbers now, under all its names."""
        after = replace(after, term=after.term or self.terms.fresh())
        state.replace_term(before.term, after)
        key = target.id if isinstance(target, nodes.Name) else getattr(target, "key", None)
        if key is not None:
            state.vars[key] = after

    # --- subscripts ------------------------------------------------------------------------------------------

    def subscript(self, expr: nodes.Subscript, state: State) -> Value:
        base = self.evaluate(expr.base, state)
        index = tuple(self.evaluate(part, state) for part in expr.index)
        term = self.terms.make("item", base.term, *(value.term for value in index))
        first = index[0] if len(index) == 1 else None
        if base.kind is Kind.SHAPE:
            return state.known(_size_at(first, term))
        position = None if first is None else first.constant
        if base.items is not None and position is not None and -len(base.items) <= position < len(base.items):
            return base.items[int(position)]
        if first is not None and first.kind is Kind.STRING:
            return state.known(assumptions.named(str(first.payload), term))
        if base.kind in (Kind.TENSOR, Kind.ARRAY, Kind.UNKNOWN, Kind.SEQUENCE):
            kind = Kind.UNKNOWN if base.kind is Kind.SEQUENCE else base.kind
            selected = self._selected(expr, first, base, state)
            return state.known(replace(selected, kind=kind, term=term, items=None, payload=None, attains=None))
        return replace(UNKNOWN, term=term)

    def _selected(self, expr: nodes.Subscript, index: Value | None, base: Value, state: State) -> Value:
        """`x[x > 0]` holds only what the mask selects."""
        if index is None or index.dtype is not DType.BOOLEAN or index.term is None:
            return base
        inside = self.refiner.refine(state.copy(), index.term, True)
        return base if inside is None else self.silently(expr.base, inside)

    def slice(self, expr: nodes.Slice, state: State) -> Value:
        terms = tuple(None if part is None else self.evaluate(part, state).term for part in expr.parts)
        return replace(UNKNOWN, term=self.terms.make("slice", *terms))

    # --- logic -----------------------------------------------------------------------------------------------

    def logical(self, expr: nodes.Logical, state: State) -> Value:
        left = self.evaluate(expr.left, state)
        is_and = expr.operator == "and"
        inside = self.refiner.refine(state.copy(), left.term, is_and)
        if inside is None:
            return left
        right = self.evaluate(expr.right, inside)
        skipped = self.refiner.refine(state.copy(), left.term, not is_and)
        kept = left if skipped is None else self._again(expr.left, left, skipped)
        joined = right if skipped is None else join_values(kept, right, self.terms)
        return replace(joined, term=self.terms.make(expr.operator, left.term, right.term))

    def _again(self, expr: nodes.Expr, value: Value, state: State) -> Value:
        return state.known(value) if isinstance(expr, nodes.Name) else self.silently(expr, state)

    def not_(self, expr: nodes.Not, state: State) -> Value:
        operand = self.evaluate(expr.operand, state)
        return _truth(self.terms.make("not", operand.term), operand)

    def compare(self, expr: nodes.Compare, state: State) -> Value:
        left = self.evaluate(expr.left, state)
        result: Value | None = None
        for operator, right_expr in expr.links:
            right = self.evaluate(right_expr, state)
            name = _COMPARISONS.get(operator)
            term = self.terms.fresh() if name is None else self.terms.make(name, left.term, right.term)
            link = _truth(term, left, right)
            result = link if result is None else _truth(self.terms.make("and", result.term, term), result, link)
            left = right
        return result or UNKNOWN

    def conditional(self, expr: nodes.Conditional, state: State) -> Value:
        condition = self.condition(expr.test, state)
        yes = self.refiner.refine(state.copy(), condition, True)
        no = self.refiner.refine(state.copy(), condition, False)
        body = None if yes is None else self.evaluate(expr.body, yes)
        orelse = None if no is None else self.evaluate(expr.orelse, no)
        if body is None or orelse is None:
            return body or orelse or UNKNOWN
        return join_values(body, orelse, self.terms)

    # --- containers and the rest -----------------------------------------------------------------------------

    def display(self, expr: nodes.Display, state: State) -> Value:
        items = tuple(self.evaluate(item, state) for item in expr.items)
        if any(isinstance(item, nodes.Starred) for item in expr.items):
            return Value(kind=Kind.SEQUENCE)
        term = self.terms.make("tuple", *(item.term for item in items))
        return Value(kind=Kind.SEQUENCE, items=items, term=term)

    def parts(self, expr: Any, state: State) -> Value:
        for part in expr.parts:
            self.evaluate(part, state)
        return UNKNOWN

    def dict_display(self, expr: nodes.DictDisplay, state: State) -> Value:
        for part in (*expr.keys, *expr.values):
            if part is not None:
                self.evaluate(part, state)
        return Value(kind=Kind.DICT)

    def starred(self, expr: nodes.Starred, state: State) -> Value:
        self.evaluate(expr.value, state)
        return UNKNOWN

    def walrus(self, expr: nodes.Walrus, state: State) -> Value:
        value = self.evaluate(expr.value, state)
        if isinstance(expr.target, nodes.Name):
            state.bind(expr.target.id, value)
        return value

    def lambda_(self, expr: nodes.Lambda, state: State) -> Value:
        inner = state.copy()
        for param in expr.params:
            inner.bind(param.name, assumptions.named(param.name, self.terms.make("param", param.name, id(expr))))
        self.evaluate(expr.body, inner)
        return Value(kind=Kind.FUNCTION)

    def comprehension(self, expr: nodes.Comprehension, state: State) -> Value:
        inner: State | None = state.copy()
        assert inner is not None
        for generator in expr.generators:
            iterated = self.evaluate(generator.iter, inner)
            self.bind_target(generator.target, self.element(iterated, generator.iter, inner), inner)
            for condition in generator.conditions:
                inner = self.refiner.refine(inner, self.condition(condition, inner), True)
                if inner is None:
                    return Value(kind=Kind.SEQUENCE)
        values = [self.evaluate(element, inner) for element in expr.elements]
        if expr.kind == "dict":
            return Value(kind=Kind.DICT)
        return replace(values[0], kind=Kind.SEQUENCE, items=None, term=None, payload=None, attains=None)

    # --- assignment targets ----------------------------------------------------------------------------------

    def element(self, iterated: Value, expr: nodes.Expr, state: State) -> Value:
        """One element of what a loop runs over."""
        if isinstance(expr, nodes.Call) and isinstance(expr.func, nodes.Name):
            special = _ITERATORS.get(expr.func.path or "")
            if special is not None:
                return special(self, expr, state)
        if iterated.items:
            joined = iterated.items[0]
            for item in iterated.items[1:]:
                joined = join_values(joined, item, self.terms)
            return replace(joined, term=self.terms.fresh())
        if iterated.kind in (Kind.TENSOR, Kind.ARRAY, Kind.SEQUENCE):
            kind = Kind.UNKNOWN if iterated.kind is Kind.SEQUENCE else iterated.kind
            return replace(iterated, kind=kind, term=self.terms.fresh(), items=None, payload=None, attains=None)
        return replace(UNKNOWN, term=self.terms.fresh())

    def bind_target(self, target: nodes.Expr, value: Value, state: State) -> None:
        """Assign `value` to a name, attribute, subscript or (nested) tuple of them."""
        if isinstance(target, nodes.Name):
            state.bind(target.id, self._named(target.id, value))
        elif isinstance(target, nodes.Attribute) and target.key is not None:
            state.bind(target.key, value)
        elif isinstance(target, nodes.Display):
            self._unpack(target, value, state)
        elif isinstance(target, nodes.Subscript):
            self._store(target, value, state)
        elif isinstance(target, nodes.Starred):
            self.bind_target(target.value, Value(kind=Kind.SEQUENCE, term=self.terms.fresh()), state)
        if self.recording and isinstance(target, nodes.Name | nodes.Attribute):
            self.record.assignments[id(target)] = (target, getattr(target, "id", target.origin), str(value.range))

    def _named(self, name: str, value: Value) -> Value:
        """A value about which nothing is known takes what its name says (`mask = load()`, `eps = cfg["e"]`)."""
        if value.grounds is Grounds.NONE and value.kind is Kind.UNKNOWN and value.range.nan:
            return assumptions.named(name, value.term or self.terms.fresh())
        return value

    def _unpack(self, target: nodes.Display, value: Value, state: State) -> None:
        starred = [at for at, item in enumerate(target.items) if isinstance(item, nodes.Starred)]
        for at, item in enumerate(target.items):
            if value.kind is Kind.SHAPE:
                place = replace(number(at), term=self.terms.make("const", at))
                part = _size_at(place, self.terms.make("item", value.term, place.term))
            elif value.items is not None and not starred and len(value.items) == len(target.items):
                part = value.items[at]
            elif value.items is not None and starred and at < starred[0] and at < len(value.items):
                part = value.items[at]
            else:
                part = replace(UNKNOWN, term=self.terms.fresh())
            self.bind_target(item, part, state)

    def _store(self, target: nodes.Subscript, value: Value, state: State) -> None:
        """`x[...] = v` replaces, `x[x == 0] = v` repairs what the mask selects, other stores mix both."""
        before = self.silently(target.base, state)
        index = self.silently(target.index[0], state) if len(target.index) == 1 else UNKNOWN
        if before.kind not in (Kind.TENSOR, Kind.ARRAY, Kind.UNKNOWN):
            return
        kept: Value | None = before
        if index.dtype is DType.BOOLEAN and index.term is not None:
            outside = self.refiner.refine(state.copy(), index.term, False)
            kept = None if outside is None else self.silently(target.base, outside)
        stored = value if kept is None else join_values(kept, value, self.terms)
        after = replace(stored, kind=before.kind, term=self.terms.fresh(), framework=before.framework, items=None)
        self.assign_in_place(target.base, before, after, state)


def _number_in(text: Value) -> Value:
    """`float("inf")`."""
    try:
        return number(float(str(text.payload)))
    except ValueError:
        return UNKNOWN


def _is_true(expr: nodes.Expr | None) -> bool:
    return isinstance(expr, nodes.Constant) and expr.value is True


def _is_elementwise(operands: dict[str, Value]) -> bool:
    if "y" in operands:
        return True
    dim = operands.get("dim")
    return dim is not None and dim.kind in (Kind.TENSOR, Kind.ARRAY)


def _truth(term: Term, *operands: Value) -> Value:
    """A comparison: a Python bool for numbers, a boolean tensor otherwise."""
    scalar = all(operand.is_scalar for operand in operands)
    tensor = any(operand.kind is Kind.TENSOR for operand in operands)
    kind = Kind.NUMBER if scalar else Kind.TENSOR if tensor else Kind.UNKNOWN
    framework = next((operand.framework for operand in operands if operand.framework), None)
    return Value(BOOLEAN, kind, Grounds.KNOWN, term, None, DType.BOOLEAN, framework, differentiable=False)


def _size_at(index: Value | None, term: Term) -> Value:
    """One entry of a shape. That a batch may hold a single element is known; of other sizes it is not."""
    if index is None or index.constant is None:
        return Value(kind=Kind.SHAPE, term=term)
    grounds = Grounds.KNOWN if index.constant == 0 else Grounds.ASSUMED
    return Value(SIZE, Kind.SIZE, grounds, term, differentiable=False)


def _range(evaluator: Evaluator, expr: nodes.Call, state: State) -> Value:
    bounds = [evaluator.silently(arg, state).range for arg in expr.args]
    start, stop = (bounds[0].lo, bounds[1].hi) if len(bounds) > 1 else (0.0, bounds[0].hi if bounds else 0.0)
    if len(bounds) > 2:
        start = min(start, stop)
    whole = interval(start, max(stop - 1, start), open="hi" if stop == float("inf") else "", integer=True)
    return Value(whole, Kind.NUMBER, Grounds.ASSUMED, evaluator.terms.fresh(), differentiable=False)


def _enumerate(evaluator: Evaluator, expr: nodes.Call, state: State) -> Value:
    start_expr = expr.keywords.get("start") or (expr.args[1] if len(expr.args) > 1 else None)
    start = 0.0 if start_expr is None else evaluator.silently(start_expr, state).range.lo
    count = Value(
        interval(start, open="hi", integer=True), Kind.NUMBER, Grounds.ASSUMED, evaluator.terms.fresh(),
        differentiable=False,
    )  # fmt: skip
    inner = evaluator.silently(expr.args[0], state) if expr.args else UNKNOWN
    return Value(kind=Kind.SEQUENCE, items=(count, evaluator.element(inner, expr.args[0], state)))


def _zip(evaluator: Evaluator, expr: nodes.Call, state: State) -> Value:
    items = tuple(evaluator.element(evaluator.silently(arg, state), arg, state) for arg in expr.args)
    return Value(kind=Kind.SEQUENCE, items=items)


_ITERATORS: dict[str, Callable[[Evaluator, nodes.Call, State], Value]] = {
    "builtins.range": _range,
    "builtins.enumerate": _enumerate,
    "builtins.zip": _zip,
}

_HANDLERS: dict[type, Callable[[Evaluator, Any, State], Value]] = {
    nodes.Constant: Evaluator.constant,
    nodes.Name: Evaluator.name,
    nodes.Attribute: Evaluator.attribute,
    nodes.Subscript: Evaluator.subscript,
    nodes.Slice: Evaluator.slice,
    nodes.Apply: Evaluator.apply,
    nodes.Call: Evaluator.call,
    nodes.Logical: Evaluator.logical,
    nodes.Not: Evaluator.not_,
    nodes.Compare: Evaluator.compare,
    nodes.Conditional: Evaluator.conditional,
    nodes.Display: Evaluator.display,
    nodes.DictDisplay: Evaluator.dict_display,
    nodes.Starred: Evaluator.starred,
    nodes.Walrus: Evaluator.walrus,
    nodes.Comprehension: Evaluator.comprehension,
    nodes.Lambda: Evaluator.lambda_,
    nodes.Opaque: Evaluator.parts,
}
