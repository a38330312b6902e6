"""A server on loopback that speaks the vendors' protocols and can be made to fail in each way that they do."""

import asyncio
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from support.vendor_faults import FAULTS, LONG, Behaviour
from support.vendor_protocols import document_of, events_of, reply_to

__all__ = ["LONG", "Behaviour", "Received", "VendorServer", "vendor_server"]


@dataclass(frozen=True)
class Received:
    """A request as it came. `at_s`: by the server's clock."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at_s: float
    connection: int
    """The how-manieth connection it came over."""

    @property
    def model(self) -> str:
        return str(self.body.get("model"))


@dataclass(kw_only=True)
class VendorServer(Behaviour):
    """Behaves as its own fields say, unless the model that is asked has a plan, or is named after a fault."""

    plans: dict[str, Sequence[Behaviour]] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic
    """By which the steps of plans last."""
    connections: int = 0
    at_work: int = 0
    wire: bytes = b""
    """The last answer, byte for byte."""
    port: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once an answer has been given or left."""
    open: set[asyncio.Transport] = field(default_factory=set)
    """The connections that nobody has closed yet."""
    _steps: dict[str, tuple[int, float]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def behaviour(self, model: str, now_s: float) -> Behaviour:
        """How it answers this request, which counts as one of its plan."""
        plan = self.plans.get(model) or FAULTS.get(model)
        if not plan:
            return self
        step, since_s = self._steps.get(model, (0, now_s))
        lasts_s = plan[step].lasts_s
        if lasts_s is not None and now_s - since_s >= lasts_s:
            step += 1
        chosen = plan[step]
        after = step + 1 if chosen.lasts_s is None and step + 1 < len(plan) else step
        self._steps[model] = (after, since_s)
        return chosen


class _Connection(asyncio.Protocol):
    """One connection: requests one after the other, each answered before the next is read."""

    def __init__(self, server: VendorServer) -> None:
        self._server = server
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._server.connections += 1
        self._server.open.add(self._transport)
        self._number = self._server.connections

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        body = json.loads(rest[:length] or b"{}")
        request = Received(first.split()[1], headers, body, self._server.clock(), self._number)
        self._server.received.append(request)
        self._server.arrived.set()
        self._task = asyncio.get_running_loop().create_task(self._answer(request))

    def connection_lost(self, error: Exception | None) -> None:
        self._server.open.discard(self._transport)
        if self._task is not None:
            self._task.cancel()

    async def _answer(self, request: Received) -> None:
        behaviour = self._server.behaviour(request.model, request.at_s)
        self._server.at_work += 1
        try:
            if not await self._write(behaviour, request):
                self._end(reset=behaviour.resets)
        finally:
            self._server.at_work -= 1
            self._server.idle.set()

    async def _write(self, behaviour: Behaviour, request: Received) -> bool:
        """True where the connection can serve another request."""
        self._server.wire = b""
        if behaviour.resets and behaviour.cut_at is None:
            return False
        if behaviour.silent:
            await asyncio.Event().wait()
        for number, part in enumerate(_parts(behaviour, request)):
            if behaviour.stall_after is not None and number > behaviour.stall_after:
                await asyncio.Event().wait()
            if not await self._write_part(part, behaviour):
                return False
            await asyncio.sleep(behaviour.delay_s + (0 if number else behaviour.first_token_s))
        return True

    async def _write_part(self, part: bytes, behaviour: Behaviour) -> bool:
        if not part:
            await asyncio.Event().wait()
        for start in range(0, len(part), behaviour.piece_bytes):
            piece = part[start : start + behaviour.piece_bytes]
            left = len(piece) if behaviour.cut_at is None else behaviour.cut_at - len(self._server.wire)
            self._server.wire += piece[:left]
            self._transport.write(piece[:left])
            if left < len(piece):
                return False
            await asyncio.sleep(0)
        return True

    def _end(self, *, reset: bool) -> None:
        if reset:
            # Lingering for no time makes of the closing a reset.
            self._transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            self._transport.abort()
        self._transport.close()


def _parts(behaviour: Behaviour, request: Received) -> Iterator[bytes]:
    """The head, each event, and the end. An empty part means: for ever nothing."""
    if behaviour.status:
        body = behaviour.body if isinstance(behaviour.body, str | bytes) else json.dumps(behaviour.body)
        content = body.encode() if isinstance(body, str) else body
        yield _head(behaviour.status, {"content-length": str(len(content)), **behaviour.headers})
        yield from filter(None, [content])
        return
    if request.path.endswith(("/models", "/key")):
        yield from _told(behaviour, request)
        return
    reply = reply_to(behaviour, request.body)
    if not request.body.get("stream"):
        content = document_of(request.path, reply).encode()
        length = {"content-type": "application/json", "content-length": str(len(content))}
        yield _head("200 OK", {**length, **behaviour.headers})
        yield content
        return
    events = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
    yield _head("200 OK", {**events, **behaviour.headers})
    yield from map(_chunk, events_of(request.path, reply))
    yield b"" if behaviour.hangs else b"0\r\n\r\n"


def _told(behaviour: Behaviour, request: Received) -> Iterator[bytes]:
    """Its list of models, or what a key may do."""
    listed = [{"id": name, "object": "model"} for name in behaviour.models or ()]
    told = {"label": "a key"} if request.path.endswith("/key") else listed
    content = json.dumps({"object": "list", "data": told}).encode()
    length = {"content-type": "application/json", "content-length": str(len(content))}
    yield _head("404 Not Found" if behaviour.models is None else "200 OK", {**length, **behaviour.headers})
    yield content


def _head(status: str, fields: dict[str, str]) -> bytes:
    lines = (f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{''.join(lines)}\r\n".encode()


def _chunk(text: str) -> bytes:
    data = text.encode()
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@asynccontextmanager
async def vendor_server(**more: Any) -> AsyncIterator[VendorServer]:
    """Such a server on a free port."""
    server = VendorServer(**more)
    listening = await asyncio.get_running_loop().create_server(lambda: _Connection(server), "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for transport in list(server.open):
            transport.abort()
