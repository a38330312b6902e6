"""Carries live tokens and nudges to whoever listens in this process."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from agent_lab.contracts.events import Token

LOOK_S = 0.5
"""So often a listener is told to look, also while it hears words: what was stored may have come without one."""
LAG = 1000
"""Tokens that may wait for a slow listener; past that it loses them, and is told to look at what is stored."""


@dataclass(slots=True, eq=False)
class _Ear:
    tokens: deque[Token] = field(default_factory=deque)
    look: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, tokens: Iterable[Token]) -> None:
        self.tokens.extend(tokens)
        if len(self.tokens) > LAG:
            self.tokens.clear()
            self.look = True
        self.arrived.set()

    def glance(self) -> None:
        self.look = True
        self.arrived.set()

    async def listen(self) -> AsyncIterator[Token | None]:
        looked_s = time.monotonic()
        while True:
            for _ in range(len(self.tokens)):
                if self.tokens:  # while one is read the rest may be dropped
                    yield self.tokens.popleft()
            is_due = time.monotonic() - looked_s >= LOOK_S
            if not (is_due or self.look):
                await self._silence()
            if is_due or not self.tokens:
                self.look = False
                yield None
                looked_s = time.monotonic()

    async def _silence(self) -> None:
        self.arrived.clear()
        try:
            async with asyncio.timeout(LOOK_S):
                await self.arrived.wait()
        except TimeoutError:
            return


class Listeners:
    """Who listens in this process, and to which runs."""

    def __init__(self) -> None:
        self._ears: dict[str, set[_Ear]] = {}
        self._nudged: set[asyncio.Queue[str]] = set()

    @property
    def run_ids(self) -> Sequence[str]:
        """The runs that somebody listens to."""
        return list(self._ears)

    def tell(self, run_id: str, tokens: Sequence[Token]) -> None:
        """Pass tokens to the listeners of that run."""
        for ear in self._ears.get(run_id, ()):
            ear.hear(tokens)

    def nudge(self, run_id: str) -> None:
        """Tell the listeners of that run to look, and everybody who asked for nudges."""
        for ear in self._ears.get(run_id, ()):
            ear.glance()
        for queue in self._nudged:
            if not queue.full():  # who has as many to read looks at everything anyway
                queue.put_nowait(run_id)

    def look(self) -> None:
        """Tell every listener to look: something may have been missed."""
        for ears in self._ears.values():
            for ear in ears:
                ear.glance()

    @asynccontextmanager
    async def listen(self, run_id: str) -> AsyncIterator[AsyncIterator[Token | None]]:
        """Tokens of that run; None: look. It goes on until it is left."""
        ear = _Ear()
        self._ears.setdefault(run_id, set()).add(ear)
        try:
            yield ear.listen()
        finally:
            self._ears[run_id].discard(ear)
            if not self._ears[run_id]:
                del self._ears[run_id]

    @asynccontextmanager
    async def nudges(self) -> AsyncIterator[AsyncIterator[str]]:
        """Ids of runs to look at. It goes on until it is left."""
        queue: asyncio.Queue[str] = asyncio.Queue(LAG)
        self._nudged.add(queue)
        try:
            yield _each(queue)
        finally:
            self._nudged.discard(queue)


async def _each(queue: asyncio.Queue[str]) -> AsyncIterator[str]:
    while True:
        yield await queue.get()


class LocalWire:
    """The wire (`contracts.run_ports.Wire`) between those who share a store in one process: for tests."""

    def __init__(self) -> None:
        self._listeners = Listeners()
        self._begun: set[str] = set()

    async def tell(self, tokens: Sequence[Token], *, run_id: str) -> bool:
        """To everybody who listens to that run. True where somebody has begun to since it was last told."""
        self._listeners.tell(run_id, tokens)
        begun = run_id in self._begun
        self._begun.discard(run_id)
        return begun

    def listen(self, run_id: str) -> AbstractAsyncContextManager[AsyncIterator[Token | None]]:
        """Tokens of that run; None, at least every half second: look at what is stored."""
        self._begun.add(run_id)
        return self._listeners.listen(run_id)

    async def nudge(self, run_id: str) -> None:
        """Something was stored of that run, or asked of it."""
        self._listeners.nudge(run_id)

    def nudges(self) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Ids of runs of which something was stored or asked."""
        return self._listeners.nudges()

    async def close(self) -> None:
        """Nothing to close."""
