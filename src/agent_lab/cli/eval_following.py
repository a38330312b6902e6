"""Follows an evaluation to its end: how far it is, the time left, the money so far; Ctrl-C leaves it to be resumed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent_lab.cli.figures import money, seconds
from agent_lab.cli.output import note
from agent_lab.cli.session import Interrupts
from agent_lab.settings import plain_output_wanted

if TYPE_CHECKING:
    from agent_lab.contracts.evaluation import EvaluationInfo, Progress
    from agent_lab.evaluation.service import EvaluationService

STEPS = 10
"""So many lines tell the progress where no line can be written over."""


def progress_line(progress: Progress) -> str:
    """774 of 1,800 answers · about 3 min left · paid $0.12 · 512 calls, 120 from the cache."""
    parts = [f"{progress.cells:,} of {progress.of:,} answers"]
    if progress.seconds_left is not None and progress.cells < progress.of:
        parts.append(f"about {_rounded(progress.seconds_left)} left")
    if progress.paid_usd is not None:
        parts.append(f"paid {money(progress.paid_usd)}")
    reused = f", {progress.reused_calls:,} from the cache" if progress.reused_calls else ""
    parts.append(f"{progress.calls:,} calls{reused}")
    return " · ".join(parts)


def bar_line(progress: Progress) -> str:
    """As much of it as there is room for beside a bar: 43 % · 774 of 1,800 · about 3 min left · $0.12 · 512 calls."""
    parts = [f"{100 * progress.cells // max(progress.of, 1):>3} %", f"{progress.cells:,} of {progress.of:,}"]
    if progress.seconds_left is not None and progress.cells < progress.of:
        parts.append(f"about {_rounded(progress.seconds_left)} left")
    if progress.paid_usd:
        parts.append(money(progress.paid_usd))
    return " · ".join([*parts, f"{progress.calls:,} calls"])


def _rounded(left_s: float) -> str:
    return seconds(left_s) if left_s >= 60 else f"{max(round(left_s), 1)} s"


class Told:
    """Tells the progress on standard error: a bar that is written over on a terminal, a few lines elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._step = -1
        self._stop: Callable[[], None] = lambda: None
        self._show: Callable[[Progress], None] = self._line
        if not quiet and sys.stderr.isatty() and not plain_output_wanted():
            self._bar()

    def tell(self, info: EvaluationInfo) -> None:
        """How far it is now."""
        if not self._quiet and info.progress.of:
            self._show(info.progress)

    def close(self) -> None:
        """Take the bar away."""
        stop, self._stop = self._stop, lambda: None
        stop()

    def _line(self, progress: Progress) -> None:
        step = STEPS * progress.cells // progress.of
        if step > self._step:
            self._step = step
            note(progress_line(progress))

    def _bar(self) -> None:
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar
        from rich.table import Column

        from agent_lab.cli.paper import Page

        told = TextColumn("{task.description}", table_column=Column(no_wrap=True))
        drawn = BarColumn(16, complete_style="cyan", finished_style="cyan", pulse_style="cyan")
        bar = Bar(drawn, told, console=Page(stderr=True), transient=True)
        task = bar.add_task("", total=None)
        bar.start()

        def show(progress: Progress) -> None:
            bar.update(task, total=progress.of or None, completed=progress.cells, description=bar_line(progress))

        self._show, self._stop = show, bar.stop


async def follow(service: EvaluationService, info: EvaluationInfo, *, quiet: bool) -> EvaluationInfo | None:
    """The evaluation at its end; None where Ctrl-C stopped it."""
    told = Told(quiet=quiet)
    with Interrupts(leaving="Stopping the evaluation; what is answered is kept.", first=told.close) as interrupts:
        try:
            ended = await interrupts.unless(_watched(service, info, told))
        finally:
            told.close()
        if ended is None:
            await _stop(service, info.evaluation_id)
    return ended


async def _watched(service: EvaluationService, info: EvaluationInfo, told: Told) -> EvaluationInfo:
    told.tell(info)
    async for seen in service.watch(info.evaluation_id):
        told.tell(seen)
    return await service.get(info.evaluation_id)


async def _stop(service: EvaluationService, evaluation_id: str) -> None:
    """Cancelled and not left running: nobody shall take it up and pay for it unasked."""
    from contextlib import suppress

    from agent_lab.contracts.errors import ConflictError

    with suppress(ConflictError):  # it has just ended by itself
        await service.cancel(evaluation_id)


def ending(info: EvaluationInfo) -> str | None:
    """How it goes on where it has not come to its end; None where it has."""
    resume = f"agent-lab eval run --resume {info.evaluation_id}"
    if info.status == "completed":
        return None
    if info.status == "limit_exceeded":
        why = info.fault.message if info.fault is not None else "The budget is used up."
        return f"{why} What is answered is kept; go on with more: {resume} --budget-usd USD"
    if info.fault is not None:
        return f"Ended as {info.status}: {info.fault.message} What is answered is kept: {resume}"
    return f"It is {info.status}; what is answered is kept, and not paid again: {resume}"
