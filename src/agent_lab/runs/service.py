"""Starts runs, follows them, stops them, asks people's answers for them, and takes them up where they stopped."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from agent_lab.contracts.errors import (
    ConflictError,
    QueueFullError,
    ValidationError,
)
from agent_lab.contracts.events import (
    RunEvent,
    RunFinished,
    RunQueued,
    RunStarted,
)
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import FlowSource
from agent_lab.contracts.run import TERMINAL, ForkPreview, ForkRequest, RunInfo, RunRequest, RunView
from agent_lab.contracts.run_ports import ALL_RUNS, RunFilter, RunStore
from agent_lab.contracts.sentences import said
from agent_lab.contracts.streams import closing
from agent_lab.flows.catalog import flow_hash
from agent_lab.flows.checks import Checker
from agent_lab.runs.admission import Admission
from agent_lab.runs.forking import check_forkable, forked, preview
from agent_lab.runs.live import follow_live, follow_stored
from agent_lab.runs.queue import QueueFigures, QueueRules
from agent_lab.runs.record import beginning, with_seconds
from agent_lab.runs.reducer import fold
from agent_lab.runs.steering import Steering
from agent_lab.runs.workshop import LEASE_S, Workshop

log = structlog.get_logger(__name__)

RETRY_AFTER_S = 10.0
"""When a run that found the queue full may be tried again."""


@dataclass(slots=True)
class RunService:
    """The runs of one store, as every door sees them. Build it in a running event loop; `close` it before that ends."""

    flows: FlowSource
    check: Checker
    shop: Workshop
    """Has the store, the clock and the wire to other processes, which are the service's too."""
    admission: Admission
    rules: QueueRules = field(default_factory=QueueRules)
    _queueing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def store(self) -> RunStore:
        """Where the runs are kept."""
        return self.shop.store

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
        key = _key_of(caller, idempotency_key)
        if earlier := await self._earlier(key, request):
            return earlier
        found = await self.flows.resolve(request.flow, only=request.only)
        subflows = await self.admission.subflows(found.flow, self.flows, only=request.only)
        self.admission.check(found.flow, request, subflows.values())
        started = RunStarted(
            at=self.shop.now(),
            run_id=new_run_id(self.shop.now()),
            request_id=request_id or uuid.uuid4().hex,
            flow=_as_run(found.flow),
            flow_hash=found.flow_hash,
            flow_version=found.version,
            subflows={name: _as_run(inner) for name, inner in subflows.items()},
            request=request,
        )
        return await self._enter(started, key, caller)

    async def _earlier(
        self,
        key: str | None,
        request: RunRequest,
        *,
        parent: str | None = None,
        from_node: str | None = None,
        flow: FlowConfig | None = None,
    ) -> RunInfo | None:
        """The run under that key, where it is what is asked for now: of a fork its parent and its flow too."""
        info = await self.store.by_key(key) if key is not None else None
        if info is None:
            return None
        begun = beginning(await self.store.events(info.run_id))
        asked = (request, parent, from_node)
        if (begun.request, begun.parent_run_id, begun.from_node) != asked or flow not in (None, begun.flow):
            raise ValidationError(
                said(
                    "key_taken",
                    "Another run was started under this Idempotency-Key; take a new key for another request.",
                ),
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
            parent, flow = started.parent_run_id, started.flow if started.parent_run_id else None
            earlier = await self._earlier(key, started.request, parent=parent, from_node=started.from_node, flow=flow)
            if earlier is None:
                raise
            return earlier

    async def _store(self, started: RunStarted, key: str | None, caller: str) -> RunInfo:
        going = self.shop.at_once()
        at_once = self.rules.may_begin(caller, going)
        # A place that has just become free is that of a run which waits for it.
        at_once = at_once and not any(self.rules.may_begin(other, going) for other in self.shop.waiting.values())
        info = RunInfo(
            run_id=started.run_id,
            flow_id=started.flow.id,
            flow_hash=started.flow_hash,
            flow_version=started.flow_version,
            status="running" if at_once else "queued",
            prompt=started.request.prompt,
            request_id=started.request_id,
            parent_run_id=started.parent_run_id,
            only_node=started.request.only,
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
            own = (await self.store.counts(info.caller)).get("queued", 0) if info.caller else 0
            if reason := self.rules.why_full(info.caller, ahead, own):
                raise QueueFullError(reason, retry_after_s=RETRY_AFTER_S)
            await self.store.create(info, [started, RunQueued(at=self.shop.now(), ahead=ahead)], idempotency_key=key)
            self.shop.waiting[info.run_id] = info.caller
        return info

    # --- between beginning and end --------------------------------------------------------------------------------
    @property
    def steering(self) -> Steering:
        """What can be done with a run that goes on, or that nobody works on."""
        return Steering(self.shop, self.rules)

    async def resume(self, run_id: str) -> RunInfo:
        """Take up a run where its record ends. Raises ConflictError where it has ended or is being worked on."""
        return await self.steering.resume(run_id)

    async def recover(self) -> list[str]:
        """Take up the runs that have not ended and that nobody works on, as many as there is room for."""
        return await self.steering.recover()

    async def cancel(self, run_id: str) -> RunInfo:
        """Stop a run for good, its model calls too. Raises ConflictError where it has ended."""
        return await self.steering.cancel(run_id)

    async def pause(self, run_id: str) -> RunInfo:
        """Let a run's calls in flight end, and begin nothing more until `resume`. Raises ConflictError."""
        return await self.steering.pause(run_id)

    async def answer(self, run_id: str, node: str, text: str, *, visit: int | None = None) -> RunInfo:
        """Give a person's answer to a node's question; the run goes on.

        Raises ConflictError where the node asks nothing, ValidationError for an answer that is not among its choices.
        """
        return await self.steering.answer(run_id, node, text, visit=visit)

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
        key = _key_of(caller, idempotency_key)
        if earlier := await self._earlier(key, what.request, parent=run_id, from_node=fork.from_node, flow=what.flow):
            return earlier
        self.admission.check(what.flow, what.request, first.subflows.values())
        changed = what.flow != first.flow
        started = first.model_copy(
            update={
                "seq": 0,
                "at": self.shop.now(),
                "run_id": new_run_id(self.shop.now()),
                "request_id": request_id or uuid.uuid4().hex,
                "flow": what.flow,
                "flow_hash": flow_hash(what.flow) if changed else first.flow_hash,
                "flow_version": None if changed else first.flow_version,
                "request": what.request,
                "parent_run_id": run_id,
                "from_node": fork.from_node,
            }
        )
        return await self._enter(started, key, caller)

    async def preview(self, run_id: str, fork: ForkRequest) -> ForkPreview:
        """What that fork would take, if it goes the way of the first run. Raises what `fork` raises."""
        check_forkable(await self.store.get(run_id))
        events = await self.store.events(run_id)
        first = beginning(events)
        what = forked(first, fork, self.check)
        self.admission.check(what.flow, what.request, first.subflows.values())
        return preview(events, fork, what, self.shop.kinds)

    async def retry(
        self, run_id: str, *, request_id: str | None = None, idempotency_key: str | None = None, caller: str = ""
    ) -> RunInfo:
        """Run an ended run once more from where it broke: what it had is taken over. Raises ConflictError."""
        info = await self.store.get(run_id)
        if info.status in {"completed", "declined"}:
            raise ConflictError(
                said(
                    "run_came_to_end",
                    "Run {run} came to its end ({status}); fork it to ask something else.",
                    run=run_id,
                    status=info.status,
                )
            )
        return await self.fork(
            run_id, ForkRequest(), request_id=request_id, idempotency_key=idempotency_key, caller=caller
        )

    # --- looking --------------------------------------------------------------------------------------------------
    async def view(self, run_id: str) -> RunView:
        """The run as its events add up. Raises NotFoundError."""
        return fold(await self.events(run_id))

    async def so_far(self, run_id: str) -> RunView:
        """The same, and of a run that has not ended also the seconds that it was worked on."""
        active = self.shop.active.get(run_id)
        goes_on = active is not None and active.run is not None
        events = await self.events(run_id)
        return with_seconds(fold(events), events, until=self.shop.now() if goes_on else None)

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
            async with closing(events):  # a reader who leaves listens to nothing any more
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

        return follow_stored(self.store, self.shop.wire, run_id, after, over)

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


def new_run_id(now: datetime) -> str:
    """A run's id: its second, so that ids sort by time, and 40 random bits."""
    return f"{now:%Y%m%dt%H%M%S}-{secrets.token_hex(5)}"


def _key_of(caller: str, key: str | None) -> str | None:
    """The idempotency key as it is kept: each caller has its own."""
    return key if key is None or not caller else f"{caller}\n{key}"  # no header holds a line break


def _as_run(flow: FlowConfig) -> FlowConfig:
    """What a run needs of a flow: all but its test cases, which may be as large again."""
    return flow.model_copy(update={"tests": ()}) if flow.tests else flow
