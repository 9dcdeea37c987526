"""How a model is built of which little is said: by its calls, by what uses it, and by guesses that faults correct."""

from pathlib import Path

import pytest

from nanlint.cards import load_cards
from nanlint.config import Settings
from nanlint.trace.protocol import Job, Options, Target
from nanlint.trace.results import Results, collect
from nanlint.trace.session import events

HEAD = "import torch\nfrom torch import nn\n\n\n"
NET = (
    HEAD
    + """\
class Net(nn.Module):
    def __init__(self{parameters}):
        super().__init__()
        {make}

    def forward(self, {arguments}):
        {run}
"""
)


def _net(parameters: str, make: str, run: str = "return self.layer(x)", arguments: str = "x") -> str:
    parameters = f", {parameters}" if parameters else ""
    make, run = make.replace("\n", "\n        "), run.replace("\n", "\n        ")
    return NET.format(parameters=parameters, make=make, arguments=arguments, run=run)


LAYER = "self.layer = nn.Linear(12, 3)"
BLOCK = (
    HEAD
    + """\
class Block(nn.Module):
    def __init__(self, plan):
        super().__init__()
        self.layer = nn.Linear(plan["width"][0], plan["width"][1])

    def forward(self, x, state):
        return self.layer(x) * state["scale"]
"""
)
USER = """\
class User(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(Block({"width": (6, 6)}) for _ in range(2))

    def forward(self, x):
        for block in self.blocks:
            x = block(x, {"scale": 0.5, "extra": torch.ones(3, 6)})
        return x.view(-1, 6)
"""

# files, what is asked for, how it is built, its input
CASES = {
    # what is said
    "a_call_with_locals": (
        {"a.py": _net("width, depth", "self.layer = nn.Linear(width, depth)")
         + "\n\ndef main(depth=4):\n    width, _ = 3 * 5, None\n    return Net(width, depth=depth)\n"},
        "Net", "built as the file builds it", "8,15:float32",
    ),
    "a_call_with_a_layer": (
        {"a.py": _net("inner", "self.layer = inner") + "\n\ndef main():\n    run(Net(nn.Linear(5, 2)))\n"},
        "Net", "built as the file builds it", "8,5:float32",
    ),
    "a_call_in_another_file": (
        {"a.py": _net("width", "self.layer = nn.Linear(width, 2)"),
         "tests/test_a.py": "import torch\nfrom a import Net\n\n\ndef test():\n    net = Net(width=9)\n"},
        "Net", "built as `test_a.py` builds it", "8,9:float32",
    ),
    "another_class_of_that_name": (
        {"data.py": _net("width", "self.layer = nn.Linear(width, 2)"),
         "b.py": "from data import f\n\n\nclass Net:\n    pass\n\n\nnet = Net(width=9)\n"},
        "Net", "built with guessed arguments", "8,32:float32",
    ),
    "an_import_from_above": (
        {"pkg/inner.py": "WIDTH = 11\n",
         "pkg/a.py": "from pkg.inner import WIDTH\n" + _net("", "self.layer = nn.Linear(WIDTH, 3)")},
        "Net", "", "8,11:float32",
    ),
    # what it is a part of
    "a_part": ({"a.py": BLOCK + "\n\n" + USER}, "Block", "as a part of `User`", "8,6:float32 3,6:float32"),
    "a_part_elsewhere": (
        {"a.py": BLOCK, "models/user.py": "from a import Block\n" + HEAD + USER},
        "Block", "as a part of `User`", "8,6:float32 3,6:float32",
    ),
    # guesses that are corrected
    "words": (
        {"a.py": _net("variant", 'if variant == "wide":\n    self.layer = nn.Linear(12, 3)\n'
                      "else:\n    raise ValueError(variant)")},
        "Net", "built with guessed arguments", "8,12:float32",
    ),
    "a_sequence": (
        {"a.py": _net("plan", "self.layer = nn.Sequential(*[nn.Linear(12, one) for one in plan[:1]])")},
        "Net", "built with guessed arguments", "8,12:float32",
    ),
    "something_to_call": (
        {"a.py": _net("build", LAYER + "\nself.act = build()", "return self.act(self.layer(x))")},
        "Net", "built with guessed arguments", "8,12:float32",
    ),
    "noticed_in_forward": (
        {"a.py": _net("after", LAYER + "\nself.after = after", "return self.after(self.layer(x))")},
        "Net", "built with guessed arguments", "8,12:float32",
    ),
    "annotated": (
        {"a.py": "from typing import Literal, Optional\n" + _net(
            'widths: tuple[int, ...], kind: Literal["b", "c"], other: Optional[nn.Module]',
            'assert kind in {"b"}\nother.eval()\nself.layer = nn.Linear(widths[0], widths[1])')},
        "Net", "built with guessed arguments", "8,32:float32",
    ),
    "groups_of_settings": (
        {"a.py": _net("config", "self.layer = nn.Linear(config.model.width, config.data.classes)\n"
                      'assert config.model.kind == "small"')},
        "Net", "built with guessed arguments", "8,32:float32",
    ),
    # inputs
    "dimensions": (
        {"a.py": _net("", LAYER, "b, c, h, w = x.shape\nreturn x.view(b, c, h * w).mean(-1)")},
        "Net", "", "8,3,2,2:float32",
    ),
    "a_size_behind_a_convolution": (
        {"a.py": _net("", "self.conv, self.layer = nn.Conv1d(2, 3, 5), nn.Linear(3 * 77, 2)",
                      "return self.layer(self.conv(x).flatten(1))")},
        "Net", "", "8,2,81:float32",
    ),
    "nothing_for_a_mask": (
        {"a.py": _net("", LAYER, "assert bias is None\nreturn self.layer(x)", "x, bias")},
        "Net", "", "8,12:float32",
    ),
    "a_list": (
        {"a.py": _net("", LAYER, "assert isinstance(x, list)\nreturn self.layer(x[0] + x[1])")},
        "Net", "", "8,12:float32 8,12:float32",
    ),
    "on_cuda": ({"a.py": _net("", LAYER, "return self.layer(x.cuda())")}, "Net", "", "8,12:float32"),
}  # fmt: skip

