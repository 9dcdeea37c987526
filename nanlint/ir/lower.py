"""libcst → IR, in one walk over the semantic fields only.

A hand-written walk costs a tenth of libcst's own visitors, because it never touches whitespace. Whatever it does
not understand becomes `Opaque`: unknown, never a crash and never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import libcst as cst

from nanlint.ir import names, nodes
from nanlint.ir.arguments import bind, receiver_method
from nanlint.ir.names import Scope
from nanlint.ops import spellings
from nanlint.ops.operation import Form, Spelling

_BINARY: dict[type, str] = {
    cst.Add: "+",
    cst.Subtract: "-",
    cst.Multiply: "*",
    cst.Divide: "/",
    cst.FloorDivide: "//",
    cst.Modulo: "%",
    cst.Power: "**",
    cst.MatrixMultiply: "@",
    cst.AddAssign: "+",
    cst.SubtractAssign: "-",
    cst.MultiplyAssign: "*",
    cst.DivideAssign: "/",
    cst.FloorDivideAssign: "//",
    cst.ModuloAssign: "%",
    cst.PowerAssign: "**",
    cst.MatrixMultiplyAssign: "@",
}
# `x ** 0.5` is a square root, whatever it looks like
_ROOTS: dict[object, str] = {0.5: "torch.sqrt", -0.5: "torch.rsqrt", -1: "torch.reciprocal"}
_COMPARE: dict[type, str] = {
    cst.Equal: "==",
    cst.NotEqual: "!=",
    cst.LessThan: "<",
    cst.LessThanEqual: "<=",
    cst.GreaterThan: ">",
    cst.GreaterThanEqual: ">=",
    cst.In: "in",
    cst.NotIn: "not in",
    cst.Is: "is",
    cst.IsNot: "is not",
}


def lower_module(module: cst.Module) -> nodes.Module:
    """The IR of a whole file."""
    scope = Scope(None)
    names.collect(module.body, scope)
    body = _Lowering(scope).block(module.body)
    return nodes.Module(module, body, scope.imports)


class _Lowering:
    """Lowers the statements and expressions of one scope, and of the scopes inside it."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.hazards = 0  # operations with a hazard met so far: tells which functions deserve interpreting

    # --- statements ------------------------------------------------------------------------------------------

    def block(self, body: Iterable[Any]) -> list[nodes.Stmt]:
        lowered: list[nodes.Stmt] = []
        for statement in body:
            if type(statement) is cst.SimpleStatementLine:
                for small in statement.body:
                    self._statement(small, lowered)
            else:
                self._statement(statement, lowered)
        return lowered

    def suite(self, part: Any) -> list[nodes.Stmt]:
        """The body of an optional `else`, `finally` or nested `elif`."""
        if part is None:
            return []
        return self.block((part,)) if isinstance(part, cst.If) else self.block(part.body.body)

    def _statement(self, node: Any, out: list[nodes.Stmt]) -> None:
        handler = _STATEMENTS.get(type(node))
        if handler is not None and (lowered := handler(self, node)) is not None:
            out.append(lowered)

    def assign(self, node: cst.Assign) -> nodes.Stmt:
        value = self.expr(node.value)
        return nodes.Assign(node, tuple(self.expr(target.target) for target in node.targets), value)

    def ann_assign(self, node: cst.AnnAssign) -> nodes.Stmt | None:
        if node.value is None:
            return None
        annotation = _annotation(node.annotation)
        return nodes.Assign(node, (self.expr(node.target),), self.expr(node.value), annotation=annotation)

    def aug_assign(self, node: cst.AugAssign) -> nodes.Stmt:
        target, value = self.expr(node.target), self.expr(node.value)
        symbol = _BINARY.get(type(node.operator))
        applied = self._operator(node, symbol, target, value)
        return nodes.Assign(node, (target,), applied, augmented=True)

    def evaluate(self, node: cst.Expr) -> nodes.Stmt:
        return nodes.Evaluate(node, self.expr(node.value))

    def return_(self, node: cst.Return) -> nodes.Stmt:
        return nodes.Return(node, None if node.value is None else self.expr(node.value))

    def raise_(self, node: cst.Raise) -> nodes.Stmt:
        return nodes.Raise(node, () if node.exc is None else (self.expr(node.exc),))

    def assert_(self, node: cst.Assert) -> nodes.Stmt:
        return nodes.Assert(node, self.expr(node.test))

    def delete(self, node: cst.Del) -> nodes.Stmt:
        return nodes.Delete(node, (self.expr(node.target),))

    def if_(self, node: cst.If) -> nodes.Stmt:
        return nodes.If(node, self.expr(node.test), self.block(node.body.body), self.suite(node.orelse))

    def while_(self, node: cst.While) -> nodes.Stmt:
        return nodes.While(node, self.expr(node.test), self.suite(node), self.suite(node.orelse))

    def for_(self, node: cst.For) -> nodes.Stmt:
        target, iterated = self.expr(node.target), self.expr(node.iter)
        return nodes.For(node, target, iterated, self.suite(node), self.suite(node.orelse))

    def with_(self, node: cst.With) -> nodes.Stmt:
        items = tuple(
            (self.expr(item.item), None if item.asname is None else self.expr(item.asname.name)) for item in node.items
        )
        return nodes.With(node, items, self.suite(node))

    def try_(self, node: cst.Try | cst.TryStar) -> nodes.Stmt:
        handlers = tuple(
            nodes.Handler(
                next(names.bound_names(handler.name.name), None) if handler.name is not None else None,
                self.suite(handler),
            )
            for handler in node.handlers
        )
        return nodes.Try(node, self.suite(node), handlers, self.suite(node.orelse), self.suite(node.finalbody))

    def match(self, node: cst.Match) -> nodes.Stmt:
        return nodes.Match(node, self.expr(node.subject), tuple(self._case(case) for case in node.cases))

    def _case(self, case: cst.MatchCase) -> nodes.Case:
        pattern = case.pattern
        literal = self.expr(pattern.value) if isinstance(pattern, cst.MatchValue) else None
        bound = tuple(_captures(pattern))
        self.scope.bound.update(bound)
        catches_all = isinstance(pattern, cst.MatchAs) and pattern.pattern is None
        guard = None if case.guard is None else self.expr(case.guard)
        return nodes.Case(literal, bound, catches_all, guard, self.block(case.body.body))

    def import_(self, node: cst.Import | cst.ImportFrom) -> nodes.Stmt | None:
        return None  # resolved already: see names.py

    def function(self, node: cst.FunctionDef) -> nodes.Stmt:
        decorators = tuple(self.expr(decorator.decorator) for decorator in node.decorators)
        inner = _Lowering(Scope(self.scope))
        params = self._params(node.params, inner)
        names.collect(node.body.body, inner.scope)
        body = inner.block(node.body.body)
        self.hazards += inner.hazards
        return nodes.FunctionDef(
            node, node.name.value, params, body, decorators, inner.hazards > 0, frozenset(inner.scope.bound)
        )

    def class_(self, node: cst.ClassDef) -> nodes.Stmt:
        bases = tuple(self.expr(base.value) for base in node.bases)
        inner = _Lowering(Scope(self.scope, is_class=True))
        names.collect(node.body.body, inner.scope)
        body = inner.block(node.body.body)
        self.hazards += inner.hazards
        return nodes.ClassDef(node, node.name.value, bases, body)

    def _params(self, parameters: cst.Parameters, inner: _Lowering) -> tuple[nodes.Param, ...]:
        """Defaults are evaluated outside, names are bound inside."""
        params: list[nodes.Param] = []
        groups: tuple[Sequence[cst.Param], ...] = (parameters.posonly_params, parameters.params)
        for param in (*groups[0], *groups[1], *parameters.kwonly_params):
            default = None if param.default is None else self.expr(param.default)
            annotation = None if param.annotation is None else _annotation(param.annotation)
            params.append(nodes.Param(param.name.value, default, annotation))
        for star in (parameters.star_arg, parameters.star_kwarg):
            if isinstance(star, cst.Param):
                params.append(nodes.Param(star.name.value, None, None, starred=True))
        inner.scope.bound.update(param.name for param in params)
        return tuple(params)

    # --- expressions -----------------------------------------------------------------------------------------

    def expr(self, node: Any) -> nodes.Expr:
        handler = _EXPRESSIONS.get(type(node))
        return handler(self, node) if handler is not None else nodes.Opaque(node, ())

    def name(self, node: cst.Name) -> nodes.Expr:
        word = node.value
        if word in _SINGLETONS:
            return nodes.Constant(node, _SINGLETONS[word])
        return nodes.Name(node, word, self.scope.resolve(word))

    def attribute(self, node: cst.Attribute) -> nodes.Expr:
        base = self.expr(node.value)
        name = node.attr.value
        path = getattr(base, "path", None)
        return nodes.Attribute(node, base, name, f"{path}.{name}" if path is not None else None)

    def subscript(self, node: cst.Subscript) -> nodes.Expr:
        index = tuple(self._index(element.slice) for element in node.slice)
        return nodes.Subscript(node, self.expr(node.value), index)

    def _index(self, node: cst.BaseSlice) -> nodes.Expr:
        if isinstance(node, cst.Index):
            return self.expr(node.value)
        assert isinstance(node, cst.Slice)
        lower, upper, step = (
            None if part is None else self.expr(part) for part in (node.lower, node.upper, node.step)
        )
        return nodes.Slice(node, (lower, upper, step))

    def binary(self, node: cst.BinaryOperation) -> nodes.Expr:
        left, right = self.expr(node.left), self.expr(node.right)
        return self._operator(node, _BINARY.get(type(node.operator)), left, right)

    def _operator(self, node: Any, symbol: str | None, left: nodes.Expr, right: nodes.Expr) -> nodes.Expr:
        spelling = spellings.operator(symbol) if symbol is not None else None
        if spelling is None:
            return nodes.Opaque(node, (left, right))
        if symbol == "**" and isinstance(right, nodes.Constant) and (root := _ROOTS.get(right.value)) is not None:
            found = spellings.function(root)
            if found is not None:
                return self._apply(node, replace(found, framework="python", form=Form.OPERATOR), {"x": left})
        return self._apply(node, spelling, {"x": left, "y": right})

    def unary(self, node: cst.UnaryOperation) -> nodes.Expr:
        operand = self.expr(node.expression)
        if isinstance(node.operator, cst.Not):
            return nodes.Not(node, operand)
        if isinstance(node.operator, cst.Minus):
            if isinstance(operand, nodes.Constant) and isinstance(operand.value, int | float):
                return nodes.Constant(node, -operand.value)
            spelling = spellings.operator("neg")
            if spelling is not None:
                return self._apply(node, spelling, {"x": operand})
        if isinstance(node.operator, cst.Plus):
            return operand
        spelling = spellings.function("torch.logical_not")  # `~mask`
        return nodes.Opaque(node, (operand,)) if spelling is None else self._apply(node, spelling, {"x": operand})

    def boolean(self, node: cst.BooleanOperation) -> nodes.Expr:
        operator = "and" if isinstance(node.operator, cst.And) else "or"
        return nodes.Logical(node, operator, self.expr(node.left), self.expr(node.right))

    def comparison(self, node: cst.Comparison) -> nodes.Expr:
        links = tuple(
            (_COMPARE.get(type(target.operator), "?"), self.expr(target.comparator)) for target in node.comparisons
        )
        return nodes.Compare(node, self.expr(node.left), links)

    def conditional(self, node: cst.IfExp) -> nodes.Expr:
        return nodes.Conditional(node, self.expr(node.test), self.expr(node.body), self.expr(node.orelse))

    def display(self, node: cst.Tuple | cst.List | cst.Set) -> nodes.Expr:
        items = tuple(
            nodes.Starred(element, self.expr(element.value))
            if isinstance(element, cst.StarredElement)
            else self.expr(element.value)
            for element in node.elements
        )
        return nodes.Display(node, type(node).__name__.lower(), items)

    def dict_(self, node: cst.Dict) -> nodes.Expr:
        keys = tuple(self.expr(e.key) if isinstance(e, cst.DictElement) else None for e in node.elements)
        return nodes.DictDisplay(node, keys, tuple(self.expr(element.value) for element in node.elements))

    def number(self, node: cst.Integer | cst.Float) -> nodes.Expr:
        try:
            digits = node.value.replace("_", "")
            return nodes.Constant(node, int(digits, 0) if type(node) is cst.Integer else float(digits))
        except (ValueError, OverflowError):  # more digits than Python converts
            return nodes.Opaque(node, ())

    def string(self, node: cst.SimpleString) -> nodes.Expr:
        return nodes.Constant(node, node.value.strip("rbuRBU").strip("\"'"))

    def formatted(self, node: cst.FormattedString) -> nodes.Expr:
        return nodes.Opaque(
            node,
            tuple(self.expr(part.expression) for part in node.parts if isinstance(part, cst.FormattedStringExpression)),
        )

    def lambda_(self, node: cst.Lambda) -> nodes.Expr:
        inner = _Lowering(Scope(self.scope))
        params = self._params(node.params, inner)
        body = inner.expr(node.body)
        self.hazards += inner.hazards
        return nodes.Lambda(node, params, body)

    def comprehension(self, node: cst.ListComp | cst.SetComp | cst.GeneratorExp) -> nodes.Expr:
        kind = {cst.ListComp: "list", cst.SetComp: "set"}.get(type(node), "generator")
        return self._comprehension(node, kind, (node.elt,))

    def dict_comprehension(self, node: cst.DictComp) -> nodes.Expr:
        return self._comprehension(node, "dict", (node.key, node.value))

    def _comprehension(self, node: Any, kind: str, elements: tuple[Any, ...]) -> nodes.Expr:
        inner = _Lowering(Scope(self.scope))
        generators: list[nodes.Generator] = []
        part: cst.CompFor | None = node.for_in
        while part is not None:
            iterated = inner.expr(part.iter)
            inner.scope.bound.update(names.bound_names(part.target))
            target = inner.expr(part.target)
            conditions = tuple(inner.expr(condition.test) for condition in part.ifs)
            generators.append(nodes.Generator(target, iterated, conditions))
            part = part.inner_for_in
        lowered = tuple(inner.expr(element) for element in elements)
        self.hazards += inner.hazards
        return nodes.Comprehension(node, kind, lowered, tuple(generators))

    def walrus(self, node: cst.NamedExpr) -> nodes.Expr:
        value = self.expr(node.value)
        self.scope.bound.update(names.bound_names(node.target))
        return nodes.Walrus(node, self.expr(node.target), value)

    def awaited(self, node: cst.Await) -> nodes.Expr:
        return nodes.Opaque(node, (self.expr(node.expression),))

    def yielded(self, node: cst.Yield) -> nodes.Expr:
        value = node.value.item if isinstance(node.value, cst.From) else node.value
        return nodes.Opaque(node, () if value is None else (self.expr(value),))

    # --- calls -----------------------------------------------------------------------------------------------

    def call(self, node: cst.Call) -> nodes.Expr:
        func = self.expr(node.func)
        positional, keywords, starred = self._arguments(node)
        path = getattr(func, "path", None)
        if path is not None and not starred:
            spelling = spellings.function(path)
            if spelling is not None and (operands := bind(spelling, positional, keywords)) is not None:
                return self._apply(node, spelling, operands, None, positional, keywords)
        elif path is None and isinstance(func, nodes.Attribute) and not starred:
            spelling = receiver_method(func.name, positional)
            if spelling is not None and (operands := bind(spelling, (func.base, *positional), keywords)) is not None:
                return self._apply(node, spelling, operands, func, positional, keywords)
        return nodes.Call(node, func, positional, keywords)

    def _arguments(self, node: cst.Call) -> tuple[tuple[nodes.Expr, ...], dict[str, nodes.Expr], bool]:
        positional: list[nodes.Expr] = []
        keywords: dict[str, nodes.Expr] = {}
        starred = False
        for arg in node.args:
            value = self.expr(arg.value)
            if arg.keyword is not None:
                keywords[arg.keyword.value] = value
            elif arg.star:
                starred = starred or arg.star == "*"
                positional.append(nodes.Starred(arg, value))
            else:
                positional.append(value)
        return tuple(positional), keywords, starred

    def _apply(
        self,
        node: Any,
        spelling: Spelling,
        operands: dict[str, nodes.Expr],
        callee: nodes.Expr | None = None,
        positional: tuple[nodes.Expr, ...] = (),
        keywords: dict[str, nodes.Expr] | None = None,
    ) -> nodes.Expr:
        if spelling.operation.hazard is not None and not _divides_by_literal(spelling, operands):
            self.hazards += 1
        keywords = keywords or {}
        extras = _extras(operands, positional, keywords)
        return nodes.Apply(node, spelling, operands, extras, callee, positional, keywords)


