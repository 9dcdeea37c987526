"""The value of an expression in a state. Whatever is not understood is unknown, never a crash and never a guess."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nanlint.flow import assumptions
from nanlint.flow.apply import apply, term_for
from nanlint.flow.calls import Calls
from nanlint.flow.layers import Layers
from nanlint.flow.refine import Refiner
from nanlint.flow.state import State, join_values
from nanlint.flow.targets import size_at
from nanlint.flow.uses import Record, Use
from nanlint.ir import nodes
from nanlint.ops import spellings
from nanlint.ops.operation import Form, Spelling
from nanlint.values.interval import BOOLEAN, COUNT, SIZE, constant
from nanlint.values.value import UNKNOWN, DType, Grounds, Kind, Term, Terms, Value, number

_COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
# over a dimension torch gives values and indices; only `amax` and `amin` give values alone
_WITH_INDICES = frozenset({"max", "min", "median"})
_VIEWS = frozenset({"data", "T", "mT", "real", "H"})
_NOT_TENSORS = frozenset({Kind.STRING, Kind.DICT, Kind.MODULE, Kind.NAMESPACE, Kind.FUNCTION, Kind.OBJECT, Kind.NONE})


class Evaluator(Calls):
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
        self.dynamic = {}
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
        if value.term is not None:
            self.record.outlets.read(value.term)
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
        if name in ("view", "detach") and operands["x"].kind is Kind.STRING:
            return _number_in(operands["x"])
        result = apply(self.terms, spelling, operands, expr, self.framework)
        if self.no_grad and result.differentiable:
            result = replace(result, differentiable=False)
        if name in ("size", "len"):
            result = self._length(spelling, operands, result)
        if "dim" in operands and name in _WITH_INDICES and "alone" not in operands and result.framework == "torch":
            position = Value(COUNT, Kind.TENSOR, Grounds.KNOWN, self.terms.fresh(), framework=result.framework)
            result = replace(result, items=(result, position))
        result = state.known(result)
        if result.dtype in (DType.INTEGER, DType.BOOLEAN) and result.term is not None:
            self.record.outlets.becomes_whole(result.term)
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

    def _extreme_of_two(self, expr: nodes.Apply, spelling: Spelling, operands: dict[str, Value], state: State) -> Value:
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
            return self.call_path(call, f"{receiver.payload}.{expr.callee.name}", state)
        layer = self.evaluate(expr.callee, state).payload
        if isinstance(layer, Layers) and expr.args:
            return layer.run(self.terms, self.evaluate(expr.args[0], state), expr, self.framework)
        return UNKNOWN

    # --- subscripts ------------------------------------------------------------------------------------------

    def subscript(self, expr: nodes.Subscript, state: State) -> Value:
        base = self.evaluate(expr.base, state)
        index = tuple(self.evaluate(part, state) for part in expr.index)
        term = self.terms.make("item", base.term, *(value.term for value in index))
        first = index[0] if len(index) == 1 else None
        if base.kind is Kind.SHAPE:
            return state.known(size_at(first, term))
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

    def opaque(self, expr: nodes.Opaque, state: State) -> Value:
        parts = [self.evaluate(part, state) for part in expr.parts]
        if not expr.is_text:
            self.record.outlets.leave(*parts)
        return UNKNOWN

    def dict_display(self, expr: nodes.DictDisplay, state: State) -> Value:
        for part in (*expr.keys, *expr.values):
            if part is not None:
                self.record.outlets.leave(self.evaluate(part, state))
        return Value(kind=Kind.DICT)

    def starred(self, expr: nodes.Starred, state: State) -> Value:
        self.record.outlets.leave(self.evaluate(expr.value, state))
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
        self.record.outlets.leave(self.evaluate(expr.body, inner))
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
        self.record.outlets.leave(*values)
        if expr.kind == "dict":
            return Value(kind=Kind.DICT)
        return replace(values[0], kind=Kind.SEQUENCE, items=None, term=None, payload=None, attains=None)


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
    nodes.Opaque: Evaluator.opaque,
}
