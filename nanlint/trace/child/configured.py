"""Models in the manner of transformers, made from a configuration: its defaults, at a size that runs in a moment.

Depth and width do not decide whether such a model is initialised well, and the defaults are often a whole large model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# settings that are made smaller, by their usual names; none is made larger
_SMALL = {
    "hidden_size": 32, "d_model": 32, "n_embd": 32, "dim": 32, "embed_dim": 32, "embedding_size": 32, "head_dim": 8,
    "num_hidden_layers": 2, "n_layer": 2, "num_layers": 2, "n_layers": 2, "encoder_layers": 2, "decoder_layers": 2,
    "num_decoder_layers": 2, "num_attention_heads": 4, "n_head": 4, "n_heads": 4, "num_heads": 4,
    "encoder_attention_heads": 4, "decoder_attention_heads": 4, "num_key_value_heads": 4, "intermediate_size": 64,
    "ffn_dim": 64, "d_ff": 64, "d_kv": 8, "n_inner": 64, "hidden_dim": 64, "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64, "vocab_size": 100, "max_position_embeddings": 64, "n_positions": 64, "image_size": 64,
}  # fmt: skip


def configuration(kind: Any) -> Any:
    """A small configuration of this class; None if it is no configuration."""
    if not (isinstance(kind, type) and isinstance(getattr(kind, "model_type", None), str)):
        return None
    made = kind()
    for name, small in _SMALL.items():
        value = getattr(made, name, None)
        if isinstance(value, int) and value > small:
            setattr(made, name, small)
    for name, value in list(vars(made).items()):
        # words that the smaller vocabulary does not have
        if name.endswith("_token_id") and isinstance(value, int) and value >= _SMALL["vocab_size"]:
            setattr(made, name, 0)
    return made


def maker(cls: Any) -> Callable[[], Any] | None:
    """How to make a model of a class that names the class of its configuration; None if it does not."""
    kind = getattr(cls, "config_class", None)
    return None if kind is None else lambda: cls(configuration(kind))
