"""What we say becomes of an infinity is held against torch."""

from __future__ import annotations

from itertools import product
from math import inf, isnan

import pytest

from nanlint.flow.aftermath import COMPUTED, Bad, arrives
from nanlint.ops.catalogue import OPERATIONS
from nanlint.values.interval import Range, constant
from nanlint.values.value import Term, Terms, Value

torch = pytest.importorskip("torch")

_GOOD = (-2.0, -1.0, 0.0, 0.5, 3.0)
_CALLED = {
    "neg": torch.neg, "softplus": torch.nn.functional.softplus, "relu6": torch.nn.functional.relu6,
    "hardtanh": torch.nn.functional.hardtanh,
}  # fmt: skip
_NUMBERS = dict.fromkeys(("add", "sub", "mul", "div", "maximum", "minimum", "logaddexp"), ("x", "y"))


def _bad(number: float) -> Bad:
    return Bad.NAN if isnan(number) else Bad.HIGH if number == inf else Bad.LOW if number == -inf else Bad.NONE


def _becomes(head: str, operands: dict[str, float]) -> bool:
    """Do we say that the operation makes something bad of the operands that are?"""
    terms = Terms()
    given = {name: terms.make("param", name) for name in operands}
    result = terms.make(head, *(given.get(name) for name in OPERATIONS[head].operands))
    ranges = {given[name]: constant(number) for name, number in operands.items()}
    start = {given[name] for name, number in operands.items() if _bad(number) is not Bad.NONE}

    def value_of(term: Term) -> Value | None:
        return Value(range=Range(-5.0, 5.0) if term in start else ranges[term]) if term in ranges else None

    return any(arrives(term, _bad(operands[str(term.args[0])]), {term: [result]}, {result}, value_of) for term in start)


@pytest.mark.parametrize("head", sorted(COMPUTED - {"clamp"}))
def test_computed(head: str) -> None:
    """Where torch makes NaN or an infinity of one infinite operand, so do we."""
    function = _CALLED.get(head) or getattr(torch, head)
    names = _NUMBERS.get(head, ("x",))
    swallowed = 0
    for numbers in product((*_GOOD, inf, -inf), repeat=len(names)):
        if sum(_bad(number) is not Bad.NONE for number in numbers) != 1:
            continue
        made = _bad(function(*(torch.tensor(number) for number in numbers)).item())
        ours = _becomes(head, dict(zip(names, numbers, strict=True)))
        assert ours or made is Bad.NONE, (head, numbers, made)
        swallowed += not ours
    if head in ("tanh", "exp", "minimum", "maximum", "erf", "sigmoid", "atan", "sign", "logaddexp"):
        assert swallowed


@pytest.mark.parametrize(
    ("low", "high", "number", "expected"),
    [(0.0, 1.0, inf, False), (0.0, None, -inf, False), (0.0, None, inf, True), (None, 1.0, -inf, True)],
)
def test_clamp(low: float | None, high: float | None, number: float, *, expected: bool) -> None:
    """A clamp swallows what lies beyond a bound that it has."""
    assert bool(torch.tensor(number).clamp(low, high).isinf()) is expected
    operands = {name: bound for name, bound in (("x", number), ("min", low), ("max", high)) if bound is not None}
    assert _becomes("clamp", operands) is expected
