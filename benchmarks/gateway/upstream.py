"""A provider that answers at once: `python -m benchmarks.gateway.upstream PORT`.

The model's name says how a stream comes: `burst-400` is 400 chunks in one packet, `paced-400` the same with each chunk
in a packet of its own. Whoever asks for no stream gets the text in one piece.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from functools import cache
from typing import Any

PACE_S = 0.001
WORDS_OF_A_WHOLE_ANSWER = 60
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_MODEL = re.compile(rb'"model": ?"(burst|paced)-(\d+)"')
_STREAM = re.compile(rb'"stream": ?true')
_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: {}\r\n{}\r\n\r\n"


def _chunk(delta: dict[str, str], end: str | None = None, **more: Any) -> bytes:
    choices = [] if more else [{"index": 0, "delta": delta, "finish_reason": end}]
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return _framed(f"data: {json.dumps({**body, **more})}\n\n".encode())


def _framed(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _usage(words: int) -> dict[str, int]:
    return {"prompt_tokens": 10, "completion_tokens": words, "total_tokens": 10 + words}


@cache
def streamed(chunks: int) -> tuple[bytes, ...]:
    """The head, a chunk a word, and the end: each as one packet."""
    head = _HEAD.format("text/event-stream", "transfer-encoding: chunked").encode()
    words = [_chunk({"content": f"word{number} "}) for number in range(chunks)]
    end = _chunk({}, "stop") + _chunk({}, usage=_usage(chunks)) + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    return (head + _chunk({"role": "assistant", "content": ""}), *words, end)


@cache
def whole() -> bytes:
    """The answer in one piece."""
    text = "".join(f"word{number} " for number in range(WORDS_OF_A_WHOLE_ANSWER))
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    content = json.dumps({**body, "usage": _usage(WORDS_OF_A_WHOLE_ANSWER)}).encode()
    return _HEAD.format("application/json", f"content-length: {len(content)}").encode() + content


class Upstream(asyncio.Protocol):
    """One connection, kept open."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._got = transport, b""

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if found and len(body) >= (int(length[1]) if length else 0):
            self._got = b""
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        model = _MODEL.search(body)
        if not model or not _STREAM.search(body):
            self._transport.write(whole())
        elif model[1] == b"burst":
            self._transport.write(b"".join(streamed(int(model[2]))))
        else:
            self._pace(streamed(int(model[2])), 0)

    def _pace(self, packets: tuple[bytes, ...], at: int) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(packets[at])
        if at + 1 < len(packets):
            asyncio.get_running_loop().call_later(PACE_S, self._pace, packets, at + 1)


async def serve(port: int) -> None:
    """Answer until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
