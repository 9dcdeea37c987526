"""What `nanlint trace` finds, and what it costs.

    python benchmarks/trace.py            # the first and the last table
    python benchmarks/trace.py --grid     # the second one
    python benchmarks/trace.py --cost     # the last one only

The first table runs the fixtures: scripts with one culprit each and benign ones, networks that cannot learn and
networks that can. The second runs more such networks, a hundred and forty in `trace_grid.py`. The last compares one
forward and backward with the same under the recorder (blame) and with the measurement of initialisation: CPU time,
one thread, the best of several.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn
from trace_grid import broken, healthy

from nanlint.cards import load_cards
from nanlint.testing import compare, read_marks
from nanlint.trace.child.flow import measure
from nanlint.trace.child.inputs import Inputs, from_specs
from nanlint.trace.child.passes import run
from nanlint.trace.child.places import Places
from nanlint.trace.child.recorder import Recorder
from nanlint.trace.examples import file_name, of_file, trace_files, trace_texts
from nanlint.trace.results import Results

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "tests" / "fixtures" / "trace"


def accuracy() -> None:
    """Blame and initialisation, on the fixtures."""
    cards = load_cards()
    print(f"{'set':10} {'cases':>6} {'right':>6}   what is right")
    for folder, right in (("blame", "culprit named to the column"), ("benign", "nothing reported")):
        results = trace_files(paths := sorted((FIXTURES / folder).glob("*.py")), cards)
        wrong = [path.stem for path in paths if _misjudged(path, results)]
        print(f"{folder:10} {len(paths):6} {len(paths) - len(wrong):6}   {right}", *wrong)
    for folder, right in (("broken", "reported"), ("healthy", "nothing reported")):
        _initialisation(folder, right, trace_files(sorted((FIXTURES / folder).glob("*.py")), cards))


def grid() -> None:
    """Initialisation on networks by the dozen, and how many faults get a repair."""
    cards = load_cards()
    print(f"{'set':10} {'cases':>6} {'right':>6}   what is right")
    results = trace_texts(broken(), cards)
    _initialisation("broken", "reported", results)
    cured = {results.about[one] for several in results.found.values() for one in several if one.fix is not None}
    print(f"{'':10} {len(results.spoken):6} {len(cured):6}   repaired; not:", *sorted(results.spoken - cured))
    _initialisation("healthy", "nothing reported", trace_texts(healthy(), cards))


def _initialisation(kind: str, right: str, results: Results) -> None:
    names = [model.name for model in results.models]
    wrong = [name for name in names if (name in results.spoken) != (kind == "broken")]
    print(f"{kind:10} {len(names):6} {len(names) - len(wrong):6}   {right}", *wrong, flush=True)
    for trouble in results.troubles:
        print("not traced:", trouble.text)


def _misjudged(path: Path, results: Results) -> list[tuple[int, str]]:
    expected = read_marks(path.read_text(encoding="utf-8")).expectations
    return compare(expected, of_file(results, file_name(path)))


def cost() -> None:
    """Ratios to a plain forward and backward."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(f"\n{'model':28} {'plain':>9} {'blame':>6} {'initialisation':>15}")
    for name, make, shape in _models():
        model, inputs = make(), from_specs((shape,))

        base = _seconds(partial(_plain, model, inputs))
        watched = _seconds(partial(_watched, model, inputs, run))
        measured = _seconds(partial(_watched, model, inputs, measure))
        print(f"{name:28} {base * 1000:6.0f} ms {watched / base:6.2f} {measured / base:15.2f}")


def _plain(model: nn.Module, inputs: Inputs) -> None:
    model.zero_grad()
    model(*inputs.args).square().mean().backward()


def _watched(model: nn.Module, inputs: Inputs, work: Callable[..., object]) -> None:
    model.zero_grad()
    work(model, inputs, Recorder(Places([str(ROOT / "benchmarks")])), 0)


def _seconds(function: Callable[[], None], rounds: int = 5) -> float:
    function()
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        function()
        best = min(best, time.process_time() - start)
    return best


def _models() -> list[tuple[str, Callable[[], object], str]]:
    class Residual(nn.Module):
        def __init__(self, before: int, width: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
            self.norm1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            self.norm2 = nn.BatchNorm2d(width)
            self.short = nn.Conv2d(before, width, 1, stride, bias=False) if stride > 1 else nn.Identity()

        def forward(self, x):
            out = self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))
            return (out + self.short(x)).relu()

    def resnet() -> nn.Module:
        stages = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2)]
        body = [Residual(*stage) for stage in [*stages, (512, 512, 1)]]
        stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        return nn.Sequential(*stem, *body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))

    class Gpt(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(1000, 256)
            layer = nn.TransformerEncoderLayer(256, 8, 1024, batch_first=True, norm_first=True)
            self.body = nn.TransformerEncoder(layer, 6, enable_nested_tensor=False)
            self.head = nn.Linear(256, 1000)

        def forward(self, ids):
            return self.head(self.body(self.words(ids)))

    def perceptron() -> nn.Module:
        layers = [part for _ in range(50) for part in (nn.Linear(128, 128), nn.ReLU())]
        return nn.Sequential(*layers)

    return [
        ("ResNet-18, 4×3×64×64", resnet, "4,3,64,64"),
        ("GPT, 6 layers, 2×64", Gpt, "2,64:int64:1000"),
        ("GPT, 6 layers, 8×256", Gpt, "8,256:int64:1000"),
        ("50 layers of 128, batch 32", perceptron, "32,128"),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cost", action="store_true", help="the cost only")
    parser.add_argument("--grid", action="store_true", help="many small networks only")
    options = parser.parse_args()
    if options.grid:
        grid()
    else:
        if not options.cost:
            accuracy()
        cost()
