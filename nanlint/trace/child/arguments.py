"""Arguments for a constructor that wants some, of which nothing is said: a guess by name.

A model built from guesses is not the user's model. What is found in it is said with less weight, and that it was
guessed is said as well.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from nanlint.trace.child.comparing import compared
from nanlint.trace.child.configured import configuration
from nanlint.trace.child.models import required_parameters

# by the ends of names; the first that fits
_GUESSES: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("hidden_sizes", "hidden_dims", "layer_sizes", "layer_dims", "hiddens", "net_arch", "dims", "sizes"), (32, 32)),
    (("mult", "mults", "multipliers", "multiplier"), (1, 2)),
    (("pretrained",), False),
    (("kernel_sizes", "dilations", "strides"), (3, 3)),
    (("num_classes", "n_classes", "nclasses", "classes", "num_labels", "n_cls"), 10),
    (("vocab", "vocab_size", "num_embeddings", "num_tokens", "ntoken", "n_vocab", "voc_size", "num_vocabs"), 100),
    (("in_channels", "in_ch", "channels_in", "input_channels", "in_chans", "c_in", "inplanes", "in_planes"), 32),
    (("out_channels", "out_ch", "channels_out", "out_chans", "c_out", "planes", "filters"), 32),
    (("image_size", "img_size", "input_size_hw", "resolution"), 32),
    (("patch_size", "patch"), 4),
    (("kernel_size", "kernel", "ksize"), 3),
    (("heads", "num_heads", "n_heads", "nhead", "n_head", "h"), 4),
    (("depth", "layers", "num_layers", "n_layers", "nlayers", "n_layer", "blocks", "num_blocks", "n_blocks"), 3),
    (("stride", "dilation", "groups", "padding"), 1),
    (("dropout", "drop", "p", "dropout_rate", "drop_rate", "pdrop", "prob"), 0.1),
    (("dtype",), torch.float32),
    (("device",), "cpu"),
    (("hidden_act", "activation_function", "act_fn", "activation"), "gelu"),
    (("initializer_range", "init_std"), 0.02),
    (("max_len", "seq_len", "block_size", "length", "context", "max_seq_len", "max_length", "context_length",
      "max_position_embeddings", "n_positions", "ctx_len", "n_ctx"), 32),
    (("eps", "epsilon"), 1e-5),
    (("scale", "temperature", "gamma", "alpha", "beta", "tau"), 1.0),
    (("channels", "chans", "features", "dim", "size", "width", "hidden", "units", "d_model", "inputs", "outputs",
      "in", "out", "n", "d", "k", "ff", "latent", "embed", "embedding", "n_embd", "state", "action"), 32),
)  # fmt: skip


class Through(nn.Module):
    """Stands for a part that is not known: it lets through the first of what it gets, `count` times."""

    def __init__(self, *_: Any, count: int = 1, **__: Any) -> None:
        super().__init__()
        self._count = count

    def forward(self, first: Any = None, *rest: Any, **named: Any) -> Any:
        """What came in."""
        given = [first, *rest, *named.values()]
        tensor = next((one for one in given if isinstance(one, torch.Tensor)), first)
        return tensor if self._count == 1 else (tensor, *[None] * (self._count - 1))


def has_stand_in(model: nn.Module) -> bool:
    """Does a part of it only stand for one that is not known? Then its layers learn and see what they never would."""
    return any(isinstance(one, Through) for one in model.modules())


_MODULES: dict[str, Callable[[], Any]] = {
    "activation": nn.ReLU, "act": nn.ReLU, "act_layer": lambda: nn.ReLU, "norm_layer": lambda: nn.LayerNorm,
    "norm": lambda: nn.LayerNorm, "device": lambda: "cpu", "dtype": lambda: torch.float32,
    "activation_class": lambda: nn.ReLU, "non_linear_layer": lambda: nn.ReLU, "non_linearity": nn.ReLU,
    "loss": nn.MSELoss, "criterion": nn.MSELoss, "loss_fn": nn.MSELoss,
    # what is wrapped lets through what it gets
    **dict.fromkeys(("model", "module", "net", "network", "fn", "layer", "block", "backbone", "inner_model", "m",
                     "base_model", "feature_extractor", "encoder", "decoder", "attention", "attn"), Through),
}  # fmt: skip

_FLAGS, _FLAG, _WIDTH = ("use_", "is_", "with_", "do_", "return_", "tie_", "bias", "flash"), False, 32
_CONFIGURATIONS = frozenset({
    "config", "cfg", "args", "opt", "opts", "options", "hparams", "hparam", "params", "conf", "hp", "configs",
    "config_dict", "configuration", "model_args", "model_config", "settings",
})  # fmt: skip
_OBJECTS = frozenset({"ps", "workers", "loss", "criterion"})
_OBJECT_ENDS = ("model", "module", "net", "network", "encoder", "decoder", "backbone", "layer", "block", "_fn", "func",
                "fn", "args", "config", "cfg", "path", "name", "type", "file", "dict", "list", "s")  # fmt: skip


# nothing is known of a parameter
UNKNOWN: Any = object()


class Settings:
    """A configuration of which nothing is known but what is asked of it: each setting is guessed by its name.

    It is read as an object, as a dictionary or with `get`; what is read of a setting is a setting of its own, as in
    `config.model.width`.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = _setting(name.lower(), sys._getframe(1).f_code.co_filename)  # noqa: SLF001
        setattr(self, name, value)  # it may be changed, and is read again
        return value

    def __getitem__(self, name: str) -> Any:
        return getattr(self, str(name))

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, str(name), value)

    def __contains__(self, name: object) -> bool:
        return False

    def get(self, name: str, default: Any = None) -> Any:
        """The default, if there is one: it is the author's."""
        return getattr(self, name) if default is None else default


