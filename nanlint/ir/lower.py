"""Python's syntax tree → IR, in one walk.

Whatever it does not understand becomes `Opaque`: unknown, never a crash and never a guess.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from nanlint.ir import names, nodes
from nanlint.ir.expressions import BINARY, Expressions, annotation_name
from nanlint.ir.names import Scope
from nanlint.source import Source


def lower_module(tree: ast.Module, source: Source) -> nodes.Module:
    """The IR of a whole file: of the tree that `source` was parsed to."""
    scope = Scope(None)
    names.collect(tree.body, scope)
    lowering = _Lowering(scope)
    body = lowering.block(tree.body)
    return nodes.Module(
        tree, source, body, scope.imports, tuple(scope.stars), lowering.mentions, tuple(lowering.allocations)
    )


class _Lowering(Expressions):
    """Lowers the statements of one scope, and of the scopes inside it."""

    # --- statements ------------------------------------------------------------------------------------------

    def block(self, body: Iterable[ast.stmt]) -> list[nodes.Stmt]:
        lowered: list[nodes.Stmt] = []
        for statement in body:
            handler = _STATEMENTS.get(type(statement))
            if handler is not None and (made := handler(self, statement)) is not None:
                lowered.append(made)
        return lowered

    def assign(self, node: ast.Assign) -> nodes.Stmt:
        value = self.expr(node.value)
        return nodes.Assign(node, tuple(map(self.expr, node.targets)), value)

    def ann_assign(self, node: ast.AnnAssign) -> nodes.Stmt | None:
        if node.value is None:
            return None
        annotation = annotation_name(node.annotation)
        return nodes.Assign(node, (self.expr(node.target),), self.expr(node.value), annotation=annotation)

    def aug_assign(self, node: ast.AugAssign) -> nodes.Stmt:
        target, value = self.expr(node.target), self.expr(node.value)
        applied = self.operator(node, BINARY.get(type(node.op)), target, value)
        return nodes.Assign(node, (target,), applied, augmented=True)

    def evaluate(self, node: ast.Expr) -> nodes.Stmt:
        return nodes.Evaluate(node, self.expr(node.value))

    def return_(self, node: ast.Return) -> nodes.Stmt:
        return nodes.Return(node, None if node.value is None else self.expr(node.value))

    def raise_(self, node: ast.Raise) -> nodes.Stmt:
        return nodes.Raise(node, () if node.exc is None else (self.expr(node.exc),))

    def assert_(self, node: ast.Assert) -> nodes.Stmt:
        return nodes.Assert(node, self.expr(node.test))

    def delete(self, node: ast.Delete) -> nodes.Stmt:
        return nodes.Delete(node, tuple(map(self.expr, node.targets)))

    def if_(self, node: ast.If) -> nodes.Stmt:
        return nodes.If(node, self.expr(node.test), self.block(node.body), self.block(node.orelse))

    def while_(self, node: ast.While) -> nodes.Stmt:
        return nodes.While(node, self.expr(node.test), self.block(node.body), self.block(node.orelse))

    def for_(self, node: ast.For | ast.AsyncFor) -> nodes.Stmt:
        target, iterated = self.expr(node.target), self.expr(node.iter)
        return nodes.For(node, target, iterated, self.block(node.body), self.block(node.orelse))

    def with_(self, node: ast.With | ast.AsyncWith) -> nodes.Stmt:
        items = tuple(
            (self.expr(item.context_expr), None if item.optional_vars is None else self.expr(item.optional_vars))
            for item in node.items
        )
        return nodes.With(node, items, self.block(node.body))

    def try_(self, node: ast.Try | ast.TryStar) -> nodes.Stmt:
        handlers = tuple(nodes.Handler(handler.name, self.block(handler.body)) for handler in node.handlers)
        return nodes.Try(node, self.block(node.body), handlers, self.block(node.orelse), self.block(node.finalbody))

    def match(self, node: ast.Match) -> nodes.Stmt:
        return nodes.Match(node, self.expr(node.subject), tuple(map(self._case, node.cases)))

    def _case(self, case: ast.match_case) -> nodes.Case:
        pattern = case.pattern
        literal = self.expr(pattern.value) if isinstance(pattern, ast.MatchValue) else None
        bound = tuple(_captures(pattern))
        self.scope.bound.update(bound)
        catches_all = isinstance(pattern, ast.MatchAs) and pattern.pattern is None
        guard = None if case.guard is None else self.expr(case.guard)
        return nodes.Case(literal, bound, catches_all, guard, self.block(case.body))

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> nodes.Stmt:
        decorators = tuple(map(self.expr, node.decorator_list))
        inner = _Lowering(Scope(self.scope))
        params = self.params(node.args, inner)
        names.collect(node.body, inner.scope)
        body = inner.block(node.body)
        self.take_over(inner)
        return nodes.FunctionDef(
            node,
            node.name,
            params,
            body,
            decorators,
            inner.hazards > 0,
            frozenset(inner.scope.bound),
            frozenset(inner.mentions),
            frozenset(inner.paths),
            inner.yields,
            inner.numbers,
        )

    def class_(self, node: ast.ClassDef) -> nodes.Stmt:
        bases = tuple(map(self.expr, node.bases))
        inner = _Lowering(Scope(self.scope, is_class=True))
        names.collect(node.body, inner.scope)
        body = inner.block(node.body)
        self.take_over(inner)
        return nodes.ClassDef(node, node.name, bases, body)


def _captures(pattern: ast.pattern) -> Iterator[str]:
    """Every name a match pattern binds."""
    for part in ast.walk(pattern):
        name = part.rest if isinstance(part, ast.MatchMapping) else getattr(part, "name", None)
        if isinstance(part, ast.pattern) and name is not None:
            yield name


_STATEMENTS: dict[type, Callable[[_Lowering, Any], nodes.Stmt | None]] = {
    ast.Assign: _Lowering.assign,
    ast.AnnAssign: _Lowering.ann_assign,
    ast.AugAssign: _Lowering.aug_assign,
    ast.Expr: _Lowering.evaluate,
    ast.Return: _Lowering.return_,
    ast.Raise: _Lowering.raise_,
    ast.Assert: _Lowering.assert_,
    ast.Delete: _Lowering.delete,
    ast.If: _Lowering.if_,
    ast.While: _Lowering.while_,
    ast.For: _Lowering.for_,
    ast.AsyncFor: _Lowering.for_,
    ast.With: _Lowering.with_,
    ast.AsyncWith: _Lowering.with_,
    ast.Try: _Lowering.try_,
    ast.TryStar: _Lowering.try_,
    ast.Match: _Lowering.match,
    ast.FunctionDef: _Lowering.function,
    ast.AsyncFunctionDef: _Lowering.function,
    ast.ClassDef: _Lowering.class_,
    ast.Break: lambda _, node: nodes.Break(node),
    ast.Continue: lambda _, node: nodes.Continue(node),
}
