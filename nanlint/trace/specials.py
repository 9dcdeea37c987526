"""The inputs and the weights that show what random ones do not, as the expressions that make them.

The child evaluates the expressions, and `--repro` writes them into tests, so that both mean the same.
"""

from __future__ import annotations

from typing import NamedTuple


class Special(NamedTuple):
    """A change of every tensor `x` of an input.

    Attributes:
        title: what messages call the input.
        change: an expression in `x`, `torch` and `first`, an empty dictionary before the first tensor.
        masks: it changes masks, and is worth a try only where there is one.
    """

    title: str
    change: str
    masks: bool = False


class Shift(NamedTuple):
    """A change of every weight or bias `x` of a model: harsher than an input, so that a hit is worth less."""

    title: str
    change: str
    biases: bool = False


# in the order in which they are tried: of 24 faulty functions these show 21, each of the first five some alone
SPECIALS = (
    Special("an input of zeros", "x if x.dtype == torch.bool else torch.zeros_like(x)"),
    Special("a constant input", "torch.ones_like(x) if x.is_floating_point() else x"),
    Special("an input 1000 times as large", "x * 1000 if x.is_floating_point() else x"),
    Special("a mask that is all true", "torch.ones_like(x) if x.dtype == torch.bool else x", masks=True),
    Special("a mask that is all false", "torch.zeros_like(x) if x.dtype == torch.bool else x", masks=True),
    Special("two equal inputs", "first.setdefault(x.shape, x).clone() if x.is_floating_point() else x"),
    Special("a batch of one row", "x[:1] if x.dim() else x"),
    Special("an input of about 1e-20", "x * 1e-20 if x.is_floating_point() else x"),
    Special("a negative input", "-x.abs() - 1 if x.is_floating_point() else x"),
)
NO_MASK, TWO_EQUAL, ONE_ROW = SPECIALS[4:7]

# with the inputs they show all 24
SHIFTS = (
    Shift("all weights 30 times as large", "x * 30"),
    Shift("all weights zero", "torch.zeros_like(x)"),
    Shift("all biases 100", "torch.full_like(x, 100)", biases=True),
    Shift("all biases -100", "torch.full_like(x, -100)", biases=True),
)
