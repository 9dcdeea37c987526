"""What a card calls bad really gives NaN or Inf in torch, on the input the card states; what it calls good does not.

An input block prepares tensors and ends with an expression. The value of the expression (a tensor, several, or a
module or number) is looked at, its sum is differentiated, and then the gradient of every tensor of the block and of
every parameter is looked at too. Where the fault is that a network does not learn, the block ends with an assertion,
which fails for what is bad.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from nanlint.cards import Card, Example, load_cards

CARDS = [card for card in load_cards() if not card.code.startswith("NAN00")]
EXAMPLES = [(card, example) for card in CARDS for example in card.examples if example.input is not None]


def _id(value: Card | Example) -> str:
    return value.code if isinstance(value, Card) else f"{value.heading.split()[0]}-{value.number}"


@pytest.mark.parametrize("card", CARDS, ids=_id)
def test_every_card_states_an_input(card: Card) -> None:
    bad = [example for example in card.examples if example.heading == "Bad"]
    of_torch = any("import torch" in example.code for example in bad)
    assert not of_torch or any(example.input for example in bad)


@pytest.mark.parametrize(("card", "example"), EXAMPLES, ids=_id)
def test_on_the_stated_input(card: Card, example: Example) -> None:
    if example.heading == "Bad":
        assert not _is_finite(example.code, example.input)
        assert example.fixed is None or _is_finite(example.fixed, example.input)
    else:
        assert _is_finite(example.code, example.input)


def _is_finite(code: str, call: str | None) -> bool:
    try:
        return all(map(_finite, _outcome(code, call or "")))
    except AssertionError:
        return False


def _outcome(code: str, call: str) -> list[Any]:
    """The value, and all gradients."""
    torch.manual_seed(0)
    example: dict[str, Any] = {"__name__": "example"}
    exec(code, example)
    space = dict(example)
    *statements, last = ast.parse(call).body
    if isinstance(last, ast.Assert):
        exec(compile(ast.Module([*statements, last], []), "<input>", "exec"), space)
        return []
    if not isinstance(last, ast.Expr):
        raise TypeError("an input block ends with an expression or an assertion")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(ast.Module(statements, []), "<input>", "exec"), space)
        value = eval(compile(ast.Expression(last.value), "<input>", "eval"), space)
        seen = list(_tensors(value))
        total = [one.sum() for one in seen if one.requires_grad and one.is_floating_point()]
        if total:
            torch.stack([one.float() for one in total]).sum().backward()
    leaves = [leaf for each in space.values() for leaf in _tensors(each) if leaf.is_leaf and leaf.grad is not None]
    numbers = [value] if isinstance(value, float) else []
    return [*seen, *numbers, *(leaf.grad for leaf in leaves)]


def _tensors(value: object) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, torch.nn.Module):
        yield from value.parameters()
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)


def _finite(value: torch.Tensor | float) -> bool:
    return bool(torch.isfinite(value).all()) if isinstance(value, torch.Tensor) else math.isfinite(value)
