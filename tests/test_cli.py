"""The command as its users know it."""

import json
import subprocess
import sys

import pytest

BAD = "import torch\n\n\ndef f(z):\n    x = torch.softmax(z, -1)\n    return torch.log(x)\n"
FIXED = BAD.replace("torch.log(x)", "torch.log_softmax(z, -1)")
HALF = "import torch\n\n\ndef f(x, mask):\n    return x.sum() / mask.eq(1).sum()\n"  # only an unsafe repair


def test_findings_and_nothing(run, write):
    path = write(BAD)
    code, out, err = run("check")
    assert (code, err) == (1, "")
    assert out.startswith("a.py:6:")
    assert "error[NAN102] log-of-softmax: " in out
    assert out.endswith("Found 1 error in 1 file (1 fixable with --fix).\n")
    path.write_text(FIXED)
    assert run("check", "a.py") == (0, "All checks passed (1 file).\n", "")


def test_exit_zero(run, write):
    write(BAD)
    assert run("check", "--exit-zero")[0] == 0
    assert run("check", "--exit-zero", "gone")[0] == 2


def test_fix(run, write):
    path = write(BAD)
    assert run("check", "--fix") == (0, "Fixed 1 finding. All checks passed (1 file).\n", "")
    assert "torch.log(x)" not in path.read_text()
    assert run("check") == (0, "All checks passed (1 file).\n", "")


def test_unsafe_fixes(run, write):
    path = write(HALF)
    assert run("check", "--fix")[0] == 1
    assert path.read_text() == HALF
    assert run("check", "--fix", "--unsafe-fixes")[0] == 0
    assert path.read_text() != HALF


def test_diff_writes_nothing(run, write):
    path = write(BAD)
    code, out, err = run("check", "--diff")
    assert code == 1
    assert out.startswith("--- a/a.py\n+++ b/a.py\n@@")
    assert "-    return torch.log(x)\n" in out
    assert err == "Would fix 1 finding; 0 left.\n"
    assert run("check", "--diff", "--fix")[:2] == (code, out)
    assert path.read_text() == BAD


def test_select_and_ignore(run, write):
    write(BAD + HALF)

    def codes(*options):
        return sorted({entry["code"] for entry in json.loads(run("check", "--output-format", "json", *options)[1])})

    assert codes() == ["NAN102", "NAN111"]
    assert codes("--select", "NAN11") == ["NAN111"]
    assert codes("--select", "log-of-softmax,NAN101") == ["NAN102"]
    assert codes("--select", "NAN101", "--select", "NAN102") == ["NAN102"]
    assert codes("--ignore", "NAN102") == ["NAN111"]
    assert codes("--select", "ALL", "--ignore", "NAN1") == []


def test_configuration(run, write):
    write(BAD)
    write('[tool.nanlint]\nignore = ["NAN102"]\n', "pyproject.toml")
    assert run("check")[0] == 0
    assert run("check", "--isolated")[0] == 1
    write("[tool.nanlint]\nignor = []\n", "pyproject.toml")
    assert run("check") == (2, "", "nanlint: pyproject.toml: unknown key `ignor`; did you mean `ignore`?\n")
    assert run("check", "--isolated")[0] == 1


def test_json(run, write):
    write(BAD)
    code, out, _ = run("check", "--output-format", "json", "--no-cache")
    (entry,) = json.loads(out)
    assert code == 1
    assert (entry["code"], entry["filename"], entry["location"]["row"]) == ("NAN102", "a.py", 6)
    assert entry["url"].endswith("NAN102-log-of-softmax.md")
    assert entry["fix"]["applicability"] == "safe"


def test_output_file(run, write, tmp_path):
    write(BAD)
    code, out, err = run("check", "--output-format", "json", "--output-file", "report.json")
    assert (code, out, err) == (1, "", "")
    assert len(json.loads((tmp_path / "report.json").read_text())) == 1
    code, _, err = run("check", "--output-file", "no/such/report")
    assert (code, err) == (2, "nanlint: no/such/report: cannot write file: No such file or directory\n")


def test_statistics(run, write):
    write(BAD)
    assert run("check", "--statistics")[1].startswith("1  NAN102  [*]  log-of-softmax\nFound 1 error")
    assert json.loads(run("check", "--statistics", "--output-format", "json")[1]) == [
        {"code": "NAN102", "name": "log-of-softmax", "count": 1, "fixable": True}
    ]
    code, _, err = run("check", "--statistics", "--output-format", "sarif")
    assert code == 2
    assert "--statistics cannot be shown in the format sarif; json can" in err


