"""Takes runs up, stops them, and gives them people's answers, whichever process works on them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from agent_lab.contracts.errors import AgentLabError, ConflictError, ValidationError
from agent_lab.contracts.events import PersonAnswered, RunAdmitted, RunEvent, RunPaused, RunResumed
from agent_lab.contracts.run import TERMINAL, NodeView, RunInfo
from agent_lab.contracts.run_ports import Order, Queued, RunStore
from agent_lab.contracts.sentences import said
from agent_lab.runs.journal import UnrecordedError
from agent_lab.runs.queue import QueueRules
from agent_lab.runs.record import Record
from agent_lab.runs.reducer import fold
from agent_lab.runs.workshop import Active, Workshop

log = structlog.get_logger(__name__)

ORDER_WAIT_S = 5.0
"""How long is waited for another process to follow an order before its answer is given up on; it is followed yet."""
LOOK_S = 0.1


@dataclass(slots=True)
class Steering:
    """What can be done with a run between its beginning and its end."""

    shop: Workshop
    rules: QueueRules

    @property
    def store(self) -> RunStore:
        """Where the runs are kept."""
        return self.shop.store

    async def admit(self) -> list[str]:
        """Begin queued runs, in their order, as many as there is room for."""
        begun: list[str] = []
        broken: set[str] = set()
        while self._has_room():
            queued = await self.store.queued(limit=self.rules.waiting)
            still = {one.run_id for one in queued}
            self.shop.waiting = {run_id: caller for run_id, caller in self.shop.waiting.items() if run_id in still}
            waiting = [one for one in queued if one.run_id not in self.shop.active and one.run_id not in broken]
            run = self.rules.next(waiting, self.shop.at_once())
            if run is None:
                break
            if await self._take_up_safely(run, RunAdmitted(at=self.shop.now())):
                begun.append(run.run_id)
            else:
                broken.add(run.run_id)
        return begun

    async def resume(self, run_id: str) -> RunInfo:
        """Take up a run where its record ends. Raises ConflictError where it has ended or is being worked on."""
        info = await self._unended(run_id)
        if info.status == "queued":
            raise ConflictError(said("run_in_queue", "Run {run} waits for its turn and begins by itself.", run=run_id))
        if run_id in self.shop.active or not await self._take_up(info, self._resumed()):
            raise ConflictError(
                said(
                    "run_worked_on",
                    "Run {run} is being worked on; watch it with `agent-lab runs watch {run}`.",
                    run=run_id,
                )
            )
        return await self.store.get(run_id)

    async def recover(self) -> list[str]:
        """Take up the runs that have not ended and that nobody works on, as many as there is room for."""
        await self.shop.bury()
        taken: list[str] = []
        for run_id in await self.store.abandoned():
            if not self._has_room():
                break
            if run_id not in self.shop.active and await self._take_up_safely(
                await self.store.get(run_id), self._resumed()
            ):
                taken.append(run_id)
        return taken

    def _has_room(self) -> bool:
        return len(self.shop.active) < self.rules.at_once

    def _resumed(self) -> RunResumed:
        return RunResumed(at=self.shop.now(), recorded_steps=0)

    async def _take_up_safely(self, run: RunInfo | Queued, news: RunEvent) -> bool:
        """The same, but a run that cannot be taken up keeps no other one from it."""
        try:
            return await self._take_up(run, news)
        except AgentLabError as error:
            log.warning("run_not_taken_up", run_id=run.run_id, reason=error.message)
            return False

    async def _take_up(self, run: RunInfo | Queued, *news: RunEvent) -> bool:
        self.shop.enter(run.run_id, run.caller)
        try:
            return await self.shop.take_up(run.run_id, *news)
        finally:
            self.shop.leave(run.run_id)

    async def cancel(self, run_id: str) -> RunInfo:
        """Stop a run for good, its model calls too. Raises ConflictError where it has ended."""
        info = await self._unended(run_id)
        if active := await self.shop.at_work(run_id):
            self._stop(active)
            await active.settled()
            info = await self.store.get(run_id)  # it may have been let go just then, waiting or paused
        if info.status not in TERMINAL and not await self.shop.end(info):
            await self._order(Order(run_id=run_id, kind="cancel"), lambda now: now.status in TERMINAL)
        return await self.store.get(run_id)

    async def pause(self, run_id: str) -> RunInfo:
        """Let a run's calls in flight end, and begin nothing more until `resume`. Raises ConflictError."""
        info = await self._unended(run_id)
        if (active := await self.shop.at_work(run_id)) and active.run:
            active.run.pause()
            await active.settled()
            info = await self.store.get(run_id)
        if info.status == "paused" or info.status in TERMINAL:
            return info
        if not await self.shop.note(run_id, RunPaused(at=self.shop.now())):
            await self._order(Order(run_id=run_id, kind="pause"), lambda now: now.status != "running")
        return await self.store.get(run_id)

    async def answer(self, run_id: str, node: str, text: str, *, visit: int | None = None) -> RunInfo:
        """Give a person's answer to a node's question; the run goes on.

        Raises ConflictError where the node asks nothing, ValidationError for an answer that is not among its choices,
        and for an empty one that stands for no default.
        """
        await self._unended(run_id)
        view = fold(await self.store.events(run_id))
        asking = next((one for one in view.nodes if one.id == node), None)
        if asking is None or asking.question is None or visit not in (None, asking.visits):
            waiting = [one.id for one in view.nodes if one.question is not None] or said("none_asks", "none")
            raise ConflictError(
                said(
                    "asks_nothing",
                    "Node {node!r} of run {run} asks nothing now; asking: {waiting}.",
                    node=node[:80],
                    run=run_id,
                    waiting=waiting,
                )
            )
        meant = _meant(asking, text)
        order = Order(run_id=run_id, kind="answer", node=node, visit=asking.visits, text=meant)
        if not await self.follow_order(order):
            await self._order(order, lambda now: now.status != "waiting")
        return await self.store.get(run_id)

    async def follow_order(self, order: Order) -> bool:
        """Do what was asked of a run, where this process works on it or nobody does; False where another one does."""
        if order.kind == "answer":
            return await self._answered(order)
        active = await self.shop.at_work(order.run_id)
        if active and active.run and not active.run.closed:
            active.run.pause() if order.kind == "pause" else self._stop(active)
            return True
        if active:
            await active.settled()
        info = await self.store.get(order.run_id)
        if info.status in TERMINAL:
            return True
        if order.kind == "pause":
            return await self.shop.note(order.run_id, RunPaused(at=self.shop.now()))
        return await self.shop.end(info)

    def _stop(self, active: Active) -> None:
        active.stop_asked = True
        active.stop()

    async def _answered(self, order: Order) -> bool:
        given = PersonAnswered(at=self.shop.now(), node=order.node or "", visit=order.visit or 1, text=order.text or "")
        while True:
            if active := await self.shop.at_work(order.run_id):
                if await self._heard(active, given):
                    return True
                await active.settled()
            info = await self.store.get(order.run_id)
            known = Record.of(await self.store.events(order.run_id)).answers
            if info.status in TERMINAL or (given.node, given.visit) in known:
                return True
            if order.run_id not in self.shop.active:  # or somebody was faster meanwhile
                break
        if info.status == "paused":
            return await self.shop.note(info.run_id, given, RunPaused(at=self.shop.now()))
        return await self._take_up(info, self._resumed(), given)

    async def _heard(self, active: Active, given: PersonAnswered) -> bool:
        """Whether the run that goes on here has taken in the answer, or has had one to that question."""
        run = active.run
        if run is None or run.closed:
            return False
        try:
            if (given.node, given.visit) not in run.record.answers:
                run.answer(given)
            await run.journal.write()
        except UnrecordedError:  # the run stops here, and the answer is not in its record
            return False
        return True

    async def _order(self, order: Order, followed: Callable[[RunInfo], bool]) -> None:
        """Leave an order for the process that works on the run, and give it a while."""
        await self.store.order(order)
        if self.shop.wire is not None:
            await self.shop.wire.nudge(order.run_id)
        for _ in range(round(ORDER_WAIT_S / LOOK_S)):
            if followed(await self.store.get(order.run_id)):
                return
            await asyncio.sleep(LOOK_S)

    async def _unended(self, run_id: str) -> RunInfo:
        info = await self.store.get(run_id)
        if info.status in TERMINAL:
            raise ConflictError(
                said("run_has_ended", "Run {run} has ended already ({status}).", run=run_id, status=info.status)
            )
        return info


def _meant(asking: NodeView, text: str) -> str:
    """The answer; of choices the one that is meant, whatever the case of its letters."""
    meant = text.strip().casefold()
    if not meant and asking.default is not None:
        return text
    if asking.choices:
        for choice in asking.choices:
            if choice.strip().casefold() == meant:
                return choice
        raise ValidationError(
            said("no_choice", "{text!r} is no choice; answer {either:any}.", text=text[:80], either=asking.choices),
            where="text",
        )
    if not meant:
        raise ValidationError(said("answer_empty", "The answer is empty; write one."), where="text")
    return text
