"""What a project says of its own names: `assume-positive` and `safe-functions`."""

from __future__ import annotations

from nanlint.cards import load_cards
from nanlint.config import Settings
from nanlint.diagnostic import Evidence
from nanlint.engine import lint_source
from nanlint.source import Source

CARDS = load_cards()


def _lines(text: str, settings: Settings) -> list[int]:
    return [one.span.start_line for one in lint_source(Source("a.py", text), CARDS, settings)]


POSITIVE = """import torch


class Layer(torch.nn.Module):
    def __init__(self, x):
        self.total_mass = (x > 0).sum()

    def forward(self, x, mask):
        mass = mask.sum()
        return x / mass + x / self.total_mass
"""


def test_names_that_hold_positive_numbers() -> None:
    assert _lines(POSITIVE, Settings()) == [10, 10]
    assert _lines(POSITIVE, Settings(assume_positive=("mass",))) == [10]
    assert _lines(POSITIVE, Settings(assume_positive=("*mass",))) == []


def test_a_positive_number_may_still_round_to_zero_elsewhere() -> None:
    text = "import torch\n\n\ndef f(x, mass):\n    return torch.log(1 - torch.sigmoid(x)) / mass\n"
    assert _lines(text, Settings(assume_positive=("mass",))) == [5]


def test_a_parameter() -> None:
    text = "import torch\n\n\ndef f(x, mass):\n    return x / mass\n"
    assert _lines(text, Settings(evidence=Evidence.UNKNOWN)) == [5]
    assert _lines(text, Settings(evidence=Evidence.UNKNOWN, assume_positive=("mass",))) == []


SAFE = """import torch
from mylib import guarded


def guarded_log(p):
    return torch.log(p)


def own(x):
    return x / guarded_log(torch.sigmoid(x))


def imported(x):
    return torch.log(guarded(torch.relu(x)))


class Layer(torch.nn.Module):
    def guarded_mean(self, x, mask):
        return (x * mask).sum() / mask.sum()

    def forward(self, x, mask):
        return self.guarded_mean(x, mask).sqrt()
"""


def test_functions_that_guard_what_they_compute() -> None:
    assert _lines(SAFE, Settings()) == [6, 10, 19, 22]
    assert _lines(SAFE, Settings(safe_functions=("guarded_*",))) == []
    assert _lines(SAFE, Settings(safe_functions=("*.guarded_log",))) == [6, 10, 19, 22]
    everything = Settings(evidence=Evidence.UNKNOWN)
    assert 14 in _lines(SAFE, everything)
    assert 14 not in _lines(SAFE, Settings(evidence=Evidence.UNKNOWN, safe_functions=("mylib.guarded",)))
