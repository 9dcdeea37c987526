"""Inputs: as the user wrote them, and the special ones that show what random numbers do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from nanlint.trace.child.models import NotTraceableError
from nanlint.trace.child.walking import tensors
from nanlint.trace.specials import ONE_ROW, SPECIALS, TWO_EQUAL
from nanlint.trace.specs import Spec, parse_spec


@dataclass(frozen=True)
class Inputs:
    """The arguments of one call.

    Attributes:
        args, kwargs: as they are passed.
        title: what messages call it: "a random input".
        specs: how to give the same with `--input`.
    """

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    title: str = "a random input"
    specs: tuple[str, ...] = ()

    def map(self, change: Callable[[Tensor], Tensor], title: str) -> Inputs:
        """The same call with changed tensors."""
        args = tuple(_mapped(one, change) for one in self.args)
        kwargs = {key: _mapped(one, change) for key, one in self.kwargs.items()}
        return Inputs(args, kwargs, title, self.specs)

    def tensors(self) -> Iterator[Tensor]:
        """Every tensor that goes in."""
        yield from tensors([*self.args, *self.kwargs.values()])

    def copied(self) -> Inputs:
        """Tensors of their own, leaves whose gradients can be looked at."""

        def copy(tensor: Tensor) -> Tensor:
            made = tensor.detach().clone()
            return made.requires_grad_() if made.is_floating_point() or made.is_complex() else made

        return self.map(copy, self.title)


def from_specs(specs: tuple[str, ...]) -> Inputs:
    """What the user gave with `--input`.

    Raises:
        NotTraceableError: one is not understood.
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for text in specs:
        spec = parse_spec(text)
        if spec is None:
            raise NotTraceableError(
                f"--input {text}: write a shape and a type, like 32,3,224,224 or tokens=8,128:int64:50257"
            )
        if spec.name:
            kwargs[spec.name] = _made(spec)
        else:
            args.append(_made(spec))
    return Inputs(tuple(args), kwargs, specs=specs)


def _made(spec: Spec) -> Any:
    if spec.dtype in {"none", "number"}:
        return None if spec.dtype == "none" else spec.high
    return [_tensor(spec) for _ in range(spec.several)] if spec.several else _tensor(spec)


def _tensor(spec: Spec) -> Tensor:
    dtype: torch.dtype = getattr(torch, spec.dtype)
    if dtype == torch.bool:
        return torch.rand(spec.shape) < 0.5
    if dtype in {torch.int64, torch.int32}:
        return torch.randint(0, max(spec.high, 1), spec.shape, dtype=dtype)
    return torch.randn(spec.shape, dtype=dtype)


def from_example(value: Any) -> Inputs:
    """What `nanlint_example` or `example_input_array` says: a tensor, a tuple of arguments, or a dictionary of them."""
    if isinstance(value, Mapping):
        return Inputs((), dict(value))
    if isinstance(value, tuple):
        if value and isinstance(value[-1], dict) and all(isinstance(key, str) for key in value[-1]):
            return Inputs(value[:-1], value[-1])
        return Inputs(value)
    return Inputs((value,))


def special(plain: Inputs) -> Iterator[Inputs]:
    """The inputs that break what random ones do not, in the order in which they are tried."""
    given = list(plain.tensors())
    floats = [one.shape for one in given if one.is_floating_point()]
    sizes = {one.shape[0] for one in given if one.dim()}
    for one in SPECIALS:
        useless = {
            ONE_ROW: len(sizes) != 1 or sizes == {1},
            TWO_EQUAL: len(set(floats)) == len(floats),
        }.get(one, one.masks and not any(each.dtype == torch.bool for each in given))
        if given and not useless:
            yield plain.map(changing(one.change), one.title)


def changing(expression: str) -> Callable[[Tensor], Tensor]:
    """The change of a tensor that an expression of `nanlint.trace.specials` describes."""
    change: Callable[[Tensor], Tensor] = eval(f"lambda x: {expression}", {"torch": torch, "first": {}})  # noqa: S307
    return change


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_mapped(one, change) for one in value))
    if isinstance(value, list | tuple):
        return type(value)(_mapped(one, change) for one in value)
    if isinstance(value, dict):
        return {key: _mapped(one, change) for key, one in value.items()}
    return value


def shapes(inputs: Inputs) -> str:
    """The shapes and types of an input, for a message."""
    shown = [f"{','.join(map(str, one.shape)) or 'scalar'}:{str(one.dtype)[6:]}" for one in inputs.tensors()]
    return " ".join(shown) or "no input"
