"""What a network is made of, as far as its initial weights matter: layers, activations, and what ends the count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from nanlint.ir import nodes

# of a network of unknown width we take that which speaks least for a fault
NARROW, WIDE = 32, 1024
_LONGEST = 64  # layers of one chain


class Family(StrEnum):
    """What the numbers of an initialiser depend on."""

    CONSTANT = "constant"
    UNSCALED = "unscaled"  # the same numbers for every width
    SCALED = "scaled"  # by the number of inputs or outputs
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Draw:
    """How a weight gets its first value.

    Attributes:
        size: the number of a constant; the mean square of what is not scaled, and of what is scaled that times the
            number of inputs.
        text: what messages call it: "N(0, 1)", "`xavier_normal_`", "the default of `nn.Linear`".
        node: the expression that says so; None where the layer's default does.
    """

    family: Family
    size: float = 0.0
    text: str = ""
    node: nodes.Expr | None = None
    statement: nodes.Stmt | None = None


UNKNOWN = Draw(Family.UNKNOWN)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A weight matrix between a signal and the next activation.

    Attributes:
        kind: its class: "Linear", "Conv2d", "Dense"; "" for a parameter of one's own.
        made: what makes it: the call of the class, or the tensor of random numbers.
        statement: where that stands.
        inputs: how many numbers meet in one output; None if the file does not say.
        outputs: how many outputs there are; None likewise.
        draw: what its constructor makes of the weights.
        bias: what its constructor makes of the bias; None if it has none.
    """

    kind: str
    made: nodes.Expr
    statement: nodes.Stmt
    inputs: float | None
    outputs: float | None
    draw: Draw
    bias: Draw | None


@dataclass(frozen=True, slots=True)
class Activation:
    """A function that is applied to every element, by its name in `CURVES`."""

    name: str


class Mark(StrEnum):
    """Other things on the way."""

    END = "end"  # normalisation, a residual connection, or something that nobody knows


Step = Layer | Activation | Mark
Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A layer, and the activation that follows it; None if something unknown does."""

    layer: Layer
    activation: str | None


def chains(steps: Steps) -> Iterator[tuple[Link, ...]]:
    """The runs of layers with nothing but activations between them: there, factors multiply."""
    links: list[Link] = []
    for step in (*steps, Mark.END):
        if isinstance(step, Layer):
            links.append(Link(step, "identity"))
        elif isinstance(step, Activation) and links:
            last = links[-1]
            links[-1] = Link(last.layer, step.name if last.activation == "identity" else None)
        if step is Mark.END or (links and links[-1].activation is None):
            if links:
                yield tuple(links[:_LONGEST])
            links = []


# --- the classes of libraries --------------------------------------------------------------------------------------

_ACTIVATIONS = {
    "ReLU": "relu", "ReLU6": "relu", "LeakyReLU": "leaky_relu", "PReLU": "leaky_relu", "RReLU": "leaky_relu",
    "ELU": "elu", "CELU": "elu", "SELU": "selu", "GELU": "gelu", "SiLU": "silu", "Tanh": "tanh", "Hardtanh": "tanh",
    "Sigmoid": "sigmoid", "Hardsigmoid": "sigmoid", "Softplus": "softplus",
}  # fmt: skip
# what functions, strings and operations are called
ACTIVATIONS = {
    **{name: name for name in _ACTIVATIONS.values()},
    "relu_": "relu", "tanh_": "tanh", "sigmoid_": "sigmoid", "swish": "silu", "relu6": "relu", "prelu": "leaky_relu",
    "leaky_relu_": "leaky_relu", "elu_": "elu", "linear": "identity", "hardtanh": "tanh",
}  # fmt: skip
_PASSING = re.compile(
    r"(?:Alpha|Feature|Spatial|Gaussian)?(?:Dropout|AlphaDropout)(?:[123]d|[123]D)?$|(?:Un)?[Ff]latten$|Identity$|"
    r"(?:Adaptive|Global|LP|Fractional)*(?:Max|Avg|Average)?(?:Un)?Pool(?:ing)?(?:[123][dD])?$|Upsample\w*$|"
    r"UpSampling[123]D$|\w*Pad(?:ding)?[123][dD]$|Pixel(?:Uns|S)huffle$|Reshape$|Permute$|Input(?:Layer)?$"
)
LAYERS = re.compile(r"(?:Lazy)?(?:Linear|Conv[123]d|ConvTranspose[123]d)$|Dense$|Conv(?:[123]D(?:Transpose)?)?$")
_TORCH = "torch.nn."
_KERAS = re.compile(
    r"(?:tensorflow\.|tf_keras\.|keras\.|tensorflow\.python\.)(?:[\w.]*\.)?layers\.(?:[a-z_]\w*\.)*\w+$"
)
_FLAX = ("flax.linen.", "flax.nnx.")


def library_of(path: str) -> str | None:
    """Of which library a path is a layer: "torch", "keras" or "flax"."""
    if path.startswith(_TORCH) and not path.startswith(("torch.nn.functional.", "torch.nn.init.", "torch.nn.utils.")):
        return "torch"
    if path.startswith(_FLAX):
        return "flax"
    return "keras" if _KERAS.match(path) else None


def plain_module(path: str) -> Steps | None:
    """What a module without weights does to a signal; None if it has some, or is none."""
    name = path.rpartition(".")[2]
    if library_of(path) is None:
        return None
    if name in _ACTIVATIONS:
        return (Activation(_ACTIVATIONS[name]),)
    if _PASSING.match(name):
        return ()
    return None if LAYERS.match(name) else (Mark.END,)
