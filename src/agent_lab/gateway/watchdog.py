"""Breaks off waits that take too long, at less than the cost of a timer for each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")


class OverdueError(Exception):
    """The wait took too long. Unlike a TimeoutError it cannot have come from what was waited for."""


class Watchdog:
    """Bounds one wait after the other of a task, as `asyncio.timeout` does.

    An answer comes in hundreds of pieces, each of which is waited for with a bound. One timer serves them all: it is
    set anew only when it rings, and then finds that the wait it was set for is long over. Close it at the end.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Task[object] | None = None
        self._until = 0.0
        self._has_rung = False

    async def wait(self, work: Awaitable[Result], seconds: float) -> Result:
        """What comes of `work`, which is cancelled after so many seconds. Raises OverdueError then."""
        task = asyncio.current_task()
        cancels = task.cancelling() if task is not None else 0
        self._until, self._waiting = self._loop.time() + seconds, task
        if self._timer is None or self._timer.when() > self._until:
            self._set()
        try:
            return await work
        except asyncio.CancelledError as error:
            if self._has_rung and task is not None:
                self._has_rung = False
                if task.uncancel() <= cancels:  # nobody else has cancelled it besides
                    raise OverdueError from error
            raise
        finally:
            self._waiting = None

    def close(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self) -> None:
        self.close()
        self._timer = self._loop.call_at(self._until, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiting is None:
            return
        if self._loop.time() < self._until:
            self._set()
            return
        self._has_rung = True
        self._waiting.cancel()
