"""Expressions of Python's syntax tree → IR, with operations recognised and names resolved."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nanlint.ir import names, nodes
from nanlint.ir.arguments import bind, receiver_method
from nanlint.ir.names import Scope
from nanlint.ops import spellings, watched
from nanlint.ops.memory import ALLOCATORS
from nanlint.ops.operation import Form, Role, Spelling
from nanlint.ops.reductions import CONDITIONS

BINARY: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
}
# `x ** 0.5` is a square root, whatever it looks like
_ROOTS: dict[object, str] = {0.5: "torch.sqrt", -0.5: "torch.rsqrt", -1: "torch.reciprocal"}
# of masks; between other things `&` and `|` work on bits
_LOGICAL: dict[type, str] = {ast.BitAnd: "torch.logical_and", ast.BitOr: "torch.logical_or"}
_BITWISE = {ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^"}
_COMPARE: dict[type, str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}


# more elements than that are data, in which nobody reckons
_TABLE = 10_000

# in half precision every operation can break
_HALF = frozenset({"half", "float16"})

# questions and sizes: a function that holds nothing else does not reckon
_NOT_NUMBERS = CONDITIONS | {"len", "size"}

# a softmax breaks where somebody writes -inf, which is looked for
_ONLY_OF_INFINITY = frozenset({"softmax", "log_softmax"})
_INFINITE = ("-inf", "inf", "Inf", "NINF")
# layers that a rule may speak of, as they are called: `self.criterion(x, y)`
_OF_LAYER = re.compile(r"loss|crit")


class Expressions:
    """Lowers the expressions of one scope; statements are `lower`'s."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.hazards = 0  # risky operations met so far: tells which functions deserve interpreting
        self.mentions: dict[str, int] = {}  # names and attributes read so far
        self.paths: set[str] = set()  # dotted paths of what was imported and read so far
        self.yields = False
        self.numbers = 0  # operations that make new numbers
        self.allocations: list[nodes.Apply | nodes.Call] = []  # what makes memory and writes nothing to it

    def take_over(self, inner: Expressions) -> None:
        """What was met in an inner scope was met in this one too."""
        self.hazards += inner.hazards
        self.numbers += inner.numbers
        self.paths |= inner.paths
        self.allocations += inner.allocations
        for word, count in inner.mentions.items():
            self.mentions[word] = self.mentions.get(word, 0) + count

    def _mention(self, word: str) -> None:
        self.mentions[word] = self.mentions.get(word, 0) + 1

    def expr(self, node: ast.expr) -> nodes.Expr:
        handler = _EXPRESSIONS.get(type(node))
        return handler(self, node) if handler is not None else nodes.Opaque(node, ())

    def name(self, node: ast.Name) -> nodes.Expr:
        word = node.id
        self._mention(word)
        path = self.scope.resolve(word)
        if path is not None:
            self.paths.add(path)
        self.hazards += path is not None and path.rpartition(".")[2] in _INFINITE
        return nodes.Name(node, word, path)

    def constant(self, node: ast.Constant) -> nodes.Expr:
        value = node.value
        is_known = value is not Ellipsis and not isinstance(value, complex)
        self.hazards += isinstance(value, str) and (value in _HALF or value in _INFINITE)
        return nodes.Constant(node, value) if is_known else nodes.Opaque(node, ())

    def attribute(self, node: ast.Attribute) -> nodes.Expr:
        base = self.expr(node.value)
        name = node.attr
        self._mention(name)
        self.hazards += name in _HALF
        path: str | None = getattr(base, "path", None)
        if path is not None:
            self.hazards += name in _INFINITE
            path = f"{path}.{name}"
            self.paths.add(path)
        return nodes.Attribute(node, base, name, path)

    def subscript(self, node: ast.Subscript) -> nodes.Expr:
        index = node.slice.elts if isinstance(node.slice, ast.Tuple) else (node.slice,)
        return nodes.Subscript(node, self.expr(node.value), tuple(self.expr(part) for part in index))

    def slice(self, node: ast.Slice) -> nodes.Expr:
        lower, upper, step = (None if part is None else self.expr(part) for part in (node.lower, node.upper, node.step))
        return nodes.Slice(node, (lower, upper, step))

    def starred(self, node: ast.Starred) -> nodes.Expr:
        return nodes.Starred(node, self.expr(node.value))

    def binary(self, node: ast.BinOp) -> nodes.Expr:
        left, right = self.expr(node.left), self.expr(node.right)
        path = _LOGICAL.get(type(node.op))
        found = spellings.function(path) if path is not None and (_is_condition(left) or _is_condition(right)) else None
        if found is not None:
            return self._apply(node, replace(found, framework="python", form=Form.OPERATOR), {"x": left, "y": right})
        return self.operator(node, BINARY.get(type(node.op)) or _BITWISE.get(type(node.op)), left, right)

    def operator(self, node: Any, symbol: str | None, left: nodes.Expr, right: nodes.Expr) -> nodes.Expr:
        spelling = spellings.operator(symbol) if symbol is not None else None
        if spelling is None:
            return nodes.Opaque(node, (left, right))
        if symbol == "**" and isinstance(right, nodes.Constant) and (root := _ROOTS.get(right.value)) is not None:
            found = spellings.function(root)
            if found is not None:
                return self._apply(node, replace(found, framework="python", form=Form.OPERATOR), {"x": left})
        return self._apply(node, spelling, {"x": left, "y": right})

    def unary(self, node: ast.UnaryOp) -> nodes.Expr:
        operand = self.expr(node.operand)
        if isinstance(node.op, ast.Not):
            return nodes.Not(node, operand)
        if isinstance(node.op, ast.USub):
            if isinstance(operand, nodes.Constant) and isinstance(operand.value, int | float):
                return nodes.Constant(node, -operand.value)
            spelling = spellings.operator("neg")
            if spelling is not None:
                return self._apply(node, spelling, {"x": operand})
        if isinstance(node.op, ast.UAdd):
            return operand
        spelling = spellings.function("torch.logical_not")  # `~mask`
        return nodes.Opaque(node, (operand,)) if spelling is None else self._apply(node, spelling, {"x": operand})

    def boolean(self, node: ast.BoolOp) -> nodes.Expr:
        operator = "and" if isinstance(node.op, ast.And) else "or"
        *before, chain = map(self.expr, node.values)
        # nested to the right: what a test teaches is then learned from one operand at a time
        for operand in reversed(before):
            chain = nodes.Logical(node, operator, operand, chain)
        return chain

    def comparison(self, node: ast.Compare) -> nodes.Expr:
        links = tuple(
            (_COMPARE[type(operator)], self.expr(right))
            for operator, right in zip(node.ops, node.comparators, strict=True)
        )
        return nodes.Compare(node, self.expr(node.left), links)

    def conditional(self, node: ast.IfExp) -> nodes.Expr:
        return nodes.Conditional(node, self.expr(node.test), self.expr(node.body), self.expr(node.orelse))

    def display(self, node: ast.Tuple | ast.List | ast.Set) -> nodes.Expr:
        if len(node.elts) > _TABLE:
            return nodes.Opaque(node, ())
        return nodes.Display(node, type(node).__name__.lower(), tuple(map(self.expr, node.elts)))

    def dict_(self, node: ast.Dict) -> nodes.Expr:
        if len(node.keys) > _TABLE:
            return nodes.Opaque(node, ())
        keys = tuple(None if key is None else self.expr(key) for key in node.keys)
        return nodes.DictDisplay(node, keys, tuple(map(self.expr, node.values)))

    def formatted(self, node: ast.JoinedStr) -> nodes.Expr:
        shown = (part.value for part in node.values if isinstance(part, ast.FormattedValue))
        return nodes.Opaque(node, tuple(map(self.expr, shown)), is_text=True)

    def lambda_(self, node: ast.Lambda) -> nodes.Expr:
        inner = Expressions(Scope(self.scope))
        params = self.params(node.args, inner)
        body = inner.expr(node.body)
        self.take_over(inner)
        return nodes.Lambda(node, params, body)

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> nodes.Expr:
        kind = {ast.ListComp: "list", ast.SetComp: "set"}.get(type(node), "generator")
        return self._comprehension(node, kind, node.generators, (node.elt,))

    def dict_comprehension(self, node: ast.DictComp) -> nodes.Expr:
        return self._comprehension(node, "dict", node.generators, (node.key, node.value))

    def _comprehension(
        self, node: ast.expr, kind: str, parts: list[ast.comprehension], elements: tuple[ast.expr, ...]
    ) -> nodes.Expr:
        inner = Expressions(Scope(self.scope))
        generators: list[nodes.Generator] = []
        for part in parts:
            iterated = inner.expr(part.iter)
            inner.scope.bound.update(names.bound_names(part.target))
            target = inner.expr(part.target)
            generators.append(nodes.Generator(target, iterated, tuple(map(inner.expr, part.ifs))))
        lowered = tuple(map(inner.expr, elements))
        self.take_over(inner)
        return nodes.Comprehension(node, kind, lowered, tuple(generators))

    def walrus(self, node: ast.NamedExpr) -> nodes.Expr:
        value = self.expr(node.value)
        self.scope.bound.update(names.bound_names(node.target))
        return nodes.Walrus(node, self.expr(node.target), value)

    def awaited(self, node: ast.Await) -> nodes.Expr:
        return nodes.Opaque(node, (self.expr(node.value),))

    def yielded(self, node: ast.Yield | ast.YieldFrom) -> nodes.Expr:
        self.yields = True
        return nodes.Opaque(node, () if node.value is None else (self.expr(node.value),))

    # --- calls -----------------------------------------------------------------------------------------------

    def call(self, node: ast.Call) -> nodes.Expr:
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
        is_loss = isinstance(func, nodes.Attribute) and _OF_LAYER.search(func.name) is not None
        self.hazards += is_loss or path in watched.CALLS
        called = nodes.Call(node, func, positional, keywords)
        if path in ALLOCATORS:
            self.allocations.append(called)
        return called

    def _arguments(self, node: ast.Call) -> tuple[tuple[nodes.Expr, ...], dict[str, nodes.Expr], bool]:
        positional = list(map(self.expr, node.args))
        starred = any(isinstance(arg, ast.Starred) for arg in node.args)
        keywords: dict[str, nodes.Expr] = {}
        for keyword in node.keywords:
            value = self.expr(keyword.value)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
            else:
                positional.append(nodes.Starred(keyword, value))
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
        self.hazards += watched.as_written(spelling) and not _is_harmless(spelling, operands)
        self.numbers += spelling.operation.role is not Role.VIEW and spelling.operation.name not in _NOT_NUMBERS
        keywords = keywords or {}
        extras = _extras(operands, positional, keywords)
        applied = nodes.Apply(node, spelling, operands, extras, callee, positional, keywords)
        if spelling.operation.name == "empty" and spelling.framework == "torch":
            self.allocations.append(applied)
        return applied

    def params(self, arguments: ast.arguments, inner: Expressions) -> tuple[nodes.Param, ...]:
        """Defaults are evaluated outside, names are bound inside."""
        places = [*arguments.posonlyargs, *arguments.args]
        required = [None] * (len(places) - len(arguments.defaults))
        defaults: list[ast.expr | None] = [*required, *arguments.defaults, *arguments.kw_defaults]
        params = [
            nodes.Param(arg.arg, None if default is None else self.expr(default), annotation_name(arg.annotation))
            for arg, default in zip((*places, *arguments.kwonlyargs), defaults, strict=True)
        ]
        stars = (arguments.vararg, arguments.kwarg)
        params.extend(nodes.Param(star.arg, None, None, starred=True) for star in stars if star is not None)
        inner.scope.bound.update(param.name for param in params)
        return tuple(params)


