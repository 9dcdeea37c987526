"""Where TensorFlow and optax use gradients, and how they are clipped before: a loop under a tape, a chain."""

from __future__ import annotations

from collections.abc import Iterator

from nanlint.checks.literals import Place, literals_of
from nanlint.checks.optimizers import optimizers
from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.ir import nodes
from nanlint.repair.edits import Repair
from nanlint.repair.recipe import put_before

Sink = tuple[nodes.Call, nodes.Stmt, Repair | None]


def sinks(facts: Facts, limit: float) -> Iterator[Sink]:
    """`optimizer.apply_gradients(…)` under a tape, and the optimisers of optax, each with the repair that clips."""
    file = literals_of(facts)
    if facts.mentions("GradientTape"):
        for place in file.calls:
            if getattr(place.call.func, "name", "") == "apply_gradients" and place.call.args:
                yield place.call, place.statement, _clipped_by_norm(facts, place, limit)
    elif facts.mentions("apply_updates", "TrainState"):
        for made in optimizers(file):
            if made.framework == "optax":
                yield made.call, made.place.statement, _chained(facts, made.call, limit)


def _clipped_by_norm(facts: Facts, place: Place, limit: float) -> Repair | None:
    """A line before `apply_gradients(zip(gradients, variables))`."""
    pairs = place.call.args[0]
    gradients = pairs.args[0] if isinstance(pairs, nodes.Call) and len(pairs.args) == 2 else None
    name = next((name for name, path in facts.imports.items() if path == "tensorflow"), None)
    if not isinstance(gradients, nodes.Name) or name is None or not isinstance(place.statement, nodes.Evaluate):
        return None
    if place.statement.value is not place.call:
        return None
    line = f"{gradients.id}, _ = {name}.clip_by_global_norm({gradients.id}, {limit})"
    return put_before(facts, place.statement, [line], f"clip the norm of the gradients to {limit}")


def _chained(facts: Facts, call: nodes.Call, limit: float) -> Repair | None:
    """The optimiser behind a clip."""
    name = next((name for name, path in facts.imports.items() if path == "optax"), None)
    if name is None:
        return None
    text = f"{name}.chain({name}.clip_by_global_norm({limit}), {facts.text(call)})"
    return Repair(Applicability.UNSAFE, f"clip the norm of the gradients to {limit}", ((call, text),))
