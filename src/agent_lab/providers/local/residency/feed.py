"""Tells everyone who listens how far one load is, those who come late included."""

from __future__ import annotations

import threading
from collections.abc import Callable

from agent_lab.contracts.ports import LoadProgress

Listener = Callable[[LoadProgress], None]


class LoadFeed:
    """How far a model is on its way into memory. Every method may be called from any thread.

    Listeners are called in the thread that tells, one after another, and must neither block nor raise.
    """

    def __init__(self, model_key: str) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []
        self._latest = LoadProgress(model_key=model_key, stage="waiting")

    @property
    def latest(self) -> LoadProgress:
        """What was told last."""
        return self._latest

    def tell(self, progress: LoadProgress) -> None:
        """Pass it on to all."""
        with self._lock:
            self._latest = progress
            for listener in self._listeners:
                listener(progress)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear what was told last, at once, and all that is told from here on; the function returned ends it."""
        with self._lock:
            self._listeners.append(listener)
            listener(self._latest)
        return lambda: self._forget(listener)

    def _forget(self, listener: Listener) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)
