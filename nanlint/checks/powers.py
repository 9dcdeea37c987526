"""Powers other than polynomials: `x ** 0.4` is infinitely steep at 0 and NaN below it, `x ** -2` is infinite at 0."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.gradients import is_shielded, with_power_hazard
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.repair import guards
from nanlint.values.value import DType, Term

_WHOLE = (DType.INTEGER, DType.BOOLEAN)


def fractional_power(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """A base that reaches 0 or goes below it under an exponent that does not allow that."""
    for use in facts.uses(("pow",)):
        breaking, value = with_power_hazard(use), use.values.get("x")
        if breaking.operation.hazard is None or value is None:
            continue
        trouble = facts.trouble(breaking)
        if trouble is None or (trouble.gradient_only and (value.dtype in _WHOLE or not value.differentiable)):
            continue
        if trouble.gradient_only and (_is_shielded(use, value.term) or _is_noise(value.term)):
            continue
        if value.term is not None and _is_wave(value.term):
            # of angles below 90° a cosine is positive; that it is negative elsewhere tells nothing
            trouble = replace(trouble, evidence=Evidence.UNKNOWN)
        repair = guards.epsilon_inside(facts, breaking, options)
        node = use.node.operands.get("x")
        yield finding(card, facts, breaking, trouble, operand=node, reasons=value, repair=repair)


def _is_shielded(use: Use, term: Term | None) -> bool:
    """Behind a relu; that of TensorFlow multiplies gradients by 0, and lets NaN pass."""
    return use.framework in ("torch", "jax") and is_shielded(term)


def _is_noise(term: Term | None) -> bool:
    """Is it made of random numbers and constants only? With respect to those no gradient is taken."""
    if term is None or term.head == "random":
        return term is not None
    parts = [part for part in term.args if isinstance(part, Term) and part.head != "const"]
    return term.head != "fresh" and bool(parts) and all(map(_is_noise, parts))


def _is_wave(term: Term) -> bool:
    """A sine or cosine, or a product with one."""
    term = peel(term)
    if term.head in ("mul", "div", "neg"):
        return any(isinstance(part, Term) and _is_wave(part) for part in term.args)
    return term.head in ("sin", "cos")
