"""The comparison of two revisions: pure parts on made-up findings, and once for real."""

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from benchmarks import ecosystem
from benchmarks.ecosystem import Comparison, Finding, Run, checklist, listing, main, read_findings, sample, table

ROOT = Path(__file__).parent.parent
BAD = "import torch\n\n\ndef f(x):\n    return torch.log(torch.softmax(x, -1))\n"


def finding(line, *, code="NAN101", column=1, message="log of `x`", filename="a.py"):
    return Finding(filename, line, column, code, "log-of-zero", "warning", "possible", message)


def worktrees():
    command = ["git", "-C", str(ROOT), "worktree", "list"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository():
    """Skips where there is nothing to check out, as in an unpacked sdist."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")


@pytest.fixture
def temporary(repository, monkeypatch, tmp_path):
    """Where the checkouts of this test stand, and no other test's."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def linted(monkeypatch):
    """Replace the runs by made-up ones, in the order of the revisions."""

    def replace(*runs):
        monkeypatch.setattr(ecosystem, "lint_revisions", lambda revisions, folders: list(runs[-len(revisions) :]))

    return replace


def test_the_output_is_read_in_stable_order():
    one = {
        "code": "NAN101",
        "name": "log-of-zero",
        "severity": "warning",
        "evidence": "possible",
        "message": "log of `x`",
        "filename": "a.py",
        "location": {"row": 9, "column": 1},
    }
    other = one | {"location": {"row": 3, "column": 1}}
    assert read_findings(json.dumps([one, other])) == (finding(3), finding(9))


def test_another_column_is_the_same_finding():
    compared = Comparison((finding(3, column=5),), (finding(3, column=7),))
    assert compared.added == compared.removed == ()


@pytest.mark.parametrize("other", [{"code": "NAN111"}, {"message": "log of `y`"}, {"filename": "b.py"}])
def test_another_code_message_or_file_is_another_finding(other):
    compared = Comparison((finding(3),), (finding(3, **other),))
    assert compared.added == compared.after
    assert compared.removed == compared.before


def test_of_two_alike_one_can_go():
    compared = Comparison((finding(3, column=1), finding(3, column=9)), (finding(3, column=1),))
    assert compared.removed == (finding(3, column=9),)
    assert compared.added == ()


def test_the_table_counts_by_rule():
    compared = Comparison((finding(1), finding(2)), (finding(2), finding(3), finding(4, code="NAN102")))
    assert list(table(compared))[2:] == [
        "| NAN101 log-of-zero | 2 | 2 | 1 | 1 |",
        "| NAN102 log-of-zero | 0 | 1 | 1 | 0 |",
        "| all | 2 | 3 | 2 | 1 |",
    ]


def test_a_list_shows_the_source_and_ends_at_its_limit(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(BAD, encoding="utf-8")
    found = [finding(5, filename=str(path)), finding(6), finding(7)]
    assert list(listing("Added", found, 1)) == [
        "",
        "## Added (3)",
        "",
        f"* {path}:5:1 NAN101 warning possible: log of `x`",
        "",
        "      return torch.log(torch.softmax(x, -1))",
        "",
        "… and 2 more.",
    ]


def test_a_file_that_cannot_be_read_has_no_source(tmp_path):
    found = [finding(1, filename=str(tmp_path / "none.py"))]
    assert list(listing("Added", found, 1))[-1].strip() == ""
    assert list(checklist(found))[-1] == ""


def test_no_change():
    lines = list(ecosystem.report(Comparison((finding(1),), (finding(1),)), 5))
    assert lines[-4:] == ["", "## Added (0)", "", "## Removed (0)"]


def test_a_sample_depends_on_its_seed_alone():
    found = [finding(line) for line in range(100)]
    drawn = sample(found, 5, seed=1)
    assert drawn == sorted(drawn) == sample(found[::-1], 5, seed=1)
    assert drawn != sample(found, 5, seed=2)
    assert sample(found[:2], 5, seed=1) == found[:2]


def test_a_checklist_shows_what_stands_around(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("".join(f"x{n}\n" for n in range(1, 21)), encoding="utf-8")
    lines = list(checklist([finding(10, filename=str(path))]))
    assert lines[3].startswith("* [ ] ")
    assert lines[5:] == [f"      {'>' if n == 10 else ' '} {n:4} | x{n}" for n in range(7, 14)]
    assert len(list(checklist([finding(1, filename=str(path))]))) == 5 + 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["HEAD"], "no folders"),
        (["HEAD", "--", "no/such/folder"], "no such file"),
        (["--", "."], "give the revision"),
    ],
)
def test_wrong_usage(arguments, message):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_a_sample_needs_no_base(linted):
    linted(Run((finding(1),)))
    result = CliRunner().invoke(main, ["--sample", "3", "--", "."])
    assert result.exit_code == 0
    assert "* [ ] a.py:1:1" in result.stdout
    assert "| rule |" not in result.stdout


