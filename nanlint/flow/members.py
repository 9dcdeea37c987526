"""Reading: variables, imported names, attributes, methods, items."""

from __future__ import annotations

from nanlint.flow import assumptions
from nanlint.flow.calls import Calls
from nanlint.flow.functions import Class, Frame, Instance
from nanlint.flow.state import State, peel
from nanlint.flow.targets import selector, size_at
from nanlint.ir import nodes
from nanlint.ops import spellings
from nanlint.values.interval import SIZE, interval
from nanlint.values.value import UNKNOWN, DType, Grounds, Kind, Term, Value, replace

_ALIGNED = frozenset({"data", "real"})
_VIEWS = _ALIGNED | {"T", "mT", "H"}
_NESTED = 1  # selections inside each other that are looked at again as selected


class Members(Calls):
    """The part of the evaluator that looks things up.

    Attributes:
        by_term: what is known of each term.
        selections: how many selections the current expression is looked at again for.
    """

    by_term: dict[Term, Value]
    selections: int

    def fill(self, cls: Class) -> None:
        """Make sure that the attributes of a class are known."""
        raise NotImplementedError

    def imported(self, path: str, importer: str) -> Value | None:
        """What an imported name denotes, if it comes from another file of the project."""
        raise NotImplementedError

    def is_dangerous_import(self, path: str) -> bool:
        """Is it a function of the project that holds an operation which can break?"""
        raise NotImplementedError

    def imported_by_star(self, name: str, frame: Frame) -> Value | None:
        """What a name denotes that may come from a star import."""
        raise NotImplementedError

    def name(self, expr: nodes.Name, state: State) -> Value:
        if expr.path is not None:
            return self.path(expr.path)
        value = state.read(expr.id)
        if value is None and self.frame.module.stars:
            value = self.imported_by_star(expr.id, self.frame)
        if value is None:
            return UNKNOWN.with_term(self.terms.make("global", expr.id))
        if value.term is not None:
            self.record.outlets.read(value.term)
        return state.known(value)

    def path(self, path: str) -> Value:
        """An imported name: a constant where the library defines one, else just the path."""
        value = spellings.namespace_value(path)
        term = self.terms.make("path", path)
        if value is None and (own := self._imported_value(path)) is not None:
            return own
        if value is None:
            return Value(kind=Kind.NAMESPACE, term=term, payload=path, grounds=Grounds.KNOWN)
        if value.constant is not None:
            term = self.terms.make("const", value.constant)
        return value.with_term(term)

    def _imported_value(self, path: str) -> Value | None:
        """Constants, and functions in which something may break; classes only when an object of them is used."""
        name, importer = path.rpartition(".")[2], self.frame.filename
        if name.isupper() or (not name[:1].isupper() and not self.filling and self.is_dangerous_import(path)):
            return self.imported(path, importer)
        return None

    def attribute(self, expr: nodes.Attribute, state: State) -> Value:
        if expr.path is not None:
            return self.path(expr.path)
        key = expr.key
        known = state.read(key) if key is not None else None
        base = self.evaluate(expr.base, state)
        if known is not None:
            return state.known(known)
        computed = self._property(base, expr, state)
        return state.known(state.latest(computed or self._attribute_of(base, expr.name)))

    def _property(self, base: Value, expr: nodes.Attribute, state: State) -> Value | None:
        """What a property of an object of the program computes, if that tells anything."""
        base = self.settled(base)
        method = base.payload.cls.method(expr.name) if isinstance(base.payload, Instance) else None
        if method is None or not method.is_property:
            return None
        value = self.call_function(method.bound_to(base), (), {}, expr, state)
        return None if value.grounds is Grounds.NONE else value

    def _attribute_of(self, base: Value, name: str) -> Value:
        term = self.terms.make("attr", base.term, name)
        base = self.settled(base)
        if isinstance(base.payload, Instance | Class) and (own := self._member(base, name)) is not None:
            return own if own.kind is Kind.FUNCTION else own.with_term(term)
        if isinstance(base.payload, tuple) and base.payload[0] == "finfo":
            limit = spellings.finfo_attribute(name, base.payload[1])
            return limit.with_term(term if limit.constant is None else self.terms.make("const", limit.constant))
        if base.kind is Kind.NAMESPACE and isinstance(base.payload, str):
            return self.path(f"{base.payload}.{name}")
        if name == "shape":
            return Value(kind=Kind.SHAPE, term=term, differentiable=False)
        if name == "dtype":
            return Value(term=term, dtype=base.dtype, differentiable=False)
        if name in _VIEWS:
            if name in _ALIGNED:
                gradient = base.differentiable and name != "data"
                copied = self.terms.make("copy", base.term, None, None)
                return replace(base, term=copied, items=None, differentiable=gradient)
            how = self.terms.make("how", name)
            return replace(base, term=self.terms.make("view", base.term, how), items=None)
        if name in ("values", "indices") and base.items is not None:
            return base.items[0 if name == "values" else 1]
        if name in ("ndim", "size", "nnz"):
            return Value(SIZE, Kind.SIZE, Grounds.ASSUMED, term, differentiable=False)
        if name == "grad":  # of which hardly anyone takes a gradient again
            return Value(term=term, differentiable=False)
        return assumptions.named(name, term)

    def _member(self, base: Value, name: str) -> Value | None:
        """An attribute or method of an object of the program, or of its class."""
        is_instance = isinstance(base.payload, Instance)
        cls = base.payload.cls if isinstance(base.payload, Instance) else base.payload
        assert isinstance(cls, Class)
        method = cls.method(name)
        if method is not None:
            bound = method.bound_to(base) if is_instance or "classmethod" in method.decorators else method
            if method.is_property and is_instance:
                return None
            return Value(kind=Kind.FUNCTION, payload=bound, differentiable=False)
        self.fill(cls)
        return cls.attribute(name)

    # --- subscripts ------------------------------------------------------------------------------------------

    def subscript(self, expr: nodes.Subscript, state: State) -> Value:
        with state.unchosen():
            base = self.evaluate(expr.base, state)
        index = tuple(self.evaluate(selector(part), state) for part in expr.index)
        term = self.terms.make("item", base.term, *(value.term for value in index))
        first = index[0] if len(index) == 1 else None
        if base.kind is Kind.SHAPE:
            return state.known(size_at(first, term))
        position = None if first is None else first.constant
        if base.items is not None and position is not None and -len(base.items) <= position < len(base.items):
            return base.items[int(position)]
        if first is not None and first.kind is Kind.STRING:
            return state.known(assumptions.named(str(first.payload), term))
        if base.kind in (Kind.TENSOR, Kind.ARRAY, Kind.UNKNOWN, Kind.SEQUENCE):
            kind = Kind.UNKNOWN if base.kind is Kind.SEQUENCE else base.kind
            selected = self._own_group(base, first) or self._selected(expr, first, base, state)
            if first is not None and first.dtype is DType.BOOLEAN and base.kind is not Kind.SEQUENCE:
                term = self.terms.make("masked_select", base.term, first.term)
            return state.known(replace(selected, kind=kind, term=term, items=None, payload=None, attains=None))
        return UNKNOWN.with_term(term)

    def _own_group(self, base: Value, index: Value | None) -> Value | None:
        """`scatter(x, group)[group]`: a group that is looked up by one of its elements is not empty."""
        scattered = None if base.term is None else peel(base.term)
        if index is None or scattered is None or scattered.head != "scatter" or scattered.args[1] is not index.term:
            return None
        element = self.by_term.get(scattered.args[0])
        if element is None or element.range.lo < 0:
            return None
        at_least = interval(element.range.lo, open="lo" if element.range.lo_open else "", nan=True)
        return replace(base, range=base.range.meet(at_least), grounds=element.grounds)

    def _selected(self, expr: nodes.Subscript, index: Value | None, base: Value, state: State) -> Value:
        """`x[x > 0]` holds only what the mask selects."""
        if index is None or index.dtype is not DType.BOOLEAN or index.term is None:
            return base
        inside = self.refiner.refine(state.chosen(), index.term, True)
        if inside is None or self.selections == _NESTED:  # each is evaluated twice as often as the one around it
            return base
        self.selections += 1
        try:
            return self.silently(expr.base, inside)
        finally:
            self.selections -= 1

    def slice(self, expr: nodes.Slice, state: State) -> Value:
        terms = tuple(None if part is None else self.evaluate(part, state).term for part in expr.parts)
        return UNKNOWN.with_term(self.terms.make("slice", *terms))
