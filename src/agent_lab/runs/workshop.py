"""The runs that this process works on: each in a task of its own, under a lease that is renewed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from agent_lab.contracts.errors import AgentLabError, ConflictError
from agent_lab.contracts.events import RunEvent, RunFinished, RunResumed
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.ports import Generator
from agent_lab.contracts.run import TERMINAL, RunInfo
from agent_lab.contracts.run_ports import OutputSink, RunEnd, RunMetrics, RunStore, Wire
from agent_lab.contracts.sentences import said
from agent_lab.runs.carried import CarriedRun
from agent_lab.runs.executor import execute, last_event
from agent_lab.runs.forking import FirstRun
from agent_lab.runs.journal import Journal, UnrecordedError
from agent_lab.runs.live import LiveRun, tell_others
from agent_lab.runs.outputs import output_document
from agent_lab.runs.owners import has_died, new_owner
from agent_lab.runs.record import Record, beginning
from agent_lab.runs.reducer import fold

log = structlog.get_logger(__name__)

LEASE_S = 30.0
RENEW_S = 10.0


@dataclass(slots=True)
class Active:
    """A run that this process works on."""

    caller: str
    live: LiveRun = field(default_factory=LiveRun)
    run: CarriedRun | None = None
    task: asyncio.Task[None] | None = None
    stop_asked: bool = False
    started: bool = False
    """True once the task has had its first step: one that is cancelled before it never reaches its own clean-up."""
    leaving: bool = False
    """True once the work is over and only the lease is left to give back."""
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the run is worked on, or will not be."""

    @property
    def ended(self) -> bool:
        """True once the last event is stored and only the run's file is left to write."""
        return bool(self.live.events) and isinstance(self.live.events[-1], RunFinished)

    def stop(self) -> None:
        """Break off the work, unless it is being ended already: a second time would break off the ending."""
        if self.task is None or self.ended or self.leaving or self.task.cancelling():
            return
        if self.started:
            self.task.cancel()
        else:
            asyncio.get_running_loop().call_soon(self.task.cancel)

    async def settled(self) -> None:
        """Wait until the run is let go, its file written."""
        if self.task:
            await asyncio.wait([self.task])


