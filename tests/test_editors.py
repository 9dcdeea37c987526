"""What docs/editors.md says, as far as it can be tried here."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from terminal import Terminal

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
local place = { textDocument = vim.lsp.util.make_text_document_params(), position = { line = 4, character = 4 } }
for _, answer in pairs(vim.lsp.buf_request_sync(0, "textDocument/hover", place, 15000)) do
  print(answer.result.contents.value)
end
vim.cmd("qa!")
"""

# waits for findings, makes all safe repairs, and waits until none is left
EGLOT = """
(defun told (format &rest words) (write-region (concat (apply #'format format words) "\\n") nil "said" t 'quiet))
(defvar repaired nil)
(defun repair ()
  (setq repaired t)
  (dolist (one (flymake-diagnostics))
    (save-excursion (goto-char (flymake-diagnostic-beg one))
      (told "%s:%s %s" (line-number-at-pos) (current-column) (flymake-diagnostic-text one))))
  (eglot-code-actions (point-min) (point-max) "source.fixAll.nanlint" t)
  (told "%s" (buffer-string)))
(defun leave ()
  (told "left %s" (length (flymake-diagnostics)))
  (set-buffer-modified-p nil)
  (send-string-to-terminal "END")
  (kill-emacs))
(run-with-timer 1 0.5 (lambda () (with-current-buffer "a.py"
  (if (flymake-diagnostics) (unless repaired (repair)) (when repaired (leave))))))
"""
COMPILE = """
(run-with-timer 1 nil (lambda ()
  (let ((buffer (compile "nanlint check --output-format concise")))
    (while (process-live-p (get-buffer-process buffer)) (accept-process-output nil 0.1))
    (next-error)
    (set-buffer (window-buffer (selected-window)))
    (write-region (format "%s %s %s" (buffer-name) (line-number-at-pos) (current-column)) nil "said")
    (send-string-to-terminal "END")
    (kill-emacs))))
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


def installed(command):
    return pytest.mark.skipif(shutil.which(command) is None, reason=f"{command} is not installed")


def said(folder, *command):
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60, check=False)
    return done.stdout + done.stderr


def is_new_neovim():
    version = re.search(r"NVIM v(\d+)\.(\d+)", said(".", "nvim", "--version"))
    return (int(version[1]), int(version[2])) >= (0, 11)


@installed("nvim")
def test_neovim_with_the_server(folder):
    new, old = blocks("lua")
    (folder / "init.lua").write_text(new if is_new_neovim() else old)
    (folder / "try.lua").write_text(NEOVIM)
    shown = said(folder, "nvim", "--headless", "-u", "init.lua", "-c", "filetype on", "-c", "luafile try.lua")
    assert "5 21 log of `p`, a softmax that underflows to 0" in shown
    assert "return torch.log_softmax(z, -1)" in shown
    assert "left 0" in shown
    assert "p: [0, 1]" in shown


@installed("nvim")
def test_neovim_with_make(folder):
    (folder / "try.vim").write_text(
        blocks("vim")[0] + "make\nlua for _, one in ipairs(vim.fn.getqflist()) do print(one.lnum, one.col) end\nqa!\n"
    )
    assert "6 22" in said(folder, "nvim", "--headless", "-u", "NONE", "-S", "try.vim")


def emacs(folder, script, *arguments):
    """What a script has to say in an Emacs at a terminal: hooks run there as they do for people."""
    (folder / "try.el").write_text(script)
    with Terminal(folder, "emacs", "-Q", "-nw", *arguments, TERM="xterm") as terminal:
        terminal.until("END", 60)
        terminal.rest()
    return (folder / "said").read_text()


def knows_eglot():
    found = re.search(r"Emacs (\d+)", said(".", "emacs", "--version"))
    return int(found[1]) >= 29


@installed("emacs")
def test_emacs_with_eglot(folder):
    if not knows_eglot():
        pytest.skip("Eglot came with 29")
    (folder / "init.el").write_text(blocks("lisp")[0])
    shown = emacs(folder, EGLOT, "-l", "init.el", "a.py", "-l", "try.el")
    assert "6:21 nanlint [NAN102]: log of `p`, a softmax that underflows to 0" in shown
    assert "return torch.log_softmax(z, -1)" in shown
    assert "left 0" in shown


@installed("emacs")
def test_emacs_with_compile(folder):
    assert "a.py 6 21" in emacs(folder, COMPILE, "-l", "try.el")


@installed("hx")
def test_helix(folder):
    settings = folder / ".config" / "helix" / "languages.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(blocks("toml")[0])
    assert re.search(r"✓.{0,5} nanlint: .*/bin/nanlint", said(folder, "hx", "--health", "python"))
    with Terminal(folder, "hx", "a.py:6:22", TERM="xterm-256color") as helix:
        helix.until("underflows")
        helix.press(" a")
        helix.until("(safe)")
        helix.press("\r")
        helix.until("log_softmax")
        helix.press(":wq\r")
        helix.rest()
    assert (folder / "a.py").read_text() == BAD.replace("torch.log(p)", "torch.log_softmax(z, -1)")


def test_the_task_of_vs_code(folder):
    (task,) = json.loads(blocks("json")[0])["tasks"]
    done = subprocess.run(task["command"], shell=True, capture_output=True, text=True, cwd=folder)
    pattern = task["problemMatcher"]["pattern"]
    (match,) = (match for line in done.stdout.splitlines() if (match := re.search(pattern["regexp"], line)))
    found = {key: match[pattern[key]] for key in ("file", "line", "column", "code", "message")}
    message = "log of `p`, a softmax that underflows to 0"
    assert found == {"file": "a.py", "line": "6", "column": "22", "code": "NAN102", "message": message}


def test_completion_of_bash(folder):
    (line,) = (line for line in DOCS.splitlines() if "bash_source" in line)
    script = f'{line}\nCOMP_WORDS=(nanlint che)\nCOMP_CWORD=1\n_nanlint_completion nanlint\necho "${{COMPREPLY[@]}}"\n'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=folder)
    assert done.stdout == "check\n"
