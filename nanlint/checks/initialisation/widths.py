"""How wide layers are: numbers and lists of numbers as a program writes them, also those that a loop binds.

A layer that a loop makes stands for all of its rounds, so its width is one number: the geometric mean, since the
product over the layers is what counts. The first round does not: no gradient passes through the first layer's weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nanlint.checks.literals import Literals, Scope
from nanlint.ir import nodes
from nanlint.ir.walk import parts

_SAME = frozenset({"builtins.list", "builtins.tuple"})
_REVERSED = "builtins.reversed"
_LONGEST = 64  # numbers of one list

Listed = list[float | None]


class Widths:
    """Numbers at one place of a program.

    Attributes:
        scope: that of the place.
        bound: what the loops around it bind, round by round.
    """

    def __init__(self, file: Literals) -> None:
        self.file = file
        self.scope: Scope = file.scope_of(None)
        self.bound: dict[str, Listed] = {}

    def number(self, expr: nodes.Expr | None) -> float | None:
        """The number that an expression is; over the rounds of a loop, their mean."""
        if expr is None:
            return None
        looped = [self.bound[one.id] for one in parts(expr) if isinstance(one, nodes.Name) and one.id in self.bound]
        if not looped:
            return self._at(expr, 0)
        found = [self._at(expr, at) for at in range(min(map(len, looped)))]
        counted = [one for one in found[1:] or found if one is not None and one > 0]
        if not counted or len(counted) < len(found[1:] or found):
            return None
        return math.exp(sum(map(math.log, counted)) / len(counted))

    def length(self, of: nodes.Expr) -> int | None:
        """Of a list that is written down, or of a part of it."""
        found = self.listed(of)
        return None if found is None else len(found)

    def listed(self, of: nodes.Expr, depth: int = 6) -> Listed | None:
        """The items of a list, None for what is no number; None if the file does not say how many there are."""
        held, scope = self.file.origin(of, self.scope)
        if held is None or depth == 0:
            return None
        outside, bound = self.scope, self.bound
        self.scope, self.bound = scope, bound if scope is outside else {}
        found = self._written(held, depth - 1)
        self.scope, self.bound = outside, bound
        return None if found is None else found[:_LONGEST]

    def _written(self, of: nodes.Expr, depth: int) -> Listed | None:
        path = getattr(of.func, "path", None) if isinstance(of, nodes.Call) else None
        if isinstance(of, nodes.Display):
            return self._displayed(of.items, depth)
        if isinstance(of, nodes.Call) and len(of.args) == 1 and (path in _SAME or path == _REVERSED):
            found = self.listed(of.args[0], depth)
            return found[::-1] if found is not None and path == _REVERSED else found
        if isinstance(of, nodes.Subscript) and len(of.index) == 1 and isinstance(of.index[0], nodes.Slice):
            whole = self.listed(of.base, depth)
            ends = [None if part is None else self.number(part) for part in of.index[0].parts]
            if whole is None or any(end is None and part for end, part in zip(ends, of.index[0].parts, strict=True)):
                return None
            return whole[slice(*(None if end is None else int(end) for end in ends))]
        if isinstance(of, nodes.Apply):
            return self._combined(of, depth)
        return None

    def _displayed(self, items: Sequence[nodes.Expr], depth: int) -> Listed | None:
        found: Listed = []
        for item in items:
            inner = self.listed(item.value, depth) if isinstance(item, nodes.Starred) else [self._at(item, 0)]
            if inner is None:
                return None
            found += inner
        return found

    def _combined(self, of: nodes.Apply, depth: int) -> Listed | None:
        """`[64] * 10`, `[28 * 28] + hidden + [10]`"""
        if of.spelling.operation.name not in ("add", "mul"):
            return None
        x, y = of.operands["x"], of.operands["y"]
        one, other = self.listed(x, depth), self.listed(y, depth)
        if of.spelling.operation.name == "add":
            return None if one is None or other is None else one + other
        listed, times = (one, self.number(y)) if one is not None else (other, self.number(x))
        return None if listed is None or times is None else listed * min(int(times), _LONGEST)

    def _at(self, expr: nodes.Expr, at: int) -> float | None:
        """The number in one round."""
        if isinstance(expr, nodes.Name) and expr.id in self.bound:
            found = self.bound[expr.id]
            return found[at] if at < len(found) else None
        literal = self.file.follow(expr, self.scope)
        if literal is not None:
            return literal.value
        if isinstance(expr, nodes.Subscript) and len(expr.index) == 1:
            index, listed = self._at(expr.index[0], at), self.listed(expr.base)
            known = index is not None and listed is not None and -len(listed) <= index < len(listed)
            return listed[int(index)] if known and listed is not None and index is not None else None
        if isinstance(expr, nodes.Apply) and expr.spelling.operation.name in ("sub", "add", "mul"):
            left, right = (self._at(expr.operands[name], at) for name in ("x", "y"))
            if left is None or right is None:
                return None
            return {"add": left + right, "sub": left - right, "mul": left * right}[expr.spelling.operation.name]
        if isinstance(expr, nodes.Call | nodes.Apply) and expr.args and _is_len(expr):
            return self._count_of(expr.args[0])
        return None

    def _count_of(self, of: nodes.Expr) -> float | None:
        """`len(of)`"""
        length = self.length(of)
        return None if length is None else float(length)

    # --- loops ---------------------------------------------------------------------------------------------------

    @contextmanager
    def round_by_round(self, target: nodes.Expr, over: nodes.Expr) -> Iterator[None]:
        """Inside, the names of a loop's target hold what it runs over."""
        outside = self.bound
        self.bound = {**outside}
        self._bind_rounds(target, over)
        yield
        self.bound = outside

    def _bind_rounds(self, target: nodes.Expr, over: nodes.Expr) -> None:
        targets = target.items if isinstance(target, nodes.Display) else (target,)
        columns = self._columns(over)
        for place, part in enumerate(targets):
            if isinstance(part, nodes.Name):
                self.bound.pop(part.id, None)
                if len(columns) == len(targets) and (column := columns[place]) is not None:
                    self.bound[part.id] = column
            elif isinstance(part, nodes.Display) and place == 1 and isinstance(over, nodes.Call) and over.args:
                self._bind_rounds(part, over.args[0])  # `for i, (a, b) in enumerate(zip(…))`

    def _columns(self, over: nodes.Expr) -> list[Listed | None]:
        """What each name of the target is bound to."""
        path = getattr(getattr(over, "func", getattr(over, "callee", None)), "path", None)
        args = over.args if isinstance(over, nodes.Call | nodes.Apply) else ()
        if path == "builtins.zip":
            found = [self.listed(one) for one in args]
            shortest = min((len(one) for one in found if one is not None), default=0)
            return [None if one is None else one[:shortest] for one in found]
        if path == "itertools.pairwise" and args:
            whole = self.listed(args[0])
            return [None, None] if whole is None else [whole[:-1], whole[1:]]
        if path == "builtins.enumerate" and args:
            inner = self._columns(args[0])
            return [self._range(next((len(one) for one in inner if one is not None), None)), *inner]
        if path == "builtins.range" and 0 < len(args) < 3:
            ends = [self.number(one) for one in args]
            low, high = (0.0, ends[0]) if len(ends) == 1 else ends
            return [self._range(high, low)]
        return [self.listed(over)]

    @staticmethod
    def _range(high: float | None, low: float | None = 0.0) -> Listed | None:
        if high is None or low is None:
            return None
        return [float(one) for one in range(int(low), min(int(high), int(low) + _LONGEST))]


def _is_len(expr: nodes.Call | nodes.Apply) -> bool:
    func = expr.func if isinstance(expr, nodes.Call) else expr.callee
    if isinstance(expr, nodes.Apply) and func is None:
        return expr.spelling.operation.name in ("len", "size")
    return getattr(func, "path", None) == "builtins.len"
