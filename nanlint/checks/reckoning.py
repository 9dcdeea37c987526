"""What an expression comes to in real numbers, and in the numbers of its format.

Where the two differ, a small constant was lost: `1e-10 + 1 - p` is at least 1e-10 on paper, and 0 in float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import inf, nextafter

from nanlint.facts import Facts
from nanlint.ops.catalogue import OPERATIONS
from nanlint.ops.operation import Role
from nanlint.repair.epsilons import Lost
from nanlint.values import arithmetic as ar
from nanlint.values.interval import REAL, Range, constant
from nanlint.values.rounding import round_to, rounded
from nanlint.values.value import UNKNOWN, DType, Kind, Term, Value

# seen through to find the constants; of the results of all other operations the range is enough
_FOLLOWED = frozenset(
    {"add", "sub", "neg", "mul", "div", "clamp", "maximum", "minimum", "max", "min", "sum", "mean", "sqrt", "rsqrt"}
    | {"reciprocal", "copy", "view", "part", "detach", "square", "pow", "abs"}
)
_SUMS = frozenset({"add", "sub"})
_BOUNDS = {"clamp": ("min", "max"), "maximum": ("x", "y"), "minimum": ("x", "y")}

_SMALL = 5e-3  # larger ones are no epsilons; 1 - 1e-3 is 1 in bfloat16


class Reckoning:
    """Ranges of terms for one use, with parameters at their defaults."""

    def __init__(self, facts: Facts, dtype: DType | None) -> None:
        self.facts = facts
        self.dtype = dtype  # of what nothing else tells

    def exact(self, term: Term) -> Range:
        """The range in real numbers."""
        if term.head in _SUMS:
            return self._exact_sum(term)
        return self._range(term, exact=True)

    def stored(self, term: Term) -> Range:
        """The range in numbers of the format."""
        return self._range(term, exact=False)

    def _range(self, term: Term, *, exact: bool) -> Range:
        leaf = self._leaf(term)
        operation = OPERATIONS.get(term.head)
        if operation is None or term.head not in _FOLLOWED or leaf.constant is not None:
            return leaf.range
        dtype = DType.FLOAT64 if exact or leaf.is_scalar else leaf.dtype or self.dtype
        operands = {
            name: self._operand(arg, dtype, exact=exact)
            for name, arg in zip(operation.operands, term.args, strict=False)
            if isinstance(arg, Term)
        }
        if "x" not in operands:
            return leaf.range
        operands = self._within(term, operands)
        result = operation.result(operands)
        return result if exact or operation.role is Role.REDUCE else rounded(result, dtype)

    def _operand(self, term: Term, dtype: DType | None, *, exact: bool) -> Value:
        value = self._leaf(term)
        if exact:
            return replace(value, range=self.exact(term), dtype=None)
        return replace(value, range=rounded(self.stored(term), dtype) if value.is_scalar else self.stored(term))

    def _leaf(self, term: Term) -> Value:
        """What is known of a term without looking into it."""
        value = self.facts.value_of_term(term) or UNKNOWN
        default = self.facts.default_of(term)
        if default is not None:
            return replace(value, range=constant(default), kind=Kind.NUMBER)
        known = value.range.with_nan(False)
        return replace(value, range=REAL if known.is_empty else known, attains=None)

    def _within(self, term: Term, operands: Mapping[str, Value]) -> dict[str, Value]:
        """In `1 + 1e-8 - p`, of a p of which nothing is known, suppose what the author does: that it is at most 1."""
        x, y = operands["x"], operands.get("y")
        if term.head == "sub" and y is not None and x.range.is_constant and _is_unbounded(y.range):
            absorbed = any(not lost.bounds and lost.inside is term.args[0] for lost in self.lost(term.args[0]))
            if absorbed and x.range.lo > 0:
                return {**operands, "y": y.with_range(Range(0.0, round_to(x.range.lo, self.dtype)))}
        return dict(operands)

    def _exact_sum(self, term: Term) -> Range:
        """The small constants come last, as no real number is lost beside another."""
        total, small = constant(0.0), 0.0
        parts = list(summands(term))
        for sign, part in parts:
            r = self.exact(part)
            if r.is_constant and abs(r.lo) < _SMALL:
                small += sign * r.lo
                continue
            total = ar.add(total, r if sign > 0 else ar.neg(r))
        if _is_unbounded(total) and any(True for _ in self.lost(term)):
            total = Range(0.0, total.hi)  # see `_within`
        return _shifted(total, small)

    # --- what is lost ------------------------------------------------------------------------------------------

    def lost(self, term: Term, dtype: DType | None = None) -> Iterator[Lost]:
        """The small constants in a term that do nothing, the outermost first."""
        operation = OPERATIONS.get(term.head)
        if operation is None or term.head not in _FOLLOWED:
            return
        value = self.facts.value_of_term(term)
        own = None if value is None or value.is_scalar else value.dtype
        dtype = own or dtype or self.dtype
        if term.head in _SUMS:
            yield from self._absorbed(term, dtype)
        bounds = _BOUNDS.get(term.head, ())
        for name, arg in zip(operation.operands, term.args, strict=False):
            if isinstance(arg, Term):
                bound = self._rounded_bound(term, arg, dtype) if name in bounds else None
                yield from self.lost(arg, dtype) if bound is None else (bound,)

    def _absorbed(self, term: Term, dtype: DType | None) -> Iterator[Lost]:
        sign = -1 if term.head == "sub" else 1
        x, y = term.args[:2]
        for small, other in ((x, y), (y, x)):
            size, beside = self._constant(small), self._constant(other)
            if size is None or not 0 < abs(size) < _SMALL:
                continue
            if round_to(size, dtype) == 0:
                yield Lost(term, small, size, 0.0, dtype, bounds=False)
            elif beside is not None and abs(beside) > _SMALL and _vanishes(sign * size, beside, dtype):
                yield Lost(term, small, sign * size, beside, dtype, bounds=False)

    def _rounded_bound(self, term: Term, bound: Term, dtype: DType | None) -> Lost | None:
        exact = self.exact(bound)
        if not exact.is_constant or not self._leaf(bound).is_scalar:
            return None
        kept = round_to(exact.lo, dtype)
        is_lost = kept in (0.0, 1.0, -1.0) and kept != exact.lo
        return Lost(term, bound, exact.lo - kept, kept, dtype, bounds=True) if is_lost else None

    def _constant(self, term: object) -> float | None:
        if not isinstance(term, Term):
            return None
        leaf = self._leaf(term)
        if leaf.constant is not None or not leaf.is_scalar:
            return leaf.constant
        exact = self.exact(term)
        return exact.lo if exact.is_constant else None


def summands(term: Term, sign: int = 1) -> Iterator[tuple[int, Term]]:
    """The parts of nested sums and differences, each with its sign."""
    if term.head not in _SUMS or not all(isinstance(arg, Term) for arg in term.args[:2]):
        yield sign, term
        return
    yield from summands(term.args[0], sign)
    yield from summands(term.args[1], -sign if term.head == "sub" else sign)


def _is_unbounded(r: Range) -> bool:
    return r.lo == -inf and r.hi == inf


def _vanishes(small: float, large: float, dtype: DType | None) -> bool:
    kept = round_to(large, dtype)
    return round_to(large + small, dtype) == kept


def _shifted(r: Range, by: float) -> Range:
    """The range moved by a small constant, which is never lost."""
    if by == 0:
        return r
    moved = ar.add(r, constant(by))
    lo, hi = moved.lo, moved.hi
    if lo == r.lo:
        lo = nextafter(lo, lo + by * inf)
    if hi == r.hi:
        hi = nextafter(hi, hi + by * inf)
    return Range(lo, hi, moved.lo_open, moved.hi_open)
