"""libcst → IR, in one walk over the semantic fields only.

A hand-written walk costs a tenth of libcst's own visitors, because it never touches whitespace. Whatever it does
not understand becomes `Opaque`: unknown, never a crash and never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import libcst as cst

from nanlint.ir import names, nodes
from nanlint.ir.expressions import BINARY, Expressions, annotation_name
from nanlint.ir.names import Scope


def lower_module(module: cst.Module) -> nodes.Module:
    """The IR of a whole file."""
    scope = Scope(None)
    names.collect(module.body, scope)
    lowering = _Lowering(scope)
    body = lowering.block(module.body)
    return nodes.Module(module, body, scope.imports, tuple(scope.stars), lowering.mentions)


class _Lowering(Expressions):
    """Lowers the statements of one scope, and of the scopes inside it."""

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
        annotation = annotation_name(node.annotation)
        return nodes.Assign(node, (self.expr(node.target),), self.expr(node.value), annotation=annotation)

    def aug_assign(self, node: cst.AugAssign) -> nodes.Stmt:
        target, value = self.expr(node.target), self.expr(node.value)
        symbol = BINARY.get(type(node.operator))
        applied = self.operator(node, symbol, target, value)
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
        params = self.params(node.params, inner)
        names.collect(node.body.body, inner.scope)
        body = inner.block(node.body.body)
        self.take_over(inner)
        return nodes.FunctionDef(
            node,
            node.name.value,
            params,
            body,
            decorators,
            inner.hazards > 0,
            frozenset(inner.scope.bound),
            frozenset(inner.mentions),
            inner.yields,
            inner.numbers,
        )

    def class_(self, node: cst.ClassDef) -> nodes.Stmt:
        bases = tuple(self.expr(base.value) for base in node.bases)
        inner = _Lowering(Scope(self.scope, is_class=True))
        names.collect(node.body.body, inner.scope)
        body = inner.block(node.body.body)
        self.take_over(inner)
        return nodes.ClassDef(node, node.name.value, bases, body)


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