@dataclass(slots=True)
class Workshop:
    """Carries runs on. Build it in a running event loop, and `close` it before the loop ends."""

    store: RunStore
    generator: Generator
    kinds: Mapping[str, NodeKind]
    outputs: OutputSink
    metrics: RunMetrics
    wire: Wire | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    owner: str = field(default_factory=new_owner)
    on_free: Callable[[], None] = lambda: None
    """Called when a run has left and its place is free."""
    active: dict[str, Active] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    """The callers of the runs that this process has put into the queue and that have not begun, by run."""

    def at_once(self) -> Counter[str]:
        """How many runs of each caller this process works on."""
        return Counter(active.caller for active in self.active.values())

    async def at_work(self, run_id: str) -> Active | None:
        """The run where this process works on it. One that is just being entered is waited for."""
        while (active := self.active.get(run_id)) is not None and active.task is None:
            await active.entered.wait()
        return active

    def enter(self, run_id: str, caller: str) -> Active:
        """Take a place for a run, before the first wait; `leave` gives it back where the run does not start.

        Raises ConflictError where the run has a place already: two would work on it under the same lease.
        """
        if run_id in self.active:
            raise ConflictError(
                said(
                    "run_worked_on",
                    "Run {run} is being worked on; watch it with `agent-lab runs watch {run}`.",
                    run=run_id,
                )
            )
        self.waiting.pop(run_id, None)
        self.active[run_id] = active = Active(caller)
        return active

    def leave(self, run_id: str) -> None:
        """Give the place of a run back, if it is not being worked on."""
        active = self.active.get(run_id)
        if active is not None and active.task is None:
            self._let_go(run_id, active)

    def _let_go(self, run_id: str, active: Active) -> None:
        if self.active.get(run_id) is active:
            del self.active[run_id]
        active.live.close()
        active.entered.set()
        self.on_free()

    async def take_up(self, run_id: str, *news: RunEvent) -> bool:
        """Go on with a run where its record ends, after noting the news; False where another process holds it.

        The caller has entered it. Raises what the store raises; the run is then let go.
        """
        active = self.active[run_id]
        if not await self._claim(run_id):
            return False
        try:
            events = list(await self.store.events(run_id))
            steps = len(Record.of(events).turns)
            resumed = {"recorded_steps": steps}
            told = [one.model_copy(update=resumed) if isinstance(one, RunResumed) else one for one in news]
            events += await self.store.append(run_id, told, owner=self.owner, after=events[-1].seq)
            await self.begin(active, events)
        except AgentLabError:
            await self._release(run_id)
            raise
        return True

    async def begin(self, active: Active, events: Sequence[RunEvent]) -> None:
        """Work on an entered run whose lease is ours, from these events on."""
        started = beginning(events)
        first = None
        if started.parent_run_id is not None:
            before = await self.store.events(started.parent_run_id)
            first = FirstRun(beginning(before), Record.of(before), started)
        active.live.publish(events)
        record = Record.of(events)
        journal = Journal(
            started.run_id, log=self.store, live=active.live, record=record, owner=self.owner, now=self.now
        )
        active.run = CarriedRun(started, journal, record, self.generator, self.kinds, first)
        self.metrics.run_started()
        active.task = asyncio.create_task(self._drive(active, active.run), name=started.run_id)
        active.task.add_done_callback(lambda _: self._let_go(started.run_id, active))
        active.entered.set()

    async def end(self, info: RunInfo) -> bool:
        """Cancel a run that nobody works on; False where another process does."""
        async with self._holding(info.run_id, info.caller) as held:
            if not held:
                return False
            events = list(await self.store.events(info.run_id))
            seconds = round(Record.of(events).seconds, 4)
            ending = last_event(events, at=self.now(), status="cancelled", seconds=seconds)
            events += await self.store.append(info.run_id, [ending], owner=self.owner, after=events[-1].seq)
            await self.leave_file(events)
        return True

    async def note(self, run_id: str, *events: RunEvent) -> bool:
        """Note something of a run that nobody works on; False where another process does."""
        async with self._holding(run_id, "") as held:
            if held:
                await self.store.append(run_id, events, owner=self.owner)
        return held

    @asynccontextmanager
    async def _holding(self, run_id: str, caller: str) -> AsyncIterator[bool]:
        """Keep everybody else from a run, in this process too; False where another process holds it."""
        self.enter(run_id, caller)
        held = False
        try:
            held = await self._claim(run_id)
            yield held
        finally:
            if held:
                await self._release(run_id)
            self.leave(run_id)

    async def bury(self) -> list[str]:
        """Free the runs of processes of this machine that have died, without waiting for their leases to run out, and
        write the files of those that had ended; the runs that can be taken up now."""
        freed: list[str] = []
        for held in await self.store.held():
            if held.owner == self.owner or not (has_died(held.owner) or (held.ended and held.over)):
                continue
            if not held.ended:
                freed.append(held.run_id)
            elif not await self._file_left(held.run_id):
                continue
            await self.store.release(held.run_id, owner=held.owner)
        return freed

    async def _file_left(self, run_id: str) -> bool:
        """Write the file of that ended run; a record that cannot be read keeps no other run from being seen to."""
        try:
            await self.leave_file(await self.store.events(run_id))
        except AgentLabError as error:
            log.warning("output_not_written", run_id=run_id, reason=error.message)
            return False
        return True

    async def _drive(self, active: Active, run: CarriedRun) -> None:
        """Walk the run while its lease is renewed; whatever happens, let it go in the end."""
        status: RunEnd = "interrupted"
        active.started = True
        run_id, flow_id, began = run.started.run_id, run.started.flow.id, self.now()
        aside = [asyncio.create_task(self._renew(run_id, active))]
        if self.wire is not None:
            aside.append(asyncio.create_task(tell_others(active.live, self.wire, run_id)))
        try:
            status = await self._carry(active, run)
        finally:
            active.leaving = True
            for task in aside:
                task.cancel()
            self.metrics.run_finished(flow_id, status, (self.now() - began).total_seconds())
            if status in TERMINAL:
                await self.leave_file(active.live.events)
            await self._release(run_id)

    async def _carry(self, active: Active, run: CarriedRun) -> RunEnd:
        """Execute; the status that the run is left in, `interrupted` where it may be taken up again."""
        try:
            try:
                return await execute(run, active.live)
            except asyncio.CancelledError:
                if not active.stop_asked:  # this process is stopping, or the lease went to another
                    return "interrupted"
                run.closed = True
                await run.journal.settle()
                seconds = round(Record.of(active.live.events).seconds, 4)
                await run.journal.write(
                    last_event(active.live.events, at=self.now(), status="cancelled", seconds=seconds)
                )
                return "cancelled"
        except UnrecordedError as error:  # the lease ends, and another worker may try
            log.error("run_interrupted", run_id=run.started.run_id, reason=str(error))
            return "interrupted"

    async def _renew(self, run_id: str, active: Active) -> None:
        """Keep the lease; where another worker has it, stop working. A store that fails is asked again."""
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                if not await self.store.claim(run_id, owner=self.owner, seconds=LEASE_S):
                    break
            except AgentLabError as error:
                log.warning("lease_not_renewed", run_id=run_id, reason=error.message)
        if not active.ended:
            log.warning("lease_lost", run_id=run_id)
            active.stop()

    async def leave_file(self, events: Sequence[RunEvent]) -> None:
        """Write the file of an ended run; one that cannot be written is told in the log."""
        view = fold(events)
        try:
            await asyncio.to_thread(self.outputs.write, view.flow_id, view.run_id, output_document(view))
        except AgentLabError as error:  # the run itself is safe in the store
            log.warning("output_not_written", run_id=view.run_id, reason=error.message)

    async def _claim(self, run_id: str) -> bool:
        """Take the lease; also of a process that has died, whose lease would keep everybody out for a while yet."""
        if await self.store.claim(run_id, owner=self.owner, seconds=LEASE_S):
            return True
        return run_id in await self.bury() and await self.store.claim(run_id, owner=self.owner, seconds=LEASE_S)

    async def _release(self, run_id: str) -> None:
        try:
            await self.store.release(run_id, owner=self.owner)
        except AgentLabError as error:
            log.warning("lease_not_released", run_id=run_id, reason=error.message)

    async def close(self) -> None:
        """Stop working. Runs that have not ended stay so, and may be taken up again."""
        stopping = list(self.active.values())
        for active in stopping:
            active.stop()
        for active in stopping:
            await active.settled()
