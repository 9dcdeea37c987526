"""How to name a library function at one place of one file: through the names it has imported already if it can."""

from __future__ import annotations

from dataclasses import dataclass

from nanlint.facts import Facts
from nanlint.flow.state import State
from nanlint.flow.uses import Use

# function → framework → dotted paths, the preferred one first
_PATHS: dict[str, dict[str, tuple[str, ...]]] = {
    "log_softmax": {
        "torch": ("torch.log_softmax", "torch.nn.functional.log_softmax"),
        "jax": ("jax.nn.log_softmax",),
        "tensorflow": ("tensorflow.nn.log_softmax",),
        "keras": ("keras.ops.log_softmax",),
    },
    "logsigmoid": {
        "torch": ("torch.nn.functional.logsigmoid",),
        "jax": ("jax.nn.log_sigmoid",),
        "tensorflow": ("tensorflow.math.log_sigmoid",),
        "keras": ("keras.ops.log_sigmoid",),
    },
    "softmax": {
        "torch": ("torch.softmax", "torch.nn.functional.softmax"),
        "jax": ("jax.nn.softmax",),
        "tensorflow": ("tensorflow.nn.softmax",),
        "keras": ("keras.ops.softmax",),
    },
    "sigmoid": {
        "torch": ("torch.sigmoid", "torch.nn.functional.sigmoid"),
        "jax": ("jax.nn.sigmoid",),
        "tensorflow": ("tensorflow.math.sigmoid",),
        "keras": ("keras.ops.sigmoid",),
    },
    "tanh": {
        "torch": ("torch.tanh", "torch.nn.functional.tanh"),
        "jax": ("jax.numpy.tanh",),
        "tensorflow": ("tensorflow.math.tanh",),
        "keras": ("keras.ops.tanh",),
    },
    "softplus": {
        "torch": ("torch.nn.functional.softplus",),
        "jax": ("jax.nn.softplus",),
        "tensorflow": ("tensorflow.math.softplus",),
        "keras": ("keras.ops.softplus",),
    },
    "logsumexp": {
        "torch": ("torch.logsumexp",),
        "jax": ("jax.nn.logsumexp", "jax.scipy.special.logsumexp"),
        "tensorflow": ("tensorflow.reduce_logsumexp",),
        "keras": ("keras.ops.logsumexp",),
    },
    "xlogy": {
        "torch": ("torch.xlogy", "torch.special.xlogy"),
        "jax": ("jax.scipy.special.xlogy",),
        "tensorflow": ("tensorflow.math.xlogy",),
    },
    "normalize": {"torch": ("torch.nn.functional.normalize",)},
    "cosine_similarity": {"torch": ("torch.nn.functional.cosine_similarity",)},
    "vector_norm": {"torch": ("torch.linalg.vector_norm",)},
    "std": {"torch": ("torch.std",)},
    "var": {"jax": ("jax.numpy.var",), "tensorflow": ("tensorflow.math.reduce_variance",)},
    "sum": {"jax": ("jax.numpy.sum",), "tensorflow": ("tensorflow.reduce_sum",)},
    "square": {"jax": ("jax.numpy.square",), "tensorflow": ("tensorflow.square",)},
    "sqrt": {"jax": ("jax.numpy.sqrt",), "tensorflow": ("tensorflow.sqrt",)},
    "complex": {"torch": ("torch.complex",)},
    "where": {
        "torch": ("torch.where",),
        "jax": ("jax.numpy.where",),
        "tensorflow": ("tensorflow.where",),
        "keras": ("keras.ops.where",),
    },
    "finfo": {"torch": ("torch.finfo",), "jax": ("jax.numpy.finfo",)},
    "bfloat16": {"torch": ("torch.bfloat16",), "jax": ("jax.numpy.bfloat16",)},
    "float16": {"torch": ("torch.float16",), "jax": ("jax.numpy.float16",)},
    "maximum": {
        "jax": ("jax.numpy.maximum",),
        "tensorflow": ("tensorflow.maximum",),
        "keras": ("keras.ops.maximum", "keras.backend.maximum"),
        "numpy": ("numpy.maximum",),
    },
    "minimum": {
        "jax": ("jax.numpy.minimum",),
        "tensorflow": ("tensorflow.minimum",),
        "keras": ("keras.ops.minimum", "keras.backend.minimum"),
        "numpy": ("numpy.minimum",),
    },
    "clip": {
        "jax": ("jax.numpy.clip",),
        "tensorflow": ("tensorflow.clip_by_value",),
        "keras": ("keras.ops.clip", "keras.backend.clip"),
        "numpy": ("numpy.clip",),
    },
}

# the same modules under another name
_MOVED = (
    ("tensorflow.", "tensorflow.compat.v1."),
    ("tensorflow.", "tensorflow.compat.v2."),
    ("keras.", "tensorflow.keras."),
    ("keras.", "tf_keras."),
)

# what to import where nothing leads to a path; keras is left out: what it offers depends on its version
_IMPORTS = (
    ("jax.numpy.", "jnp", "import jax.numpy as jnp"),
    ("jax.", "jax", "import jax"),
    ("torch.", "torch", "import torch"),
    ("tensorflow.", "tf", "import tensorflow as tf"),
)


@dataclass(frozen=True, slots=True)
class Written:
    """A function as it can be written at one place, and the import lines that it needs there."""

    text: str
    imports: tuple[str, ...] = ()

    def call(self, *arguments: str) -> str:
        return f"{self.text}({', '.join(arguments)})"


def library(facts: Facts, use: Use, function: str) -> Written | None:
    """The library function in the framework of this use; None if the framework has no such function."""
    return written(facts, function, use.framework, use.state)


def written(facts: Facts, function: str, framework: str, state: State) -> Written | None:
    """The function of a framework as it can be written in this state; None if the framework has no such function."""
    paths = _PATHS[function].get(framework, ())
    for path in paths:
        if (text := _through_imports(facts, state, path)) is not None:
            return Written(text)
    return _with_import(facts, state, paths[0]) if paths else None


def _through_imports(facts: Facts, state: State, path: str) -> str | None:
    for variant in _variants(path):
        best = ""
        for alias, target in facts.imports.items():
            leads_there = variant == target or variant.startswith(f"{target}.")
            if leads_there and alias not in state.vars and len(target) > len(facts.imports.get(best, "")):
                best = alias
        if best:
            return best + variant[len(facts.imports[best]) :]
    return None


def _variants(path: str) -> list[str]:
    return [path, *(new + path.removeprefix(old) for old, new in _MOVED if path.startswith(old))]


def _with_import(facts: Facts, state: State, path: str) -> Written | None:
    for prefix, name, line in _IMPORTS:
        if path.startswith(prefix):
            if name in facts.imports or name in state.vars or name in state.globals:
                return None
            return Written(f"{name}.{path.removeprefix(prefix)}", (line,))
    return None
