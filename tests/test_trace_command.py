"""`nanlint trace` as its users know it: what it prints, what it says of bad input, and its exit codes."""

import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"

NET = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(16, 4)

    def forward(self, x):
        return torch.log(self.layer(x).softmax(-1) * (x.abs().sum(-1, keepdim=True) > 0))
"""
CLEAN = NET.replace("torch.log(self.layer(x).softmax(-1) * (x.abs().sum(-1, keepdim=True) > 0))", "self.layer(x)")
DEEP = """\
import torch
from torch import nn


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(64, 64) for _ in range(16))
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=0.02)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        p = torch.softmax(x * 1e9, -1)
        return torch.log(p)
"""

BAD = {
    "nothing.py": ("x = 1\n", "nothing.py", "no model found in nothing.py; name a class or a function"),
    "name.py": (CLEAN, "name.py:Nett", "no `Nett` in name.py; it defines `Net`"),
    "plain.py": ("class A:\n    pass\n", "plain.py:A", "`A` is a class, but not a torch.nn.Module"),
    "number.py": ("width = 3\n", "number.py:width", "`width` is no model and no function that makes one, but an int"),
    "syntax.py": ("def f(:\n", "syntax.py", "cannot load syntax.py: line 1: invalid syntax"),
    "build.py": (
        CLEAN.replace("(self)", "(self, workers)", 1)
        .replace("super().__init__()", "raise OSError(f'no pool {workers}')"),
        "build.py", "cannot build `Net` from guessed arguments: OSError: no pool 16; write `def nanlint_example()`",
    ),
    "raises.py": (
        CLEAN.replace("self.layer(x)\n", "self.later(x)\n"), "raises.py", "no attribute 'later'); pass --input",
    ),
    "wants.py": ("def loss(p, y):\n    return p\n", "wants.py:loss", "`loss` wants p, y; pass one --input for each"),
    "text.py": ("def make():\n    return 'x'\n", "text.py:make", "`make` returns no model and no tensor but str"),
    "skipped.py": (
        "import missing_library\n\n\n" + CLEAN.replace("nn.Linear", "missing_library.Linear"), "skipped.py:Net",
        "`missing_library` is not defined (ModuleNotFoundError: No module named 'missing_library')",
    ),
}  # fmt: skip


@pytest.fixture
def run(tmp_path):
    def run(*arguments, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "nanlint", *arguments], capture_output=True, text=True, cwd=tmp_path, timeout=120,
            env={key: value for key, value in os.environ.items() if key != "FORCE_COLOR"} | environment,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    return run


def test_a_finding_with_its_frame(run, tmp_path):
    (tmp_path / "net.py").write_text(NET)
    code, out, err = run("trace", "net.py")
    assert (code, err) == (1, "")
    assert out.startswith("Net  on 16,16:float32\n")
    assert "layer  Linear  net.py:11  16×4" in out
    assert "net.py:11:16: warning[NAN901] non-finite-value: `torch.log(" in out
    assert "is -inf on an input of zeros (log of 0)" in out
    assert "   |                ^^^^^^^^^^" in out
    assert out.endswith("Found 1 warning in 1 file; 1 model traced.\n")


def test_formats_selection_and_suppression(run, tmp_path):
    (tmp_path / "net.py").write_text(NET)
    code, out, _ = run("trace", "net.py", "--output-format", "json", "--select", "NAN901")
    (entry,) = json.loads(out)
    assert (code, entry["code"], entry["location"]["row"]) == (1, "NAN901", 11)
    (tmp_path / "net.py").write_text(NET.replace("> 0))", "> 0))  # nanlint: ignore[NAN901] never zeros"))
    assert run("trace", "net.py", "--no-table")[:2] == (0, "No findings (1 model traced).\n")
    # the static pass cannot know whether the comment is needed
    assert run("check", "net.py", "--select", "NAN0,NAN9")[0] == 0


def test_bad_input_is_one_line_each(run, tmp_path):
    for name, (text, _, _) in BAD.items():
        (tmp_path / name).write_text(text)
    code, out, err = run("trace", *(word for _, word, _ in BAD.values()))
    assert (code, out) == (2, "Nothing was traced.\n")
    lines = err.splitlines()
    assert len(lines) == len(BAD)
    for line, (name, (_, _, message)) in zip(lines, BAD.items(), strict=True):
        assert line.startswith(f"nanlint: {name}: ")
        assert message in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.py"], "gone.py: no such file or folder"),
        (["what is this"], "what is this: give a file, a folder, FILE:NAME or PACKAGE.MODULE:NAME"),
        ([], "name a file, a folder, FILE:NAME or PACKAGE.MODULE:NAME, or list [tool.nanlint.trace.targets]"),
        (["net.py", "--memory", "-1"], "`memory` must be 0 or more"),
        (["net.py", "--optimizer", "sdg", "--lr", "1"], "unknown optimizer `sdg`; did you mean `sgd`?"),
        (["net.py", "--target", "8:int64:2"], "net.py: labels are passed to a loss; name it with --loss"),
        (["net.py", "--device", "nosuch"], "--device nosuch cannot be used: "),
        (["net.py", "--seeds", "0"], "`seeds` must be a number above 0"),
        (["net.py", "--select", "NAN911"], "unknown rule `NAN911`; did you mean `NAN910`?"),
    ],
)
def test_wrong_usage(run, tmp_path, arguments, message):
    (tmp_path / "net.py").write_text(CLEAN)
    code, out, err = run("trace", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_wrong_shapes_and_specs(run, tmp_path):
    (tmp_path / "net.py").write_text(CLEAN)
    code, _, err = run("trace", "net.py", "--input", "4,3")
    assert code == 2
    assert err.startswith("nanlint: net.py: `Net` does not run on 4,3:float32: RuntimeError: mat1 and mat2 shapes")
    code, _, err = run("trace", "net.py", "--input", "4x3")
    assert code == 2
    assert "--input 4x3: write a shape and a type, like 32,3,224,224" in err
    assert run("trace", "net.py", "--input", "x=4,16")[0] == 0


def test_without_torch(run, tmp_path):
    (tmp_path / "net.py").write_text(CLEAN)
    old = tmp_path / "old"
    (old / "torch").mkdir(parents=True)
    (old / "torch" / "__init__.py").write_text("raise ImportError('No module named torch')\n")
    path = os.pathsep.join([str(old), *filter(None, [os.environ.get("PYTHONPATH")])])
    code, out, err = run("trace", "net.py", PYTHONPATH=path)
    assert (code, out) == (2, "")
    assert err == "nanlint: nanlint trace needs torch (No module named torch); pip install 'nanlint[trace]'\n"
    (old / "torch" / "__init__.py").write_text("__version__ = '2.1.0+cpu'\n")
    code, _, err = run("trace", "net.py", PYTHONPATH=path)
    assert (code, err) == (2, "nanlint: nanlint trace needs torch 2.4 or newer, and found 2.1.0+cpu\n")


def test_settings(run, tmp_path):
    (tmp_path / "net.py").write_text(NET)
    config = tmp_path / "pyproject.toml"
    config.write_text(
        '[tool.nanlint.trace]\nseeds = 1\n[tool.nanlint.trace.targets.mine]\ntarget = "net.py:Net"\ninput = ["2,16"]\n'
    )
    code, out, _ = run("trace", "mine")
    assert code == 1
    assert out.startswith("Net  on 2,16:float32\n")
    config.write_text("[tool.nanlint.trace]\nseed = true\n")
    assert run("trace", "net.py") == (2, "", "nanlint: `trace.seed` must be a whole number\n")
    config.write_text("[tool.nanlint.trace]\nseads = 1\n")
    assert "unknown key `trace.seads`; did you mean `seeds`?" in run("trace", "net.py")[2]


def test_both_passes_in_one_report(run, tmp_path):
    (tmp_path / "deep.py").write_text(DEEP)
    code, out, err = run("check", "--trace", "deep.py", "--output-format", "concise")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    # the static finding about the layers and what the run measured are one, and graver
    assert [line.split()[1] for line in lines if line.startswith("deep.py:10:")] == ["NAN402"]
    # one finding about the logarithm, not two
    assert [line.split()[1] for line in lines if line.startswith("deep.py:16:")] == ["NAN102"]
    code, out, _ = run("check", "--trace", "deep.py")
    assert "traced: `torch.log(p)` is -inf on a random input (log of [0, 1])" in out


def test_a_folder_and_a_package(run, tmp_path):
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('is not run')\n")
    (package / "parts.py").write_text(CLEAN.replace("Net", "Part"))
    (package / "whole.py").write_text(
        "from torch import nn\nfrom .parts import Part\nimport missing\n\n\nclass Whole(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.part = Part()\n\n"
        "    def forward(self, x):\n        return self.part(x).log()\n"
    )
    (package / "tools.py").write_text("import torch\n\n\ndef f(x):\n    return x\n")
    code, out, err = run("trace", "pkg", "--no-table", "--output-format", "concise")
    assert (code, err) == (1, "")
    assert out.startswith("pkg/whole.py:12:16: NAN901 `self.part(x).log()` is NaN on a random input")
    assert out.endswith("2 models traced.\n")
    assert run("trace", "pkg.whole:Whole", "--no-table", "--output-format", "concise")[1].startswith(
        "pkg/whole.py:12:16"
    )


def test_the_parent_never_loads_torch(tmp_path):
    code = "import sys; import nanlint.trace.command, nanlint.trace.examples; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.stdout == "False\n", run.stderr


def test_the_example_of_this_project(run, tmp_path):
    """Its loss is a function beside the model: with the settings' help both passes agree about it."""
    text = (EXAMPLES / "train_digits.py").read_text()
    (tmp_path / "train.py").write_text(text)
    (tmp_path / "nanlint.toml").write_text(
        '[trace.targets.digits]\ntarget = "train.py:Classifier"\ninput = "16,64"\n'
        'loss = "train.py:balanced_loss"\nlabels = "16:int64:10"\n'
    )
    code, out, err = run("check", "--trace", "train.py")
    assert (code, err) == (1, "")
    assert "traced: `torch.log(probabilities)` is -inf on an input 1000 times as large" in out
    assert "traced: `(losses * mask).sum() / mask.sum()` is NaN on a random input (div of 0 and 0)" in out
    assert "NAN9" not in out
    (tmp_path / "train.py").write_text((EXAMPLES / "repaired" / "train_digits.py").read_text())
    assert run("check", "--trace", "train.py")[0] == 0


