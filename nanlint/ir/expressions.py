"""Expressions of libcst → IR, with operations recognised and names resolved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import libcst as cst

from nanlint.ir import names, nodes
from nanlint.ir.arguments import bind, receiver_method
from nanlint.ir.names import Scope
from nanlint.ops import spellings
from nanlint.ops.operation import Form, Role, Spelling
from nanlint.ops.reductions import CONDITIONS

BINARY: dict[type, str] = {
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
# of masks; between other things `&` and `|` work on bits
_LOGICAL: dict[type, str] = {cst.BitAnd: "torch.logical_and", cst.BitOr: "torch.logical_or"}
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


_SINGLETONS: dict[str, object] = {"True": True, "False": False, "None": None}


# questions and sizes: a function that holds nothing else does not reckon
_NOT_NUMBERS = CONDITIONS | {"len", "size"}


class Expressions:
    """Lowers the expressions of one scope; statements are `lower`'s."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.hazards = 0  # operations with a hazard met so far: tells which functions deserve interpreting
        self.mentions: dict[str, int] = {}  # names and attributes read so far
        self.yields = False
        self.numbers = 0  # operations that make new numbers

    def take_over(self, inner: Expressions) -> None:
        """What was met in an inner scope was met in this one too."""
        self.hazards += inner.hazards
        self.numbers += inner.numbers
        for word, count in inner.mentions.items():
            self.mentions[word] = self.mentions.get(word, 0) + count

    def _mention(self, word: str) -> None:
        self.mentions[word] = self.mentions.get(word, 0) + 1

    def expr(self, node: Any) -> nodes.Expr:
        handler = _EXPRESSIONS.get(type(node))
        return handler(self, node) if handler is not None else nodes.Opaque(node, ())

    def name(self, node: cst.Name) -> nodes.Expr:
        word = node.value
        if word in _SINGLETONS:
            return nodes.Constant(node, _SINGLETONS[word])
        self._mention(word)
        return nodes.Name(node, word, self.scope.resolve(word))

    def attribute(self, node: cst.Attribute) -> nodes.Expr:
        base = self.expr(node.value)
        name = node.attr.value
        self._mention(name)
        path = getattr(base, "path", None)
        return nodes.Attribute(node, base, name, f"{path}.{name}" if path is not None else None)

    def subscript(self, node: cst.Subscript) -> nodes.Expr:
        index = tuple(self._index(element.slice) for element in node.slice)
        return nodes.Subscript(node, self.expr(node.value), index)

    def _index(self, node: cst.BaseSlice) -> nodes.Expr:
        if isinstance(node, cst.Index):
            return self.expr(node.value)
        assert isinstance(node, cst.Slice)
        lower, upper, step = (None if part is None else self.expr(part) for part in (node.lower, node.upper, node.step))
        return nodes.Slice(node, (lower, upper, step))

    def binary(self, node: cst.BinaryOperation) -> nodes.Expr:
        left, right = self.expr(node.left), self.expr(node.right)
        path = _LOGICAL.get(type(node.operator))
        found = spellings.function(path) if path is not None and (_is_condition(left) or _is_condition(right)) else None
        if found is not None:
            return self._apply(node, replace(found, framework="python", form=Form.OPERATOR), {"x": left, "y": right})
        return self.operator(node, BINARY.get(type(node.operator)), left, right)

    def operator(self, node: Any, symbol: str | None, left: nodes.Expr, right: nodes.Expr) -> nodes.Expr:
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
            is_text=True,
        )

    def lambda_(self, node: cst.Lambda) -> nodes.Expr:
        inner = Expressions(Scope(self.scope))
        params = self.params(node.params, inner)
        body = inner.expr(node.body)
        self.take_over(inner)
        return nodes.Lambda(node, params, body)

    def comprehension(self, node: cst.ListComp | cst.SetComp | cst.GeneratorExp) -> nodes.Expr:
        kind = {cst.ListComp: "list", cst.SetComp: "set"}.get(type(node), "generator")
        return self._comprehension(node, kind, (node.elt,))

    def dict_comprehension(self, node: cst.DictComp) -> nodes.Expr:
        return self._comprehension(node, "dict", (node.key, node.value))

    def _comprehension(self, node: Any, kind: str, elements: tuple[Any, ...]) -> nodes.Expr:
        inner = Expressions(Scope(self.scope))
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
        self.take_over(inner)
        return nodes.Comprehension(node, kind, lowered, tuple(generators))

    def walrus(self, node: cst.NamedExpr) -> nodes.Expr:
        value = self.expr(node.value)
        self.scope.bound.update(names.bound_names(node.target))
        return nodes.Walrus(node, self.expr(node.target), value)

    def awaited(self, node: cst.Await) -> nodes.Expr:
        return nodes.Opaque(node, (self.expr(node.expression),))

    def yielded(self, node: cst.Yield) -> nodes.Expr:
        self.yields = True
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
        self.numbers += spelling.operation.role is not Role.VIEW and spelling.operation.name not in _NOT_NUMBERS
        keywords = keywords or {}
        extras = _extras(operands, positional, keywords)
        return nodes.Apply(node, spelling, operands, extras, callee, positional, keywords)

    def params(self, parameters: cst.Parameters, inner: Expressions) -> tuple[nodes.Param, ...]:
        """Defaults are evaluated outside, names are bound inside."""
        params: list[nodes.Param] = []
        groups: tuple[Sequence[cst.Param], ...] = (parameters.posonly_params, parameters.params)
        for param in (*groups[0], *groups[1], *parameters.kwonly_params):
            default = None if param.default is None else self.expr(param.default)
            annotation = None if param.annotation is None else annotation_name(param.annotation)
            params.append(nodes.Param(param.name.value, default, annotation))
        stars = (parameters.star_arg, parameters.star_kwarg)
        params.extend(
            nodes.Param(star.name.value, None, None, starred=True) for star in stars if isinstance(star, cst.Param)
        )
        inner.scope.bound.update(param.name for param in params)
        return tuple(params)


