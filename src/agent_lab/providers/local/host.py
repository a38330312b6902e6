"""Lends models from memory to coroutines: waiting for a load blocks nobody, and leaving early leaks nothing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from agent_lab.contracts.errors import AgentLabError, UnusableError
from agent_lab.contracts.ports import LoadProgress, ResidentModel
from agent_lab.contracts.registry import ModelSpec, StrategySpec
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.engine import Engine
from agent_lab.providers.local.loading.loader import Loaded
from agent_lab.providers.local.manager import LONGEST_LOAD_S, ModelManager
from agent_lab.providers.local.residency.slots import Claim, Slot
from agent_lab.providers.local.strategies import Standing

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A model that stays in memory until `release` is called, from any thread. Seconds."""

    loaded: Loaded
    strategy: str
    """The one that is really used."""
    cache_hit: bool
    load_s: float
    """Of the wait for it, what went into its files and its load."""
    queue_s: float
    """Of the wait for it, what went into room in memory, or its turn."""
    notes: tuple[str, ...]
    claim: Claim
    manager: ModelManager

    @property
    def engine(self) -> Engine:
        """What writes its answers."""
        return self.loaded.engine

    def release(self) -> None:
        """The model may make way for another from here on. Nothing happens the second time."""
        self.manager.release(self.claim)


class LocalHost:
    """Keeps local models in the memory of this process. Fulfils `contracts.ports.ModelHost`."""

    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager
        self._has_looked = False

    def resident(self) -> Sequence[ResidentModel]:
        """The models in memory, the least recently used first."""
        return self._manager.resident()

    def loading(self) -> Sequence[LoadProgress]:
        """The models on their way into memory."""
        return self._manager.loading()

    async def load(
        self,
        model: ModelSpec,
        strategy: StrategySpec,
        on_progress: Callable[[LoadProgress], None] | None = None,
    ) -> ResidentModel:
        """Load a model, or wait for whoever is loading it. Leaving does not stop the load."""
        found = await self._standing(strategy)
        claim = self._manager.claim(model, found.strategy, patience_s=LONGEST_LOAD_S)
        loop = asyncio.get_running_loop()
        stop_listening = claim.feed.listen(_in(loop, model.key, on_progress)) if on_progress else None
        try:
            slot = await asyncio.wrap_future(claim.slot)
        except asyncio.CancelledError:
            claim.slot.add_done_callback(lambda _: self._manager.release(claim))
            raise
        except BaseException:
            self._manager.release(claim)
            raise
        finally:
            if stop_listening is not None:
                stop_listening()
        # Not before the caller has had its turn: a model that is not kept alive could be gone before it is pinned.
        loop.call_soon(self._manager.release, claim)
        found_there = self._manager.view(slot)
        notes = found.notes + found_there.notes
        return replace(found_there, in_use=max(0, found_there.in_use - 1), notes=notes)

    async def unload(self, model_key: str | None = None) -> Sequence[str]:
        """Unload one model, or all that are not in use. Raises NotFoundError and ConflictError for the one."""
        if model_key is None:
            return await asyncio.to_thread(self._manager.cleanup_all)
        return await asyncio.to_thread(self._manager.unload_model, model_key)

    def pin(self, model_key: str, *, pinned: bool) -> ResidentModel:
        """Keep a model in memory whatever else wants its place, or no longer. Raises NotFoundError."""
        return self._manager.pin(model_key, pinned=pinned)

    async def lease(self, model: ModelSpec, strategy: StrategySpec, deadline_s: float | None = None) -> Lease:
        """Borrow a model, loaded where it is not yet. The caller releases it; one that is cancelled has nothing.

        `deadline_s`: seconds from now until it has to be there; else what the strategy gives an answer.
        Raises BusyError when they are over, CapacityError, UnusableError.
        """
        found = await self._standing(strategy)
        patience_s = strategy.limits.timeout_s if deadline_s is None else deadline_s
        claim = self._manager.claim(model, found.strategy, patience_s=patience_s)
        try:
            slot = await asyncio.wrap_future(claim.slot)
            return self._lent(claim, slot, found)
        except BaseException:
            self._manager.release(claim)
            raise

    def warm(self, models: Iterable[tuple[ModelSpec, StrategySpec]]) -> None:
        """Begin to load those whose rows wish to be warm. Returns at once; what fails is logged, and stops nothing."""
        wanted = [(model, strategy) for model, strategy in models if model.residency.warm]
        if wanted:
            # To look at the machine may take seconds: torch is imported for it.
            threading.Thread(target=self._warm, args=(wanted,), name="warm-up", daemon=True).start()

    def _warm(self, models: Sequence[tuple[ModelSpec, StrategySpec]]) -> None:
        for model, strategy in models:
            try:
                found = self._manager.standing(strategy)
                claim = self._manager.claim(model, found.strategy, patience_s=LONGEST_LOAD_S)
            except AgentLabError as error:
                log.warning("warm_up_failed", model=model.key, error=error.message)
                continue
            claim.slot.add_done_callback(self._warmed(model, claim))

    async def close(self) -> None:
        """Refuse all who wait, end every engine and let go of every model."""
        await asyncio.to_thread(self._manager.close)

    async def _standing(self, strategy: StrategySpec) -> Standing:
        if not self._has_looked:
            found = await asyncio.to_thread(self._manager.standing, strategy)
            self._has_looked = True
            return found
        return self._manager.standing(strategy)

    def _lent(self, claim: Claim, slot: Slot, found: Standing) -> Lease:
        loaded = slot.loaded
        if loaded is None:
            raise UnusableError(
                said(
                    "model_just_lost",
                    "The model {model!r} was just lost; ask again, and it is loaded again.",
                    model=slot.spec.key,
                )
            )
        load_s, queue_s = slot.shares_s(claim.asked_s, time.monotonic())
        return Lease(
            loaded=loaded,
            strategy=found.strategy.name,
            cache_hit=claim.cache_hit,
            load_s=0.0 if claim.cache_hit else load_s,
            queue_s=0.0 if claim.cache_hit else queue_s,
            notes=found.notes + loaded.plan.notes,
            claim=claim,
            manager=self._manager,
        )

    def _warmed(self, model: ModelSpec, claim: Claim) -> Callable[[Future[Slot]], None]:
        def end(done: Future[Slot]) -> None:
            error = done.exception()
            if error is not None:
                told = error.message if isinstance(error, AgentLabError) else repr(error)
                log.warning("warm_up_failed", model=model.key, error=told)
            self._manager.release(claim)

        return end


def _in(
    loop: asyncio.AbstractEventLoop, model_key: str, on_progress: Callable[[LoadProgress], None]
) -> Callable[[LoadProgress], None]:
    """The listener, called in the loop, and under the key that was asked for."""

    def tell(progress: LoadProgress) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
            loop.call_soon_threadsafe(on_progress, replace(progress, model_key=model_key))

    return tell