# what is told where there is no way
REFUSED = {
    "abstract": (
        "import abc\n" + _net("", LAYER).replace("nn.Module", "nn.Module, abc.ABC")
        + "\n    @abc.abstractmethod\n    def later(self):\n        pass\n",
        "`Net` is abstract; name a class that is derived from it",
    ),
    "no_forward": (_net("", LAYER, "raise NotImplementedError"), "`Net` does not implement forward; write"),
    "missing_base": (
        "from missing_library import Base\n\n\nclass Net(Base):\n    pass\n",
        "`Net` is not defined (ModuleNotFoundError: No module named 'missing_library'); install what is missing",
    ),
    "missing_in_a_try": (
        "try:\n    from missing_library import Base\nexcept ImportError:\n    pass\n\n\nclass Net(Base):\n    pass\n",
        "`Net` is not defined (`from missing_library import Base` failed); install what is missing",
    ),
    "furthest": (
        _net("", LAYER, "x = self.layer(x)\nraise KeyError('late')"),
        "it came furthest on 8,12: KeyError: 'late'); pass --input",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def traced(once, tmp_path_factory) -> Results:
    def trace() -> Results:
        top = tmp_path_factory.mktemp("search")
        targets, roots = [], []
        for name, case in (CASES | REFUSED).items():
            files, asked = (case[0], case[1]) if name in CASES else ({"a.py": case[0]}, "Net")
            for file, text in files.items():
                path = top / name / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            first = top / name / next(file for file in files if file.endswith("a.py"))
            targets.append(Target(f"{first}:{asked}", str(first), name=asked, named=True))
            roots.append(str(top / name))
        job = Job(tuple(targets), Options(seeds=1, batch=8), tuple(roots), str(top))
        return collect(events(job), job, load_cards(), Settings())

    return once("search", trace)


@pytest.mark.parametrize("name", CASES)
def test_found(name: str, traced: Results) -> None:
    at = list(CASES).index(name)
    assert [one.text for one in traced.troubles if one.target == at] == []
    (model,) = [one for one in traced.models if one.target == at]
    assert (model.how, model.inputs) == CASES[name][2:]


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, traced: Results) -> None:
    at = len(CASES) + list(REFUSED).index(name)
    (trouble,) = [one for one in traced.troubles if one.target == at]
    assert REFUSED[name][1] in trouble.text


def test_stand_ins_are_not_judged(tmp_path: Path) -> None:
    """The part that nobody knows may normalise what it gets: what stands for it does not."""
    text = _net("after", "self.layer = nn.Linear(8, 8)\nself.after = after", "return self.after(self.layer(x) * 300)")
    (tmp_path / "a.py").write_text(text, encoding="utf-8")
    target = Target("a.py:Net", str(tmp_path / "a.py"), name="Net", named=True)
    job = Job((target,), Options(seeds=1, batch=8), (str(tmp_path),), str(tmp_path))
    results = collect(events(job), job, load_cards(), Settings())
    assert [model.guessed for model in results.models] == [True]
    assert not results.found


@pytest.mark.parametrize(
    ("run", "inputs", "severity"),
    [
        ("torch.log1p(x)", (), "info"),
        ("torch.log1p(x)", ("4,8",), "error"),
        ("torch.sqrt(-x.abs() - 1)", (), "error"),
    ],
)
def test_negative_numbers_that_nobody_gave(run: str, inputs: tuple[str, ...], severity: str, tmp_path: Path) -> None:
    """Counts are never negative: that a made-up input is says little. What fails on positive numbers too says all."""
    (tmp_path / "a.py").write_text(_net("", "self.layer = nn.Linear(8, 3)", f"return self.layer({run})"))
    target = Target("a.py:Net", str(tmp_path / "a.py"), name="Net", named=True, inputs=inputs)
    job = Job((target,), Options(seeds=1, batch=8), (str(tmp_path),), str(tmp_path))
    ((found,),) = collect(events(job), job, load_cards(), Settings()).found.values()
    assert (found.code, str(found.severity)) == ("NAN901", severity)
    assert ("with negative numbers" in found.message) == (severity == "info")


def test_layers_without_weights_are_no_guess(tmp_path: Path) -> None:
    text = _net("few, ratio", "self.layer = nn.Linear(few, few // (ratio * 4))")
    (tmp_path / "a.py").write_text(text, encoding="utf-8")
    target = Target("a.py:Net", str(tmp_path / "a.py"), name="Net", named=True)
    job = Job((target,), Options(seeds=1, batch=8), (str(tmp_path),), str(tmp_path))
    (model,) = collect(events(job), job, load_cards(), Settings()).models
    assert all(row.shape[-1] for row in model.rows)


def test_absurd_guesses(tmp_path: Path) -> None:
    """A guess that needs an absurd amount of memory or time is stopped, and the next is tried."""
    text = _net("size", "self.layer = nn.Linear(10 ** size, 2)")
    (tmp_path / "a.py").write_text(text, encoding="utf-8")
    target = Target("a.py:Net", str(tmp_path / "a.py"), name="Net", named=True)
    job = Job((target,), Options(seeds=1, batch=8, budget=60.0), (str(tmp_path),), str(tmp_path))
    results = collect(events(job), job, load_cards(), Settings())
    assert [model.inputs for model in results.models] == ["8,10:float32"]
