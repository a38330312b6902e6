"""Asks an application of this process as if over HTTP, without a socket, each piece of an answer as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
from starlette.types import ASGIApp, Message, Scope

AHEAD = 8
"""Pieces that the application may be ahead of its reader."""
GRACE_S = 10.0
"""How long the application may go on after its reader has left."""


class InsideTransport(httpx.AsyncBaseTransport):
    """The transport of a client whose server is this application. (httpx's own hands out whole answers only.)"""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, with its body still to come. Leaving early tells the application so."""
        exchange = _Exchange(await request.aread())
        exchange.begin(self._app, _scope(request))
        try:
            start = await exchange.next()
        except BaseException:
            exchange.leave()
            raise
        if start is None:
            raise httpx.RemoteProtocolError("The application ended without an answer.")
        return httpx.Response(start["status"], headers=list(start.get("headers", ())), stream=exchange)


class _Exchange(httpx.AsyncByteStream):
    """One request and its answer."""

    def __init__(self, body: bytes) -> None:
        self._pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        self._said: asyncio.Queue[Message | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(AHEAD)
        self._left = asyncio.Event()
        self._is_broken = False
        self._serving: asyncio.Task[None] | None = None

    def begin(self, app: ASGIApp, scope: Scope) -> None:
        self._serving = asyncio.create_task(self._serve(app, scope))

    async def _serve(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._receive, self._send)
        except Exception:  # noqa: BLE001 - it has been logged within; the reader is told that the answer broke off
            self._is_broken = True
        finally:
            self._said.put_nowait(None)

    async def _receive(self) -> Message:
        if self._pending:
            return self._pending.pop()
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._left.is_set():
            return
        await self._room.acquire()
        self._said.put_nowait(message)

    async def next(self) -> Message | None:
        """What the application says next; None where it has ended."""
        message = await self._said.get()
        self._room.release()
        if message is None and self._is_broken:
            raise httpx.ReadError("The application broke off in the middle of its answer.")
        return message

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (message := await self.next()) is not None:
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body", False):
                return

    async def aclose(self) -> None:
        self.leave()

    def leave(self) -> None:
        """Let go without waiting: whoever leaves may be cancelled himself, and could wait for nothing."""
        if self._left.is_set() or self._serving is None:
            return
        self._left.set()
        for _ in range(AHEAD):  # those who wait for room have none to wait for
            self._room.release()
        # Kept by the loop until then; an application that hears that its reader has left ends long before.
        asyncio.get_running_loop().call_later(GRACE_S, self._serving.cancel)


def _scope(request: httpx.Request) -> Scope:
    return {
        "type": "http",
        # In 2.4 a disconnect is told by the next thing that is sent, which in a quiet stream is seconds away.
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "server": (request.url.host, request.url.port or 80),
        "client": ("127.0.0.1", 0),
        "root_path": "",
    }
