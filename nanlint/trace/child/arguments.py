"""Arguments for a constructor that wants some: those that the file itself passes somewhere, else a guess by name.

A model built from guesses is not the user's model. What is found in it is said with less weight, and that it was
guessed is said as well.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn

from nanlint.trace.child.configured import configuration
from nanlint.trace.child.loading import Loaded, is_constant
from nanlint.trace.child.models import required_parameters

# by the ends of names; the first that fits
_GUESSES: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("hidden_sizes", "hidden_dims", "layer_sizes", "layer_dims", "hiddens", "net_arch", "dims", "sizes"), (32, 32)),
    (("kernel_sizes", "dilations", "strides"), (3, 3)),
    (("num_classes", "n_classes", "nclasses", "classes", "num_labels", "n_cls"), 10),
    (("vocab", "vocab_size", "num_embeddings", "num_tokens", "ntoken", "n_vocab", "voc_size", "num_vocabs"), 100),
    (("in_channels", "in_ch", "channels_in", "input_channels", "in_chans", "c_in", "inplanes", "in_planes"), 16),
    (("out_channels", "out_ch", "channels_out", "out_chans", "c_out", "planes", "filters"), 16),
    (("image_size", "img_size", "input_size_hw", "resolution"), 32),
    (("patch_size", "patch"), 4),
    (("kernel_size", "kernel", "ksize"), 3),
    (("heads", "num_heads", "n_heads", "nhead", "n_head", "h"), 4),
    (("depth", "layers", "num_layers", "n_layers", "nlayers", "n_layer", "blocks", "num_blocks", "n_blocks"), 2),
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
_MODULES: dict[str, Callable[[], Any]] = {
    "activation": nn.ReLU, "act": nn.ReLU, "act_layer": lambda: nn.ReLU, "norm_layer": lambda: nn.LayerNorm,
    "norm": lambda: nn.LayerNorm, "device": lambda: "cpu", "dtype": lambda: torch.float32,
    "activation_class": lambda: nn.ReLU, "non_linear_layer": lambda: nn.ReLU, "non_linearity": nn.ReLU,
    "loss": nn.MSELoss, "criterion": nn.MSELoss, "loss_fn": nn.MSELoss,
    # what is wrapped lets through what it gets
    **dict.fromkeys(("model", "module", "net", "network", "fn", "layer", "block", "backbone", "inner_model", "m",
                     "base_model", "feature_extractor", "encoder", "decoder"), nn.Identity),
}  # fmt: skip

_FLAGS, _FLAG, _WIDTH = ("use_", "is_", "with_", "do_", "return_", "tie_", "bias", "flash"), False, 16
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

    It is read as an object, as a dictionary or with `get`.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = by_name(name.lower())
        if value is None:
            value = _FLAG if name.startswith(_FLAGS) else _WIDTH
        setattr(self, name, value)  # it may be changed, and is read again
        return value

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __contains__(self, name: object) -> bool:
        return False

    def get(self, name: str, default: Any = None) -> Any:
        """The default, if there is one: it is the author's."""
        return getattr(self, name) if default is None else default


def passed_in_file(loaded: Loaded, name: str) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """The constant arguments with which the file itself makes one, in `main` for example."""
    for node in ast.walk(loaded.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            arguments = [*node.args, *(one.value for one in node.keywords)]
            starred = any(isinstance(one, ast.Starred) for one in node.args) or any(
                one.arg is None for one in node.keywords
            )
            if starred or not all(is_constant(one) for one in arguments):
                continue
            try:
                values = [_value(one, loaded) for one in node.args]
                named = {one.arg: _value(one.value, loaded) for one in node.keywords if one.arg}
            except Exception:  # noqa: S112  (a name that only exists where the call stands)
                continue
            yield values, named


def factories_in_file(loaded: Loaded, name: str) -> Iterator[Callable[[], Any]]:
    """Functions of the file that want nothing and return one."""
    for statement in loaded.tree.body:
        if not isinstance(statement, ast.FunctionDef):
            continue
        returned = [one.value for one in ast.walk(statement) if isinstance(one, ast.Return)]
        makes = any(
            isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == name for one in returned
        )
        function = vars(loaded.module).get(statement.name)
        if makes and callable(function) and not required_parameters(function):
            yield function


def _value(node: ast.expr, loaded: Loaded) -> Any:
    code = compile(ast.Expression(node), str(loaded.module.__file__), "eval")
    return eval(code, loaded.module.__dict__)  # noqa: S307  (constants only)


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
