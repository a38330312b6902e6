"""Keeps runs going: follows what was asked of them, begins those that wait, takes up those that nobody works on."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import structlog

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.run_ports import Order
from agent_lab.runs.service import RunService
from agent_lab.runs.workshop import RENEW_S

log = structlog.get_logger(__name__)

TICK_S = 0.5
"""How often is looked for what other processes have asked or queued."""


@dataclass(slots=True)
class Keeper:
    """Looks after the runs of one process. `serving`: also after those that no process works on."""

    runs: RunService
    serving: bool = False
    tick_s: float = TICK_S
    recover_s: float = RENEW_S
    _looking: asyncio.Event = field(default_factory=asyncio.Event)
    _recovered_at: float = float("-inf")

    async def keep(self) -> None:
        """Keep on until cancelled. A store that fails is asked again."""
        async with AsyncExitStack() as listening:
            listening.callback(self._listen(asyncio.get_running_loop()).cancel)
            while True:
                try:
                    await self._look()
                except AgentLabError as error:
                    log.warning("runs_not_kept", reason=error.message)
                except Exception as error:  # else nobody would begin, stop or take up a run any more
                    log.error("keeping_broke", exc_info=error)
                await self._wait()

    def _listen(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
        self.runs.shop.on_free = self._looking.set
        return loop.create_task(self._hear_nudges())

    async def _hear_nudges(self) -> None:
        if self.runs.shop.wire is not None:
            async with self.runs.shop.wire.nudges() as nudges:
                async for _ in nudges:
                    self._looking.set()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self.tick_s):
                await self._looking.wait()
        except TimeoutError:
            pass
        self._looking.clear()

    async def _look(self) -> None:
        if not self.serving and not self.runs.shop.active:
            return
        await self._follow_orders()
        if not self.serving:
            return
        now = asyncio.get_running_loop().time()
        if now - self._recovered_at >= self.recover_s:
            self._recovered_at = now
            taken = await self.runs.recover()
            if taken:
                log.info("runs_taken_up", runs=taken)
            self.runs.shop.metrics.runs_stand(await self.runs.store.counts())
        await self.runs.steering.admit()

    async def _follow_orders(self) -> None:
        settled = []
        for order in await self.runs.store.orders(owner=self.runs.shop.owner):
            if order.run_id not in self.runs.shop.active and not self.serving:
                continue
            if await self._follow(order):
                settled.append(order.number)
        if settled:
            await self.runs.store.settle(settled)

    async def _follow(self, order: Order) -> bool:
        """Whether the order is done with; one that cannot be followed now keeps no other one from it."""
        try:
            return await self.runs.steering.follow_order(order)
        except AgentLabError as error:
            log.warning("order_not_followed", run_id=order.run_id, order=order.kind, reason=error.message)
            return False
