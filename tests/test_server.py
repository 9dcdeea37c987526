"""The editor server through a real client, over standard input and output."""

import asyncio
import subprocess
import sys

import pytest
from editor import Editor, applied
from lsprotocol import types

TEXT = """\
import torch


def f(z):
    p = torch.softmax(z, -1)
    return torch.log(p)


def g(z):
    s = "\N{GRINNING FACE}"; return torch.log(torch.relu(z))
"""


def codes(shown):
    return [one.code for one in shown]


def drive(folder, story, **options):
    """Let an editor live through a story."""

    async def run():
        async with Editor(folder, **options) as editor:
            await asyncio.wait_for(story(editor), 50)

    asyncio.run(run())


def test_open_change_save_close(tmp_path):
    async def story(editor):
        first, second = await editor.open(TEXT)
        assert (first.code, first.source, first.severity) == ("NAN102", "nanlint", types.DiagnosticSeverity.Error)
        assert first.message == "log of `p`, a softmax that underflows to 0 (log-of-softmax)"
        assert first.range == types.Range(types.Position(5, 21), types.Position(5, 22))
        assert first.code_description.href.endswith("NAN102-log-of-softmax.md")
        (related, *_) = first.related_information
        assert related.location.uri == editor.uri("a.py")
        assert related.location.range.start == types.Position(4, 8)
        assert second.range.start == types.Position(9, 31)  # UTF-16 counts the face twice
        where = types.Range(types.Position(5, 11), types.Position(5, 23))
        assert codes(await editor.change("torch.log_softmax(z, -1)", where)) == ["NAN101"]
        assert codes(await editor.save()) == ["NAN101"]
        identifier = types.TextDocumentIdentifier(editor.uri("a.py"))
        editor.client.text_document_did_close(types.DidCloseTextDocumentParams(identifier))
        assert await editor.shown() == []

    drive(tmp_path, story)


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 33), ("utf-16", 31), ("utf-32", 30)])
def test_columns_in_the_units_of_the_editor(tmp_path, encoding, column):
    async def story(editor):
        _, second = await editor.open(TEXT)
        assert second.range.start.character == column

    drive(tmp_path, story, encoding=encoding)


def test_quick_fixes(tmp_path):
    async def story(editor):
        await editor.open(TEXT)
        offered = await editor.actions(5, ["quickfix"])
        assert list(offered) == ["NAN102: use `log_softmax` (safe)", "NAN102: ignore this"]
        fix, ignore = offered.values()
        assert fix.is_preferred
        assert fix.diagnostics[0].code == "NAN102"
        assert "return torch.log_softmax(z, -1)\n" in applied(TEXT, fix)
        silenced = applied(TEXT, ignore)
        assert "    return torch.log(p)  # nanlint: ignore[NAN102]\n" in silenced
        assert codes(await editor.change(silenced)) == ["NAN101"]
        offered = await editor.actions(9)
        (unsafe,) = (one for title, one in offered.items() if "(unsafe: changes numbers)" in title)
        assert not unsafe.is_preferred
        assert codes(await editor.change(applied(silenced, unsafe))) == []
        assert await editor.actions(0) == {}

    drive(tmp_path, story)


@pytest.mark.parametrize("only", ["source.fixAll.nanlint", "source.fixAll", "source"])
def test_fix_all(tmp_path, only):
    async def story(editor):
        assert types.CodeActionKind.QuickFix in editor.capabilities.code_action_provider.code_action_kinds
        await editor.open(TEXT)
        (action,) = (await editor.actions(0, [only])).values()
        assert action.kind == "source.fixAll.nanlint"
        after = applied(TEXT, action)
        assert after == TEXT.replace("torch.log(p)", "torch.log_softmax(z, -1)")
        assert await editor.actions(0, ["refactor"]) == {}

    drive(tmp_path, story)


def test_hover(tmp_path):
    async def story(editor):
        await editor.open(TEXT)
        shown = await editor.hover(5, 21)
        assert "p: [0, 1]" in shown
        assert "**NAN102 " in shown
        assert "](https://" in shown
        assert "p: [0, 1]" in await editor.hover(4, 4)
        assert await editor.hover(9, 60) is None
        assert await editor.hover(0, 0) is None

    drive(tmp_path, story)


def test_settings(tmp_path):
    settings = tmp_path / "nanlint.toml"
    settings.write_text('ignore = ["NAN101"]\n')
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "nanlint.toml").write_text('ignore = ["NAN102"]\n')
    (tmp_path / "build").mkdir()

    async def story(editor):
        assert codes(await editor.open(TEXT)) == ["NAN102"]
        assert codes(await editor.open(TEXT, "sub/a.py")) == ["NAN101"]
        assert codes(await editor.open(TEXT, "build/a.py")) == []
        settings.write_text("")
        assert codes(await editor.save()) == ["NAN102", "NAN101"]
        settings.write_text("ignroe = []\n")
        assert codes(await editor.save()) == []
        assert ["unknown" in one and "ignroe" in one for one in editor.messages] == [True]
        settings.write_text("")
        assert codes(await editor.save()) == ["NAN102", "NAN101"]

    drive(tmp_path, story)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import torch\nx = (", ["NAN003"]),
        ("import torch\n\0", ["NAN003"]),
        ("import torch\nx = " + "(" * 5000, ["NAN003"]),
        ("", []),
        ("\ufeffimport torch\n", None),
        ("import torch\r\ny = torch.log(torch.zeros(3))\r", None),
        ("# coding: klingon\nimport torch\n", None),
        ("import torch\nx = '\\ud800\N{GRINNING FACE}'\x0c\n", None),
    ],
)
def test_no_file_ends_the_server(tmp_path, text, expected):
    async def story(editor):
        shown = codes(await editor.open(text))
        assert expected is None or shown == expected
        await editor.actions(0)
        await editor.hover(0, 0)
        await editor.hover(99, 99)
        assert codes(await editor.change(TEXT)) == ["NAN102", "NAN101"]

    drive(tmp_path, story)


def test_many_keystrokes_and_one_look(tmp_path):
    async def story(editor):
        await editor.open("import torch\n")
        for count in range(1, 60):
            editor.type("import torch\n" + "y = torch.log(torch.zeros(3))\n" * count)
        assert len(await editor.shown()) == 59  # of the newest version

    drive(tmp_path, story)


def test_without_pygls(tmp_path):
    code = "import sys; sys.modules.update(pygls=None, lsprotocol=None); from nanlint.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "server"], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: the server needs pygls: pip install 'nanlint[server]'\n"
