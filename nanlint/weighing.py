"""May a value leave the range in which an operation is safe, and how sure is that? What is reported rests on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nanlint.diagnostic import Evidence
from nanlint.doubts import Doubts
from nanlint.flow.aftermath import Bad, condition_for
from nanlint.flow.program import Analysis
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Apply
from nanlint.ops.operation import Hazard
from nanlint.ops.terms import LOGARITHMS
from nanlint.requirements import Version
from nanlint.values.interval import EMPTY, Range
from nanlint.values.value import Grounds, Kind, Term, Value

# since this torch the gradient of a clamp is 0 at its bounds; up to 2.13 it was 1
_FLAT_CLAMP = (2, 15)
_FLAGGED_KINDS = frozenset({Kind.TENSOR, Kind.ARRAY, Kind.UNKNOWN, Kind.NUMBER, Kind.SIZE})


_ARITHMETIC = frozenset({"add", "sub", "mul", "pow", "neg", "floordiv"})
# what they make of 0; a division asks its dividend
_AT_ZERO = {"div": Bad.ANY, "rsqrt": Bad.HIGH, "reciprocal": Bad.INFINITE} | dict.fromkeys(LOGARITHMS, Bad.LOW)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A value that may leave the safe range of an operation.

    Attributes:
        evidence: how sure that is.
        what: "0", "negative" or "0 or negative", or the range where neither says it.
        gradient_only: the value is fine and only the gradient is infinite (sqrt at exactly 0).
    """

    evidence: Evidence
    what: str
    gradient_only: bool = False


class Weighing(Doubts):
    """What is known about the operands of one file's operations, held against where they are safe."""

    def __init__(self, analysis: Analysis, target_torch: Version | None = None) -> None:
        super().__init__(analysis)
        self.target_torch = target_torch  # the oldest that the code runs on; None is any

    def passes_on(self, use: Use) -> bool:
        """Does the result of the use go anywhere, or is it only compared, counted, shown, or cleaned of NaN where no
        gradient is taken?"""
        passing = self._analysis.passing if use.differentiable else self._analysis.passing_uncleaned
        return self._passes_on(use, passing)

    def is_known_alone(self, use: Use, evidence: Evidence) -> bool:
        """Is a use in another file as bad without this caller? Then it is reported where it stands."""
        alone = self._analysis.alone(use)
        hazard = use.operation.hazard
        value = None if alone is None or hazard is None else alone.values.get(hazard.operand)
        if alone is None or hazard is None or value is None:
            return False
        found = self._beyond(value, hazard.safe, alone)
        if found is None and hazard.smooth is not None:
            found = self._beyond(value, hazard.smooth, alone)
        return found is not None and found.evidence >= evidence

    def trouble(self, use: Use, hazard: Hazard | None = None) -> Trouble | None:
        """May the operand of this use leave the safe range? None when it never does, or cannot matter here."""
        hazard = hazard or use.operation.hazard
        value = use.values.get(hazard.operand) if hazard is not None else None
        if hazard is None or value is None or use.framework == "python" or value.kind not in _FLAGGED_KINDS:
            return None
        if (found := self._beyond(value, hazard.safe, use)) is not None:
            if found.evidence is Evidence.UNKNOWN and self.is_cared_for(found.what, value.term):
                return None
            if not self.passes_on(use) or self._raises(use):
                return None
            sure = found.evidence > Evidence.UNKNOWN  # of the rest nobody asks so much
            return None if sure and not use.differentiable and self._is_mended(use, hazard, found) else found
        if hazard.smooth is None or not use.differentiable or value.is_scalar or self._is_flat_at_its_end(value):
            return None
        found = self._beyond(value, hazard.smooth, use)
        if found is None or not self._passes_on(use, self._analysis.passing_gradient):
            return None
        return replace(found, gradient_only=True)

    def _beyond(self, value: Value, safe: Range, use: Use) -> Trouble | None:
        """May the value leave this range, and how sure is that?"""
        found = _outside(value, safe, use)
        return None if found is None else self._weighed(found, value, use)

    def _is_flat_at_its_end(self, value: Value) -> bool:
        """Is it made by a clamp whose gradient at the bound is 0? That stops the infinite one that comes back."""
        recent = self.target_torch is not None and self.target_torch >= _FLAT_CLAMP
        return recent and value.framework == "torch" and self.produced_by(value) == "clamp"

    def _weighed(self, found: Trouble, value: Value, use: Use) -> Trouble:
        """Weaker where the bad point is mere ignorance: a value that is the same in every run would tell of itself in
        the first, and a product is not known to be negative because one factor is known to reach 0."""
        if found.evidence is Evidence.UNKNOWN and self.is_said(value, use):
            return replace(found, evidence=Evidence.POSSIBLE)
        if found.evidence is not Evidence.POSSIBLE or value.term is None:
            return found
        return replace(found, evidence=Evidence.UNKNOWN) if self.is_doubtful(value, use) else found

    def _is_mended(self, use: Use, hazard: Hazard, found: Trouble) -> bool:
        """Is the bad result swallowed or replaced afterwards? That helps only where no gradient is taken."""
        term = use.result.term
        swallowed = term is not None and not self._analysis.arrives(term, _bad_result(use, found))
        return swallowed or self._is_replaced(use, hazard)

    def _raises(self, use: Use) -> bool:
        """Does Python divide, and raise ZeroDivisionError, which tells of itself?"""
        operands = [value for name, value in use.values.items() if name in ("x", "y")]
        return use.operation.name == "div" and all(map(self._is_plain_number, operands))

    def _is_plain_number(self, value: Value) -> bool:
        """Is it a number of Python's, or made of `int(x)`, `float(x)` and such?"""
        term = value.term
        if value.is_scalar or term is None:
            return value.is_scalar
        if term.head in ("truncated", "copy", "detach"):
            origin = self._analysis.origin_of(term)
            return isinstance(origin, Apply) and origin.spelling.framework == "python"
        parts = [self.value_of_term(arg) for arg in term.args if isinstance(arg, Term)]
        return term.head in _ARITHMETIC and all(part is not None and self._is_plain_number(part) for part in parts)

    def _is_replaced(self, use: Use, hazard: Hazard) -> bool:
        """Does a choice made afterwards keep the result only where it is good?"""
        node, term = use.node.operands.get(hazard.operand), use.result.term
        if node is None or term is None:
            return False

        def replaced(choice: Term, arm: Term) -> bool:
            condition = condition_for(choice, arm)
            if condition is None:
                return False
            chosen = self._analysis.value_if(node, use.state, *condition)
            return chosen is None or chosen.range.with_nan(False) <= hazard.safe

        return not self._analysis.passes(term, replaced)

    @staticmethod
    def _passes_on(use: Use, terms: frozenset[Term]) -> bool:
        return use.result.term is None or use.result.term in terms

    @staticmethod
    def produced_by(value: Value) -> str | None:
        """The operation that made the value, seen through reshapes and copies: "softmax", "norm", "param"."""
        return None if value.term is None else peel(value.term).head


