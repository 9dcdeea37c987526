"""The value of an expression in a state. Whatever is not understood is unknown, never a crash and never a guess."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from nanlint.flow import assumptions
from nanlint.flow.apply import apply, dtype_of, fitted, mixes, term_for
from nanlint.flow.functions import Frame, Function
from nanlint.flow.members import Members
from nanlint.flow.refine import Refiner
from nanlint.flow.state import Nested, State, join_values
from nanlint.flow.uses import Guard, Record, Use
from nanlint.ir import nodes
from nanlint.ops import spellings, watched
from nanlint.ops.operation import Form, Spelling
from nanlint.values.interval import BOOLEAN, COUNT, SIZE, constant
from nanlint.values.value import UNKNOWN, DType, Grounds, Kind, Term, Terms, Value, number

_COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
# over a dimension torch gives values and indices; only `amax` and `amin` give values alone
_WITH_INDICES = frozenset({"max", "min", "median"})
# the elements stay in their order; whatever fits the result's shape fitted that of the operand before
_FLAT = frozenset({"flatten", "ravel", "squeeze"})
_NOT_TENSORS = frozenset(
    {Kind.STRING, Kind.DICT, Kind.MODULE, Kind.NAMESPACE, Kind.FUNCTION, Kind.CLASS, Kind.OBJECT, Kind.NONE}
)


class Evaluator(Members):
    """Evaluates expressions; statements are `execute`'s."""

    def __init__(self, terms: Terms, frame: Frame) -> None:
        self.terms = terms
        self.frame = frame
        self.framework = frame.framework  # of values about which nothing else tells
        self.record = Record()
        self.recording = True
        self.no_grad = 0
        self.statement = nodes.Stmt(None)
        self.by_term: dict[Term, Value] = {}
        self.origins: dict[Term, nodes.Expr] = {}
        self.dynamic = {}
        self.returns = None
        self.active = []
        self.steps_left = 0
        self.memo = {}
        self.followed = {}
        self.unfollowed = set()
        self.run = {}
        self.filling = 0
        self.as_calls: dict[int, nodes.Call] = {}  # method calls that turned out to be no operations
        self.refiner = Refiner(terms, self.by_term.get)

    # --- entry -----------------------------------------------------------------------------------------------

    def evaluate(self, expr: nodes.Expr, state: State) -> Value:
        handler = _HANDLERS.get(type(expr))
        value = UNKNOWN if handler is None else handler(self, expr, state)
        if value.term is None:
            value = value.with_term(self.terms.fresh())
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

    # --- literals ----------------------------------------------------------------------------------

    def constant(self, expr: nodes.Constant, state: State) -> Value:
        content = expr.value
        if isinstance(content, bool | int | float):
            return replace(number(content), term=self.terms.make("const", content))
        if isinstance(content, str):
            term = self.terms.make("const", content)
            return Value(kind=Kind.STRING, term=term, dtype=spellings.dtype_named(content), payload=content)
        if content is None:
            return Value(kind=Kind.NONE, term=self.terms.make("none"))
        return UNKNOWN

    # --- operations ------------------------------------------------------------------------------------------

    def apply(self, expr: nodes.Apply, state: State) -> Value:
        spelling = expr.spelling
        if mixes(spelling.operation, expr.operands):
            with state.unchosen():
                operands = {name: self.evaluate(operand, state) for name, operand in expr.operands.items()}
        else:
            operands = {name: self.evaluate(operand, state) for name, operand in expr.operands.items()}
        extras = [self.evaluate(extra, state).term for extra in expr.extras]
        if spelling.operation.operands[-1] == "how":
            operands["how"] = Value(term=self._arrangement(expr, extras))
        if expr.callee is not None and operands["x"].kind in _NOT_TENSORS:
            return self._other_method(expr, operands["x"], state)
        if spelling.form is Form.OPERATOR and any(value.kind is Kind.STRING for value in operands.values()):
            return Value(kind=Kind.STRING, term=self.terms.fresh(), differentiable=False)  # `"%s.pt" % epoch`
        if spelling.operation.name == "where" and "y" in operands:
            return self._choice(expr, (("x", True), ("y", False)), operands, "condition", state)
        if spelling.operation.name == "masked_fill" and "mask" in operands and "value" in operands:
            return self._choice(expr, (("value", True), ("x", False)), operands, "mask", state)
        return self._finish(expr, spelling, operands, state)

    def _arrangement(self, expr: nodes.Apply, extras: Sequence[Term | None]) -> Term:
        """Which elements a view puts where, as far as its spelling and arguments say."""
        name = expr.callee.name if isinstance(expr.callee, nodes.Attribute) else ""
        shape = extras[0] if len(extras) == 1 else None
        if name in _FLAT or (name in ("view", "reshape") and shape is self.terms.make("const", -1)):
            return self.terms.make("how", "flat")
        return self.terms.make("how", id(expr.spelling), *extras)

    def _finish(self, expr: nodes.Apply, spelling: Spelling, operands: dict[str, Value], state: State) -> Value:
        name = spelling.operation.name
        if name in ("max", "min") and _is_elementwise(operands):
            return self._extreme_of_two(expr, spelling, operands, state)
        if name in ("max", "min") and spelling.framework == "torch" and _may_be_elementwise(expr, operands):
            both = self._extreme_of_two(expr, spelling, operands, state)
            operands = {**operands, "dim": replace(operands["dim"], kind=Kind.NUMBER)}
            return join_values(both, self._finish(expr, spelling, operands, state), self.terms)
        operands = {**spelling.fixed, **operands}
        if name in ("copy", "detach") and operands["x"].kind is Kind.STRING:
            return _number_in(operands["x"])
        result = apply(self.terms, spelling, operands, expr, self.framework)
        if self.no_grad and result.differentiable:
            result = replace(result, differentiable=False)
        if name in ("size", "len"):
            result = self._length(spelling, operands, result)
        if "dim" in operands and name in _WITH_INDICES and "alone" not in operands and result.framework == "torch":
            position = Value(
                COUNT, Kind.TENSOR, Grounds.KNOWN, self.terms.fresh(), dtype=DType.INTEGER, framework="torch"
            )
            result = replace(result, items=(result, position))
        result = state.known(result)
        if result.dtype in (DType.INTEGER, DType.BOOLEAN) and result.term is not None:
            self.record.outlets.becomes_whole(result.term)
        if self.recording and watched.in_use(spelling, operands, result):
            self.use(expr, operands, result, state)
        if spelling.form is Form.INPLACE or _is_true(expr.keywords.get("inplace")):
            self.assign_in_place(expr.operands["x"], operands["x"], result, state)
        if "out" in expr.keywords:
            out = expr.keywords["out"]
            self.assign_in_place(out, self.silently(out, state), result, state)
        return result

    def use(self, expr: nodes.Apply, operands: dict[str, Value], result: Value, state: State) -> None:
        framework = result.framework or self.framework
        differentiable = not self.no_grad and any(value.differentiable for value in operands.values())
        differentiable = differentiable and framework not in ("numpy", "python")
        if expr.spelling.framework == "python" and expr.spelling.form is not Form.OPERATOR:
            framework = "python"
        snapshot = State(dict(state.vars), state.facts, state.globals)
        snapshot.whole = state.whole
        function = self.active[-1] if self.active else None
        self.record.use(Use(expr, self.statement, operands, result, snapshot, framework, differentiable, function))

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
        counted = operands["x"].term
        if counted is not None and operands["x"].kind is Kind.SEQUENCE and counted.head in ("list", "either"):
            return replace(result, range=COUNT, grounds=Grounds.ASSUMED, differentiable=False)
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
        test = operands[condition].term
        insides = [self.refiner.refine(state.chosen(), test, truth) for _, truth in sides]
        for (name, truth), inside in zip(sides, insides, strict=True):
            arm = expr.operands[name]
            if None in insides:  # only one arm is ever chosen
                arms += [] if inside is None else [self.evaluate(arm, inside)]
            elif inside is not None:
                self.record.guards.append(Guard(expr, arm, expr.operands[condition], test, truth))
                arms.append(self.evaluate(arm, inside))
                self.record.guards.pop()
        spelling = expr.spelling
        if len(arms) < len(sides):
            only = arms[0] if arms else operands[sides[0][0]]
            if spelling.form is Form.INPLACE:
                self.assign_in_place(expr.operands["x"], operands["x"], replace(only, kind=Kind.TENSOR), state)
            return only
        if condition == "mask":
            arms[0] = fitted(arms[0], operands["x"].dtype)
        joined = join_values(arms[0], arms[1], self.terms)
        term = term_for(self.terms, spelling.operation.name, spelling.operation.operands, operands)
        framework = arms[0].framework or arms[1].framework or spelling.framework
        kind = Kind.ARRAY if spelling.framework == "numpy" else Kind.TENSOR
        dtype = dtype_of({key: value for key, value in operands.items() if key != condition}, spelling.operation.name)
        result = replace(joined, term=term, kind=kind, framework=framework, dtype=dtype)
        if self.recording and watched.in_half(operands, result):
            self.use(expr, operands, result, state)
        if spelling.form is Form.INPLACE:
            self.assign_in_place(expr.operands["x"], operands["x"], result, state)
        return result

    def _other_method(self, expr: nodes.Apply, receiver: Value, state: State) -> Value:
        """A method that only looks like a tensor's: a layer in an attribute (`self.softmax(x)`), a logger, a dict, or a
        library held in a variable."""
        assert isinstance(expr.callee, nodes.Attribute)
        call = self.as_calls.setdefault(id(expr), nodes.Call(expr.origin, expr.callee, expr.args, expr.keywords))
        if receiver.kind is Kind.NAMESPACE and isinstance(receiver.payload, str):
            return self.call_path(call, f"{receiver.payload}.{expr.callee.name}", state)
        return self.call(call, state)

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
        return joined.with_term(self.terms.make(expr.operator, left.term, right.term))

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
            return Value(kind=Kind.SEQUENCE, term=self.terms.fresh(*(item.term for item in items)))
        term = self.terms.make("tuple" if expr.kind == "tuple" else "list", *(item.term for item in items))
        return Value(kind=Kind.SEQUENCE, items=items, term=term)

    def opaque(self, expr: nodes.Opaque, state: State) -> Value:
        parts = [self.evaluate(part, state) for part in expr.parts]
        if not expr.is_text:
            self.record.outlets.leave(*parts)
        return UNKNOWN

    def dict_display(self, expr: nodes.DictDisplay, state: State) -> Value:
        parts = [self.evaluate(part, state) for part in (*expr.keys, *expr.values) if part is not None]
        self.record.outlets.leave(*parts)
        return Value(kind=Kind.DICT, term=self.terms.fresh(*(part.term for part in parts), head="list"))

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
        enclosing = Nested(dict(state.vars), state.globals)
        return Value(kind=Kind.FUNCTION, payload=Function(expr, self.frame, enclosing), differentiable=False)

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
        term = self.terms.make("part", values[0].term, self.terms.fresh())
        return replace(values[0], kind=Kind.SEQUENCE, items=None, term=term, payload=None, attains=None)


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


def _may_be_elementwise(expr: nodes.Apply, operands: dict[str, Value]) -> bool:
    """`torch.max(x, y)` where nothing tells whether y is a tensor or a dimension."""
    dim = operands.get("dim")
    if dim is None or dim.kind is not Kind.UNKNOWN or dim.constant is not None:
        return False
    if dim.range.integer and dim.grounds is not Grounds.NONE:
        return False  # a size, by its name
    name = dim.term.args[-2 if dim.term.head == "param" else -1] if dim.term is not None and dim.term.args else ""
    named = isinstance(name, str) and ("dim" in name or "ax" in name)
    return not (named or expr.keywords)


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
