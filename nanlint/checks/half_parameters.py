"""Optimisers whose epsilon is 0 in the format of the parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.structure import key_of, names_in, scopes, targets_of
from nanlint.checks.wording import remark
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.ir import nodes
from nanlint.ir.walk import expressions, own_blocks, parts, statements
from nanlint.ops.spellings import namespace_value
from nanlint.repair.halves import larger_epsilon
from nanlint.values.rounding import round_to
from nanlint.values.value import DType

# the epsilon they have by default, and its place among the positional arguments; measured: with float16 parameters and
# a gradient of 0 the first step gives NaN
_OPTIMIZERS = {
    "Adam": (1e-8, 3),
    "AdamW": (1e-8, 3),
    "NAdam": (1e-8, 3),
    "Adamax": (1e-8, 3),
    "RMSprop": (1e-8, 3),
    "Adagrad": (1e-10, 5),
}
# the same model, wrapped or moved
_WRAPPERS = frozenset({"DataParallel", "DistributedDataParallel", "DDP", "FSDP", "compile"})
_MOVES = frozenset({"cuda", "cpu", "train", "eval", "requires_grad_", "to"})
_HALF = ("half", "float16")
_CONVERSIONS = {"half": DType.FLOAT16, "float": DType.FLOAT32, "bfloat16": DType.BFLOAT16, "double": DType.FLOAT64}
# these keep or make float32 weights for the optimiser
_LOOKED_AFTER = re.compile(r"deepspeed|apex|fp16_?optimizer|master|peft|lora|kbit|bitsandbytes", re.IGNORECASE)
_UPCAST = re.compile(r"fp32|float32|upcast|full_precision|cast_training", re.IGNORECASE)


@dataclass(slots=True)
class _Models:
    """The models of one scope, by name, that hold float16 parameters at this point; a model of another format has the
    value False."""

    half: dict[str, bool] = field(default_factory=dict)

    def is_half(self, expr: nodes.Expr) -> bool | None:
        """Is the value of the expression a model in float16? None where nothing tells."""
        key = key_of(expr)
        if key is not None:
            return self.half.get(key)
        func = expr.callee if isinstance(expr, nodes.Apply) else getattr(expr, "func", None)
        if not isinstance(expr, nodes.Apply | nodes.Call) or func is None:
            return None
        name = _last_name(func)
        if name in _WRAPPERS and expr.args:
            return self.is_half(expr.args[0])
        dtype = _dtype_given(expr, name)
        if dtype is not None:
            return dtype is DType.FLOAT16
        if isinstance(func, nodes.Attribute) and name in _MOVES and func.path is None:
            return self.is_half(func.base)
        return None

    def learn(self, statement: nodes.Stmt) -> None:
        """What a statement does to the models."""
        if isinstance(statement, nodes.Assign):
            known = self.is_half(statement.value)
            for target in targets_of(statement):
                self.half.pop(target, None)
                if known is not None:
                    self.half[target] = known
        elif isinstance(statement, nodes.Evaluate):
            self._changed(statement.value)
        elif isinstance(statement, nodes.For):
            self._converted_one_by_one(statement)

    def _changed(self, call: nodes.Expr) -> None:
        """`model.half()` changes the model itself, `convert_to_fp32(model)` does what it says."""
        func = call.callee if isinstance(call, nodes.Apply) else getattr(call, "func", None)
        key = key_of(func.base) if isinstance(func, nodes.Attribute) else None
        known = self.is_half(call) if key is not None else None
        if key is not None and known is not None:
            self.half[key] = known
        if isinstance(call, nodes.Call) and _UPCAST.search(_last_name(call.func)):
            for argument in call.args:
                self.half.pop(key_of(argument) or "", None)

    def _converted_one_by_one(self, loop: nodes.For) -> None:
        """`for p in model.parameters(): p.data = p.data.float()`"""
        assigned = (one for one in statements(loop.body) if isinstance(one, nodes.Assign))
        if any(key.endswith(".data") for one in assigned for key in targets_of(one)):
            for name in names_in(loop.iter):
                self.half.pop(name, None)


def half_parameters_with_adam(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """An adaptive optimiser with its default epsilon on the parameters of a model in float16."""
    if facts.chain or not (facts.mentions("parameters") and any(map(facts.mentions, _HALF))):
        return
    if any(map(_LOOKED_AFTER.search, facts.words())):
        return
    attributes: dict[str, bool] = {}
    for _, body in scopes(facts.body):
        models = _Models(dict(attributes))
        for call, statement in _made_of_half(body, models):
            name, size = _epsilon(call) or ("", 0.0)
            trouble = f"{name} divides by sqrt(v) + {size:.0e}".replace("e-0", "e-")
            repair = larger_epsilon(facts, call)
            yield remark(card, call, statement, Evidence.POSSIBLE, repair=repair, trouble=trouble)
        attributes.update((key, half) for key, half in models.half.items() if key.startswith("self."))


def _made_of_half(body: Sequence[nodes.Stmt], models: _Models) -> Iterator[tuple[nodes.Call, nodes.Stmt]]:
    """Optimisers of models that are in float16 where they are made; of two branches either may have been taken."""
    for statement in body:
        for expr in expressions(statement):
            if isinstance(expr, nodes.Call) and _epsilon(expr) is not None and _is_of_half(expr, models):
                yield expr, statement
        models.learn(statement)
        inside = [block for block in own_blocks(statement) if block]
        before, after = dict(models.half), dict(models.half)
        for block in inside:
            models.half = dict(before)
            yield from _made_of_half(block, models)
            after.update({key: half or after.get(key, False) for key, half in models.half.items()})
            for key in [key for key in after if key not in models.half]:
                del after[key]
        models.half = after


def _is_of_half(call: nodes.Call, models: _Models) -> bool:
    given = call.args[0] if call.args else call.keywords.get("params")
    if given is None or any(getattr(part, "name", "") == "requires_grad" for part in parts(given)):
        return False  # only some of them: those of an adapter, perhaps
    for part in parts(given):
        func = getattr(part, "func", None)
        if isinstance(func, nodes.Attribute) and func.name == "parameters" and models.is_half(func.base):
            return True
    return False


def _epsilon(call: nodes.Call) -> tuple[str, float] | None:
    """The optimiser's name and its epsilon, if that is 0 in float16."""
    path = getattr(call.func, "path", None) or ""
    name = path.rpartition(".")[2]
    if not path.startswith("torch.optim.") or name not in _OPTIMIZERS:
        return None
    size, place = _OPTIMIZERS[name]
    if any(isinstance(arg, nodes.Starred) for arg in call.args):
        return None
    given = call.keywords.get("eps") or (call.args[place] if len(call.args) > place else None)
    if given is not None:
        if not isinstance(given, nodes.Constant) or not isinstance(given.value, int | float):
            return None
        size = float(given.value)
    return (name, size) if round_to(size, DType.FLOAT16) == 0 else None


def _last_name(func: nodes.Expr) -> str:
    """`compile` of `torch.compile`."""
    if isinstance(func, nodes.Attribute):
        return func.name
    return func.id if isinstance(func, nodes.Name) else ""


def _dtype_given(call: nodes.Apply | nodes.Call, name: str) -> DType | None:
    """The format that a call converts to, or loads in."""
    if name in _CONVERSIONS and not call.args:
        return _CONVERSIONS[name]
    if name not in ("to", "from_pretrained"):
        return None
    for given in (*call.args, *call.keywords.values()):
        value = namespace_value(getattr(given, "path", None) or "")
        if value is not None and value.dtype is not None:
            return value.dtype
    return None
