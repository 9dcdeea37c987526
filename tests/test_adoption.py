"""Adopting nanlint in a code base that has findings: baselines, written suppressions, changed lines."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nanlint.adoption.ignores import with_ignores
from nanlint.adoption.keys import keys_of
from nanlint.cards import load_cards
from nanlint.config import Settings
from nanlint.diagnostic import Diagnostic, Evidence, Severity
from nanlint.engine import lint_source
from nanlint.source import Source, Span

TEXT = """\
import torch


def f(z, mask, x):
    p = torch.softmax(z, -1)
    y = torch.log(p) + x / mask.eq(1).sum()
    return y, torch.log(torch.relu(z))


def g(z):
    return torch.log(torch.relu(z))
"""
NEW = "\n\ndef h(z):\n    return torch.log(torch.softmax(z, 0))\n"
FILE = "nanlint-baseline.json"


@pytest.fixture
def codes(run):
    """What is found, by line."""

    def codes(*arguments, **more):
        code, out, err = run("check", "--output-format", "json", *arguments, **more)
        assert code in {0, 1}, err
        return [f"{one['filename']}:{one['location']['row']} {one['code']}" for one in json.loads(out)]

    return codes


@pytest.fixture
def baseline(run, write, tmp_path):
    """A file with four findings, all of them in the baseline, which the settings name."""
    write(TEXT)
    write(f'baseline = "{FILE}"\n', "nanlint.toml")
    assert run("check", "--write-baseline") == (0, f"Wrote 4 findings to {FILE}.\n", "")
    return tmp_path / FILE


def test_only_what_is_new_is_reported(run, codes, write, baseline):
    assert run("check") == (0, "All checks passed (1 file). 4 in the baseline.\n", "")
    write(TEXT + NEW)
    assert codes() == ["a.py:15 NAN102"]
    assert codes("--config", 'baseline = ""') == [
        "a.py:6 NAN102", "a.py:6 NAN111", "a.py:7 NAN101", "a.py:11 NAN101", "a.py:15 NAN102",
    ]  # fmt: skip
    assert "1 error in 1 file" in run("check")[1]


def test_moved_lines_and_renamed_functions(codes, write, baseline):
    write("# new\n\n" + TEXT.replace("def f(", "def renamed(").replace("\n\n\ndef g", "\n\n\n\n\n# g\ndef g"))
    assert codes() == []
    head, f, g = TEXT.split("\n\n\n")
    write("\n\n\n".join([head, g, f]) + "\n")
    assert codes() == []


REFORMATTED = """\
import torch


def f(
    z,
    mask,
    x,
):
    p = torch.softmax(z, -1)
    y = (  # why
        (torch.log(p)) +
        x / mask.eq(
            1,
        ).sum()
    )
    return (y, torch.log(torch.relu(z)),)


def g(z):
    return torch . log(torch.relu(  z))
