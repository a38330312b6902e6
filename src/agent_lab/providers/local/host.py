"""Lends models from memory to coroutines: waiting for a load blocks nobody, and leaving early leaks nothing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from agent_lab.contracts.ports import ResidentModel
from agent_lab.contracts.registry import ModelSpec, StrategySpec
from agent_lab.providers.local.loader import Loaded
from agent_lab.providers.local.manager import ModelManager
from agent_lab.providers.local.slots import Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A model that stays in memory until `release` is called, once, from any thread."""

    loaded: Loaded
    slot: Slot
    strategy: str
    cache_hit: bool
    load_s: float
    notes: tuple[str, ...]
    manager: ModelManager

    def release(self) -> None:
        """The model may make way for another from here on."""
        self.manager.release(self.slot)


class LocalHost:
    """Keeps local models in the memory of this process. Fulfils `contracts.ports.ModelHost`."""

    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager
        self._has_looked = False

    def resident(self) -> Sequence[ResidentModel]:
        """The models in memory, the least recently used first."""
        return self._manager.resident()

    async def load(self, model: ModelSpec, strategy: StrategySpec) -> ResidentModel:
        """Load a model, or wait for whoever is loading it."""
        lease = await self.lease(model, strategy)
        lease.release()
        return lease.slot.view()

    async def unload(self, model_key: str | None = None) -> Sequence[str]:
        """Unload one model, or all that are not in use. Raises NotFoundError and ConflictError for the one."""
        if model_key is None:
            return await asyncio.to_thread(self._manager.cleanup_all)
        return await asyncio.to_thread(self._manager.unload_model, model_key)

    async def lease(self, model: ModelSpec, strategy: StrategySpec) -> Lease:
        """Borrow a model, loaded where it is not yet. The caller releases it."""
        started = time.monotonic()
        if not self._has_looked:
            await asyncio.to_thread(self._manager.look_at_machine)
            self._has_looked = True
        claim = self._manager.claim(model, strategy)
        try:
            if claim.must_load:
                self._load_aside(claim.slot)
            loaded = await asyncio.shield(asyncio.wrap_future(claim.slot.ready))
        except BaseException:
            self._manager.release(claim.slot)
            raise
        return Lease(
            loaded=loaded,
            slot=claim.slot,
            strategy=claim.standing.strategy.name,
            cache_hit=claim.cache_hit,
            load_s=0.0 if claim.cache_hit else time.monotonic() - started,
            notes=claim.standing.notes,
            manager=self._manager,
        )

    def _load_aside(self, slot: Slot) -> None:
        # A thread of its own, and a daemon: a fetch of many gigabytes must hold up neither other work nor the exit.
        def load() -> None:
            with suppress(Exception):  # whoever waits for the slot gets the error
                self._manager.fill(slot)

        threading.Thread(target=load, name=f"load-{slot.spec.key}", daemon=True).start()
