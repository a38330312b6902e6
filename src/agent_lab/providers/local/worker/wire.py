"""Carries messages between two processes over a pair of pipes; sending never blocks, and many messages go at once."""

from __future__ import annotations

import logging
import pickle
import queue
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

log = logging.getLogger(__name__)

LENGTH = struct.Struct("<Q")


class Wire:
    """One end. Both ends are processes of this program, started by one another: what comes is trusted."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes], name: str) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        # A thread of its own: a pipe that is full must hold up neither an event loop nor an engine's step.
        self._writer = threading.Thread(target=self._write, name=f"{name}-wire", daemon=True)
        self._writer.start()

    def send(self, message: object) -> None:
        """Hand a message over, from any thread. It is lost without a word where the other end is gone."""
        self._waiting.put(message)

    def messages(self) -> Iterator[Any]:
        """What the other end sends, until it is gone."""
        while frame := self._frame():
            yield from pickle.loads(frame)

    def finish(self, timeout_s: float) -> None:
        """Send what still waits, for as long as that, and close this direction."""
        self._waiting.put(None)
        self._writer.join(timeout_s)

    def _frame(self) -> bytes:
        try:
            head = self._incoming.read(LENGTH.size)
            due_bytes = LENGTH.unpack(head)[0] if len(head) == LENGTH.size else 0
            frame = self._incoming.read(due_bytes)
        except (OSError, ValueError):  # ValueError: it was closed here
            return b""
        # The other end may have died in the middle of a word.
        return frame if len(frame) == due_bytes else b""

    def _write(self) -> None:
        try:
            while messages := self._batch():
                frame = pickle.dumps(messages, protocol=pickle.HIGHEST_PROTOCOL)
                self._outgoing.write(LENGTH.pack(len(frame)))
                self._outgoing.write(frame)
                self._outgoing.flush()
        except OSError:
            pass  # the other end is gone: whoever reads here sees it too
        except Exception:  # what cannot be sent must not be waited for: the other end sees this one as gone
            log.exception("A message cannot be sent to the other process.")
        finally:
            with suppress(OSError):
                self._outgoing.close()

    def _batch(self) -> list[Any]:
        """All that waits, or the next that comes; empty at the end."""
        messages: list[Any] = []
        message = self._waiting.get()
        while message is not None:
            messages.append(message)
            try:
                message = self._waiting.get_nowait()
            except queue.Empty:
                return messages
        if messages:
            self._waiting.put(None)
        return messages