def _divides_by_literal(spelling: Spelling, operands: dict[str, nodes.Expr]) -> bool:
    """`x / 2` needs no interpreting; half of all divisions are of this kind."""
    divisor = operands.get("y")
    return spelling.operation.name == "div" and isinstance(divisor, nodes.Constant) and bool(divisor.value)


def _extras(
    operands: dict[str, nodes.Expr], positional: tuple[nodes.Expr, ...], keywords: dict[str, nodes.Expr]
) -> tuple[nodes.Expr, ...]:
    used = {id(operand) for operand in operands.values()}
    return tuple(arg for arg in (*positional, *keywords.values()) if id(arg) not in used)


def _annotation(annotation: cst.Annotation) -> str | None:
    """The last name of a simple annotation; `float | None` and `Optional[float]` count as float."""
    node: cst.CSTNode = annotation.annotation
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.BitOr):
        node = node.left
    if isinstance(node, cst.Subscript) and names.dotted(node.value).endswith("Optional"):
        inner = node.slice[0].slice
        node = inner.value if isinstance(inner, cst.Index) else node
    if isinstance(node, cst.SimpleString):
        return node.value.strip("\"'").rpartition(".")[2] or None
    return names.dotted(node).rpartition(".")[2] or None


def _captures(pattern: cst.MatchPattern) -> Iterable[str]:
    """Every name a match pattern binds."""
    if isinstance(pattern, cst.MatchAs | cst.MatchStar) and pattern.name is not None:
        yield pattern.name.value
    for child in pattern.children:
        if isinstance(child, cst.MatchPattern):
            yield from _captures(child)
        else:
            for inner in getattr(child, "children", ()):
                if isinstance(inner, cst.MatchPattern):
                    yield from _captures(inner)