"""


def test_another_layout_by_hand(codes, write, baseline):
    write(REFORMATTED)
    assert codes() == []


FORMATTERS = [["ruff", "format", "--isolated", "--quiet"], ["black", "--quiet"]]
each_formatter = pytest.mark.parametrize("formatter", FORMATTERS, ids=lambda words: words[0])


@each_formatter
@pytest.mark.parametrize("length", ["20", "300"])
def test_a_formatter(codes, write, baseline, formatter, length, tmp_path):
    write(REFORMATTED.replace("z, -1", 'z, {"a": -1}["a"]').replace('"', "'"))
    path = tmp_path / "a.py"
    subprocess.run([sys.executable, "-m", *formatter, "--line-length", length, path], check=True)
    formatted = path.read_text()
    path.write_text(formatted.replace("{'a': -1}['a']", "-1").replace('{"a": -1}["a"]', "-1"))
    assert "torch . log" not in path.read_text()
    assert codes() == []


@each_formatter
def test_every_fixture_survives_the_formatter(formatter, tmp_path):
    """The keys of all findings in a few hundred lines of nasty code are the same before and after."""
    cards = load_cards()
    settings = Settings(evidence=Evidence.UNKNOWN)
    fixtures = sorted((Path(__file__).parent / "fixtures/rules").glob("NAN1*/*.py"))[:12]
    compared = 0
    for path in fixtures:
        keys = []
        copy = tmp_path / path.name
        shutil.copy(path, copy)
        for _ in range(2):
            source = Source("a.py", copy.read_text(encoding="utf-8"))
            keys.append(sorted(keys_of(source, lint_source(source, cards, settings))))
            subprocess.run([sys.executable, "-m", *formatter, "--line-length", "60", copy], check=True)
        assert keys[0] == keys[1], path
        compared += len(keys[0])
    assert compared > 70


def test_equal_findings_are_counted(codes, write, baseline):
    write(TEXT + TEXT.partition("\n\n\ndef g")[2].join(["\n\ndef g", ""]))
    assert codes() == ["a.py:15 NAN101"]


def test_fixed_entries_are_told_and_dropped(run, write, baseline):
    write(TEXT.replace("torch.log(p)", "p"))
    code, out, err = run("check")
    assert (code, out) == (0, "All checks passed (1 file). 3 in the baseline.\n")
    assert err == f"nanlint: 1 entry of {FILE} is fixed (a.py); --write-baseline drops them\n"
    # who looks at some rules only learns nothing about the others
    assert run("check", "--select", "NAN111")[2] == ""
    assert run("check", "--write-baseline")[1] == f"Wrote 3 findings to {FILE} (0 new, 1 gone).\n"
    assert run("check")[2] == ""


def test_a_file_that_is_gone(run, write, baseline, tmp_path):
    write(TEXT, "b.py")
    run("check", "--write-baseline")
    (tmp_path / "b.py").unlink()
    assert run("check")[2] == f"nanlint: 4 entries of {FILE} are fixed (b.py); --write-baseline drops them\n"
    assert "4 gone" in run("check", "--write-baseline")[1]


def test_files_that_were_not_looked_at_keep_their_entries(run, codes, write, baseline):
    write(TEXT + NEW, "sub/b.py")
    assert run("check", "sub", "--write-baseline")[1] == f"Wrote 9 findings to {FILE} (5 new, 0 gone).\n"
    assert codes() == []
    assert codes("b.py", cwd="sub") == []


def test_a_baseline_is_the_same_from_every_folder_and_in_every_order(run, write, baseline):
    write(TEXT, "sub/b.py")
    run("check", "--write-baseline")
    first = baseline.read_text()
    run("check", "sub", "a.py", "--write-baseline")
    assert baseline.read_text() == first
    run("check", "..", "--write-baseline", cwd="sub")
    assert baseline.read_text() == first
    assert all(line.count('"key"') <= 1 for line in first.splitlines())
    assert json.loads(first)["version"] == 1


def test_a_baseline_on_the_command_line(run, codes, write, tmp_path):
    write(TEXT)
    code, out, _ = run("check", "--baseline", "known.json", "--write-baseline", "--isolated")
    assert (code, out) == (0, "Wrote 4 findings to known.json.\n")
    assert codes("--baseline", "known.json") == []
    assert len(codes()) == 4
    code, out, _ = run("check", "--write-baseline")
    assert out == (
        f'Wrote 4 findings to {FILE}. Put `baseline = "{FILE}"` into the settings, or give --baseline {FILE}.\n'
    )
    assert (tmp_path / FILE).exists()


def test_what_is_in_the_baseline_is_not_repaired(run, write, baseline, tmp_path):
    assert run("check", "--fix")[:2] == (0, "All checks passed (1 file). 4 in the baseline.\n")
    assert (tmp_path / "a.py").read_text() == TEXT
    write(TEXT + NEW)
    assert run("check", "--fix")[0] == 0
    fixed = (tmp_path / "a.py").read_text()
    assert fixed.startswith(TEXT)
    assert "log_softmax(z, 0)" in fixed


def test_a_new_finding_in_a_statement_that_has_some(codes, write, baseline):
    write(TEXT.replace("x / mask.eq(1).sum()", "x / mask.eq(1).sum() + x / mask.eq(2).sum()"))
    assert codes() == ["a.py:6 NAN111"]
    write(TEXT.replace("torch.relu(z)", "torch.relu(z + 1)"))
    assert codes() == ["a.py:7 NAN101", "a.py:11 NAN101"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a baseline: Expecting value: line 1 column 1"),
        ("<<<<<<< HEAD\n{}", "not a baseline: Expecting value"),
        ("[]", "not a baseline: `files` is missing"),
        ('{"version": 1}', "not a baseline: `files` is missing"),
        ('{"version": 2, "files": {}}', "not a baseline: version 2; this nanlint reads 1"),
        ('{"version": 1, "files": {"a.py": 1}}', "not a baseline: the entries of `a.py` need a code, a key and a co"),
        ('{"version": 1, "files": {"a.py": [{"code": "NAN101", "key": "x", "count": -1}]}}', "not a baseline: the "),
        ("[" * 100_000, "not a baseline: "),
    ],
)  # fmt: skip
def test_a_baseline_that_is_none(run, baseline, text, message):
    baseline.write_text(text)
    code, out, err = run("check")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"nanlint: {FILE}: {message}")
    # nor is it overwritten: something else may stand there
    assert run("check", "--write-baseline")[0] == 2
    assert baseline.read_text() == text


def test_a_baseline_that_is_missing_or_cannot_be_written(run, write, tmp_path):
    write(TEXT)
    code, _, err = run("check", "--baseline", "gone.json")
    assert (code, err) == (2, "nanlint: gone.json: there is no such baseline; --write-baseline makes one\n")
    code, _, err = run("check", "--baseline", "no/such/b.json", "--write-baseline")
    assert (code, err) == (2, "nanlint: no/such/b.json: cannot write file: No such file or directory\n")
    (tmp_path / "folder.json").mkdir()
    assert run("check", "--baseline", "folder.json")[0] == 2


def test_nothing_is_written_when_a_file_could_not_be_linted(run, write, baseline):
    before = baseline.read_text()
    assert run("check", "a.py", "gone.py", "--write-baseline")[0] == 2
    assert baseline.read_text() == before


def test_a_baseline_of_each_configuration(run, codes, write, baseline, tmp_path):
    write(TEXT, "sub/b.py")
    write('baseline = "own.json"\n', "sub/nanlint.toml")
    assert run("check")[0] == 2  # it does not exist yet
    assert run("check", "--write-baseline")[0] == 0
    assert codes() == []
    assert list(json.loads((tmp_path / "sub/own.json").read_text())["files"]) == ["b.py"]
    assert list(json.loads(baseline.read_text())["files"]) == ["a.py"]


def test_syntax_errors_can_be_in_a_baseline(run, codes, write):
    write("x = (\n")
    run("check", "--write-baseline")
    assert codes("--baseline", FILE) == []
    write("x = (\ny = (\n")
    assert codes("--baseline", FILE) == ["a.py:2 NAN003"] or codes("--baseline", FILE) == []


# suppressions


def silenced(text, *places, reason="why"):
    """The text after a comment for each place: "NAN102 3" is a finding on line 3."""
    found = []
    for place in places:
        code, line = place.split()
        span = Span(int(line), 1, int(line), 2)
        found.append(Diagnostic(code, "x", "", "a.py", span, Severity.ERROR, Evidence.POSSIBLE))
    return with_ignores(Source("a.py", text), found, reason)


@pytest.mark.parametrize(
    ("before", "places", "after"),
    [
        ("y = 1\n", ["NAN102 1"], "y = 1  # nanlint: ignore[NAN102] why\n"),
        ("y = 1", ["NAN102 1"], "y = 1  # nanlint: ignore[NAN102] why"),
        ("y = 1\r\nz\r\n", ["NAN102 1"], "y = 1  # nanlint: ignore[NAN102] why\r\nz\r\n"),
        ("y = 1   \n", ["NAN102 1"], "y = 1  # nanlint: ignore[NAN102] why\n"),
        ("y\n", ["NAN102 1", "NAN111 1", "NAN102 1"], "y  # nanlint: ignore[NAN102, NAN111] why\n"),
        ("y = (\n  1 +\n  2\n)\nz\n", ["NAN102 2"], "y = (\n  1 +\n  2\n)  # nanlint: ignore[NAN102] why\nz\n"),
        ("y = 1 + \\\n  2\n", ["NAN102 1"], "y = 1 + \\\n  2  # nanlint: ignore[NAN102] why\n"),
        ('y = """\n  # x\n"""\n', ["NAN102 2"], 'y = """\n  # x\n"""  # nanlint: ignore[NAN102] why\n'),
        ("y  # noqa: E501\n", ["NAN102 1"], "y  # noqa: E501  # nanlint: ignore[NAN102] why\n"),
        ("y  # nanlint: ignore[NAN101] old\n", ["NAN102 1"], "y  # nanlint: ignore[NAN101, NAN102] old\n"),
        ("if y:\n    z\n", ["NAN102 1"], "if y:  # nanlint: ignore[NAN102] why\n    z\n"),
        (
            "if x:\n    pass\nelif " + "y" * 110 + ":\n    z\n",
            ["NAN102 3"],
            "if x:\n    pass\n# nanlint: ignore[NAN102] why\nelif " + "y" * 110 + ":\n    z\n",
        ),
        (
            "if x:\n\ty = '" + "é" * 110 + "'\r\n",
            ["NAN102 2"],
            "if x:\n\t# nanlint: ignore[NAN102] why\r\n\ty = '" + "é" * 110 + "'\r\n",
        ),
        ("y; z\n", ["NAN102 1"], "y; z  # nanlint: ignore[NAN102] why\n"),
        ("y\n", ["NAN001 1", "NAN003 1"], "y\n"),
    ],
)
def test_where_a_suppression_is_written(before, places, after):
    assert silenced(before, *places) == after