def _outside(value: Value, safe: Range, use: Use) -> Trouble | None:
    known = value.range.with_nan(False)
    if known.is_empty or known <= safe:
        return None
    certain = not known.overlaps(safe) and value.grounds > Grounds.ASSUMED
    evidence = Evidence.CERTAIN if certain else _evidence(value, use)
    return Trouble(evidence, _what(known, safe))


def _bad_result(use: Use, found: Trouble) -> Bad:
    """What the operation makes of its bad operand."""
    name = use.operation.name
    if found.what != "0" or name not in _AT_ZERO:
        return Bad.ANY
    if name != "div":
        return _AT_ZERO[name]
    x, y = use.values["x"].range.with_nan(False), use.values["y"].range
    bad = Bad.NAN if x.may_be_zero() else Bad.NONE  # 0 / 0
    bad |= Bad.HIGH if x.may_be_positive() or y.may_be_negative() else Bad.NONE
    return bad | (Bad.LOW if x.may_be_negative() or y.may_be_negative() else Bad.NONE)


def _evidence(value: Value, use: Use) -> Evidence:
    if value.grounds is Grounds.REACHED:
        # a logarithm undoes what saturates; for a divisor it has to saturate at 0 really
        return Evidence.CERTAIN if use.operation.name.startswith("log") else Evidence.POSSIBLE
    if value.grounds is Grounds.UNDERFLOW:
        # only for a logarithm, which undoes the exp, is underflow the normal case and not an extreme one
        return Evidence.POSSIBLE if use.operation.name.startswith("log") else Evidence.UNKNOWN
    if value.grounds is Grounds.KNOWN and (not value.is_scalar or _is_silent(value, use)):
        return Evidence.POSSIBLE
    return Evidence.UNKNOWN


def _is_silent(value: Value, use: Use) -> bool:
    """May a plain number be bad and nobody be told? Of two of them Python raises ZeroDivisionError."""
    dividend = use.values.get("x")
    if use.operation.name == "div" and dividend is not None and dividend.is_scalar:
        return False
    if value.term is not None and value.term.head == "detach":
        return True  # `mask.sum().item()`
    return _counts_a_batch(value.term) and not _is_running_total(value.term)


def _counts_a_batch(term: Term | None) -> bool:
    """Made from the size of a batch, which is 1 at the end of many an epoch. Other plain numbers (a counter, the
    length of a list) raise ZeroDivisionError, which tells of itself, or are never 0."""
    seen: set[Term] = set()  # what a loop makes is made of itself
    waiting = [] if term is None else [term]
    while waiting:
        part = waiting.pop()
        if part in seen:
            continue
        seen.add(part)
        sources = [arg for arg in part.args if isinstance(arg, Term)]
        if part.head not in ("size", "item"):
            waiting += sources
        elif any(arg.head == "const" and arg.args[0] == 0 for arg in sources):
            return True
    return False


def _is_running_total(term: Term | None) -> bool:
    """Is it summed up in a loop? It is 0 where the loop did not run, and then there is nothing to divide either."""
    seen: set[Term] = set()
    waiting = [] if term is None or term.head != "either" else [term]
    while waiting:
        part = waiting.pop()
        sums = [arg for arg in part.args if isinstance(arg, Term) and arg.head in ("either", "add")]
        if any(arg in seen for arg in sums):
            return True
        seen.add(part)
        waiting += sums
    return False


def _what(known: Range, safe: Range) -> str:
    zero = known.may_be_zero() and not safe.may_be_zero()
    negative = known.may_be_negative() and not safe.overlaps(known.meet(Range(hi=0.0, hi_open=True)))
    if zero and negative:
        return "0 or negative"
    if zero:
        return "0"
    if known.may_be_negative() and safe.lo >= 0:
        return "negative"
    return f"outside {safe}" if safe != EMPTY else str(known)
