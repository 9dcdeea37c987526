"""Sees every operation of construction, forward and backward, and knows whose expression each of them serves.

A dispatch mode is below autograd: it sees the operations of the backward too, of scripted functions and of code that
no module owns. A forward operation belongs to the innermost frame of the user. A backward operation belongs to the
expression whose node is running: the forward noted which node each expression made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from nanlint.trace.child import autograd
from nanlint.trace.child.births import Births, finite, is_unwritten, memory
from nanlint.trace.child.places import Places
from nanlint.trace.child.walking import dense
from nanlint.trace.protocol import Place


class Listener(Protocol):
    """Hears of every operation."""

    def __call__(self, name: str, result: Any, args: Sequence[Any], place: Place | None, *, backward: bool) -> None:
        """One operation has run."""


# they hand on memory without looking at what is in it
_QUIET = frozenset({"detach", "detach_", "alias", "lift_fresh", "_unsafe_view", "set_", "resize_"})


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """One model's operations, while it is active.

    Attributes:
        births: who made what is not finite.
        writers: the place that last wrote the memory of each tensor, while `building`.
        path: the names of the modules that are running.
        building: remember who writes; nothing is differentiated then.
    """

    def __init__(self, places: Places) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.births = Births()
        self.writers: dict[int, Place] = {}
        self.path: list[str] = []
        self.building = False
        self.listeners: list[Listener] = []
        self._places = places
        self._nodes: dict[int, tuple[Place | None, str]] = {}
        self._mutable: dict[Any, bool] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # else torch loads its compiler, which takes longer than all the rest
        return False

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name: str = func._schema.name.partition("::")[2]  # noqa: SLF001
        overwritten = self._overwritten(func, args)
        result = func(*args, **kwargs)
        if func.is_view:
            return result
        node = autograd.running_node()
        place, path = self._whose(node)
        # operations that cannot be differentiated make no node: the first claim to a number is the right one
        self._nodes.setdefault(autograd.next_number() - 1, (place, path))
        if self.building:
            self._note_writes(result, place)
        if is_unwritten(name):
            for one in dense(result):
                self.births.unwritten(name, one, place, path)
        elif name not in _QUIET:
            self._look(name, result, args, kwargs, overwritten, place, path, backward=node is not None)
        for listener in self.listeners:
            listener(name, result, args, place, backward=node is not None)
        return result

    def here(self) -> Place | None:
        """The user's expression that is being evaluated."""
        return self._places.here()

    def site(self, tensor: Tensor) -> Place | None:
        """The user's expression that wrote a parameter while the model was built."""
        return self.writers.get(memory(tensor))

    def _whose(self, node: int | None) -> tuple[Place | None, str]:
        if node is None:
            return self._places.here(), ".".join(self.path[-1:])
        # a custom backward, or a part that is computed again
        if (place := self._places.here(below_engine=True)) is not None:
            return place, ""
        return self._nodes.get(node, (None, ""))

    def _overwritten(self, func: Any, args: Sequence[Any]) -> Any:
        mutable = self._mutable.get(func)
        if mutable is None:
            mutable = self._mutable[func] = bool(func._schema.is_mutable)  # noqa: SLF001
        if mutable and args and isinstance(args[0], Tensor):
            return next((self.births.of(one) for one in dense(args[0])), None)
        return None

    def _note_writes(self, result: Any, place: Place | None) -> None:
        if place is not None:
            for one in dense(result):
                self.writers[memory(one)] = place

    def _look(
        self,
        name: str,
        result: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        overwritten: Any,
        place: Place | None,
        path: str,
        *,
        backward: bool,
    ) -> None:
        for one in dense(result):
            if finite(one):
                self.births.settle(one, None)
                continue
            inputs = [*dense(args), *dense(list(kwargs.values()))]
            whole_overwrite = name in {"copy_", "fill_", "zero_"}
            birth = self.births.born(
                name, one, inputs, None if whole_overwrite else overwritten, place, path, backward=backward
            )
            self.births.settle(one, birth)
