"""Training in float16: the step that is taken whatever the gradients became."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.structure import names_in, scopes, targets_of
from nanlint.checks.wording import remark, shortened
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow.functions import decorator_path
from nanlint.ir import nodes
from nanlint.ir.walk import expressions, statements
from nanlint.ops.spellings import NO_GRAD, namespace_value
from nanlint.repair.halves import in_bfloat16
from nanlint.values.value import DType

_OF_CUDA = frozenset({"torch.cuda.amp.autocast", "torch.cuda.amp.autocast_mode.autocast"})
_OF_ANY = frozenset({"torch.autocast", "torch.amp.autocast", "torch.amp.autocast_mode.autocast"})

# whoever names one of these scales the loss, leaves that to a library, or chose another format elsewhere
_LOOKED_AFTER = re.compile(
    r"scaler|scale_loss|loss_scal|unscale|accelerat|deepspeed|fabric|lightning|colossal|set_autocast", re.IGNORECASE
)
_OF_DATA = re.compile(r"(?:Standard|MinMax|Robust|MaxAbs)Scaler")
_OPTIMIZER = re.compile(r"(?:.*[._])?(?:optim\w{0,60}|opt|opt_\w{1,60}|adam\w{0,60}|sgd)$", re.IGNORECASE)


def autocast_without_scaler(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """`with autocast(float16)` around a loss, `loss.backward()`, `optimizer.step()`, and no GradScaler in the file."""
    if facts.chain or not (facts.mentions("autocast") and facts.mentions("backward") and facts.mentions("step")):
        return
    if any(_LOOKED_AFTER.search(_OF_DATA.sub("", word)) for word in facts.words()):
        return
    for function, body in scopes(facts.body):
        decorators = () if function is None else function.decorators
        if any(decorator_path(each) in NO_GRAD for each in decorators) or not _steps(body):
            continue
        for region, call in _regions(body):
            if _is_trained(region, body):
                text = shortened(facts.text(call))
                repair = in_bfloat16(facts, call)
                yield remark(card, call, region, Evidence.POSSIBLE, repair=repair, expression=text)


def _regions(body: Sequence[nodes.Stmt]) -> Iterator[tuple[nodes.With, nodes.Call]]:
    """Every `with autocast(…)` that may compute in float16, outside of `no_grad`."""
    silenced = {
        id(inner)
        for statement in statements(body)
        if isinstance(statement, nodes.With) and any(_is_no_grad(item) for item, _ in statement.items)
        for inner in (statement, *statements(statement.body))
    }
    for statement in statements(body):
        if isinstance(statement, nodes.With) and id(statement) not in silenced:
            for item, _ in statement.items:
                if isinstance(item, nodes.Call) and _is_half(item):
                    yield statement, item


def _is_no_grad(item: nodes.Expr) -> bool:
    func = item.func if isinstance(item, nodes.Call) else item
    return getattr(func, "path", None) in NO_GRAD


def _is_half(call: nodes.Call) -> bool:
    """Does it compute in float16, as far as its arguments say?"""
    path = getattr(call.func, "path", None)
    enabled = call.keywords.get("enabled")
    if path not in _OF_CUDA | _OF_ANY or (isinstance(enabled, nodes.Constant) and enabled.value is False):
        return False
    if (dtype := _dtype(call, path)) is not None:
        value = namespace_value(getattr(dtype, "path", None) or "")
        return value is not None and value.dtype is DType.FLOAT16
    if path in _OF_CUDA:
        return True
    device = call.args[0] if call.args else call.keywords.get("device_type")
    return isinstance(device, nodes.Constant) and device.value == "cuda"  # elsewhere bfloat16 is the default


def _dtype(call: nodes.Call, path: str) -> nodes.Expr | None:
    return call.keywords.get("dtype") or (call.args[1] if len(call.args) > 1 else None)


def _is_trained(region: nodes.With, body: Sequence[nodes.Stmt]) -> bool:
    """Does `backward` start from something that was computed in the region?"""
    made = {name for statement in statements(region.body) for name in targets_of(statement)}
    everything = list(statements(body))
    for _ in range(3):  # `loss = total / steps`
        for statement in everything:
            if isinstance(statement, nodes.Assign) and made & names_in(statement.value):
                made.update(targets_of(statement))
    inside = {id(statement) for statement in statements(region.body)}
    for statement in everything:
        for receiver in _receivers(statement, "backward"):
            if id(statement) in inside or made & names_in(receiver):
                return True
    return False


def _steps(body: Sequence[nodes.Stmt]) -> bool:
    """Is there an `optimizer.step()`?"""
    return any(
        any(map(_OPTIMIZER.match, names_in(receiver)))
        for statement in statements(body)
        for receiver in _receivers(statement, "step")
    )


def _receivers(statement: nodes.Stmt, method: str) -> Iterator[nodes.Expr]:
    """Every `x` of `x.method()`, with keywords at most: a loss or an optimiser has no further arguments."""
    for expr in expressions(statement):
        func = expr.func if isinstance(expr, nodes.Call) and not expr.args else None
        if isinstance(func, nodes.Attribute) and func.name == method and func.path is None:
            yield func.base
