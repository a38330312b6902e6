"""Has items asked, several at a time: keeps each answer as it comes, and knows when to stop."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import structlog

from agent_lab.contracts.errors import AgentLabError, LimitExceededError
from agent_lab.contracts.evaluation import Cell, EvaluationInfo, EvaluationStatus, Item, Progress
from agent_lab.contracts.evaluation_ports import EvaluationStore
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.ports import Generator
from agent_lab.contracts.run import Fault
from agent_lab.contracts.sentences import Sentence, again, said, told_of
from agent_lab.evaluation.arms.plans import Plan
from agent_lab.evaluation.running.cells import Done, carry_out, request_of
from agent_lab.evaluation.running.pace import Pace
from agent_lab.evaluation.running.readings import cell_of
from agent_lab.evaluation.scoring import AnswerScorer
from agent_lab.runs.reducer import add_cost

log = structlog.get_logger(__name__)

UNUSABLE_IN_A_ROW = 20
"""So many answers of an arm in a row that no provider gave: it is down, and the arm no worse for it."""
KEEP_S = 0.5
"""How often what has come is stored. The answers themselves are stored as they come, in the cache."""
OF_PROVIDERS = frozenset(
    {"provider-error", "busy", "rate-limited", "broken-off", "unusable", "silent", "no-capacity", "environment"}
    | {"model-corrupt", "queue-full"}
)
Place = tuple[str, str, int]
"""Arm, item and sample."""


class Ended(Exception):
    """The evaluation goes no further for now."""

    def __init__(self, status: EvaluationStatus, fault: Fault) -> None:
        super().__init__(fault.message)
        self.status = status
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Job:
    """One answer that is to be given. `through`: by whom models are asked, where it is not as ever."""

    plan: Plan
    item: Item
    sample: int
    through: Callable[[], Awaitable[Generator]] | None = None

    @property
    def place(self) -> Place:
        """Where its cell stands."""
        return self.plan.arm, self.item.id, self.sample


def place_of(cell: Cell) -> Place:
    """Where a cell stands."""
    return cell.arm, cell.item, cell.sample


@dataclass(slots=True, kw_only=True)
class Desk:
    """The work on one evaluation."""

    info: EvaluationInfo
    store: EvaluationStore
    generator: Generator
    kinds: Mapping[str, NodeKind]
    scorer: AnswerScorer
    cells: dict[Place, Cell]
    """Those that are there."""
    held: Callable[[], Awaitable[bool]]
    """False once somebody else has the evaluation, and says how it stands."""
    told: Callable[[EvaluationInfo], None]
    """Hears how far it is."""
    pace: Pace = field(default_factory=Pace)
    waiting: Counter[str] = field(default_factory=Counter)
    """Answers of each arm that are still to be given."""
    _pending: list[Cell] = field(default_factory=list)
    _doubtful: dict[str, list[Cell]] = field(default_factory=dict)
    """Answers that no provider gave, by arm, since the last one that was given: perhaps none is to blame but it."""
    _began: float = field(default_factory=time.monotonic)
    _before: Progress = field(init=False)
    _spent: Progress = field(default_factory=lambda: Progress(paid_usd=Decimal(0)))

    def __post_init__(self) -> None:
        self._before = self.info.progress

    # --- asking ---------------------------------------------------------------------------------------------------
    async def ask(self, jobs: Iterable[Job]) -> None:
        """Give these answers, in this order, so many at a time as the evaluation says; all are kept when it returns.

        Raises Ended where the evaluation goes no further; what was answered by then is kept.
        """
        await self._side_by_side(jobs, self._settle)
        self._believe()
        await self.keep()

    async def look(self, jobs: Iterable[Job]) -> list[Cell]:
        """The same, and nothing is kept: what the answers are is in the cache. In no order."""
        found: list[Cell] = []

        async def take(cell: Cell) -> None:
            found.append(cell)

        await self._side_by_side(jobs, take)
        return found

    async def _side_by_side(self, jobs: Iterable[Job], take: Callable[[Cell], Awaitable[None]]) -> None:
        left, ends = iter(jobs), list[Ended]()

        async def work() -> None:
            for job in left:
                try:
                    await take(await self.answer(job))
                except Ended as ended:  # the others end what they are at: it is being paid for
                    ends.append(ended)
                if ends:
                    return

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.info.spec.concurrency):
                    group.create_task(work())
        except BaseExceptionGroup as several:
            raise _first(several) from None
        if ends:
            await self.keep()
            raise ends[0]

    async def answer(self, job: Job) -> Cell:
        """One answer. Raises Ended where a call was not made for want of money."""
        done = await self.run(job)
        cell = await cell_of(job.plan, job.item, job.sample, done, self.scorer, self.kinds)
        self.pace.took(job.plan.arm, done.seconds)
        return cell

    async def run(self, job: Job) -> Done:
        """The run of a job, to whatever end. Raises Ended where a call was not made for want of money."""
        spec = self.info.spec
        generator = self.generator if job.through is None else await job.through()
        scope = f"{self.info.evaluation_id}/{job.sample}"
        sticky = f"{spec.seed}/{job.sample}/{job.item.id}"[:128]
        request = request_of(job.plan, job.item, job.sample, spec)
        done = await carry_out(job.plan, request, generator, self.kinds, sticky=sticky, scope=scope)
        self.count(done.meter.calls, done.meter.reused, done.meter.paid_usd)
        if done.meter.stopped is not None:
            raise out_of_money(done.meter.stopped)
        return done

    # --- keeping ----------------------------------------------------------------------------------------------------
    def count(self, calls: int, reused: int, paid_usd: Decimal | None) -> None:
        """Note what calls came to."""
        self._spent = Progress(
            calls=self._spent.calls + calls,
            reused_calls=self._spent.reused_calls + reused,
            paid_usd=add_cost(self._spent.paid_usd, paid_usd),
        )

    async def put(self, cells: Sequence[Cell]) -> None:
        """Keep these cells in place of those that are there."""
        for cell in cells:
            self._keep(cell)
        await self.keep()

    async def _settle(self, cell: Cell) -> None:
        arm = cell.arm
        if cell.fault is not None and cell.fault.type in OF_PROVIDERS:
            doubtful = self._doubtful.setdefault(arm, [])
            doubtful.append(cell)
            if len(doubtful) >= UNUSABLE_IN_A_ROW:
                raise _down(arm, doubtful)
            return
        if cell.calls:  # a fault of the arm's own does not say that anybody answers
            for earlier in self._doubtful.pop(arm, []):
                self._keep(earlier)
        self._keep(cell)

    def _believe(self) -> None:
        """Take what no provider answered for wrong, but not of an arm of which nothing was answered."""
        for arm, doubtful in self._doubtful.items():
            if not any(place[0] == arm and cell.status == "completed" for place, cell in self.cells.items()):
                raise _down(arm, doubtful)
            for cell in doubtful:
                self._keep(cell)
        self._doubtful.clear()

    def _keep(self, cell: Cell) -> None:
        if place_of(cell) not in self.cells:
            self.waiting[cell.arm] -= 1
        self.cells[place_of(cell)] = cell
        self._pending.append(cell)

    async def keep(self) -> None:
        """Store what has come, and say how far it is."""
        cells, self._pending = self._pending, []
        try:
            await self.store.add_cells(self.info.evaluation_id, cells)
        except BaseException:
            self._pending = [*cells, *self._pending]
            raise
        self.info = self.info.model_copy(update={"progress": self.progress()})
        if await self.held():
            await self.store.update(self.info)
            self.told(self.info)

    async def keep_on(self) -> None:
        """Do so again and again."""
        while True:
            await asyncio.sleep(KEEP_S)
            try:
                await self.keep()
            except AgentLabError as error:  # what has come waits for the next time
                log.warning("answers_not_kept", evaluation_id=self.info.evaluation_id, reason=error.message)

    def progress(self) -> Progress:
        """How far it is."""
        elapsed_s = time.monotonic() - self._began
        waiting = {arm: count for arm, count in self.waiting.items() if count > 0}
        paid_usd = add_cost(self._before.paid_usd or Decimal(0), self._spent.paid_usd)
        return Progress(
            cells=len(self.cells),
            of=len(self.cells) + sum(waiting.values()),
            paid_usd=paid_usd,
            calls=self._before.calls + self._spent.calls,
            reused_calls=self._before.reused_calls + self._spent.reused_calls,
            seconds=round(self._before.seconds + elapsed_s, 3),
            seconds_left=self.pace.left_s(waiting, elapsed_s) if waiting else 0.0,
        )


def out_of_money(error: LimitExceededError) -> Ended:
    """The evaluation ends, to be resumed with more."""
    return Ended("limit_exceeded", Fault(type=error.slug, message=error.message, said=told_of(error.message)))


def _down(arm: str, doubtful: Sequence[Cell]) -> Ended:
    fault = doubtful[-1].fault
    why: Sentence | str = ""
    if fault is not None:
        why = said("the_last_one", " The last one: {why}", why=again(fault.message, fault.said))
    if len(doubtful) == 1:
        form = "The only answer of the arm {arm!r} did not come; none of them is counted.{why} Mend it, then resume."
        told = said("only_answer_away", form, arm=arm, why=why)
    else:
        form = (
            "{count} answers in a row of the arm {arm!r} did not come; none of them is counted.{why} "
            "Mend it, then resume."
        )
        told = said("answers_away", form, count=len(doubtful), arm=arm, why=why)
    return Ended("failed", Fault(type="unusable" if fault is None else fault.type, message=told, said=told.told))


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