def test_a_loss(run, tmp_path):
    (tmp_path / "net.py").write_text(CLEAN)
    (tmp_path / "losses.py").write_text("def loss(output, labels):\n    return (output / labels.sum()).mean()\n")
    code, out, _ = run(
        "trace", "net.py", "--loss", "losses.py:loss", "--target", "16:int64:1", "--output-format", "concise"
    )
    assert (code, out.partition(" on ")[0]) == (1, "losses.py:2:13: NAN901 `output / labels.sum()` is inf")
    code, _, err = run("trace", "net.py", "--loss", "losses.py:loss")
    assert code == 2
    assert "the loss raises TypeError: loss() missing 1 required positional argument: 'labels'; pass --target" in err


def test_parameters_that_do_not_fit(run, tmp_path):
    """Forty MiB where thirty are allowed: the numbers are the same, and what was left out is said."""
    wide = DEEP.replace("64, 64", "800, 800").replace("        p = torch.softmax(x * 1e9, -1)\n", "")
    (tmp_path / "wide.py").write_text(wide.replace("torch.log(p)", "x"))
    options = ["trace", "wide.py", "--seeds", "1", "--isolated", "--input", "4,800"]
    code, out, err = run(*options)
    assert (code, err) == (1, "")
    paged = run(*options, "--memory", "60")
    assert paged[2].startswith("nanlint: wide.py: `Deep`: its 39 MiB of parameters do not fit into --memory")
    assert "NAN908, NAN909 and repairs need training steps" in paged[2]
    # the repair is not offered, all else is alike
    table, finding = out.split("\n\n")[:2]
    assert paged[1].split("\n\n")[0] == table
    assert paged[1].split("\n\n")[1].splitlines()[0] == finding.splitlines()[0]


