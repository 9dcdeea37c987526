"""Assignment: what a target receives, what a loop hands out, and what an in-place change does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from nanlint.flow import assumptions
from nanlint.flow.aftermath import STORED_WHERE
from nanlint.flow.apply import fitted
from nanlint.flow.refine import Refiner
from nanlint.flow.sharing import change
from nanlint.flow.state import State, join_values, peel
from nanlint.flow.uses import Record
from nanlint.ir import nodes
from nanlint.values.interval import BOOLEAN, SIZE, Range, interval
from nanlint.values.value import UNKNOWN, DType, Grounds, Kind, Term, Terms, Value, number, replace

# after these a list has an element
_GROWING = frozenset({"append", "insert"})
# an in-place change of these is seen by others
_NOT_OURS = frozenset({"param", "attr", "item", "global"})


class Targets:
    """The half of the evaluator that changes states."""

    terms: Terms
    refiner: Refiner
    record: Record
    recording: bool

    def silently(self, expr: nodes.Expr, state: State) -> Value:
        """The value of an expression, leaving no record."""
        raise NotImplementedError

    def element(self, iterated: Value, expr: nodes.Expr, state: State) -> Value:
        """One element of what a loop runs over."""
        if isinstance(expr, nodes.Call) and isinstance(expr.func, nodes.Name):
            special = _ITERATORS.get(expr.func.path or "")
            if special is not None:
                return special(self, expr, state)
        if iterated.items:
            joined = state.latest(iterated.items[0])
            for item in iterated.items[1:]:
                joined = join_values(joined, state.latest(item), self.terms)
            return joined.with_term(self.terms.fresh(joined.term, head="either"))
        if iterated.kind in (Kind.TENSOR, Kind.ARRAY, Kind.SEQUENCE):
            if iterated.kind in (Kind.TENSOR, Kind.ARRAY) and iterated.term is not None:
                return self._part_of(iterated)
            kind = Kind.UNKNOWN if iterated.kind is Kind.SEQUENCE else iterated.kind
            term = self.terms.fresh(iterated.term)
            return replace(iterated, kind=kind, term=term, items=None, payload=None, attains=None)
        return UNKNOWN.with_term(self.terms.fresh(iterated.term))

    def _part_of(self, tensor: Value) -> Value:
        term = self.terms.make("part", tensor.term, self.terms.fresh(tensor.term))
        return replace(tensor, term=term, items=None, payload=None, attains=None)

    def bind_target(self, target: nodes.Expr, value: Value, state: State) -> None:
        """Assign `value` to a name, attribute, subscript or (nested) tuple of them."""
        if isinstance(target, nodes.Name):
            state.bind(target.id, self._named(target.id, value))
        elif isinstance(target, nodes.Attribute) and target.key is not None:
            trusted = assumptions.is_trusted_positive(target.name)
            state.bind(target.key, assumptions.trusted(value) if trusted else value)
            self.record.outlets.leave(value)
        elif isinstance(target, nodes.Display):
            self._unpack(target, value, state)
        elif isinstance(target, nodes.Subscript):
            self._store(target, value, state)
        elif isinstance(target, nodes.Starred):
            self.bind_target(target.value, Value(kind=Kind.SEQUENCE, term=self.terms.fresh(value.term)), state)
        name = target.id if isinstance(target, nodes.Name) else getattr(target, "key", None)
        if self.recording and name is not None:
            self.record.assignments[id(target)] = (target, name, str(value.range))

    def _named(self, name: str, value: Value) -> Value:
        """A value about which nothing is known takes what its name says (`mask = load()`, `eps = cfg["e"]`)."""
        unknown = value.grounds is Grounds.NONE and value.kind is Kind.UNKNOWN and value.range.nan
        if unknown and (value.term is None or value.term.head != "sub"):  # no setting is a difference
            return assumptions.named(name, value.term or self.terms.fresh())
        if assumptions.is_trusted_positive(name):
            return assumptions.trusted(value)
        return value

    def _unpack(self, target: nodes.Display, value: Value, state: State) -> None:
        starred = [at for at, item in enumerate(target.items) if isinstance(item, nodes.Starred)]
        sure = starred[0] if starred else len(target.items)  # up to here positions agree
        for at, item in enumerate(target.items):
            part = UNKNOWN.with_term(self.terms.fresh(value.term))
            if value.kind is Kind.SHAPE:
                place = replace(number(at), term=self.terms.make("const", at))
                part = size_at(place, self.terms.make("item", value.term, place.term))
            elif value.items is not None and at < sure and at < len(value.items):
                part = value.items[at]
            elif value.kind is Kind.TENSOR and value.items is None and value.term is not None:
                part = self._part_of(value)  # `a, b = x.chunk(2)`
            self.bind_target(item, part, state)

    def _store(self, target: nodes.Subscript, value: Value, state: State) -> None:
        """`x[...] = v` replaces, `x[x == 0] = v` repairs what the mask selects, other stores mix both."""
        before = self.silently(target.base, state)
        index = self.silently(selector(target.index[0]), state) if len(target.index) == 1 else UNKNOWN
        if before.kind not in (Kind.TENSOR, Kind.ARRAY, Kind.UNKNOWN) or isinstance(target.base, nodes.Attribute):
            self.record.outlets.leave(value)
        if before.kind in (Kind.SEQUENCE, Kind.DICT):
            self._store_item(target.base, before, index, value, state)
        if before.kind not in (Kind.TENSOR, Kind.ARRAY, Kind.UNKNOWN):
            return
        kept: Value | None = before
        if index.dtype is DType.BOOLEAN and index.term is not None:
            outside = self.refiner.refine(state.chosen(), index.term, False)
            kept = None if outside is None else self.silently(target.base, outside)
        if all(map(_is_everything, target.index)):
            kept = None
        value = fitted(value, before.dtype)
        stored = value if kept is None else join_values(kept, value, self.terms)
        chosen = self.terms.make(STORED_WHERE, index.term if index.range == BOOLEAN else self.terms.make("none"))
        term = self.terms.fresh(before.term or self.terms.fresh(), value.term or self.terms.fresh(), chosen)
        attains = value.constant if self._is_one_of_each_row(target, state) and stored.range.lo >= 0 else None
        grounds = Grounds.ASSUMED if _only_prepares(before, value) else stored.grounds
        after = replace(
            stored, kind=before.kind, grounds=min(grounds, stored.grounds), term=term, dtype=before.dtype,
            framework=before.framework, items=None, attains=attains,
        )  # fmt: skip
        self.assign_in_place(target.base, before, after, state)

    def _is_one_of_each_row(self, target: nodes.Subscript, state: State) -> bool:
        """`x[(arange(n), last)] = 1` stores into every row."""
        if len(target.index) < 2 or any(isinstance(part, nodes.Slice) for part in target.index):
            return False
        first, *_ = [self.silently(part, state) for part in target.index]
        return first.term is not None and peel(first.term).head == "arange"

    def _store_item(self, target: nodes.Expr, before: Value, index: Value, value: Value, state: State) -> None:
        """`a[0] = v` for a list or dict."""
        at, items = index.constant, before.items
        after = self._forgotten(before, value)
        if items is not None and at is not None and -len(items) <= at < len(items):
            place = int(at) % len(items)
            after = replace(after, items=(*items[:place], value, *items[place + 1 :]))
        self.assign_in_place(target, before, after, state)

    def _forgotten(self, display: Value, *added: Value) -> Value:
        """A list or dict of which no more is known than what may be in it."""
        sources = (item.term for item in (*(display.items or ()), *added))
        return Value(kind=display.kind, term=self.terms.fresh(display.term, *sources, head="list"))

    def forget_lists(self, values: Sequence[Value], state: State) -> None:
        """A function that we do not see may change the lists it gets; not their elements, in practice."""
        for value in values:
            if value.kind in (Kind.SEQUENCE, Kind.DICT) and value.term is not None and value.term.head != "tuple":
                change(state, value.term, self._forgotten(value), self.terms)
            if value.items:
                self.forget_lists(value.items, state)

    def change_list(self, target: nodes.Expr, before: Value, method: str, added: Sequence[Value], state: State) -> None:
        """`a.append(x)` and its kin."""
        after = self._forgotten(before, *added)
        if method in _GROWING and after.term is not None:
            state.narrow(self.terms.make("len", after.term), interval(1.0), UNKNOWN)
        self.assign_in_place(target, before, after, state)

    def assign_in_place(self, target: nodes.Expr, before: Value, after: Value, state: State) -> None:
        """The object that `target` names holds other numbers now, under all its names."""
        after = replace(after, term=after.term or self.terms.fresh(before.term))
        if before.term is not None and before.term.head in _NOT_OURS:
            self.record.outlets.leave(after)
        key = target.id if isinstance(target, nodes.Name) else getattr(target, "key", None)
        change(state, before.term, after, self.terms, target=key)
        if key is not None:
            state.vars[key] = after


def size_at(index: Value | None, term: Term) -> Value:
    """One entry of a shape. That a batch may hold a single element is known; of other sizes it is not."""
    if index is None or index.constant is None:
        return Value(kind=Kind.SHAPE, term=term)
    grounds = Grounds.KNOWN if index.constant == 0 else Grounds.ASSUMED
    return Value(SIZE, Kind.SIZE, grounds, term, differentiable=False)


def selector(index: nodes.Expr) -> nodes.Expr:
    """The mask in `x[np.where(mask)]`, which selects the same as `x[mask]`."""
    if isinstance(index, nodes.Apply) and index.spelling.operation.name == "where" and len(index.operands) == 1:
        return next(iter(index.operands.values()))
    return index


def _only_prepares(buffer: Value, stored: Value) -> bool:
    """`counts = zeros(n)`, and then `counts[i] = n_i`: may the number that fills the buffer only be left where nothing
    is stored? Those who make room fill it, in practice."""
    return buffer.constant is not None and not stored.range.overlaps(buffer.range)


def _is_everything(index: nodes.Expr) -> bool:
    """Is it `:`?"""
    return isinstance(index, nodes.Slice) and all(part is None for part in index.parts)


def _range(evaluator: Targets, expr: nodes.Call, state: State) -> Value:
    bounds = [evaluator.silently(arg, state).range for arg in expr.args]
    start, stop = (bounds[0].lo, bounds[1].hi) if len(bounds) > 1 else (0.0, bounds[0].hi if bounds else 0.0)
    if len(bounds) > 2 and not bounds[2].lo > 0:
        return _range_down(evaluator, *bounds[:3])
    whole = interval(start, max(stop - 1, start), open="hi" if stop == float("inf") else "", integer=True)
    return Value(whole, Kind.NUMBER, Grounds.ASSUMED, evaluator.terms.fresh(), differentiable=False)


def _range_down(evaluator: Targets, start: Range, stop: Range, step: Range) -> Value:
    """`range(3, 0, -1)`, or of a step whose sign is not known."""
    lo, hi = stop.lo + 1, start.hi
    if step.hi > 0:
        lo, hi = min(lo, start.lo), max(hi, stop.hi - 1)
    opened = ("lo " if lo == -inf else "") + ("hi" if hi == inf else "")
    whole = interval(min(lo, hi), hi, open=opened, integer=True)
    return Value(whole, Kind.NUMBER, Grounds.ASSUMED, evaluator.terms.fresh(), differentiable=False)


def _enumerate(evaluator: Targets, expr: nodes.Call, state: State) -> Value:
    start_expr = expr.keywords.get("start") or (expr.args[1] if len(expr.args) > 1 else None)
    start = 0.0 if start_expr is None else evaluator.silently(start_expr, state).range.lo
    count = Value(
        interval(start, open="hi", integer=True), Kind.NUMBER, Grounds.ASSUMED, evaluator.terms.fresh(),
        differentiable=False,
    )  # fmt: skip
    inner = evaluator.silently(expr.args[0], state) if expr.args else UNKNOWN
    return Value(kind=Kind.SEQUENCE, items=(count, evaluator.element(inner, expr.args[0], state)))


def _zip(evaluator: Targets, expr: nodes.Call, state: State) -> Value:
    items = tuple(evaluator.element(evaluator.silently(arg, state), arg, state) for arg in expr.args)
    return Value(kind=Kind.SEQUENCE, items=items)


_ITERATORS: dict[str, Callable[[Targets, nodes.Call, State], Value]] = {
    "builtins.range": _range,
    "builtins.enumerate": _enumerate,
    "builtins.zip": _zip,
}
