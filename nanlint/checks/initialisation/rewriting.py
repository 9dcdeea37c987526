"""Initialisers that fit, written in the place of those that do not."""

from __future__ import annotations

from dataclasses import replace

from nanlint.checks.initialisation.faults import Chain, Fault, alike, is_sound
from nanlint.checks.initialisation.layers import Draw, Family
from nanlint.checks.initialisation.setting import Settings
from nanlint.checks.structure import scopes
from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.ir import nodes
from nanlint.ir.walk import statements
from nanlint.repair.edits import Repair

_HE = frozenset({"relu", "leaky_relu", "gelu", "silu", "elu", "softplus"})


def better(facts: Facts, settings: Settings, fault: Fault) -> Repair | None:
    """The canonical initialiser for the activation, if a signal comes through with it: that is reckoned again."""
    node = fault.draw.node
    if not _cures(fault):
        return None
    kind = "he" if fault.activation in _HE else "lecun" if fault.activation == "selu" else "xavier"
    if node is None:
        return _added(facts, fault, kind)
    library = _library(fault)
    text = {"torch": _torch, "keras": _keras, "flax": _flax}[library](facts, settings, fault, kind)
    if text is None:
        return None
    return Repair(Applicability.UNSAFE, _message(fault, kind), ((node, text),))


def _message(fault: Fault, kind: str) -> str:
    names = {"he": "He", "xavier": "Xavier", "lecun": "LeCun"}
    return f"{names[kind]} initialisation, which fits {fault.activation}"


def _added(facts: Facts, fault: Fault, kind: str) -> Repair | None:
    """A loop over the layers at the end of `__init__`, where they have their default."""
    made = [one.layer.made for one in fault.blamed if isinstance(one.layer.made, nodes.Call)]
    written = {id(one.layer.statement) for one in fault.blamed}
    for function, body in scopes(facts.body):
        inside = {id(statement) for statement in statements(body)}
        if function is not None and function.name == "__init__" and written <= inside and _library(fault) == "torch":
            last = body[-1]
            if not isinstance(last, nodes.Assign | nodes.Evaluate) or kind == "lecun":
                return None
            prefix = _prefix(facts, None)
            first = last.targets[0] if isinstance(last, nodes.Assign) else last.value
            line_break = facts.line_break(first)
            if prefix is None or line_break is None:
                return None
            kinds = sorted({facts.text(call.func) for call in made})
            classes = kinds[0] if len(kinds) == 1 else f"({', '.join(kinds)})"
            lines = [
                "for module in self.modules():",
                f"    if isinstance(module, {classes}):",
                f"        {_call(prefix, 'module.weight', kind)}",
            ]
            text = line_break.join([facts.text(last.value), *lines])
            return Repair(Applicability.UNSAFE, _message(fault, kind), ((last.value, text),))
    return None


def _call(prefix: str, target: str, kind: str) -> str:
    name, gain = ("kaiming_normal_", ', nonlinearity="relu"') if kind == "he" else ("xavier_normal_", "")
    return f"{prefix}.{name}({target}{gain})"


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
    call = _call(prefix, text, kind)
    if _takes_vectors(settings, fault):
        return f"{call} if {text}.dim() > 1 else {prefix}.zeros_({text})"
    return call


def _takes_vectors(settings: Settings, fault: Fault) -> bool:
    """Does the initialiser get the biases too? Those have no fan."""
    return any(one.bias is not None and settings.draw(one.layer, "bias") is fault.draw for one in fault.blamed)


def _prefix(facts: Facts, node: nodes.Expr | None) -> str | None:
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
