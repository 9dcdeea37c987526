"""The private names of torch that say which node of the graph is running; without them there are no backward places.

They exist from torch 2.4 to the newest; a test pins them. Where one is missing, backward operations have no place of
their own, and what they bear is reported at the parameter instead.
"""

from __future__ import annotations

from typing import Any

import torch

_next_number: Any = getattr(torch.autograd, "_get_sequence_nr", None)
_current_node: Any = getattr(torch._C, "_current_autograd_node", None)  # noqa: SLF001

AVAILABLE = _next_number is not None and _current_node is not None
# nodes that accumulate gradients are numbered like this
_NO_NUMBER = 2**63


def next_number() -> int:
    """The number that the next node of the graph will get."""
    return int(_next_number()) if _next_number is not None else 0


def running_node() -> int | None:
    """The number of the node whose backward is running; None outside of a backward."""
    node = _current_node() if _current_node is not None else None
    if node is None:
        return None
    number = int(node._sequence_nr())  # noqa: SLF001
    return -1 if number >= _NO_NUMBER else number
