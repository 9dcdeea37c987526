"""Questions to the facts, answered as findings. A card names the check that serves it, or just its operations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from nanlint.cards import Card
from nanlint.checks.accumulation import gradients_never_zeroed
from nanlint.checks.angles import inverse_trig
from nanlint.checks.clipping import clipping_out_of_place, clipping_scaled_gradients
from nanlint.checks.epsilons import ineffective_epsilon
from nanlint.checks.exponentials import log_of_sigmoid, log_sum_exp_by_hand, softmax_by_hand
from nanlint.checks.finding import Finding
from nanlint.checks.gradients import where_trap
from nanlint.checks.half_constants import half_overflow_constant
from nanlint.checks.half_losses import loss_in_half
from nanlint.checks.half_parameters import half_parameters_with_adam
from nanlint.checks.hyper_parameters import optimizer_setting_out_of_range
from nanlint.checks.initial_weights import constant_init, init_does_not_match_activation, unscaled_random_init
from nanlint.checks.learning_rates import learning_rate_too_high
from nanlint.checks.lengths import norm_gradient
from nanlint.checks.limits import clipping_disabled
from nanlint.checks.losses import bce_on_sigmoid, ctc_loss
from nanlint.checks.masks import masked_softmax
from nanlint.checks.memory import uninitialised_memory
from nanlint.checks.missing_values import unchecked_missing_values
from nanlint.checks.mixed_precision import autocast_without_scaler
from nanlint.checks.norms import division_by_norm, norm_by_hand
from nanlint.checks.operands import operands
from nanlint.checks.overflow import exp_overflow
from nanlint.checks.patience import gave_up
from nanlint.checks.powers import fractional_power
from nanlint.checks.products import zero_times_infinity, zero_times_log_zero
from nanlint.checks.raw_inputs import unnormalised_input
from nanlint.checks.regularisation import missing_regularisation
from nanlint.checks.schedules import missing_warmup
from nanlint.checks.selections import mean_of_nothing
from nanlint.checks.spread import std_of_one_element
from nanlint.checks.swept import nan_swept_under
from nanlint.checks.unclipped import missing_gradient_clipping
from nanlint.config import RuleOptions, Settings
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow.uses import Use

__all__ = ["CHECKS", "run_checks"]

Check = Callable[[Card, Facts, RuleOptions], Iterator[Finding]]

CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        gave_up,
        log_of_sigmoid,
        log_sum_exp_by_hand,
        softmax_by_hand,
        division_by_norm,
        norm_by_hand,
        where_trap,
        exp_overflow,
        zero_times_log_zero,
        zero_times_infinity,
        inverse_trig,
        fractional_power,
        bce_on_sigmoid,
        norm_gradient,
        ctc_loss,
        masked_softmax,
        std_of_one_element,
        mean_of_nothing,
        nan_swept_under,
        uninitialised_memory,
        unscaled_random_init,
        constant_init,
        unnormalised_input,
        init_does_not_match_activation,
        ineffective_epsilon,
        half_overflow_constant,
        half_parameters_with_adam,
        loss_in_half,
        autocast_without_scaler,
        learning_rate_too_high,
        optimizer_setting_out_of_range,
        clipping_out_of_place,
        clipping_scaled_gradients,
        clipping_disabled,
        gradients_never_zeroed,
        missing_gradient_clipping,
        missing_warmup,
        missing_regularisation,
        unchecked_missing_values,
    )
}


def run_checks(cards: Iterable[Card], facts: Facts, settings: Settings) -> list[Finding]:
    """What all cards find, less what a more specific card says better about the same use.

    Every function is seen on its own, and again in each call of it, with what the call passes. Of one place the
    strongest finding is kept; a function whose callers are all known is judged by them.
    """
    cards = tuple(cards)
    alone = _found(cards, facts, settings)
    in_calls = [one for inner in facts.in_calls() for one in _found(cards, inner, settings) if _is_new(one, facts)]
    confirmed = {_place(one) for one in in_calls}
    kept = [judged for one in alone if (judged := _as_called(one, confirmed, facts)) is not None]
    found = _most_specific(_strongest(_uncovered([*kept, *in_calls])))
    return [replace(one, evidence=Evidence.UNKNOWN) for one in found] if facts.is_test else found


def _as_called(one: Finding, confirmed: Collection[tuple[str, int]], facts: Facts) -> Finding | None:
    """A finding where nothing is known of the callers. If the function is private and all of them are known, it says
    nothing; if others may call it, it is less sure where all calls in sight are fine."""
    if one.use is None or not facts.is_called_here(one.use):
        return one
    if facts.is_seen_in_calls(one.use):
        return None
    fine = one.evidence is Evidence.POSSIBLE and _place(one) not in confirmed and _is_safe_in_calls(one.use, facts)
    return replace(one, evidence=Evidence.UNKNOWN) if fine else one


def _is_safe_in_calls(use: Use, facts: Facts) -> bool:
    """Does every call pass what stays in the safe range? That a call says less than the function's own text, because it
    passes made-up numbers or those of a model, refutes nothing."""
    hazard = use.operation.hazard
    if hazard is None:
        return False
    for met in facts.in_all_calls(use):
        value = met.values.get(hazard.operand)
        safe = hazard.smooth if hazard.smooth is not None and met.differentiable else hazard.safe
        if value is None or not value.range.with_nan(False) <= safe:
            return False
    return True


def _uncovered(found: list[Finding]) -> Iterator[Finding]:
    """`exp` in a softmax by hand is mended together with the softmax; that an epsilon has no effect says more than that
    its operand may be 0."""
    covered = {one.covers for one in found if one.covers is not None}
    for one in found:
        term = None if one.use is None else one.use.result.term
        if term is one.covers or term not in covered:
            yield one


def _is_new(one: Finding, facts: Facts) -> bool:
    """In another file only what this file passes to it is our affair, and in this file only what it passes itself."""
    if one.use is None or facts.elsewhere(one.use) is None:
        return not one.chain or one.chain[-1].filename == one.chain[0].filename
    return one.evidence > Evidence.UNKNOWN and not facts.is_known_alone(one.use, one.evidence)


def _found(cards: Iterable[Card], facts: Facts, settings: Settings) -> list[Finding]:
    found: list[Finding] = []
    for card in cards:
        check = operands if card.check is None else CHECKS.get(card.check)
        if check is not None:  # the engine serves the rest
            found += check(card, facts, settings.options(card.code, card.name))
    return found


def _strongest(found: Iterable[Finding]) -> Iterator[Finding]:
    """Of the findings of one rule about one place, met in several calls, that with the best evidence; the first of
    equals, which is that of the function alone."""
    best: dict[tuple[str, int], Finding] = {}
    for one in found:
        place = _place(one)
        before = best.get(place)
        if before is None or one.evidence > before.evidence:
            best[place] = one
    return iter(best.values())


def _place(one: Finding) -> tuple[str, int]:
    """The rule and the expression: two findings of one place are one."""
    return one.card.code, id(one.node.origin)


def _most_specific(found: Iterable[Finding]) -> list[Finding]:
    best: dict[int, int] = {}
    kept = list(found)
    for one in kept:
        use = id(one.subject.origin)
        best[use] = max(best.get(use, 0), _specificity(one.card))
    return [one for one in kept if _specificity(one.card) == best[id(one.subject.origin)]]


def _specificity(card: Card) -> int:
    """What a project says of an operation itself wins; a pattern knows more than "made by", and that more than the bare
    operation."""
    return 3 if card.custom else 2 if card.check is not None else 1 if card.operand_from else 0
