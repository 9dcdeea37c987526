"""Models larger than memory: what is thrown away comes back bit for bit, however the model was built."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from nanlint.trace.child.flow import Flow, measure
from nanlint.trace.child.inputs import Inputs
from nanlint.trace.child.paging import AVAILABLE, Pager
from nanlint.trace.child.places import Places
from nanlint.trace.child.recorder import Recorder
from nanlint.trace.child.sites import quiet

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="memory is given back on Linux only")

WIDTH = 64
LARGE = 4096  # bytes: nearly every matrix below


class Linears(nn.Module):
    def __init__(self, change: Callable[[nn.Module], None] = lambda _: None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(4))
        change(self)

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x


class Parameters(nn.Module):
    def __init__(self, *weights: torch.Tensor) -> None:
        super().__init__()
        self.weights = nn.ParameterList(weights)

    def forward(self, x):
        for weight in self.weights:
            x = torch.tanh(x @ weight.to(x.dtype))
        return x


def _each(init: Callable[[torch.Tensor], object]) -> Callable[[], nn.Module]:
    def change(model: nn.Module) -> None:
        for layer in model.layers:
            init(layer.weight)

    return lambda: Linears(change)


def _drawn() -> nn.Module:
    return Parameters(*(nn.Parameter(torch.randn(WIDTH, WIDTH) * 0.1) for _ in range(4)))


def _one_from_another() -> nn.Module:
    """Both come from one tensor, which is changed after the first was made of it and then forgotten."""
    base = torch.randn(WIDTH, WIDTH)
    first = base * 0.1
    base.mul_(0.2)
    second = base.t().contiguous()
    return Parameters(nn.Parameter(first), nn.Parameter(second), nn.Parameter(first + second))


def _copied() -> nn.Module:
    layer = nn.Linear(WIDTH, WIDTH)
    nn.init.orthogonal_(layer.weight)
    return nn.Sequential(*(copy.deepcopy(layer) for _ in range(4)))


def _numpy() -> nn.Module:
    model = Linears()
    for layer in model.layers:
        layer.weight.data.numpy()[:] = np.eye(WIDTH) * 0.5
        layer.bias.data.copy_(torch.from_numpy(np.ones(WIDTH)))
    return model


def _rows() -> nn.Module:
    model = Linears()
    with torch.no_grad():
        for layer in model.layers:
            layer.weight[:8].zero_()
            layer.weight[8].normal_()
            layer.weight.data[:, 3] = 0.5
    return model


def _own_generator() -> nn.Module:
    generator = torch.Generator().manual_seed(7)
    return Parameters(*(nn.Parameter(torch.randn(WIDTH, WIDTH, generator=generator)) for _ in range(3)))


def _spoiled() -> nn.Module:
    """A table in a buffer, a tied weight, and parametrised weights."""

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(100, WIDTH, padding_idx=0)
            self.register_buffer("mask", torch.full((WIDTH, WIDTH), -torch.inf).triu(1))
            self.body = nn.TransformerEncoderLayer(WIDTH, 4, 2 * WIDTH, batch_first=True)
            self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(WIDTH, WIDTH))
            self.head = nn.Linear(WIDTH, 100, bias=False)
            self.head.weight = self.words.weight

        def forward(self, x):
            ids = (x.detach().abs() * 20).long().clamp(max=99)
            return self.head(self.normed(self.body(self.words(ids), src_mask=self.mask)))

    return Model()


class _Convolutions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(1, WIDTH, 3), nn.Conv1d(WIDTH, WIDTH, 3)
        self.norm, self.recurrent = nn.BatchNorm1d(WIDTH), nn.LSTM(WIDTH, WIDTH, batch_first=True)

    def forward(self, x):
        return self.recurrent(self.norm(F.relu(self.second(self.first(x[:, None])))).transpose(1, 2))[0]


STYLES: dict[str, Callable[[], nn.Module]] = {
    "default": Linears,
    "normal": _each(nn.init.normal_),
    "truncated": _each(nn.init.trunc_normal_),
    "orthogonal": _each(nn.init.orthogonal_),
    "kaiming": _each(nn.init.kaiming_uniform_),
    "sparse": _each(lambda weight: nn.init.sparse_(weight, 0.5)),
    "eye": _each(nn.init.eye_),
    "data": _each(lambda weight: weight.data.uniform_(-0.1, 0.1)),
    "replaced data": _each(lambda weight: setattr(weight, "data", torch.randn(WIDTH, WIDTH) / 8)),
    "scaled": _each(lambda weight: weight.data.div_(weight.data.norm())),
    "drawn": _drawn,
    "one from another": _one_from_another,
    "copied": _copied,
    "numpy": _numpy,
    "rows": _rows,
    "own generator": _own_generator,
    "transformer": _spoiled,
    "convolutions": _Convolutions,
    "half": lambda: Linears().half().float(),
    "transposed": lambda: Parameters(*(nn.Parameter(nn.Linear(WIDTH, WIDTH).weight.detach().t()) for _ in range(3))),
}


def _run(make: Callable[[], nn.Module], pager: Pager) -> Flow:
    torch.manual_seed(3)
    with pager.building():
        model = make()
    with quiet(), pager.running():
        generator = torch.Generator().manual_seed(0)
        inputs = Inputs((torch.randn(8, WIDTH, generator=generator),))
        return measure(model, inputs, Recorder(Places([str(Path(__file__).parent)])), 0)


@pytest.mark.parametrize("style", STYLES)
def test_numbers_are_those_of_a_run_in_memory(style: str) -> None:
    resident = _run(STYLES[style], Pager(2**40, 0, LARGE))
    pager = Pager(0, 0, LARGE)
    paged = _run(STYLES[style], pager)
    assert pager.paged
    assert pager.dropped > (0 if style == "numpy" else 3)
    assert [layer.name for layer in paged.layers] == [layer.name for layer in resident.layers]
    assert [layer.activations for layer in paged.layers] == [layer.activations for layer in resident.layers]
    assert [layer.gradients for layer in paged.layers] == [layer.gradients for layer in resident.layers]
    assert paged.output == resident.output
    assert all(torch.equal(*pair) for pair in zip(paged.done.outputs, resident.done.outputs, strict=True))


def test_a_model_that_fits_stays_in_memory() -> None:
    pager = Pager(2**40, 0, LARGE)
    _run(Linears, pager)
    assert not pager.paged
    assert pager.dropped == 0
    assert pager.size == 0  # the model is gone


def test_random_numbers_are_not_disturbed() -> None:
    torch.manual_seed(0)
    plain = [torch.randn(WIDTH, WIDTH) for _ in range(3)] + [torch.randn(4)]
    torch.manual_seed(0)
    with Pager(0, 0, LARGE).building():
        drawn = [torch.randn(WIDTH, WIDTH) for _ in range(3)]
        assert float(drawn[0][0, 0]) == float(plain[0][0, 0])
        drawn.append(torch.randn(4))
        assert all(torch.equal(*pair) for pair in zip(plain, drawn, strict=True))
