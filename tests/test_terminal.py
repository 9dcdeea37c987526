"""What only a person at a terminal gets: bars, links, watching, completion. On a real pseudo-terminal."""

import os
import re
import subprocess
import sys

import pytest
from terminal import Terminal

from nanlint.report.style import Style, wants_links

BAD = "import torch\ny = torch.log(torch.softmax(z, -1))\n"
GOOD = "import torch\ny = torch.log_softmax(z, -1)\n"


def nanlint(folder, *arguments, **environment):
    return Terminal(folder, sys.executable, "-m", "nanlint", "check", *arguments, **environment)


def test_watch(tmp_path):
    file = tmp_path / "a.py"
    file.write_text(BAD)
    terminal = nanlint(tmp_path, "--watch", "--output-format", "concise")
    assert "NAN102" in terminal.until("Watching for changes")
    file.write_text(GOOD)
    assert "All checks passed (1 file)." in terminal.until("Watching for changes")
    (tmp_path / "b.py").write_text(BAD)
    assert "b.py" in terminal.until("Watching for changes")
    settings = tmp_path / "nanlint.toml"
    settings.write_text("ignroe = []\n")
    assert "unknown" in terminal.until("Watching for changes")
    settings.write_text('ignore = ["NAN102"]\n')
    assert "All checks passed (2 files)." in terminal.until("Watching for changes")
    terminal.interrupt()
    assert "Traceback" not in terminal.rest()
    assert terminal.process.returncode == 0


def test_watch_mends_once(tmp_path):
    file = tmp_path / "a.py"
    file.write_text(BAD)
    terminal = nanlint(tmp_path, "--watch", "--fix")
    assert "Fixed 1 finding." in terminal.until("Watching for changes")
    assert "torch.log_softmax" in file.read_text()
    terminal.interrupt()
    assert "Watching" not in terminal.rest()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "needs a terminal"), (["-"], "needs files"), (["--write-baseline"], "needs files")],
)
def test_watch_where_it_cannot(run, arguments, message):
    code, _, errors = run("check", "--watch", *arguments, stdin="")
    assert code == 2
    assert message in errors


BAR = """
import time
from nanlint.cli import progress
progress.PATIENCE = 0.05
def slow():
    for one in range(30):
        time.sleep(0.02)
        yield one
assert list(progress.with_progress(slow(), 30)) == list(range(30))
print("the report")
"""


def test_progress(tmp_path):
    shown = Terminal(tmp_path, sys.executable, "-c", BAR).rest()
    assert "nanlint" in shown
    assert "30/30" in shown
    assert shown.endswith("\x1b[1A\x1b[2Kthe report\n")  # gone


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}])
def test_no_progress_on_a_dumb_terminal(tmp_path, environment):
    assert Terminal(tmp_path, sys.executable, "-c", BAR, **environment).rest() == "the report\n"


def test_no_progress_elsewhere(tmp_path):
    done = subprocess.run([sys.executable, "-c", BAR], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("the report\n", "")


@pytest.mark.parametrize("form", ["full", "concise", "grouped"])
def test_links(tmp_path, form):
    (tmp_path / "a.py").write_text(BAD)
    shown = nanlint(tmp_path, "--output-format", form, TERM_PROGRAM="WezTerm").rest()
    (link,) = re.findall(r"\x1b\]8;;(\S+?)\x1b\\(.+?)\x1b\]8;;\x1b\\", shown)
    assert link[0].endswith("/rules/NAN102-log-of-softmax.md")
    assert "NAN102" in link[1]
    assert "\x1b]8" not in nanlint(tmp_path, "--output-format", form).rest()


class _Stream:
    def __init__(self, is_terminal):
        self.isatty = lambda: is_terminal


@pytest.mark.parametrize(
    ("is_terminal", "environment", "expected"),
    [
        (True, {"TERM_PROGRAM": "vscode"}, True),
        (True, {"VTE_VERSION": "7200"}, True),
        (True, {"VTE_VERSION": "4000"}, False),
        (True, {"TERM": "xterm-kitty"}, True),
        (True, {"TERM": "xterm-kitty", "CI": "1"}, False),
        (True, {}, False),
        (False, {"TERM_PROGRAM": "vscode"}, False),
        (False, {"FORCE_HYPERLINK": "1"}, True),
        (True, {"FORCE_HYPERLINK": "0", "TERM_PROGRAM": "vscode"}, False),
    ],
)
def test_terminals_with_links(is_terminal, environment, expected):
    assert wants_links(_Stream(is_terminal), environment) is expected


def test_link():
    assert Style(links=True).link("a", "b") == "\x1b]8;;b\x1b\\a\x1b]8;;\x1b\\"
    assert Style(links=True).link("a", None) == Style().link("a", "b") == "a"


@pytest.mark.parametrize(
    ("words", "expected"),
    [("nanlint ch", "check"), ("nanlint check --wat", "--watch"), ("nanlint check --output-format sa", "sarif")],
)
def test_completion(tmp_path, words, expected):
    done = subprocess.run(
        [sys.executable, "-c", "from nanlint.cli import main; main()"], capture_output=True, text=True, cwd=tmp_path,
        env=os.environ | {
            "_NANLINT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")),
        },
    )  # fmt: skip
    assert done.stdout == f"plain,{expected}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(tmp_path, shell):
    done = subprocess.run(
        [sys.executable, "-c", "from nanlint.cli import main; main()"], capture_output=True, text=True, cwd=tmp_path,
        env=os.environ | {"_NANLINT_COMPLETE": f"{shell}_source"},
    )  # fmt: skip
    assert "_NANLINT_COMPLETE" in done.stdout
