"""Serves an application on a socket until it is told to stop, and then lets what is going on end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import uvicorn

from agent_lab.cli.output import PipeClosed, note, write
from agent_lab.contracts.errors import EnvironmentFaultError, ValidationError

if TYPE_CHECKING:
    from fastapi import FastAPI

GRACE_S = 5
"""How long open streams may go on once the server is to stop."""
CUT_STREAM = "ASGI callable returned without completing response."
"""What uvicorn logs as an error of a stream that was left before its end."""
MAX_MESSAGE_BYTES = 16_384
"""Of a WebSocket: all that a reader of a run ever says is where it stands."""


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket that is bound, before anything expensive is built. Raises EnvironmentFaultError, ValidationError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise ValidationError(f"{host[:80]!r} is no address of this machine; use 127.0.0.1.", where="--host") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise _cannot_bind(error, host, port) from error
    return listener


def _cannot_bind(error: OSError, host: str, port: int) -> EnvironmentFaultError:
    if error.errno == errno.EADDRINUSE:
        return EnvironmentFaultError(f"Port {port} is in use already; choose another one with --port.", where="--port")
    if error.errno == errno.EACCES:
        text = f"Port {port} may not be opened by this user; choose one over 1023 with --port."
        return EnvironmentFaultError(text, where="--port")
    text = f"The address {host} cannot be bound ({error.strerror or error}); use 127.0.0.1, or see --host."
    return EnvironmentFaultError(text, where="--host")


class _WithoutCutStreams(logging.Filter):
    """Leaves out that a stream has no end, once the server stops: stopping is what ends the open ones."""

    def __init__(self, server: uvicorn.Server) -> None:
        super().__init__()
        self._server = server

    def filter(self, record: logging.LogRecord) -> bool:
        """False for such a line."""
        return not (self._server.should_exit and record.msg == CUT_STREAM)


class _Server(uvicorn.Server):
    """Stops on SIGINT and SIGTERM and does not raise them again afterwards: being stopped is how a server ends."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so once requests are taken."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Listen to the signals in the loop."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, self._stop, one)
        try:
            yield
        finally:
            for one in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(one)

    def _stop(self, one: signal.Signals) -> None:
        if not self.should_exit:
            note("\nStopping; Ctrl-C again stops at once.")
        self.handle_exit(one, None)


def event_loop() -> asyncio.AbstractEventLoop:
    """The loop that a server runs on: uvloop's where there is one, which takes a sixth off each call."""
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def serve(app: FastAPI, listener: socket.socket, *, said: str, link: str | None) -> None:
    """Serve until told to stop. `said` is printed once requests are taken; `link` is then opened in the browser."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACE_S,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_timeout=60.0,  # as long as a stream's reader may take nothing
        ws_per_message_deflate=False,  # its tables would be most of what a reader costs in memory
    )
    opening: list[asyncio.Task[None]] = []

    def ready() -> None:
        with contextlib.suppress(PipeClosed):  # whoever started it reads no further; it serves all the same
            write(said)
        if link is not None:
            opening.append(asyncio.create_task(asyncio.to_thread(_open_browser, link)))

    server = _Server(config, ready)
    lines, without = logging.getLogger("uvicorn.error"), _WithoutCutStreams(server)
    lines.addFilter(without)
    try:
        await server.serve(sockets=[listener])
    except SystemExit as error:  # how uvicorn leaves when the application does not start; its log has the reason
        raise EnvironmentFaultError("The server could not start; see the log, and `agent-lab doctor`.") from error
    finally:
        lines.removeFilter(without)


def _open_browser(link: str) -> None:
    import webbrowser

    if not webbrowser.open(link):
        note("No browser could be opened; use the link above.")