_SINGLETONS: dict[str, object] = {"True": True, "False": False, "None": None}

_STATEMENTS: dict[type, Callable[[_Lowering, Any], nodes.Stmt | None]] = {
    cst.Assign: _Lowering.assign,
    cst.AnnAssign: _Lowering.ann_assign,
    cst.AugAssign: _Lowering.aug_assign,
    cst.Expr: _Lowering.evaluate,
    cst.Return: _Lowering.return_,
    cst.Raise: _Lowering.raise_,
    cst.Assert: _Lowering.assert_,
    cst.Del: _Lowering.delete,
    cst.If: _Lowering.if_,
    cst.While: _Lowering.while_,
    cst.For: _Lowering.for_,
    cst.With: _Lowering.with_,
    cst.Try: _Lowering.try_,
    cst.TryStar: _Lowering.try_,
    cst.Match: _Lowering.match,
    cst.FunctionDef: _Lowering.function,
    cst.ClassDef: _Lowering.class_,
    cst.Import: _Lowering.import_,
    cst.ImportFrom: _Lowering.import_,
    cst.Break: lambda _, node: nodes.Break(node),
    cst.Continue: lambda _, node: nodes.Continue(node),
}

_EXPRESSIONS: dict[type, Callable[[_Lowering, Any], nodes.Expr]] = {
    cst.Name: _Lowering.name,
    cst.Attribute: _Lowering.attribute,
    cst.Subscript: _Lowering.subscript,
    cst.BinaryOperation: _Lowering.binary,
    cst.UnaryOperation: _Lowering.unary,
    cst.BooleanOperation: _Lowering.boolean,
    cst.Comparison: _Lowering.comparison,
    cst.IfExp: _Lowering.conditional,
    cst.Tuple: _Lowering.display,
    cst.List: _Lowering.display,
    cst.Set: _Lowering.display,
    cst.Dict: _Lowering.dict_,
    cst.Integer: _Lowering.number,
    cst.Float: _Lowering.number,
    cst.SimpleString: _Lowering.string,
    cst.FormattedString: _Lowering.formatted,
    cst.Lambda: _Lowering.lambda_,
    cst.ListComp: _Lowering.comprehension,
    cst.SetComp: _Lowering.comprehension,
    cst.GeneratorExp: _Lowering.comprehension,
    cst.DictComp: _Lowering.dict_comprehension,
    cst.NamedExpr: _Lowering.walrus,
    cst.Await: _Lowering.awaited,
    cst.Yield: _Lowering.yielded,
    cst.Call: _Lowering.call,
}
