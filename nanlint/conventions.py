"""What the names and the shape of a program say of a value where its range says nothing.

Where nothing is known of an operand it is not reported, unless the program itself gives it away (`is_said`); and
where it is known to be bad for some input, there are divisors for which no real input is one (`is_of_the_trade`).
"""

from __future__ import annotations

from functools import cached_property

from nanlint.flow import assumptions
from nanlint.flow.leaves import given, parts
from nanlint.flow.program import Analysis
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.ops.terms import literal, operand, squared
from nanlint.values.interval import interval
from nanlint.values.value import Grounds, Term, Value

# heads of terms that come from elsewhere
GIVEN = frozenset({"param", "attr", "global", "random"})
_WEIGHTS = frozenset({"weight", "bias", "kernel"})
_SMALL = interval(0.0, 0.01, open="lo")  # a larger number is a summand like any other
_SHARE = interval(0.0, 1.0, open="lo hi")


class Conventions:
    """What programs say of their values, for one file."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def value_of_term(self, term: Term) -> Value | None:
        """The value of a term when it was last evaluated."""
        return self._analysis.value_of_term(term)

    def is_inference(self, use: Use) -> bool:
        """Does the use stand where a trained model is only used?"""
        return assumptions.is_inference(self._analysis.class_of(use), self._analysis.filename_of(use))

    def is_said(self, value: Value, use: Use) -> bool:
        """Does the program itself say that the operand of which nothing is known may be bad? What a model puts out has
        any sign; who takes log(p) and log(1 - p) has a probability, and that may be 0 or 1; a relative error of what
        is to be predicted divides by data; Adam's correction 1 - beta**t is 0 where the steps are counted from 0."""
        term = value.term
        if term is not None and use.operation.name == "div" and (counter := self._counter(term)) is not None:
            return counter.range.lo == 0
        if term is None or value.grounds > Grounds.NONE or value.is_scalar:
            return False
        if use.operation.name.startswith("log"):
            is_output = use.operation.name != "log1p" and assumptions.is_model_output(name_of(term))
            return use.differentiable and (is_output or term in self._probabilities)
        return use.operation.name == "div" and _is_relative_error(use)

    @cached_property
    def _probabilities(self) -> frozenset[Term]:
        """Operands p and 1 - p of logarithms that are both taken somewhere in the file."""
        logged = {term.args[0]: term.head for term in self._analysis.terms() if term.head in ("log", "log1p")}
        pairs = [(whole, operand) for operand, head in logged.items() if (whole := _complemented(operand, head))]
        return frozenset(term for pair in pairs if pair[0] in logged and _is_given(pair[0]) for term in pair)

    def is_cared_for(self, what: str, term: Term | None) -> bool:
        """Nothing is known of the value, but has somebody thought of 0, or can it not be negative?"""
        if term is not None and (counter := self._counter(term)) is not None and counter.range.lo >= 1:
            return True
        if term is not None and _is_bounded(term):
            return True
        return self._has_epsilon(term) or (what == "negative" and self._adds_squares(term))

    def _counter(self, divisor: Term) -> Value | None:
        """The number of the step in `1 - beta**step` (Kingma and Ba, 2015, algorithm 1), counted by a loop or a sum."""
        term = peel(divisor)
        power = operand(term, "y") if term.head == "sub" and literal(term.args[0]) == 1 else None
        base, step = (None, None) if power is None or power.head != "pow" else (power.args[0], power.args[1])
        if not isinstance(base, Term) or not isinstance(step, Term):
            return None
        share, counter = self._analysis.default_of(base) or literal(base), self.value_of_term(step)
        is_decay = isinstance(share, int | float) and _SHARE.contains(share)
        counts = counter is not None and counter.range.integer and counter.range.hi > counter.range.lo
        return counter if is_decay and counts else None

    def _has_epsilon(self, term: Term | None) -> bool:
        """Was a small number added? Nothing is known of the rest, but whoever wrote it has thought of 0."""
        term = None if term is None else peel(term)
        if term is None or term.head != "add":
            return False
        rest = [arg for arg in term.args if isinstance(arg, Term) and not self._is_epsilon(arg)]
        # an epsilon does not make a negative number positive
        return len(rest) < len(term.args) and not any(assumptions.is_correlation(name_of(arg)) for arg in rest)

    def _adds_squares(self, term: Term | None) -> bool:
        """Is a square added to something kept (`state.v + grad**2`)? It is a sum of squares then, not negative."""
        term = None if term is None else peel(term)
        if term is None or term.head != "add":
            return False
        parts = [arg for arg in term.args if isinstance(arg, Term)]
        return any(squared(peel(part)) for part in parts) and any(part.head in ("attr", "item") for part in parts)

    @staticmethod
    def _is_mean_square(term: Term) -> bool:
        term = peel(term)
        inner = operand(term, "x") if term.head == "mean" else None
        return term.head == "mse_loss" or squared(None if inner is None else peel(inner)) is not None

    def _is_epsilon(self, term: object) -> bool:
        if not isinstance(term, Term):
            return False
        value = self.value_of_term(term)
        if value is not None and value.range <= _SMALL:
            return True
        return term.head in GIVEN and any(isinstance(arg, str) and assumptions.is_epsilon(arg) for arg in term.args)

    def is_of_the_trade(self, divisor: Term, use: Use) -> bool:
        """Is it a divisor that everybody writes, and that is 0 for no real input: the tokens of a text, the steps of a
        noise schedule, the length of weights, the support of a sparsemax? Or a mean square whose decibels are wanted,
        or the error in a report?"""
        if use.operation.name == "log10":
            return self._is_mean_square(divisor)  # the PSNR of two equal images is infinite by definition
        if use.framework == "numpy" and assumptions.is_evaluation(self._analysis.filename_of(use)):
            return True  # the error of nothing, in a report
        if _is_of_weights(divisor):
            return True  # they are drawn at random
        if any(assumptions.is_padding_mask(name) for _, name in given(divisor)):
            return True
        if assumptions.is_schedule(self._analysis.class_of(use), self._analysis.filename_of(use)):
            return True
        compared = operand(peel(divisor), "x") if peel(divisor).head == "sum" else None
        # what is compared with its own running sum: the first always passes
        return compared is not None and any(part.head == "cumsum" for part in parts(compared))