def test_repairs(run, tmp_path):
    (tmp_path / "deep.py").write_text(DEEP.replace("return torch.log(p)", "return x"))
    code, out, err = run("trace", "deep.py", "--diff", "--unsafe-fixes")
    assert (code, err) == (1, "Would fix 1 finding; 0 left.\n")
    assert '+            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")\n' in out
    code, out, err = run("trace", "deep.py", "--fix", "--unsafe-fixes", "--no-table")
    assert (code, out, err) == (0, "No findings (1 model traced).\n", "Fixed 1 finding; tracing again.\n")
    assert "kaiming_normal_" in (tmp_path / "deep.py").read_text()


def test_repairs_of_both_passes(run, tmp_path):
    """The static pass mends the logarithm, the dynamic one the initialisation; neither moves the other's lines."""
    path = tmp_path / "deep.py"
    before, _, _ = DEEP.partition("        p = ")
    path.write_text(before + "        return torch.log(torch.softmax(x, -1))\n")
    text = path.read_text()
    code, out, err = run("check", "--trace", "--diff", "--unsafe-fixes", "deep.py")
    assert (code, err.partition(";")[0]) == (1, "Would fix 2 findings")
    assert '+            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")\n' in out
    assert "+        return torch.log_softmax(x, -1)\n" in out
    assert path.read_text() == text
    # repairs that change numbers are asked for
    assert run("check", "--trace", "--diff", "deep.py")[1].count("+    ") == 1
    code, out, err = run("check", "--trace", "--fix", "--unsafe-fixes", "deep.py")
    assert (code, out, err) == (0, "Fixed 2 findings. All checks passed (1 file).\n", "")
    assert 'kaiming_normal_(layer.weight, nonlinearity="relu")' in path.read_text()
    assert "torch.log_softmax(x, -1)" in path.read_text()


