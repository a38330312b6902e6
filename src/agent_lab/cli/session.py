"""Opens the lab for one command, and lets a command be interrupted in good order."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from agent_lab.cli.options import OFFLINE
from agent_lab.cli.output import note

if TYPE_CHECKING:
    from agent_lab.settings import Reading
    from agent_lab.wiring import Lab

INTERRUPTED = 130
Result = TypeVar("Result")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def with_lab(
    work: Callable[[Lab], Coroutine[Any, Any, int]],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> int:
    """Read the settings, open the lab, do the work, close the lab; the work's exit code."""
    from agent_lab.wiring import open_lab

    reading = as_asked()
    for warning in reading.warnings:
        note(f"Note: {warning}")

    async def session() -> int:
        async with open_lab(reading) as lab:
            return await work(lab)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(session())


def as_asked() -> Reading:
    """The settings, with what the command line says beside them."""
    from agent_lab.settings import read_settings

    reading = read_settings()
    context = click.get_current_context(silent=True)
    if context is None or not context.meta.get(OFFLINE):
        return reading
    return replace(reading, settings=reading.settings.model_copy(update={"agent_lab_offline": True}))


class Interrupts:
    """Within it, the first Ctrl-C (or SIGTERM) is an event to wait for, and the second leaves at once.

    `first` is called at the first, before anything is said.
    """

    def __init__(self, *, leaving: str, first: Callable[[], None]) -> None:
        self.leaving, self._first = leaving, first
        self._asked = asyncio.Event()

    def __enter__(self) -> Interrupts:
        loop = asyncio.get_running_loop()
        for one in _SIGNALS:
            with suppress(NotImplementedError, RuntimeError, ValueError):  # not the main thread, or no such signals
                loop.add_signal_handler(one, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for one in _SIGNALS:
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(one)

    def _ask(self) -> None:
        if self._asked.is_set():
            os._exit(INTERRUPTED)  # nothing is waited for any more: what is stored is safe, and the lease runs out
        self._asked.set()
        self._first()
        note(f"\n{self.leaving} Press Ctrl-C again to leave at once.")

    async def unless(self, work: Awaitable[Result]) -> Result | None:
        """Do the work until it ends or is interrupted; None where it was interrupted."""
        doing = asyncio.ensure_future(work)
        asking = asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait({doing, asking}, return_when=asyncio.FIRST_COMPLETED)
            return doing.result() if doing.done() else None
        finally:
            for task in (doing, asking):
                task.cancel()
            await asyncio.gather(doing, asking, return_exceptions=True)
