"""What a check at run time blames: the first operation that made inf of finite numbers, or NaN of none.

In torch, and in Keras on top of it, every operation of forward, backward and optimiser is watched; in jax it is the
library's own check, `jax_debug_nans` and `jax_debug_infs`.
"""

from __future__ import annotations

import math
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Training = Callable[[], Iterable[object]]


@dataclass(frozen=True)
class Blame:
    """The operation, and the line that called it."""

    operation: str
    line: int
    phase: str  # forward, backward or step


def blame(path: Path, training: Training, *, of_jax: bool) -> Blame | None:
    """What is blamed while the program at this path trains: none if every number is finite."""
    if of_jax:
        return _in_jax(path, training)
    first = _in_torch(path, training, traced=False)
    # only with its traces, which are slow, does torch know which line a backward operation belongs to
    return _in_torch(path, training, traced=True) if first is not None and first.phase == "backward" else first


def _in_torch(path: Path, training: Training, *, traced: bool) -> Blame | None:
    import torch

    with torch.autograd.set_detect_anomaly(traced, check_nan=False), _watch(path):
        try:
            for _ in training():
                pass
        except _Found as found:
            return found.blame
        except Exception:
            return None
    return None


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
        step |= "/optim/" in frame.f_code.co_filename or "/optimizers/" in frame.f_code.co_filename
        frame = frame.f_back  # type: ignore[assignment]
    return Blame(operation, frame.f_lineno if frame else 0, "step" if step else "forward")


def _in_jax(path: Path, training: Training) -> Blame | None:
    import jax

    for setting in ("jax_debug_nans", "jax_debug_infs"):
        jax.config.update(setting, True)
    try:
        for _ in training():
            pass
    except FloatingPointError as error:
        return _of_error(path, error)
    return None


def _of_error(path: Path, error: BaseException) -> Blame:
    """The operation that jax names, and the innermost line of the program on the way to it."""
    operation = re.search(r"encountered in (?:jit\()?(\w+)", str(error))
    seen: BaseException | None = error
    lines: list[int] = []
    while seen is not None:
        # of an operation of the backward pass, the cause of the error shows where the forward one stands
        lines += [int(one.lineno or 0) for one in traceback.extract_tb(seen.__traceback__) if one.filename == str(path)]
        seen = seen.__cause__
    return Blame(operation[1] if operation else "?", lines[-1] if lines else 0, "forward")
