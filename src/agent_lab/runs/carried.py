"""A run while it is carried on: everything that its walks, turns and steps share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from agent_lab.contracts.events import PersonAnswered, RunStarted
from agent_lab.contracts.flow import FlowLimits
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.ports import Generator
from agent_lab.runs.budget import Budget, tighter
from agent_lab.runs.forking import FirstRun
from agent_lab.runs.journal import Journal
from agent_lab.runs.record import Record

_BLAMED = "__agent_lab_node__"


def blame(error: BaseException, path: str) -> None:
    """Say that the fault is that node's, unless one within it is to blame already."""
    if to_blame(error) is None:
        setattr(error, _BLAMED, path)


def to_blame(error: BaseException) -> str | None:
    """The path of the node whose fault it is."""
    return getattr(error, _BLAMED, None)


@dataclass(slots=True)
class CarriedRun:
    """One run in this process."""

    started: RunStarted
    journal: Journal
    record: Record
    generator: Generator
    kinds: Mapping[str, NodeKind]
    first: FirstRun | None = None
    """Of a fork: the run that it was forked from."""
    limits: FlowLimits = field(init=False)
    budget: Budget = field(init=False)
    closed: bool = False
    """True once nothing that is said to the run is heard here any more."""
    calls: int = 0
    _pausing: asyncio.Event = field(default_factory=asyncio.Event)
    _hearing: list[asyncio.Queue[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.limits = tighter(self.started.flow.limits, self.started.request.options.limits)
        self.budget = Budget(self.limits)
        for known in self.record.calls.values():
            if not known.reused:
                self.budget.add(known.result)

    @property
    def pausing(self) -> bool:
        """True once no new call and no new turn may begin."""
        return self._pausing.is_set()

    def pause(self) -> None:
        """Let what is in flight end, and begin nothing more."""
        self._pausing.set()
        self.call()

    async def sleep(self, seconds: float) -> None:
        """Wait that long, or until the run is to pause."""
        try:
            async with asyncio.timeout(seconds):
                await self._pausing.wait()
        except TimeoutError:
            return

    def answer(self, event: PersonAnswered) -> None:
        """Take in what a person has answered."""
        self.journal.note(event)
        self.call()

    def call(self) -> None:
        """Have the walks look again at the turns that were left for now: a person has answered, or the run pauses."""
        self.calls += 1
        for news in self._hearing:
            news.put_nowait(None)

    @contextmanager
    def heard_by(self, news: asyncio.Queue[Any]) -> Iterator[None]:
        """A walk hears each call, as None among its news."""
        self._hearing.append(news)
        try:
            yield
        finally:
            self._hearing.remove(news)
