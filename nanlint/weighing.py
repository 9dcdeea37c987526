"""May a value leave the range in which an operation is safe, and how sure is that? What is reported rests on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nanlint.conventions import GIVEN, Conventions
from nanlint.diagnostic import Evidence
from nanlint.flow import assumptions
from nanlint.flow.outlets import condition_for
from nanlint.flow.program import Analysis
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.ops.operation import Hazard
from nanlint.ops.terms import operand, squared
from nanlint.requirements import Version
from nanlint.values.interval import BOOLEAN, EMPTY, Range
from nanlint.values.value import Grounds, Kind, Term, Value

# bounded on both sides of 0, without a liking for it
_THROUGH_ZERO = frozenset({"sin", "cos", "tan", "tanh", "erf", "atan2", "cosine_similarity", "hardtanh", "normalize"})
# since this torch the gradient of a clamp is 0 at its bounds; up to 2.13 it was 1
_FLAT_CLAMP = (2, 15)
# tensors from nothing
_TABLES = frozenset({"arange", "linspace", "zeros", "ones", "eye", "full", "tuple", "list"})
_FLAGGED_KINDS = frozenset({Kind.TENSOR, Kind.ARRAY, Kind.UNKNOWN, Kind.NUMBER, Kind.SIZE})


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


class Weighing(Conventions):
    """What is known about the operands of one file's operations, held against where they are safe."""

    def __init__(self, analysis: Analysis, target_torch: Version | None = None) -> None:
        super().__init__(analysis)
        self.target_torch = target_torch  # the oldest that the code runs on; None is any

    def is_inference(self, use: Use) -> bool:
        """Does the use stand where a trained model is only used?"""
        return assumptions.is_inference(self._analysis.class_of(use), self._analysis.filename_of(use))

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
            if not self.passes_on(use):
                return None
            sure = found.evidence > Evidence.UNKNOWN  # of the rest nobody asks so much
            return None if sure and self._is_replaced(use, hazard) else found
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
        hazard = use.operation.hazard
        beyond = hazard is not None and hazard.safe.contains(0.0)  # 0 itself would be fine
        divides = use.operation.name in ("div", "reciprocal")
        logs = use.operation.name.startswith("log")
        if (
            (beyond and self._sign_is_unknown(value.term))
            or (divides and self._passes_zero(value.term))
            or (logs and peel(value.term).head in _THROUGH_ZERO)
            or ((divides or logs) and self.is_of_the_trade(value.term, use))
            or (logs and value.range == BOOLEAN)  # log(mask) is 0 or -inf, and meant so
            or self._is_the_same_always(value.term)
            or self._is_over_all_but_the_batch(value.term)
            or (peel(value.term).head in ("std", "norm") and self.is_inference(use))
        ):
            return replace(found, evidence=Evidence.UNKNOWN)
        return found

    def _passes_zero(self, term: Term) -> bool:
        """Is 0 just one of the values on the way (a cosine, the square of something of which nothing is known)? It is
        no bound then that is reached. Differences are different: two things may well be equal."""
        term = peel(term)
        if term.head in ("mul", "div", "neg", "item", "masked_select"):
            varying = [arg for arg in term.args if isinstance(arg, Term) and arg.head != "const"]
            if len(varying) == 1 or (term.head in ("item", "masked_select") and varying):
                return self._passes_zero(varying[0])
        if term.head in _THROUGH_ZERO:
            return True
        inner = squared(term)
        value = None if inner is None else self.value_of_term(inner)
        if inner is None or value is None or peel(inner).head == "sub":
            return False
        return value.grounds <= Grounds.ASSUMED or peel(inner).head in _THROUGH_ZERO

    def _sign_is_unknown(self, term: Term) -> bool:
        if term.head not in ("mul", "div"):
            return False
        for factor in (arg for arg in term.args if isinstance(arg, Term)):
            value = self.value_of_term(factor)
            if value is not None and value.range.lo < 0 and value.grounds is Grounds.NONE:
                return True
            if self._sign_is_unknown(factor):
                return True
        return False

    def _is_over_all_but_the_batch(self, term: Term) -> bool:
        """`x.std(dim=list(range(1, x.ndim)))`: are the dimensions worked out, to be all of them? One row or channel may
        well be constant; that a whole example is, is extreme."""
        dim = operand(peel(term), "dim") if peel(term).head in ("std", "var") else None
        value = None if dim is None else self.value_of_term(dim)
        return dim is not None and dim.head == "fresh" and value is not None and value.kind is Kind.SEQUENCE

    def _is_the_same_always(self, term: Term) -> bool:
        """Is it made of constants and settings only (noise schedules, position tables, windows)?"""
        seen: set[Term] = set()
        waiting = [term]
        while waiting:
            part = waiting.pop()
            if part in seen or part.head in ("const", "path", "none"):
                continue
            seen.add(part)
            sources = [arg for arg in part.args if isinstance(arg, Term)]
            if part.head == "fresh" and any(source.head in GIVEN for source in sources):
                return False  # an element of something given, or what an unknown function makes of it
            if part.head in GIVEN or (not sources and part.head not in _TABLES):
                value = self.value_of_term(part)
                if value is None or value.grounds is not Grounds.ASSUMED:
                    return False
            else:
                waiting += sources
        return True

    def _is_replaced(self, use: Use, hazard: Hazard) -> bool:
        """Does a choice made afterwards keep the result only where it is good, where no gradient is taken?"""
        node, term = use.node.operands.get(hazard.operand), use.result.term
        if use.differentiable or node is None or term is None:
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


def _evidence(value: Value, use: Use) -> Evidence:
    if value.grounds is Grounds.REACHED:
        # a logarithm undoes what saturates; for a divisor it has to saturate at 0 really
        return Evidence.CERTAIN if use.operation.name.startswith("log") else Evidence.POSSIBLE
    if value.grounds is Grounds.UNDERFLOW:
        # only for a logarithm, which undoes the exp, is underflow the normal case and not an extreme one
        return Evidence.POSSIBLE if use.operation.name.startswith("log") else Evidence.UNKNOWN
    if value.grounds is Grounds.KNOWN and (not value.is_scalar or _is_silent_batch(value, use)):
        return Evidence.POSSIBLE
    return Evidence.UNKNOWN


def _is_silent_batch(value: Value, use: Use) -> bool:
    """Of two plain numbers Python raises ZeroDivisionError, which tells of itself."""
    dividend = use.values.get("x")
    raises = use.operation.name == "div" and dividend is not None and dividend.is_scalar
    return not raises and _counts_a_batch(value.term) and not _is_running_total(value.term)


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
