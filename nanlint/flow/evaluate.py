"""The value of an expression in a state. Whatever is not understood is unknown, never a crash and never a guess."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nanlint.flow import assumptions
from nanlint.flow.functions import Frame, Function
from nanlint.flow.operations import Operations
from nanlint.flow.refine import Refiner
from nanlint.flow.state import Nested, State, join_values
from nanlint.flow.uses import Record
from nanlint.ir import nodes
from nanlint.ops import spellings
from nanlint.ops.terms import holds_somewhere
from nanlint.values.interval import BOOLEAN
from nanlint.values.value import UNKNOWN, DType, Grounds, Kind, Term, Terms, Value, number, replace

# so many values may be in the displays that a display holds
_MOST_HELD = 1000

_COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


class Evaluator(Operations):
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
        self.as_calls = {}
        self.choices = 0
        self.selections = 0
        self.plainly = False
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
            link = replace(_truth(term, left, right), attains=1.0 if holds_somewhere(term) else None)
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
        if any(isinstance(item, nodes.Starred) for item in expr.items) or _is_too_large(items):
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


def _is_too_large(items: Sequence[Value]) -> bool:
    """Do displays that hold each other twice double in size with every line: `b = (a, a)`, `c = (b, b)`, and so on?"""
    held = sum(_size(item) for item in items if item.items is not None)
    return held > _MOST_HELD


def _size(value: Value) -> int:
    return 1 if value.items is None else 1 + sum(map(_size, value.items))


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
