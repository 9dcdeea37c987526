"""Where the user makes each module, and silence while his code runs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from nanlint.trace.child.places import Places
from nanlint.trace.protocol import Place


@contextmanager
def construction_sites(places: Places) -> Iterator[dict[int, Place]]:
    """While the block runs, note for each new module (by its id) the user's expression that makes it."""
    sites: dict[int, Place] = {}
    original = nn.Module.__init__

    def init(module: nn.Module, *args: Any, **kwargs: Any) -> None:
        # a constructor of the user's own is passed over: what calls it makes the module
        if id(module) not in sites and (place := places.here(skip_self=module)) is not None:
            sites[id(module)] = place
        original(module, *args, **kwargs)

    nn.Module.__init__ = init  # type: ignore[assignment, method-assign]
    try:
        yield sites
    finally:
        nn.Module.__init__ = original  # type: ignore[method-assign]


@contextmanager
def quiet() -> Iterator[None]:
    """Warnings of the user's code are not ours to print."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
