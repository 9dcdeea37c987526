"""What docs/editors.md says, as far as it can be tried here."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

DOCS = (Path(__file__).parents[1] / "docs" / "editors.md").read_text(encoding="utf-8")
BAD = "import torch\n\n\ndef f(z):\n    p = torch.softmax(z, -1)\n    return torch.log(p)\n"

NEOVIM = """
vim.cmd("edit a.py")
vim.wait(15000, function() return #vim.diagnostic.get(0) > 0 end)
for _, one in ipairs(vim.diagnostic.get(0)) do print(one.lnum, one.col, one.message) end
local params = vim.lsp.util.make_range_params(0, "utf-16")
params.context = { only = { "source.fixAll.nanlint" }, diagnostics = {} }
for _, answer in pairs(vim.lsp.buf_request_sync(0, "textDocument/codeAction", params, 15000)) do
  for _, action in ipairs(answer.result) do vim.lsp.util.apply_workspace_edit(action.edit, "utf-16") end
end
print(vim.api.nvim_buf_get_lines(0, 5, 6, false)[1])
vim.wait(15000, function() return #vim.diagnostic.get(0) == 0 end)
print("left", #vim.diagnostic.get(0))
vim.cmd("qa!")
"""


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.S)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a bad file, and a `nanlint` that is this one."""
    (tmp_path / "a.py").write_text(BAD)
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "nanlint"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nanlint "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


needs_neovim = pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed")


def neovim(folder, *arguments):
    done = subprocess.run(
        ["nvim", "--headless", *arguments], capture_output=True, text=True, cwd=folder, timeout=60, check=False
    )
    return done.stdout + done.stderr


@needs_neovim
def test_neovim_with_the_server(folder):
    (folder / "init.lua").write_text(blocks("lua")[0])
    (folder / "try.lua").write_text(NEOVIM)
    shown = neovim(folder, "-u", "init.lua", "-c", "filetype on", "-c", "luafile try.lua")
    assert "5 21 log of `p`, a softmax that underflows to 0" in shown
    assert "return torch.log_softmax(z, -1)" in shown
    assert "left 0" in shown


@needs_neovim
def test_neovim_with_make(folder):
    (folder / "try.vim").write_text(
        blocks("vim")[0] + "make\nlua for _, one in ipairs(vim.fn.getqflist()) do print(one.lnum, one.col) end\nqa!\n"
    )
    assert "6 22" in neovim(folder, "-u", "NONE", "-S", "try.vim")


def test_the_task_of_vs_code(folder):
    (task,) = json.loads(blocks("json")[0])["tasks"]
    done = subprocess.run(task["command"], shell=True, capture_output=True, text=True, cwd=folder)
    pattern = task["problemMatcher"]["pattern"]
    (match,) = (match for line in done.stdout.splitlines() if (match := re.search(pattern["regexp"], line)))
    found = {key: match[pattern[key]] for key in ("file", "line", "column", "code", "message")}
    message = "log of `p`, a softmax that underflows to 0"
    assert found == {"file": "a.py", "line": "6", "column": "22", "code": "NAN102", "message": message}


def test_helix_is_toml():
    server = tomllib.loads(blocks("toml")[0])["language-server"]["nanlint"]
    assert [server["command"], *server["args"]] == ["nanlint", "server"]


def test_completion_of_bash(folder):
    (line,) = (line for line in DOCS.splitlines() if "bash_source" in line)
    script = f'{line}\nCOMP_WORDS=(nanlint che)\nCOMP_CWORD=1\n_nanlint_completion nanlint\necho "${{COMPREPLY[@]}}"\n'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=folder)
    assert done.stdout == "check\n"