def test_a_test_for_each_finding(run, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(NET)
    code, _, err = run("trace", "net.py", "--no-table", "--repro", "regress")
    assert (code, err) == (1, "Wrote 1 test.\n")
    (written,) = (tmp_path / "regress").iterdir()
    assert written.name == "test_nan901_net_11.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(written)]
    assert subprocess.run(command, capture_output=True, timeout=60, cwd=tmp_path).returncode == 1
    path.write_text(CLEAN)
    assert subprocess.run(command, capture_output=True, timeout=60, cwd=tmp_path).returncode == 0


def test_the_page(run, tmp_path):
    (tmp_path / "deep.py").write_text(DEEP)
    code, _, err = run("trace", "deep.py", "--no-table", "--seeds", "2", "--report", "out.html")
    assert (code, err) == (1, "")
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    parser = _Checker()
    parser.feed(text)
    assert not parser.open
    assert parser.seen >= {"svg", "polyline", "polygon", "table", "section", "pre"}
    assert "makes gradients" in text
    assert 'class="limit"' in text  # the threshold is drawn
    assert text.count("vanishing</td>") >= 5
    # nothing is loaded from elsewhere
    assert "http" not in text
    assert "<script" not in text
    assert run("trace", "deep.py", "--report", "no/such/out.html")[0] == 2


class _Checker(HTMLParser):
    """Sees that every element that is opened is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
