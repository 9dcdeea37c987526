"""nanlint is sound: what a random program computes lies in the ranges that nanlint claims for it.

NANLINT_SOUNDNESS=5000 pytest tests/soundness       more programs than usual, others on every run
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from nanlint.ops.catalogue import OPERATIONS
from nanlint.values.interval import Range
from nanlint.values.value import Value
from soundness import running
from soundness.programs import Case, Inputs, cases, make_case
from soundness.reducing import reduced

MANY = int(os.environ.get("NANLINT_SOUNDNESS", "0"))
FEW = 300


def violation(text: str, run: Inputs, claims: Mapping[int, Value] | None = None) -> running.Violation | None:
    """The first number of a run that lies outside of what nanlint claims."""
    execution = running.Execution(text)
    execution.run(run.arguments())
    return next(
        running.violations(running.claims(text) if claims is None else claims, execution.seen, extreme=run.extreme),
        None,
    )


def complaint(case: Case) -> str:
    """What is wrong with nanlint, shown by a program as small as possible; empty if nothing is."""
    claims = running.claims(case.text)
    for run in case.runs:
        found = violation(case.text, run, claims)
        if found is not None:
            text = reduced(case.text, partial(_fails, run=run, kind=found.kind))
            return f"{text}\n{violation(text, run)}\n{run}"
    return ""


def _fails(text: str, run: Inputs, kind: str) -> bool:
    """Is this program wrong in the same way? A text that is no program any more is not."""
    try:
        found = violation(text, run)
    except Exception:
        return False
    return found is not None and found.kind == kind


# reducing.py makes programs smaller, and knows better
@settings(
    max_examples=MANY or FEW,
    derandomize=not MANY,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(case=cases())
def test_computed_numbers_lie_in_the_claimed_ranges(case: Case) -> None:
    found = complaint(case)
    assert not found, "\n" + found


@contextmanager
def claimed(name: str, wrong: Range) -> Iterator[None]:
    """An operation whose result is said to be something else. The object itself changes: spellings are cached."""
    operation = OPERATIONS[name]
    right = operation.result
    object.__setattr__(operation, "result", lambda operands: wrong)
    try:
        yield
    finally:
        object.__setattr__(operation, "result", right)


@pytest.mark.parametrize(("name", "wrong"), [("sigmoid", Range(0.0, 0.4)), ("abs", Range(0.0, 1.0, lo_open=True))])
def test_a_wrong_range_is_found(name: str, wrong: Range) -> None:
    with claimed(name, wrong):
        shown = next(found for seed in range(1000) if (found := complaint(make_case(seed))))
    assert name in shown.lower()
    assert len(shown.splitlines()) < 25
