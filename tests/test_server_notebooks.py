"""Notebooks that are open in an editor, and several projects in one editor, through a real client."""

from editor import applied
from lsprotocol import types
from test_server import TEXT, codes, drive

CELLS = [
    "#%% A model",
    "import torch\n%matplotlib inline\n\ndef f(z):\n    return torch.softmax(z, -1)",
    "!ls\nz = torch.rand(3)\np = torch.softmax(z, -1)",
    's = "\N{GRINNING FACE}"; loss = torch.log(p)\n',
]


def test_the_cells_are_one_program(tmp_path):
    async def story(editor):
        assert await editor.open_notebook(CELLS) == [[], [], [], ["NAN102"]]
        (one,) = editor.in_cells[3]
        assert one.range == types.Range(types.Position(0, 27), types.Position(0, 28))
        (related, *_) = one.related_information
        assert related.location == types.Location(
            editor.cells[2], types.Range(types.Position(2, 4), types.Position(2, 24))
        )
        assert await editor.change_cell(2, "p = torch.rand(3) + 0.1") == [[], [], [], []]
        assert await editor.change_cell(2, "%%bash\nls") == [[], [], [], []]
        assert await editor.change_cell(2, "p = f(torch.rand(3))") == [[], [], [], ["NAN102"]]
        assert await editor.insert_cell(3, "p = p + 1") == [[], [], [], [], []]
        assert await editor.remove_cell(3) == [[], [], [], ["NAN102"]]
        assert await editor.change_cell(1, "def f(:") == [[], ["NAN003"], [], []]
        assert await editor.close_notebook() == [[], [], [], []]

    drive(tmp_path, story)


def test_repairs_and_ranges(tmp_path):
    async def story(editor):
        await editor.open_notebook(CELLS)
        last = editor.cells[3]
        offered = await editor.actions(0, name=last)
        fix, ignore, every = offered.values()
        for action in (fix, every):
            assert list(action.edit.changes) == [last]
            assert applied(CELLS[3], action, last) == CELLS[3].replace("torch.log(p)", "torch.log_softmax(z, -1)")
        assert applied(CELLS[3], ignore, last) == CELLS[3][:-1] + "  # nanlint: ignore[NAN102]\n"
        assert await editor.change_cell(3, applied(CELLS[3], fix, last)) == [[], [], [], []]
        assert await editor.actions(0, name=editor.cells[0]) == {}
        assert "p: [0, 1]" in await editor.hover(2, 0, name=editor.cells[2])
        assert await editor.hover(0, 0, name=editor.cells[0]) is None

    drive(tmp_path, story)


def test_a_repair_in_the_last_line_of_a_cell(tmp_path):
    async def story(editor):
        cells = ["import torch\nz = torch.rand(3)", "y = torch.log(torch.softmax(z, -1))", "x = 1"]
        assert await editor.open_notebook(cells) == [[], ["NAN102"], []]
        (action,) = (await editor.actions(0, ["source.fixAll"], editor.cells[1])).values()
        assert applied(cells[1], action, editor.cells[1]) == "y = torch.log_softmax(z, -1)"

    drive(tmp_path, story)


def test_settings_hold_for_notebooks(tmp_path):
    (tmp_path / "nanlint.toml").write_text('per-file-ignores = {"*.ipynb" = ["NAN1"]}\n')

    async def story(editor):
        assert await editor.open_notebook(CELLS) == [[], [], [], []]
        (tmp_path / "nanlint.toml").write_text("")
        document = types.NotebookDocumentIdentifier(editor.notebook.uri)
        editor.client.notebook_document_did_save(types.DidSaveNotebookDocumentParams(document))
        assert await editor.shown_in_cells() == [[], [], [], ["NAN102"]]

    drive(tmp_path, story)


def test_the_json_of_a_notebook_is_no_python(tmp_path):
    async def story(editor):
        assert codes(await editor.open('{"cells": []}', "a.ipynb")) == []

    drive(tmp_path, story)


def test_each_root_has_settings_and_modules_of_its_own(tmp_path):
    for name, ignored in (("one", "NAN101"), ("two", "NAN102")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "nanlint.toml").write_text(f'ignore = ["{ignored}"]\n')
        (tmp_path / name / "helper.py").write_text(f"EPS = {1e-3 if name == 'one' else 0.0}\n")
    extra = "\n\ndef h(x):\n    from helper import EPS\n    return 1 / (torch.relu(x) + EPS)\n"

    async def story(editor):
        assert codes(await editor.open(TEXT, "one/a.py")) == ["NAN102"]
        assert codes(await editor.open(TEXT, "two/a.py")) == ["NAN101"]
        assert codes(await editor.change(TEXT + extra, name="two/a.py")) == ["NAN101", "NAN111"]
        assert codes(await editor.change(TEXT + extra, name="one/a.py")) == ["NAN102"]
        third = types.WorkspaceFolder(editor.uri("three"), "three")
        event = types.WorkspaceFoldersChangeEvent(added=[third], removed=[])
        editor.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event))
        assert codes(await editor.open(TEXT, "three/a.py")) == ["NAN102", "NAN101"]

    drive(tmp_path, story, roots=["one", "two"])
