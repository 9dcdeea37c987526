"""Small networks by the dozen, healthy and broken ones: families, depths, widths, activations, initialisations.

Which are which was decided by theory, before the rules were asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_HEAD = "import math\n\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n\n"

_DENSE = """\
class {name}(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear({width}, {width}) for _ in range({depth}))
        self.norms = nn.ModuleList({norm} for _ in range({depth}))
        self.head = nn.Linear({width}, 10)
        for layer in self.layers:
            {init}

    def forward(self, x):
        for layer, norm in zip(self.layers, self.norms):
            x = {step}
        return self.head(x)

    def nanlint_example(self):
        return torch.randn(32, {width})
"""

_IMAGES = """\
class {name}(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, {width}, 3, padding=1)
        self.layers = nn.ModuleList(nn.Conv2d({width}, {width}, 3, padding=1) for _ in range({depth}))
        self.norms = nn.ModuleList({norm} for _ in range({depth}))
        self.head = nn.Linear({width}, 10)
        for layer in self.layers:
            {init}

    def forward(self, x):
        x = self.stem(x)
        for layer, norm in zip(self.layers, self.norms):
            x = {step}
        return self.head(x.mean((2, 3)))

    def nanlint_example(self):
        return torch.randn(16, 3, 12, 12)
"""

_WORDS = """\
class {name}(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(200, {width})
        layer = nn.TransformerEncoderLayer({width}, 4, 4 * {width}, batch_first=True, norm_first=True, dropout=0.0)
        self.body = nn.TransformerEncoder(layer, {depth}, enable_nested_tensor=False)
        self.norm = {norm}
        self.head = nn.Linear({width}, 200, bias=False)
        {init}

    def forward(self, ids):
        return self.head(self.norm(self.body(self.words(ids))))

    def nanlint_example(self):
        return torch.randint(0, 200, (8, 16))
"""

_RECURRENT = """\
class {name}(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.{norm}({width}, {width}, {depth}, batch_first=True)
        self.head = nn.Linear({width}, 10)
        for layer in self.body.parameters():
            {init}

    def forward(self, x):
        return self.head(self.body(x)[0][:, -1])

    def nanlint_example(self):
        return torch.randn(16, 12, {width})
"""


class _Kind(NamedTuple):
    """Networks of one kind: all depths with all widths."""

    name: str
    text: str
    depths: tuple[int, ...]
    init: str = "pass"
    step: str = "F.relu(layer(x))"
    norm: str = "nn.Identity()"
    widths: tuple[int, ...] = (48, 96)


_KAIMING = 'nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")'
_KAIMING_NO_BIAS = _KAIMING + "; nn.init.zeros_(layer.bias)"
_ORTHOGONAL = "nn.init.orthogonal_(layer.weight, math.sqrt(2)); nn.init.zeros_(layer.bias)"
_LECUN = "nn.init.normal_(layer.weight, std={width} ** -0.5); nn.init.zeros_(layer.bias)"
_NORMAL = "nn.init.normal_(layer.weight, std={})"
_TANH = "torch.tanh(layer(x))"
_SIGMOID = "torch.sigmoid(layer(x))"
_BATCH = "nn.BatchNorm{}d({{width}})"
_ALL_NORMAL = """for one in self.parameters():
            if one.dim() > 1:
                nn.init.normal_(one, std={})"""

_BROKEN = (
    _Kind("DefaultRelu", _DENSE, (20, 40)),
    _Kind("DefaultTanh", _DENSE, (24, 40), step=_TANH),
    _Kind("DefaultSigmoid", _DENSE, (8, 16), step=_SIGMOID),
    _Kind("DefaultGelu", _DENSE, (16, 32), step="F.gelu(layer(x))"),
    _Kind("XavierRelu", _DENSE, (30, 48), "nn.init.xavier_uniform_(layer.weight)"),
    _Kind("TinyNormal", _DENSE, (5, 8), _NORMAL.format(0.01)),
    _Kind("UnitNormal", _DENSE, (5, 10), _NORMAL.format(1.0)),
    _Kind("UnitNormalTanh", _DENSE, (10, 16), _NORMAL.format(1.0), _TANH),
    _Kind("Uniform", _DENSE, (6, 9), "nn.init.uniform_(layer.weight)"),
    _Kind("LargeOrthogonal", _DENSE, (20, 32), "nn.init.orthogonal_(layer.weight, gain=3.0)"),
    # with random biases the units would differ, and after some steps the weights as well
    _Kind("Zeros", _DENSE, (3, 6), "nn.init.zeros_(layer.weight); nn.init.zeros_(layer.bias)"),
    _Kind("Constant", _DENSE, (5, 8), "nn.init.constant_(layer.weight, 0.02); nn.init.zeros_(layer.bias)"),
    _Kind("LowBias", _DENSE, (4, 6), "nn.init.constant_(layer.bias, -10.0)"),
    _Kind("BareResidual", _DENSE, (32, 48), _KAIMING, "x + F.relu(layer(x))"),
    _Kind("DefaultConvolutions", _IMAGES, (16, 24), widths=(16, 24)),
    _Kind("TinyConvolutions", _IMAGES, (6, 9), _NORMAL.format(0.005), widths=(16, 24)),
    _Kind("UnitConvolutions", _IMAGES, (5, 7), _NORMAL.format(1.0), widths=(16, 24)),
    _Kind("UnitTransformer", _WORDS, (2, 4), _ALL_NORMAL.format(1.0), norm="nn.LayerNorm({width})", widths=(32, 64)),
)  # fmt: skip

_HEALTHY = (
    _Kind("ShortDefault", _DENSE, (2, 4)),
    _Kind("ShortDefaultTanh", _DENSE, (2, 4), step=_TANH),
    _Kind("KaimingRelu", _DENSE, (8, 20), _KAIMING_NO_BIAS),
    _Kind("OrthogonalRelu", _DENSE, (8, 24), _ORTHOGONAL),
    _Kind("XavierTanh", _DENSE, (6, 12), "nn.init.xavier_normal_(layer.weight)", _TANH),
    _Kind("LecunSelu", _DENSE, (8, 24), _LECUN, "F.selu(layer(x))"),
    _Kind("BatchNorm", _DENSE, (6, 12), step="F.relu(norm(layer(x)))", norm=_BATCH.format(1)),
    _Kind("LayerNorm", _DENSE, (6, 16), step="F.relu(norm(layer(x)))", norm="nn.LayerNorm({width})"),
    _Kind("PreNormResidual", _DENSE, (8, 24), step="x + F.relu(layer(norm(x)))", norm="nn.LayerNorm({width})"),
    _Kind("ScaledResidual", _DENSE, (8, 32), _KAIMING, "x + F.relu(layer(x)) / math.sqrt({depth})"),
    _Kind("ZeroResidual", _DENSE, (8, 24), "nn.init.zeros_(layer.weight)", "x + layer(F.relu(norm(x)))",
          "nn.LayerNorm({width})"),
    _Kind("ConvolutionsWithNorm", _IMAGES, (6, 12), step="F.relu(norm(layer(x)))", norm=_BATCH.format(2),
          widths=(16, 24)),
    _Kind("KaimingConvolutions", _IMAGES, (6, 10), _KAIMING_NO_BIAS, widths=(16, 24)),
    _Kind("ResidualConvolutions", _IMAGES, (6, 12), step="x + F.relu(norm(layer(x)))", norm=_BATCH.format(2),
          widths=(16, 24)),
    _Kind("Transformer", _WORDS, (2, 6), _ALL_NORMAL.format(0.02), norm="nn.LayerNorm({width})", widths=(32, 64)),
    _Kind("Lstm", _RECURRENT, (1, 2), norm="LSTM", widths=(24, 48)),
    _Kind("Gru", _RECURRENT, (1, 2), norm="GRU", widths=(24, 48)),
)  # fmt: skip


def broken() -> dict[str, str]:
    """Networks that cannot learn as they begin, each as the text of a file, by name."""
    return dict(_texts(_BROKEN))


def healthy() -> dict[str, str]:
    """Networks that can."""
    return dict(_texts(_HEALTHY))


def _texts(kinds: tuple[_Kind, ...]) -> Iterator[tuple[str, str]]:
    for kind in kinds:
        for depth in kind.depths:
            for width in kind.widths:
                name = f"{kind.name}{depth}x{width}"
                parts = {"name": name, "depth": depth, "width": width}
                init, step, norm = (one.format(**parts) for one in (kind.init, kind.step, kind.norm))
                yield name, _HEAD + kind.text.format(**parts, init=init, step=step, norm=norm)
