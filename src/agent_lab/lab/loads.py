"""Loads local models for those who ask over HTTP: each load once, for all who watch, and to its end whoever leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial

from agent_lab.contracts.errors import UnusableError
from agent_lab.contracts.ports import LoadProgress, ModelHost, ResidentModel
from agent_lab.contracts.registry import ModelSpec, StrategySpec
from agent_lab.contracts.sentences import said

SETTLED_S = 0.05
PACE_S = 0.2
"""A watcher is told no more often than this how far a load is; what came in between is left out."""


class Load:
    """One load, which goes on whether anybody watches or not. Of one event loop."""

    def __init__(self, host: ModelHost, model: ModelSpec, strategy: StrategySpec) -> None:
        self._waiting = LoadProgress(model_key=model.key, stage="waiting")
        self._latest: LoadProgress | None = None
        """None until the host says something: of a model that is in memory already it says nothing."""
        self._changed = asyncio.Event()
        """Set at the next change, and then put away, so that no watcher takes it from another."""
        self._pin = False
        self.task = asyncio.create_task(self._run(host, model, strategy), name=f"load-{model.key}")

    @property
    def latest(self) -> LoadProgress:
        """How far it is."""
        return self._latest or self._waiting

    def pin_when_ready(self) -> None:
        """Pin the model as soon as it is in memory."""
        self._pin = True

    async def result(self) -> ResidentModel:
        """The model once it is in memory. Raises what the host raises, UnusableError where the server stops."""
        try:
            return await asyncio.shield(self.task)
        except asyncio.CancelledError:
            if self.task.cancelled():
                raise UnusableError(
                    said("server_stopping", "The server is being stopped; start it again and load the model then.")
                ) from None
            raise  # the caller was cancelled, and the load goes on

    async def watch(self) -> AsyncIterator[LoadProgress]:
        """How far it is, now and after each change, until it ends; then ask for `result`."""
        seen = None
        # Of a model that is in memory already nothing shall be told but that.
        await asyncio.wait({self.task}, timeout=SETTLED_S)
        while not self.task.done():
            if self._latest is seen or self._latest is None:
                await self._change()
                continue
            seen = self._latest
            yield seen
            await asyncio.wait({self.task}, timeout=PACE_S)

    async def _change(self) -> None:
        changing = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({changing, self.task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changing.cancel()

    async def _run(self, host: ModelHost, model: ModelSpec, strategy: StrategySpec) -> ResidentModel:
        resident = await host.load(model, strategy, on_progress=self._take)
        if not self._pin:
            return resident
        return replace(host.pin(resident.model_key, pinned=True), notes=resident.notes)

    def _take(self, progress: LoadProgress) -> None:
        self._latest = progress
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class Loads:
    """The loads that were asked for over HTTP and go on."""

    def __init__(self, host: ModelHost) -> None:
        self._host = host
        self._going: dict[tuple[str, str], Load] = {}

    def start(self, model: ModelSpec, strategy: StrategySpec, *, pin: bool = False) -> Load:
        """Load a model, or join whoever loads it in the same way."""
        key = (model.key, strategy.name)
        load = self._going.get(key)
        if load is None or load.task.done():
            load = self._going[key] = Load(self._host, model, strategy)
            load.task.add_done_callback(partial(self._ended, key))
        if pin:
            load.pin_when_ready()
        return load

    def going(self) -> Sequence[LoadProgress]:
        """How far each of them is."""
        return [load.latest for load in list(self._going.values()) if not load.task.done()]

    async def close(self) -> None:
        """End them all."""
        tasks = [load.task for load in self._going.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, key: tuple[str, str], task: asyncio.Task[ResidentModel]) -> None:
        if self._going[key].task is task:
            del self._going[key]
        if not task.cancelled():
            task.exception()  # looked at here, for those who asked may all have left
