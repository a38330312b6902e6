"""A client of HTTP/1.1 that costs next to nothing: it looks for the end of an answer and reads no more of it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HEAD_END = b"\r\n\r\n"
CHUNKS_END = b"\r\n0\r\n\r\n"
FIRST_WORD = b"word0"
"""What every answer of the upstreams begins with."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as it came. Seconds count from the request on; `status` is 0 where nothing came at all."""

    status: int
    body: bytes
    whole: bool
    """False where the connection ended first."""
    first_word_s: float | None
    total_s: float


def chat_request(path: str, body: Mapping[str, Any], token: str | None = None) -> bytes:
    """A POST as it goes over the wire."""
    content = json.dumps(body).encode()
    key = f"authorization: Bearer {token}\r\n" if token else ""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{key}content-type: application/json\r\n"
    return head.encode() + f"content-length: {len(content)}\r\n\r\n".encode() + content


class Caller:
    """Asks one server, one request at a time, on a connection that it keeps for as long as the server does."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._line: _Line | None = None

    async def ask(self, request: bytes) -> Reply:
        """Send a request and wait for its answer."""
        if self._line is None or self._line.transport.is_closing():
            loop = asyncio.get_running_loop()
            _, self._line = await loop.create_connection(_Line, "127.0.0.1", self._port)
        return await self._line.ask(request)

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.transport.close()


class _Line(asyncio.Protocol):
    """One connection. What is read stays in one buffer until the answer is whole."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._waiting: asyncio.Future[Reply] | None = None

    async def ask(self, request: bytes) -> Reply:
        self._got, self._body_at, self._length, self._chunked = bytearray(), 0, 0, False
        self._asked_s = time.perf_counter()
        self._first_word_s: float | None = None
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiting

    def data_received(self, data: bytes) -> None:
        if self._waiting is None:
            return
        self._got += data
        if self._first_word_s is None and FIRST_WORD in self._got:
            self._first_word_s = time.perf_counter() - self._asked_s
        if self._body_at or self._read_head():
            self._look_for_end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(whole=False)

    def _read_head(self) -> bool:
        found = self._got.find(HEAD_END)
        if found < 0:
            return False
        head = bytes(self._got[: found + 2])
        length = _LENGTH.search(head)
        self._body_at = found + len(HEAD_END)
        self._length = int(length[1]) if length else 0
        self._chunked = _CHUNKED.search(head) is not None
        return True

    def _look_for_end(self) -> None:
        # The head ends as a chunk does, so an answer without a single chunk is seen to end as well.
        ended = self._got.endswith(CHUNKS_END) if self._chunked else len(self._got) >= self._body_at + self._length
        if ended:
            self._finish(whole=True)

    def _finish(self, *, whole: bool) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None or waiting.done():
            return
        body = bytes(self._got[self._body_at :]) if self._body_at else b""
        waiting.set_result(
            Reply(
                status=int(self._got[9:12]) if self._body_at else 0,
                body=unchunked(body) if self._chunked else body,
                whole=whole,
                first_word_s=self._first_word_s,
                total_s=time.perf_counter() - self._asked_s,
            )
        )


def unchunked(body: bytes) -> bytes:
    """A body without the lengths between its chunks; of a cut one what there is."""
    parts, at = [], 0
    while (end := body.find(b"\r\n", at)) > 0 and (size := int(body[at:end], 16)):
        parts.append(body[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
    return b"".join(parts)
