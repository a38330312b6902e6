"""Calls back at a time that may be moved: one thread, begun when first needed, which sleeps until then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)
AFTER_FAILURE_S = 1.0


class Keeper:
    """Calls `tick` when the time comes. Every method may be called from any thread."""

    def __init__(self, tick: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tick = tick
        self._clock = clock
        self._changed = threading.Condition()
        self._at_s: float | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def wake_at(self, at_s: float | None) -> None:
        """Call at that time, and at no other that was said before; None: not until a time is said."""
        with self._changed:
            if at_s == self._at_s or self._closed:
                return
            sooner = at_s is not None and (self._at_s is None or at_s < self._at_s)
            self._at_s = at_s
            if at_s is not None and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="model-keeper", daemon=True)
                self._thread.start()
            elif sooner:
                self._changed.notify()

    def close(self) -> None:
        """End the thread; where it is calling back just now, after that."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while self._sleep():
            try:
                self._tick()
            except Exception:
                # Such as a device that cannot be looked at just now: those who wait have deadlines all the same.
                log.exception("model_keeper_failed")
                self.wake_at(self._clock() + AFTER_FAILURE_S)

    def _sleep(self) -> bool:
        with self._changed:
            while not self._closed:
                left_s = None if self._at_s is None else self._at_s - self._clock()
                if left_s is not None and left_s <= 0:
                    self._at_s = None
                    return True
                self._changed.wait(left_s)
            return False