# what multiplies a mask, at times: `float("-inf")`, `math.inf` imported by its name


def _is_condition(node: nodes.Expr) -> bool:
    """Is it plain to see that this is a mask?"""
    return isinstance(node, nodes.Compare) or (
        isinstance(node, nodes.Apply) and node.spelling.operation.name in CONDITIONS
    )


def _is_harmless(spelling: Spelling, operands: dict[str, nodes.Expr]) -> bool:
    """`x / 2` and `x ** 2` need no interpreting; half of all divisions and most powers are of this kind."""
    name, y = spelling.operation.name, operands.get("y")
    if name == "pow":
        return y is None or (isinstance(y, nodes.Constant) and isinstance(y.value, int) and y.value >= 0)
    return name in _ONLY_OF_INFINITY or (name == "div" and isinstance(y, nodes.Constant) and bool(y.value))


def _extras(
    operands: dict[str, nodes.Expr], positional: tuple[nodes.Expr, ...], keywords: dict[str, nodes.Expr]
) -> tuple[nodes.Expr, ...]:
    used = {id(operand) for operand in operands.values()}
    return tuple(arg for arg in (*positional, *keywords.values()) if id(arg) not in used)


def annotation_name(node: ast.expr | None) -> str | None:
    """The last name of a simple annotation; `float | None` and `Optional[float]` count as float."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        node = node.left
    if isinstance(node, ast.Subscript) and _last_name(node.value) == "Optional":
        node = node.slice
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.rpartition(".")[2] or None
    return _last_name(node)


def _last_name(node: ast.expr | None) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


_EXPRESSIONS: dict[type, Callable[[Expressions, Any], nodes.Expr]] = {
    ast.Name: Expressions.name,
    ast.Constant: Expressions.constant,
    ast.Attribute: Expressions.attribute,
    ast.Subscript: Expressions.subscript,
    ast.Slice: Expressions.slice,
    ast.Starred: Expressions.starred,
    ast.BinOp: Expressions.binary,
    ast.UnaryOp: Expressions.unary,
    ast.BoolOp: Expressions.boolean,
    ast.Compare: Expressions.comparison,
    ast.IfExp: Expressions.conditional,
    ast.Tuple: Expressions.display,
    ast.List: Expressions.display,
    ast.Set: Expressions.display,
    ast.Dict: Expressions.dict_,
    ast.JoinedStr: Expressions.formatted,
    ast.Lambda: Expressions.lambda_,
    ast.ListComp: Expressions.comprehension,
    ast.SetComp: Expressions.comprehension,
    ast.GeneratorExp: Expressions.comprehension,
    ast.DictComp: Expressions.dict_comprehension,
    ast.NamedExpr: Expressions.walrus,
    ast.Await: Expressions.awaited,
    ast.Yield: Expressions.yielded,
    ast.YieldFrom: Expressions.yielded,
    ast.Call: Expressions.call,
}
