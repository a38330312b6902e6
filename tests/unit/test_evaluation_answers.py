"""Every arm of an evaluation answers as its kind says, and shared answers are paid once."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.evaluation import (
    BestOfArm,
    BestSingleArm,
    DraftsVoteArm,
    FlowArm,
    NoiseArm,
    ScorerSpec,
    VoteArm,
    WithoutArm,
)
from agent_lab.evaluation.service import EvaluationService
from support.evaluating import Solver, service, sums
from support.evaluation_lab import CHALLENGE, SINGLE, carried, evaluations, kept, lab, solver, spec
from support.evaluation_stores import Kept
from support.runs import Bench

__all__ = ["evaluations", "kept", "lab", "solver"]


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


async def test_each_node_is_left_out_in_turn_but_those_that_are_named_already(
    evaluations: EvaluationService, solver: Solver
) -> None:
    named = WithoutArm(name="no critic", flow="challenge", node="challenger")
    ended, cells = await carried(
        evaluations, spec(CHALLENGE, named, WithoutArm(name="without:challenge", flow="challenge"))
    )
    assert [arm.name for arm in ended.spec.arms if isinstance(arm, WithoutArm)] == [
        "no critic",
        "without:challenge/creator",
        "without:challenge/refiner",
    ]
    assert all(len(answers) == 12 for answers in cells.values())
    told = (await evaluations.report(ended.evaluation_id)).debates[0]
    assert {one.node for one in told.nodes if one.difference is not None} == {"creator", "challenger", "refiner"}


async def test_a_flow_that_is_one_node_has_nothing_to_leave_out(evaluations: EvaluationService) -> None:
    with pytest.raises(ValidationError, match="each is all of it"):
        await evaluations.estimate(spec(WithoutArm(name="without", flow="consensus")))


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
    warnings = (await evaluations.report(ended.evaluation_id)).warnings
    assert len([one for one in warnings if one.startswith(refused.sentence)]) == 1


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


async def test_flows_and_lists_within_a_flow_are_evaluated_too(lab: Bench, kept: Kept) -> None:
    inner = (await lab.runs.flows.resolve("challenge")).flow.model_dump(mode="json", by_alias=True)
    nodes = [
        {"id": "sub", "kind": "subflow", "flow": "challenge"},
        {"id": "each", "kind": "map", "lines": "{sub_output}", "prompt": "Check {item}, on {user_input}"},
        {"id": "last", "kind": "generate", "prompt": "{user_input}\n\n{each_output}"},
    ]
    edges = [{"from": "sub", "to": "each"}, {"from": "each", "to": "last"}]
    outer = {"id": "outer", "name": "Outer", "nodes": nodes, "edges": edges, "answer": "last"}
    await kept.datasets.put(sums(6))
    arms = (
        FlowArm(name="outer", flow="outer"),
        WithoutArm(name="without", flow="outer", node="each"),
        NoiseArm(name="noise", flow="outer", node="sub"),
        DraftsVoteArm(name="drafts", flow="outer"),
    )
    ended, cells = await carried(service(lab, kept, flows=[inner, outer]), spec(*arms, baseline="auto"))
    assert (ended.status, ended.fault) == ("completed", None)
    assert {cell.status for found in cells.values() for cell in found} == {"completed"}
    assert {cell.calls for cell in cells["without"]} == {4}
    assert min(cell.calls for cell in cells["outer"]) >= 5
    assert {cell.calls for cell in cells["drafts"]} == {3}
    assert {cell.k for cell in cells["equal-cost:outer"]} <= set(range(2, 20))
