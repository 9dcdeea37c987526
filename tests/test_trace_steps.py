"""Steps of training: what they say of a model that cannot move, and of one that has arrived."""

import pytest
import torch
from torch import nn

from nanlint.trace.child.inputs import Inputs
from nanlint.trace.child.steps import train


class Scaled(nn.Module):
    """Scores so large that the right ones are certain after a step or two."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.layer, self.scale = nn.Linear(8, 64, bias=False), scale
        nn.init.normal_(self.layer.weight, std=1e-6)

    def forward(self, x):
        return self.layer(x) * self.scale


@pytest.mark.parametrize(("scale", "stuck"), [(1e5, []), (1.0, []), (0.0, ["layer.weight"])])
def test_who_has_learnt_everything_is_not_stuck(scale: float, stuck: list[str]) -> None:
    torch.manual_seed(0)
    trained = train(Scaled(scale), Inputs((torch.randn(2, 8),)), 0)
    assert trained is not None
    assert trained.judged == ["layer.weight"]
    assert trained.stuck == stuck
