"""Every arm is a flow that the checks let pass, whatever flow it is made from, or is refused in one sentence."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from agent_lab.contracts.errors import NotFoundError, ValidationError
from agent_lab.contracts.evaluation import (
    AnyArm,
    BestOfArm,
    EqualCostArm,
    FlowArm,
    NoiseArm,
    SingleArm,
    VoteArm,
    WithoutArm,
)
from agent_lab.contracts.registry import Sampling, StrategySpec
from agent_lab.contracts.run import RunOptions
from agent_lab.contracts.sentences import Told, said, told_of
from agent_lab.evaluation.arms.plans import Plan, Planner
from agent_lab.flows.checks import Problem
from support.evaluating import planner
from support.random_flows import Document, any_graphs, checked_flows
from support.runs import Bench, bench

LIBRARY = ("adversarial", "challenge", "consensus", "debate", "iterative", "linear", "multi_perspective")
FIRST = {
    "adversarial": "proposal",
    "challenge": "creator",
    "consensus": "voices",
    "debate": "agent_1",
    "iterative": "creator",
    "linear": "execution",
    "multi_perspective": "security",
}


@pytest.fixture
def lab(tmp_path: Path) -> Bench:
    return bench(tmp_path)


@pytest.fixture
def plans(lab: Bench) -> Planner:
    return planner(lab)


def node_ids(plan: Plan) -> list[str]:
    return [node.id for node in plan.flow.nodes]


@pytest.mark.parametrize("flow", LIBRARY)
async def test_a_single_call_is_the_first_draft_of_a_library_flow(plans: Planner, flow: str) -> None:
    plan = await plans.plan(SingleArm(name="single", like=flow))
    whole = (await plans.plan(FlowArm(name="flow", flow=flow))).flow
    draft = plan.flow.node(FIRST[flow])
    assert plan.flow.answer == FIRST[flow]
    assert draft.part == whole.node(FIRST[flow]).part
    assert draft.settings.get("temperature") == whole.node(FIRST[flow]).settings.get("temperature")
    assert "samples" not in draft.settings
    assert plan.origin is not None
    assert FIRST[flow] in plan.sentence


@pytest.mark.parametrize("flow", LIBRARY)
@pytest.mark.parametrize("k", [1, 5, 64])
async def test_a_vote_asks_the_first_draft_k_times(plans: Planner, flow: str, k: int) -> None:
    plan = await plans.plan(VoteArm(name="vote", k=k, like=flow))
    node = plan.flow.node(FIRST[flow])
    assert node.settings.get("samples", 1) == k
    assert plan.reading == "vote"
    assert node.settings.get("temperature") != 0 or k == 1


@pytest.mark.parametrize("flow", LIBRARY)
async def test_an_equal_cost_vote_of_one_is_the_first_of_many(plans: Planner, flow: str) -> None:
    votes = await plans.votes(EqualCostArm(name="equal", flow=flow))
    one, many = votes.of(1).flow.node(FIRST[flow]), votes.of(7).flow.node(FIRST[flow])
    without = {name: value for name, value in many.settings.items() if name != "samples"}
    assert one.settings == without


@pytest.mark.parametrize("greedy", ["by its options", "by its strategy"])
@pytest.mark.parametrize(
    "arm",
    [
        VoteArm(name="several", k=3, like="linear"),
        VoteArm(name="several", k=3),
        BestOfArm(name="several", k=3, like="linear"),
        EqualCostArm(name="several", flow="linear"),
    ],
    ids=lambda arm: f"{arm.kind} {getattr(arm, 'like', '')}",
)
async def test_no_vote_is_one_greedy_answer_over_and_over(lab: Bench, arm: AnyArm, greedy: str) -> None:
    plans, options = planner(lab), RunOptions(temperature=0) if greedy == "by its options" else RunOptions()
    if greedy == "by its strategy":
        strategy = StrategySpec(name="greedy", description="greedy", sampling=Sampling(temperature=0))
        resolve = plans.resolve
        plans = replace(plans, resolve=lambda asked, sticky: (resolve(asked, sticky)[0], strategy))
    arm = arm.model_copy(update={"options": options})
    plan = (await plans.votes(arm)).of(3) if isinstance(arm, EqualCostArm) else await plans.plan(arm)
    node = next(node for node in plan.flow.nodes if node.settings.get("samples") == 3)
    assert node.settings["temperature"] == 0.7
    assert plan.options.temperature is None
    assert "raised from 0 to 0.7" in plan.sentence
    single = await plans.plan(SingleArm(name="single", like="linear", options=options))
    assert single.options == options


async def test_a_template_keeps_only_what_it_can_say_alone(plans: Planner) -> None:
    linear = await plans.plan(SingleArm(name="single", like="linear"))
    assert linear.flow.node("execution").settings["prompt"] == {"en": "{user_input}", "es": "{user_input}"}
    debate = await plans.plan(SingleArm(name="single", like="debate"))
    assert "answers_output" not in str(debate.flow.node("agent_1").settings)


@pytest.mark.parametrize(
    ("flow", "node", "left"),
    [
        ("challenge", "challenger", {"creator", "refiner"}),
        ("challenge", "refiner", {"creator", "challenger"}),
        ("iterative", "creator", {"challenger", "refiner", "solution"}),
        ("iterative", "challenger", {"creator", "refiner", "solution"}),
        ("iterative", "refiner", {"creator", "challenger", "solution"}),
        ("iterative", "solution", {"creator", "challenger", "refiner"}),
        ("adversarial", "red_team", {"proposal", "blue_team", "arbitrator"}),
        ("adversarial", "arbitrator", {"proposal", "red_team", "blue_team"}),
        ("multi_perspective", "ux", {"security", "performance", "synthesizer"}),
        ("debate", "agent_2", {"agent_1", "agent_3", "vote", "answers"}),
        ("linear", "validator", {"analyzer", "resources", "history", "execution", "summary"}),
        ("linear", "summary", {"analyzer", "resources", "history", "execution", "validator"}),
    ],
)
async def test_a_node_of_a_library_flow_can_be_left_out(plans: Planner, flow: str, node: str, left: set[str]) -> None:
    plan = await plans.plan(WithoutArm(name="without", flow=flow, node=node))
    assert set(node_ids(plan)) >= left
    assert node not in node_ids(plan)
    assert f"{node}_output" not in plan.flow.model_dump_json()
    for told in (f"{{{node}.", f'"value":"{node}.'):
        assert told not in plan.flow.model_dump_json()


async def test_what_is_said_about_a_node_goes_with_its_heading(plans: Planner) -> None:
    plan = await plans.plan(WithoutArm(name="without", flow="challenge", node="challenger"))
    prompt: Any = plan.flow.node("refiner").settings["prompt"]
    assert "The criticism" not in prompt["en"]
    assert "Las críticas" not in prompt["es"]
    assert "{creator_output}" in prompt["en"]
    assert [(edge.source, edge.target) for edge in plan.flow.edges] == [("creator", "refiner")]


async def test_the_critic_left_out_means_that_the_draft_is_refined_once(plans: Planner) -> None:
    plan = await plans.plan(WithoutArm(name="without", flow="iterative", node="challenger"))
    edges = {(edge.source, edge.target, edge.when, edge.otherwise) for edge in plan.flow.edges}
    assert edges == {("creator", "refiner", None, False), ("refiner", "solution", None, False)}


async def test_the_draft_answers_where_only_a_critic_stands_before_the_answer(plans: Planner) -> None:
    plan = await plans.plan(WithoutArm(name="without", flow="challenge", node="refiner"))
    assert plan.flow.answer == "creator"


@pytest.mark.parametrize(("flow", "node"), [("consensus", "voices"), ("linear", "execution")])
async def test_without_its_only_voice_a_flow_is_no_arm(plans: Planner, flow: str, node: str) -> None:
    with pytest.raises(ValidationError, match="no model would be asked any more"):
        await plans.plan(WithoutArm(name="without", flow=flow, node=node))


async def test_what_is_wrong_with_a_derived_flow_is_told_whole(plans: Planner) -> None:
    wrong = Problem("/nodes/0", said("two_nodes", "Two nodes are called {node!r}; rename one.", node="a"))
    unsound = replace(plans, check=lambda *_, **__: (None, (wrong,)))
    with pytest.raises(ValidationError) as caught:
        await unsound.plan(WithoutArm(name="without", flow="challenge", node="challenger"))
    assert caught.value.message == (
        "The flow 'challenge' without 'challenger' is no sound flow (Two nodes are called 'a'; rename one); "
        "take another node or another arm."
    )
    told = told_of(caught.value.message)
    assert told is not None
    assert told.values["problem"] == Told("two_nodes", {"node": "a"})


async def test_a_node_that_alone_gives_the_answer_cannot_be_left_out(plans: Planner) -> None:
    with pytest.raises(ValidationError, match="it alone gives the answer"):
        await plans.plan(WithoutArm(name="without", flow="multi_perspective", node="synthesizer"))
    with pytest.raises(NotFoundError, match="did you mean 'challenger'"):
        await plans.plan(WithoutArm(name="without", flow="challenge", node="challanger"))


@pytest.mark.parametrize(
    ("flow", "critic"), [("challenge", "challenger"), ("iterative", "challenger"), ("adversarial", "red_team")]
)
async def test_the_critic_is_found_in_the_graph(plans: Planner, flow: str, critic: str) -> None:
    assert (await plans.plan(NoiseArm(name="noise", flow=flow))).critic == critic


async def test_a_flow_without_a_critic_says_so(plans: Planner) -> None:
    with pytest.raises(ValidationError, match="Nobody in the flow 'consensus' criticises"):
        await plans.plan(NoiseArm(name="noise", flow="consensus"))


async def test_a_judge_chooses_among_samples(plans: Planner) -> None:
    plan = await plans.plan(BestOfArm(name="best", k=3, like="challenge", judge="other"))
    assert plan.flow.answer == "the_judge"
    assert plan.options.models == {"the_judge": "other"}
    with pytest.raises(ValidationError, match="16 answers at the most"):
        await plans.plan(BestOfArm(name="best", k=17))


async def test_the_models_of_a_run_stay_with_the_parts_that_are_left(plans: Planner) -> None:
    options = RunOptions(models={"creator": "other", "challenger": "voice"})
    plan = await plans.plan(SingleArm(name="single", like="challenge", options=options))
    assert plan.options.models == {"creator": "other"}
    assert plans.models(plan) == ("other",)


async def test_several_models_take_turns_in_a_vote_and_the_first_answers_alone(lab: Bench) -> None:
    node = {"id": "voices", "kind": "generate", "prompt": "{user_input}", "samples": 2, "models": ["voice", "other"]}
    vote = {"id": "vote", "kind": "vote", "of": ["voices"]}
    flow = {"id": "two", "name": "Two", "nodes": [node, vote], "edges": [{"from": "voices", "to": "vote"}]}
    plans = planner(lab, flow)
    single = await plans.plan(SingleArm(name="single", like="two"))
    assert plans.models(single) == ("voice",)
    votes = await plans.plan(VoteArm(name="vote", k=3, like="two"))
    assert plans.models(votes) == ("voice", "other")


async def test_where_the_draft_needs_others_the_bare_question_is_asked(lab: Bench) -> None:
    schema = {"type": "object", "properties": {"steps": {"type": "string"}}}
    nodes = [
        {"id": "plan", "kind": "generate", "prompt": "Plan: {user_input}", "output_schema": schema},
        {
            "id": "work",
            "kind": "generate",
            "prompt": "{user_input}\n{plan_output}",
            "system": "Be brief.",
            "model": "other",
        },
    ]
    flow = {"id": "planned", "name": "Planned", "nodes": nodes, "edges": [{"from": "plan", "to": "work"}]}
    plan = await planner(lab, flow).plan(SingleArm(name="single", like="planned"))
    node = plan.flow.node("work")
    assert (node.settings["prompt"], node.settings["system"]) == ("{user_input}", "Be brief.")
    assert "the bare question" in plan.sentence


async def test_a_flow_within_a_flow_drafts_for_it(lab: Bench) -> None:
    inner = (await planner(lab).plan(FlowArm(name="x", flow="challenge"))).flow
    outer = {"id": "outer", "name": "Outer", "nodes": [{"id": "sub", "kind": "subflow", "flow": "challenge"}]}
    plan = await planner(lab, inner, outer).plan(SingleArm(name="single", like="outer"))
    assert node_ids(plan) == ["creator"]


async def test_a_flow_that_asks_no_model_has_no_baseline(lab: Bench) -> None:
    flow = {"id": "none", "name": "None", "nodes": [{"id": "analyzer", "kind": "analyzer"}]}
    with pytest.raises(ValidationError, match="asks a model for an answer"):
        await planner(lab, flow).plan(SingleArm(name="single", like="none"))


def arms_of(document: Document) -> list[AnyArm]:
    name = document["id"]
    alone: list[AnyArm] = [
        FlowArm(name="flow", flow=name),
        SingleArm(name="single", like=name),
        VoteArm(name="vote", k=3, like=name),
        BestOfArm(name="best", k=2, like=name),
        EqualCostArm(name="equal", flow=name),
        NoiseArm(name="noise", flow=name),
    ]
    return alone + [WithoutArm(name=node["id"], flow=name, node=node["id"]) for node in document["nodes"]]


async def try_all(lab: Bench, document: Document) -> dict[str, str | None]:
    """Each arm: None where it was made, else why not."""
    plans, told = planner(lab, document), {}
    for arm in arms_of(document):
        try:
            plan = await plans.plan(arm)
            again, problems = lab.runs.check(plan.flow.model_dump(mode="json", by_alias=True, exclude_defaults=True))
            assert again is not None
            assert not [one for one in problems if one.severity == "error"]
            told[arm.name] = None
        except ValidationError as error:
            told[arm.name] = error.message
    return told


@given(checked_flows())
@settings(max_examples=60, deadline=None)
def test_from_any_sound_flow_a_baseline_is_derived_and_every_node_left_out_or_refused(
    tmp_path_factory: pytest.TempPathFactory, document: Document
) -> None:
    lab = bench(tmp_path_factory.mktemp("lab"))
    told = asyncio.run(try_all(lab, document))
    assert [told[name] for name in ("flow", "single", "vote", "best", "equal")] == [None] * 5
    for message in filter(None, told.values()):
        assert message.endswith(".")
        assert "\n" not in message


@given(any_graphs())
@settings(max_examples=60, deadline=None)
def test_no_graph_breaks_the_derivation(tmp_path_factory: pytest.TempPathFactory, document: Document) -> None:
    lab = bench(tmp_path_factory.mktemp("lab"))
    flow, problems = lab.runs.check(document)
    if flow is not None and not [one for one in problems if one.severity == "error"]:
        asyncio.run(try_all(lab, document))
