"""What `--evidence unknown` adds: everything of which nothing is known, but not what was plainly thought of."""

from __future__ import annotations

import pytest

from nanlint.cards import load_cards
from nanlint.config import Settings
from nanlint.diagnostic import Evidence
from nanlint.engine import lint_source
from nanlint.source import Source

CARDS = load_cards()


def _found(expression: str) -> list[str]:
    text = f"import torch\nfrom keras.src.backend import epsilon\n\n\ndef f(x, y, hp):\n    return {expression}\n"
    return [one.code for one in lint_source(Source("a.py", text), CARDS, Settings(evidence=Evidence.UNKNOWN))]


@pytest.mark.parametrize(
    "expression", ["x / y", "x / (y + 1)", "torch.log(x)", "x / (y - 1e-6)", "x / (y * 1e-6)", "x / (y + hp.shift)"]
)
def test_nothing_is_known(expression: str) -> None:
    assert len(_found(expression)) == 1


@pytest.mark.parametrize(
    "expression",
    [
        "x / (y + 1e-6)",
        "x / (1 - y + epsilon())",
        "x / (y[0] + hp.eps)",
        "torch.log(1e-8 + x)",
        "x / (y + hp.norm_eps)",
    ],
)
def test_a_small_number_was_added(expression: str) -> None:
    assert _found(expression) == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x / hp.num_tokens", 1),  # 0 where all are masked
        ("x / hp.num_heads", 0),
        ("torch.log(hp.corr + 1e-8)", 1),  # an epsilon does not make a negative number positive
        ("torch.log(hp.weight + 1e-8)", 0),
        ("torch.nn.functional.binary_cross_entropy(x, y)", 1),
        ("torch.nn.functional.binary_cross_entropy(x.clamp(0.1, 0.9), y)", 0),
    ],
)
def test_what_a_name_or_a_loss_says(expression: str, expected: int) -> None:
    assert len(_found(expression)) == expected


def test_a_loss_of_probabilities() -> None:
    text = "import torch\n\n\nclass Trainer:\n    def __init__(self):\n        self.loss = torch.nn.BCELoss()\n"
    assert len(lint_source(Source("a.py", text), CARDS, Settings(evidence=Evidence.UNKNOWN))) == 1
    assert lint_source(Source("a.py", text), CARDS, Settings()) == []


def test_no_setting_is_a_difference() -> None:
    text = "import torch\n\n\ndef f(x, grid):\n    delta = grid[1] - grid[0]\n    return x / delta\n"
    assert len(lint_source(Source("a.py", text), CARDS, Settings(evidence=Evidence.UNKNOWN))) == 1
    assert lint_source(Source("a.py", text), CARDS, Settings()) == []


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("test_loss.py", 0),
        ("pkg/loss_test.py", 0),
        ("conftest.py", 0),
        ("test.py", 1),
        ("tests/loss.py", 1),
        ("a.py", 1),
    ],
)
def test_files_of_tests(filename: str, expected: int) -> None:
    text = "import torch\n\n\ndef f(x):\n    return torch.log(torch.softmax(x, -1))\n"
    assert len(lint_source(Source(filename, text), CARDS, Settings())) == expected
    assert len(lint_source(Source(filename, text), CARDS, Settings(evidence=Evidence.UNKNOWN))) == 1


ACTOR = """
import torch
from torch import nn


class Actor(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.head = nn.Linear(n, n)

    def forward(self, x):
        return self.head(x), torch.clamp(self.head(x), -20, 2)


def act(x):
    actor = Actor(3)
    mean, log_std = actor(x)
    return mean + log_std.exp()
"""


@pytest.mark.parametrize("work", [1000, 0])
def test_names_tell_nothing_of_what_nobody_had_time_to_look_into(monkeypatch: pytest.MonkeyPatch, work: int) -> None:
    monkeypatch.setattr("nanlint.flow.program.work_limit", lambda module: work)
    assert lint_source(Source("a.py", ACTOR), CARDS, Settings()) == []
