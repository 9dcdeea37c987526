"""Attacks by the repository that is linted: one test each. What is promised stands in docs/security.md."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanlint.cache import digest_of
from nanlint.cards import load_cards
from nanlint.config import Settings
from nanlint.engine import lint_source
from nanlint.report.json_text import json_text
from nanlint.report.style import cells, displayed
from nanlint.source import Source

CARDS = load_cards()
BAD = "import torch\n\n\ndef f(z):\n    return torch.log(torch.softmax(z, -1))\n"
SECRET = "import torch\n\n\ndef secret(z):\n    return torch.softmax(z, -1)\n"

# --- running code ----------------------------------------------------------------------------------------------------

STRIKE = "import pathlib\npathlib.Path(__file__).with_suffix('.struck').touch()\n"
# what Python, pytest, click or nanlint itself might import if it stood first on the path
NAMES = (
    "conftest sitecustomize usercustomize setup ast re json tomllib click libcst pathspec libcst/__init__ "
    "nanlint_plugin torch/__init__ package/__init__ package/__main__ a"
).split()


def test_no_code_of_the_project_is_run(run, write, tmp_path):
    for name in NAMES:
        write(f"{STRIKE}import torch\nfrom package import f\ny = torch.log(torch.relu(f(x)))\n", f"{name}.py")
    write("def f(x):\n    return x\n" + STRIKE, "package/__init__.py")
    write('[tool.nanlint]\nextra-rules = ["rules"]\n[build-system]\nbuild-backend = "setup"\n', "pyproject.toml")
    write("[pytest]\naddopts = -p nanlint_plugin\n", "pytest.ini")
    write("raise SystemExit\n", "rules/conftest.py")
    for jobs in ("1", "2"):
        code, out, _ = run("check", "--jobs", jobs, "--no-cache", "--output-format", "concise")
        assert code == 1
        assert out.count("NAN101") == len(NAMES) - 2  # nothing is said of conftest.py and of the package
    assert not list(tmp_path.rglob("*.struck"))


CARD = "# Title\n\n```toml\nmessage = {message}\n{more}\n```\n\n## What it does\n\nNothing.\n"
OPERATION = '[operation."torch.foo"]\nsafe = "x > 0"'


@pytest.mark.parametrize(
    ("message", "more", "said"),
    [
        ('"{operand.__class__.__init__.__globals__}"', OPERATION, "unknown placeholder"),
        ('"{operand:>10000000000}"', OPERATION, "takes neither `!` nor `:`"),
        ('"{operand!r}"', OPERATION, "takes neither `!` nor `:`"),
        ('"x"', "x = " + "[" * 100_000, "nested too deeply"),
        ('"x"', '[operation."torch.foo"]\nsafe = "__import__(\'os\')"', "write it like"),
    ],
)
def test_a_card_is_data(run, write, message, more, said):
    write(CARD.format(message=message, more=more), "rules/EVIL001-a.md")
    write('extra-rules = ["rules"]\n', "nanlint.toml")
    write("import torch\n\ny = torch.foo(-1)\n")
    code, out, err = run("check", "--no-cache")
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_cache_that_came_with_the_project(run, write, tmp_path):
    """It may hide findings, as a comment may; it cannot show other files, run anything or steer the terminal."""
    write(BAD)
    secret = write("the secret\n", "../secret.py")
    run("check")
    (index,) = (tmp_path / ".nanlint_cache").glob("*.json")
    data = json.loads(index.read_bytes().partition(b"\n")[2])
    (finding,) = data["entries"]["a.py"][3]
    finding[2] = "\x1b[31m message \u202e"
    finding[6] = [[1, 1, 1, 4, "look here", str(secret)]]
    text = json.dumps(data).encode()
    index.write_bytes(digest_of(text).encode() + b"\n" + text)
    code, out, _ = run("check")
    assert code == 1
    assert " message " in out
    assert "look here" in out
    assert "the secret" not in out
    assert not set("\x1b\u202e") & set(out)
    data["entries"]["a.py"][3] = [["__import__", *finding[1:]], {"__reduce__": "os.system"}]
    text = json.dumps(data).encode()
    index.write_bytes(digest_of(text).encode() + b"\n" + text)
    assert "NAN102" in run("check")[1]


# --- leading out of the project --------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path, write):
    """A folder with a file, and secrets beside it."""
    write(SECRET, "outside/secret.py")
    write(BAD, "project/a.py")
    return tmp_path / "project"


@pytest.mark.parametrize(
    "setting",
    ['extra-rules = ["/etc"]', 'extra-rules = ["../outside"]', 'extra-rules = ["link"]', 'baseline = "/etc/passwd"',
     'baseline = "../outside/new.json"', 'baseline = "link/new.json"', 'cache-dir = "../outside/cache"',
     'cache-dir = "link/cache"'],
)  # fmt: skip
def test_settings_lead_nowhere_else(run, project, setting):
    (project / "link").symlink_to("../outside")
    (project / "nanlint.toml").write_text(f"{setting}\n")
    before = sorted(project.parent.rglob("*"))
    for more in ((), ("--write-baseline",)):
        code, out, err = run("check", *more, cwd="project")
        key = setting.partition(" ")[0]
        assert (code, out) == (2, "")
        assert err.startswith(f"nanlint: nanlint.toml: `{key}` leads out of the project: ")
    assert sorted(project.parent.rglob("*")) == before


def test_the_command_line_may_lead_elsewhere(run, project):
    assert run("check", "--cache-dir", "../outside/cache", "--baseline", "../outside/b.json", "--write-baseline",
               cwd="project")[0] == 0  # fmt: skip
    assert (project.parent / "outside" / "cache" / "CACHEDIR.TAG").exists()
    assert (project.parent / "outside" / "b.json").exists()


def test_the_cache_as_a_link(run, project):
    (project.parent / "outside" / "empty").mkdir()
    (project / ".nanlint_cache").symlink_to("../outside/empty")
    code, _, err = run("check", cwd="project")
    assert code == 2
    assert "`cache-dir` leads out of the project" in err
    assert not list((project.parent / "outside" / "empty").iterdir())


def test_links_in_folders(run, project):
    outside = project.parent / "outside"
    (project / "secret.py").symlink_to(outside / "secret.py")
    (project / "inside.py").symlink_to("a.py")
    (project / "folder").symlink_to(outside)
    (project / "passwd.py").symlink_to("/etc/passwd")
    _, out, err = run("check", "--fix", "--output-format", "full", "--no-cache", cwd="project")
    assert err.splitlines() == [
        f"nanlint: {name}: not looked at: a link that leads out of the project" for name in ("passwd.py", "secret.py")
    ]
    assert "secret" not in out
    assert (outside / "secret.py").read_text() == SECRET
    assert run("check", "--show-files", "secret.py", cwd="project")[1] == "secret.py\n"  # who names it wants it read


def test_links_in_circles(run, project):
    for name, target in {"here": ".", "up": "..", "x.py": "x.py", "y.py": "z.py", "z.py": "y.py"}.items():
        (project / name).symlink_to(target)
    code, out, _ = run("check", "--output-format", "concise", cwd="project")
    assert code == 1
    assert "(1 fixable" in out
    assert out.count("\n") == 2


@pytest.mark.parametrize(
    "statement",
    ["from secret import secret", "from package.secret import secret", "from ...outside.secret import secret",
     "from ......outside.secret import secret"],
)  # fmt: skip
def test_imports_that_lead_out(run, project, statement):
    text = f"import torch\n{statement}\n\n\ndef f(z):\n    return torch.log(secret(z))\n"
    (project / "sub").mkdir()
    (project / ".git").mkdir()
    (project / "sub" / "b.py").write_text(text)
    (project / "sub" / "secret.py").symlink_to("../../outside/secret.py")
    (project / "sub" / "package").symlink_to("../../outside")
    code, out, _ = run("check", "--no-cache", "--output-format", "full", "sub/b.py", cwd="project")
    assert (code, out) == (0, "All checks passed (1 file).\n")
    (project / "sub" / "secret.py").unlink()
    (project / "sub" / "secret.py").write_text(SECRET)
    if statement.startswith("from secret"):  # the same in the project is followed
        assert run("check", "--no-cache", "sub/b.py", cwd="project")[0] == 1


# --- time and memory -------------------------------------------------------------------------------------------------
# ruff: noqa: E501

HEAD = "import torch\n\n\n"


def doubling(first: str, line: str, last: str, times: int = 60) -> str:
    lines = (line.replace("NEW", f"a{i + 1}").replace("OLD", f"a{i}") for i in range(times))
    return HEAD + f"a0 = {first}\n" + "".join(lines) + last.replace("LAST", f"a{times}")


TEXTS = {
    "powers": HEAD + "def f(x):\n    return x / (9**9**9 - 10**10**10) + torch.log(2.0**10**10)\n",
    "powers of powers": doubling("10", "NEW = OLD ** OLD\n", "def f(x):\n    return x / LAST + x ** -LAST\n", 20),
    "shifts": HEAD + "def f(x):\n    n = 1 << (1 << 40)\n    return x / (n - n)\n",
    "factorials": HEAD + "import math\ndef f(x):\n    return x / math.factorial(10**9) + math.comb(10**9, 10**8)\n",
    "long numbers": HEAD + f"def f(x):\n    return x / {'9' * 4000} + x / 0x{'f' * 100_000} + x / 1e{'9' * 999}\n",
    "too long a number": HEAD + f"def f(x):\n    return x / {'9' * 5000}\n",
    "lists": HEAD + "def f(x):\n    return x / sum([0] * 10**12) + torch.log(torch.tensor([0.0] * 10**12))\n",
    "tensors": HEAD + "def f(x):\n    return x / torch.zeros(10**10, 10**10).sum() + torch.arange(10**15).log()\n",
    "strings": HEAD + "s = 'a' * 10**12\nt = f'{1:>10000000000}'\nu = '%1000000000d' % 3\ny = torch.log(len(s))\n",
    "ranges": HEAD + "def f(x):\n    for i in range(10**18):\n        x = x / (i - 5)\n    return x\n",
    "strings that double": doubling("'a'", "NEW = OLD + OLD\n", "y = torch.ones(3) / len(LAST)\n"),
    "pairs that double": doubling("(1, 2)", "NEW = (OLD, OLD)\n", "y = torch.ones(3) / LAST[0][0]\n"),
    "lists that double": doubling("[1, 2]", "NEW = OLD + OLD\n", "y = torch.ones(3) / LAST[0]\n"),
    "tables that double": doubling("dict(a=1)", "NEW = dict(a=OLD, b=OLD)\n", "y = torch.ones(3) / LAST['a']\n"),
    "calls that double": HEAD + "def f0(x):\n    return torch.log(x)\n"
    + "".join(f"def f{i + 1}(x):\n    return f{i}(x) + f{i}(x)\n" for i in range(60)) + "def g(x):\n    return f60(x)\n",
    "calls of themselves": HEAD + "def f(x):\n    return f(f(g(x))) / g(x)\ndef g(x):\n    return f(g(f(x)))\nf(1)\n",
    "classes in circles": HEAD + "class A(B): pass\nclass B(A): pass\nclass C(C):\n    def f(self): return 1 / self.f()\n",
    "one or of many": HEAD + "def f(x):\n    if " + " or ".join(f"x == {i}" for i in range(400)) + ":\n        return 1 / x\n",
    "one and of many": HEAD + "def f(x):\n    if " + " and ".join(f"x > {i}" for i in range(400)) + ":\n        return 1 / x\n",
    "many aliases": HEAD + "".join(f"a{i} = a{i + 1}\n" for i in range(3000)) + "y = torch.log(a0)\n",
    "long names": HEAD + f"def {'f' * 100_000}({'x' * 100_000}):\n    return torch.log({'x' * 100_000})\n",
    "hashes": HEAD + "#" * 200_000 + "nanlint\n# noqa: " + "E1, " * 50_000 + "!\n# noqa" + " " * 100_000 + "x\n",
    "codes": HEAD + "# nanlint: ignore[" + "a," * 50_000 + "\n#" + " \t" * 50_000 + "noqa\n# nanlint" + " " * 50_000 + "\n",
    "suppressions": HEAD + "y = torch.log(torch.relu(z))  # nanlint: ignore[NAN101] a\n" * 2000,
    "comments above": HEAD + "# nanlint: ignore[NAN101] a\n" * 3000 + "y = [\n" + "torch.log(torch.relu(z)),\n" * 500 + "]\n",
    "quotes": HEAD + "'''\n" + "'\"\n" * 50_000,
    "imports": HEAD + "from" + " " * 100_000 + "a\nfrom a import (" + "a, " * 50_000 + "\n",
    "imported names": HEAD + "from a import " + "a as b, " * 30_000 + "c\ny = torch.log(c)\n",
    "newer grammar": HEAD + "type X = int\ndef f" + " " * 100_000 + "x\nclass A[T]: pass\nexcept" + " a" * 100_000 + "\n",
    "backslashes": HEAD + "\\\n" * 30_000 + "y = 2\n",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_takes_long_or_fills_the_memory(name):
    start = time.process_time()
    lint_source(Source("a.py", TEXTS[name]), CARDS, Settings())
    assert time.process_time() - start < 12  # a second or two where nobody else works


STARS = "a*" * 40 + "b"
SETTINGS = {
    "nesting": ("select = " + "[" * 100_000, "nested too deeply"),
    "a key of many parts": ("a" + ".a" * 100_000 + " = 1", "a line has more than 2000 dots"),
    "a long number": ("epsilon = " + "9" * 10_000, "a number in it is too long"),
    "a number no float can hold": ("epsilon = " + "9" * 4000, "must be a number above 0"),
    "a long version": (f'target-torch = "{"9" * 10_000}.1"', "must be a version"),
    "stars": (f'exclude = ["{STARS}"]', "a pattern with too many stars"),
    "stars for files": (f'per-file-ignores = {{"{STARS}" = ["NAN"]}}', "a pattern with too many stars"),
    "more than anyone writes": ("#" * 5_000_000, "larger than 4 MB"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_take_long(run, write, name):
    text, said = SETTINGS[name]
    write(BAD, "a" * 200 + ".py")
    write(text + "\n", "nanlint.toml")
    code, out, err = run("check", "--no-cache")
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".gitignore", STARS + "\n" + "/".join(["**"] * 30) + "/b\n"),
        ("requirements.txt", "torch" + " " * 200_000 + "\ntorch" + "[a]" * 50_000 + "\ntorch>=" + "9" * 10_000 + ".1\n"),
        ("n.ipynb", "[" * 100_000),
        ("n.ipynb", '{"cells": [], "nbformat": ' + "9" * 10_000 + "}"),
    ],
    ids=["gitignore", "requirements", "deep notebook", "long number in a notebook"],
)  # fmt: skip
def test_other_files_that_take_long(run, write, name, text):
    write(BAD, "a" * 200 + ".py")
    write(text, name)
    code, out, _ = run("check", "--no-cache")
    assert code == 1
    assert "NAN102" in out


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device")
@pytest.mark.parametrize(
    "name", ["nanlint.toml", ".gitignore", "requirements.txt", "b.py", "c.py", "package/__init__.py"]
)
def test_devices_never_end(run, write, tmp_path, name):
    write(
        "import torch\nfrom b import g\nfrom package import h\n\n\ndef f(z):\n    return torch.log(g(h(z.softmax(-1))))\n"
    )
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).symlink_to("/dev/zero")
    assert run("check", "--no-cache")[0] in {0, 1}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_pipes_that_nobody_writes_to(run, write, tmp_path):
    write(BAD)
    for name in ("p.py", ".gitignore", "nanlint.toml"):
        os.mkfifo(tmp_path / name)
    assert run("check", "--no-cache")[0] == 1
    assert "not a regular file" in run("check", "--no-cache", "p.py")[1]


# --- what is shown ---------------------------------------------------------------------------------------------------

# ESC, BEL, C1's CSI, OSC 8, bidirectional controls, what starts a new line
COMMANDS = "\x1b[2J \x07 \x9b31m \x1b]8;;http://x\x1b\\ \u202e\u2066\u200f \u2028 \x85".split(" ")
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.fixture
def forged(write):
    """A project in which everything that can have a name has a bad one."""
    name = "x" + "".join(COMMANDS) + "\n::error::.py"
    name = name.replace("/", "")
    try:
        write(BAD.replace("(z", f"(z['{COMMANDS[4]}{COMMANDS[2]}']"), name)
    except OSError:
        pytest.skip("this system has no such names")
    write("(\n", f"broken{COMMANDS[0]}.py")
    return name


@pytest.mark.parametrize(
    "arguments",
    [("check", "--output-format", form) for form in ("full", "concise", "grouped", "github", "azure", "pylint", "html")]
    + [("check", "--output-format", form) for form in ("json", "json-lines", "sarif", "gitlab", "junit", "rdjson")]
    + [("check", "--statistics"), ("check", "gone\x1b[2J\n.py"), ("check", "--select", "\x1b[2J")],
    ids=" ".join,
)  # fmt: skip
def test_nothing_that_is_printed_is_a_command(forged, run, arguments):
    _, out, err = run(*arguments, "--no-cache", PYTHONIOENCODING="utf-8:surrogateescape")
    assert out or err
    assert not STEERING.search(out + err)
    assert all(line.startswith(("nanlint: ", "Usage", "Try", "Error")) or not line for line in err.splitlines())


@given(st.text())
def test_any_text_can_be_shown(text):
    shown = displayed(text)
    assert not STEERING.search(shown)
    assert cells(shown)[-1] == cells(text)[-1]
    assert json.loads(json_text([text, {text: 1}])) == [text, {text: 1}]
    assert not STEERING.search(json_text([text]).encode(errors="replace").decode())


def test_letters_that_are_joined_stay_as_they_are():
    assert displayed("می\u200cخواهم 👩\u200d💻 é") == "می\u200cخواهم 👩\u200d💻 é"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_difference_on_a_terminal_without_colours(tmp_path):
    from test_terminal import nanlint

    (tmp_path / "a.py").write_text(BAD.replace("torch\n", "torch  # \x1b[2J\u202e\x9b31m\n"))
    shown = nanlint(tmp_path, "--diff", "--no-cache", NO_COLOR="1").rest()
    assert "log_softmax" in shown
    assert not STEERING.search(shown)
