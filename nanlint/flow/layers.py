"""Layers as values: `nn.Sigmoid()`, `nn.Softmax(dim=1)`, `nn.Sequential(…, nn.Sigmoid())`, called later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nanlint.flow.apply import apply
from nanlint.ops import spellings, watched
from nanlint.ops.operation import Form, Spelling
from nanlint.values.value import UNKNOWN, Grounds, Kind, Terms, Value, replace


@dataclass(frozen=True, slots=True)
class Layers:
    """What a module computes: one step after the other; None for a layer nothing is known of."""

    steps: tuple[tuple[Spelling, tuple[tuple[str, Value], ...]] | None, ...]

    @property
    def loss(self) -> Spelling | None:
        """The loss of two tensors that this layer is, if it is one that a rule may speak of."""
        step = self.steps[0] if len(self.steps) == 1 else None
        return step[0] if step is not None and watched.is_loss(step[0]) else None

    def run(self, terms: Terms, x: Value, node: Any, framework: str) -> Value:
        """The result of calling the module on x."""
        value = x
        for step in self.steps:
            if step is None:
                value = replace(UNKNOWN, kind=Kind.TENSOR, term=terms.fresh(value.term), framework=framework)
            else:
                spelling, operands = step
                value = apply(terms, spelling, {**spelling.fixed, **dict(operands), "x": value}, node, framework)
        return value


def construct_layer(path: str, args: tuple[Value, ...], keywords: dict[str, Value]) -> Value | None:
    """The module that a constructor call makes, if it is one we know."""
    if path.endswith("nn.Sequential"):
        steps: list[Any] = []
        for arg in args:
            steps.extend(arg.payload.steps if isinstance(arg.payload, Layers) else [None])
        return Value(kind=Kind.MODULE, payload=Layers(tuple(steps)), grounds=Grounds.KNOWN)
    spelling = spellings.module(path)
    if spelling is None or spelling.form is not Form.MODULE:
        return Value(kind=Kind.MODULE, payload=Layers((None,))) if path.startswith("torch.nn.") else None
    operands = {name: arg for name, arg in zip(spelling.positions, args, strict=False) if name != "_"}
    for keyword, value in keywords.items():
        if (operand := spelling.keywords.get(keyword)) is not None:
            operands[operand] = value
    made: list[Any] = [(spelling, tuple(operands.items()))]
    if (activation := keywords.get("activation")) is not None and activation.kind is not Kind.NONE:
        known = spellings.activation(activation.payload) if activation.kind is Kind.STRING else None
        made.append(None if known is None else (known, ()))
    return Value(kind=Kind.MODULE, payload=Layers(tuple(made)), grounds=Grounds.KNOWN)
