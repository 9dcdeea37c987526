"""Who made the first NaN or Inf: every non-finite tensor carries the record of the operation that bore it.

"The first operation whose result is not finite" is the wrong question: attention masks are infinite on purpose, torch
itself computes NaN inside its backward formulas and masks it, and what arrives at the loss has often passed through
dozens of innocent operations. So births are inherited, and only what arrives somewhere that matters is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor

from nanlint.trace.protocol import Place

# they write a constant that somebody chose; an infinite one is a mask until it arrives at a loss
_GIVEN = frozenset({
    "masked_fill", "masked_fill_", "where", "full", "full_like", "new_full", "scalar_tensor", "fill", "fill_",
    "scatter", "scatter_", "index_put", "index_put_", "index_fill", "index_fill_", "lift_fresh", "lift_fresh_copy",
    "clone", "copy_", "constant_pad_nd", "masked_scatter", "masked_scatter_", "slice_scatter", "select_scatter",
})  # fmt: skip
_UNWRITTEN = frozenset({"empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided", "empty_permuted"})

_serial = count()


@dataclass(frozen=True, eq=False)
class Birth:
    """One operation that made a non-finite value of finite ones.

    Attributes:
        place: the user's expression, None if there is none below it.
        operation: its name in torch, `log` or `div`.
        value: "NaN", "inf" or "-inf".
        backward: it happened while gradients were computed.
        mask: the value was given, not computed: a mask, a constant.
        operands: the range of every tensor that went in.
        path: the module that was running.
        serial: the order in time.
        largest: the largest size of a finite number that went in.
    """

    place: Place | None
    operation: str
    value: str
    backward: bool
    mask: bool
    operands: tuple[str, ...]
    path: str
    serial: int
    largest: float
    unwritten: bool = False


class Births:
    """The records, by the memory in which the non-finite values lie. Views share the memory of their base.

    Memory that is freed and used again is written again first, and every write is seen.
    """

    def __init__(self) -> None:
        self._records: dict[int, Birth] = {}

    def of(self, tensor: Tensor) -> Birth | None:
        """The record of this tensor's memory."""
        return self._records.get(memory(tensor)) if self._records else None

    def settle(self, result: Tensor, birth: Birth | None) -> None:
        """Remember who bore what now lies in this memory; None: it is finite."""
        key = memory(result)
        if birth is not None:
            self._records[key] = birth
        elif self._records and key in self._records and _covers_its_memory(result):
            del self._records[key]

    def born(
        self,
        operation: str,
        result: Tensor,
        inputs: Sequence[Tensor],
        overwritten: Birth | None,
        place: Place | None,
        path: str,
        *,
        backward: bool,
    ) -> Birth:
        """The record for a result that is not finite: inherited from an operand, or a new one.

        `overwritten` is the record of the memory that the operation wrote into, from before.
        """
        nan = bool(torch.isnan(result).any())
        bad = [one for one in inputs if _floating(one) and one is not result and not finite(one)]
        parents = [record for one in bad if (record := self.of(one)) is not None]
        if overwritten is not None:
            parents.append(overwritten)
        carriers = [one for one in parents if one.value == "NaN"] or [
            # a mask that becomes NaN is a birth; an overflow that becomes NaN is the overflow's fault
            one
            for one in parents
            if not (nan and one.mask)
        ]
        if carriers:
            return min(carriers, key=lambda one: (one.mask and not one.unwritten, one.serial))
        # what came in without a record was made before anybody looked: the user gave it
        given = (not nan or any(bool(torch.isnan(one).any()) for one in bad)) if bad else operation in _GIVEN
        return Birth(
            place=place,
            operation=spoken(operation),
            value="NaN" if nan else _sign(result),
            backward=backward,
            mask=given,
            # what was overwritten can no longer be looked at
            operands=tuple(described(one) for one in inputs if one is not result)[:3],
            path=path,
            serial=next(_serial),
            largest=max((_largest(one) for one in inputs if _floating(one)), default=0.0),
        )

    def unwritten(self, operation: str, result: Tensor, place: Place | None, path: str) -> None:
        """Memory nobody has written: whatever is read from it comes from here."""
        if _floating(result) and result.numel():
            record = Birth(place, operation, "NaN", False, True, (), path, next(_serial), 0.0, unwritten=True)
            self._records[memory(result)] = record


def is_unwritten(operation: str) -> bool:
    """Does this operation hand out memory without writing it?"""
    return operation in _UNWRITTEN


def spoken(operation: str) -> str:
    """An operation's name as people know it: `softmax` for `_softmax`, `log` for `log_`."""
    name = operation.strip("_").removeprefix("native_").removesuffix("_forward").removesuffix("_default")
    return {"to_copy": "conversion"}.get(name, name)


def memory(tensor: Tensor) -> int:
    """What identifies the memory that a tensor lies in."""
    return int(tensor.untyped_storage()._cdata)  # noqa: SLF001  (the data pointer is 0 for empty and meta tensors)


def finite(tensor: Tensor) -> bool:
    """Is everything in it finite? One cheap sum in nearly all cases."""
    if not _floating(tensor) or not tensor.numel():
        return True
    total = tensor.sum()
    if torch.isfinite(total).item():
        return True
    return bool(torch.isfinite(tensor).all())


def described(tensor: Tensor) -> str:
    """The range of a tensor, for a message."""
    if not tensor.numel():
        return "nothing"
    if tensor.dtype == torch.bool:
        return "all true" if tensor.all() else "all false" if not tensor.any() else "true and false"
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    wide = tensor.detach().double()
    nan = bool(torch.isnan(wide).any())
    known = wide[~torch.isnan(wide)]
    if not known.numel():
        return "NaN"
    low, high = float(known.min()), float(known.max())
    text = number(low) if low == high else f"[{number(low)}, {number(high)}]"
    return f"{text} and NaN" if nan else text


def number(value: float) -> str:
    """A number as a message shows it."""
    return "0" if value == 0 else f"{value:.3g}"


def _floating(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _largest(tensor: Tensor) -> float:
    if not tensor.numel():
        return 0.0
    sizes = tensor.detach().abs()
    sizes = sizes[torch.isfinite(sizes)]
    return float(sizes.max()) if sizes.numel() else 0.0


def _sign(result: Tensor) -> str:
    if result.is_complex():
        return "inf"
    return "inf" if bool((result == float("inf")).any()) else "-inf"


def _covers_its_memory(tensor: Tensor) -> bool:
    return tensor.numel() * tensor.element_size() >= tensor.untyped_storage().nbytes()
