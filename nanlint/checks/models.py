"""What kinds of networks a file makes, in torch, Keras, flax and haiku: recurrent ones, and those that attend."""

from __future__ import annotations

import re
from weakref import WeakKeyDictionary

from nanlint.checks.initialisation.layers import library_of
from nanlint.checks.literals import literals_of
from nanlint.facts import Facts

RECURRENT = frozenset(
    {"LSTM", "GRU", "RNN", "SimpleRNN", "LSTMCell", "GRUCell", "RNNCell", "SimpleRNNCell", "OptimizedLSTMCell",
     "SimpleCell", "ConvLSTM2D", "ConvLSTM2DCell"}
)  # fmt: skip
ATTENTION = frozenset(
    {"Transformer", "TransformerEncoder", "TransformerDecoder", "TransformerEncoderLayer", "TransformerDecoderLayer",
     "MultiheadAttention", "MultiHeadAttention", "MultiHeadDotProductAttention", "SelfAttention"}
)  # fmt: skip
TEXT = frozenset({"Embedding", "EmbeddingBag", "Embed"})
_UNGATED = frozenset({"RNN", "SimpleRNN", "RNNCell", "SimpleRNNCell", "SimpleCell"})
# networks of the file itself or of another, which are called what they are
_CALLED = re.compile(
    r"^(?:\w*Transformer(?:\w*Model|LM|Block|Layer|Classifier)?|\w*(?:GPT|BERT|Bert|ViT|Llama|T5)\w*)$"
)
_NO_MODELS = ("Config", "Args", "Tokenizer", "TokenizerFast", "Dataset", "DatasetV1", "DataModule", "Trainer")
_HAIKU = "haiku."
_PREFIXES = {"torch": "an `nn.{}`", "flax": "an `nn.{}`", "keras": "a layer `{}`", "haiku": "an `hk.{}`"}

_READ: WeakKeyDictionary[Facts, dict[str, str]] = WeakKeyDictionary()


def layers_of(facts: Facts) -> dict[str, str]:
    """The names of the layers of libraries that a file makes, each with its library."""
    if facts not in _READ:
        found = {}
        for place in literals_of(facts).calls:
            path = getattr(place.call.func, "path", None) or ""
            library = "haiku" if path.startswith(_HAIKU) else library_of(path)
            if library is not None:
                found[path.rpartition(".")[2]] = library
        _READ[facts] = found
    return _READ[facts]


def shown(facts: Facts, name: str) -> str:
    """A layer that the file makes, as a message names it."""
    return _PREFIXES[layers_of(facts)[name]].format(name)


def is_ungated(facts: Facts, name: str) -> bool:
    """Is it a recurrent layer whose gradients nothing gates? In flax, `RNN` runs a cell, whichever it is."""
    return name in _UNGATED and not (name == "RNN" and layers_of(facts)[name] != "torch")


def transformer_of(facts: Facts) -> str | None:
    """The transformer that a file makes, as a message names it: a layer that attends, or a class called like one."""
    made = layers_of(facts)
    for name in sorted(ATTENTION & made.keys()):
        return shown(facts, name)
    for place in literals_of(facts).calls:
        func = place.call.func
        path = str(getattr(func, "path", None) or getattr(func, "id", ""))
        name = path.rpartition(".")[2]
        if name[:1].isupper() and _CALLED.search(name) and not name.endswith(_NO_MODELS):
            return f"a `{name}`"
    return None
