"""Prepares, loads and unloads one model for `Residents`, and tells it how that went; each in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol, runtime_checkable

import structlog

from agent_lab.contracts.errors import AgentLabError, CapacityError, UnusableError
from agent_lab.contracts.ports import LoadProgress
from agent_lab.contracts.registry import ModelSpec
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.gpu_guard import GB, Capability
from agent_lab.providers.local.loading.loader import Loader
from agent_lab.providers.local.plan import Device
from agent_lab.providers.local.residency.reclaim import (
    fell_bytes,
    free_bytes,
    is_held,
    let_go,
    reclaim,
    wait_until_back,
)
from agent_lab.providers.local.residency.residents import CLOSING, Residents
from agent_lab.providers.local.residency.slots import Slot

log = structlog.get_logger(__name__)
LAST_S = 10.0
"""So long a service that is shut down waits for loads to break off."""


@runtime_checkable
class Mortal(Protocol):
    """An engine whose process may die."""

    def when_lost(self, call: Callable[[], None]) -> None:
        """Call once when it has died without having been told to; at once where it has already."""
        ...


class LoadingHands:
    """Does what the policy says, with a loader. No method raises."""

    def __init__(
        self,
        residents: Residents,
        *,
        loader: Loader,
        machine: Callable[[], Capability],
        look: Callable[[], Sequence[Device]],
        limit_bytes: Callable[[Device], int],
        stop: threading.Event,
    ) -> None:
        self._residents = residents
        self._loader = loader
        self._machine = machine
        self._look = look
        self._limit_bytes = limit_bytes
        self._stop = stop
        self._loading: set[threading.Thread] = set()

    def prepare(self, slot: Slot) -> None:
        """Have its files found or fetched, and its bytes counted."""
        try:
            self._refuse_hopeless(slot.spec)
            prepared = self._loader.prepare(slot.spec, slot.strategy, self._machine(), slot.feed.tell)
        except Exception as error:  # noqa: BLE001 - whoever waits for the model gets it
            self._residents.failed(slot, _told(error, slot.spec), prepared=False)
            return
        slot.prepared = prepared
        self._residents.prepared(slot, prepared.plan.need_bytes)

    def load(self, slot: Slot) -> None:
        """Have it loaded where the policy has placed it."""
        if slot.prepared is None:
            raise AssertionError("a model is prepared before it is loaded")
        self._loading.add(threading.current_thread())
        try:
            before = self._free_bytes()
            loaded = self._loader.load(slot.spec, slot.prepared, slot.placement, self._telling(slot))
            slot.taken_bytes = fell_bytes(before, self._free_bytes(), slot.placement)
        except Exception as error:  # noqa: BLE001 - whoever waits for the model gets it
            # Its traceback holds on to what was loaded so far.
            let_go(error)
            reclaim()
            is_memory = isinstance(error, CapacityError)
            self._residents.failed(slot, _told(error, slot.spec), prepared=True, out_of_memory=is_memory)
            return
        finally:
            self._loading.discard(threading.current_thread())
        slot.loaded = loaded
        slot.feed.tell(LoadProgress(model_key=slot.spec.key, stage="ready", done_bytes=loaded.plan.need_bytes))
        if not self._residents.loaded(slot):
            self.bury(slot)
        elif isinstance(loaded.engine, Mortal):
            loaded.engine.when_lost(lambda: self._residents.lost(slot))

    def unload(self, slot: Slot) -> None:
        """Let go of it, and wait until its memory is really back."""
        try:
            before = self._free_bytes()
            self.bury(slot)
            if not wait_until_back(self._look, before, slot.taken_bytes, self._stop):
                log.warning("memory_not_back", model=slot.spec.key, taken_bytes=dict(slot.taken_bytes))
        except Exception:
            log.exception("memory_not_seen", model=slot.spec.key)
        finally:
            # Whatever else went wrong: a model that never ends leaving would keep its place for ever.
            self._residents.unloaded(slot)

    def bury(self, slot: Slot) -> None:
        """End its engine and let go of it, whatever state it is in."""
        loaded, slot.loaded = slot.loaded, None
        slot.adapters.clear()
        held = is_held(None if loaded is None else loaded.model)
        try:
            if loaded is not None:
                loaded.close()
        except Exception:
            log.exception("model_close_failed", model=slot.spec.key)
        del loaded
        reclaim(collect=held())

    def adapt(self, slot: Slot, spec: ModelSpec, done: Future[None]) -> None:
        """Put an adapter on it."""
        try:
            folder = self._loader.adapter_folder(spec)
            if slot.loaded is not None:
                slot.loaded.engine.add_adapter(spec.key, folder)
        except Exception as error:  # noqa: BLE001 - whoever waits for the adapter gets it
            slot.adapters.pop(spec.key, None)
            done.set_exception(_told(error, spec))
        else:
            done.set_result(None)

    def _free_bytes(self) -> dict[str, int]:
        """What is free just now; nothing is said of devices that cannot be looked at."""
        try:
            return free_bytes(self._look())
        except Exception:
            # A model in memory is not lost over it, nor one that has to leave it.
            log.exception("memory_not_seen")
            return {}

    def finish(self) -> None:
        """Wait until the loads that were told to break off have done so; a process that ends under torch is aborted."""
        until_s = time.monotonic() + LAST_S
        for thread in tuple(self._loading):
            thread.join(max(0.0, until_s - time.monotonic()))

    def _telling(self, slot: Slot) -> Callable[[LoadProgress], None]:
        """Hears how far a load is, and breaks it off once the service is being shut down."""

        def tell(progress: LoadProgress) -> None:
            if self._stop.is_set():
                raise UnusableError(CLOSING)
            slot.feed.tell(progress)

        return tell

    def _refuse_hopeless(self, spec: ModelSpec) -> None:
        """Before gigabytes are fetched: what needs more than the limits at its smallest will never fit."""
        allowed_gb = sum(map(self._limit_bytes, self._look())) / GB
        if spec.min_vram_gb > allowed_gb:
            raise CapacityError(
                said(
                    "model_hopeless",
                    "The model {model!r} needs {least:g} GB at the least and models may take "
                    "{allowed:.1f} GB here; use a smaller one or raise MAX_VRAM_USAGE_GB.",
                    model=spec.key,
                    least=spec.min_vram_gb,
                    allowed=allowed_gb,
                )
            )


def _told(error: Exception, spec: ModelSpec) -> AgentLabError:
    """The error as a sentence: what a driver or a library says by itself is none."""
    if isinstance(error, AgentLabError):
        return error
    log.error("model_failed", model=spec.key, exc_info=error)
    reason = (str(error).strip().splitlines() or [repr(error)])[0][:200]
    return UnusableError(
        said(
            "model_not_loaded",
            "The model {model!r} cannot be loaded ({reason}); try again or use another model.",
            model=spec.key,
            reason=reason,
        )
    )
