"""In-place changes: which other names see them. Terms tell where numbers come from, not which tensor holds them, so
a view, a list and a variable after a branch may all hold the tensor that changed."""

from __future__ import annotations

from nanlint.flow.state import State, join_values
from nanlint.values.value import Kind, Term, Terms, Value, replace

_VIEWS = frozenset({"copy", "detach", "view", "part", "item"})
# made of what they may be, or hold
_HOLDING = frozenset({"either", "list", "tuple"})
# equal terms of these are one object; two calls of `torch.zeros(3)` are equal and two
_ONE_OBJECT = frozenset({"param", "attr", "global", "fresh", "either", "random", "list"})
_MOST = 64  # terms looked at; what has been joined that often is not followed further


def change(state: State, old: Term | None, new: Value, terms: Terms, *, target: str | None = None) -> None:
    """The tensor or list with the term `old` holds other numbers now. `target` is the variable that was written."""
    if old is None:
        return
    state.changed[old] = new
    sources = _sources(old, terms)
    # one value under two names comes from an assignment: `z = y`
    same = {id(value) for value in state.vars.values() if value.term is old}
    certain = old.head in _ONE_OBJECT or len(same) == 1
    for name, value in state.vars.items():
        if name != target:
            state.vars[name] = _after(value, old, new, sources, certain, terms)


def _after(value: Value, old: Term, new: Value, sources: frozenset[Term], certain: bool, terms: Terms) -> Value:
    term = value.term
    if term is old:
        return new if certain else _mixed(value, new, terms)
    if value.items is not None:
        items = tuple(_after(item, old, new, sources, certain, terms) for item in value.items)
        if any(a is not b for a, b in zip(items, value.items, strict=True)):
            return replace(value, items=items, term=_again(term, items, terms))
        return value
    if term is None or value.is_scalar or value.kind is Kind.DICT or new.kind in (Kind.SEQUENCE, Kind.DICT):
        return value
    if term not in sources and (term.head not in _VIEWS and term.head != "either"):
        return value
    if sources.isdisjoint(_sources(term, terms)) or _are_different_items(term, old):
        return value
    return _mixed(value, new, terms)


def _again(term: Term | None, items: tuple[Value, ...], terms: Terms) -> Term:
    """The term of a display of other items; not one that another display may have."""
    if term is not None and term.head == "tuple":
        return terms.make("tuple", *(item.term for item in items))
    return terms.fresh(*(item.term for item in items), head="list")


def _mixed(value: Value, new: Value, terms: Terms) -> Value:
    return replace(join_values(value, new, terms), kind=value.kind, attains=None)


def _sources(term: Term, terms: Terms) -> frozenset[Term]:
    """The tensors whose numbers these are, as far as views and joins tell."""
    if (known := terms.sources.get(term)) is None:
        known = terms.sources[term] = frozenset(_found_sources(term))
    return known


def _found_sources(term: Term) -> set[Term]:
    found: set[Term] = set()
    seen: set[Term] = set()
    waiting = [term]
    while waiting and len(seen) < _MOST:
        part = waiting.pop()
        if part in seen:
            continue
        seen.add(part)
        if part.head in _HOLDING:
            waiting.extend(arg for arg in part.args if isinstance(arg, Term))
        elif (base := _base(part)) is not None:
            waiting.append(base)
        else:
            found.add(part)
    return found


def _base(term: Term) -> Term | None:
    """What a view shows; None for what is no view, or a tensor of its own."""
    if term.head not in _VIEWS or not isinstance(term.args[0], Term):
        return None
    is_new = term.head == "copy" and len(term.args) > 2 and term.args[2] is not None
    return None if is_new else term.args[0]


def _are_different_items(a: Term, b: Term) -> bool:
    """`batch["x"]` and `batch["y"]`, `x[0]` and `x[1]`."""
    for one in (a, b):
        if one.head != "item" or len(one.args) != 2 or one.args[1] is None or one.args[1].head != "const":
            return False
    if a.args[0] is not b.args[0] or a.args[1] is b.args[1]:
        return False
    at, other = a.args[1].args[0], b.args[1].args[0]
    numbers = isinstance(at, int) and isinstance(other, int)
    return isinstance(at, str) or isinstance(other, str) or (numbers and (at < 0) == (other < 0))
