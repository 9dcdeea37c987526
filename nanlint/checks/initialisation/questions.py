"""The conditions of initialising code, answered for one layer: `isinstance(m, nn.Linear)`, `"weight" in name`."""

from __future__ import annotations

from dataclasses import dataclass

from nanlint.checks.initialisation.layers import Layer
from nanlint.ir import nodes

_CONVOLUTIONS = frozenset({"Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"})
_BASES = {"Module": None, "_ConvNd": _CONVOLUTIONS, "_ConvTransposeNd": _CONVOLUTIONS}
_DIMENSIONS = frozenset({"dim", "ndimension", "ndim", "size"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which layer something is asked.

    Attributes:
        part: "weight" or "bias".
        name: the attribute that it is kept in; None if nobody knows.
    """

    layer: Layer
    part: str
    name: str | None


def answer(test: nodes.Expr, of: Asked) -> bool | None:
    """Is the condition true? None if nobody knows."""
    match test:
        case nodes.Not():
            inner = answer(test.operand, of)
            return None if inner is None else not inner
        case nodes.Logical():
            left, right = answer(test.left, of), answer(test.right, of)
            decisive = test.operator == "or"
            if decisive in (left, right):
                return decisive
            return None if None in (left, right) else not decisive
        case nodes.Compare():
            return _compared(test, of)
        case nodes.Call() | nodes.Apply():
            return _called(test, of)
        case nodes.Attribute():
            # `p.requires_grad`, `if m.bias:`
            return {"requires_grad": True, "bias": of.layer.bias is not None, "weight": True}.get(test.name)
    return None


def _called(test: nodes.Call | nodes.Apply, of: Asked) -> bool | None:
    func = test.func if isinstance(test, nodes.Call) else test.callee
    name, args = _word(func), test.args
    if name == "isinstance" and len(args) == 2:
        return _is_one_of(args[1], of.layer)
    if name == "hasattr" and len(args) == 2 and isinstance(args[1], nodes.Constant):
        return {"weight": True, "bias": of.layer.bias is not None}.get(str(args[1].value))
    if name in ("endswith", "startswith") and args and isinstance(args[0], nodes.Constant):
        whole = f"{of.name}.{of.part}"
        word = str(args[0].value)
        if name == "endswith" and word.lstrip(".") in ("weight", "bias"):
            return word.lstrip(".") == of.part
        return None if of.name is None else getattr(whole, name)(word)
    return None


def _compared(test: nodes.Compare, of: Asked) -> bool | None:
    if len(test.links) != 1:
        return None
    sign, right = test.links[0]
    left = test.left
    if sign in ("is", "is not") and isinstance(right, nodes.Constant) and right.value is None:
        has = {"bias": of.layer.bias is not None, "weight": True}.get(_word(left))
        return None if has is None else has == (sign == "is not")
    if isinstance(left, nodes.Call) and _word(left.func) == "type":
        found = _is_one_of(right, of.layer)
        return None if found is None else found == (sign in ("==", "is", "in"))
    if isinstance(left, nodes.Call) and _word(left.func) == "find" and left.args:  # `classname.find("Conv") != -1`
        found = _in_class_name(left.args[0], of.layer)
        return None if found is None or sign not in ("!=", "==", ">", ">=") else found == (sign != "==")
    if sign in ("in", "not in") and isinstance(left, nodes.Constant) and isinstance(left.value, str):
        holds = _in_name(left.value, right, of)
        return None if holds is None else holds == (sign == "in")
    if sign == "==" and isinstance(right, nodes.Constant) and isinstance(right.value, str):
        return right.value == of.layer.kind if "name" in _word(left) and right.value[:1].isupper() else None
    return _dimensions(left, sign, right, of)


def _in_class_name(word: nodes.Expr, layer: Layer) -> bool | None:
    return str(word.value) in layer.kind if isinstance(word, nodes.Constant) else None


def _in_name(word: str, holder: nodes.Expr, of: Asked) -> bool | None:
    """Of `"weight" in name` and `"Linear" in classname`."""
    if word in ("weight", "bias"):
        return word == of.part
    if word[:1].isupper() or "class" in _word(holder):
        return word in of.layer.kind
    return None if of.name is None else word in f"{of.name}.{of.part}"


def _dimensions(left: nodes.Expr, sign: str, right: nodes.Expr, of: Asked) -> bool | None:
    """`p.dim() > 1`, `len(p.shape) >= 2`"""
    number = right.value if isinstance(right, nodes.Constant) else None
    called = getattr(left, "func", getattr(left, "callee", None))
    asks = _word(left) in _DIMENSIONS or _word(called) in _DIMENSIONS
    if not asks and isinstance(left, nodes.Call | nodes.Apply) and left.args:
        asks = _word(left.args[0]) == "shape" or (_word(called) in ("len", "") and "shape" in _word(left.args[0]))
    if not asks or not isinstance(number, int):
        return None
    if of.part == "weight" and number > 2:
        return None
    rank = 1 if of.part == "bias" else 2
    replies = {">": rank > number, ">=": rank >= number, "==": rank == number, "<": rank < number, "!=": rank != number}
    return replies.get(sign) if rank == 1 or sign in (">", ">=", "<") else None


def _is_one_of(classes: nodes.Expr, layer: Layer) -> bool | None:
    """Is the layer an instance of one of these classes? Names that are not classes of layers cannot be asked."""
    listed = classes.items if isinstance(classes, nodes.Display) else (classes,)
    replies: set[bool | None] = set()
    for one in listed:
        name = _word(one)
        if name in _BASES:
            kinds = _BASES[name]
            replies.add(kinds is None or layer.kind in kinds)
        else:
            replies.add(name == layer.kind if name[:1].isupper() else None)
    return True if True in replies else None if None in replies else False


def _word(expr: object) -> str:
    for name in ("name", "id"):
        if isinstance(word := getattr(expr, name, None), str):
            return word
    return ""
