"""A server on loopback that speaks both vendors' protocols and can be made to fail in each way that they do."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

LONG = " ".join(f"word{number}" for number in range(200))
STREAM = "200 OK", {"content-type": "text/event-stream"}


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class VendorServer:
    """What it answers. Everything but `text` is a fault, or switches one on."""

    text: str = LONG
    delay_s: float = 0.0
    status: str | None = None
    """In place of an answer, with `headers` and `body`."""
    headers: dict[str, str] = field(default_factory=dict)
    body: object = None
    end: str | None = None
    """The finish or stop reason to give."""
    drop_last: int = 0
    """Events left out at the end; the response itself ends as it should."""
    insert: str | None = None
    """The data of an event that comes after the first words."""
    cut_at: int | None = None
    """The connection is reset after that many bytes, of the head too."""
    counts: bool = True
    piece_bytes: int = 1000
    received: list[Received] = field(default_factory=list)
    at_work: int = 0
    wire: bytes = b""
    """The last answer, byte for byte."""
    port: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a connection has been left."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: one request, one answer."""
        self.at_work += 1
        leaving = None
        try:
            request = await _request(reader)
            self.received.append(request)
            self.arrived.set()
            leaving = asyncio.create_task(reader.read())
            writing = asyncio.create_task(self._write(writer, request))
            await asyncio.wait([leaving, writing], return_when=asyncio.FIRST_COMPLETED)
            writing.cancel()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            self.at_work -= 1
            self.idle.set()
            if leaving is not None:
                leaving.cancel()
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter, request: Received) -> None:
        self.wire = b""
        for part in self._parts(request):
            for start in range(0, len(part), self.piece_bytes):
                piece = part[start : start + self.piece_bytes]
                if self.cut_at is not None and len(self.wire) + len(piece) >= self.cut_at:
                    writer.write(piece[: self.cut_at - len(self.wire)])
                    await writer.drain()
                    return
                self.wire += piece
                writer.write(piece)
                await writer.drain()
            await asyncio.sleep(self.delay_s)

    def _parts(self, request: Received) -> Iterator[bytes]:
        status, headers = (self.status, {}) if self.status else STREAM
        fields = {**headers, **self.headers, "transfer-encoding": "chunked", "connection": "close"}
        yield (
            f"HTTP/1.1 {status}\r\n".encode() + b"".join(f"{k}: {v}\r\n".encode() for k, v in fields.items()) + b"\r\n"
        )
        if self.status:
            body = self.body if isinstance(self.body, str) else json.dumps(self.body)
            yield _chunk(body)
        else:
            events = _events(self, request)
            yield from map(_chunk, events[: len(events) - self.drop_last])
        yield b"0\r\n\r\n"

    def reply(self, body: dict[str, Any]) -> tuple[list[str], str]:
        """The words of the answer, and why it ends: at a stop string, at the bound, or by itself."""
        text, end = self.text, "stop"
        cuts = [text.index(stop) for stop in body.get("stop", body.get("stop_sequences", [])) if stop in text]
        words = re.findall(r"\s*\S+|\s+", text[: min(cuts)] if cuts else text)
        bound = body.get("max_completion_tokens", body.get("max_tokens", 10**6))
        return (words[:bound], "length") if len(words) > bound else (words, end)


def _chunk(text: str) -> bytes:
    data = text.encode()
    return f"{len(data):x}\r\n".encode() + data + b"\r\n" if data else b""


def _events(server: VendorServer, request: Received) -> list[str]:
    words, end = server.reply(request.body)
    anthropic = request.path.endswith("/messages")
    events = (_anthropic if anthropic else _openai)(server, words, server.end or end)
    if server.insert is not None:
        events.insert(4, f"data: {server.insert}\n\n")
    return events


def _openai(server: VendorServer, words: list[str], end: str) -> list[str]:
    def chunk(delta: dict[str, str], reason: str | None = None) -> str:
        return _data({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    usage = {"prompt_tokens": 40, "completion_tokens": len(words), "prompt_tokens_details": {"cached_tokens": 30}}
    return [
        chunk({"role": "assistant", "content": ""}),
        ": a comment\n\n",
        *(chunk({"content": word}) for word in words),
        chunk({}, end),
        *([_data({"choices": [], "usage": usage})] if server.counts else []),
        "data: [DONE]\n\n",
    ]


def _anthropic(server: VendorServer, words: list[str], end: str) -> list[str]:
    def event(kind: str, **more: Any) -> str:
        return f"event: {kind}\n" + _data({"type": kind, **more})

    usage = {"input_tokens": 6, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 4, "output_tokens": 1}
    thinking = {"type": "thinking_delta", "thinking": "hm"}
    reason = {"stop": "end_turn", "length": "max_tokens"}.get(end, end)
    after = {"usage": {"output_tokens": len(words)}} if server.counts else {}
    return [
        event("message_start", message={"usage": usage}),
        event("content_block_delta", index=0, delta=thinking),
        *(event("content_block_delta", index=1, delta={"type": "text_delta", "text": word}) for word in words),
        event("message_delta", delta={"stop_reason": reason}, **after),
        event("message_stop"),
    ]


def _data(value: object) -> str:
    return f"data: {json.dumps(value)}\n\n"


async def _request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(path=head[0].split()[1], headers=headers, body=json.loads(body or b"{}"))


@asynccontextmanager
async def vendor_server(**more: Any) -> AsyncIterator[VendorServer]:
    """Such a server on a free port."""
    server = VendorServer(**more)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
