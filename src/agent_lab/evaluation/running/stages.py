"""Carries an evaluation out: first the arms that stand by themselves, then those that are made from their answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from agent_lab.contracts.errors import AgentLabError, LimitExceededError
from agent_lab.contracts.evaluation import (
    AnyArm,
    ArmOrigin,
    BestSingleArm,
    Cell,
    DraftsVoteArm,
    EqualCostArm,
    FlowArm,
    ImportedArm,
    Item,
    NoiseArm,
)
from agent_lab.contracts.evaluation_ports import DatasetStore
from agent_lab.contracts.ports import Generator
from agent_lab.contracts.run import Fault
from agent_lab.contracts.sentences import as_sentence, said, told_of
from agent_lab.evaluation.arms.plans import Plan, Planner, Votes
from agent_lab.evaluation.data.selection import overlap, split_items
from agent_lab.evaluation.report.costs import cost_of, unit_of
from agent_lab.evaluation.running.cache import Meter, metering
from agent_lab.evaluation.running.desk import Desk, Ended, Job, out_of_money
from agent_lab.evaluation.running.mixture import Place, matched, mended, mixture
from agent_lab.evaluation.running.noise import NoisyGenerator, circle, critiques, others
from agent_lab.evaluation.running.origins import Rows, bare_origin, origin_of
from agent_lab.evaluation.running.references import reference_of
from agent_lab.evaluation.scorers.judge import PairJudge
from agent_lab.nodes.branches import side_by_side

CLOSE_ENOUGH = 0.002
"""A cost that is off by so much is not mended: one item more or less would be off by more."""
_NO_NOISE = said("no_noise", "The critic has said nothing to any other item, so there is no noise to put in.")
_NOBODY_ELSE = Fault(type="no-critique", message=_NO_NOISE, said=_NO_NOISE.told)


@dataclass(slots=True, kw_only=True)
class Stages:
    """One evaluation, stage by stage. Everything that was done before is found again, and not paid again."""

    desk: Desk
    items: Sequence[Item]
    planner: Planner
    rows: Rows
    datasets: DatasetStore
    plans: dict[str, Plan]
    """By arm, of those that stand by themselves and of the flows that others are made from."""
    origins: dict[str, ArmOrigin]
    judge: PairJudge | None = None

    @property
    def arms(self) -> Sequence[AnyArm]:
        """As they were asked for."""
        return self.desk.info.spec.arms

    async def carry_out(self) -> None:
        """All of it. Raises Ended where it goes no further."""
        self._expect()
        for arm in self.arms:
            if isinstance(arm, BestSingleArm):
                self.plans[arm.name] = await self._best_single(arm)
        derived = (DraftsVoteArm, EqualCostArm, NoiseArm, ImportedArm)
        await self.desk.ask(self._jobs([arm.name for arm in self.arms if not isinstance(arm, derived)]))
        # Behind their flows, which pay for what they read.
        await self.desk.ask(self._jobs([arm.name for arm in self.arms if isinstance(arm, DraftsVoteArm)]))
        await self.desk.ask(self._noisy([arm for arm in self.arms if isinstance(arm, NoiseArm)]))
        for arm in self.arms:
            if isinstance(arm, EqualCostArm):
                await self._equal_cost(arm)
        if self.judge is not None:
            await self._judge(self.judge)

    def _expect(self) -> None:
        """Say how many answers each arm is to give."""
        for arm in self.arms:
            if not isinstance(arm, ImportedArm):
                there = sum(place[0] == arm.name for place in self.desk.cells)
                self.desk.waiting[arm.name] = len(self.items) * self.desk.info.spec.samples - there

    # --- arms that stand by themselves --------------------------------------------------------------------------------
    def _jobs(self, arms: Sequence[str]) -> Iterator[Job]:
        """Item by item, so that whatever was answered early is answered by all arms."""
        for item, sample in self._places():
            for arm in arms:
                if (arm, item.id, sample) not in self.desk.cells:
                    yield Job(self.plans[arm], item, sample)

    def _places(self) -> Iterator[tuple[Item, int]]:
        for item in self.items:
            for sample in range(self.desk.info.spec.samples):
                yield item, sample

    # --- a critic of something else -----------------------------------------------------------------------------------
    def _noisy(self, arms: Sequence[NoiseArm]) -> Iterator[Job]:
        around = circle([item.id for item in self.items], self.desk.info.spec.seed)
        by_id = {item.id: item for item in self.items}
        for item, sample in self._places():
            for arm in arms:
                if (arm.name, item.id, sample) not in self.desk.cells:
                    plan = self.plans[arm.name]
                    candidates = [by_id[one] for one in others(around, item.id)]
                    yield Job(plan, item, sample, partial(self._noise, plan, candidates, sample))

    async def _noise(self, plan: Plan, candidates: Sequence[Item], sample: int) -> Generator:
        """Who answers for the critic: what it said to the first of these items to which it said anything."""
        critic = plan.critic or ""
        plain = replace(plan, critic=None)
        for item in candidates:
            done = await self.desk.run(Job(plain, item, sample))
            heard = critiques(done.results(), critic)
            if heard:
                return NoisyGenerator(self.desk.generator, critic, heard)
        raise Ended("failed", _NOBODY_ELSE)

    # --- the best single member ---------------------------------------------------------------------------------------
    async def _best_single(self, arm: BestSingleArm) -> Plan:
        """The member that did best on the items for tuning."""
        like = next((one.flow for one in self.arms if isinstance(one, FlowArm)), None)
        named = arm.of or tuple(dict.fromkeys(model for plan in self.plans.values() for model in self._models(plan)))
        members = {model: await self.planner.single(arm, model, like) for model in named}
        if len(members) == 1:
            (model,) = members
            return self._chosen(arm, members[model], f"{model!r}, the only model that the arms ask")
        tuning, mixed = await self._tuning()
        scores: dict[str, float] = {}
        for model, plan in members.items():
            cells = await self.desk.look(Job(plan, item, 0) for item in tuning)
            scores[model] = sum(cell.score for cell in cells) / len(cells)
        best = max(scores, key=lambda model: (scores[model], -list(scores).index(model)))
        told = f"{best!r}, the best of {len(members)} models on the {len(tuning)} items for tuning ({scores[best]:.1%})"
        warning = " Some of these are among those that it is tested on; evaluate the split 'test'." if mixed else ""
        return self._chosen(arm, members[best], told + "." + warning)

    def _models(self, plan: Plan) -> Iterator[str]:
        for model in self.planner.models(plan):
            found = self.rows.of(model, None)
            if found is not None:
                yield found[0].key

    async def _tuning(self) -> tuple[Sequence[Item], bool]:
        try:
            dataset = await self.datasets.get(self.desk.info.dataset.content_hash)
        except AgentLabError as error:
            raise Ended("failed", Fault(type=error.slug, message=error.message, said=told_of(error.message))) from error
        split = dataset.items if any(item.split for item in dataset.items) else split_items(dataset.items)
        tuning = [item for item in split if item.split == "tune"]
        if not tuning:
            text = said(
                "no_items_for_tuning",
                "The dataset {dataset!r} has no items for tuning, to choose the best member by.",
                dataset=dataset.info.name,
            )
            told = said("name_a_model", "{why} Name a model: single:MODEL.", why=text)
            raise Ended("failed", Fault(type="invalid-request", message=told, said=told.told))
        return tuning, bool(overlap(tuning, self.items))

    def _chosen(self, arm: BestSingleArm, plan: Plan, told: str) -> Plan:
        self.origins[arm.name] = origin_of(
            plan, self.planner, self.rows, sentence=f"{plan.sentence.rstrip('.')}: {told}"
        )
        return plan

    # --- as many answers as a flow's money buys -----------------------------------------------------------------------
    async def _equal_cost(self, arm: EqualCostArm) -> None:
        spec, votes = self.desk.info.spec, await self.planner.votes(arm)
        flow = await self._cells_of_flow(arm)
        once = await self.desk.look(Job(votes.once, item, sample) for item, sample in self._places())
        unit = unit_of(spec, [*self.desk.cells.values(), *once])
        flow_cost = _mean([cost_of(cell, unit) for cell in flow])
        match = matched(
            flow_cost, _mean([cost_of(cell, unit) for cell in once]), tolerance=spec.cost_tolerance, unit=unit
        )
        if match.refusal is not None:
            self.origins[arm.name] = bare_origin(
                arm,
                said(
                    "no_equal_vote",
                    "There is no equal-cost vote for {flow!r}: {why}.",
                    flow=arm.flow,
                    why=match.refusal,
                ),
            )
            self.desk.waiting[arm.name] = 0
            return
        k = match.k
        cost = await self._vote(arm, votes, k, partial(cost_of, unit=unit))
        if abs(cost / flow_cost - 1) > CLOSE_ENOUGH:
            k = mended(k, flow_cost, cost)
            cost = await self._vote(arm, votes, k, partial(cost_of, unit=unit))
        told = (
            f"{k:.2f} answers an item on average, whole numbers of them by item, so that they cost what {arm.flow!r} "
            f"costs (measured: {100 * cost / flow_cost:.1f} % of it): {votes.once.sentence}"
        )
        self.origins[arm.name] = origin_of(votes.once, self.planner, self.rows, k=round(k, 4), sentence=told)

    async def _cells_of_flow(self, arm: EqualCostArm) -> Sequence[Cell]:
        """The answers of the flow: those of its arm, else made for their cost alone."""
        for one in self.arms:
            if isinstance(one, FlowArm) and (one.flow, one.options) == (arm.flow, arm.options):
                return [cell for place, cell in self.desk.cells.items() if place[0] == one.name]
        plan = await self.planner.plan(FlowArm(name=arm.name, flow=arm.flow, options=arm.options))
        return await self.desk.look(Job(plan, item, sample) for item, sample in self._places())

    async def _vote(self, arm: EqualCostArm, votes: Votes, k: float, cost: Callable[[Cell], float]) -> float:
        """Have each item answered as often as the mixture says; what that cost on average."""
        places: list[Place] = [(item.id, sample) for item, sample in self._places()]
        wanted = mixture(k, places, self.desk.info.spec.seed)
        plans = {count: votes.of(count) for count in set(wanted.values())}
        cells = self.desk.cells

        def as_wanted(place: Place) -> bool:
            there = cells.get((arm.name, *place))
            return there is not None and there.k == wanted[place]

        await self.desk.ask(
            Job(plans[wanted[item.id, sample]], item, sample)
            for item, sample in self._places()
            if not as_wanted((item.id, sample))
        )
        return _mean([cost(cells[arm.name, *place]) for place in places])

    # --- by a judge ---------------------------------------------------------------------------------------------------
    async def _judge(self, judge: PairJudge) -> None:
        """Hold each answer against the reference's to the same item."""
        asked: list[Callable[[], Awaitable[Cell]]] = []
        by_id = {item.id: item for item in self.items}
        for (arm, item, sample), cell in self.desk.cells.items():
            reference = self.desk.cells.get((reference_of(arm, self.desk.info.spec), item, sample))
            if item in by_id:
                asked.append(partial(self._judged, judge, by_id[item], cell, reference))
        width = self.desk.info.spec.concurrency
        for start in range(0, len(asked), width):
            heard = await side_by_side(asked[start : start + width], on_error="fail")
            await self.desk.put([cell for cell in heard if isinstance(cell, Cell)])

    async def _judged(self, judge: PairJudge, item: Item, cell: Cell, reference: Cell | None) -> Cell:
        meter = Meter(scope=f"{self.desk.info.evaluation_id}/judge/{cell.sample}")
        token = metering.set(meter)
        try:
            other = None if reference is None or reference.status != "completed" else reference.answer
            found = await judge.compare(item, cell.answer if cell.status == "completed" else None, other)
        except LimitExceededError as error:
            raise out_of_money(error) from error
        except AgentLabError as error:
            form = "The judge did not answer: {why} Resume it once that is mended."
            told = said("judge_silent", form, why=as_sentence(error.message))
            raise Ended("failed", Fault(type=error.slug, message=told, said=told.told)) from error
        finally:
            metering.reset(token)
            self.desk.count(meter.calls, meter.reused, meter.paid_usd)
        return cell.model_copy(update={"choice": found.choice, "score": found.score, "note": found.note})


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
