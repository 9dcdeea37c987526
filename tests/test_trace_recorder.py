"""The recorder alone: private names of torch that it rests on, and what is left without them."""

from pathlib import Path

import pytest
import torch
from torch import nn

from nanlint.trace.child import autograd
from nanlint.trace.child.births import described, number, spoken
from nanlint.trace.child.inputs import Inputs, from_specs
from nanlint.trace.child.models import NotTraceableError
from nanlint.trace.child.passes import Pass, run
from nanlint.trace.child.places import Places, text_at
from nanlint.trace.child.recorder import Recorder


class Distance(nn.Module):
    def forward(self, x):
        return (x - x).square().sum(-1).sqrt()


def _run(model: nn.Module, x: torch.Tensor) -> Pass:
    return run(model, Inputs((x,)), Recorder(Places([str(Path(__file__).parent)])), 0)


def test_the_private_names_exist() -> None:
    assert autograd.AVAILABLE


def test_a_backward_operation_has_the_place_of_its_expression() -> None:
    (sink,) = _run(Distance(), torch.ones(2, 3)).sinks
    assert sink.what == "gradient"
    assert sink.birth.backward
    assert sink.birth.place is not None
    assert text_at(sink.birth.place) == "(x - x).square().sum(-1).sqrt()"


def test_without_the_private_names_only_the_place_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autograd, "_current_node", None)
    monkeypatch.setattr(autograd, "_next_number", None)
    (sink,) = _run(Distance(), torch.ones(2, 3)).sinks
    assert sink.what == "gradient"
    assert sink.birth.value in {"inf", "-inf", "NaN"}


def test_numbers_of_the_run_do_not_change() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    x = torch.randn(3, 4)
    plain = model(x)
    watched = _run(model, x).outputs[0]
    assert torch.equal(plain, watched)


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (torch.tensor([0.0, 2.5]), "[0, 2.5]"),
        (torch.tensor([1.0]), "1"),
        (torch.tensor([float("nan"), 1.0]), "1 and NaN"),
        (torch.tensor([float("nan")]), "NaN"),
        (torch.empty(0), "nothing"),
        (torch.tensor([True, True]), "all true"),
        (torch.tensor([True, False]), "true and false"),
        (torch.tensor([-torch.inf, 3.0]), "[-inf, 3]"),
    ],
)
def test_described(tensor: torch.Tensor, text: str) -> None:
    assert described(tensor) == text


def test_spoken() -> None:
    names = ("_softmax", "log_", "native_layer_norm", "nll_loss_forward", "_to_copy", "div")
    assert [spoken(name) for name in names] == ["softmax", "log", "layer_norm", "nll_loss", "conversion", "div"]
    assert [number(value) for value in (0.0, -0.0, 1234567.0, 0.25)] == ["0", "0", "1.23e+06", "0.25"]


def test_specs() -> None:
    made = from_specs(("2,3", "mask=4:bool", "5,6:int64:7", "scalar:double"))
    assert [tuple(one.shape) for one in made.args] == [(2, 3), (5, 6), ()]
    assert made.kwargs["mask"].dtype == torch.bool
    assert int(made.args[1].max()) < 7
    assert made.args[2].dtype == torch.float64
    for wrong in ("2x3", "2,3:quaternion", "", "-1,2"):
        with pytest.raises(NotTraceableError, match="write a shape and a type"):
            from_specs((wrong,))