def test_problems_are_said_after_the_report(linted):
    linted(Run((finding(1),), ("nanlint: a.py: internal error",)), Run((finding(2),)))
    result = CliRunner().invoke(main, ["HEAD", "--", "."])
    assert result.exit_code == 1
    assert "| all | 1 | 1 | 1 | 1 |" in result.stdout
    assert result.stderr == "nanlint: a.py: internal error\n"


def test_a_run_that_prints_no_report_is_an_error(tmp_path):
    (tmp_path / "nanlint").mkdir()
    (tmp_path / "nanlint" / "__init__.py").write_text("raise SystemExit('broken')", encoding="utf-8")
    with pytest.raises(click.ClickException, match="broken"):
        ecosystem.lint(tmp_path, ["."])


def test_an_unknown_revision_leaves_nothing_behind(temporary):
    with pytest.raises(click.ClickException, match="no-such-revision"), ecosystem.checked_out("no-such-revision"):
        pass
    assert not list(temporary.iterdir())
    assert str(temporary) not in worktrees()


def test_a_checkout_goes_away_even_on_an_error(temporary):
    def work():
        with ecosystem.checked_out("HEAD") as tree:
            assert (tree / "nanlint" / "engine.py").exists()
            assert str(temporary) in worktrees()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert not list(temporary.iterdir())
    assert str(temporary) not in worktrees()


def test_last_commit_against_the_working_tree(repository, tmp_path):
    (tmp_path / "a.py").write_text(BAD, encoding="utf-8")
    command = [sys.executable, str(ROOT / "benchmarks" / "ecosystem.py"), "HEAD", "--sample", "1", "--", "a.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# HEAD → working tree\n\n| rule | before | after | added | removed |\n")
    assert "| NAN102 log-of-softmax | 1 | 1 |" in done.stdout  # the working tree may say it in other words
    assert "* [ ] a.py:5:" in done.stdout


def wheel(folder, name, text):
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", text)
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")


def test_pinned_packages(repository, tmp_path, monkeypatch):
    """From a list of requirements to the difference, without a network."""
    wheel(tmp_path, "tiny_one", BAD)
    wheel(tmp_path, "tiny_two", "import torch\n")
    listed, folder = tmp_path / "list.txt", tmp_path / "fetched"
    listed.write_text("# two\ntiny-one==1.0\n\ntiny-two==1.0  # the other\n")
    offline = ("--no-index", "--find-links", str(tmp_path))
    packages = ecosystem.fetched(listed, folder, *offline)
    assert [Path(one).name for one in packages] == ["tiny-one-1.0", "tiny-two-1.0"]
    assert [path.name for path in sorted(folder.iterdir())] == ["tiny-one-1.0", "tiny-two-1.0"]
    for path in tmp_path.glob("*.whl"):
        path.unlink()
    assert ecosystem.fetched(listed, folder, *offline) == packages  # fetched once
    monkeypatch.setattr(ecosystem, "PACKAGES", listed)
    monkeypatch.setattr(ecosystem, "FETCHED", folder)
    result = CliRunner().invoke(main, ["HEAD", "--packages"])
    assert result.exit_code == 0
    assert "| NAN102 log-of-softmax | 1 | 1 |" in result.stdout


def test_a_package_that_does_not_exist(tmp_path):
    (tmp_path / "list.txt").write_text("no-such-package==1.0\n")
    with pytest.raises(click.ClickException, match="cannot fetch no-such-package"):
        ecosystem.fetched(tmp_path / "list.txt", tmp_path / "fetched", "--no-index")
    assert not list((tmp_path / "fetched").iterdir())


def test_the_list_is_long_and_pinned():
    lines = [line for line in ecosystem.PACKAGES.read_text().splitlines() if line and not line.startswith("#")]
    assert len(lines) >= 25
    assert all(line.count("==") == 1 for line in lines)
    assert lines == sorted(lines)
