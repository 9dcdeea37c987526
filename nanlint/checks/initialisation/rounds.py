"""How often a loop over modules runs, and what it binds in each round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nanlint.checks.initialisation.layers import Steps
from nanlint.checks.initialisation.things import END, Env, Leaf, Signal, Stack, Thing, Wiring
from nanlint.checks.initialisation.widths import Widths
from nanlint.checks.literals import Literals
from nanlint.checks.structure import key_of
from nanlint.ir import nodes

MOST = 64  # rounds of a loop
DEPTH = 5  # calls inside calls


class Rounds(Widths):
    """The state of the reader, and the questions to it that need no more than numbers and lists."""

    def __init__(self, body: Sequence[nodes.Stmt], file: Literals) -> None:
        super().__init__(file)
        self.found = Wiring()
        self.classes = {one.name: one for one in body if isinstance(one, nodes.ClassDef)}
        self.functions = {one.name: one for one in body if isinstance(one, nodes.FunctionDef)}
        self.env: Env = {}
        self.owner: nodes.ClassDef | None = None
        self.statement: nodes.Stmt = nodes.Stmt(None)
        self.returned: list[Thing] = []
        self.depth = 0
        self.busy: set[str] = set()
        self.forwards: dict[str, Steps] = {}

    def value(self, expr: nodes.Expr) -> Thing:
        """What an expression is."""
        raise NotImplementedError

    def bind(self, target: nodes.Expr, value: Thing) -> None:
        if isinstance(target, nodes.Display):
            for place, part in enumerate(target.items):
                item = Stack((value.items[place],)) if isinstance(value, Stack) and place < len(value.items) else value
                self.bind(part, Signal(END) if isinstance(value, Signal) else item)
        elif (key := key_of(target)) is not None:
            self.env[key] = value
            if isinstance(value, Leaf | Stack) and isinstance(target, nodes.Attribute) and key.endswith(".weight"):
                self.env[key] = None

    def rounds(self, over: nodes.Expr) -> int | list[tuple[Thing, ...]]:
        """What is bound in each round of a loop over modules; else how many rounds there are, 1 if nobody knows."""
        path = getattr(over.func, "path", None) if isinstance(over, nodes.Call) else None
        if isinstance(over, nodes.Call) and path == "builtins.enumerate" and over.args:
            inner = self.rounds(over.args[0])
            return inner if isinstance(inner, int) else [(None, *bound) for bound in inner]
        if isinstance(over, nodes.Call) and path == "builtins.zip" and over.args:
            stacks = [self.value(one) for one in over.args]
            lengths = [len(one.items) for one in stacks if isinstance(one, Stack)]
            if lengths:
                return [
                    tuple(Stack((one.items[i],)) if isinstance(one, Stack) else None for one in stacks)
                    for i in range(min(lengths))
                ]
        held = self.value(over)
        if isinstance(held, Stack) and getattr(getattr(over, "func", None), "name", "") in ("items", "named_children"):
            return [(None, Stack((item,))) for item in held.items]
        if isinstance(held, Stack) and held.items:
            return [(Stack((item,)),) for item in held.items]
        return min(self._count(over), MOST)

    def _count(self, over: nodes.Expr) -> int:
        """How often a loop runs; 1 if nobody knows."""
        func = getattr(over, "func", getattr(over, "callee", None))
        path = getattr(func, "path", None)
        if isinstance(over, nodes.Call) and path == "builtins.range" and over.args:
            ends = [self.number(one) for one in over.args[:2]]
            if None in ends or len(over.args) > 2:
                return 1
            low, high = (0.0, *ends) if len(ends) == 1 else ends
            return max(int((high or 0) - (low or 0)), 0)
        if isinstance(over, nodes.Call) and path in ("builtins.zip", "itertools.pairwise") and over.args:
            counts = [self.length(one) for one in over.args]
            known = [one for one in counts if one is not None]
            return (min(known) - (path != "builtins.zip")) if known else 1
        return self.length(over) or 1

    def _count_of(self, of: nodes.Expr) -> float | None:
        held = self.value(of)
        return float(len(held.items)) if isinstance(held, Stack) else super()._count_of(of)


def functions_of(body: Sequence[nodes.Stmt]) -> Iterator[nodes.FunctionDef]:
    """The functions that are defined directly in a block."""
    return (one for one in body if isinstance(one, nodes.FunctionDef))
