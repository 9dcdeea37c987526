"""One program of the zoo: what its head says, how a run of it ends, and what a run-time check would blame.

A program is a file with a function `train(steps)` that yields one loss per step. Its docstring ends with a head:

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
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FAILURES = ("nan-loss", "inf-loss", "nan-parameters", "divergence", "no-learning")
DIVERGED = 100.0  # times the first loss
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


@dataclass(frozen=True)
class Blame:
    """The first operation that made inf of finite numbers, or NaN of none, and the line that called it."""

    operation: str
    line: int
    phase: str  # forward, backward or step


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
        for step, loss in enumerate(_losses(path, steps)):
            losses.append(float(loss))
            if math.isnan(losses[-1]):
                return Outcome("nan-loss", step, losses)
            if math.isinf(losses[-1]):
                return Outcome("inf-loss", step, losses)
            if broken:
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


def blame(path: Path, steps: int) -> Blame | None:
    """What a check of every operation blames in these steps: none if every number is finite."""
    first = _blame(path, steps, traced=False)
    # only with its traces, which are slow, does torch know which line a backward operation belongs to
    return _blame(path, steps, traced=True) if first is not None and first.phase == "backward" else first


def _blame(path: Path, steps: int, *, traced: bool) -> Blame | None:
    import torch

    with torch.autograd.set_detect_anomaly(traced, check_nan=False), _watch(path):
        try:
            for _ in _losses(path, steps):
                pass
        except _Found as found:
            return found.blame
        except Exception:
            return None
    return None


def _losses(path: Path, steps: int) -> Iterator[Any]:
    warnings.simplefilter("ignore")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return itertools.islice(module.train(steps), steps)


class _Found(BaseException):  # not an Exception: no program may catch it
    def __init__(self, culprit: Blame) -> None:
        self.blame = culprit


def _watch(path: Path) -> Any:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    def spoilt(values: object) -> int:
        """0 where every number is finite, 1 where one is infinite, 2 where one is NaN."""
        worst = 0
        for leaf in tree_leaves(values):
            if isinstance(leaf, float) and not math.isfinite(leaf):
                worst = max(worst, 2 if math.isnan(leaf) else 1)
            if isinstance(leaf, torch.Tensor) and leaf.is_floating_point() and not leaf.isfinite().all():
                worst = max(worst, 2 if leaf.isnan().any() else 1)
        return worst

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            mutable = func._schema.is_mutable
            before = spoilt((args, kwargs)) if mutable else 0
            out = func(*args, **(kwargs or {}))
            name = func._schema.name.partition("::")[2]
            after = spoilt((out, args) if mutable else out)
            if "empty" in name or not after:
                return out
            if not mutable:
                before = spoilt((args, kwargs))
            if before < after:
                raise _Found(_place(path, name))
            return out

    return Watch()


def _place(path: Path, operation: str) -> Blame:
    """The line of the program that called the operation, or whose backward it belongs to."""
    import torch

    node = torch._C._current_autograd_node()
    if node is not None:
        lines = re.findall(rf'File "{re.escape(str(path))}", line (\d+)', "".join(node.metadata.get("traceback_", ())))
        return Blame(operation, int(lines[-1]) if lines else 0, "backward")
    frame = sys._getframe()
    step = False
    while frame is not None and frame.f_code.co_filename != str(path):
        step |= "/optim/" in frame.f_code.co_filename
        frame = frame.f_back  # type: ignore[assignment]
    return Blame(operation, frame.f_lineno if frame else 0, "step" if step else "forward")


def same_statement(text: str, line: int, others: Sequence[int]) -> bool:
    """Does one of the other lines belong to the innermost statement of this line?"""
    spans = [
        (node.end_lineno - node.lineno, node.lineno, node.end_lineno)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.stmt) and node.end_lineno is not None and node.lineno <= line <= node.end_lineno
    ]
    _, start, end = min(spans, default=(0, line, line))
    return any(start <= other <= end for other in others)
