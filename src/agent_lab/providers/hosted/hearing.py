"""Hears an answer out as it arrives; half an answer is never told as a whole."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

from agent_lab.contracts.ports import ModelCall
from agent_lab.providers.hosted.errors import Callee, tells_error
from agent_lab.providers.hosted.line import ANSWER, LineError, LostError, NothingCameError
from agent_lab.providers.hosted.reading import NONSENSE, Reader
from agent_lab.providers.hosted.sse import BOM, EventDecoder
from agent_lab.providers.hosted.wire import parsed

LAST_WORDS_S = 2.0
"""How long the usage and the protocol's own end are waited for once all of the text has come."""
CLOSING_S = 0.05
"""How long the end of the response is waited for after that of the protocol; without it the connection is lost."""
EVENTS = re.compile(rb"(?:data|event|id|retry)?:")
LONGEST_FIELD = len("event:")


class Hearing:
    """One answer on its way: `more` reads what has come, into the reader's `reading`."""

    def __init__(self, response: Any, reader: Reader, callee: Callee, call: ModelCall, *, until: float | None) -> None:
        """`until`: the time of the loop at which an answer that has not come to its end is given up."""
        self._answer = response.extensions[ANSWER]
        self._reader = reader
        self._reading = reader.reading
        self._callee = callee
        self._until = until
        self._has_last_words = False
        self._last_words_s = LAST_WORDS_S if call.idle_s is None else min(LAST_WORDS_S, call.idle_s / 2)
        # Of a stream whoever hears its pieces minds the silences; an answer in one piece has none before its end.
        self._silence_s = None if call.streamed else call.idle_s
        self._decoder = EventDecoder()
        self._document: list[bytes] = []
        has_events = "event-stream" in response.headers.get("content-type", "")
        self._take: Callable[[bytes], None] = self._take_events if has_events else self._take_unknown

    async def more(self) -> None:
        """Wait for bytes and read all that have come. Raises the error that they tell, or that they end too early."""
        try:
            self._take(await self._bytes())
        except LineError as error:
            raise self._callee.fault(error) from error
        except TimeoutError as error:
            raise self._callee.silent() from error
        except NONSENSE as error:
            if self._reading.finish_reason is None:
                raise self._callee.unreadable() from error
            self._reading.complete = True

    async def close(self) -> None:
        """Keep the connection for the next call where the answer came to its end, and close it elsewhere."""
        try:
            if self._reading.complete and not self._answer.is_whole:
                await asyncio.wait_for(self._answer.drain(), CLOSING_S)
        except (LineError, TimeoutError):
            return
        finally:
            await self._answer.aclose()

    async def _bytes(self) -> bytes:
        is_told = self._reading.finish_reason is not None
        if is_told and not self._has_last_words:
            self._has_last_words = True
            self._until = asyncio.get_running_loop().time() + self._last_words_s
        until = self._until
        if self._silence_s is not None:
            silent_at = asyncio.get_running_loop().time() + self._silence_s
            until = silent_at if until is None else min(until, silent_at)
        try:
            if until is None:
                return await self._answer.read()  # type: ignore[no-any-return]
            async with asyncio.timeout_at(until):
                return await self._answer.read()  # type: ignore[no-any-return]
        except (LostError, NothingCameError, TimeoutError):
            # All of the text has come: what breaks now costs nothing but the count of tokens.
            if is_told:
                return b""
            raise

    def _take_events(self, piece: bytes) -> None:
        if not piece:
            self._end()
        for data in self._decoder.feed(piece):
            self._reader.feed(data)

    def _end(self) -> None:
        if self._reading.finish_reason is None:
            raise self._callee.broke_off("it has no end")
        self._reading.complete = True

    def _take_document(self, piece: bytes) -> None:
        self._document.append(piece)
        if piece:
            return
        document = parsed(b"".join(self._document))
        if tells_error(document):
            raise self._callee.refused(None, document)
        self._reader.whole(document)
        if self._reading.finish_reason is None:
            raise self._callee.broke_off("it has no end")
        self._reading.complete = True

    def _take_unknown(self, piece: bytes) -> None:
        """Servers are careless about the type that they declare; the first bytes are what counts."""
        self._document.append(piece)
        begun = b"".join(self._document).removeprefix(BOM).lstrip()
        if piece and len(begun) < LONGEST_FIELD:
            return
        self._document.clear()
        self._take = self._known(begun)
        self._take(begun)
        if not piece:
            self._take(b"")

    def _known(self, head: bytes) -> Callable[[bytes], None]:
        if head.startswith(b"{"):
            return self._take_document
        if EVENTS.match(head):
            return self._take_events
        raise self._callee.misdirected() if head else self._callee.broke_off("it is empty")
