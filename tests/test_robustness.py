"""What a linter must survive, in small: large files, a gate that loses nothing, repairs of all kinds, a sudden end."""

from __future__ import annotations

import gc
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.interrupt import interrupt
from benchmarks.massfix import judge, massfix
from benchmarks.torture import Child, _large, torture
from nanlint import look
from nanlint.cards import load_cards
from nanlint.config import Settings
from nanlint.diagnostic import Diagnostic, Evidence
from nanlint.engine import lint_bytes
from nanlint.fix import Applicability, Edit, Fix
from nanlint.garbage import _MOST, collect_after, no_collection
from nanlint.gate import may_hold_findings
from nanlint.source import Source, Span

CARDS = load_cards()
ROOT = Path(__file__).parent.parent
RULES = ROOT / "tests" / "fixtures" / "rules"
STANDARD = Path(sysconfig.get_path("stdlib"))


@pytest.mark.parametrize("name", [name for name, _ in _large(1000)])
def test_large_files_in_small(name: str) -> None:
    text = dict(_large(20_000))[name]
    assert len(text) > 15_000
    assert lint_bytes(text.encode(), "a.py", CARDS, Settings()).problem is None


def test_torture_sees_what_goes_wrong(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("import torch\ny = torch.log(torch.softmax(x, -1))\n")
    (tmp_path / "bad.py").write_text("def f(:\n")
    (tmp_path / "plain.py").write_text("x = 1\n")
    tally = torture("some", sorted(map(str, tmp_path.iterdir())), 60)
    assert (tally.files, tally.lines, tally.findings, tally.unread, tally.behind_gate) == (3, 4, 2, 1, 2)
    assert tally.faults == []
    child = Child()
    child.process.kill()
    child.process.wait()
    assert child.lint("a.py", 10) is None
    assert child.end() == -9


def test_the_gate_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {file: file.read_bytes() for file in STANDARD.glob("[a-p]*.py") if file.stat().st_size < 30_000}
    behind = {file: data for file, data in texts.items() if not may_hold_findings(data)}
    assert len(behind) > 60
    monkeypatch.setattr(look, "may_hold_findings", lambda data, words=(): True)
    for file, data in behind.items():
        assert lint_bytes(data, str(file), CARDS, Settings(evidence=Evidence.UNKNOWN)).found == (), file


PLAIN = "def f(x, y):\n    return x / y, x ** 0.5 / sum(y)\n"


@pytest.mark.parametrize("gate", [True, False])
@pytest.mark.parametrize(
    ("text", "finds"),
    [
        (PLAIN, False),
        ('"""What torch makes of it."""\n' + PLAIN, True),
        (PLAIN + "# nanlint: ignore[NAN101]\n", True),  # that it is unused
        ("import numpy as np\n" + PLAIN, True),
        ("from .backend import tnp\n" + PLAIN + "z = tnp .log(1)\n", True),
        (PLAIN.replace("x, y", "x: Tensor, y"), True),
    ],
)
def test_files_that_name_no_arrays_are_not_linted_for_hazards(
    monkeypatch: pytest.MonkeyPatch, text: str, finds: bool, gate: bool
) -> None:
    """Whether they are parsed or not."""
    if not gate:
        monkeypatch.setattr(look, "may_hold_findings", lambda data, words=(): True)
    found = lint_bytes(text.encode(), "a.py", CARDS, Settings(evidence=Evidence.UNKNOWN)).found
    assert bool(found) == finds
    assert all(one.code == "NAN001" for one in found) or "ignore" not in text


def test_repairs_of_all_fixtures() -> None:
    tally = massfix(RULES / "NAN125-where-does-not-stop-gradients", CARDS)
    tally = massfix(RULES / "NAN101-log-of-zero", CARDS) if not tally.faults else tally
    assert tally.faults == []
    assert tally.changed > 3


TEXT = "import torch\nx = torch.log(y.softmax(-1))  # a\nz = 1\n"


def _repaired(edit: Edit) -> list[str]:
    """What is said of this edit as a repair of the second line."""
    source = Source("a.py", TEXT)
    real = lint_bytes(TEXT.encode(), "a.py", CARDS, Settings()).found[0]
    offered = replace(real, fix=Fix(Applicability.SAFE, "", (edit,)))

    def lint(other: Source, *_: object) -> list[Diagnostic]:
        return [offered] if other.text == TEXT else []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.massfix.lint_source", lint)
        return judge(source, CARDS)[0]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (Edit(Span(2, 5, 2, 29), "y"), None),
        (Edit(Span(2, 5, 2, 29), "return"), "does not compile"),
        (Edit(Span(2, 5, 2, 35), "y"), "a comment changed"),
    ],
)
def test_massfix_sees_what_goes_wrong(edit: Edit, said: str | None) -> None:
    faults = _repaired(edit)
    assert [fault for fault in faults if said is not None and said in fault] or (faults == [] and said is None)


def test_a_sudden_end_leaves_whole_files(tmp_path: Path) -> None:
    outcome = interrupt(tmp_path, kills=2, files=12)
    assert (outcome.kills, outcome.torn, outcome.unfinished) == (2, 0, 0)


def test_garbage_is_collected_by_its_amount() -> None:
    gc.collect()
    with no_collection():
        for _ in range(_MOST):
            ring: list[object] = []
            ring.append(ring)
        waiting = gc.get_count()[0]
        assert waiting > _MOST // 2
        kept = [[] for _ in range(_MOST + 10_000 - waiting)]
        collect_after(1)
        assert gc.get_count()[0] < 10_000
        assert kept
