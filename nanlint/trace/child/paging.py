"""Models whose parameters do not fit: every write to a large tensor is recorded, so that its memory can be given back.

While a model is built its large tensors are filled by a few operations: `empty` and `normal_`, `randn` and `mul`, a QR.
These run, and are remembered with their arguments and the state of the random numbers. What lies in a large tensor can
then be thrown away, and is made again, bit for bit, before the next operation that touches it: in forward, in backward,
in whatever order. The numbers of a run are those of a run with all parameters in memory.

Not every tensor can be thrown away: one whose memory was handed to numpy, or that was made from something nobody saw
being made, stays.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from nanlint.trace.child import belt
from nanlint.trace.child.births import is_unwritten, memory
from nanlint.trace.child.walking import dense

AVAILABLE = sys.platform == "linux"

# smaller tensors are not worth the trouble
_LARGE = 2**20
# the numbers that glibc has for these
_DONT_NEED, _MMAP_THRESHOLD, _TRIM_THRESHOLD = 4, -3, -1
# they write all of their first argument, whatever was in it
_OVERWRITES = frozenset({"normal_", "uniform_", "zero_", "fill_", "copy_", "random_", "exponential_", "bernoulli_"})

# random numbers begin here; None: none are drawn
_State: TypeAlias = tuple[torch.Generator, Tensor] | None


@dataclass(eq=False)
class _Page:
    """The memory of one large tensor, for as long as somebody else holds it.

    Attributes:
        writes: what filled it, in order; None: it is not known, so what is in it stays in memory.
        present: is what was written in memory?
    """

    ref: Any
    size: int
    writes: tuple[_Write, ...] | None = ()
    present: bool = True

    def storage(self) -> torch.UntypedStorage | None:
        """The memory; None: nobody holds it any more."""
        return torch.UntypedStorage._new_with_weak_ptr(self.ref.cdata)  # noqa: SLF001


@dataclass(frozen=True, eq=False)
class _Part:
    """A tensor in a page, as it was when an operation read it.

    Attributes:
        writes: what had filled the page by then.
    """

    page: _Page
    writes: tuple[_Write, ...]
    dtype: torch.dtype
    offset: int
    shape: torch.Size
    stride: tuple[int, ...]

    def within(self, storage: torch.UntypedStorage) -> Tensor:
        """The same part of this memory."""
        return torch.empty(0, dtype=self.dtype).set_(storage, self.offset, self.shape, self.stride)


@dataclass(frozen=True, eq=False)
class _Write:
    """One operation that wrote to a page, and all that is needed to run it again.

    Attributes:
        target: the page.
        args, kwargs: with a `_Part` for each large tensor and a copy of each small one.
        made: where the result went, and which of the results; None: the operation wrote in place.
        state: of the random numbers before it; None: it needs none.
    """

    function: Any
    target: _Page
    args: Any
    kwargs: Any
    made: tuple[_Part, int] | None
    state: _State

    def again(self, storage: torch.UntypedStorage, look_up: Callable[[_Part], Tensor]) -> None:
        """Write the same into this memory."""

        def tensor(part: _Part) -> Tensor:
            return part.within(storage) if part.page is self.target else look_up(part)

        args, kwargs = tree_map_only(_Part, tensor, (self.args, self.kwargs))
        with _as_it_was(self.state):
            result = self.function(*args, **kwargs)
        if self.made is not None:
            part, at = self.made
            part.within(storage).copy_(list(dense(result))[at])


@contextmanager
def _as_it_was(state: _State) -> Iterator[None]:
    """Random numbers as they were then; afterwards as they are now."""
    if state is None:
        yield
        return
    generator, then = state
    now = generator.get_state()
    generator.set_state(then)
    yield
    generator.set_state(now)


class Pager(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records what fills the large tensors of one model, and keeps no more of them in memory than it may.

    Attributes:
        paged: the tensors did not fit, so memory is given back from now on.
        dropped: how often the memory of a tensor was given back.
    """

    def __init__(self, limit: int, room: int, large: int = _LARGE) -> None:
        """While all large tensors have no more than `limit` bytes together, nothing is given back; then `room` stay."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.paged = False
        self.dropped = 0
        self._limit, self._room, self._large = limit, room, large
        self._pages: OrderedDict[int, _Page] = OrderedDict()  # the least recently used first
        self._building = False

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # as in the recorder

    @property
    def size(self) -> int:
        """The bytes of all large tensors that are alive."""
        return sum(page.size for page in self._alive())

    @contextmanager
    def building(self) -> Iterator[None]:
        """The model is made in this block."""
        self._building = True
        try:
            with _heard_from_numpy(self._pin), self:
                yield
        finally:
            self._building = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """The model is used in this block."""
        if not self.paged:
            yield
            return
        with _heard_from_numpy(self._pin), self:
            yield

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func.is_view:
            return func(*args, **kwargs)
        inputs = [*dense(args), *dense(list(kwargs.values()))]
        touched = [page for one in inputs if (page := self._page_of(one)) is not None]
        for page in touched:
            self._bring(page)
        if self.paged:
            self._give_back(touched)
        state = _random_state(func, kwargs)
        result = func(*args, **kwargs)
        if self._building or func._schema.is_mutable:  # noqa: SLF001
            self._remember(func, args, kwargs, state, result)
        return result

    def _remember(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], state: _State, result: Any) -> None:
        """Note what the operation wrote, if it is in a page or worth one."""
        written = list(_written(func, args, kwargs))
        targets = [(page, one) for one in written if (page := self._page_of(one) or self._new_page(one, None))]
        new = [(page, one, at) for at, one in enumerate(dense(result)) if (page := self._page_of_new(one))]
        if not targets and not new:
            return
        kept_args, kept_kwargs, unknown = self._kept(args, kwargs)
        read = [one.page for one in tree_leaves((kept_args, kept_kwargs)) if isinstance(one, _Part)]
        for page, one in targets:
            others = [other for other in read if other is not page]
            known = not unknown and all(other.writes is not None for other in others)
            whole = _name(func) in _OVERWRITES and one is args[0] and _covers(one) and len(others) == len(read) - 1
            before = () if whole else page.writes
            write = _Write(func, page, kept_args, kept_kwargs, None, state)
            page.writes = (*before, write) if known and before is not None else None
        for page, one, at in new:
            known = not unknown and all(other.writes is not None for other in read)
            if not known:
                page.writes = None
            elif not is_unwritten(_name(func)):
                page.writes = (_Write(func, page, kept_args, kept_kwargs, (_part(page, one), at), state),)

    def _kept(self, args: Any, kwargs: Any) -> tuple[Any, Any, bool]:
        """The arguments to run an operation again with. Is one of them large, and nobody knows what made it?"""
        unknown = False

        def keep(one: Tensor) -> Any:
            nonlocal unknown
            page = self._page_of(one) if one.layout is torch.strided else None
            if page is not None:
                return _part(page, one)
            if one.layout is not torch.strided or one.untyped_storage().nbytes() >= self._large:
                unknown = True
                return one
            return one.detach().clone()

        kept_args, kept_kwargs = tree_map_only(Tensor, keep, (args, dict(kwargs)))
        return kept_args, kept_kwargs, unknown

    def _page_of_new(self, result: Tensor) -> _Page | None:
        """A page for a result that is no argument as well."""
        return None if self._page_of(result) is not None else self._new_page(result, ())

    def _new_page(self, tensor: Tensor, writes: tuple[_Write, ...] | None) -> _Page | None:
        """A page for memory that is met for the first time, if it is large and of this model."""
        storage = tensor.untyped_storage()
        if not self._building or storage.nbytes() < self._large or storage.device.type != "cpu":
            return None
        page = self._pages[memory(tensor)] = _Page(_reference(storage), storage.nbytes(), writes)
        size = self.size
        if size > self._limit and not self.paged and AVAILABLE:
            self.paged = True
            _return_freed_memory()
        if self.paged:
            belt.allow_more(size)
        return page

    def _page_of(self, tensor: Tensor) -> _Page | None:
        key = memory(tensor)
        page = self._pages.get(key)
        if page is not None:
            self._pages.move_to_end(key)
        return page

    def _alive(self) -> list[_Page]:
        for key in [key for key, page in self._pages.items() if page.ref.expired()]:
            del self._pages[key]
        return list(self._pages.values())

    def _bring(self, page: _Page) -> None:
        """Make what is in the page again, if it was thrown away."""
        if page.present:
            return
        storage = page.storage()
        if storage is not None and page.writes is not None:
            page.present = True
            self._fill(storage, page.writes)

    def _fill(self, storage: torch.UntypedStorage, writes: Sequence[_Write]) -> None:
        for write in writes:
            write.again(storage, self._look_up)

    def _look_up(self, part: _Part) -> Tensor:
        """A tensor that an operation read: from its page, or made again if the page is gone or has changed since."""
        storage = part.page.storage()
        if storage is not None and part.page.writes is part.writes:
            self._bring(part.page)
            return part.within(storage)
        scratch = torch.empty(part.page.size, dtype=torch.uint8).untyped_storage()
        self._fill(scratch, part.writes)
        return part.within(scratch)

    def _give_back(self, touched: Sequence[_Page]) -> None:
        """Throw away what was not used for longest until the rest fits."""
        droppable = [page for page in self._alive() if page.present and page.writes is not None]
        size = sum(page.size for page in droppable)
        for page in droppable:
            if size <= self._room:
                return
            storage = page.storage()
            if storage is not None and not any(page is other for other in touched):
                _drop(storage)
                page.present = False
                self.dropped += 1
                size -= page.size

    def _pin(self, tensor: Tensor) -> None:
        """Somebody looks at this memory, and may write to it, without our seeing it."""
        page = self._page_of(tensor)
        if page is not None:
            self._bring(page)
            page.writes = None


def _name(func: Any) -> str:
    name: str = func._schema.name  # noqa: SLF001
    return name.partition("::")[2]


def _written(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[Tensor]:
    """The arguments that the operation writes to."""
    for at, one in enumerate(func._schema.arguments):  # noqa: SLF001
        if one.alias_info is not None and one.alias_info.is_write:
            yield from dense(args[at] if at < len(args) else kwargs.get(one.name))


def _random_state(func: Any, kwargs: Mapping[str, Any]) -> _State:
    """The state of the random numbers, if the operation draws some."""
    if torch.Tag.nondeterministic_seeded not in func.tags:
        return None
    generator = kwargs.get("generator") or torch.default_generator
    return (generator, generator.get_state()) if generator.device.type == "cpu" else None


def _part(page: _Page, tensor: Tensor) -> _Part:
    return _Part(page, page.writes or (), tensor.dtype, int(tensor.storage_offset()), tensor.shape, tensor.stride())


def _reference(storage: torch.UntypedStorage) -> Any:
    return StorageWeakRef(storage)  # type: ignore[no-untyped-call]


def _covers(tensor: Tensor) -> bool:
    return tensor.numel() * tensor.element_size() >= tensor.untyped_storage().nbytes()


def _drop(storage: torch.UntypedStorage) -> None:
    """Give the memory back, and keep the addresses. What is read there is zero until it is written again."""
    start = -(-storage.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
    end = (storage.data_ptr() + storage.nbytes()) // mmap.PAGESIZE * mmap.PAGESIZE
    if end > start:
        _libc().madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _DONT_NEED)


def _return_freed_memory() -> None:
    """Blocks of more than 128 KiB go back to the system as soon as they are freed: those of gradients are many."""
    _libc().mallopt(_MMAP_THRESHOLD, 2**17)
    _libc().mallopt(_TRIM_THRESHOLD, 2**17)


@cache
def _libc() -> Any:
    return ctypes.CDLL(None)


@contextmanager
def _heard_from_numpy(pin: Callable[[Tensor], None]) -> Iterator[None]:
    """Numpy sees the memory of a tensor itself, and no operation tells what it does there."""
    plain = {name: getattr(Tensor, name) for name in ("numpy", "__array__")}

    def hear(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def heard(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
            with torch.utils._python_dispatch._disable_current_modes():  # noqa: SLF001
                pin(tensor)
            return original(tensor, *args, **kwargs)

        return heard

    for name, original in plain.items():
        setattr(Tensor, name, hear(original))
    try:
        yield
    finally:
        for name, original in plain.items():
            setattr(Tensor, name, original)
