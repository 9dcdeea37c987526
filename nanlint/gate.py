"""A cheap look at the bytes: can this file hold a finding at all?

Most files of a repository never touch a tensor library; parsing them would be most of a run's time. The gate may
let too much through and must never keep a finding out, so it asks for words that every finding needs.
"""

from __future__ import annotations

import re
from functools import cache

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
def _wanted(libraries: tuple[str, ...]) -> re.Pattern[bytes]:
    names = "|".join(map(re.escape, libraries)).encode()
    return re.compile(b"|".join((names, _ALIASES, _TENSORS, _SUPPRESSION)))


def may_hold_findings(data: bytes, extra_words: tuple[str, ...] = ()) -> bool:
    """Does the file name a tensor library, something a user's own card speaks of, or hold a suppression?

    A suppression keeps the file in, so that it can be reported as unused. In an encoding that does not contain
    ASCII the words cannot be seen; Python source cannot be written in one.
    """
    return _wanted(LIBRARIES + extra_words).search(data) is not None
