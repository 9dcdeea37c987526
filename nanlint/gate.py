"""The rule of the house: a file that names no array library is not linted for hazards. Where Python's own numbers go
wrong, Python says so (`x / 0` raises), and most files of a repository hold nothing else.

The gate, `may_hold_findings`, asks the bytes of a file before anything is parsed; `names_arrays` is the rule itself,
asked about a file in which something was found. The gate lets more through, files with suppressions, and never less:
without it the findings are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from nanlint.cards import Card

# packages that hold tensors, and those whose names promise them under another import
LIBRARIES = (
    "torch", "tensorflow", "keras", "jax", "numpy", "flax", "haiku", "optax", "equinox", "lightning", "accelerate",
    "transformers", "einops", "cupy", "tinygrad", "mxnet", "paddle", "mindspore", "functorch", "triton", "pyro",
    "scipy", "pytensor", "aesara", "theano", "pymc", "fairseq", "timm", "fastai", "deepspeed", "apex",
)  # fmt: skip

# an alias that a project defines in a file of its own: `from .backend import F, tnp, K`
_ALIASES = rb"\b(?:np|jnp|tf|nn|F|K|th|T|lax|tnp|xp|ops)\s*\."
# words of methods and annotations that betray a tensor where no import does
_TENSORS = rb"[Tt]ensor|softmax|sigmoid|\.norm\(|logits"
_SUPPRESSION = rb"#\s*nanlint\s*:"


@cache
def _wanted(libraries: tuple[str, ...], *more: bytes) -> re.Pattern[bytes]:
    names = "|".join(map(re.escape, libraries)).encode()
    return re.compile(b"|".join((names, _ALIASES, _TENSORS, *more)))


def custom_words(cards: Iterable[Card]) -> tuple[str, ...]:
    """The names of what a user's own cards speak of."""
    return tuple(operation.name.rpartition(".")[2] for card in cards for operation in card.custom)


def may_hold_findings(data: bytes, extra_words: tuple[str, ...] = ()) -> bool:
    """Does the file name a tensor library, something a user's own card speaks of, or hold a suppression?

    A suppression keeps the file in, so that it can be reported as unused. In an encoding that does not contain
    ASCII the words cannot be seen; Python source cannot be written in one.
    """
    return _wanted(LIBRARIES + extra_words, _SUPPRESSION).search(data) is not None


def names_arrays(text: str, extra_words: tuple[str, ...] = ()) -> bool:
    """Does the file name a tensor library, or something that a user's own card speaks of? In words is enough: what is
    said to be a tensor in a comment may come from another file of the project."""
    return _wanted(LIBRARIES + extra_words).search(text.encode(errors="replace")) is not None
