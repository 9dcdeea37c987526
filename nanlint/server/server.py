"""`nanlint server`: findings while you type, over the language server protocol on standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer

from nanlint.notebooks.notebook import Notebook, notebook_of
from nanlint.report.run import version
from nanlint.server.actions import FIX_ALL, actions, hover
from nanlint.server.desk import Desk, Page
from nanlint.server.rulers import CellRuler, Ruler
from nanlint.server.shapes import diagnostics
from nanlint.source import Source, Span

DEBOUNCE = 0.05  # seconds after the last keystroke

NOTEBOOKS = types.NotebookDocumentSyncOptions(
    [types.NotebookDocumentFilterWithCells([types.NotebookCellLanguage("python")])], save=True
)

T = TypeVar("T")


class NanlintServer(LanguageServer):
    """Keeps the newest page of every open file and notebook. All work is done by one thread, so that the server always
    answers. A notebook is known by its own URI, also where the editor speaks of one of its cells.
    """

    def __init__(self) -> None:
        super().__init__("nanlint", version(), notebook_document_sync=NOTEBOOKS)
        self.desk = Desk()
        self._worker = ThreadPoolExecutor(1)
        self._pages: dict[str, tuple[int | None, Page]] = {}
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._told: set[str] = set()

    async def work(self, task: Callable[[], T]) -> T:
        """Have something done by the worker."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, task)

    def owner(self, uri: str) -> str:
        """The notebook that a cell belongs to; of a file, the file."""
        notebook = self.workspace.get_notebook_document(cell_uri=uri)
        return uri if notebook is None else notebook.uri

    async def page(self, uri: str) -> Page:
        """What there is to say about the text as it is now."""
        known, at = self._pages.get(uri), self._version(uri)
        if known is not None and known[0] == at:
            return known[1]
        source = self._source(uri)
        page = await self.work(lambda: self.desk.page(source()))
        self._pages[uri] = at, page
        return page

    def ruler(self, page: Page, uri: str) -> Ruler:
        """Places of a page for this editor."""
        encoding = str(getattr(encoding := self.workspace.position_encoding, "value", encoding))
        notebook = self.workspace.get_notebook_document(notebook_uri=uri)
        if notebook is None or not isinstance(page.source, Notebook):
            return Ruler(uri, page.source, encoding)
        return CellRuler([cell.document for cell in notebook.cells], page.source, encoding)

    def _version(self, uri: str) -> int | None:
        notebook = self.workspace.get_notebook_document(notebook_uri=uri)
        return (self.workspace.get_text_document(uri) if notebook is None else notebook).version

    def _source(self, uri: str) -> Callable[[], Source]:
        """What makes the text of a page from what the editor holds now."""
        filename = uris.to_fs_path(uri) or uri.rpartition(":")[2]
        notebook = self.workspace.get_notebook_document(notebook_uri=uri)
        if notebook is None:
            text = self.workspace.get_text_document(uri).source
            return lambda: Source(filename, text)
        documents = [(self.workspace.get_text_document(cell.document), cell.kind) for cell in notebook.cells]
        is_code = types.NotebookCellKind.Code
        cells = [(one.source, kind == is_code and one.language_id == "python") for one, kind in documents]
        return lambda: notebook_of(filename, cells)

    def schedule(self, uri: str, delay: float) -> None:
        """Look at a file after a while, unless it changes before."""
        if (waiting := self._waiting.pop(uri, None)) is not None:
            waiting.cancel()
        self._waiting[uri] = asyncio.ensure_future(self._publish(uri, delay))

    def schedule_all(self) -> None:
        """Look at everything anew."""
        self.look_again()
        for uri in {self.owner(uri) for uri in self.workspace.text_documents}:
            self.schedule(uri, 0)

    def forget(self, uri: str, shown: Sequence[str]) -> None:
        """A file or a notebook was closed, and nothing is to be shown any longer."""
        if (waiting := self._waiting.pop(uri, None)) is not None:
            waiting.cancel()
        self._pages.pop(uri, None)
        for one in shown:
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(one, []))

    def look_again(self) -> None:
        """Settings, or other files, may have changed."""
        self.desk.reload()
        self._told.clear()
        self._pages.clear()

    async def _publish(self, uri: str, delay: float) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(delay)
            page = await self.page(uri)
            known = self._pages.get(uri)
            if known is None or known[0] != self._version(uri):
                return  # a change came in between, and with it another look
            for shown_in, shown in diagnostics(page, self.ruler(page, uri)).items():
                version = self.workspace.get_text_document(shown_in).version
                self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(shown_in, shown, version))
            if page.trouble is not None and page.trouble not in self._told:
                self._told.add(page.trouble)
                self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, f"nanlint: {page.trouble}"))


def make_server() -> NanlintServer:
    """A server that waits to be started."""
    server = NanlintServer()
    _follow_files(server)
    _follow_notebooks(server)
    _answer(server)
    return server


def _follow_files(server: NanlintServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(ls: NanlintServer, params: types.DidOpenTextDocumentParams) -> None:
        ls.look_again()
        ls.schedule(params.text_document.uri, 0)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(ls: NanlintServer, params: types.DidChangeTextDocumentParams) -> None:
        ls.schedule(params.text_document.uri, DEBOUNCE)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: NanlintServer, params: types.DidCloseTextDocumentParams) -> None:
        ls.forget(params.text_document.uri, [params.text_document.uri])

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(ls: NanlintServer, params: types.DidSaveTextDocumentParams) -> None:
        ls.schedule_all()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def touched(ls: NanlintServer, params: types.DidChangeWatchedFilesParams) -> None:
        ls.schedule_all()


def _follow_notebooks(server: NanlintServer) -> None:
    @server.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)
    def opened(ls: NanlintServer, params: types.DidOpenNotebookDocumentParams) -> None:
        ls.look_again()
        ls.schedule(params.notebook_document.uri, 0)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def changed(ls: NanlintServer, params: types.DidChangeNotebookDocumentParams) -> None:
        structure = None if params.change.cells is None else params.change.cells.structure
        for cell in (structure and structure.did_close) or ():
            ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(cell.uri, []))
        ls.schedule(params.notebook_document.uri, DEBOUNCE)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_SAVE)
    def saved(ls: NanlintServer, params: types.DidSaveNotebookDocumentParams) -> None:
        ls.schedule_all()

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def closed(ls: NanlintServer, params: types.DidCloseNotebookDocumentParams) -> None:
        ls.forget(params.notebook_document.uri, [cell.uri for cell in params.cell_text_documents])


def _answer(server: NanlintServer) -> None:
    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, FIX_ALL]),
    )
    async def code_action(ls: NanlintServer, params: types.CodeActionParams) -> list[types.CodeAction]:
        uri = params.text_document.uri
        page = await ls.page(ls.owner(uri))
        ruler = ls.ruler(page, ls.owner(uri))
        start, end = ruler.place(uri, params.range.start), ruler.place(uri, params.range.end)
        if start is None:
            return []
        return await ls.work(lambda: list(actions(page, Span(*start, *(end or start)), ruler, params.context.only)))

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hovered(ls: NanlintServer, params: types.HoverParams) -> types.Hover | None:
        uri = params.text_document.uri
        page = await ls.page(ls.owner(uri))
        ruler = ls.ruler(page, ls.owner(uri))
        place = ruler.place(uri, params.position)
        return None if place is None else await ls.work(lambda: hover(page, *place, ruler))


def serve() -> None:
    """Serve one editor until it goes."""
    make_server().start_io()