def test_a_reason_cannot_become_code():
    assert silenced("y\n", "NAN102 1", reason="a\nimport os\r\n") == "y  # nanlint: ignore[NAN102] a import os\n"
    assert silenced("y\n", "NAN102 1", reason="") == "y  # nanlint: ignore[NAN102]\n"


def test_add_ignore(run, codes, write, tmp_path):
    path = write(REFORMATTED)
    path.chmod(0o640)
    code, out, err = run("check", "--add-ignore=checked by hand", "--diff")
    assert (code, err) == (1, "Would silence 4 findings; 0 left.\n")
    assert "+    )  # nanlint: ignore[NAN102, NAN111] checked by hand\n" in out
    assert path.read_text() == REFORMATTED
    assert run("check", "--add-ignore=checked by hand") == (
        0, "Silenced 4 findings. All checks passed (1 file).\n", "",
    )  # fmt: skip
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_text().count("checked by hand") == 3
    assert codes() == []  # and none of the comments is unused
    assert run("check", "--add-ignore")[1] == "All checks passed (1 file).\n"
    assert {one.name for one in tmp_path.iterdir()} == {path.name, ".nanlint_cache"}


def test_add_ignore_takes_a_reason_behind_an_equals_sign_only(run, write):
    path = write(TEXT, "src/a.py")
    write(TEXT, "b.py")
    assert run("check", "--add-ignore", "src")[0] == 0
    assert path.read_text().count("# nanlint: ignore[") == 3
    assert run("check", "b.py")[0] == 1
    assert run("check", "--add-ignore", "--fix")[0] == 2
    assert run("check", "--add-ignore", "--fix-only")[0] == 2


