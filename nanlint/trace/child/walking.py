"""Tensors in whatever shape arguments and results are packed, and the leaves that a result depends on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor


def tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in arguments or results: in lists, tuples, dictionaries and data classes."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from tensors(one)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from tensors(one)
    elif hasattr(value, "__dataclass_fields__"):
        yield from tensors(vars(value))


def dense(value: Any) -> Iterator[Tensor]:
    """All tensors whose numbers lie in ordinary memory: of sparse, quantised and abstract ones nothing is asked."""
    for one in tensors(value):
        if one.layout is torch.strided and not one.is_meta and not one.is_quantized and not one.is_nested:
            yield one


def leaves(results: Iterable[Tensor]) -> list[Tensor]:
    """The tensors in which gradients of these results end."""
    waiting: list[Any] = [one.grad_fn for one in results if one.grad_fn is not None]
    seen: set[Any] = set(waiting)
    found: dict[int, Tensor] = {}
    while waiting:
        node = waiting.pop()
        if (leaf := getattr(node, "variable", None)) is not None:
            found[id(leaf)] = leaf
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                waiting.append(following)
    return list(found.values())
