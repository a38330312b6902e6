"""An evaluation from before its start to after its end: what is wrong costs nothing, what is paid is kept."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from decimal import Decimal

import pytest

from agent_lab.contracts.errors import ConflictError, NotFoundError, ValidationError
from agent_lab.contracts.evaluation import (
    AnyArm,
    BestSingleArm,
    DraftsVoteArm,
    EqualCostArm,
    EvaluationSpec,
    FlowArm,
    ImportedArm,
    NoiseArm,
    ScorerSpec,
    SingleArm,
    WithoutArm,
)
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.registry import ModelSpec, StrategySpec
from agent_lab.contracts.run import RunOptions
from agent_lab.evaluation.importing.reading import ImportedAnswer
from agent_lab.evaluation.service import EvaluationService
from support.evaluating import Solver, service, sums
from support.evaluation_lab import CHALLENGE, SINGLE, by_arm, carried, evaluations, kept, lab, solver, spec
from support.evaluation_stores import Kept
from support.runs import Bench

__all__ = ["evaluations", "kept", "lab", "solver"]


# --- money and faults -------------------------------------------------------------------------------------------------
async def test_the_budget_is_never_exceeded_and_more_of_it_goes_on(
    evaluations: EvaluationService, solver: Solver
) -> None:
    arm = FlowArm(name="dear", flow="challenge", options=RunOptions(model="priced", max_tokens=40))
    info = await evaluations.start(spec(arm, budget_usd=Decimal("0.0012")))
    ended = await evaluations.wait(info.evaluation_id)
    assert ended.status == "limit_exceeded", ended.progress
    assert ended.fault is not None
    assert "resume it with a larger budget" in ended.fault.message
    assert Decimal(0) < (ended.progress.paid_usd or 0) <= Decimal("0.0012")
    had = len((await by_arm(evaluations, info.evaluation_id)).get("dear", []))
    assert 0 < had < 12
    asked = len(solver.calls)
    await evaluations.resume(info.evaluation_id, budget_usd=Decimal(1))
    ended = await evaluations.wait(info.evaluation_id)
    assert (ended.status, ended.progress.cells) == ("completed", 12)
    assert len(solver.calls) == 36
    assert asked < 36


async def test_a_provider_that_is_down_is_no_fault_of_the_arm(evaluations: EvaluationService, solver: Solver) -> None:
    solver.down = True
    info = await evaluations.start(spec(SINGLE, samples=3))
    ended = await evaluations.wait(info.evaluation_id)
    assert ended.status == "failed"
    assert ended.fault is not None
    assert "none of them is counted" in ended.fault.message
    assert not await evaluations.cells(info.evaluation_id)
    solver.down = False


async def test_an_answer_that_fails_is_wrong_and_not_dropped(lab: Bench, kept: Kept) -> None:
    flow = {
        "id": "long",
        "name": "Long",
        "nodes": [
            {"id": "one", "kind": "generate", "prompt": "{user_input}"},
            {"id": "ask", "kind": "human", "question": "?"},
        ],
        "edges": [{"from": "one", "to": "ask"}],
    }
    await kept.datasets.put(sums(3))
    ended, cells = await carried(service(lab, kept, flows=[flow]), spec(FlowArm(name="long", flow="long")))
    assert ended.status == "completed"
    assert [(cell.status, cell.score, cell.calls) for cell in cells["long"]] == [("failed", 0.0, 1)] * 3
    assert "waits for a person" in (cells["long"][0].fault or pytest.fail("no fault")).message


# --- stopping and going on --------------------------------------------------------------------------------------------
async def test_cancelling_takes_less_than_a_second_and_keeps_what_there_is(
    evaluations: EvaluationService, solver: Solver
) -> None:
    solver.gate = asyncio.Event()
    info = await evaluations.start(spec(SINGLE))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    ended = await evaluations.cancel(info.evaluation_id)
    assert time.monotonic() - began < 1.0
    assert ended.status == "cancelled"
    with pytest.raises(ConflictError, match="ended already"):
        await evaluations.cancel(info.evaluation_id)
    solver.gate = None
    await evaluations.resume(info.evaluation_id)
    assert (await evaluations.wait(info.evaluation_id)).status == "completed"
    with pytest.raises(ConflictError, match="has all its answers"):
        await evaluations.resume(info.evaluation_id)


async def test_what_a_closed_lab_left_is_taken_up_by_the_next(lab: Bench, kept: Kept, solver: Solver) -> None:
    await kept.datasets.put(sums())
    solver.gate = asyncio.Event()
    first = service(lab, kept)
    info = await first.start(spec(SINGLE))
    await asyncio.sleep(0.05)
    second = service(lab, kept)
    assert list(await second.recover()) == []
    await first.close()
    solver.gate = None
    assert list(await second.recover()) == [info.evaluation_id]
    assert (await second.wait(info.evaluation_id)).status == "completed"
    assert len(await second.cells(info.evaluation_id)) == 12


async def test_what_goes_on_in_another_process_can_be_cancelled_and_stays_so(
    lab: Bench, kept: Kept, solver: Solver
) -> None:
    await kept.datasets.put(sums())
    solver.gate = asyncio.Event()
    first, second = service(lab, kept), service(lab, kept)
    info = await first.start(spec(SINGLE))
    with pytest.raises(ConflictError, match="goes on"):
        await second.resume(info.evaluation_id)
    assert (await second.cancel(info.evaluation_id)).status == "cancelled"
    await first.wait(info.evaluation_id)
    assert (await second.get(info.evaluation_id)).status == "cancelled"
    await first.close()
    assert (await second.get(info.evaluation_id)).status == "cancelled"


async def test_progress_is_told_to_those_who_watch(evaluations: EvaluationService) -> None:
    info = await evaluations.start(spec(CHALLENGE, baseline="auto"))
    seen = [one async for one in evaluations.watch(info.evaluation_id)]
    assert seen[-1].status == "completed"
    assert seen[-1].progress.cells == seen[-1].progress.of == 24
    assert [one.progress.cells for one in seen] == sorted(one.progress.cells for one in seen)
    assert seen[-1].outcomes


async def test_a_flow_that_changed_meanwhile_is_not_mixed_with_what_it_was(
    lab: Bench, kept: Kept, solver: Solver
) -> None:
    flow = {"id": "mine", "name": "Mine", "nodes": [{"id": "one", "kind": "generate", "prompt": "{user_input}"}]}
    await kept.datasets.put(sums(3))
    first = service(lab, kept, flows=[flow])
    solver.gate = asyncio.Event()
    info = await first.start(spec(FlowArm(name="mine", flow="mine")))
    await first.close()
    solver.gate = None
    changed = {**flow, "nodes": [{"id": "one", "kind": "generate", "prompt": "Quick: {user_input}"}]}
    second = service(lab, kept, flows=[changed])
    await second.recover()
    ended = await second.wait(info.evaluation_id)
    assert ended.status == "failed"
    assert "The flow has changed" in (ended.fault or pytest.fail("no fault")).message


async def test_a_model_whose_row_changed_meanwhile_is_not_mixed_with_what_it_was(
    lab: Bench, kept: Kept, solver: Solver
) -> None:
    await kept.datasets.put(sums(3))
    first = service(lab, kept)
    solver.gate = asyncio.Event()
    info = await first.start(spec(SINGLE))
    await first.close()
    solver.gate = None
    second = service(lab, kept)
    now = second.rows.resolve

    def resolve(asked: GenerationRequest, sticky: str | None) -> tuple[ModelSpec, StrategySpec]:
        model, strategy = now(asked, sticky)
        return model.model_copy(update={"model_id": "another"}), strategy

    second.rows = replace(second.rows, resolve=resolve)
    await second.recover()
    ended = await second.wait(info.evaluation_id)
    assert ended.status == "failed"
    assert "has changed." in (ended.fault or pytest.fail("no fault")).message


# --- before it begins -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arms", "error", "told"),
    [
        ([FlowArm(name="x", flow="chalenge")], NotFoundError, "challenge"),
        ([SingleArm(name="x", model="voise")], NotFoundError, "voice"),
        ([NoiseArm(name="x", flow="consensus")], ValidationError, "criticises"),
        ([WithoutArm(name="x", flow="challenge", node="critic")], NotFoundError, "node"),
        ([ImportedArm(name="x")], ValidationError, "import"),
        ([BestSingleArm(name="x")], ValidationError, "name the models"),
    ],
)
async def test_what_is_wrong_costs_nothing(
    evaluations: EvaluationService, solver: Solver, arms: list[AnyArm], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        await evaluations.start(spec(*arms))
    assert not solver.calls
    assert not await evaluations.list()


async def test_an_estimate_tells_calls_cost_and_what_can_be_seen(
    evaluations: EvaluationService, solver: Solver
) -> None:
    arm = FlowArm(name="dear", flow="challenge", options=RunOptions(model="priced"))
    told = await evaluations.estimate(spec(arm, baseline="auto"))
    assert (told.items, told.cells) == (12, 24)
    assert 5 * 12 <= told.calls <= 12 * 12
    assert told.calls_at_most == 12 * (3 + 64)
    assert told.calls_at_most >= told.calls
    assert told.cost_usd is not None
    assert told.cost_at_most_usd is not None
    assert 0 < told.cost_usd < told.cost_at_most_usd
    assert told.sentence.startswith("with 12 items you can see")
    assert not solver.calls


async def test_a_judge_that_is_not_there_is_told_before_anything_is_paid(
    evaluations: EvaluationService, solver: Solver
) -> None:
    with pytest.raises(NotFoundError, match="voise"):
        await evaluations.start(spec(SINGLE, scorer=ScorerSpec(name="judge", model="voise")))
    assert not solver.calls


async def test_a_judge_that_nobody_named_is_known_and_warned_of(evaluations: EvaluationService) -> None:
    ended, _ = await carried(evaluations, spec(SINGLE, CHALLENGE, scorer=ScorerSpec(name="judge")))
    judge = ended.spec.scorer.model
    assert judge is not None
    report = await evaluations.report(ended.evaluation_id)
    assert any(f"{judge}" in warning and "judge" in warning for warning in report.warnings), report.warnings


async def test_an_estimate_leaves_out_nothing_that_is_asked_besides(evaluations: EvaluationService) -> None:
    options = RunOptions(model="priced")
    flow = FlowArm(name="dear", flow="challenge", options=options)
    drafts = DraftsVoteArm(name="drafts", flow="challenge", options=options)
    noise = NoiseArm(name="noise", flow="challenge", options=options)
    whole = await evaluations.estimate(spec(flow))
    assert whole.cost_at_most_usd
    assert (await evaluations.estimate(spec(drafts))).calls == whole.calls
    assert (await evaluations.estimate(spec(drafts, flow))).calls == whole.calls
    assert (await evaluations.estimate(spec(noise))).cost_at_most_usd == 2 * whole.cost_at_most_usd
    assert (await evaluations.estimate(spec(noise, flow))).cost_at_most_usd == 2 * whole.cost_at_most_usd
    alone = await evaluations.estimate(spec(EqualCostArm(name="equal", flow="challenge", options=options)))
    assert (alone.cost_usd, alone.cost_at_most_usd) == (None, None)


async def test_of_a_judge_with_a_price_no_bound_is_claimed(evaluations: EvaluationService) -> None:
    priced = spec(SingleArm(name="one", model="priced"), SingleArm(name="two", model="priced", like="challenge"))
    assert (await evaluations.estimate(priced)).cost_at_most_usd
    judged = priced.model_copy(update={"scorer": ScorerSpec(name="judge", model="priced")})
    assert (await evaluations.estimate(judged)).cost_at_most_usd is None


# --- what stays -------------------------------------------------------------------------------------------------------
async def test_imported_answers_are_scored_like_all_others(evaluations: EvaluationService) -> None:
    answers = [ImportedAnswer(item=f"q{n:03}", answer=f"It is {10 + n}" if n % 2 else None) for n in range(12)]
    what = spec(SINGLE, ImportedArm(name="theirs", source="theirs.jsonl"))
    info = await evaluations.import_answers(what, {"theirs": answers})
    assert (await evaluations.wait(info.evaluation_id)).status == "completed"
    theirs = (await by_arm(evaluations, info.evaluation_id))["theirs"]
    assert [cell.score for cell in theirs] == [0.0, 1.0] * 6
    assert [cell.status for cell in theirs] == ["failed", "completed"] * 6
    report = await evaluations.report(info.evaluation_id)
    assert next(arm for arm in report.arms if arm.arm == "theirs").mean_score == 0.5


async def test_a_badge_expires_when_its_flow_changes(lab: Bench, kept: Kept) -> None:
    nodes = [
        {"id": "one", "kind": "generate", "prompt": "{user_input}"},
        {"id": "two", "kind": "generate", "prompt": "{user_input} {one_output}"},
    ]
    flow = {"id": "mine", "name": "Mine", "nodes": nodes, "edges": [{"from": "one", "to": "two"}], "answer": "two"}
    await kept.datasets.put(sums())
    evaluations = service(lab, kept, flows=[flow])
    await carried(evaluations, spec(FlowArm(name="mine", flow="mine"), baseline="auto"))
    fresh = await evaluations.badge("mine")
    assert fresh is not None
    assert fresh.expired == ()
    changed = {**flow, "nodes": [nodes[0], {**nodes[1], "prompt": "Say it again: {user_input} {one_output}"}]}
    stale = await service(lab, kept, flows=[changed]).badge("mine")
    assert stale is not None
    assert any("has changed" in why for why in stale.expired)
    assert await evaluations.badge("other") is None


async def test_a_deleted_evaluation_is_gone_and_its_answers_stay_paid(
    evaluations: EvaluationService, solver: Solver
) -> None:
    ended, _ = await carried(evaluations, spec(SINGLE))
    await evaluations.delete(ended.evaluation_id)
    with pytest.raises(NotFoundError):
        await evaluations.get(ended.evaluation_id)
    asked = len(solver.calls)
    await carried(evaluations, spec(SINGLE))
    assert len(solver.calls) == asked


async def test_the_built_in_problems_are_there_without_being_stored(evaluations: EvaluationService) -> None:
    told = await evaluations.estimate(EvaluationSpec(dataset="demo", limit=5, arms=(SINGLE,), baseline="single"))
    assert told.items == 5
    assert "demo" in {info.name for info in await evaluations.datasets.list()}


async def test_an_equal_cost_baseline_stands_without_its_flow_among_the_arms(evaluations: EvaluationService) -> None:
    _, cells = await carried(evaluations, spec(EqualCostArm(name="equal", flow="challenge")))
    assert min(cell.k or 0 for cell in cells["equal"]) >= 2
