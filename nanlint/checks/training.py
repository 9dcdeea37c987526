"""The training loop as it is written: where gradients are made, unscaled, clipped and used, and in which order."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from nanlint.checks.structure import key_of, names_in, scopes, targets_of
from nanlint.ir import nodes
from nanlint.ir.walk import blocks_of, expressions, statements

CLIPS_OF_TORCH = frozenset(
    f"torch.nn.utils.{module}{name}"
    for module in ("", "clip_grad.")
    for name in ("clip_grad_norm_", "clip_grad_norm", "clip_grad_value_")
)
# methods of Accelerate, Fabric, FSDP and others that do the same
CLIPPERS = ("clip_grad_norm_", "clip_grad_norm", "clip_grad_value_", "clip_gradients")
_OPTIMIZER = re.compile(r"(?:.*[._])?(?:optim\w{0,60}|opts?|opt_?\w{1,4}|adamw?|sgd)$", re.IGNORECASE)
_SCHEDULER = re.compile(r"sched|lr_?(?:decay|warm)", re.IGNORECASE)
_SCALER = re.compile(r"(?:.*[._])?(?:grad_?)?scaler$", re.IGNORECASE)
# a limit that no gradient reaches before it is too late
HUGE = 1e4
_INFINITIES = frozenset({"math.inf", "numpy.inf", "numpy.Inf", "torch.inf"})
_BACKWARDS = frozenset({"backward", "manual_backward"})


class Did(StrEnum):
    """What happened to the gradients."""

    NOTHING = "nothing"  # at the start, or until the end
    BACKWARD = "backward"
    SCALED = "scaled"  # backward from a scaled loss
    UNSCALED = "unscaled"
    STEP = "step"
    CLIP = "clip"
    ZERO = "zero"
    UNKNOWN = "unknown"  # a function of this file that does some of these


@dataclass(slots=True, eq=False)
class Event:
    """One thing done to gradients: the call, and the statement it stands in."""

    did: Did
    call: nodes.Call
    statement: nodes.Stmt
    before: set[Did] = field(default_factory=set)  # what may have been done last before it
    after: set[Did] = field(default_factory=set)  # what may be done next

    @property
    def path(self) -> str:
        """The dotted path of the function, "" of a method."""
        return getattr(self.call.func, "path", None) or ""


@dataclass(slots=True)
class Recipe:
    """What one function, or the top level of a file, does to gradients.

    Attributes:
        function: the function, None for the top level.
        body: its statements.
        events: in the order in which they are written.
    """

    function: nodes.FunctionDef | None
    body: list[nodes.Stmt]
    events: list[Event]

    def all_of(self, *did: Did) -> list[Event]:
        """The events of these kinds."""
        return [event for event in self.events if event.did in did]

    @property
    def trains(self) -> bool:
        """Are gradients both made and used here?"""
        return bool(self.all_of(Did.BACKWARD, Did.SCALED) and self.all_of(Did.STEP))


def recipes(body: Sequence[nodes.Stmt]) -> Iterator[Recipe]:
    """Every function that makes gradients and uses them, with the order in which it does."""
    everywhere = list(scopes(body))
    made = dict(_made(everywhere))
    # a function that does only part of it: what a call of it does is not known here
    helpers = {
        function.name
        for function, inside in everywhere
        if function is not None and any(True for _ in _events(inside, made, frozenset()))
    }
    for function, inside in everywhere:
        recipe = Recipe(function, inside, list(_events(inside, made, frozenset(helpers))))
        if recipe.trains:
            _Order(recipe.events).follow(inside)
            yield recipe


def _made(everywhere: Iterable[tuple[object, list[nodes.Stmt]]]) -> Iterator[tuple[str, str]]:
    """What variables hold: the dotted path of the function or class that made it."""
    for _, body in everywhere:
        for statement in statements(body):
            value = getattr(statement, "value", None)
            if isinstance(statement, nodes.Assign) and isinstance(value, nodes.Call):
                path = getattr(value.func, "path", None)
                is_scaled = isinstance(value.func, nodes.Attribute) and value.func.name == "scale" and not path
                if path or (is_scaled and _is_scaler(getattr(value.func, "base", value), {})):
                    for name in targets_of(statement):
                        yield name, path or "scaled loss"


def _events(body: Sequence[nodes.Stmt], made: dict[str, str], helpers: frozenset[str]) -> Iterator[Event]:
    for statement in statements(body):
        for expr in expressions(statement):
            if isinstance(expr, nodes.Call) and (did := _what(expr, made, helpers)) is not None:
                yield Event(did, expr, statement)


def _what(call: nodes.Call, made: dict[str, str], helpers: frozenset[str]) -> Did | None:
    func = call.func
    path = getattr(func, "path", None)
    name = func.name if isinstance(func, nodes.Attribute) else getattr(func, "id", "")
    if path in CLIPS_OF_TORCH or name in CLIPPERS:
        return Did.CLIP
    if path == "torch.autograd.backward":
        return Did.BACKWARD
    if isinstance(func, nodes.Attribute) and path is None:
        if name in _BACKWARDS:
            return Did.SCALED if _is_scaled(func.base, made) else Did.BACKWARD
        if name == "step":
            if len(call.args) == 1 and _is_scaler(func.base, made):
                return Did.STEP
            if _is_optimizer(func.base, made):
                return Did.STEP if not call.args and "closure" not in call.keywords else Did.UNKNOWN
            if any(map(_SCHEDULER.search, names_in(func.base))):
                return None
        if name == "unscale_":
            return Did.UNSCALED
        if name == "zero_grad":
            return Did.ZERO
    if name == "optimizer_step":  # torch_xla
        return Did.STEP
    return Did.UNKNOWN if name in helpers else None


def _is_scaled(loss: nodes.Expr, made: dict[str, str]) -> bool:
    if isinstance(loss, nodes.Call) and isinstance(loss.func, nodes.Attribute) and loss.func.name == "scale":
        return _is_scaler(loss.func.base, made)
    return made.get(key_of(loss) or "") == "scaled loss"


def _is_scaler(expr: nodes.Expr, made: dict[str, str]) -> bool:
    key = key_of(expr) or ""
    return made.get(key, "").endswith("GradScaler") or bool(_SCALER.match(key))


def _is_optimizer(expr: nodes.Expr, made: dict[str, str]) -> bool:
    names = names_in(expr)
    if any(made.get(name, "").startswith("torch.optim.") for name in names):
        return not any("lr_scheduler" in made.get(name, "") for name in names)
    return any(_OPTIMIZER.match(name) for name in names) and not any(map(_SCHEDULER.search, names))


def limit_of(call: nodes.Call) -> nodes.Expr | None:
    """To what the gradients are clipped."""
    given = call.keywords
    for name in ("max_norm", "clip_value", "clip_val"):
        if name in given:
            return given[name]
    return call.args[1] if len(call.args) > 1 else None


def number_of(expr: nodes.Expr | None) -> float | None:
    """A number that is written out, infinity in all its spellings included."""
    if getattr(expr, "path", None) in _INFINITIES:
        return math.inf
    if isinstance(expr, nodes.Apply) and expr.spelling.operation.name == "neg":
        inner = number_of(next(iter(expr.operands.values())))
        return None if inner is None else -inner
    if isinstance(expr, nodes.Apply) and expr.spelling.framework == "python" and len(expr.args) == 1:  # float("inf")
        text = expr.args[0]
        if isinstance(text, nodes.Constant) and str(text.value).strip("+-").lower() in ("inf", "infinity"):
            return math.copysign(math.inf, -1 if str(text.value).startswith("-") else 1)
        return number_of(text)
    if isinstance(expr, nodes.Constant) and isinstance(expr.value, int | float) and not isinstance(expr.value, bool):
        return float(expr.value)
    return None


class _Order:
    """Notes at each event what may have been done last before it, and what may be done next."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.of: dict[int, list[Event]] = {}
        for event in events:
            self.of.setdefault(id(event.statement), []).append(event)
        self.jumped: set[Did] = set()

    def follow(self, body: Sequence[nodes.Stmt]) -> None:
        self._block(body, {Did.NOTHING}, True)
        self._block(body, {Did.NOTHING}, False)

    def _block(self, body: Sequence[nodes.Stmt], last: set[Did], forward: bool) -> set[Did]:
        for statement in body if forward else reversed(body):
            if forward:
                last = self._own(statement, last, forward)
            last = self._inside(statement, last, forward)
            if not forward:
                last = self._own(statement, last, forward)
        return last

    def _inside(self, statement: nodes.Stmt, last: set[Did], forward: bool) -> set[Did]:
        match statement:
            case nodes.If():
                arms = (statement.body, statement.orelse)
                return set().union(*(self._block(arm, last, forward) for arm in arms))
            case nodes.For() | nodes.While():
                outside, self.jumped = self.jumped, set()
                for _ in range(2):  # what one round leaves, the next one finds
                    last = last | self._block(statement.body, last, forward) | self.jumped
                self.jumped = outside
                return self._block(statement.orelse, last, forward)
            case nodes.Try() | nodes.Match():
                # any of its parts may be left out
                for block in blocks_of(statement):
                    last = last | self._block(block, last, forward)
                return last
            case nodes.Continue() | nodes.Break():
                if forward:
                    self.jumped |= last
                    return set()
                return last | {Did.NOTHING}
            case nodes.Return() | nodes.Raise():
                return set() if forward else {Did.NOTHING}
            case nodes.With():
                return self._block(statement.body, last, forward)
        return last

    def _own(self, statement: nodes.Stmt, last: set[Did], forward: bool) -> set[Did]:
        events = self.of.get(id(statement), [])
        for event in events if forward else reversed(events):
            (event.before if forward else event.after).update(last)
            if event.did is Did.UNSCALED:
                last = {Did.UNSCALED if forward and each is not Did.STEP else each for each in last}
            elif event.did not in (Did.CLIP, Did.ZERO):
                last = {event.did}
        return last
