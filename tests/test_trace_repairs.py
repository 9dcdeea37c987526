"""Repairs of initialisation: most faults get one, and with it the network learns what it could not learn before."""

import math
from pathlib import Path

import pytest
import torch

from nanlint.cards import load_cards
from nanlint.diagnostic import Diagnostic
from nanlint.fix import apply_fixes
from nanlint.source import Source, Span
from nanlint.trace.child.cures import cures
from nanlint.trace.examples import of_file, trace_texts

FILE = Path(__file__).parent / "fixtures" / "trace" / "broken" / "perceptrons.py"
TEXT = FILE.read_text(encoding="utf-8")

# networks with scores of classes that are too deep or too badly begun for plain SGD
NAMES = [
    "DefaultRelu", "DefaultTanh", "XavierRelu", "UnitNormalRelu", "UniformRelu", "TinyNormal", "Zeros", "Constant",
    "NegativeBias", "BigOrthogonal",
]  # fmt: skip


@pytest.fixture(scope="module")
def found(once) -> list[Diagnostic]:
    results = once("repairs", lambda: trace_texts({"perceptrons": TEXT}, load_cards()))
    return of_file(results, "perceptrons")


def test_every_broken_network_gets_a_repair(found: list[Diagnostic]) -> None:
    broken = {_class_at(one.span.start_line) for one in found}
    cured = {_class_at(one.span.start_line) for one in found if one.fix is not None}
    assert len(cured) >= 0.9 * len(broken)


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_with_the_repair_and_not_without(name: str, found: list[Diagnostic]) -> None:
    fixes = [one.fix for one in found if one.fix is not None and _class_at(one.span.start_line) == name]
    fixed, count = apply_fixes(Source("perceptrons.py", TEXT), fixes)
    assert count
    before, after = _trained(TEXT, name), _trained(fixed, name)
    # guessing is 0.69
    assert after < 0.4
    assert before > after + 0.2


def _class_at(line: int) -> str:
    above = [text for text in TEXT.split("\n")[:line] if text.startswith("class ")]
    return above[-1].removeprefix("class ").partition("(")[0]


def _trained(text: str, name: str) -> float:
    """The loss after some steps of SGD with momentum: which side of a plane is a point on?"""
    space: dict[str, object] = {"__name__": "perceptrons"}
    exec(text, space)
    torch.manual_seed(0)
    model = space[name]()
    width = next(one.shape[1] for one in model.parameters() if one.dim() == 2)
    x = torch.randn(128, width)
    y = (x @ torch.randn(width) > 0).long()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss = torch.tensor(math.nan)
    for _ in range(120):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        if not torch.isfinite(loss):
            return math.inf
        loss.backward()
        optimizer.step()
    return loss.item()


def _cure(text: str, part: str, **options: bool) -> list[str]:
    source = Source("a.py", text)
    line = next(at for at, one in enumerate(text.split("\n"), start=1) if part in one)
    column = text.split("\n")[line - 1].index(part) + 1
    span = Span(line, column, line, column + len(part))
    return [cure.changes[0].text for cure in cures(source, span, **{"squashing": False, "scale": False} | options)]


def test_the_edits() -> None:
    text = "from torch import nn\nnn.init.normal_(layer.weight, 0, 1)\n"
    first = _cure(text, "nn.init.normal_(layer.weight, 0, 1)")[0]
    assert first == 'nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")'
    text = "import torch\nself.w.data.uniform_(-1, 1)\n"
    assert _cure(text, "self.w.data.uniform_(-1, 1)", squashing=True)[0] == "torch.nn.init.xavier_normal_(self.w)"
    text = "from torch import nn\nnn.init.constant_(self.a.bias, -10)\n"
    assert set(_cure(text, "nn.init.constant_(self.a.bias, -10)")) == {"nn.init.zeros_(self.a.bias)"}
    text = "import torch\nw = torch.randn(n, 4) * 3\n"
    assert _cure(text, "torch.randn(n, 4) * 3")[0] == "torch.randn(n, 4) * (2 / n) ** 0.5"
    assert _cure("x = a + b\n", "a + b") == []
