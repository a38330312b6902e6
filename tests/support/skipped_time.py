"""Tests of time that take none, and of which a busy machine takes none: where everybody waits, the wait is skipped."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class _Skipping(selectors.DefaultSelector):
    """Has no patience: where nothing is there to be read, the time that should be waited is over."""

    passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # no timer is set: only something from outside can go on
            return super().select(None)
        there = super().select(0)
        if not there:
            self.passed_s += timeout
        return there


class SkippingLoop(asyncio.SelectorEventLoop):
    """Its clock stands still while anybody works. For tests without threads and sockets: those take real time."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.passed_s


def skipping_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The test on a loop that skips its waits. What measures time in it must be given `loop_time` as its clock."""

    @functools.wraps(test)
    def run(*args: Any, **more: Any) -> None:
        with asyncio.Runner(loop_factory=SkippingLoop) as runner:
            runner.run(test(*args, **more))

    return run


def loop_time() -> float:
    """The seconds of the loop that this is called on."""
    return asyncio.get_running_loop().time()
