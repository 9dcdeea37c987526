"""An editor for tests and benchmarks: a client of the language server protocol that talks to the real command."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient


class Editor:
    """One editor with its server. Use as an asynchronous context."""

    def __init__(self, folder: Path, encoding: str = "utf-16", roots: Sequence[str] = ()) -> None:
        self.folder = folder
        self._roots = roots
        self.messages: list[str] = []
        self._encoding = types.PositionEncodingKind(encoding)
        self._versions: dict[str, int] = {}
        self._published: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()
        self.client = LanguageClient("test", "1")

    async def __aenter__(self) -> Editor:
        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: types.PublishDiagnosticsParams) -> None:
            self._published.put_nowait(params)

        @self.client.feature(types.WINDOW_SHOW_MESSAGE)
        def message(params: types.ShowMessageParams) -> None:
            self.messages.append(params.message)

        await self.client.start_io(sys.executable, "-m", "nanlint", "server", cwd=self.folder)
        general = types.GeneralClientCapabilities(position_encodings=[self._encoding])
        self.capabilities = (
            await self.client.initialize_async(
                types.InitializeParams(
                    types.ClientCapabilities(general=general),
                    root_uri=None if self._roots else self.folder.as_uri(),
                    workspace_folders=[types.WorkspaceFolder(self.uri(name), name) for name in self._roots] or None,
                    process_id=None,
                )
            )
        ).capabilities
        self.client.initialized(types.InitializedParams())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client.stop()

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    async def open(self, text: str, name: str = "a.py") -> list[types.Diagnostic]:
        """Open a file; what is shown."""
        self._versions[name] = 1
        item = types.TextDocumentItem(self.uri(name), "python", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return await self.shown(name)

    async def change(self, text: str, where: types.Range | None = None, name: str = "a.py") -> list[types.Diagnostic]:
        """Type something; what is shown then."""
        self.type(text, where, name)
        return await self.shown(name)

    def type(self, text: str, where: types.Range | None = None, name: str = "a.py") -> None:
        """Type something, and do not wait."""
        self._versions[name] += 1
        change: Any = (
            types.TextDocumentContentChangeWholeDocument(text)
            if where is None
            else types.TextDocumentContentChangePartial(where, text)
        )
        document = types.VersionedTextDocumentIdentifier(self._versions[name], self.uri(name))
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    async def save(self, name: str = "a.py") -> list[types.Diagnostic]:
        """Save; what is shown then."""
        identifier = types.TextDocumentIdentifier(self.uri(name))
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(identifier))
        return await self.shown(name)

    async def shown(self, name: str = "a.py") -> list[types.Diagnostic]:
        """The next findings of the newest version."""
        while True:
            params = await asyncio.wait_for(self._published.get(), 30)
            if params.uri == self.uri(name) and params.version in {None, self._versions[name]}:
                return list(params.diagnostics)

    async def actions(
        self, line: int, only: list[str] | None = None, name: str = "a.py"
    ) -> dict[str, types.CodeAction]:
        """What is offered on a line, by title."""
        where = types.Range(types.Position(line, 0), types.Position(line, 0))
        document = types.TextDocumentIdentifier(name if "#" in name else self.uri(name))
        context = types.CodeActionContext([], only=only)
        offered = await self.client.text_document_code_action_async(types.CodeActionParams(document, where, context))
        return {one.title: one for one in offered or [] if isinstance(one, types.CodeAction)}

    async def hover(self, line: int, character: int, name: str = "a.py") -> str | None:
        """What is shown at a place."""
        document = types.TextDocumentIdentifier(name if "#" in name else self.uri(name))
        shown = await self.client.text_document_hover_async(
            types.HoverParams(document, types.Position(line, character))
        )
        return None if shown is None else getattr(shown.contents, "value", str(shown.contents))

    async def open_notebook(self, cells: Sequence[str], name: str = "a.ipynb") -> list[list[str]]:
        """Open a notebook, a cell of which that begins with `#%%` is one of text; the codes shown in each."""
        self.notebook = types.VersionedNotebookDocumentIdentifier(1, self.uri(name))
        items = [self._cell(number, text) for number, text in enumerate(cells)]
        self.cells = [item.uri for item in items]
        kinds = [
            types.NotebookCellKind.Markup if text.startswith("#%%") else types.NotebookCellKind.Code for text in cells
        ]
        document = types.NotebookDocument(
            self.notebook.uri, "jupyter-notebook", 1, list(map(types.NotebookCell, kinds, self.cells))
        )
        self.client.notebook_document_did_open(types.DidOpenNotebookDocumentParams(document, items))
        return await self.shown_in_cells()

    async def change_cell(self, number: int, text: str) -> list[list[str]]:
        """Replace the text of a cell; what is shown then."""
        name = self.cells[number]
        self._versions[name] += 1
        change = types.NotebookDocumentCellContentChanges(
            types.VersionedTextDocumentIdentifier(self._versions[name], name),
            [types.TextDocumentContentChangeWholeDocument(text)],
        )
        return await self._changed(types.NotebookDocumentCellChanges(text_content=[change]))

    async def insert_cell(self, at: int, text: str) -> list[list[str]]:
        """A new cell; what is shown then."""
        item = self._cell(len(self._versions), text)
        self.cells.insert(at, item.uri)
        new = types.NotebookCellArrayChange(at, 0, [types.NotebookCell(types.NotebookCellKind.Code, item.uri)])
        structure = types.NotebookDocumentCellChangeStructure(new, did_open=[item])
        return await self._changed(types.NotebookDocumentCellChanges(structure=structure))

    async def remove_cell(self, at: int) -> list[list[str]]:
        """Away with a cell; what is shown then."""
        gone = types.TextDocumentIdentifier(self.cells.pop(at))
        structure = types.NotebookDocumentCellChangeStructure(types.NotebookCellArrayChange(at, 1), did_close=[gone])
        return await self._changed(types.NotebookDocumentCellChanges(structure=structure))

    async def close_notebook(self) -> list[list[str]]:
        """Close it; what is shown then."""
        cells = [types.TextDocumentIdentifier(uri) for uri in self.cells]
        document = types.NotebookDocumentIdentifier(self.notebook.uri)
        self.client.notebook_document_did_close(types.DidCloseNotebookDocumentParams(document, cells))
        return await self.shown_in_cells()

    async def shown_in_cells(self) -> list[list[str]]:
        """The codes in each cell, once each has been told of."""
        told: dict[str, list[types.Diagnostic]] = {}
        while not told.keys() >= set(self.cells):
            params = await asyncio.wait_for(self._published.get(), 30)
            told[params.uri] = list(params.diagnostics)
        self.in_cells = [told[uri] for uri in self.cells]
        return [[str(one.code) for one in shown] for shown in self.in_cells]

    def _cell(self, number: int, text: str) -> types.TextDocumentItem:
        uri = self.uri("a.ipynb").replace("file:", "vscode-notebook-cell:") + f"#cell{number}"
        self._versions[uri] = 1
        return types.TextDocumentItem(uri, "markdown" if text.startswith("#%%") else "python", 1, text)

    async def _changed(self, cells: types.NotebookDocumentCellChanges) -> list[list[str]]:
        self.notebook.version += 1
        event = types.NotebookDocumentChangeEvent(cells=cells)
        self.client.notebook_document_did_change(types.DidChangeNotebookDocumentParams(self.notebook, event))
        return await self.shown_in_cells()


def applied(text: str, action: types.CodeAction, uri: str | None = None) -> str:
    """A text after an action, in UTF-16; of several documents, that of one."""
    assert action.edit is not None
    assert action.edit.changes is not None
    assert uri or len(action.edit.changes) == 1
    edits = action.edit.changes.get(uri, ()) if uri else next(iter(action.edit.changes.values()))
    data = text.encode("utf-16-le")
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode("utf-16-le")))

    def offset(position: types.Position) -> int:
        return starts[position.line] + 2 * position.character

    for edit in sorted(edits, key=lambda one: offset(one.range.start), reverse=True):
        start, end = offset(edit.range.start), offset(edit.range.end)
        data = data[:start] + edit.new_text.encode("utf-16-le") + data[end:]
    return data.decode("utf-16-le")
