"""Every block of code in the documents is run, or checked in the way that its language allows."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from nanlint.config.keys import KEYS, read_table
from nanlint.source import Source
from nanlint.testing import compare, read_marks

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]

_BLOCK = re.compile(r"^(?P<fence>`{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.S | re.M)
# a program, and what is said of it when it is called example.py
_OUTPUT = re.compile(
    r"<!-- output of: (?P<command>.+?) -->\n```python[^\n]*\n(?P<code>.*?)```.*?"
    r"```text\n(?P<shown>.*?)```\n<!-- end -->",
    re.S,
)
# what other tools read, and where it is tried in them
TRIED_ELSEWHERE = {"lua": "test_editors.py", "vim": "test_editors.py", "lisp": "test_editors.py"}
# what nobody reads but people: output, and differences that benchmarks/proof.py writes
SHOWN = {"text", "diff"}
# commands that wait for somebody, need torch or a network, or are those of the shell; see `test_commands`
NOT_RUN = re.compile(r"nanlint (server|trace)|--trace|--watch|^eval |_COMPLETE=|^(python\S*|pip) ")


class Block(NamedTuple):
    """One block of code."""

    document: Path
    line: int
    info: str
    body: str

    def __repr__(self) -> str:
        return f"{self.document.name}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """The blocks of all documents in some languages; in all of them if none is named."""
    found = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for one in _BLOCK.finditer(text):
            block = Block(document, text.count("\n", 0, one.start()) + 1, one["info"], one["body"])
            if not languages or (block.info.split() or [""])[0] in languages:
                found.append(block)
    return found


def each(*languages: str):
    return pytest.mark.parametrize("block", blocks(*languages), ids=repr)


@each()
def test_no_block_is_left_out(block):
    language = (block.info.split() or [""])[0]
    checked = {"python", "console", "toml", "yaml", "json"}
    assert language in checked | SHOWN | TRIED_ELSEWHERE.keys()
    if language in TRIED_ELSEWHERE:
        assert f'blocks("{language}")' in (ROOT / "tests" / TRIED_ELSEWHERE[language]).read_text()


@each("python")
def test_python(block, lint):
    """It is Python, and nanlint says of it what the page says."""
    ast.parse(block.body)
    if block.document.name == "trophies.md" or "<!-- output of" in _before(block):
        return  # programs that show a fault of others; and those whose output stands below
    marked = read_marks(block.body)
    assert not compare(marked.expectations, lint(Source("example.py", marked.code)))


def _before(block):
    return block.document.read_text(encoding="utf-8").splitlines()[block.line - 2]


@each("toml")
def test_toml(block):
    data = tomllib.loads(block.body)
    if "language-server" not in data:  # an editor's own, which is tried there
        read_table(data.get("tool", {}).get("nanlint", data), KEYS)


@each("yaml")
def test_yaml(block):
    """It can be read, the hooks and inputs that it names exist, and its commands can be run."""
    data = yaml.safe_load(block.body)
    hooks = {one["id"] for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    for one in _tables(data):
        assert {hook["id"] for hook in one.get("hooks", ())} <= hooks
        if str(one.get("uses", "")).startswith("nanlint/"):
            assert one.get("with", {}).keys() <= inputs.keys()


def _tables(data):
    if isinstance(data, dict):
        yield data
        data = list(data.values())
    if isinstance(data, list):
        for one in data:
            yield from _tables(one)


@each("json")
def test_json(block):
    json.loads(block.body)


COMMANDS = [
    pytest.param(command, id=f"{block!r} {command}")
    for block in blocks("console", "yaml")
    for line in block.body.splitlines()
    if (command := line.partition("  #")[0].strip().removeprefix("- ").removeprefix("run: ").removeprefix("script: "))
    and (block.info == "console" or command.startswith("nanlint check"))
]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command, project):
    """What can be run here is run in a project with findings and a branch; the rest is at least understood."""
    if NOT_RUN.search(command):
        assert subprocess.run(["bash", "-n", "-c", command]).returncode == 0
        words = shlex.split(command, comments=True)
        assert all((ROOT / word).exists() for word in words if word.startswith(("benchmarks/", "examples/")))
        return
    done = subprocess.run(["bash", "-c", command], cwd=project, capture_output=True, text=True, timeout=60)
    assert done.returncode in {0, 1}, done.stderr
    assert "error" not in done.stderr.lower()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with a finding on its branch, and a `nanlint` that is this one."""
    command = tmp_path / "bin" / "nanlint"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nanlint "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent), prepend=os.pathsep)
    folder = tmp_path / "project"
    folder.mkdir()
    git = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody@example.com"]
    bad = "import torch\n\n\ndef f(z):\n    p = torch.softmax(z, -1)\n    return torch.log(p)\n"
    for name in ("a.py", "train.py", "src/a.py", "examples/train_digits.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(bad)
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["commit", "-qm", "all"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
    ):
        subprocess.run([*git, *words], cwd=folder, check=True)
    return folder


PROGRAMS = [(document, one.start()) for document in DOCUMENTS for one in _OUTPUT.finditer(document.read_text("utf-8"))]


@pytest.mark.parametrize("document", sorted({document for document, _ in PROGRAMS}), ids=lambda path: path.name)
def test_what_is_said_of_a_program(document, update, tmp_path):
    text = document.read_text(encoding="utf-8")
    if update:
        text = _OUTPUT.sub(
            lambda one: one[0].replace(f"text\n{one['shown']}```", f"text\n{_said(one, tmp_path)}```"), text
        )
        document.write_text(text, encoding="utf-8")
    for one in _OUTPUT.finditer(text):
        assert one["shown"] == _said(one, tmp_path)


def _said(one, folder):
    (folder / "example.py").write_text(one["code"], encoding="utf-8")
    words = shlex.split(one["command"].removeprefix("nanlint "))
    done = subprocess.run(
        [sys.executable, "-m", "nanlint", *words, "example.py"], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


def test_links_lead_somewhere():
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
