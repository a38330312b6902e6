"""Loads models whose row says so in a process of their own, and leaves alone those that die again and again."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from agent_lab.contracts.errors import UnusableError
from agent_lab.contracts.registry import ModelSpec, StrategySpec
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.files.hub import ProgressSink, silent
from agent_lab.providers.local.gpu_guard import Capability
from agent_lab.providers.local.loading.loader import Loaded, Loader, Prepared
from agent_lab.providers.local.plan import Placement
from agent_lab.providers.local.worker.engine import WorkerEngine
from agent_lab.providers.local.worker.messages import Begin
from agent_lab.providers.local.worker.patience import CrashPolicy, Patience


def open_worker(
    loader: Loader,
    spec: ModelSpec,
    prepared: Prepared,
    placement: Placement,
    on_progress: ProgressSink = silent,
    on_lost: Callable[[], None] = lambda: None,
    patience: Patience | None = None,
) -> Loaded:
    """A `Loaded` whose model is in a new process, loaded there by a copy of `loader`.

    `on_lost` is called once if the process dies unasked, before the answers in flight end. Raises what `loader.load`
    raises, BrokenOffError where the process died while it loaded, and UnusableError where it could not be started.
    """
    patience = patience or Patience()
    engine = WorkerEngine(spec.key, patience)
    engine.when_lost(on_lost)
    try:
        loaded = engine.open(Begin(loader, spec, prepared, placement, patience.beat_s), on_progress)
    except BaseException:
        engine.close()
        raise
    return replace(loaded, engine=engine, worker_pid=engine.pid)


class IsolatingLoader:
    """A loader that gives rows with `residency.worker` a process of their own, and the rest to `inner`.

    `inside` loads in the worker: a copy of it, so it can be pickled. Only its `load` is used; left out, it is `inner`.
    """

    def __init__(
        self,
        inner: Loader,
        *,
        inside: Loader | None = None,
        patience: Patience | None = None,
        crashes: CrashPolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._inside = inside or inner
        self._patience = patience or Patience()
        self._crashes = crashes or CrashPolicy()
        self._clock = clock
        self._lock = threading.Lock()
        self._died_at_s: dict[str, deque[float]] = {}

    def prepare(
        self,
        spec: ModelSpec,
        strategy: StrategySpec,
        machine: Capability,
        on_progress: ProgressSink = silent,
    ) -> Prepared:
        """As `inner` does. Raises UnusableError for a model that rests after crashes, before others make room."""
        self._refuse_resting(spec)
        return self._inner.prepare(spec, strategy, machine, on_progress)

    def load(
        self,
        spec: ModelSpec,
        prepared: Prepared,
        placement: Placement,
        on_progress: ProgressSink = silent,
    ) -> Loaded:
        """As `inner` does, and where the row says so in a worker process."""
        if not spec.residency.worker:
            return self._inner.load(spec, prepared, placement, on_progress)
        self._refuse_resting(spec)

        def died() -> None:
            with self._lock:
                self._died_at_s.setdefault(spec.key, deque(maxlen=self._crashes.deaths)).append(self._clock())

        return open_worker(self._inside, spec, prepared, placement, on_progress, died, self._patience)

    def _refuse_resting(self, spec: ModelSpec) -> None:
        with self._lock:
            rests_s = self._crashes.rests_s(tuple(self._died_at_s.get(spec.key, ())), self._clock())
        if rests_s is not None:
            raise UnusableError(
                said(
                    "worker_died_often",
                    "The worker process of the model {model!r} died {times} times in a row; it is left "
                    "alone for {seconds:.0f} s. The log says what it said; use another model until then.",
                    model=spec.key,
                    times=self._crashes.deaths,
                    seconds=round(rests_s),
                )
            )

    def adapter_folder(self, spec: ModelSpec) -> Path:
        """As `inner` does."""
        return self._inner.adapter_folder(spec)
