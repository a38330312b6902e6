"""Notes every few seconds what the lab does, and keeps it: in memory and, by the minute, on disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.telemetry.history.machine import Machine, MachineLook
from agent_lab.telemetry.history.rollups import Rollups
from agent_lab.telemetry.history.slots import BreakerState, Slot
from agent_lab.telemetry.history.tiers import MINUTE_S, PERIOD_S, Tiers
from agent_lab.telemetry.logging import get_logger
from agent_lab.telemetry.metrics import Metrics


@dataclass(slots=True, kw_only=True)
class Sampler:
    """Watches one lab while its server runs. At rest it takes a millisecond of every five seconds.

    `breakers` and `waiting` are the gateway's: the state of each model's breaker, and who waits by provider.
    """

    metrics: Metrics
    breakers: Callable[[], Mapping[str, BreakerState]]
    waiting: Callable[[], Mapping[str, int]]
    machine: Machine
    rollups: Rollups
    clock: Callable[[], float] = time.time
    tiers: Tiers = field(default_factory=Tiers)
    latest: MachineLook | None = None
    fault: str | None = None
    """Why what is measured cannot be kept on disk, in a sentence that says what to do; None where it can."""
    restored: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once what was kept before the start is read."""
    _watching: asyncio.Task[None] | None = None
    _watched_until: float = 0.0

    def start(self) -> None:
        """Begin to watch, and to read what was kept before; returns at once."""
        self._watched_until = self.clock()
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Watch no more, and keep what the open minute has."""
        if self._watching is None:
            return
        self._watching.cancel()
        with suppress(asyncio.CancelledError):
            await self._watching
        self._watching = None
        await self._look_safely()
        await self._keep(self.tiers.seal())

    async def look(self) -> Slot:
        """Note what happened since the look before."""
        seen = await asyncio.to_thread(self.machine.look)
        now = self.clock()
        # A clock that was set tells nothing of what lies between; a machine that slept was not watched meanwhile.
        seconds = min(max(now - self._watched_until, 0.0), float(MINUTE_S))
        self.latest, self._watched_until = seen, now
        slot = self._slot(seen, began=now - seconds, seconds=seconds)
        await self._keep(self.tiers.add(slot))
        return slot

    async def last_look(self) -> MachineLook:
        """The machine as it was seen last: some seconds ago at the most while the server runs."""
        if self.latest is None:
            self.latest = await asyncio.to_thread(self.machine.look)
        return self.latest

    def _slot(self, seen: MachineLook, *, began: float, seconds: float) -> Slot:
        return Slot(
            at=round(began / PERIOD_S) * PERIOD_S,
            span_s=max(1, round(seconds / PERIOD_S)) * PERIOD_S,
            seconds=round(seconds, 3),
            cpu_percent=seen.cpu_percent,
            ram_used_gb=seen.ram_used_gb,
            ram_total_gb=seen.ram_total_gb,
            devices=seen.devices,
            active_runs=self.metrics.active_runs,
            queued_runs=self.metrics.standing.get("queued", 0),
            waiting_calls=sum(self.waiting().values()),
            breakers=tuple((model, state) for model, state in sorted(self.breakers().items()) if state != "closed"),
            models=self.metrics.lately.take(),
        )

    async def _watch(self) -> None:
        await self._restore()
        while True:
            # On the beat of the clock: were each look a little late, some slot would in time be left out.
            wait_s = PERIOD_S - self.clock() % PERIOD_S
            await asyncio.sleep(wait_s if wait_s > PERIOD_S / 2 else wait_s + PERIOD_S)
            if not await self._look_safely():
                await asyncio.sleep(MINUTE_S)

    async def _look_safely(self) -> bool:
        """Whether it could be looked. What was counted is noted at the next look that succeeds."""
        log = get_logger("history")
        try:
            await self.look()
        except Exception as error:  # a driver that is gone, say: else nothing would be noted any more
            log.error("look_failed", exc_info=error)
            return False
        return True

    async def _restore(self) -> None:
        self.tiers = await asyncio.to_thread(self._read, self.clock())
        self.restored.set()

    def _read(self, now: float) -> Tiers:
        tiers = Tiers()
        for minute in self.rollups.read(now):
            tiers.restore(minute, now=now)
        return tiers

    async def _keep(self, minute: Slot | None) -> None:
        if minute is None:
            return
        try:
            await asyncio.to_thread(self.rollups.write, minute)
        except EnvironmentFaultError as error:
            if self.fault is None:
                get_logger("history").warning("not_kept", reason=error.message)
            self.fault = error.message
        else:
            self.fault = None