class _Size(int):
    """A number that may turn out to be a group of settings: `config.data` before `.width` is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = _setting(name.lower(), sys._getframe(1).f_code.co_filename)  # noqa: SLF001
        setattr(self, name, value)
        return value


def _setting(name: str, file: str) -> Any:
    """A setting by its name, and by the words that the file that reads it compares it with."""
    words = compared(file, name) if name != "device" else []
    if words:
        return words[0]
    value = by_name(name)
    if value is None:
        value = _FLAG if name.startswith(_FLAGS) else _WIDTH
    return _Size(value) if type(value) is int else value


def guess(parameter: inspect.Parameter, names: Mapping[str, Any]) -> Any:
    """The likeliest value by name and annotation, which is looked up among `names`; `UNKNOWN` if they say nothing."""
    name = parameter.name.lower()
    annotation = str(parameter.annotation)
    kind = names.get(annotation) if isinstance(parameter.annotation, str) else parameter.annotation
    if (small := configuration(kind)) is not None:
        return small
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        wanted = {one.name: guess(one, names) for one in required_parameters(kind)}
        if UNKNOWN not in wanted.values():
            return kind(**wanted)  # a configuration, with its defaults where it has some
    if name in _CONFIGURATIONS:
        return Settings()
    if name in _MODULES:
        return _MODULES[name]()
    if parameter.annotation is bool or annotation == "bool" or name.startswith(_FLAGS):
        return _FLAG
    if annotation.startswith(("list[int", "typing.List[int", "List[int", "tuple[int", "Sequence[int")):
        return [_WIDTH, _WIDTH]
    known = by_name(name)
    if known is not None:
        return list(known) if isinstance(known, tuple) else known
    if parameter.annotation is int or annotation == "int":
        return _WIDTH
    if parameter.annotation is float or annotation == "float":
        return 0.5
    if parameter.annotation is inspect.Parameter.empty and name not in _OBJECTS and not name.endswith(_OBJECT_ENDS):
        return _WIDTH  # most of what constructors want
    return UNKNOWN


def by_type(kind: type, name: str) -> Any:
    """A value of a plain type for a parameter of this name."""
    known = by_name(name.lower())
    if isinstance(known, kind):
        return known
    plain = {int: _WIDTH, float: 0.5, bool: _FLAG, str: "relu", torch.device: torch.device("cpu")}
    return plain.get(kind, torch.float32)


def by_name(name: str) -> Any:
    """A value for a parameter of this name; None if the name says nothing."""
    for words, value in _GUESSES:
        if any(name == word or name.endswith(f"_{word}") or name.startswith(f"{word}_") for word in words):
            return value
    return None
