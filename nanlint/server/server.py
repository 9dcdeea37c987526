"""`nanlint server`: findings while you type, over the language server protocol on standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer

from nanlint.report.run import version
from nanlint.server.actions import FIX_ALL, actions, hover
from nanlint.server.desk import Desk, Page
from nanlint.server.shapes import Ruler, diagnostics
from nanlint.source import Span

DEBOUNCE = 0.05  # seconds after the last keystroke

T = TypeVar("T")


class NanlintServer(LanguageServer):
    """Keeps the newest page of every open file. All work is done by one thread, so that the server always answers."""

    def __init__(self) -> None:
        super().__init__("nanlint", version())
        self.desk = Desk()
        self._worker = ThreadPoolExecutor(1)
        self._pages: dict[str, tuple[int | None, Page]] = {}
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._told: set[str] = set()

    async def work(self, task: Callable[[], T]) -> T:
        """Have something done by the worker."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, task)

    async def page(self, uri: str) -> Page:
        """What there is to say about the text as it is now."""
        document = self.workspace.get_text_document(uri)
        known = self._pages.get(uri)
        if known is not None and known[0] == document.version:
            return known[1]
        filename, text, at = uris.to_fs_path(uri) or uri.rpartition(":")[2], document.source, document.version
        page = await self.work(lambda: self.desk.page(filename, text))
        self._pages[uri] = at, page
        return page

    def ruler(self, page: Page) -> Ruler:
        """Places of a page for this editor."""
        return Ruler(page.source, str(getattr(encoding := self.workspace.position_encoding, "value", encoding)))

    def schedule(self, uri: str, delay: float) -> None:
        """Look at a file after a while, unless it changes before."""
        if (waiting := self._waiting.pop(uri, None)) is not None:
            waiting.cancel()
        self._waiting[uri] = asyncio.ensure_future(self._publish(uri, delay))

    def forget(self, uri: str) -> None:
        """A file was closed."""
        if (waiting := self._waiting.pop(uri, None)) is not None:
            waiting.cancel()
        self._pages.pop(uri, None)
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def look_again(self) -> None:
        """Settings, or other files, may have changed."""
        self.desk.reload()
        self._told.clear()
        self._pages.clear()

    async def _publish(self, uri: str, delay: float) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(delay)
            page = await self.page(uri)
            document = self.workspace.get_text_document(uri)
            known = self._pages.get(uri)
            if known is None or known[0] != document.version:
                return  # a change came in between, and with it another look
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(uri, diagnostics(page, uri, self.ruler(page)), document.version)
            )
            if page.trouble is not None and page.trouble not in self._told:
                self._told.add(page.trouble)
                self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, f"nanlint: {page.trouble}"))


def make_server() -> NanlintServer:
    """A server that waits to be started."""
    server = NanlintServer()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(ls: NanlintServer, params: types.DidOpenTextDocumentParams) -> None:
        ls.look_again()
        ls.schedule(params.text_document.uri, 0)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(ls: NanlintServer, params: types.DidChangeTextDocumentParams) -> None:
        ls.schedule(params.text_document.uri, DEBOUNCE)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(ls: NanlintServer, params: types.DidSaveTextDocumentParams) -> None:
        _all_again(ls)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def touched(ls: NanlintServer, params: types.DidChangeWatchedFilesParams) -> None:
        _all_again(ls)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: NanlintServer, params: types.DidCloseTextDocumentParams) -> None:
        ls.forget(params.text_document.uri)

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, FIX_ALL]),
    )
    async def code_action(ls: NanlintServer, params: types.CodeActionParams) -> list[types.CodeAction]:
        uri = params.text_document.uri
        page = await ls.page(uri)
        ruler = ls.ruler(page)
        span = Span(*ruler.place(params.range.start), *ruler.place(params.range.end))
        return await ls.work(lambda: list(actions(page, uri, span, ruler, params.context.only)))

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hovered(ls: NanlintServer, params: types.HoverParams) -> types.Hover | None:
        page = await ls.page(params.text_document.uri)
        ruler = ls.ruler(page)
        return await ls.work(lambda: hover(page, *ruler.place(params.position), ruler))

    return server


def _all_again(ls: NanlintServer) -> None:
    ls.look_again()
    for uri in list(ls.workspace.text_documents):
        ls.schedule(uri, 0)


def serve() -> None:
    """Serve one editor until it goes."""
    make_server().start_io()
