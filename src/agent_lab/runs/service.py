"""Starts runs, follows them, cancels them, and takes up those that nobody works on any more."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog

from agent_lab.contracts.errors import AgentLabError, BusyError, ConflictError
from agent_lab.contracts.events import RunEvent, RunFinished, RunResumed, RunStarted
from agent_lab.contracts.run import TERMINAL, RunInfo, RunRequest, RunView
from agent_lab.contracts.run_ports import ALL_RUNS, OutputSink, RunEnd, RunFilter, RunMetrics, RunStore
from agent_lab.flows.catalog import FlowCatalog, flow_hash
from agent_lab.runs.admission import Admission
from agent_lab.runs.executor import RunExecutor
from agent_lab.runs.journal import Journal, UnrecordedError
from agent_lab.runs.live import LiveRun, follow_live, follow_stored
from agent_lab.runs.outputs import output_document
from agent_lab.runs.record import Record, beginning
from agent_lab.runs.reducer import fold

log = structlog.get_logger(__name__)

LEASE_S = 30.0
RENEW_S = 10.0
MAX_ACTIVE = 64
"""Runs at once in one process; beyond it a start is refused with a time to come back."""


@dataclass(slots=True)
class _Active:
    """A run that this process works on."""

    live: LiveRun
    task: asyncio.Task[None] | None = None
    stop_asked: bool = False

    @property
    def ended(self) -> bool:
        """True once the last event is stored and only the run's file is left to write."""
        return bool(self.live.events) and isinstance(self.live.events[-1], RunFinished)

    def stop(self) -> None:
        """Break off the work, unless it is being ended already: a second time would break off the ending."""
        if self.task and not self.ended and not self.task.cancelling():
            self.task.cancel()


