"""What kinds of networks a file makes, in torch, Keras, flax and haiku: recurrent ones, and those that attend."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from nanlint.checks.initialisation.layers import library_of
from nanlint.checks.literals import literals_of
from nanlint.facts import Facts
from nanlint.ir import nodes
from nanlint.ir.walk import all_statements, expressions

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


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A model of which this file makes an object, and another file of the project holds the class.

    Attributes:
        name: that of the class.
        layers: the names of the layers of libraries that it makes, each with its library.
        text: that of the other file.
    """

    name: str
    layers: dict[str, str]
    text: str


def models_elsewhere(facts: Facts) -> Iterator[Elsewhere]:
    """The models of other files of the project that a file makes."""
    seen: set[str] = set()
    for place in literals_of(facts).calls:
        func = place.call.func
        name = str(getattr(func, "path", None) or getattr(func, "id", "")).rpartition(".")[2]
        if name[:1].isupper() and name not in seen:
            seen.add(name)
            cls = facts.class_elsewhere(func)
            if cls is not None and (layers := dict(_layers_in(cls.node, cls.frame.module))):
                yield Elsewhere(name, layers, cls.frame.module.source.text)


def _layers_in(cls: nodes.ClassDef, module: nodes.Module) -> Iterator[tuple[str, str]]:
    """The layers that a class makes, and those of the classes of its file that it makes objects of."""
    beside = {one.name: one for one in module.body if isinstance(one, nodes.ClassDef)}
    waiting, seen = [cls], {cls.name}
    while waiting:
        for statement in all_statements(waiting.pop().body):
            for expr in expressions(statement):
                if not isinstance(expr, nodes.Call):
                    continue
                path = getattr(expr.func, "path", None) or ""
                library = library_of(path)
                if library is not None:
                    yield path.rpartition(".")[2], library
                name = getattr(expr.func, "id", "")
                if name in beside and name not in seen:
                    seen.add(name)
                    waiting.append(beside[name])


def shown(layers: dict[str, str], name: str) -> str:
    """One of these layers, as a message names it."""
    return _PREFIXES[layers[name]].format(name)


def is_ungated(layers: dict[str, str], name: str) -> bool:
    """Is it a recurrent layer whose gradients nothing gates? In flax, `RNN` runs a cell, whichever it is."""
    return name in _UNGATED and not (name == "RNN" and layers[name] != "torch")


def transformer_of(facts: Facts) -> str | None:
    """The transformer that a file makes, as a message names it: a layer that attends, or a class called like one."""
    made = layers_of(facts)
    for name in sorted(ATTENTION & made.keys()):
        return shown(made, name)
    for place in literals_of(facts).calls:
        func = place.call.func
        path = str(getattr(func, "path", None) or getattr(func, "id", ""))
        name = path.rpartition(".")[2]
        if name[:1].isupper() and _CALLED.search(name) and not name.endswith(_NO_MODELS):
            return f"a `{name}`"
    return None
