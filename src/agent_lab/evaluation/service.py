"""Evaluations as every door sees them: estimated, started, followed, taken up again, reported."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import structlog

from agent_lab.contracts.errors import AgentLabError, ConflictError, ValidationError
from agent_lab.contracts.evaluation import (
    ENDED,
    ArmOrigin,
    Cell,
    EvaluationEstimate,
    EvaluationInfo,
    EvaluationSpec,
    ImportedArm,
    Item,
    Progress,
)
from agent_lab.contracts.evaluation_ports import AnswerCache, BadgeStore, DatasetStore, EvaluationStore
from agent_lab.contracts.evaluation_report import Badge, Report
from agent_lab.contracts.ports import Generator
from agent_lab.contracts.sentences import said, told_by, told_of
from agent_lab.evaluation.arms.plans import Planner
from agent_lab.evaluation.badges import changed_since
from agent_lab.evaluation.expiry import Expiry
from agent_lab.evaluation.importing.cells import imported_cells
from agent_lab.evaluation.importing.reading import ImportedAnswer
from agent_lab.evaluation.report.reporting import outcomes_of, report_of
from agent_lab.evaluation.running.cache import CachedGenerator
from agent_lab.evaluation.running.desk import Desk, place_of
from agent_lab.evaluation.running.origins import Rows
from agent_lab.evaluation.running.prepared import Prepared, prepared, scorer_for
from agent_lab.evaluation.running.purse import Purse
from agent_lab.evaluation.running.stages import Stages
from agent_lab.evaluation.running.terms import Terms
from agent_lab.evaluation.running.work import LEASE_S, POLL_S, Work
from agent_lab.evaluation.scorers.table import warnings_of
from agent_lab.runs.owners import has_died, new_owner

log = structlog.get_logger(__name__)

Estimate = Callable[[Prepared], EvaluationEstimate]


@dataclass(slots=True, kw_only=True)
class EvaluationService:
    """The evaluations of one store. Build it in a running event loop; `close` it before that ends."""

    datasets: DatasetStore
    store: EvaluationStore
    badge_store: BadgeStore
    answers: AnswerCache
    generator: Generator
    planner: Planner
    terms: Terms
    rows: Rows
    estimated: Estimate
    owner: str = field(default_factory=new_owner)
    _active: dict[str, Work] = field(default_factory=dict)
    _reports: dict[str, Report] = field(default_factory=dict)
    """Of evaluations that have ended, the last few."""

    # --- beginning ------------------------------------------------------------------------------------------------
    async def estimate(self, spec: EvaluationSpec) -> EvaluationEstimate:
        """What it would take, and what difference it could show. Raises what `start` raises."""
        found = await asyncio.to_thread(self.estimated, await self._prepared(spec))
        more = await warnings_of(spec.scorer)
        told = {**found.said, **told_by(more)}
        return found.model_copy(update={"warnings": (*found.warnings, *more), "said": told})

    async def start(self, spec: EvaluationSpec, *, caller: str = "") -> EvaluationInfo:
        """Check everything, store it, and let it go on in the background.

        Raises NotFoundError for an unknown dataset, flow, node or model, ValidationError for what does not go together.
        """
        imported = [arm.name for arm in spec.arms if isinstance(arm, ImportedArm)]
        if imported:
            raise ValidationError(
                said(
                    "answers_elsewhere",
                    "The answers of the arm {arm!r} were made elsewhere; import them with `agent-lab eval import`.",
                    arm=imported[0],
                )
            )
        return await self._create(await self._prepared(spec), {}, caller)

    async def import_answers(
        self, spec: EvaluationSpec, answers: Mapping[str, Sequence[ImportedAnswer]], *, caller: str = ""
    ) -> EvaluationInfo:
        """An evaluation whose imported arms have these answers, by arm; the other arms are asked.

        Raises what `start` raises.
        """
        return await self._create(await self._prepared(spec), answers, caller)

    async def _prepared(self, spec: EvaluationSpec) -> Prepared:
        return await prepared(spec, datasets=self.datasets, planner=self.planner, rows=self.rows)

    async def _create(
        self, what: Prepared, answers: Mapping[str, Sequence[ImportedAnswer]], caller: str
    ) -> EvaluationInfo:
        cells, notes = await imported_cells(what, answers, scorer_for(what.spec, self.generator)[0])
        now = datetime.now(UTC)
        info = EvaluationInfo(
            evaluation_id=f"eval-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}",
            spec=what.spec,
            dataset=what.dataset,
            status="running",
            progress=Progress(cells=len(cells), of=_cells_of(what) + len(cells)),
            caller=caller,
            created_at=now,
        )
        await self.store.create(info, what.items)
        await self.store.claim(info.evaluation_id, owner=self.owner, seconds=LEASE_S)
        await self.store.put_origins(info.evaluation_id, _noted(what.origins, notes))
        await self.store.add_cells(info.evaluation_id, cells)
        self._begin(info)
        return info

    # --- between beginning and end --------------------------------------------------------------------------------
    async def resume(self, evaluation_id: str, *, budget_usd: Decimal | None = None) -> EvaluationInfo:
        """Go on with one that ended early; what was answered is not paid again. Raises ConflictError, NotFoundError."""
        info = await self.store.get(evaluation_id)
        if info.status == "completed":
            raise ConflictError(
                said(
                    "evaluation_complete",
                    "Evaluation {id} has all its answers; start another one to ask anew.",
                    id=evaluation_id,
                )
            )
        if await self._at_work(evaluation_id) or not await self._claim(evaluation_id):
            raise ConflictError(
                said("evaluation_goes_on", "Evaluation {id} goes on; watch it, or cancel it first.", id=evaluation_id)
            )
        spec = info.spec if budget_usd is None else info.spec.model_copy(update={"budget_usd": budget_usd})
        changes = {"spec": spec, "status": "running", "fault": None, "finished_at": None, "outcomes": ()}
        info = info.model_copy(update=changes)
        await self.store.update(info)
        self._begin(info)
        return info

    async def cancel(self, evaluation_id: str) -> EvaluationInfo:
        """Stop it; what it has is kept. Raises ConflictError where it has ended, NotFoundError."""
        info = await self.store.get(evaluation_id)
        if await self._at_work(evaluation_id):
            await self._active[evaluation_id].stop(cancel=True)
            return await self.store.get(evaluation_id)
        if info.status in ENDED:
            raise ConflictError(
                said(
                    "evaluation_ended",
                    "Evaluation {id} has ended already ({status}).",
                    id=evaluation_id,
                    status=info.status,
                )
            )
        await self._claim(evaluation_id, by_force=True)  # whoever works on it sees that within seconds, and stops
        info = info.model_copy(update={"status": "cancelled", "finished_at": datetime.now(UTC)})
        await self.store.update(info)
        return info

    async def delete(self, evaluation_id: str) -> None:
        """Forget it. Raises ConflictError where it goes on, NotFoundError."""
        info = await self.store.get(evaluation_id)
        if await self._at_work(evaluation_id) or (info.status not in ENDED and not await self._claim(evaluation_id)):
            raise ConflictError(
                said("evaluation_to_cancel", "Evaluation {id} goes on; cancel it first.", id=evaluation_id)
            )
        self._reports.pop(evaluation_id, None)
        await self.store.delete(evaluation_id)

    async def recover(self) -> Sequence[str]:
        """Take up what a process has left that is there no more; the ids."""
        taken: list[str] = []
        for evaluation_id, _ in await self.store.unfinished():
            if evaluation_id in self._active:
                continue
            try:
                if await self._claim(evaluation_id):
                    self._begin(await self.store.get(evaluation_id))
                    taken.append(evaluation_id)
            except AgentLabError as error:  # one that cannot be read keeps no other from being taken up
                log.warning("evaluation_not_taken_up", evaluation_id=evaluation_id, reason=error.message)
        return taken

    async def _claim(self, evaluation_id: str, *, by_force: bool = False) -> bool:
        """Take the lease; also that of a process that has died, or of any by force."""
        held_by = dict(await self.store.unfinished()).get(evaluation_id)
        instead_of = held_by if held_by is not None and (by_force or has_died(held_by)) else None
        seconds = SEEN_S if by_force else LEASE_S
        return await self.store.claim(evaluation_id, owner=self.owner, seconds=seconds, instead_of=instead_of)

    async def _at_work(self, evaluation_id: str) -> bool:
        """True where this process works on it. One that has just ended is waited for until it is let go."""
        work = self._active.get(evaluation_id)
        if work is not None and work.info.status in ENDED:
            await work.settled()
            self._let_go(work)
        return evaluation_id in self._active

    def _begin(self, info: EvaluationInfo) -> None:
        work = self._active[info.evaluation_id] = Work(info, self.store, self.owner)
        work.begin(self._carry_out, self._finish).add_done_callback(lambda _: self._let_go(work))

    def _let_go(self, work: Work) -> None:
        if self._active.get(work.info.evaluation_id) is work:
            del self._active[work.info.evaluation_id]

    async def _carry_out(self, work: Work) -> None:
        info, store = work.info, self.store
        items = await store.items(info.evaluation_id)
        what = await prepared(info.spec, datasets=self.datasets, planner=self.planner, rows=self.rows, items=items)
        origins = {origin.arm: origin for origin in await store.origins(info.evaluation_id)}
        _check_unchanged(origins, what)
        purse = Purse(info.spec.budget_usd, info.progress.paid_usd or Decimal(0))
        cached = CachedGenerator(self.generator, self.answers, self.terms, purse, info.evaluation_id)
        scorer, judge = scorer_for(info.spec, cached)
        desk = Desk(
            info=info,
            store=store,
            generator=cached,
            kinds=self.planner.kinds,
            scorer=scorer,
            cells={place_of(cell): cell for cell in await store.cells(info.evaluation_id)},
            held=partial(store.claim, info.evaluation_id, owner=self.owner, seconds=LEASE_S),
            told=work.tell,
        )
        stages = Stages(
            desk=desk,
            items=items,
            planner=self.planner,
            rows=self.rows,
            datasets=self.datasets,
            plans=dict(what.plans),
            origins=origins,
            judge=judge,
        )
        keeping = asyncio.create_task(desk.keep_on())
        try:
            await stages.carry_out()
        finally:
            keeping.cancel()
            await desk.keep()
            await store.put_origins(info.evaluation_id, list(origins.values()))

    async def _finish(self, info: EvaluationInfo) -> EvaluationInfo:
        """Sum it up: what is said of it in lists, and the badges of its flows."""
        report = await self._built(info)
        origins = await self.store.origins(info.evaluation_id)
        for badge in report.badges:
            flows = {arm.name for arm in info.spec.arms if getattr(arm, "flow", "").partition("@")[0] == badge.flow}
            concerned = [one for one in origins if one.arm == badge.baseline or one.arm in flows]
            await self.badge_store.put(badge, concerned)
        return info.model_copy(update={"outcomes": outcomes_of(report)})

    # --- looking --------------------------------------------------------------------------------------------------
    async def get(self, evaluation_id: str) -> EvaluationInfo:
        """Raises NotFoundError."""
        work = self._active.get(evaluation_id)
        return await self.store.get(evaluation_id) if work is None else work.info

    async def list(self, *, limit: int = 50, before: str | None = None) -> Sequence[EvaluationInfo]:
        """The newest first. Raises NotFoundError where there is none `before`."""
        return await self.store.list(limit=limit, before=before)

    async def wait(self, evaluation_id: str) -> EvaluationInfo:
        """The evaluation once it has ended, or as far as anybody carries it."""
        async for _ in self.watch(evaluation_id):
            pass
        await self._at_work(evaluation_id)
        return await self.get(evaluation_id)

    async def watch(self, evaluation_id: str) -> AsyncIterator[EvaluationInfo]:
        """It as it goes on, the last time at its end; of one that nobody works on as it stands."""
        while True:
            work = self._active.get(evaluation_id)
            if work is not None:
                async for info in work.follow():
                    yield info
                return
            info = await self.store.get(evaluation_id)
            yield info
            if info.status in ENDED or dict(await self.store.unfinished()).get(evaluation_id) is None:
                return
            await asyncio.sleep(POLL_S)

    async def report(self, evaluation_id: str) -> Report:
        """All that can be said of it now, also of one that has not ended. Raises NotFoundError."""
        info = await self.get(evaluation_id)
        known = self._reports.get(evaluation_id)
        if known is not None and known.evaluation.status == info.status and info.status in ENDED:
            return known.model_copy(update={"evaluation": info})
        return await self._built(info)

    async def _built(self, info: EvaluationInfo) -> Report:
        evaluation_id = info.evaluation_id
        items: Sequence[Item] = await self.store.items(evaluation_id)
        cells, origins = await self.store.cells(evaluation_id), await self.store.origins(evaluation_id)
        scorer = scorer_for(info.spec, self.generator)[0]
        report = await asyncio.to_thread(partial(report_of, info, items, cells, origins, scorer))
        if info.status in ENDED:
            self._reports[evaluation_id] = report
            while len(self._reports) > MOST_REPORTS:
                del self._reports[next(iter(self._reports))]
        return report

    async def cells(self, evaluation_id: str) -> Sequence[Cell]:
        """Its answers, one by one. Raises NotFoundError."""
        return await self.store.cells(evaluation_id)

    async def badges(self) -> Sequence[Badge]:
        """The newest badge of each flow; what has expired says why."""
        return [await self._expiry.told(badge, origins) for badge, origins in await self.badge_store.list()]

    async def badge(self, flow: str) -> Badge | None:
        """The newest badge of that flow."""
        found = await self.badge_store.get(flow.partition("@")[0])
        return None if found is None else await self._expiry.told(*found)

    @property
    def _expiry(self) -> Expiry:
        return Expiry(store=self.store, planner=self.planner, rows=self.rows)

    async def close(self) -> None:
        """Stop working. What has not ended can be taken up again."""
        for work in [*self._active.values()]:
            await work.stop(cancel=False)


MOST_REPORTS = 8
SEEN_S = 6.0
"""Within this time whoever works on an evaluation has seen that the lease went to somebody else."""


def _cells_of(what: Prepared) -> int:
    """Answers that are to be given."""
    return len(what.items) * what.spec.samples * sum(not isinstance(arm, ImportedArm) for arm in what.spec.arms)


def _noted(origins: Sequence[ArmOrigin], notes: Mapping[str, str]) -> list[ArmOrigin]:
    return [
        one.model_copy(update={"sentence": str(note), "said": told_of(note)})
        if (note := notes.get(one.arm)) is not None
        else one
        for one in origins
    ]


def _check_unchanged(origins: Mapping[str, ArmOrigin], what: Prepared) -> None:
    """Raises ConflictError where an arm is another one than when the evaluation began."""
    for now in what.origins:
        before = origins.get(now.arm)
        why = None if before is None else changed_since(before, now)
        if why is not None:
            raise ConflictError(
                said(
                    "answers_mixed",
                    "{why} New answers of {arm!r} would be mixed with those from before; start another "
                    "evaluation: what is still the same is not paid again.",
                    why=why,
                    arm=now.arm,
                )
            )
