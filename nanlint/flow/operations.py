"""Operations where they stand in the program: their operands are evaluated, and what a rule may speak of is noted."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import NamedTuple

from nanlint.flow.apply import apply, dtype_of, fitted, mixes, term_for
from nanlint.flow.members import Members
from nanlint.flow.state import State, join_values
from nanlint.flow.uses import Guard, Use
from nanlint.ir import nodes
from nanlint.ops import spellings, watched
from nanlint.ops.operation import Form, Spelling
from nanlint.values.interval import COUNT, SIZE, constant
from nanlint.values.value import UNKNOWN, DType, Grounds, Kind, Term, Value, number, replace

# over a dimension torch gives values and indices; only `amax` and `amin` give values alone
_WITH_INDICES = frozenset({"max", "min", "median"})
# the elements stay in their order; whatever fits the result's shape fitted that of the operand before
_FLAT = frozenset({"flatten", "ravel", "squeeze"})
_NOT_TENSORS = frozenset(
    {Kind.STRING, Kind.DICT, Kind.MODULE, Kind.NAMESPACE, Kind.FUNCTION, Kind.CLASS, Kind.OBJECT, Kind.NONE}
)
_NESTED = 3  # choices inside each other that are evaluated with all precision


class _Sides(NamedTuple):
    """How a choice chooses: its arms, each with the truth of the condition that chooses it."""

    arms: tuple[tuple[str, bool], tuple[str, bool]]
    condition: str


_WHERE = _Sides((("x", True), ("y", False)), "condition")
_FILLED = _Sides((("value", True), ("x", False)), "mask")


class Operations(Members):
    """The part of the evaluator that applies operations.

    Attributes:
        as_calls: method calls that turned out to be no operations.
        choices: how many choices the current expression is inside of.
        plainly: it is evaluated as it is, whatever chooses it; else under the conditions that do.
    """

    as_calls: dict[int, nodes.Call]
    choices: int
    plainly: bool

    def apply(self, expr: nodes.Apply, state: State) -> Value:
        if (sides := _sides(expr)) is not None:
            self.choices += 1
            try:
                return self._chosen(expr, sides, state)
            finally:
                self.choices -= 1
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
        return self._finish(expr, spelling, operands, state)

    def _chosen(self, expr: nodes.Apply, sides: _Sides, state: State) -> Value:
        """A choice with its operands: once as they are, because both arms are computed, and once as they are chosen.

        Where choices nest deeply, the inner ones are evaluated in one of these ways only: each would else be evaluated
        twice as often as the one around it.
        """
        deep = self.choices > _NESTED and expr.spelling.form is not Form.INPLACE
        arms = {name for name, _ in sides.arms}
        plainly = self.plainly
        try:
            self.plainly = True
            evaluated = {
                name: self.evaluate(operand, state)
                for name, operand in expr.operands.items()
                if plainly or not deep or name not in arms
            }
            for extra in expr.extras:
                self.evaluate(extra, state)
            if expr.callee is not None and "x" in evaluated and evaluated["x"].kind in _NOT_TENSORS:
                return self._other_method(expr, evaluated["x"], state)
            self.plainly = plainly
            if deep and plainly:
                return self._joined(expr, [evaluated[name] for name, _ in sides.arms], evaluated, sides, state)
            self.plainly = False
            return self._choice(expr, sides, evaluated, state)
        finally:
            self.plainly = plainly

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
            return self._number_in(operands["x"])
        result = apply(self.terms, spelling, operands, expr, self.framework)
        if _asks_for_gradient(expr):
            result = replace(result, differentiable=True)
        if self.no_grad and result.differentiable:
            result = replace(result, differentiable=False)
        if name in ("size", "len"):
            result = self._length(spelling, operands, result)
        reduced = "dim" in operands and name in _WITH_INDICES and "alone" not in operands
        if (reduced or name == "topk") and result.framework == "torch":
            position = Value(
                COUNT, Kind.TENSOR, Grounds.KNOWN, self.terms.fresh(), dtype=DType.INTEGER, framework="torch"
            )
            result = replace(result, items=(result, position))
        result = state.known(result)
        if result.dtype in (DType.INTEGER, DType.BOOLEAN) and result.term is not None:
            self.record.outlets.becomes_whole(result.term)
        if self.recording and watched.in_use(spelling, operands, result):
            self.use(expr, operands, result, state)
        if spelling.form is Form.INPLACE or _is_true(expr.keywords.get("inplace")) or _is_trained(expr):
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

    def _choice(self, expr: nodes.Apply, sides: _Sides, operands: dict[str, Value], state: State) -> Value:
        """`where` and `masked_fill`: each arm only counts where its condition holds, and is evaluated under it."""
        arms: list[Value] = []
        test = operands[sides.condition].term
        insides = [self.refiner.refine(state.chosen(), test, truth) for _, truth in sides.arms]
        for (name, truth), inside in zip(sides.arms, insides, strict=True):
            arm = expr.operands[name]
            if None in insides:  # only one arm is ever chosen
                arms += [] if inside is None else [self.evaluate(arm, inside)]
            elif inside is not None:
                self.record.guards.append(Guard(expr, arm, expr.operands[sides.condition], test, truth))
                arms.append(self.evaluate(arm, inside))
                self.record.guards.pop()
        if len(arms) < len(sides.arms):
            first = sides.arms[0][0]
            only = arms[0] if arms else operands.get(first) or self.evaluate(expr.operands[first], state)
            if expr.spelling.form is Form.INPLACE:
                self.assign_in_place(expr.operands["x"], operands["x"], replace(only, kind=Kind.TENSOR), state)
            return only
        alone = {name: arm for (name, _), arm in zip(sides.arms, arms, strict=True)}
        return self._joined(expr, arms, {**alone, **operands}, sides, state)

    def _joined(
        self, expr: nodes.Apply, arms: list[Value], operands: dict[str, Value], sides: _Sides, state: State
    ) -> Value:
        """The value of a choice from those of its arms."""
        spelling = expr.spelling
        if sides.condition == "mask":
            arms = [fitted(arms[0], operands["x"].dtype), *arms[1:]]
        joined = join_values(arms[0], arms[1], self.terms)
        term = term_for(self.terms, spelling.operation.name, spelling.operation.operands, operands)
        framework = arms[0].framework or arms[1].framework or spelling.framework
        kind = Kind.ARRAY if spelling.framework == "numpy" else Kind.TENSOR
        numbers = {key: value for key, value in operands.items() if key != sides.condition}
        dtype = dtype_of(numbers, spelling.operation.name)
        result = replace(joined, term=term, kind=kind, framework=framework, dtype=dtype)
        if self.recording and watched.in_half(operands, result):
            self.use(expr, operands, result, state)
        if spelling.form is Form.INPLACE:
            self.assign_in_place(expr.operands["x"], operands["x"], result, state)
        return result

    def _number_in(self, text: Value) -> Value:
        """`float("inf")`."""
        try:
            made = float(str(text.payload))
        except ValueError:
            return UNKNOWN
        return number(made) if isnan(made) else number(made).with_term(self.terms.make("const", made))

    def _other_method(self, expr: nodes.Apply, receiver: Value, state: State) -> Value:
        """A method that only looks like a tensor's: a layer in an attribute (`self.softmax(x)`), a logger, a dict, or a
        library held in a variable."""
        assert isinstance(expr.callee, nodes.Attribute)
        call = self.as_calls.setdefault(id(expr), nodes.Call(expr.origin, expr.callee, expr.args, expr.keywords))
        if receiver.kind is Kind.NAMESPACE and isinstance(receiver.payload, str):
            return self.call_path(call, f"{receiver.payload}.{expr.callee.name}", state)
        return self.call(call, state)


def _sides(expr: nodes.Apply) -> _Sides | None:
    """The sides of a choice; None if it is none."""
    name = expr.spelling.operation.name
    if name == "where":
        sides = _WHERE
    elif name == "masked_fill":
        sides = _FILLED
    else:
        return None
    return sides if {sides.condition, *dict(sides.arms)} <= expr.operands.keys() else None


def _is_true(expr: nodes.Expr | None) -> bool:
    return isinstance(expr, nodes.Constant) and expr.value is True


def _asks_for_gradient(expr: nodes.Apply) -> bool:
    """`torch.zeros(3, requires_grad=True)`, `x.requires_grad_()`."""
    asked = expr.keywords.get("requires_grad")
    return _is_trained(expr) or (asked is not None and not (isinstance(asked, nodes.Constant) and not asked.value))


def _is_trained(expr: nodes.Apply) -> bool:
    return isinstance(expr.callee, nodes.Attribute) and expr.callee.name == "requires_grad_" and not expr.args


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
