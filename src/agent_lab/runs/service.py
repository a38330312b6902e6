"""Starts runs, follows them, stops them, asks people's answers for them, and takes them up where they stopped."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog

from agent_lab.contracts.errors import (
    ConflictError,
    QueueFullError,
    ValidationError,
)
from agent_lab.contracts.events import (
    PersonAnswered,
    RunAdmitted,
    RunEvent,
    RunFinished,
    RunPaused,
    RunQueued,
    RunResumed,
    RunStarted,
)
from agent_lab.contracts.flow_ports import FlowSource
from agent_lab.contracts.run import TERMINAL, ForkPreview, ForkRequest, RunInfo, RunRequest, RunView
from agent_lab.contracts.run_ports import ALL_RUNS, Order, RunFilter, RunStore, Wire
from agent_lab.flows.catalog import flow_hash
from agent_lab.flows.checks import Checker
from agent_lab.runs.admission import Admission
from agent_lab.runs.forking import check_forkable, forked, preview
from agent_lab.runs.live import follow_live, follow_stored
from agent_lab.runs.queue import QueueFigures, QueueRules
from agent_lab.runs.record import beginning
from agent_lab.runs.reducer import fold
from agent_lab.runs.workshop import LEASE_S, Active, Workshop

log = structlog.get_logger(__name__)

ORDER_WAIT_S = 5.0
"""How long is waited for another process to follow an order before its answer is given up on; it is followed yet."""
LOOK_S = 0.1
RETRY_AFTER_S = 10.0
"""When a run that found the queue full may be tried again."""
Clock = Callable[[], datetime]


@dataclass(slots=True)
class RunService:
    """The runs of one store, as every door sees them. Build it in a running event loop; `close` it before that ends."""

    store: RunStore
    flows: FlowSource
    check: Checker
    shop: Workshop
    admission: Admission
    wire: Wire | None = None
    """Between the processes that share the store; None where looking now and then will do."""
    rules: QueueRules = field(default_factory=QueueRules)
    now: Clock = lambda: datetime.now(UTC)
    _queueing: asyncio.Lock = field(default_factory=asyncio.Lock)

    # --- beginning ------------------------------------------------------------------------------------------------
    async def start(
        self,
        request: RunRequest,
        *,
        request_id: str | None = None,
        idempotency_key: str | None = None,
        caller: str = "",
    ) -> RunInfo:
        """Check everything, store the run, and let it go on in the background, or wait for its turn.

        With a key under which a run was started already, that run. Raises NotFoundError for an unknown flow, model or
        strategy, ValidationError for anything else that is wrong with the request, EnvironmentFaultError where outputs
        cannot be written, QueueFullError past the bound of the queue.
        """
        if earlier := await self._earlier(idempotency_key, request):
            return earlier
        found = await self.flows.resolve(request.flow)
        subflows = await self.admission.subflows(found.flow, self.flows)
        self.admission.check(found.flow, request, subflows.values())
        started = RunStarted(
            at=self.now(),
            run_id=new_run_id(self.now()),
            request_id=request_id or uuid.uuid4().hex,
            flow=found.flow,
            flow_hash=found.flow_hash,
            flow_version=found.version,
            subflows=subflows,
            request=request,
        )
        return await self._enter(started, idempotency_key, caller)

    async def _earlier(self, key: str | None, request: RunRequest) -> RunInfo | None:
        info = await self.store.by_key(key) if key is not None else None
        if info is None:
            return None
        if beginning(await self.store.events(info.run_id)).request != request:
            raise ValidationError(
                "Another run was started under this Idempotency-Key; take a new key for another request.",
                where="Idempotency-Key",
            )
        return info

    async def _enter(self, started: RunStarted, key: str | None, caller: str) -> RunInfo:
        """Store the run, and begin it or let it wait."""
        await asyncio.to_thread(self.shop.outputs.check)
        try:
            return await self._store(started, key, caller)
        except ConflictError:
            # Somebody was faster with the same key.
            earlier = await self._earlier(key, started.request)
            if earlier is None:
                raise
            return earlier

    async def _store(self, started: RunStarted, key: str | None, caller: str) -> RunInfo:
        at_once = self.rules.may_begin(caller, self.shop.at_once())
        info = RunInfo(
            run_id=started.run_id,
            flow_id=started.flow.id,
            flow_hash=started.flow_hash,
            flow_version=started.flow_version,
            status="running" if at_once else "queued",
            prompt=started.request.prompt,
            request_id=started.request_id,
            parent_run_id=started.parent_run_id,
            caller=caller,
            created_at=started.at,
        )
        if not at_once:
            return await self._queue(info, started, key)
        active = self.shop.enter(info.run_id, caller)
        try:
            owner = self.shop.owner
            first = await self.store.create(info, [started], owner=owner, seconds=LEASE_S, idempotency_key=key)
            await self.shop.begin(active, first)
        finally:
            self.shop.leave(info.run_id)
        return info

    async def _queue(self, info: RunInfo, started: RunStarted, key: str | None) -> RunInfo:
        async with self._queueing:  # one after the other, or many at once would all find the last place
            ahead = (await self.store.counts()).get("queued", 0)
            if ahead >= self.rules.waiting:
                raise QueueFullError(
                    f"{ahead:,} runs are waiting for their turn already; try again later.", retry_after_s=RETRY_AFTER_S
                )
            await self.store.create(info, [started, RunQueued(at=self.now(), ahead=ahead)], idempotency_key=key)
        return info

    async def admit(self) -> list[str]:
        """Begin queued runs, in their order, as many as there is room for."""
        begun: list[str] = []
        while self.rules.may_begin("", {"": len(self.shop.active)}):
            queued = await self.store.queued(limit=self.rules.waiting)
            info = self.rules.next([one for one in queued if one.run_id not in self.shop.active], self.shop.at_once())
            if info is None:
                break
            if await self._take_up(info, RunAdmitted(at=self.now())):
                begun.append(info.run_id)
        return begun

    # --- going on -------------------------------------------------------------------------------------------------
    async def resume(self, run_id: str) -> RunInfo:
        """Take up a run where its record ends. Raises ConflictError where it has ended or is being worked on."""
        info = await self._unended(run_id)
        if info.status == "queued":
            raise ConflictError(f"Run {run_id} waits for its turn and begins by itself.")
        if run_id in self.shop.active or not await self._take_up(info, RunResumed(at=self.now(), recorded_steps=0)):
            raise ConflictError(f"Run {run_id} is being worked on; watch it with `agent-lab runs watch {run_id}`.")
        return await self.store.get(run_id)

    async def recover(self) -> list[str]:
        """Take up the runs that have not ended and that nobody works on, as many as there is room for."""
        await self.shop.bury()
        taken: list[str] = []
        for run_id in await self.store.abandoned():
            if run_id in self.shop.active:
                continue
            if not self.rules.may_begin("", {"": len(self.shop.active)}):
                break
            info = await self.store.get(run_id)
            if await self._take_up(info, RunResumed(at=self.now(), recorded_steps=0)):
                taken.append(run_id)
        return taken

    async def _take_up(self, info: RunInfo, *news: RunEvent) -> bool:
        self.shop.enter(info.run_id, info.caller)
        try:
            return await self.shop.take_up(info, *news)
        finally:
            self.shop.leave(info.run_id)

    # --- stopping and answering -----------------------------------------------------------------------------------
    async def cancel(self, run_id: str) -> RunInfo:
        """Stop a run for good, its model calls too. Raises ConflictError where it has ended."""
        info = await self._unended(run_id)
        active = self.shop.active.get(run_id)
        if active and active.task:
            active.stop_asked = True
            await asyncio.sleep(0)  # a task that is cancelled before its first step never reaches its own clean-up
            active.stop()
            await active.settled()
        elif not await self.shop.end(info):
            await self._order(Order(run_id=run_id, kind="cancel"), lambda now: now.status in TERMINAL)
        return await self.store.get(run_id)

    async def pause(self, run_id: str) -> RunInfo:
        """Let a run's calls in flight end, and begin nothing more until `resume`. Raises ConflictError."""
        info = await self._unended(run_id)
        if info.status == "paused":
            return info
        active = self.shop.active.get(run_id)
        if active and active.run:
            active.run.pause()
            await active.settled()
        elif not await self.shop.note(run_id, RunPaused(at=self.now())):
            await self._order(Order(run_id=run_id, kind="pause"), lambda now: now.status != "running")
        return await self.store.get(run_id)

    async def answer(self, run_id: str, node: str, text: str, *, visit: int | None = None) -> RunInfo:
        """Give a person's answer to a node's question; the run goes on.

        Raises ConflictError where the node asks nothing, ValidationError for an answer that is not among its choices.
        """
        await self._unended(run_id)
        view = await self.view(run_id)
        asking = next((one for one in view.nodes if one.id == node), None)
        if asking is None or asking.question is None or visit not in (None, asking.visits):
            waiting = ", ".join(one.id for one in view.nodes if one.question is not None) or "none"
            raise ConflictError(f"Node {node[:80]!r} of run {run_id} asks nothing now; asking: {waiting}.")
        if asking.choices and text not in asking.choices:
            raise ValidationError(f"{text[:80]!r} is no choice; answer {' or '.join(asking.choices)}.", where="text")
        order = Order(run_id=run_id, kind="answer", node=node, visit=asking.visits, text=text)
        if not await self.follow_order(order):
            await self._order(order, lambda now: now.status != "waiting")
        return await self.store.get(run_id)

    async def follow_order(self, order: Order) -> bool:
        """Do what was asked of a run, where this process works on it or nobody does; False where another one does."""
        info = await self.store.get(order.run_id)
        active = self.shop.active.get(order.run_id)
        if info.status in TERMINAL:
            return True
        if order.kind == "answer":
            return await self._answered(info, active, order)
        if order.kind == "pause":
            if active and active.run:
                active.run.pause()
                return True
            return await self.shop.note(order.run_id, RunPaused(at=self.now()))
        if active and active.task:
            active.stop_asked = True
            active.stop()
            return True
        return await self.shop.end(info)

    async def _answered(self, info: RunInfo, active: Active | None, order: Order) -> bool:
        given = PersonAnswered(at=self.now(), node=order.node or "", visit=order.visit or 1, text=order.text or "")
        if active is not None and active.run is not None and not active.run.closed:
            if (given.node, given.visit) not in active.run.record.answers:
                active.run.answer(given)
                await active.run.journal.write()
            return True
        if active is not None:
            await active.settled()
        if info.status == "paused":
            return await self.shop.note(info.run_id, given, RunPaused(at=self.now()))
        return await self._take_up(info, RunResumed(at=self.now(), recorded_steps=0), given)

    async def _order(self, order: Order, followed: Callable[[RunInfo], bool]) -> None:
        """Leave an order for the process that works on the run, and give it a while."""
        await self.store.order(order)
        if self.wire is not None:
            await self.wire.nudge(order.run_id)
        for _ in range(round(ORDER_WAIT_S / LOOK_S)):
            if followed(await self.store.get(order.run_id)):
                return
            await asyncio.sleep(LOOK_S)

    # --- again ----------------------------------------------------------------------------------------------------
    async def fork(
        self,
        run_id: str,
        fork: ForkRequest,
        *,
        request_id: str | None = None,
        idempotency_key: str | None = None,
        caller: str = "",
    ) -> RunInfo:
        """Run an ended run once more with something changed; what the change does not touch is not paid for again.

        Raises ConflictError for a run that has not ended, and what `start` raises.
        """
        check_forkable(await self.store.get(run_id))
        first = beginning(await self.store.events(run_id))
        what = forked(first, fork, self.check)
        if earlier := await self._earlier(idempotency_key, what.request):
            return earlier
        self.admission.check(what.flow, what.request, first.subflows.values())
        changed = what.flow != first.flow
        started = first.model_copy(
            update={
                "seq": 0,
                "at": self.now(),
                "run_id": new_run_id(self.now()),
                "request_id": request_id or uuid.uuid4().hex,
                "flow": what.flow,
                "flow_hash": flow_hash(what.flow) if changed else first.flow_hash,
                "flow_version": None if changed else first.flow_version,
                "request": what.request,
                "parent_run_id": run_id,
                "from_node": fork.from_node,
            }
        )
        return await self._enter(started, idempotency_key, caller)

    async def preview(self, run_id: str, fork: ForkRequest) -> ForkPreview:
        """What that fork would take, if it goes the way of the first run. Raises what `fork` raises."""
        check_forkable(await self.store.get(run_id))
        events = await self.store.events(run_id)
        what = forked(beginning(events), fork, self.check)
        return preview(events, fork, what, self.shop.kinds)

    async def retry(self, run_id: str, *, request_id: str | None = None, caller: str = "") -> RunInfo:
        """Run an ended run once more from where it broke: what it had is taken over. Raises ConflictError."""
        info = await self.store.get(run_id)
        if info.status in {"completed", "declined"}:
            raise ConflictError(f"Run {run_id} came to its end ({info.status}); fork it to ask something else.")
        return await self.fork(run_id, ForkRequest(), request_id=request_id, caller=caller)

    # --- looking --------------------------------------------------------------------------------------------------
    async def view(self, run_id: str) -> RunView:
        """The run as its events add up. Raises NotFoundError."""
        return fold(await self.events(run_id))

    async def events(self, run_id: str) -> list[RunEvent]:
        """Everything that is stored of the run. Raises NotFoundError."""
        return list(await self.store.events(run_id))

    async def list(self, *, limit: int = 50, before: str | None = None, only: RunFilter = ALL_RUNS) -> list[RunInfo]:
        """Runs, newest first."""
        return list(await self.store.list(limit=limit, before=before, only=only))

    async def counts(self) -> QueueFigures:
        """Runs by state."""
        found = await self.store.counts()
        return QueueFigures(
            queued=found.get("queued", 0),
            running=found.get("running", 0),
            waiting=found.get("waiting", 0),
            paused=found.get("paused", 0),
            active=len(self.shop.active),
            limit=self.rules.at_once,
            queue_limit=self.rules.waiting,
        )

    async def watch(self, run_id: str, after: int = 0, *, to_the_end: bool = False) -> AsyncIterator[RunEvent]:
        """Stored events after that number, then live ones and tokens, until the run ends and its file is written.

        Ends early where the run was left, paused or waiting for a person, unless `to_the_end`; and where this process
        could not go on with it. Raises NotFoundError.
        """
        seen, ended = after, False
        while not ended:
            active = self.shop.active.get(run_id)
            if active is not None and not active.live.closed:
                events, leaves = follow_live(active.live, seen), not to_the_end
            else:
                events, leaves = self._stored(run_id, seen, to_the_end=to_the_end), False
            async for event in events:
                seen, ended = max(seen, event.seq), isinstance(event, RunFinished)
                yield event
            if active is not None:
                await active.settled()
            ended = ended or leaves or await self._rests(run_id, to_the_end=to_the_end)

    def _stored(self, run_id: str, after: int, *, to_the_end: bool) -> AsyncIterator[RunEvent]:
        """Events as another process stores them, until the run ends, rests, or is worked on here."""

        async def over() -> bool:
            return run_id in self.shop.active or await self._rests(run_id, to_the_end=to_the_end)

        return follow_stored(self.store, self.wire, run_id, after, over)

    async def _rests(self, run_id: str, *, to_the_end: bool) -> bool:
        status = (await self.store.get(run_id)).status
        return status in TERMINAL or (status in {"paused", "waiting"} and not to_the_end)

    async def wait(self, run_id: str) -> RunView:
        """The run once it has ended and left its file, or as far as this process could carry it."""
        async for _ in self.watch(run_id):
            pass
        return await self.view(run_id)

    def output_path(self, info: RunInfo) -> Path:
        """Where the run leaves its file."""
        return self.shop.outputs.path(info.flow_id, info.run_id)

    async def close(self) -> None:
        """Stop working. Runs that have not ended stay so, and may be taken up again."""
        await self.shop.close()

    async def _unended(self, run_id: str) -> RunInfo:
        info = await self.store.get(run_id)
        if info.status in TERMINAL:
            raise ConflictError(f"Run {run_id} has ended already ({info.status}).")
        return info


def new_run_id(now: datetime) -> str:
    """A run's id: its second, so that ids sort by time, and 40 random bits."""
    return f"{now:%Y%m%dt%H%M%S}-{secrets.token_hex(5)}"
