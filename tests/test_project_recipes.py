"""Training loops whose model stands in another file of the project, linted from disk by the real engine."""

from pathlib import Path

import pytest

from nanlint.config import Settings
from nanlint.diagnostic import Diagnostic
from nanlint.engine import lint_paths

MODEL = """\
import torch.nn as nn


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(8, 8)


class Tagger(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.embedding = nn.Embedding(words, 8)
        self.layer = Layer()


class Plain(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.out = nn.Linear(words, 8)
"""
LOOP = """\
import torch
{imported}


def train(batches, criterion):
    model = {made}(1000)
    optimizer = {optimizer}(model.parameters(), lr=1e-3)
    for x, y in batches:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
    return model
"""
STEP = 11


def loop(imported: str = "from model import Tagger", made: str = "Tagger", optimizer: str = "torch.optim.Adam") -> str:
    return LOOP.format(imported=imported, made=made, optimizer=optimizer)


def found(folder: Path, train: str, model: str = MODEL) -> list[Diagnostic]:
    (folder / "pyproject.toml").touch()
    (folder / "model.py").write_text(model, encoding="utf-8")
    (folder / "optimizers.py").write_text("class Bounded:\n    pass\n", encoding="utf-8")
    (folder / "train.py").write_text(train, encoding="utf-8")
    (result,) = lint_paths([str(folder / "train.py")], Settings())
    assert result.problem is None
    return list(result.found)


@pytest.mark.parametrize(
    ("imported", "made"),
    [
        ("from model import Tagger", "Tagger"),
        ("from model import Tagger as Net", "Net"),
        ("import model as m", "m.Tagger"),
        ("from model import *", "Tagger"),
    ],
)
def test_a_recurrent_model_of_another_file_is_known(tmp_path: Path, imported: str, made: str) -> None:
    (one,) = found(tmp_path, loop(imported, made))
    assert (one.code, one.span.start_line) == ("NAN201", STEP)
    assert "an `nn.GRU` of `Tagger` is trained" in one.message
    assert one.fix is not None


@pytest.mark.parametrize(
    ("train", "model"),
    [
        (loop(made="Plain", imported="from model import Plain"), MODEL),  # nothing tells that it needs it
        (loop(optimizer="Bounded", imported="from model import Tagger\nfrom optimizers import Bounded"), MODEL),
        (loop(), MODEL + "\n\ndef clip_gradients(model):\n    pass\n"),  # somebody has thought of it
        (loop(), "raise ImportError\n"),
    ],
)
def test_nothing_is_said_of_a_model_that_may_be_looked_after(tmp_path: Path, train: str, model: str) -> None:
    assert found(tmp_path, train, model) == []
