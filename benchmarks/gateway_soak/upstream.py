"""Providers that misbehave at random, the same way for the same seed, and that count what reaches them."""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

WORDS = 40
PIECES = 3
"""Packets in which an answer comes."""
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_NUMBER = re.compile(r"Call (\d+)\.")
FAULTS = (
    "busy", "failing", "overloaded", "reset", "silent", "too-long", "html", "error-in-200", "cut", "stalled",
    "malformed", "no-done", "ends-early",
)  # fmt: skip
REFUSALS = {
    "busy": ("429 Too Many Requests", "rate_limit_exceeded"),
    "failing": ("500 Internal Server Error", "server_error"),
    "overloaded": ("503 Service Unavailable", "overloaded"),
    "too-long": ("400 Bad Request", "context_length_exceeded"),
}


def answer_to(call: int) -> str:
    """The one right answer of a call: no other call has it, so that answers that were mixed up show too."""
    return " ".join(f"word{number}-of-{call}" for number in range(WORDS))


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: which call, as a stream or not, and the beginning of the answer where one was given."""

    call: int
    stream: bool
    prefix: str

    @classmethod
    def read(cls, body: bytes) -> Asked:
        """Raises ValueError for what no call of this soak looks like."""
        asked: dict[str, Any] = json.loads(body)
        *_, last = turns = asked["messages"]
        numbers = [found[1] for turn in turns if turn["role"] == "user" and (found := _NUMBER.search(_text(turn)))]
        if not numbers:
            raise ValueError("no call of this soak")
        return cls(int(numbers[-1]), asked.get("stream", False), _text(last) if last["role"] == "assistant" else "")

    def text(self) -> str:
        """What is to be said: the rest, where the beginning was given."""
        return answer_to(self.call).removeprefix(self.prefix)


def _text(turn: dict[str, Any]) -> str:
    content = turn["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


@dataclass(slots=True)
class Upstream:
    """One provider. `always` is the fault of a dead one; a living one has a fault in `share` of its answers."""

    seed: str
    always: str | None = None
    share: float = 0.0
    port: int = 0
    arrivals: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    held: asyncio.Event | None = None
    """Where one is, whoever arrives waits for it to be set."""
    _seen: Counter[int] = field(default_factory=Counter)
    _open: dict[asyncio.Task[Any], asyncio.StreamWriter] = field(default_factory=dict)

    def fault(self, call: int) -> str | None:
        """What goes wrong this time: chance depends on the call and its try alone, not on who came first."""
        self._seen[call] += 1
        if self.always:
            return self.always
        chance = random.Random(f"{self.seed}/{call}/{self._seen[call]}")
        return chance.choice(FAULTS) if chance.random() < self.share else None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        here = asyncio.current_task()
        assert here is not None
        self._open[here] = writer
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                asked = Asked.read(await reader.readexactly(int(length[1]) if length else 0))
                self.arrivals += 1
                if self.held is not None:
                    await self.held.wait()
                fault = self.fault(asked.call)
                self.faults[fault or "none"] += 1
                await self._answer(asked, fault, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            del self._open[here]
            writer.close()

    async def hang_up(self) -> None:
        """End every connection, so that nobody is left who waits."""
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open)

    async def _answer(
        self, asked: Asked, fault: str | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        wire = wire_of(asked, fault)
        stop = len(wire)
        if fault in {"cut", "stalled"}:
            stop = random.Random(f"{self.seed}/{asked.call}/where").randrange(1, len(wire) - 1)
        step = len(wire) // PIECES + 1
        for start in range(0, stop, step):
            writer.write(wire[start : min(start + step, stop)])
            await writer.drain()
            await asyncio.sleep(0)
        if fault in {"silent", "stalled"}:
            await reader.read()  # until the caller has left
        if fault in {"reset", "cut", "silent", "stalled"}:
            _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection as a crashed machine does. Raises ConnectionResetError, for nobody can go on here."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise ConnectionResetError


def wire_of(asked: Asked, fault: str | None) -> bytes:
    """The bytes of an answer; empty for a provider that says nothing."""
    if fault in {"reset", "silent"}:
        return b""
    if fault in REFUSALS:
        status, code = REFUSALS[fault]
        retry = "retry-after: 1\r\n" if fault == "busy" else ""
        body = json.dumps({"error": {"message": f"{fault}, by the seed", "type": code, "code": code}})
        return _whole(status, "application/json", body, retry)
    if fault == "html":
        return _whole("200 OK", "text/html", "<html>Welcome to the hotel's network</html>")
    if asked.stream:
        return _stream(asked, fault)
    return _whole("200 OK", "application/json", _document(asked, fault))


def _whole(status: str, kind: str, body: str, more: str = "") -> bytes:
    content = body.encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{more}content-length: {len(content)}\r\n\r\n"
    return head.encode() + content


def _document(asked: Asked, fault: str | None) -> str:
    if fault == "error-in-200":
        return json.dumps({"error": {"message": "overloaded, by the seed", "type": "server_error"}})
    choice = {"index": 0, "message": {"role": "assistant", "content": asked.text()}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 5, "completion_tokens": WORDS, "total_tokens": 5 + WORDS}
    text = json.dumps({"id": "1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage})
    return text[: len(text) // 2] if fault in {"malformed", "ends-early"} else text


def _stream(asked: Asked, fault: str | None) -> bytes:
    events = [_event({"role": "assistant", "content": ""})]
    events += [_event({"content": piece}) for piece in re.findall(r"\s*\S+|\s+", asked.text())]
    events += [_event({}, "stop"), _event({}, usage={"prompt_tokens": 5, "completion_tokens": WORDS}), "[DONE]"]
    middle = len(events) // 2
    if fault == "error-in-200":
        events[middle:] = [json.dumps({"error": {"message": "overloaded, by the seed", "type": "server_error"}})]
    elif fault == "malformed":
        events[middle] = events[middle][:-9]
    elif fault == "no-done":
        events.pop()
    elif fault == "ends-early":
        events[middle:] = []
    head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    frames = [f"data: {event}\n\n".encode() for event in events]
    return head.encode() + b"".join(b"%x\r\n%b\r\n" % (len(frame), frame) for frame in frames) + b"0\r\n\r\n"


def _event(delta: dict[str, str], end: str | None = None, **more: Any) -> str:
    choices = [] if more else [{"index": 0, "delta": delta, "finish_reason": end}]
    return json.dumps({"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": choices, **more})


@asynccontextmanager
async def listening(*upstreams: Upstream) -> AsyncIterator[None]:
    """All of them on ports of their own."""
    async with AsyncExitStack() as stack:
        for one in upstreams:
            server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
            stack.push_async_callback(one.hang_up)
            stack.callback(server.close)
            one.port = server.sockets[0].getsockname()[1]
        yield