def test_fix_only_and_the_exit_code_of_a_fix(run, write):
    path = write(BAD + HALF)
    assert run("check", "--fix", "--exit-non-zero-on-fix", "--select", "NAN102")[0] == 1
    assert path.read_text() == FIXED + HALF
    assert run("check", "--fix", "--exit-non-zero-on-fix", "--select", "NAN102")[0] == 0
    path.write_text(BAD + HALF)
    code, out, err = run("check", "--fix-only")
    assert (code, err) == (0, "")
    assert out == "Fixed 1 finding. Found 1 error in 1 file (1 fixable with --fix --unsafe-fixes).\n"
    assert path.read_text() == FIXED + HALF
    path.write_text(BAD)
    assert run("check", "--fix-only", "--exit-non-zero-on-fix")[0] == 1
    path.write_text(BAD)
    assert run("check", "--diff", "--exit-non-zero-on-fix", "--exit-zero")[0] == 1
    assert path.read_text() == BAD


def test_standard_input(run):
    code, out, _ = run("check", "-", "--stdin-filename", "src/x.py", "--output-format", "concise", stdin=BAD)
    assert code == 1
    assert out.startswith("src/x.py:6:")
    code, out, err = run("check", "-", "--fix", stdin=BAD)
    assert code == 0
    assert "log_softmax" in out
    assert err == "Fixed 1 finding. All checks passed (1 file).\n"
    assert run("check", "-", "a.py", stdin=BAD)[0] == 2


def test_fixed_standard_input_shows_what_is_left_on_stderr(run):
    code, out, err = run("check", "-", "--fix", stdin=HALF)
    assert (code, out) == (1, HALF)
    assert "NAN111" in err


def test_colours(run, write):
    write(BAD)
    assert "\x1b[" not in run("check")[1]
    assert "\x1b[" in run("check", FORCE_COLOR="1")[1]
    assert "\x1b[" not in run("check", FORCE_COLOR="1", NO_COLOR="1")[1]
    assert "\x1b[" in run("check", "--color", "always", NO_COLOR="1")[1]
    assert "\x1b[" not in run("check", "--color", "never", FORCE_COLOR="1")[1]


def test_suppressions(run, write):
    write(BAD.replace("torch.log(x)", "torch.log(x)  # nanlint: ignore[NAN102] bounded"))
    assert run("check")[0] == 0
    path = write(FIXED.replace("return", "# nanlint: ignore[NAN102]\n    return"))
    code, out, _ = run("check", "--output-format", "concise")
    assert (code, out.splitlines()[0]) == (1, "a.py:6:5: NAN001 [*] unused suppression of `NAN102`")
    assert run("check", "--fix")[0] == 0
    assert path.read_text() == FIXED


def test_rule(run):
    code, out, _ = run("rule", "NAN102")
    assert code == 0
    assert out.startswith("NAN102 (log-of-softmax), error, has a repair\n")
    assert run("rule", "log-of-softmax")[1] == out
    assert run("rule", "NAN102", "--output-format", "json")[1].startswith("[\n")
    assert "NAN102  [*]  log-of-softmax" in run("rule", "--all")[1]
    assert len(json.loads(run("rule", "--all", "--output-format", "json")[1])) > 10


def test_rule_that_does_not_exist(run):
    assert run("rule", "log-of-sofmax") == (
        2, "", "nanlint: unknown rule `log-of-sofmax`; did you mean `log-of-softmax`?\n",
    )  # fmt: skip
    assert run("rule")[0] == 2
    assert run("rule", "NAN102", "--all")[0] == 2


def test_show_ranges(run, write):
    write(BAD)
    code, out, _ = run("show", "ranges", "a.py")
    assert code == 0
    assert out == "a.py:4:1: f(): [-inf, 0]\na.py:5:5: x: [0, 1]\n"
    write("import torch\n\n\nclass A:\n    def f(self, x):\n        self.p = x.sigmoid()\n        return self.p\n")
    assert run("show", "ranges", "a.py")[1] == "a.py:5:5: f(): [0, 1]\na.py:6:9: self.p: [0, 1]\n"
    assert run("show", "ranges", "gone.py") == (
        2, "", "nanlint: gone.py:1:1: cannot read file: No such file or directory\n",
    )  # fmt: skip


def test_wrong_usage(run):
    code, _, err = run("check", "--nope")
    assert code == 2
    assert "No such option" in err
    assert run()[0] == 2


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["check", "--help"], ["rule", "NAN102"]])
def test_what_needs_no_parser_does_not_import_one(arguments):
    script = f"import sys; sys.argv = ['nanlint', *{arguments!r}]\nfrom nanlint.cli import main\ntry: main()\n"
    script += "except SystemExit as done: assert not done.code\nassert 'libcst' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_leaves_early(write, tmp_path):
    write(BAD + "".join(f"\n\ndef f{n}(z):\n    return torch.log(z.softmax(-1))\n" for n in range(500)))
    command = [sys.executable, "-m", "nanlint", "check"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_fault_of_ours_in_show_ranges_is_one_line(tmp_path, monkeypatch, capsys):
    import nanlint.engine
    from nanlint import cli

    def fail(filename):
        raise KeyError("x")

    monkeypatch.setattr(nanlint.engine, "reveal_file", fail)
    monkeypatch.setattr("sys.argv", ["nanlint", "show", "ranges", str(tmp_path / "a.py")])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("nanlint: internal error in nanlint, please report it: KeyError")
    assert error.count("\n") == 1
