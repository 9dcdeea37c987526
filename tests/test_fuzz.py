"""Inputs that nobody would write: a short campaign, and every input that once ended in a fault."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from benchmarks import fuzz
from benchmarks.fuzz import Campaign, Choices, drawn, judge
from benchmarks.inputs import KINDS, pieces
from nanlint.cards import CardError, load_cards, read_card
from nanlint.config import ConfigError, Configuration, Settings
from nanlint.diagnostic import Evidence
from nanlint.engine import FileResult, Repair, lint_bytes
from nanlint.fix import Applicability
from nanlint.notebooks.notebook import decode_notebook
from nanlint.ops import spellings

EVERYTHING = Settings(evidence=Evidence.UNKNOWN)
CARDS = fuzz._cards()


def lint(text: str | bytes, filename: str = "a.py", repair: Repair | None = None) -> FileResult:
    data = text if isinstance(text, bytes) else text.encode()
    result = lint_bytes(data, filename, CARDS, EVERYTHING, repair)
    assert result.problem is None, result.problem
    return result


# --- the short campaign


@pytest.mark.parametrize("kind", KINDS)
@effort(max_examples=60, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_nothing_breaks(kind: str, random: random.Random) -> None:
    judge(kind, KINDS[kind](random, pieces()), random)


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_inputs_of_the_campaign(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = Campaign(1, pieces(), None, lambda name: None)
    campaign.run(kind, range(150))
    assert (campaign.faults, capsys.readouterr().out) == (0, "")


def test_an_input_can_be_made_again() -> None:
    for kind in KINDS:
        assert drawn(kind, 7, 1, pieces())[0] == drawn(kind, 7, 1, pieces())[0] != drawn(kind, 8, 1, pieces())[0]


def test_bytes_make_choices() -> None:
    assert KINDS["soup"](Choices(b"abcdefgh" * 99), pieces()) == KINDS["soup"](Choices(b"abcdefgh" * 99), pieces())
    assert KINDS["program"](Choices(b""), pieces())


def test_a_fault_is_seen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def broken(*_: object) -> FileResult:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(fuzz, "lint_bytes", broken)
    campaign = Campaign(1, pieces(), tmp_path / "found", lambda name: None)
    campaign.run("program", range(3))
    assert campaign.faults == 3
    said = capsys.readouterr().out
    assert said.startswith("program:0: ZeroDivisionError at ")
    assert said.count("\n") == 1
    assert (tmp_path / "found" / "program-0").read_bytes() == drawn("program", 0, 1, pieces())[0]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"problem": "internal error"}, "internal error"),
        ({"text": "def f(:\n", "fixed": 1}, "broke a program"),
        ({"text": "x = 1\n", "fixed": 1}, None),
    ],
)
def test_what_is_a_fault(broken: dict[str, object], said: str | None) -> None:
    data = b"import torch\n"
    source = lint(data).source
    assert source is not None
    if "text" in broken:
        object.__setattr__(source, "text", broken.pop("text"))
    result = FileResult("a.py", (), source, **broken)  # type: ignore[arg-type]
    if said is None:
        fuzz._check(data, result, random.Random(1))
        return
    with pytest.raises(fuzz.FaultError, match=said):
        fuzz._check(data, result, random.Random(1))


# --- what was found


@pytest.mark.parametrize(
    "line",
    [
        "x = int()", "x = float()", "x = torch.max(dim=0)", "x = y.add()", "x = y.sub() + 1",
        "x = torch.maximum(y) + 1e-8", "x = torch.softmax(dim=1)", "y[()] = x", "y[(), 0] = 1",
        "x = y ** float('inf')", "x = y ** -1e400",
        "x = y ** float('nan')",
    ],
)  # fmt: skip
def test_calls_that_lack_what_they_need(line: str) -> None:
    found = lint(f"import torch\n\n\ndef f(x, y):\n    {line}\n    return torch.log(torch.softmax(x / y, -1))\n").found
    assert "NAN003" not in [one.code for one in found]
    assert found


ARGUMENTS = (
    "",
    "x",
    "x, y, z, 0, None",
    "*x",
    "**x",
    "0.5, -1j",
    "x=x",
    "[x, ()], 'a', ...",
    "inf, -nan",
    "1, 10**400",
)


@pytest.mark.parametrize("form", ["functions", "methods", "modules"])
def test_every_spelling_with_every_number_of_arguments(form: str) -> None:
    names = list(getattr(spellings, form)())[:: {"functions": 13, "methods": 3, "modules": 7}[form]]
    head = "import torch, keras, tensorflow, jax, numpy, math, pytensor\nfrom math import inf, nan\n\n"
    shape = {"functions": "{0}({1})", "methods": "(x / y).{0}({1})", "modules": "{0}({1})(x)"}[form]
    for name in names:
        calls = (shape.format(name.removeprefix("builtins."), given) for given in ARGUMENTS)
        body = "".join(f"    a = {call}\n    x = a + x / a\n" for call in calls)
        found = lint(f"{head}\ndef f(x, y, z):\n{body}").found
        assert "NAN003" not in [one.code for one in found], (name, found[0].message)


def test_strings_that_python_does_not_join() -> None:
    for joined in ("'a' b'c'", "f'{x}' b'c' 'd'", "b'c' f'{x}'"):
        (found,) = lint(f"import torch\nclass A[T]:\n    x = {joined}\n").found
        assert found.code == "NAN003"


@pytest.mark.parametrize("encoding", ["hex", "rot13", "zlib", "undefined"])
def test_encodings_that_are_none_of_text(encoding: str) -> None:
    (found,) = lint(f"# coding: {encoding}\nimport torch\n").found
    assert (found.code, found.message) == ("NAN003", f"not an encoding of text: {encoding}")


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        (f"epsilon = {'9' * 5000}", "a number in it is too long"),
        (f"epsilon = {'9' * 400}", "`epsilon` must be a number above 0"),
        (f"select = {'[' * 3000}", "nested too deeply"),
        ('baseline = "a\\u0000b"', "`baseline` has a NUL in it"),
        ('extra-rules = ["a\\u0000b"]', "`extra-rules` has a NUL in it"),
        ("exclude = ['a/', '\\']", "`exclude`: not a pattern of paths: `\\`"),
        ("extend-exclude = ['[z-a]']", "`extend-exclude`: not a pattern of paths: `[z-a]`"),
        ("per-file-ignores = { '!' = ['ALL'], '!!' = ['ALL'] }", "`per-file-ignores`: not a pattern of paths: `!`"),
    ],
)
def test_settings_that_cannot_be(toml: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "nanlint.toml"
    file.write_text(toml)
    with pytest.raises(ConfigError) as error:
        Configuration(file=file)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a" * 5000, "\0", "gone"])
def test_folders_that_no_file_system_has(name: str) -> None:
    with pytest.raises(CardError, match="extra-rules names a folder that does not exist"):
        load_cards((Path(name),))


def test_a_message_is_one_line() -> None:
    assert str(ConfigError("a\n  b\x0bc")) == "a b c"


def test_the_pyproject_of_a_stranger_may_be_anything(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[project]\ndependencies = {'9' * 5000}\n")
    assert Configuration(isolated=True).for_file(str(tmp_path / "a.py")).target_torch is None
    with pytest.raises(ConfigError, match=r"pyproject\.toml: cannot be read: a number in it is too long"):
        Configuration().for_file(str(tmp_path / "a.py"))


def test_lines_of_gitignore_that_git_passes_over(tmp_path: Path) -> None:
    from nanlint.discover import discover

    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("\\\n[z-a]\n!\n[[:alpha:]]x\nb.py\n")
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("")
    assert [Path(name).name for name in discover([str(tmp_path)], Settings()).files] == ["a.py"]


def test_a_notebook_with_a_number_that_is_too_long() -> None:
    (found,) = lint(f'{{"cells": [], "a": {"9" * 5000}}}', "a.ipynb").found
    assert found.message == "not a notebook: a number in it is too long"


@pytest.mark.parametrize("whole", [True, False], ids=["one string", "two lines in a string"])
def test_several_changes_in_one_string_of_a_notebook(whole: bool) -> None:
    text = "".join(f"def f{at}(z):\n    return torch.log(z.softmax(-1))\n\n\n" for at in range(3))
    lines = text.splitlines(keepends=True)
    pairs = ["".join(lines[at : at + 2]) for at in range(0, len(lines), 2)]
    source = ["import torch\n", *pairs] if not whole else "import torch\n" + text
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": source}
    data = json.dumps({"cells": [cell], "metadata": {}}, indent=1).encode()
    for repair in (Repair(frozenset(Applicability), write=False), Repair(write=False, silence="because")):
        result = lint(data, "a.ipynb", repair)
        assert result.source is not None
        written = decode_notebook(result.source.encode(result.source.text), "a.ipynb")
        expected = text.replace("torch.log(z.softmax(-1))", "z.log_softmax(-1)") if not repair.silence else None
        assert result.changed
        assert written.text.count("because" if repair.silence else "log_softmax") == 3
        assert expected is None or written.text.endswith(expected + "\n")


@pytest.mark.parametrize("layout", ["{operand:>99999999999}", "{operand!x}", "{range:{operand}}"])
def test_the_message_of_a_card_takes_no_layout(layout: str, tmp_path: Path) -> None:
    card = tmp_path / "NAN990-made-up.md"
    card.write_text(f"# Title\n\n```toml\nmessage = '{layout}'\noperations = ['log']\n```\n")
    with pytest.raises(CardError, match="takes neither `!` nor `:`"):
        read_card(card)


def test_a_card_without_sections(tmp_path: Path) -> None:
    card = tmp_path / "ACME001-a.md"
    card.write_text("# Title\n\n```toml\nmessage = 'a'\ncheck = 'norm_by_hand'\nseverity = 'error'\nsince = '1'\n```\n")
    found = read_card(card)
    assert (found.sections, found.summary) == ({}, "Title")
