"""Loading a file without running it: what is executed, what is not, and what becomes of failures. No torch needed."""

import sys

import pytest

from nanlint.trace.child.loading import Loader
from nanlint.trace.child.places import Places

SCRIPT = """
from __future__ import annotations
import argparse, missing_one, math
from dataclasses import dataclass
from .elsewhere import gone
try:
    import missing_two as fast
except ImportError:
    fast = None

parser = argparse.ArgumentParser()
parser.add_argument("--width", type=int, default=32)
parser.add_argument("--data", required=True)
opt = parser.parse_args()
shape = (opt.width, 2 * opt.width)
SCALE = 1 / math.sqrt(opt.width)
ACTS = {"double": lambda x: open("x").write(x)}
if fast is None:
    KIND = "slow"
else:
    KIND = "fast"

@dataclass
class Config:
    width: int = 4

def f(x: Config) -> float:
    return x.width * SCALE

data = open("/nonexistent").read()
raise SystemExit("trained")
later = 1
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["nanlint"])
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))

    def load(text, name="script.py", *, in_full=False):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        loader = Loader(Places([str(tmp_path)]), str(tmp_path), in_full=in_full)
        try:
            return loader.load_file(str(path))
        finally:
            loader.forget()

    return load


def test_definitions_only(load):
    loaded = load(SCRIPT)
    space = vars(loaded.module)
    assert (space["shape"], space["KIND"], space["f"](space["Config"]())) == ((32, 64), "slow", 4 / 32**0.5)
    assert space["later"] == 1
    assert "data" not in space
    assert loaded.skipped["missing_one"] == "ModuleNotFoundError: No module named 'missing_one'"
    assert loaded.skipped["data"] == "the statement that defines it was not run"
    assert loaded.skipped["gone"].startswith("ImportError")


def test_in_full(load):
    with pytest.raises(SystemExit, match="trained"):
        load("raise SystemExit('trained')\n", in_full=True)


def test_imported_files_of_the_project_are_not_run_either(load, tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("raise RuntimeError\n")
    (tmp_path / "pkg" / "parts.py").write_text("WIDTH = 3\nprint(1 / 0)\n\n\ndef part():\n    return WIDTH\n")
    loaded = load("from .parts import part\nfrom pkg import parts\n", "pkg/whole.py")
    assert vars(loaded.module)["part"]() == 3
    assert loaded.module.__name__ == "pkg.whole"
    # forgotten: the next project may have a package of the same name
    assert not [name for name in sys.modules if name.split(".")[0] == "pkg"]


@pytest.mark.parametrize("name", ["random.py", "torch.py", "not-a-name.py"])
def test_a_file_does_not_take_the_place_of_a_library(load, name):
    before = sys.modules.get(name[:-3])
    loaded = load("x = 1\n", name)
    assert vars(loaded.module)["x"] == 1
    assert sys.modules.get(name[:-3]) is before
