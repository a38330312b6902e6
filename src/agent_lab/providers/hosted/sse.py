"""Takes server-sent events apart, however the bytes were cut on their way."""

from __future__ import annotations

from collections.abc import Iterator


class EventDecoder:
    """Turns pieces of a byte stream into the data of its events. Raises UnicodeDecodeError for what is not UTF-8."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[str]:
        """The data of each event that this piece completes. An event that nothing completes is never told."""
        self._buffer += piece
        start = 0
        while (end := self._buffer.find(b"\n", max(start, self._searched))) >= 0:
            line = bytes(self._buffer[start:end]).rstrip(b"\r").decode("utf-8")
            start = end + 1
            if line.startswith("data:"):
                self._data.append(line[5:].removeprefix(" "))
            elif not line and self._data:
                yield "\n".join(self._data)
                self._data.clear()
        del self._buffer[:start]
        self._searched = len(self._buffer)
