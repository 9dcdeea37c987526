"""Inputs that nobody gave: candidates by the names of `forward`'s parameters and the first layers, until one runs.

The first layers say much: a convolution its channels, an embedding that it wants whole numbers and below what, a
linear layer its features. What is left is the size of an image or the length of a sequence, and few are common.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product

from torch import nn

from nanlint.trace.child.inputs import Inputs, from_specs
from nanlint.trace.child.models import required_parameters

_SIZES = (32, 64, 28, 224, 96, 16, 128, 84, 48, 256, 299)
_LENGTHS = (16, 32, 10, 8, 128, 50)
_TOKENS = frozenset({
    "input_ids", "ids", "idx", "tokens", "token", "src", "tgt", "trg", "x_cat", "words", "index", "indices", "labels",
    "label", "captions", "caption", "text", "source", "question", "sentence", "targets", "target", "y", "t",
    "timesteps", "timestep", "time", "steps",
})  # fmt: skip
# parts of longer names: `trg_seq`, `encoder_input_ids`
_TOKEN_PARTS = frozenset({"ids", "tokens", "src", "tgt", "trg", "words"})
_MASKS = ("mask", "padding_mask", "attention_mask", "attn_mask", "src_mask", "tgt_mask", "key_padding_mask")


@dataclass(frozen=True)
class _Hints:
    """What the first layers say."""

    channels: int | None = None
    rank: int = 2
    features: int | None = None
    vocabulary: int | None = None
    recurrent: int | None = None
    normalised: tuple[int, ...] | None = None


def guesses(model: nn.Module, batch: int) -> Iterator[Inputs]:
    """Inputs worth a try, the likeliest first."""
    names = _names(model)
    hints = _hints(model)
    choices = [list(islice(_specs(name, position, hints, batch), 24)) for position, name in enumerate(names)]
    seen: set[tuple[str, ...]] = set()
    # sizes that belong together move together, so first the diagonal
    diagonal = [tuple(one[min(at, len(one) - 1)] for one in choices) for at in range(max(map(len, choices), default=0))]
    for specs in islice((*diagonal, *islice(product(*choices), 400)), 500):
        if specs not in seen:
            seen.add(specs)
            yield from_specs(tuple(specs))


def _names(model: nn.Module) -> list[str]:
    required = [one.name for one in required_parameters(model.forward)]
    if required:
        return required
    parameters = inspect.signature(model.forward).parameters.values()
    takes_any = any(one.kind is inspect.Parameter.VAR_POSITIONAL for one in parameters)
    optional = [one.name for one in parameters if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    return optional[:1] if optional else ["x"] if takes_any else []


def _hints(model: nn.Module) -> _Hints:
    channels, rank, features, vocabulary, recurrent, normalised = None, 2, None, None, None, None
    for module in model.modules():
        if (
            isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose1d | nn.ConvTranspose2d)
            and not channels
        ):
            channels, rank = module.in_channels, {"1": 1, "2": 2, "3": 3}[type(module).__name__[-2]]
        elif isinstance(module, nn.Linear) and not features:
            features = module.in_features
        elif isinstance(module, nn.Embedding | nn.EmbeddingBag) and not vocabulary:
            vocabulary = module.num_embeddings
        elif isinstance(module, nn.RNNBase) and not recurrent:
            recurrent = module.input_size
        elif isinstance(module, nn.MultiheadAttention) and not recurrent:
            recurrent = module.embed_dim
        elif isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer) and not recurrent:
            recurrent = module.linear1.in_features
        elif isinstance(module, nn.LayerNorm) and normalised is None:
            normalised = tuple(module.normalized_shape)
    if features is None and recurrent is None and channels is None:
        matrix = next((one for one in model.parameters() if one.dim() == 2), None)
        features = None if matrix is None else int(matrix.shape[0])
        if matrix is not None and matrix.shape[0] != matrix.shape[1]:
            # both ways round are common: x @ w and F.linear(x, w)
            normalised = normalised or (int(matrix.shape[1]),)
    return _Hints(channels, rank, features, vocabulary, recurrent, normalised)


def _specs(name: str, position: int, hints: _Hints, batch: int) -> Iterator[str]:
    """What one parameter may want, the likeliest first."""
    name = name.lower()
    if name in _MASKS or name.endswith("mask"):
        for length in _LENGTHS:
            yield f"{batch},{length}:bool"
            yield f"{length},{length}:bool"
        return
    yield from _by_name(name, position, batch)
    named = name in _TOKENS or not _TOKEN_PARTS.isdisjoint(name.split("_"))
    tokens = hints.vocabulary is not None and (position == 0 or named)
    if tokens and (hints.channels is None or named):
        yield from _whole_numbers(hints.vocabulary or 2, batch)
    if hints.channels is not None:
        for size in {1: _SIZES[:5], 2: _SIZES}.get(hints.rank, (16, 32, 64)):
            yield ",".join(map(str, (batch, hints.channels, *[size] * hints.rank)))
    if hints.recurrent is not None:
        yield from (f"{batch},{length},{hints.recurrent}" for length in _LENGTHS[:3])
    if hints.features is not None:
        yield from _features(hints.features, batch)
    if hints.normalised is not None:
        last = ",".join(map(str, hints.normalised))
        yield from (f"{batch},{last}", f"{batch},16,{last}")
    if hints.channels is None and hints.features is None:
        yield from (f"{batch},16", f"{batch},3,32,32", f"{batch},16,32")
    if position and named:
        yield from _whole_numbers(hints.vocabulary or 10, batch)
    # a part of a network may begin with something else than its first layer: sequences, heads, feature maps
    width = hints.features or hints.recurrent or hints.channels or 32
    yield from (f"{batch},{width}", f"{batch},16,{width}", f"{batch},16,4,{width}", f"{batch},{width},16")
    yield from (f"{batch},{width},16,16", f"{batch},1,{width},{width}", f"{batch},16,{width}:bool", f"{batch}")


def _by_name(name: str, position: int, batch: int) -> Iterator[str]:
    """What names alone say: times of a diffusion, graphs."""
    if name in {"t", "timesteps", "timestep", "time", "steps"} and position:
        yield from (f"{batch}:int64:100", f"{batch}", f"{batch},1")
    if name in {"adj", "adjacency", "a"} and position:
        yield f"{batch},{batch}"
    if name in {"edge_index", "edges"}:
        yield f"2,32:int64:{batch}"


def _whole_numbers(below: int, batch: int) -> Iterator[str]:
    yield from (f"{batch},{length}:int64:{below}" for length in _LENGTHS)
    yield f"{batch}:int64:{below}"


def _features(features: int, batch: int) -> Iterator[str]:
    """Rows, sequences, and images that are flattened."""
    yield f"{batch},{features}"
    yield from (f"{batch},{length},{features}" for length in _LENGTHS[:3])
    side = math.isqrt(features)
    if side * side == features and side > 7:
        yield f"{batch},1,{side},{side}"
    side = math.isqrt(features // 3)
    if side * side * 3 == features:
        yield f"{batch},3,{side},{side}"
