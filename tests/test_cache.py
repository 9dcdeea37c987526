"""A cache may cost time, and must never cost a finding: every change that matters is seen, every damage survived."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanlint import cache, look
from nanlint.ahead import Ahead
from nanlint.cache import Cache, decoded, encoded
from nanlint.config import RuleOptions, Settings
from nanlint.diagnostic import Diagnostic, Evidence, Related, Severity
from nanlint.engine import lint_plan
from nanlint.fix import Applicability, Edit, Fix
from nanlint.plan import plan_run
from nanlint.source import Span

BAD = "import torch\n\n\ndef f(z):\n    return torch.log(torch.softmax(z, -1))\n"
GOOD = "import torch\n\n\ndef f(z):\n    return torch.log_softmax(z, -1)\n"
USER = "import torch\nfrom helpers import scale\n\n\ndef g(x):\n    return torch.log(scale(x))\n"
HELPER = "def scale(x):\n    return x.softmax(-1)\n"
OLD = time.time() - 1000
_ticks = count()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Writes files that look as if they were written a while ago, each time at another moment."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        moment = OLD + next(_ticks) + 0.25
        os.utime(path, (moment, moment))

    monkeypatch.setattr(look.Stamp, "is_settled", lambda stamp, now: True)  # tests do not wait for the clock
    return write


@pytest.fixture
def looked(monkeypatch):
    """The files that were really looked at."""
    names: list[str] = []
    real = look.look_at_file
    monkeypatch.setattr(
        "nanlint.ahead.look_at_file", lambda name, cards, own: (names.append(name), real(name, cards, own))[1]
    )
    return names


def run(settings: Settings | None = None, **changes: object) -> list[tuple[str, str, str]]:
    settings = replace(settings or Settings(root=Path.cwd()), **changes)
    results = lint_plan(plan_run(["."], settings), None, None, Ahead(Cache(), 1))
    return [(one.filename, one.code, str(one.severity)) for result in results for one in result.found]


def test_a_second_run_looks_at_nothing_and_finds_the_same(project, looked):
    project("a.py", BAD)
    project("b.py", GOOD)
    first = run()
    assert looked == ["a.py", "b.py"]
    assert first == run() == [("a.py", "NAN102", "error")]
    assert looked == ["a.py", "b.py"]
    assert {".gitignore", "CACHEDIR.TAG"} < {path.name for path in Path(".nanlint_cache").iterdir()}
    assert Path(".nanlint_cache/.gitignore").read_text() == "*\n"


def test_a_change_is_seen_even_if_size_and_time_stay(project, looked):
    project("a.py", BAD)
    run()
    before = Path("a.py").stat()
    Path("a.py").write_text(GOOD.ljust(len(BAD)), encoding="utf-8")
    os.utime("a.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (Path("a.py").stat().st_size, Path("a.py").stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert run() == []


def test_a_touched_file_is_not_looked_at_again(project, looked):
    project("a.py", BAD)
    run()
    project("a.py", BAD)
    run()
    assert looked == ["a.py"]


@pytest.mark.parametrize("stamp", [look.Stamp(1, 1_000_000_000, 1), look.Stamp(1, 1_000_000_001, 1_000_000_001)])
def test_what_may_change_unseen_is_read_again(stamp):
    assert not stamp.is_settled(1_010_000_000)
    assert stamp.is_settled(4_000_000_000)


def test_a_changed_helper_invalidates_its_users_and_nobody_else(project, looked):
    project("helpers.py", HELPER)
    project("user.py", USER)
    project("other.py", BAD)
    assert [name for name, _, _ in run()] == ["other.py", "user.py"]
    looked.clear()
    project("helpers.py", "def scale(x):\n    return x.softmax(-1) + 1e-6\n")
    assert [name for name, _, _ in run()] == ["other.py"]
    assert looked == ["helpers.py", "user.py"]


def test_a_helper_of_a_helper(project, looked):
    """What is handed on from file to file is seen to change by all who asked for it, and by no one else."""
    project("deep.py", HELPER)
    project("helpers.py", "from deep import scale\n")
    project("user.py", USER)
    project("other.py", BAD + "from helpers import nothing\n")
    assert [name for name, _, _ in run()] == ["other.py", "user.py"]
    looked.clear()
    project("deep.py", "def scale(x):\n    return x.softmax(-1) + 1e-6\n")
    assert [name for name, _, _ in run()] == ["other.py"]
    assert {"deep.py", "user.py"} <= set(looked)
    assert run() == run(root=Path.cwd(), cache_dir=Path.cwd() / "fresh")


BASE = "import torch\n\n\nclass Base(torch.nn.Module):\n    def __init__(self):\n        self.eps = {eps}\n"
DERIVED = (
    "import torch\nfrom base import Base\n\n\nclass Derived(Base):\n"
    "    def forward(self, z):\n        return torch.log(torch.softmax(z, -1) + self.eps)\n"
)


def test_what_the_base_class_of_another_file_holds(project, looked):
    project("base.py", BASE.format(eps="1e-6"))
    project("derived.py", DERIVED)
    project("other.py", GOOD)
    assert run() == []
    looked.clear()
    project("base.py", BASE.format(eps="0.0"))
    assert [(name, code) for name, code, _ in run()] == [("derived.py", "NAN101")]
    assert looked == ["base.py", "derived.py"]
    looked.clear()
    project("base.py", BASE.format(eps="1e-6"))
    assert run() == []


def test_another_python(project, looked, monkeypatch):
    project("a.py", BAD)
    run()
    monkeypatch.setattr(cache.sys, "version", "4.0.0")
    assert run() == [("a.py", "NAN102", "error")]
    assert looked == ["a.py"] * 2


def test_a_new_module_invalidates_exactly_those_that_looked_for_it(project, looked):
    project("user.py", USER)
    project("other.py", BAD)
    assert [name for name, _, _ in run()] == ["other.py"]
    looked.clear()
    project("helpers.py", HELPER)
    assert [name for name, _, _ in run()] == ["other.py", "user.py"]
    assert looked == ["helpers.py", "user.py"]
    looked.clear()
    Path("helpers.py").unlink()
    assert [name for name, _, _ in run()] == ["other.py"]
    assert looked == ["user.py"]


def test_a_package_that_comes_before_a_module(project, looked):
    project("helpers.py", HELPER)
    project("user.py", USER)
    assert run()
    project("helpers/__init__.py", "def scale(x):\n    return x.exp().clamp(1, 2)\n")
    assert run() == []


def test_settings_that_decide_what_is_seen(project, looked):
    project("a.py", BAD)
    run()
    for at, changes in enumerate(
        [{"target_torch": (2, 1)}, {"assume_positive": ("z",)}, {"ignore": ("NAN102",)}, {"ignored_here": ("NAN102",)}]
    ):
        run(**changes)
        assert len(looked) == at + 2, changes


def test_settings_that_choose_what_to_report_share_what_was_seen(project, looked):
    project("a.py", BAD)
    assert run()
    milder = MappingProxyType({"NAN102": RuleOptions(severity=Severity.INFO, fix="never")})
    assert run(rules=MappingProxyType({"NAN102": RuleOptions()}))
    looked.clear()
    assert run(rules=milder) == [("a.py", "NAN102", "info")]
    assert run(rules=milder, min_severity=Severity.ERROR) == []
    assert looked == []


def test_rules_and_nanlint_itself(project, looked, monkeypatch):
    project("a.py", BAD)
    run()
    monkeypatch.setattr(cache, "nanlint_itself", lambda: "another")
    run()
    assert looked == ["a.py"] * 2
    card = "# T\n\n```toml\nmessage = 'm {operand}'\n[operation.'own.f']\nsafe = 'x > 0'\n```\n"
    project("rules/LIB101-own.md", card)
    run(extra_rules=(Path("rules"),))
    run(extra_rules=(Path("rules"),))
    assert looked == ["a.py"] * 3


def test_the_code_of_nanlint_is_part_of_it(monkeypatch, tmp_path):
    assert cache.nanlint_itself() == cache.nanlint_itself()
    real = list(cache._own_files(Path(cache.__file__).parent))
    assert {"engine.py", "execute.py", "sarif.py"} <= {path.name for path in real}
    (tmp_path / "new.py").write_text("x = 1\n")
    before = cache.nanlint_itself()
    monkeypatch.setattr(cache, "_own_files", lambda folder: iter([*real, tmp_path / "new.py"]))
    assert cache.nanlint_itself() != before


def test_an_internal_error_is_not_kept(project, looked, monkeypatch):
    project("a.py", BAD)
    with monkeypatch.context() as broken:
        broken.setattr(look, "_analyse", lambda *_: 1 / 0)
        assert run() == []
    assert [code for _, code, _ in run()] == ["NAN102"]


def test_a_syntax_error_is_kept(project, looked):
    project("a.py", "x = (\n")
    assert run() == run() == [("a.py", "NAN003", "error")]
    assert looked == ["a.py"]


def test_damage_of_every_kind(project, looked):
    project("a.py", BAD)
    project("helpers.py", HELPER)
    project("user.py", USER)
    expected = run()
    (index,) = Path(".nanlint_cache").glob("*.json")
    data = index.read_bytes()
    dice = random.Random(1)
    damages = [b"", data[: len(data) // 2], b"{}", b"\0" * 100, data + b"x", b"\xff" + data]
    for _ in range(20):
        at = dice.randrange(len(data))
        damages.append(data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :])
    for damage in damages:
        index.write_bytes(damage)
        assert run() == expected
        assert index.read_bytes() != damage


@pytest.mark.parametrize(
    "entries",
    [{}, {"a.py": []}, {"a.py": None}, {"a.py": ["d", [], [7], []]}, {"a.py": ["d", [], [], [[1]]]}, [1], None],
)
def test_somebody_elses_idea_of_a_cache(project, looked, entries):
    project("a.py", BAD)
    expected = run()
    (index,) = Path(".nanlint_cache").glob("*.json")
    _, _, text = index.read_bytes().partition(b"\n")
    known = json.loads(text)
    if isinstance(entries, dict) and entries.get("a.py"):
        entries = {"a.py": [known["entries"]["a.py"][0], *entries["a.py"][1:]]}
    text = json.dumps({"places": [], "files": {}, "entries": entries}).encode()
    index.write_bytes(look.digest_of(text).encode() + b"\n" + text)
    assert run() == expected


def test_a_folder_of_somebody_else_stays_as_it_is(project, looked):
    project("a.py", BAD)
    project("mine/thesis.txt", "precious")
    for _ in range(2):
        assert run(cache_dir=Path("mine"))
    assert [path.name for path in Path("mine").iterdir()] == ["thesis.txt"]
    assert not cache.remove(Path("mine").resolve())
    assert looked == ["a.py", "a.py"]


def test_a_cache_that_cannot_be_written(project, looked):
    project("a.py", BAD)
    project(".nanlint_cache", "a file")
    assert run() == run() == [("a.py", "NAN102", "error")]


def test_two_runs_at_once_keep_what_each_has_seen(project, looked):
    project("a.py", BAD)
    project("b.py", BAD)
    settings = Settings(root=Path.cwd())
    first, second = Cache(), Cache()
    for one, name in ((first, "a.py"), (second, "b.py")):
        ((_, own, cards),) = plan_run([name], settings).files
        assert one.get(name, cards, own) is None
        one.put(name, cards, own, look.look_at_file(name, cards, own))
    first.save()
    second.save()
    looked.clear()
    run(settings)
    assert looked == []


def test_many_processes_and_a_vandal(tmp_path):
    """Whatever others do to the cache meanwhile, each run finds what is there, and says nothing else."""
    for at in range(6):
        (tmp_path / f"a{at}.py").write_text(BAD)
    command = [sys.executable, "-m", "nanlint", "check", "--config", "cache-dir='kept'", "--output-format", "concise"]
    expected = subprocess.run([*command, "--no-cache"], cwd=tmp_path, capture_output=True)
    assert expected.stdout.count(b"NAN102") == 6
    dice = random.Random(1)
    for _ in range(2):
        runs = [
            subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)
        ]
        while any(one.poll() is None for one in runs):
            for path in tmp_path.glob("kept/*.json"):
                with contextlib.suppress(FileNotFoundError):
                    data = path.read_bytes()
                    path.write_bytes(dice.choice([b"", data[: len(data) // 2], data[::-1], b"{}\n{}", data * 2]))
            time.sleep(0.02)
        for one in runs:
            out, err = one.communicate(timeout=60)
            assert (one.returncode, out, err) == (1, expected.stdout, expected.stderr)
    assert not list(tmp_path.glob("kept/.*.tmp"))


def test_it_is_bounded(project, looked, monkeypatch):
    monkeypatch.setattr(cache, "_MOST_ENTRIES", 3)
    monkeypatch.setattr(cache, "_MOST_INDEXES", 2)
    for at in range(6):
        project(f"a{at}.py", GOOD)
    run()
    (index,) = Path(".nanlint_cache").glob("*.json")
    assert list(json.loads(index.read_bytes().partition(b"\n")[2])["entries"]) == ["a3.py", "a4.py", "a5.py"]
    for minor in range(5):
        run(target_torch=(2, minor))
    assert len(list(Path(".nanlint_cache").glob("*.json"))) == 2


spans = st.builds(Span, *[st.integers(1, 10**6)] * 4)
texts = st.text(st.characters(), max_size=20)  # surrogates too: file names need not be text
fixes = st.builds(
    Fix, st.sampled_from(Applicability), texts, st.lists(st.builds(Edit, spans, texts), max_size=3).map(tuple)
)
related = st.lists(st.builds(Related, spans, texts, st.none() | texts), max_size=3).map(tuple)


@given(
    st.builds(
        Diagnostic,
        *[texts] * 4,
        spans,
        st.sampled_from(Severity),
        st.sampled_from(Evidence),
        related,
        st.none() | fixes,
        st.none() | st.integers(1, 999),
        st.none() | st.integers(0, 99),
    )
)
def test_findings_as_json(one):
    again = decoded(json.loads(json.dumps(encoded(one))))
    assert again == one
    assert (type(again.severity), type(again.evidence), type(again.span)) == (Severity, Evidence, Span)


def test_the_command(run, write, tmp_path):
    write(BAD)
    write(GOOD, "b.py")
    time.sleep(0.05)
    first = run("check")
    stored = list(tmp_path.glob(".nanlint_cache/*.json"))
    assert len(stored) == 1
    script = (
        "import sys; sys.argv = ['nanlint', 'check']\nfrom nanlint.cli import main\ntry: main()\n"
        "except SystemExit as done: assert done.code == 1\n"
        "loaded = [name for name in sys.modules if name.startswith(('libcst', 'nanlint.analysis', 'nanlint.flow'))]\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.stderr) == first[1:]
    assert run("clean") == (0, "Removed 1 cache.\n", "")
    assert not (tmp_path / ".nanlint_cache").exists()
    assert run("clean") == (0, "Nothing to remove.\n", "")
    assert run("check", "--no-cache") == first
    assert not (tmp_path / ".nanlint_cache").exists()
    run("check", "--cache-dir", "kept/here")
    assert (tmp_path / "kept/here/CACHEDIR.TAG").exists()
    # repairs of what is known from before
    assert run("check", "--fix", "--cache-dir", "kept/here")[1].startswith("Fixed 1 finding.")
    assert run("check", "--cache-dir", "kept/here")[:2] == (0, "All checks passed (2 files).\n")
