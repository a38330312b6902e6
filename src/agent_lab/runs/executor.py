"""Carries a run from its record's end to its own, and turns every way of ending into its last event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from agent_lab.contracts.errors import AgentLabError, LimitExceededError
from agent_lab.contracts.events import RunEvent, RunFinished, RunPaused, RunWaits
from agent_lab.contracts.run import Fault, RunStatus
from agent_lab.contracts.sentences import said, told_of
from agent_lab.runs.carried import CarriedRun, to_blame
from agent_lab.runs.journal import UnrecordedError
from agent_lab.runs.live import LiveRun
from agent_lab.runs.reducer import RunFold
from agent_lab.runs.step import Declined, LeftForNow
from agent_lab.runs.walk import Walk, Walked

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How the walk ended."""

    status: RunStatus
    answer: str | None = None
    fault: Fault | None = None


_LEFT: Mapping[RunStatus, type[RunPaused | RunWaits]] = {"paused": RunPaused, "waiting": RunWaits}
"""What is noted of a run that is left for now."""


async def execute(run: CarriedRun, live: LiveRun) -> RunStatus:
    """Walk the graph and write the last event; the status that the run is left in.

    `waiting` and `paused` are no ends: the run is taken up later. Cancellation passes through: who cancelled says what
    it means. Raises UnrecordedError where the store failed.
    """
    began, before_s = time.monotonic(), run.record.seconds
    try:
        outcome = await _outcome(run, before_s)
    except LeftForNow:
        outcome = _Outcome("paused" if run.pausing else "waiting")
    run.closed = True  # before anything else has a turn: what is said from now on is said to the store
    refused = await run.journal.settle()  # so that the totals count every call
    if refused is not None:
        outcome = _fault("failed", refused.slug, refused.message)
    if outcome.status in _LEFT:
        await run.journal.write(_LEFT[outcome.status](at=run.journal.now()))
        return outcome.status
    seconds = round(before_s + time.monotonic() - began, 4)
    ending = last_event(
        live.events,
        at=run.journal.now(),
        status=outcome.status,
        seconds=seconds,
        answer=outcome.answer,
        fault=outcome.fault,
    )
    await run.journal.write(ending)
    return outcome.status


def last_event(
    events: Iterable[RunEvent],
    *,
    at: datetime,
    status: RunStatus,
    seconds: float,
    answer: str | None = None,
    fault: Fault | None = None,
) -> RunFinished:
    """The end of a run that has said these events, with what all its calls took."""
    so_far = RunFold()
    for event in events:
        so_far.apply(event)
    totals = so_far.totals().model_copy(update={"seconds": seconds})
    return RunFinished(at=at, status=status, answer=answer, fault=fault, seconds=seconds, totals=totals)


async def _outcome(run: CarriedRun, before_s: float) -> _Outcome:
    try:
        async with asyncio.timeout(max(0.0, run.limits.timeout_s - before_s)) as clock:
            return _completed(await Walk(run, run.started.flow, run.started.request).walk())
    except Declined as declined:
        return _Outcome("declined", answer=declined.text)
    except LimitExceededError as error:
        return _fault("limit_exceeded", error.slug, error.message, to_blame(error))
    except TimeoutError as error:
        if not clock.expired():
            return _unexpected(run, error)
        form = "The run took longer than {seconds:g} s (limits.timeout_s)."
        text = said("run_too_long", form, seconds=run.limits.timeout_s)
        return _fault("limit_exceeded", LimitExceededError.slug, text)
    except AgentLabError as error:
        return _fault("failed", error.slug, error.message, to_blame(error))
    except (UnrecordedError, LeftForNow):
        raise
    except Exception as error:  # noqa: BLE001 - a fault in a node must end its run, not the server
        return _unexpected(run, error)


def _completed(walked: Walked) -> _Outcome:
    if walked.output is None:
        form = "The run ended before {node!r}, whose text is the answer, had its turn; look at the conditions."
        return _fault("failed", "no-answer", said("no_answer", form, node=walked.answer_node or ""), walked.answer_node)
    return _Outcome("completed", answer=walked.output.text)


def _fault(status: RunStatus, slug: str, message: str, node: str | None = None) -> _Outcome:
    return _Outcome(status, fault=Fault(type=slug, message=message, node=node, said=told_of(message)))


def _unexpected(run: CarriedRun, error: Exception) -> _Outcome:
    node = to_blame(error)
    log.error("run_broke", run_id=run.started.run_id, node=node, exc_info=error)
    name = type(error).__name__
    if node:
        form = "An unexpected fault in node {node!r} ended the run ({name}); the log has the details."
        return _fault("failed", "internal", said("unexpected_in_node", form, node=node, name=name), node)
    form = "An unexpected fault ended the run ({name}); the log has the details."
    return _fault("failed", "internal", said("unexpected_in_run", form, name=name))
