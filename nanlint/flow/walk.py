"""How a file treats memory: what is written, what is read, and under which names, found without running anything.

The order of statements does not matter here. What is written anywhere counts as written: that can only silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from nanlint.flow.expression_walk import ExpressionWalk, Scope
from nanlint.flow.functions import decorator_path
from nanlint.flow.touches import Touch
from nanlint.ir import nodes


class Walk(ExpressionWalk):
    """Walks over statements and writes down how they treat memory."""

    def block(self, body: Iterable[nodes.Stmt]) -> None:
        for statement in body:
            self._statement = statement
            handler = _STATEMENTS.get(type(statement))
            if handler is not None:
                handler(self, statement)

    def assign(self, node: nodes.Assign) -> None:
        value = node.value
        if node.augmented:
            self._augmented(node.targets[0], value)
            return
        into = tuple(place for target in node.targets for place in self._targets(target))
        if isinstance(value, nodes.Call) and isinstance(node.targets[0], nodes.Display):
            self.found.unpacked.update(into)
        self.visit(value, into or Touch.HAND)

    def _augmented(self, target: nodes.Expr, value: nodes.Expr) -> None:
        if isinstance(value, nodes.Apply):
            for name, operand in value.operands.items():
                if name != "x":
                    self.visit(operand, Touch.READ)
        self.visit(target, Touch.CHANGE)

    def evaluate(self, node: nodes.Evaluate) -> None:
        self.visit(node.value, Touch.LOOK)

    def return_(self, node: nodes.Return) -> None:
        if node.value is not None:
            self.visit(node.value, Touch.LEAVE)

    def parts(self, node: nodes.Raise | nodes.Assert | nodes.Delete) -> None:
        parts = node.parts if isinstance(node, nodes.Raise) else ()
        for part in (*parts, *((node.test,) if isinstance(node, nodes.Assert) else ())):
            self.visit(part, Touch.LOOK)

    def if_(self, node: nodes.If) -> None:
        self.visit(node.test, Touch.READ)
        self.block(node.body)
        self.block(node.orelse)

    def while_(self, node: nodes.While) -> None:
        self.visit(node.test, Touch.READ)
        self._loop(node.body)
        self.block(node.orelse)

    def for_(self, node: nodes.For) -> None:
        into = self._targets(node.target)
        if isinstance(node.target, nodes.Display):
            self.found.unpacked.update(into)
        self.visit(node.iter, into)
        self._loop(node.body)
        self.block(node.orelse)

    def _loop(self, body: Sequence[nodes.Stmt]) -> None:
        self._loops += 1
        self.block(body)
        self._loops -= 1

    def with_(self, node: nodes.With) -> None:
        for context, target in node.items:
            self.visit(context, Touch.LOOK if target is None else self._targets(target))
        self.block(node.body)

    def try_(self, node: nodes.Try) -> None:
        for body in (node.body, *(handler.body for handler in node.handlers), node.orelse, node.final):
            self.block(body)

    def match(self, node: nodes.Match) -> None:
        self.visit(node.subject, Touch.READ)
        for case in node.cases:
            self.block(case.body)

    def function(self, node: nodes.FunctionDef) -> None:
        kept = self._receiver, self._function, self._loops, self._statement
        for decorator in node.decorators:
            self.visit(decorator, Touch.LOOK)
        is_method = self._class is not None and not self._scopes
        if is_method:
            static = any(decorator_path(one).endswith("staticmethod") for one in node.decorators)
            self._receiver = node.params[0].name if node.params and not static else None
        if is_method or not self._scopes:
            self._function = node.name
        self._scopes.append(Scope(id(node), node.assigned))
        self._loops = 0
        for param in node.params:
            self._other((self._variable(param.name),))
        self.block(node.body)
        self._scopes.pop()
        self._receiver, self._function, self._loops, self._statement = kept

    def class_(self, node: nodes.ClassDef) -> None:
        kept = self._class, self._receiver, self._scopes
        self._class, self._receiver, self._scopes = node, None, []
        self.block(node.body)
        self._class, self._receiver, self._scopes = kept


_STATEMENTS: dict[type, Callable[[Walk, Any], None]] = {
    nodes.Assign: Walk.assign,
    nodes.Evaluate: Walk.evaluate,
    nodes.Return: Walk.return_,
    nodes.Raise: Walk.parts,
    nodes.Assert: Walk.parts,
    nodes.If: Walk.if_,
    nodes.While: Walk.while_,
    nodes.For: Walk.for_,
    nodes.With: Walk.with_,
    nodes.Try: Walk.try_,
    nodes.Match: Walk.match,
    nodes.FunctionDef: Walk.function,
    nodes.ClassDef: Walk.class_,
}