@dataclass(slots=True)
class RunService:
    """The runs of one store. Build it in a running event loop, and `close` it before the loop ends."""

    store: RunStore
    catalog: FlowCatalog
    executor: RunExecutor
    outputs: OutputSink
    metrics: RunMetrics
    admission: Admission
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    _active: dict[str, _Active] = field(default_factory=dict)

    async def start(self, request: RunRequest, *, request_id: str | None = None) -> RunInfo:
        """Check everything, store the run, and let it go on in the background.

        Raises NotFoundError for an unknown flow, model or strategy, ValidationError for anything else that is wrong
        with the request, EnvironmentFaultError where outputs cannot be written, BusyError at the bound.
        """
        flow = await asyncio.to_thread(self.catalog.get, request.flow)
        self.admission.check(flow, request)
        await asyncio.to_thread(self.outputs.check)
        run_id, now = new_run_id(self.now()), self.now()
        version = await asyncio.to_thread(flow_hash, flow)
        info = RunInfo(
            run_id=run_id,
            flow_id=flow.id,
            flow_hash=version,
            status="running",
            prompt=request.prompt,
            request_id=request_id or uuid.uuid4().hex,
            created_at=now,
        )
        started = RunStarted(
            at=now, run_id=run_id, request_id=info.request_id, flow=flow, flow_hash=version, request=request
        )
        with self._place(run_id) as (journal, active):
            first = await self.store.create(info, [started], owner=self.owner, seconds=LEASE_S)
            active.live.publish(first)
            self._launch(active, started, journal, Record())
        return info

    async def resume(self, run_id: str) -> RunInfo:
        """Take up a run where its record ends. Raises ConflictError where it has ended or is being worked on."""
        info = await self.store.get(run_id)
        if info.status in TERMINAL:
            raise ConflictError(f"Run {run_id} has ended ({info.status}); start a new one instead.")
        if run_id in self._active:
            raise self._busy(run_id)
        with self._place(run_id) as (journal, active):
            if not await self.store.claim(run_id, owner=self.owner, seconds=LEASE_S):
                raise self._busy(run_id)
            try:
                events = await self.store.events(run_id)
                started, record = beginning(events), Record.of(events)
                taken_up = RunResumed(at=self.now(), recorded_steps=len(record.turns))
                active.live.publish([*events, *await self.store.append(run_id, [taken_up], owner=self.owner)])
            except AgentLabError:
                await self._let_go(run_id, active)
                raise
            self._launch(active, started, journal, record)
        return info

    async def recover(self) -> list[str]:
        """Take up the runs that have not ended and that nobody works on, as many as there is room for."""
        taken: list[str] = []
        for run_id in await self.store.abandoned():
            if len(self._active) >= MAX_ACTIVE:
                break
            try:
                await self.resume(run_id)
            except ConflictError:  # another process was quicker
                continue
            taken.append(run_id)
        return taken

    async def cancel(self, run_id: str) -> RunInfo:
        """Stop a run. Raises ConflictError where it has ended or another process holds it."""
        info = await self.store.get(run_id)
        if info.status in TERMINAL:
            raise ConflictError(f"Run {run_id} has ended already ({info.status}).")
        active = self._active.get(run_id)
        if active and active.task:
            active.stop_asked = True
            await asyncio.sleep(0)  # a task that is cancelled before its first step never reaches its own clean-up
            active.stop()
            await _settled(active)
        elif await self.store.claim(run_id, owner=self.owner, seconds=LEASE_S):
            ending = RunFinished(at=self.now(), status="cancelled")
            await self.store.append(run_id, [ending], owner=self.owner)
            await self._leave_file(run_id, info.flow_id)
        else:
            raise ConflictError(f"Run {run_id} is worked on by another process; cancel it there.")
        return await self.store.get(run_id)

    async def view(self, run_id: str) -> RunView:
        """The run as its events add up. Raises NotFoundError."""
        return fold(await self.events(run_id))

    async def events(self, run_id: str) -> list[RunEvent]:
        """Everything that is stored of the run. Raises NotFoundError."""
        await self.store.get(run_id)
        return list(await self.store.events(run_id))

    async def list(
        self,
        *,
        limit: int = 50,
        before: str | None = None,
        only: RunFilter = ALL_RUNS,
    ) -> list[RunInfo]:
        """Runs, newest first."""
        return list(await self.store.list(limit=limit, before=before, only=only))

    async def watch(self, run_id: str, after: int = 0) -> AsyncIterator[RunEvent]:
        """Stored events after that number, then live ones and tokens, until the run ends and its file is written.

        Ends early where this process worked on the run and could not go on. Raises NotFoundError.
        """
        await self.store.get(run_id)
        active = self._active.get(run_id)
        if active is None:
            async for event in follow_stored(self.store, run_id, after):
                yield event
            return
        async for event in follow_live(active.live, after):
            yield event
        await _settled(active)

    async def wait(self, run_id: str) -> RunView:
        """The run once it has ended and left its file, or as far as this process could carry it."""
        async for _ in self.watch(run_id):
            pass
        return await self.view(run_id)

    def output_path(self, info: RunInfo) -> Path:
        """Where the run leaves its file."""
        return self.outputs.path(info.flow_id, info.run_id)

    async def close(self) -> None:
        """Stop working. Runs that have not ended stay so, and may be taken up again."""
        stopping = list(self._active.values())
        for active in stopping:
            active.stop()
        for active in stopping:
            await _settled(active)

    @contextmanager
    def _place(self, run_id: str) -> Iterator[tuple[Journal, _Active]]:
        """A place among the active runs, taken before the first wait and given back where the run does not start."""
        if len(self._active) >= MAX_ACTIVE:
            raise BusyError(f"{MAX_ACTIVE} runs are going on already; try again in a moment.", retry_after_s=5.0)
        active = self._active[run_id] = _Active(LiveRun())
        try:
            yield Journal(run_id, log=self.store, live=active.live, owner=self.owner, now=self.now), active
        finally:
            if active.task is None:
                self._active.pop(run_id, None)
                active.live.close()

    def _busy(self, run_id: str) -> ConflictError:
        return ConflictError(f"Run {run_id} is being worked on; watch it with `agent-lab runs watch {run_id}`.")

    def _launch(self, active: _Active, started: RunStarted, journal: Journal, record: Record) -> None:
        self.metrics.run_started()
        active.task = asyncio.create_task(self._drive(active, started, journal, record), name=started.run_id)

    async def _drive(self, active: _Active, started: RunStarted, journal: Journal, record: Record) -> None:
        """Walk the run while its lease is renewed; whatever happens, let it go in the end."""
        status: RunEnd = "interrupted"
        run_id, began = started.run_id, self.now()
        renewing = asyncio.create_task(self._renew(run_id, active))
        try:
            status = await self._carry(active, started, journal, record)
        finally:
            renewing.cancel()
            self.metrics.run_finished(started.flow.id, status, (self.now() - began).total_seconds())
            if status in TERMINAL:
                await self._leave_file(run_id, started.flow.id)
            await self._let_go(run_id, active)

    async def _carry(self, active: _Active, started: RunStarted, journal: Journal, record: Record) -> RunEnd:
        """Execute; the status that the run is left in, `interrupted` where it may be taken up again."""
        try:
            try:
                return (await self.executor.execute(started, journal, record)).status
            except asyncio.CancelledError:
                if not active.stop_asked:  # this process is stopping, or the lease went to another
                    return "interrupted"
                seconds = Record.of(active.live.events).seconds
                await journal.write(RunFinished(at=self.now(), status="cancelled", seconds=seconds))
                return "cancelled"
        except UnrecordedError as error:  # the lease ends, and another worker may try
            log.error("run_interrupted", run_id=started.run_id, reason=str(error))
            return "interrupted"

    async def _renew(self, run_id: str, active: _Active) -> None:
        """Keep the lease; where another worker has it, stop working. A store that fails is asked again."""
        while True:
            try:
                if not await self.store.claim(run_id, owner=self.owner, seconds=LEASE_S):
                    break
            except AgentLabError as error:
                log.warning("lease_not_renewed", run_id=run_id, reason=error.message)
            await asyncio.sleep(RENEW_S)
        if not active.ended:
            log.warning("lease_lost", run_id=run_id)
            active.stop()

    async def _leave_file(self, run_id: str, flow_id: str) -> None:
        try:
            document = output_document(await self.view(run_id))
            await asyncio.to_thread(self.outputs.write, flow_id, run_id, document)
        except AgentLabError as error:  # the run itself is safe in the store
            log.warning("output_not_written", run_id=run_id, reason=error.message)

    async def _let_go(self, run_id: str, active: _Active) -> None:
        try:
            await self.store.release(run_id, owner=self.owner)
        except AgentLabError as error:
            log.warning("lease_not_released", run_id=run_id, reason=error.message)
        self._active.pop(run_id, None)
        active.live.close()


async def _settled(active: _Active) -> None:
    """Wait until the run is let go, its file written."""
    if active.task:
        await asyncio.wait([active.task])


def new_run_id(now: datetime) -> str:
    """A run's id: its second, so that ids sort by time, and 40 random bits."""
    return f"{now:%Y%m%dt%H%M%S}-{secrets.token_hex(5)}"
