"""Lets work go on only for as long as somebody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.websockets import WebSocket

Result = TypeVar("Result")


class ClientGoneError(Exception):
    """The client has closed the connection; there is nobody to answer."""


async def while_waited_for(client: Request | WebSocket, work: Coroutine[Any, Any, Result]) -> Result:
    """The result of `work`, which is cancelled when the client leaves. Raises ClientGoneError then.

    The work is done by the calling task itself, and only the watch has one of its own: that spares each request
    several turns of the event loop.
    """
    working = asyncio.current_task()
    watching = asyncio.ensure_future(_left(client))

    is_over = False

    def stop(watch: asyncio.Future[None]) -> None:
        if working is not None and not (is_over or watch.cancelled()):
            working.cancel()

    watching.add_done_callback(stop)
    try:
        return await work
    except asyncio.CancelledError:
        if watching.done() and not watching.cancelled() and working is not None and working.uncancel() == 0:
            raise ClientGoneError from None
        raise
    finally:
        is_over = True  # `stop` may be on its way already
        watching.cancel()


async def _left(client: Request | WebSocket) -> None:
    while (await client.receive())["type"] not in {"http.disconnect", "websocket.disconnect"}:
        pass
