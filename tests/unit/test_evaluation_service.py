"""An evaluation from its start to its report: every arm answered, paid once, within its budget, stopped and resumed."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.errors import ConflictError, NotFoundError, ValidationError
from agent_lab.contracts.evaluation import (
    AnyArm,
    BestOfArm,
    BestSingleArm,
    Cell,
    DraftsVoteArm,
    EqualCostArm,
    EvaluationInfo,
    EvaluationSpec,
    FlowArm,
    ImportedArm,
    NoiseArm,
    ScorerSpec,
    SingleArm,
    VoteArm,
    WithoutArm,
)
from agent_lab.contracts.run import RunOptions
from agent_lab.evaluation.importing import ImportedAnswer
from agent_lab.evaluation.service import EvaluationService
from support.evaluating import GatedProvider, Solver, service, sums
from support.evaluation_stores import Kept, in_memory
from support.runs import Bench, bench
from support.stores import Clock

CHALLENGE = FlowArm(name="challenge", flow="challenge")
SINGLE = SingleArm(name="single", like="challenge")


@pytest.fixture
def solver() -> Solver:
    return Solver()


@pytest.fixture
def kept() -> Kept:
    return in_memory(Clock())


@pytest.fixture
async def lab(tmp_path: Path, solver: Solver) -> Bench:
    return bench(tmp_path, GatedProvider(solver))


@pytest.fixture
async def evaluations(lab: Bench, kept: Kept) -> AsyncIterator[EvaluationService]:
    await kept.datasets.put(sums())
    found = service(lab, kept)
    yield found
    await found.close()


def spec(*arms: AnyArm, **more: Any) -> EvaluationSpec:
    return EvaluationSpec(dataset="sums", arms=arms, **{"baseline": arms[0].name, **more})


async def carried(evaluations: EvaluationService, what: EvaluationSpec) -> tuple[EvaluationInfo, dict[str, list[Cell]]]:
    """The evaluation at its end, and its cells by arm."""
    info = await evaluations.start(what)
    ended = await evaluations.wait(info.evaluation_id)
    return ended, await by_arm(evaluations, info.evaluation_id)


async def by_arm(evaluations: EvaluationService, evaluation_id: str) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in await evaluations.cells(evaluation_id):
        found.setdefault(cell.arm, []).append(cell)
    return found


# --- arms -------------------------------------------------------------------------------------------------------------
async def test_a_single_call_is_the_flows_first_draft_and_paid_once(
    evaluations: EvaluationService, solver: Solver
) -> None:
    ended, cells = await carried(evaluations, spec(SINGLE, CHALLENGE))
    assert (ended.status, ended.progress.cells, ended.progress.of) == ("completed", 24, 24)
    drafts = [next(one for one in cell.statements if one.part == "draft").choice for cell in cells["challenge"]]
    assert drafts == [cell.choice for cell in cells["single"]]
    assert len(solver.calls) == 3 * 12
    assert (ended.progress.calls, ended.progress.reused_calls) == (36, 12)
    assert [cell.calls for cell in cells["single"]] == [1] * 12


async def test_the_same_again_asks_nobody(evaluations: EvaluationService, solver: Solver) -> None:
    _, first = await carried(evaluations, spec(SINGLE, CHALLENGE))
    asked = len(solver.calls)
    ended, again = await carried(evaluations, spec(SINGLE, CHALLENGE))
    assert len(solver.calls) == asked
    assert ended.progress.calls == 0
    figures = [
        [(cell.answer, cell.score, cell.prompt_tokens) for cell in cells["challenge"]] for cells in (first, again)
    ]
    assert figures[0] == figures[1]


async def test_another_seed_draws_other_answers(evaluations: EvaluationService) -> None:
    _, one = await carried(evaluations, spec(SINGLE))
    _, other = await carried(evaluations, spec(SINGLE, seed=1))
    assert [cell.answer for cell in one["single"]] != [cell.answer for cell in other["single"]]


async def test_samples_differ_by_their_seeds(evaluations: EvaluationService) -> None:
    _, cells = await carried(evaluations, spec(SINGLE, samples=3))
    answers: dict[str, set[str | None]] = {}
    for cell in cells["single"]:
        answers.setdefault(cell.item, set()).add(cell.answer)
    assert len(cells["single"]) == 36
    assert any(len(said) > 1 for said in answers.values())


async def test_a_vote_takes_what_most_say_and_counts_all_its_calls(
    evaluations: EvaluationService, solver: Solver
) -> None:
    solver.right = 0.8
    _, cells = await carried(evaluations, spec(VoteArm(name="vote", k=5, like="challenge"), SINGLE))
    assert [cell.calls for cell in cells["vote"]] == [5] * 12
    assert sum(cell.score for cell in cells["vote"]) >= sum(cell.score for cell in cells["single"])
    first = [cell.prompt_tokens for cell in cells["single"]]
    assert [cell.prompt_tokens for cell in cells["vote"]] == [5 * tokens for tokens in first]


async def test_a_judge_picks_among_samples(evaluations: EvaluationService) -> None:
    ended, cells = await carried(evaluations, spec(BestOfArm(name="best", k=2, like="challenge")))
    assert ended.status == "completed"
    assert {cell.status for cell in cells["best"]} == {"completed"}


async def test_a_node_that_is_left_out_costs_nothing_more(evaluations: EvaluationService, solver: Solver) -> None:
    _, cells = await carried(
        evaluations, spec(CHALLENGE, WithoutArm(name="without", flow="challenge", node="challenger"))
    )
    assert [cell.calls for cell in cells["without"]] == [2] * 12
    assert len(solver.calls) == 36 + 12


async def test_noise_is_what_the_critic_said_to_another_item(evaluations: EvaluationService, solver: Solver) -> None:
    _, cells = await carried(evaluations, spec(CHALLENGE, NoiseArm(name="noise", flow="challenge")))
    plain = sum(cell.prompt_tokens for cell in cells["challenge"])
    noisy = sum(cell.prompt_tokens for cell in cells["noise"])
    assert abs(noisy - plain) < 12
    said = [call.request.prompt for call in solver.calls if call.request.context.role == "refiner"]
    noise = [prompt for prompt in said if len(set(re.findall(r"10 \+ (\d+)", prompt))) > 1]
    assert len(noise) == 12
    told = Counter(re.findall(r"I looked at 10 \+ (\d+)", "".join(noise)))
    assert set(told.values()) == {1}


async def test_a_vote_of_drafts_is_free(evaluations: EvaluationService, solver: Solver) -> None:
    _, cells = await carried(
        evaluations, spec(FlowArm(name="debate", flow="debate"), DraftsVoteArm(name="drafts", flow="debate"))
    )
    assert {cell.calls for cell in cells["drafts"]} == {3}
    assert sum(cell.paid_usd or 0 for cell in cells["drafts"]) == 0
    assert {cell.status for cell in cells["drafts"]} == {"completed"}
    assert len(solver.calls) == sum(cell.calls for cell in cells["debate"])


async def test_the_equal_cost_baseline_costs_what_its_flow_costs(evaluations: EvaluationService) -> None:
    ended, cells = await carried(evaluations, spec(CHALLENGE, baseline="auto"))
    equal = cells["equal-cost:challenge"]
    cost = {arm: sum(cell.prompt_tokens + cell.completion_tokens for cell in cells[arm]) for arm in cells}
    assert cost["equal-cost:challenge"] == pytest.approx(cost["challenge"], rel=0.03)
    assert {cell.k for cell in equal} <= {min(cell.k or 0 for cell in equal), max(cell.k or 0 for cell in equal)}
    origins = {one.arm: one for one in await evaluations.store.origins(ended.evaluation_id)}
    assert origins["equal-cost:challenge"].k == pytest.approx(sum(cell.k or 0 for cell in equal) / 12, abs=0.1)
    assert (
        "costs what" in origins["equal-cost:challenge"].sentence
        or "cost what" in origins["equal-cost:challenge"].sentence
    )
    report = await evaluations.report(ended.evaluation_id)
    compared = next(one for one in report.differences if one.against == "equal-cost:challenge")
    assert compared.cost_match is not None
    assert compared.cost_match.equal


async def test_a_flow_that_costs_less_than_one_call_has_no_equal_cost_vote(lab: Bench, kept: Kept) -> None:
    short = {"id": "short", "kind": "generate", "prompt": "{user_input}", "max_tokens": 5}
    draft = {"id": "draft", "kind": "generate", "prompt": "{user_input} " + "Think of everything. " * 50}
    flow = {"id": "cheap", "name": "Cheap", "nodes": [short, draft], "edges": [], "answer": "short", "draft": "draft"}
    flow["edges"] = [{"from": "short", "to": "draft", "when": {"value": "short.tokens", "op": ">", "than": 1000}}]
    await kept.datasets.put(sums(4))
    evaluations = service(lab, kept, flows=[flow])
    ended, cells = await carried(evaluations, spec(FlowArm(name="cheap", flow="cheap"), baseline="auto"))
    assert ended.status == "completed"
    assert "equal-cost:cheap" not in cells
    (refused,) = [one for one in await evaluations.store.origins(ended.evaluation_id) if one.arm.startswith("equal")]
    assert "buys not even one" in refused.sentence
    assert refused.sentence in (await evaluations.report(ended.evaluation_id)).warnings


async def test_the_best_single_member_is_chosen_on_the_tuning_items(evaluations: EvaluationService) -> None:
    await evaluations.datasets.put(sums(40))
    best = BestSingleArm(name="best", of=("voice", "other"))
    ended, cells = await carried(evaluations, spec(CHALLENGE, best, split="test"))
    assert ended.fault is None
    (origin,) = [one for one in await evaluations.store.origins(ended.evaluation_id) if one.arm == "best"]
    assert "the best of 2 models on the" in origin.sentence
    assert origin.models in (("voice",), ("other",))
    assert len(cells["best"]) == len(cells["challenge"])


async def test_a_preference_judge_scores_each_answer_against_the_reference(evaluations: EvaluationService) -> None:
    what = spec(SINGLE, VoteArm(name="vote", k=3, like="challenge"), scorer=ScorerSpec(name="judge", model="other"))
    ended, cells = await carried(evaluations, what)
    assert ended.status == "completed"
    assert {cell.score for cell in cells["single"]} == {0.5}
    assert {cell.score for cell in cells["vote"]} <= {0.0, 0.5, 1.0}


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
    assert "has changed since" in (ended.fault or pytest.fail("no fault")).message


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
    assert (told.items, told.cells, told.calls) == (12, 24, 72)
    assert told.calls_at_most >= told.calls
    assert told.cost_usd is not None
    assert told.cost_at_most_usd is not None
    assert 0 < told.cost_usd < told.cost_at_most_usd
    assert told.sentence.startswith("with 12 items you can see")
    assert not solver.calls


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
