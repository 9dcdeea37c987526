"""What holds at one point of a program: a value for each variable, and facts about terms.

Facts are what conditions taught: after `if mask.sum() > 0:` the term `sum(mask)` lies in (0, inf], wherever it is
computed again and under whatever name it is stored. Terms denote fixed values, so a fact never expires; a variable
that is assigned gets another term.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from nanlint.values.interval import ANY, Range
from nanlint.values.value import UNKNOWN, Grounds, Kind, Term, Terms, Value, replace


class Outside(Mapping[str, Value]):
    """What a function sees of the names around it: not those that it binds itself. A view, because a module may have
    thousands of names and a function is entered often."""

    __slots__ = ("hidden", "vars")

    def __init__(self, vars: Mapping[str, Value], hidden: frozenset[str]) -> None:
        self.vars = vars
        self.hidden = hidden

    def get(self, name: str, default: Any = None) -> Any:
        return default if name in self.hidden else self.vars.get(name, default)

    def __getitem__(self, name: str) -> Value:
        if name in self.hidden:
            raise KeyError(name)
        return self.vars[name]

    def __contains__(self, name: object) -> bool:
        return name not in self.hidden and name in self.vars

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.vars if name not in self.hidden)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Nested(Mapping[str, Value]):
    """What a function inside another sees: the other's variables as they were at its definition, and all around."""

    __slots__ = ("outer", "vars")

    def __init__(self, vars: dict[str, Value], outer: Mapping[str, Value]) -> None:
        self.vars = vars
        self.outer = outer

    def get(self, name: str, default: Any = None) -> Any:
        value = self.vars.get(name)
        return self.outer.get(name, default) if value is None else value

    def __getitem__(self, name: str) -> Value:
        return self.vars[name] if name in self.vars else self.outer[name]

    def __contains__(self, name: object) -> bool:
        return name in self.vars or name in self.outer

    def __iter__(self) -> Iterator[str]:
        yield from self.vars
        yield from (name for name in self.outer if name not in self.vars)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class State:
    """Mutable while a straight line of statements runs; copied where paths part. No state at all (`None`) means
    that the point cannot be reached."""

    __slots__ = ("changed", "facts", "globals", "vars", "whole")

    def __init__(
        self, vars: dict[str, Value], facts: dict[Term, Range] | None = None, globals: Mapping[str, Value] | None = None
    ) -> None:
        self.vars = vars
        self.facts = facts if facts is not None else {}
        self.globals: Mapping[str, Value] = globals if globals is not None else {}
        self.changed: dict[Term, Value] = {}  # in-place changes since the function began, for its caller
        # in the arm of a `where`, `facts` are about the chosen elements, and these about all
        self.whole: dict[Term, Range] | None = None

    def copy(self) -> State:
        copied = State(dict(self.vars), dict(self.facts), self.globals)
        copied.changed = dict(self.changed)
        copied.whole = self.whole
        return copied

    def chosen(self) -> State:
        """A copy in which to learn about the elements that a mask selects."""
        copied = self.copy()
        if copied.whole is None:
            copied.whole = self.facts
        return copied

    @contextmanager
    def unchosen(self) -> Iterator[None]:
        """Set aside what is known of chosen elements only: a sum or a transposition sees them all."""
        if self.whole is None:
            yield
            return
        kept = self.facts, self.whole
        self.facts, self.whole = self.whole, None
        try:
            yield
        finally:
            self.facts, self.whole = kept

    def read(self, name: str) -> Value | None:
        """The value of a variable or dotted attribute (`self.eps`), if anything is known of it."""
        value = self.vars.get(name)
        return value if value is not None else self.globals.get(name)

    def bind(self, name: str, value: Value) -> None:
        """Assign; what was known of the old object's attributes goes."""
        self.vars[name] = value
        self.forget_attributes(name)

    def forget(self, name: str) -> None:
        self.vars.pop(name, None)
        self.forget_attributes(name)

    def forget_attributes(self, name: str) -> None:
        prefix = name + "."
        for key in [key for key in self.vars if key.startswith(prefix)]:
            del self.vars[key]

    def latest(self, value: Value) -> Value:
        """A value that was read before, as in-place changes have left it since."""
        for _ in range(8):
            after = None if value.term is None else self.changed.get(value.term)
            if after is None:
                return value
            value = after
        return UNKNOWN

    def forget_changes(self, terms: Sequence[Term]) -> None:
        """Forget in-place changes of what has these terms, unless it is held here, or is what another change left."""
        leaving = {term: self.changed.pop(term) for term in terms}
        waiting = [*self.vars.values(), *self.changed.values()] if leaving else []
        while waiting:
            value = waiting.pop()
            waiting.extend(value.items or ())
            if value.term is not None and (after := leaving.pop(value.term, None)) is not None:
                self.changed[value.term] = after
                waiting.append(after)

    def known(self, value: Value) -> Value:
        """The value as sharpened by the facts about its term."""
        if not self.facts or value.term is None:
            return value
        fact = self.facts.get(value.term)
        inner = peel(value.term)
        if inner is not value.term and (through := self._through(value.term, inner)) is not None:
            fact = through if fact is None else fact.meet(through)
        if fact is None:
            return value
        sharper = value.range.meet(fact)
        # a fact that contradicts a mere assumption wins over it
        return value.with_range(fact if sharper.is_empty else sharper)

    def _through(self, view: Term, inner: Term) -> Range | None:
        """What is known of a view since it is known of what it shows: of the elements that a condition chose, only
        those in the same places tell."""
        return self.facts.get(inner) if self.whole is None else self.facts.get(aligned(view), self.whole.get(inner))

    def narrow(self, term: Term, range: Range, value: Value) -> bool:
        """Learn that `term`, whose value is `value`, lies in `range`. False: impossible, this point is dead."""
        before = self.facts.get(term)
        fact = range if before is None else before.meet(range)
        if fact.is_empty:
            return False
        if value.range.meet(fact).is_empty and value.grounds > Grounds.ASSUMED:
            return False
        self.facts[term] = fact
        return True