def name_of(term: Term) -> str:
    """What a parameter or attribute is called of which this is the whole, a part or another shape."""
    term = peel(term)
    while term.head in ("masked_select", "item", "part") and isinstance(term.args[0], Term):
        term = peel(term.args[0])
    if term.head == "param":
        return str(term.args[0])
    return str(term.args[-1]) if term.head == "attr" else ""


def _is_given(term: Term) -> bool:
    """Is it, or a part of it, something that came from elsewhere, untouched?"""
    return peel(term).head in GIVEN | {"item", "masked_select", "fresh"}


def _is_bounded(term: Term) -> bool:
    """`p.clamp(low, high)`, `-p.clamp(…)`, `p.clamp(min=1.01 * q) - q`: bounds that we do not know."""
    term = peel(term)
    if term.head == "neg" and isinstance(term.args[0], Term):
        return _is_bounded(term.args[0])
    if term.head != "sub":
        return term.head == "clamp"
    bounded, less = operand(term, "x"), operand(term, "y")
    floor = operand(peel(bounded), "min") if bounded is not None else None
    return floor is not None and less is not None and any(part is peel(less) for part in parts(floor))


def _is_of_weights(term: Term) -> bool:
    """Is it made of nothing but the weights of layers? Rows of an embedding that nobody looked up may well be 0."""
    made = [part for part in parts(term) if part.head not in ("const", "none")]
    leaves = [part for part in made if part.head == "attr" or not any(isinstance(arg, Term) for arg in part.args)]
    return (
        bool(leaves)
        and all(leaf.head == "attr" and leaf.args[-1] in _WEIGHTS for leaf in leaves)
        and not any(assumptions.is_table(name_of(leaf.args[0])) for leaf in leaves if isinstance(leaf.args[0], Term))
    )


def _complemented(operand: Term, head: str) -> Term | None:
    """The p of log(1 - p), log1p(-p)."""
    inner: object = None
    if head == "log1p" and operand.head == "neg":
        inner = operand.args[0]
    elif head == "log" and operand.head == "sub" and literal(operand.args[0]) == 1:
        inner = operand.args[1]
    return inner if isinstance(inner, Term) else None


def _is_relative_error(use: Use) -> bool:
    """`(y_true - y_pred) / y_true`."""
    x, y = use.values["x"].term, use.values["y"].term
    if x is None or y is None:
        return False
    error, truth = _unsigned(x), _unsigned(y)
    is_part = error.head == "sub" and any(isinstance(arg, Term) and peel(arg) is truth for arg in error.args)
    return is_part and assumptions.is_truth(name_of(truth))


def _unsigned(term: Term) -> Term:
    term = peel(term)
    return peel(term.args[0]) if term.head == "abs" and isinstance(term.args[0], Term) else term
