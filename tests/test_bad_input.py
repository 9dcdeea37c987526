"""Bad input, one test each, through the real command: one clear line, the right exit code, and the run goes on."""

import codecs
import os
import subprocess
import sys

import pytest

GOOD = b"import torch\n\n\ndef f(x):\n    return torch.log_softmax(x, -1)\n"
BAD = "import torch\n\n\ndef f(z):\n    x = torch.softmax(z, -1)\n    return torch.log(x)\n"


@pytest.fixture
def run(tmp_path):
    """Run nanlint on files with these bytes, next to one that is fine."""

    def run(*arguments, stdin=None, **files):
        for name, data in files.items():
            (tmp_path / f"{name}.py").write_bytes(data)
        command = [sys.executable, "-m", "nanlint", *arguments]
        environment = {key: value for key, value in os.environ.items() if key not in {"FORCE_COLOR", "NANLINT_DEBUG"}}
        done = subprocess.run(
            command, input=stdin, capture_output=True, cwd=tmp_path, timeout=120, check=False, env=environment
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return run


def concise(run, *paths, **files):
    code, out, err = run("check", "--output-format", "concise", *paths, **files)
    return code, out.splitlines()[:-1], err


def test_syntax_error(run):
    code, lines, _ = concise(run, a=b"import torch\ndef f(:\n", b=BAD.encode())
    assert code == 1
    assert lines[0] == "a.py:2:7: NAN003 invalid syntax"
    assert lines[1].startswith("b.py:6:")
    assert len(lines) == 2


def test_unclosed_bracket(run):
    assert concise(run, a=b"import torch\nx = torch.log(\n") == (1, ["a.py:2:14: NAN003 '(' was never closed"], "")


def test_byte_order_mark(run, tmp_path):
    data = codecs.BOM_UTF8 + BAD.encode()
    code, lines, _ = concise(run, a=data)
    assert code == 1
    assert lines[0].startswith("a.py:6:")
    assert "NAN102" in lines[0]
    assert run("check", "--fix", a=data)[0] == 0
    assert (tmp_path / "a.py").read_bytes().startswith(codecs.BOM_UTF8 + b"import torch\n")


def test_latin_1_without_a_coding_line(run):
    code, lines, _ = concise(run, a=b"import torch\nx = '\xe9'\n", b=GOOD)
    assert (code, lines) == (1, ["a.py:2:1: NAN003 not valid utf-8: byte 0xe9"])


def test_latin_1_with_a_coding_line(run, tmp_path):
    data = b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + BAD.encode()
    code, lines, _ = concise(run, a=data)
    assert (code, len(lines)) == (1, 1)
    assert run("check", "--fix", a=data)[0] == 0
    assert b"caf\xe9" in (tmp_path / "a.py").read_bytes()


def test_unknown_encoding(run):
    assert concise(run, a=b"# coding: klingon\n") == (1, ["a.py:1:1: NAN003 unknown encoding: klingon"], "")


def test_nul_bytes(run):
    code, lines, _ = concise(run, a=b"import torch\n\0\n", b=GOOD)
    assert (code, lines) == (1, ["a.py:2:1: NAN003 source contains NUL bytes"])


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_other_newlines(run, tmp_path, end):
    data = BAD.encode().replace(b"\n", end)
    code, lines, _ = concise(run, a=data)
    assert code == 1
    assert lines[0].startswith("a.py:6:")
    assert run("check", "--fix", a=data)[0] == 0
    assert (tmp_path / "a.py").read_bytes().count(end) == data.count(end)


def test_mixed_newlines(run, tmp_path):
    head, _, tail = BAD.encode().partition(b"\n")
    data = head + b"\r\n# \r\n" + tail
    assert concise(run, a=data)[0] == 1
    assert run("check", "--fix", a=data)[0] == 0
    fixed = (tmp_path / "a.py").read_bytes()
    assert fixed.startswith(head + b"\r\n# \r\n\n\ndef f(z):\n")


def test_tabs(run):
    code, out, _ = run("check", a=BAD.replace("    ", "\t").encode())
    assert code == 1
    lines = out.split("\n")
    marked = next(line for line in lines if "^" in line)
    source = lines[lines.index(marked) - 1]
    assert "\t" not in out
    assert source[marked.index("^") : marked.rindex("^") + 1] in {"x", "torch.log(x)"}


def test_empty_file(run):
    assert run("check", a=b"") == (0, "All checks passed (1 file).\n", "")


@pytest.mark.parametrize(
    "text",
    ["(" * 10_000 + "x" + ")" * 10_000, "-" * 10_000 + "x", "[" * 10_000, "x" + ".a" * 10_000, "x" + " + x" * 10_000,
     "x" + "()" * 10_000, "lambda: " * 10_000 + "x"],
    ids=["parentheses", "minus", "unclosed", "attributes", "sum", "calls", "lambda"],
)  # fmt: skip
def test_deep_nesting(run, text):
    code, lines, _ = concise(run, a=b"import torch\ny = " + text.encode() + b"\n", b=GOOD)
    assert code == 1
    assert len(lines) == 1
    assert "NAN003 too deep to analyse: " in lines[0] or "NAN003 too many nested parentheses" in lines[0]
    assert lines[0].startswith("a.py:2:")


def test_deep_blocks(run):
    text = "import torch\n" + "".join(" " * depth + "if x:\n" for depth in range(10_000))
    code, lines, _ = concise(run, a=text.encode(), b=GOOD)
    assert code == 1
    assert len(lines) == 1
    assert "NAN003" in lines[0]


def test_a_long_line(run):
    code, lines, _ = concise(run, a=b"import torch\nx = '" + b"a" * 5_000_000 + b"'\n", b=BAD.encode())
    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith("b.py:6:")


def test_a_long_line_without_end(run):
    code, out, _ = run("check", a=b"import torch\nx = '" + b"a" * 5_000_000 + b"\n")
    assert code == 1
    assert max(map(len, out.splitlines())) < 200


def test_a_long_line_of_many_elements(run):
    code, lines, _ = concise(run, a=b"import torch\nx = [" + b"1, " * 1_700_000 + b"]\n", b=GOOD)
    assert (code, lines) == (0, [])


def test_a_folder_without_python(run, tmp_path):
    (tmp_path / "empty").mkdir()
    assert run("check", "empty") == (0, "No Python files found.\n", "")


def test_a_missing_path(run):
    code, out, err = run("check", "gone.py", "a.py", "lost", a=BAD.encode())
    assert code == 2
    assert err == "nanlint: gone.py: no such file or folder\nnanlint: lost: no such file or folder\n"
    assert "NAN102" in out
    assert out.splitlines()[-1].endswith(" 2 could not be checked.")


def test_only_a_missing_path(run):
    assert run("check", "gone.py") == (2, "", "nanlint: gone.py: no such file or folder\n")


def test_a_file_that_cannot_be_read(run, tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(GOOD)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    code, lines, _ = concise(run, b=BAD.encode())
    assert code == 1
    assert lines[0] == "a.py:1:1: NAN003 cannot read file: Permission denied"


def test_a_folder_named_like_a_file(run, tmp_path):
    (tmp_path / "a.py").mkdir()
    (tmp_path / "broken.py").symlink_to("nowhere.py")
    assert run("check")[0] == 0
    code, lines, _ = concise(run, "broken.py")
    assert (code, lines) == (1, ["broken.py:1:1: NAN003 cannot read file: No such file or directory"])


def test_an_unknown_code(run):
    code, out, err = run("check", "--select", "NAN1O2", a=BAD.encode())
    assert (code, out) == (2, "")
    assert err.startswith("nanlint: unknown rule `NAN1O2`; did you mean `NAN1")
    assert err.count("\n") == 1


def test_standard_input_that_is_no_text(run):
    code, out, _ = run("check", "-", "--output-format", "concise", stdin=b"\xff\n")
    assert (code, out.splitlines()[0]) == (1, "<stdin>:1:1: NAN003 not valid utf-8: byte 0xff")