COPIES = frozenset({"copy", "detach"})
_COMPLETE = frozenset({"copy", "detach", "view"})
_VIEWS = frozenset({"copy", "detach", "view", "part"})


def peel(term: Term, views: frozenset[str] = _VIEWS) -> Term:
    """The term without reshapes, selections, copies and detach: no other numbers than these."""
    while term.head in views and isinstance(term.args[0], Term):
        term = term.args[0]
    return term


def complete(term: Term) -> Term:
    """The term without reshapes and copies: all of these numbers, it may be in other places."""
    return peel(term, _COMPLETE)


def aligned(term: Term) -> Term:
    """The term without copies, detach and flattening: these numbers, in this order."""
    while isinstance(term.args[0] if term.args else None, Term) and (term.head in COPIES or _is_flat(term)):
        term = term.args[0]
    return term


def _is_flat(term: Term) -> bool:
    return term.head == "view" and term.args[1].args == ("flat",)


def join_values(a: Value, b: Value, terms: Terms) -> Value:
    """What is known of a value that is either of two."""
    if a is b:
        return a
    same_payload = a.kind is b.kind and a.payload == b.payload
    items = None
    if a.items is not None and b.items is not None and len(a.items) == len(b.items):
        items = tuple(join_values(x, y, terms) for x, y in zip(a.items, b.items, strict=True))
    return Value(
        range=a.range.join(b.range),
        kind=a.kind if a.kind is b.kind else _either(a, b),
        grounds=_joined_grounds(a, b),
        term=a.term if a.term is b.term else terms.fresh(a.term, b.term, head="either"),
        why=a.why if a.why is not None else b.why,
        dtype=a.dtype if a.dtype is b.dtype else None,
        framework=a.framework or b.framework,
        attains=a.attains if a.attains == b.attains else None,
        differentiable=a.differentiable or b.differentiable,
        items=items,
        payload=a.payload if same_payload else None,
    )


def _either(a: Value, b: Value) -> Kind:
    kinds = {a.kind, b.kind}
    if kinds == {Kind.NUMBER, Kind.SIZE}:
        return Kind.NUMBER
    if Kind.TENSOR in kinds and kinds <= {Kind.TENSOR, Kind.NUMBER, Kind.ARRAY, Kind.SIZE}:
        return Kind.TENSOR
    return Kind.UNKNOWN


def _joined_grounds(a: Value, b: Value) -> Grounds:
    """Of two paths the one that explains an end of the joined range counts; a constant explains only itself."""
    if a.constant is not None and a.constant != 0:
        return b.grounds
    if b.constant is not None and b.constant != 0:
        return a.grounds
    return min(a.grounds, b.grounds)


def join_states(a: State | None, b: State | None, terms: Terms) -> State | None:
    """What holds on both of two paths that meet."""
    if a is None or b is None:
        return a if b is None else b
    vars: dict[str, Value] = {}
    for name, value in a.vars.items():
        other = b.vars.get(name)
        if other is value:
            vars[name] = value
        elif other is not None:
            vars[name] = join_values(a.known(value), b.known(other), terms)
        else:
            vars[name] = _maybe_unbound(name, value, b, terms)
    for name, value in b.vars.items():
        if name not in a.vars:
            vars[name] = _maybe_unbound(name, value, a, terms)
    facts = {term: fact.join(b.facts[term]) for term, fact in a.facts.items() if term in b.facts}
    joined = State(vars, {term: fact for term, fact in facts.items() if fact != ANY}, a.globals)
    joined.changed = joined_changes(a, b, terms)
    joined.whole = a.whole
    return joined


def joined_changes(a: State, b: State, terms: Terms) -> dict[Term, Value]:
    """An object that one of two paths changed may be as it was before: of that nothing is known here."""
    if not a.changed and not b.changed:
        return {}
    joined = dict(a.changed)  # most of it is the same on both paths
    for term, value in a.changed.items():
        if (other := b.changed.get(term, UNKNOWN)) is not value:
            joined[term] = join_values(value, other, terms)
    for term, value in b.changed.items():
        if term not in a.changed:
            joined[term] = join_values(UNKNOWN, value, terms)
    return joined


def _maybe_unbound(name: str, value: Value, other: State, terms: Terms) -> Value:
    """A name bound on one path only: where it is read later, that path was taken. Attributes may keep the value
    they had before, of which nothing is known."""
    return join_values(value, UNKNOWN, terms) if "." in name else value


def widen_values(old: Value, new: Value, terms: Terms) -> Value:
    """The value at a loop's head after another turn."""
    if old == new or old is new:
        return old
    joined = join_values(old, new, terms)
    return replace(joined, range=old.range.widen(new.range), attains=None)