def _is_condition(node: nodes.Expr) -> bool:
    """Is it plain to see that this is a mask?"""
    return isinstance(node, nodes.Compare) or (
        isinstance(node, nodes.Apply) and node.spelling.operation.name in CONDITIONS
    )


def _divides_by_literal(spelling: Spelling, operands: dict[str, nodes.Expr]) -> bool:
    """`x / 2` needs no interpreting; half of all divisions are of this kind."""
    divisor = operands.get("y")
    return spelling.operation.name == "div" and isinstance(divisor, nodes.Constant) and bool(divisor.value)


def _extras(
    operands: dict[str, nodes.Expr], positional: tuple[nodes.Expr, ...], keywords: dict[str, nodes.Expr]
) -> tuple[nodes.Expr, ...]:
    used = {id(operand) for operand in operands.values()}
    return tuple(arg for arg in (*positional, *keywords.values()) if id(arg) not in used)


def annotation_name(annotation: cst.Annotation) -> str | None:
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


_EXPRESSIONS: dict[type, Callable[[Expressions, Any], nodes.Expr]] = {
    cst.Name: Expressions.name,
    cst.Attribute: Expressions.attribute,
    cst.Subscript: Expressions.subscript,
    cst.BinaryOperation: Expressions.binary,
    cst.UnaryOperation: Expressions.unary,
    cst.BooleanOperation: Expressions.boolean,
    cst.Comparison: Expressions.comparison,
    cst.IfExp: Expressions.conditional,
    cst.Tuple: Expressions.display,
    cst.List: Expressions.display,
    cst.Set: Expressions.display,
    cst.Dict: Expressions.dict_,
    cst.Integer: Expressions.number,
    cst.Float: Expressions.number,
    cst.SimpleString: Expressions.string,
    cst.FormattedString: Expressions.formatted,
    cst.Lambda: Expressions.lambda_,
    cst.ListComp: Expressions.comprehension,
    cst.SetComp: Expressions.comprehension,
    cst.GeneratorExp: Expressions.comprehension,
    cst.DictComp: Expressions.dict_comprehension,
    cst.NamedExpr: Expressions.walrus,
    cst.Await: Expressions.awaited,
    cst.Yield: Expressions.yielded,
    cst.Call: Expressions.call,
}
