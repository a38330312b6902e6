"""Carries live tokens and nudges between the processes that share a PostgreSQL, over its LISTEN and NOTIFY."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pydantic
import structlog

from agent_lab.contracts.events import Token
from agent_lab.storage.engines import postgres_arguments
from agent_lab.storage.place import Place
from agent_lab.storage.utf8 import well_formed
from agent_lab.storage.wire import Listeners

if TYPE_CHECKING:
    from psycopg import AsyncConnection

log = structlog.get_logger(__name__)

INTEREST_S = 10.0
"""How often a process says which runs it listens to."""
FORGET_S = 30.0
"""After so much silence nobody is taken to listen any more."""
SHORTEST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
"""Between two tries to connect."""
PAYLOAD_BYTES = 7900
"""PostgreSQL carries less than 8,000 in one notification."""
PIECE_CHARS = 1000
"""A longer text goes in pieces: JSON may need six bytes for a character."""
WAITING = 2000
"""Notifications that may wait to be sent; past that the oldest are dropped."""
KNOWN_INTERESTS = 10_000

_TOKENS, _NUDGES = "agent_lab_tokens", "agent_lab_nudges"
_BEGUN, _INTERESTS = "agent_lab_begun", "agent_lab_interests"
_NOTIFY = "SELECT pg_notify(channel, payload) FROM unnest(%s::text[], %s::text[]) AS waiting (channel, payload)"


class PostgresWire:
    """The wire (`contracts.run_ports.Wire`) between processes.

    A connection that is lost is made again; meanwhile nothing is carried, and everybody looks for themselves.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._listeners = Listeners()
        self._interests: dict[str, float] = {}
        self._begun: set[str] = set()
        self._waiting: deque[tuple[str, str]] = deque(maxlen=WAITING)
        self._due = asyncio.Event()
        self._connected = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect; there is no need to wait for it."""
        self._task = asyncio.create_task(self._stay_connected())

    async def close(self) -> None:
        """Carry nothing any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def tell(self, tokens: Sequence[Token], *, run_id: str) -> bool:
        """To every process in which somebody listens to that run; does nothing where nobody does.

        True where somebody has begun to listen since it was last told.
        """
        if time.monotonic() - self._interests.get(run_id, float("-inf")) > FORGET_S:
            return False
        lines = (piece.model_dump_json() for token in tokens for piece in _pieces(token))
        for payload in _packed(lines, PAYLOAD_BYTES - len(run_id.encode()) - 1):
            self._send(_TOKENS, f"{run_id}\n{payload}")
        begun = run_id in self._begun
        self._begun.discard(run_id)
        return begun

    @asynccontextmanager
    async def listen(self, run_id: str) -> AsyncIterator[AsyncIterator[Token | None]]:
        """Tokens of that run; None, at least every half second: look at what is stored."""
        async with self._listeners.listen(run_id) as heard:
            self._send(_BEGUN, run_id)
            yield heard

    async def nudge(self, run_id: str) -> None:
        """Something was stored of that run, or asked of it."""
        self._send(_NUDGES, run_id)

    def nudges(self) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Ids of runs of which something was stored or asked, by any process."""
        return self._listeners.nudges()

    # --- the connection -------------------------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        import psycopg  # here, so that the driver is needed only where it is used

        wait_s, complained = SHORTEST_WAIT_S, False
        while True:
            try:
                await self._carry(psycopg.AsyncConnection)
            except* (psycopg.Error, OSError) as errors:
                if self._connected.is_set() or not complained:
                    log.warning("wire_lost", reason=self._place.without_secrets(str(errors.exceptions[0]))[:300])
                wait_s = SHORTEST_WAIT_S if self._connected.is_set() else min(wait_s * 2, LONGEST_WAIT_S)
                complained = True
            finally:
                self._connected.clear()
                self._waiting.clear()
            await asyncio.sleep(wait_s)

    async def _carry(self, connections: type[AsyncConnection[Any]]) -> None:
        arguments = postgres_arguments(self._place)
        # Two: one that waits for notifications is not free to send any.
        async with (
            await connections.connect(autocommit=True, **arguments) as hearing,
            await connections.connect(autocommit=True, **arguments) as speaking,
        ):
            for channel in (_TOKENS, _NUDGES, _BEGUN, _INTERESTS):
                await hearing.execute(f"LISTEN {channel}")
            # A notification is not worth an fsync, which PostgreSQL would give it as it does any transaction.
            await speaking.execute("SET synchronous_commit = off")
            self._connected.set()
            self._listeners.look()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(hearing))
                group.create_task(self._speak(speaking))
                group.create_task(self._keep_up_interest())

    async def _hear(self, connection: AsyncConnection[Any]) -> None:
        async for notification in connection.notifies():
            self._take(notification.channel, notification.payload)

    async def _speak(self, connection: AsyncConnection[Any]) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            if self._waiting:
                channels, payloads = zip(*self._waiting, strict=True)
                self._waiting.clear()
                await connection.execute(_NOTIFY, (list(channels), list(payloads)))

    async def _keep_up_interest(self) -> None:
        channel = _BEGUN  # the first time: what was said while there was no connection is lost
        while True:
            for payload in _packed(self._listeners.run_ids, PAYLOAD_BYTES):
                self._send(channel, payload)
            channel = _INTERESTS
            now = time.monotonic()
            self._interests = {name: at for name, at in self._interests.items() if now - at <= FORGET_S}
            self._begun &= self._interests.keys()
            await asyncio.sleep(INTEREST_S)

    def _send(self, channel: str, payload: str) -> None:
        if self._connected.is_set():
            self._waiting.append((channel, payload))
            self._due.set()

    def _take(self, channel: str, payload: str) -> None:
        first, *rest = payload.split("\n")
        if channel == _TOKENS:
            self._listeners.tell(first, list(_tokens(rest)))
            return
        for run_id in (first, *rest):
            if channel == _NUDGES:
                self._listeners.nudge(run_id)
            elif len(self._interests) < KNOWN_INTERESTS or run_id in self._interests:
                self._interests[run_id] = time.monotonic()
                self._begun.update([run_id] if channel == _BEGUN else ())


def _pieces(token: Token) -> Iterator[Token]:
    text = well_formed(token.text)
    for start in range(0, len(text), PIECE_CHARS):
        yield token.model_copy(update={"offset": token.offset + start, "text": text[start : start + PIECE_CHARS]})


def _packed(lines: Iterable[str], room: int) -> Iterator[str]:
    """The lines in few payloads. One that fits into none is left out."""
    packed: list[str] = []
    size = 0
    for line in lines:
        needed = len(line.encode()) + 1
        if size + needed > room and packed:
            yield "\n".join(packed)
            packed, size = [], 0
        if needed <= room:
            packed.append(line)
            size += needed
    if packed:
        yield "\n".join(packed)


def _tokens(lines: Iterable[str]) -> Iterator[Token]:
    for line in lines:
        with suppress(pydantic.ValidationError):  # a newer version's, or another program's
            yield Token.model_validate_json(line)
