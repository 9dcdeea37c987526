"""One program of the zoo: what its head says, and how a run of it ends.

A program is a file with a function `train(steps)` that yields one loss per step; where no optimiser of torch holds the
parameters, it yields them with it. Its docstring ends with a head:

    cause: log of zero
    model: MLP
    fails: nan-loss by step 20
    far: the loss is finite; it is the weights that are gone      (only where the symptom is far from its cause)
    note: why nanlint names another line than a run-time check    (only where it does)
    cure: why the automatic repair alone is not enough            (only where it is not)
"""

from __future__ import annotations

import ast
import importlib.util
import itertools
import math
import re
import statistics
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blame import Blame, blame

FAILURES = ("nan-loss", "inf-loss", "nan-parameters", "divergence", "no-learning")
DIVERGED = 100.0  # times the first loss
LONGER = 10  # times the steps it took to fail, the repaired program must train
SHORTEST = 100  # steps, at least
LEARNED = 0.95  # of the first loss, at most, is what the last losses must come to

_FIELD = re.compile(r"^(?P<key>[a-z]+): (?P<value>.+(?:\n  +.+)*)$", re.M)


@dataclass(frozen=True)
class Program:
    """A file of the zoo and what its head claims."""

    path: Path
    title: str
    head: dict[str, str]

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def fails(self) -> tuple[str, int]:
        """How it fails, and the step by which it has."""
        how, _, step = self.head["fails"].partition(" by step ")
        return how, int(step)

    @property
    def missing(self) -> list[str]:
        """The libraries it needs that are not installed."""
        return sorted(name for name in imported(self.path) if importlib.util.find_spec(name) is None)


@dataclass
class Outcome:
    """How a run ended: "trains" or one of FAILURES, or the exception that ended it."""

    verdict: str
    step: int
    losses: list[float] = field(default_factory=list)

    @property
    def ends(self) -> tuple[float, float]:
        """The first loss, and the median of the last tenth."""
        return self.losses[0], statistics.median(self.losses[-max(1, len(self.losses) // 10) :])


def read(path: Path) -> Program:
    """The program's head."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    head = {found["key"]: " ".join(found["value"].split()) for found in _FIELD.finditer(text)}
    return Program(path, text.partition("\n")[0].rstrip("."), head)


def run(path: Path, steps: int) -> Outcome:
    """Train, and stop at the first sign of failure."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    broken = []

    def look(optimizer: Any, *_: object) -> None:
        tensors = (p for group in optimizer.param_groups for p in group["params"])
        if not all(p.isfinite().all() for p in tensors):
            broken.append(True)

    hook = register_optimizer_step_post_hook(look)
    losses: list[float] = []
    try:
        for step, given in enumerate(_training(path, steps)):
            loss, parameters = given if isinstance(given, tuple) else (given, ())
            losses.append(float(loss))
            if math.isnan(losses[-1]):
                return Outcome("nan-loss", step, losses)
            if math.isinf(losses[-1]):
                return Outcome("inf-loss", step, losses)
            if broken or not _is_finite(parameters):
                return Outcome("nan-parameters", step, losses)
            if abs(losses[-1]) > DIVERGED * max(abs(losses[0]), 1e-3):
                return Outcome("divergence", step, losses)
    except Exception as error:
        return Outcome(f"{type(error).__name__}: {error}".splitlines()[0], len(losses), losses)
    finally:
        hook.remove()
    outcome = Outcome("trains", steps - 1, losses)
    first, last = outcome.ends
    if last > first - (1 - LEARNED) * abs(first):
        outcome.verdict = "no-learning"
    return outcome


def blame_of(path: Path, steps: int) -> Blame | None:
    """What a check of every operation blames in these steps: none if every number is finite."""
    return blame(path, lambda: _training(path, steps), of_jax="jax" in imported(path))


def _training(path: Path, steps: int) -> Iterator[Any]:
    warnings.simplefilter("ignore")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return itertools.islice(module.train(steps), steps)


def imported(path: Path) -> set[str]:
    """The libraries that a program imports."""
    names: set[str] = set()
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            names.add(statement.module.partition(".")[0])
    return names


def _is_finite(parameters: object) -> bool:
    import numpy as np
    from torch.utils._pytree import tree_leaves

    return all(bool(np.isfinite(np.asarray(leaf)).all()) for leaf in tree_leaves(parameters))


def same_statement(text: str, line: int, others: Sequence[int]) -> bool:
    """Does one of the other lines belong to the innermost statement of this line?"""
    spans = [
        (node.end_lineno - node.lineno, node.lineno, node.end_lineno)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.stmt) and node.end_lineno is not None and node.lineno <= line <= node.end_lineno
    ]
    _, start, end = min(spans, default=(0, line, line))
    return any(start <= other <= end for other in others)