def test_add_ignore_keeps_the_encoding(run, tmp_path):
    path = tmp_path / "a.py"
    data = b"# coding: latin-1\n# caf\xe9\n" + TEXT.encode()
    path.write_bytes(data)
    code, _, err = run("check", "--add-ignore=漢")
    assert (code, err) == (2, "nanlint: a.py: the reason cannot be written in iso-8859-1\n")
    assert path.read_bytes() == data
    assert run("check", "--add-ignore=caf\u00e9")[0] == 0
    assert path.read_bytes().count(b"caf\xe9") == 4


def test_add_ignore_on_standard_input(run):
    code, out, err = run("check", "-", "--add-ignore=x", stdin=TEXT)
    assert code == 0
    assert out.count("# nanlint: ignore[") == 3
    assert "Silenced 4 findings." in err


def test_add_ignore_leaves_a_broken_file_alone(run, write):
    path = write("x = (\n")
    assert run("check", "--add-ignore=x")[0] == 1
    assert path.read_text() == "x = (\n"


# changed lines


@pytest.fixture
def git(tmp_path):
    """A repository with one commit that holds what was written before it is asked for."""

    def git(*words):
        settings = (
            "-c",
            "user.name=x",
            "-c",
            "user.email=x",
            "-c",
            "init.defaultBranch=main",
            "-c",
            "commit.gpgsign=false",
        )
        done = subprocess.run(["git", *settings, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    return git


@pytest.fixture
def repository(git, write):
    write(TEXT)
    write(TEXT, "sub/b.py")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    return git


def test_only_changed_lines(run, codes, write, repository):
    assert run("check", "--diff-base", "HEAD") == (0, "No changes in 2 Python files.\n", "")
    write("# moved\n" + TEXT + NEW)
    assert codes("--diff-base", "HEAD") == ["a.py:16 NAN102"]
    repository("commit", "-qam", "two")
    assert codes("--diff-base", "HEAD") == []
    assert codes("--diff-base", "HEAD~1") == ["a.py:16 NAN102"]
    assert codes("--diff-base", "main~1", "sub") == []
    # a reason that changed counts like the finding
    write("# moved\n" + TEXT.replace("p = torch.softmax(z, -1)", "p = torch.softmax(z, 1)") + NEW)
    assert codes("--diff-base", "HEAD") == ["a.py:6 NAN102"] or codes("--diff-base", "HEAD") == ["a.py:7 NAN102"]


def test_new_and_renamed_files(codes, write, repository, tmp_path):
    write(TEXT, "c.py")
    assert len(codes("--diff-base", "HEAD")) == 4
    (tmp_path / "a.py").rename(tmp_path / "d.py")
    (tmp_path / "c.py").unlink()
    repository("add", "-A")
    assert codes("--diff-base", "HEAD") == []
    write(TEXT + NEW, "d.py")
    assert codes("--diff-base", "HEAD") == ["d.py:15 NAN102"]


def test_a_name_that_git_would_quote(codes, write, repository):
    write(TEXT, 'é "x".py')
    repository("add", "-A")
    repository("commit", "-qm", "two")
    write(TEXT + NEW, 'é "x".py')
    assert codes("--diff-base", "HEAD") == ['é "x".py:15 NAN102']


def test_the_revision_that_a_branch_left(codes, write, repository):
    repository("checkout", "-qb", "branch")
    write(TEXT + NEW)
    repository("commit", "-qam", "branch")
    repository("checkout", "-q", "main")
    write("x = 1\n", "sub/b.py")
    repository("commit", "-qam", "main goes on")
    repository("checkout", "-q", "branch")
    assert codes("--diff-base", "main") == ["a.py:15 NAN102"]


def test_changed_lines_from_a_folder_below_and_from_standard_input(codes, write, repository):
    write(TEXT + NEW, "sub/b.py")
    assert codes("--diff-base", "HEAD", cwd="sub") == ["b.py:15 NAN102"]
    text = TEXT.replace("def g", "def gg")
    assert codes("--diff-base", "HEAD", "-", "--stdin-filename", "a.py", stdin=text) == []
    assert codes("--diff-base", "HEAD", "-", "--stdin-filename", "a.py", stdin=text + NEW) == ["a.py:15 NAN102"]


def test_repairs_of_changed_lines_only(run, write, repository):
    path = write(TEXT + NEW)
    assert run("check", "--fix", "--diff-base", "HEAD", "a.py")[0] == 0
    assert path.read_text().startswith(TEXT)
    assert "log_softmax(z, 0)" in path.read_text()


def test_a_baseline_and_changed_lines(run, codes, write, repository):
    run("check", "--write-baseline")
    copy = TEXT[TEXT.index("def g(") :].replace("def g(", "def copy(")
    write(TEXT.replace("def g(", f"{copy}\n\ndef g(") + NEW)
    assert codes("--baseline", FILE) == ["a.py:15 NAN101", "a.py:19 NAN102"]  # of equal ones the last
    assert codes("--baseline", FILE, "--diff-base", "HEAD") == ["a.py:11 NAN101", "a.py:19 NAN102"]  # the changed one


def test_when_git_cannot_tell(run, write, git, tmp_path):
    write(TEXT)
    line = "nanlint: --diff-base: {}\n"
    assert run("check", "--diff-base", "HEAD") == (2, "", line.format("this folder is not in a git repository"))
    git("init", "-q")
    assert run("check", "--diff-base", "HEAD") == (2, "", line.format("unknown revision `HEAD`"))
    git("add", ".")
    git("commit", "-qm", "one")
    assert run("check", "--diff-base", "nope") == (2, "", line.format("unknown revision `nope`"))
    assert run("check", "--diff-base", "--all") == (2, "", line.format("unknown revision `--all`"))
    assert run("check", "--diff-base", "HEAD:a.py")[0] == 2
    git("checkout", "-q", "--orphan", "other")
    git("commit", "-qm", "two")
    apart = "`main` and HEAD have no commit in common; a shallow clone needs more history"
    assert run("check", "--diff-base", "main") == (2, "", line.format(apart))
    assert run("check", "--diff-base", "HEAD", PATH="") == (2, "", line.format("git cannot be run; is it installed?"))


def test_nothing_that_the_repository_names_is_run(run, write, repository, tmp_path):
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    script.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "diff.evil.textconv", "diff.evil.command"):
        repository("config", key, str(script))
    write("*.py diff=evil\n", ".gitattributes")
    write(TEXT + NEW)
    assert run("check", "--diff-base", "HEAD")[0] == 1
    assert not (tmp_path / "ran").exists()
