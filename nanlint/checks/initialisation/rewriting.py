"""Initialisers that fit, written in the place of those that do not."""

from __future__ import annotations

from dataclasses import replace

from nanlint.checks.initialisation.faults import Chain, Fault, alike, is_sound
from nanlint.checks.initialisation.layers import Draw, Family
from nanlint.checks.initialisation.setting import Settings
from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.ir import nodes
from nanlint.repair.edits import Repair

_HE = frozenset({"relu", "leaky_relu", "gelu", "silu", "elu", "softplus"})


def better(facts: Facts, settings: Settings, fault: Fault) -> Repair | None:
    """The canonical initialiser for the activation, if a signal comes through with it: that is reckoned again."""
    node = fault.draw.node
    if node is None or not _cures(fault):
        return None
    kind = "he" if fault.activation in _HE else "lecun" if fault.activation == "selu" else "xavier"
    library = _library(fault)
    text = {"torch": _torch, "keras": _keras, "flax": _flax}[library](facts, settings, fault, kind)
    if text is None:
        return None
    names = {"he": "He", "xavier": "Xavier", "lecun": "LeCun"}
    message = f"{names[kind]} initialisation, which fits {fault.activation}"
    return Repair(Applicability.UNSAFE, message, ((node, text),))


def _cures(fault: Fault) -> bool:
    size = 2.0 if fault.activation in _HE else 1.0
    good = Draw(Family.SCALED, size, "")
    # the others of its kind have repairs of their own
    cured: Chain = tuple(
        replace(one, draw=good) if one.draw.family is fault.draw.family else one for one in fault.chain
    )
    return is_sound(cured) and not any(True for _ in alike(cured))


def _library(fault: Fault) -> str:
    layer = fault.blamed[0].layer
    made = layer.made
    path = (getattr(made.func, "path", None) or "") if isinstance(made, nodes.Call) else ""
    return "flax" if path.startswith("flax.") else "torch" if path.startswith("torch.") or not layer.kind else "keras"


def _torch(facts: Facts, settings: Settings, fault: Fault, kind: str) -> str | None:
    """`nn.init.kaiming_normal_(m.weight, nonlinearity="relu")`"""
    node = fault.draw.node
    target = settings.target(fault.blamed[0].layer, fault.draw)
    if target is None or node is None:
        return _scaled(facts, fault, kind)
    prefix = _prefix(facts, node)
    if prefix is None or kind == "lecun":
        return None
    text = facts.text(target)
    if any(layer.made is target for layer in settings.everything):
        return None
    call = (
        f'{prefix}.kaiming_normal_({text}, nonlinearity="relu")' if kind == "he" else f"{prefix}.xavier_normal_({text})"
    )
    if _takes_vectors(settings, fault):
        name = prefix
        return f"{call} if {text}.dim() > 1 else {name}.zeros_({text})"
    return call


def _takes_vectors(settings: Settings, fault: Fault) -> bool:
    """Does the initialiser get the biases too? Those have no fan."""
    return any(one.bias is not None and settings.draw(one.layer, "bias") is fault.draw for one in fault.blamed)


def _prefix(facts: Facts, node: nodes.Expr) -> str | None:
    """`nn.init`, as the file spells it."""
    func = node.func if isinstance(node, nodes.Call) else None
    if isinstance(func, nodes.Attribute) and (func.path or "").startswith("torch.nn.init."):
        return facts.text(func.base)
    spelled = {path: name for name, path in facts.imports.items()}
    for path, rest in (("torch.nn.init", ""), ("torch.nn", ".init"), ("torch", ".nn.init")):
        if path in spelled:
            return spelled[path] + rest
    return None


def _scaled(facts: Facts, fault: Fault, kind: str) -> str | None:
    """`torch.randn(m, n) * (2 / m) ** 0.5`"""
    node = fault.draw.node
    if not isinstance(node, nodes.Apply) or node.spelling.operation.name != "randn" or len(fault.blamed) != 1:
        return None
    sizes = node.args[0].items if node.args and isinstance(node.args[0], nodes.Display) else node.args
    if len(sizes) != 2 or "requires_grad" in node.keywords or node.callee is not None:
        return None
    inputs = facts.text(sizes[0])
    inputs = inputs if inputs.replace(".", "").replace("_", "").isalnum() else f"({inputs})"
    return f"{facts.text(node)} * ({2 if kind == 'he' else 1} / {inputs}) ** 0.5"


def _keras(facts: Facts, settings: Settings, fault: Fault, kind: str) -> str | None:
    return {"he": '"he_normal"', "xavier": '"glorot_uniform"', "lecun": '"lecun_normal"'}[kind]


def _flax(facts: Facts, settings: Settings, fault: Fault, kind: str) -> str | None:
    node = fault.draw.node
    func = node.func if isinstance(node, nodes.Call) else node
    if not isinstance(func, nodes.Attribute):
        return None
    name = {"he": "he_normal", "xavier": "xavier_normal", "lecun": "lecun_normal"}[kind]
    return f"{facts.text(func.base)}.{name}()"
