"""Which answers were given on the way, by whom and in which round: told from the events and the graph alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings

from agent_lab.contracts.evaluation import Item
from agent_lab.contracts.events import GenerationFinished, NodeFinished, RunEvent
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import FlowRef
from agent_lab.contracts.run import RunRequest
from agent_lab.evaluation.debate.answering import answering_nodes
from agent_lab.evaluation.debate.trace import Said, node_costs, scored, statements
from agent_lab.evaluation.scoring import Scored
from agent_lab.runs.aside import SetAside, ref_of
from agent_lab.runs.cases import CaseScript
from agent_lab.runs.reducer import fold
from support.flows import KINDS, LIBRARY
from support.library import ACCEPTED, ASIDE, CATALOG, CHECK, OBJECTION
from support.random_flows import checked_flows
from support.runs import MODELS, STRATEGIES

Answers = Mapping[str, str | tuple[str, ...]]
LAST = re.compile(r"-?\d+")


def last_number(text: str) -> str | None:
    """The last number of a text: a scorer's reading."""
    found = LAST.findall(text)
    return found[-1] if found else None


async def events_of(flow: FlowConfig, answers: Answers, aside: SetAside = ASIDE) -> Sequence[RunEvent]:
    async with aside(flow, CaseScript(answers)) as service:
        info = await service.start(RunRequest(flow=flow.id, prompt="What is 47 + 38?"))
        await service.wait(info.run_id)
        return await service.events(info.run_id)


def told(said: Sequence[Said]) -> list[tuple[str, int, str, str | None]]:
    """Sorted, for nodes side by side end in any order."""
    found = [(one.statement.speaker, one.statement.round, one.statement.part, one.statement.choice) for one in said]
    return sorted(found, key=lambda one: one[:2])


async def of(name: str, answers: Answers) -> list[tuple[str, int, str, str | None]]:
    return told(statements(await events_of(CATALOG.get(name), answers), KINDS, last_number))


def flow(*nodes: dict[str, Any], edges: Sequence[tuple[str, str]] = (), **more: Any) -> FlowConfig:
    pairs = [{"from": source, "to": target} for source, target in edges]
    return FlowConfig.model_validate({"id": "own", "name": "Own", "nodes": list(nodes), "edges": pairs, **more})


def asking(node: str, prompt: str = "{user_input}", **more: Any) -> dict[str, Any]:
    return {"id": node, "kind": "generate", "prompt": prompt, **more}


EXPECTED: Mapping[str, tuple[Answers, list[tuple[str, int, str, str | None]]]] = {
    "challenge": (
        {"creator": "75", "challenger": "It is not 75 but 86.", "refiner": "85"},
        [("creator", 1, "draft", "75"), ("refiner", 1, "answer", "85")],
    ),
    "adversarial": (
        {"proposal": "75", "red_team": OBJECTION, "blue_team": "84", "arbitrator": "85"},
        [("arbitrator", 1, "answer", "85"), ("blue_team", 1, "step", "84"), ("proposal", 1, "draft", "75")],
    ),
    "iterative": (
        {"creator": "75", "challenger": (OBJECTION, OBJECTION, ACCEPTED), "refiner": ("80", "85")},
        [
            ("creator", 1, "draft", "75"),
            ("refiner", 1, "step", "80"),
            ("refiner", 2, "step", "85"),
            ("solution", 1, "answer", "85"),
        ],
    ),
    "consensus": (
        {"voices": ("Answer: 75", "Answer: 85", "no idea", "Answer: 85", "Answer: 85")},
        [
            ("vote", 1, "answer", "85"),
            ("voices#1", 1, "draft", "75"),
            ("voices#2", 1, "voice", "85"),
            ("voices#3", 1, "voice", None),
            ("voices#4", 1, "voice", "85"),
            ("voices#5", 1, "voice", "85"),
        ],
    ),
    "debate": (
        {
            "agent_1": ("Answer: 75", "Answer: 85"),
            "agent_2": "Answer: 85",
            "agent_3": ("Answer: 95", "Answer: 75"),
        },
        [
            ("agent_1", 1, "draft", "75"),
            ("agent_1", 2, "step", "85"),
            ("agent_2", 1, "voice", "85"),
            ("agent_2", 2, "step", "85"),
            ("agent_3", 1, "voice", "95"),
            ("agent_3", 2, "step", "75"),
            ("vote", 1, "step", "75"),
            ("vote", 2, "answer", "85"),
        ],
    ),
    "linear": (
        {"execution": ("I'm sorry, I cannot do 38.", "85")},
        [
            ("execution", 1, "draft", "38"),
            ("execution", 2, "step", "85"),
            ("validator", 1, "step", "38"),
            ("validator", 2, "answer", "85"),
        ],
    ),
    "multi_perspective": (
        {"security": "1", "performance": "2", "ux": "3", "synthesizer": "4"},
        [
            ("performance", 1, "voice", "2"),
            ("security", 1, "draft", "1"),
            ("synthesizer", 1, "answer", "4"),
            ("ux", 1, "voice", "3"),
        ],
    ),
}


@pytest.mark.parametrize("name", LIBRARY)
async def test_of_every_library_flow_the_answers_are_told_and_no_critics(name: str) -> None:
    answers, expected = EXPECTED[name]
    found = await of(name, answers)
    if name == "multi_perspective":  # whichever expert was first is the draft
        assert sorted(one[2] for one in found) == sorted(one[2] for one in expected)
        assert [(one[0], one[3]) for one in found] == [(one[0], one[3]) for one in expected]
    else:
        assert found == sorted(expected, key=lambda one: one[:2])


async def test_first_answers_stand_in_the_flows_order_whoever_was_faster() -> None:
    nodes = (asking("slow"), asking("quick"), {"id": "v", "kind": "vote", "of": ["quick", "slow"]})
    own = flow(*nodes, edges=[("slow", "v"), ("quick", "v")], answer="v")
    events = list(await events_of(own, {"slow": "1", "quick": "2"}))
    ends = [n for n, one in enumerate(events) if isinstance(one, NodeFinished) and one.node in {"slow", "quick"}]
    swapped = events.copy()
    swapped[ends[0]], swapped[ends[1]] = events[ends[1]], events[ends[0]]
    for told_events in (events, swapped):
        said = statements(told_events, KINDS, last_number)
        assert [one.statement.speaker for one in said] == ["slow", "quick", "v"]


async def test_an_accepted_draft_is_followed_by_the_same_answer() -> None:
    found = await of("iterative", {"creator": "85", "challenger": ACCEPTED})
    assert found == [("creator", 1, "draft", "85"), ("solution", 1, "answer", "85")]


async def test_a_single_call_is_the_answer_alone() -> None:
    found = told(statements(await events_of(flow(asking("only")), {"only": "42"}), KINDS, last_number))
    assert found == [("only", 1, "answer", "42")]


async def test_one_answer_before_a_vote_is_its_draft() -> None:
    own = flow(asking("a"), {"id": "v", "kind": "vote"}, edges=[("a", "v")], draft="a", answer="v")
    found = told(statements(await events_of(own, {"a": "42"}), KINDS, last_number))
    assert found == [("a", 1, "draft", "42"), ("v", 1, "answer", "42")]


async def test_who_stands_before_a_judge_states_an_answer_and_the_judge_states_the_winner() -> None:
    judge = {"id": "best", "kind": "judge", "mode": "score"}
    own = flow(asking("a", samples=2), asking("b"), judge, edges=[("a", "best"), ("b", "best")], answer="best")
    scores = ('{"score": 3, "reason": "x"}', '{"score": 9, "reason": "x"}', '{"score": 1, "reason": "x"}')
    found = told(statements(await events_of(own, {"a": ("1", "2"), "b": "3", "best": scores}), KINDS, last_number))
    assert sorted(one[0] for one in found) == ["a#1", "a#2", "b", "best"]
    assert [one[2] for one in found if one[0] == "best"] == ["answer"]


async def test_a_field_that_votes_is_what_its_node_states() -> None:
    schema = {
        "type": "object",
        "properties": {"final": {"type": "integer"}, "steps": {"type": "integer"}},
        "required": ["final", "steps"],
        "additionalProperties": False,
    }
    vote = {"id": "v", "kind": "vote", "of": ["a", "b"], "field": "final"}
    nodes = (asking("a", output_schema=schema), asking("b", output_schema=schema), vote)
    own = flow(*nodes, edges=[("a", "v"), ("b", "v")], answer="v")
    answers = {"a": '{"final": 85, "steps": 3}', "b": '{"final": 75, "steps": 4}'}
    found = told(statements(await events_of(own, answers), KINDS, last_number))
    assert [(one[0], one[3]) for one in found][:2] == [("a", "85"), ("b", "75")]


async def test_the_same_draft_node_asked_again_ends_as_the_answer() -> None:
    check = asking("check", "{user_input} {a_output}", output_schema=None, accepts=["fine"])
    own = FlowConfig.model_validate(
        {
            "id": "own",
            "name": "Own",
            "nodes": [asking("a", "{user_input}{?check_output} {check_output}{/check_output}"), check],
            "edges": [
                {"from": "a", "to": "check"},
                {
                    "from": "check",
                    "to": "a",
                    "max_rounds": 2,
                    "when": {"value": "check.accepted", "op": "==", "than": False},
                },
            ],
            "draft": "a",
            "answer": "a",
        }
    )
    found = told(statements(await events_of(own, {"a": ("1", "2"), "check": ("no 9", "fine")}), KINDS, last_number))
    assert found == [("a", 1, "draft", "1"), ("a", 2, "answer", "2")]


class _Inner:
    """Finds one inner flow."""

    def __init__(self, inner: FlowConfig) -> None:
        self.inner = inner

    async def resolve(self, name: str, *, only: str | None = None) -> FlowRef:
        return ref_of(self.inner)


def with_inner(inner: FlowConfig) -> SetAside:
    return SetAside(models=MODELS, strategies=STRATEGIES, kinds=KINDS, flows=_Inner(inner), check=CHECK)


INNER = CATALOG.get("challenge").model_copy(update={"id": "inner"})


async def test_a_flow_within_an_answering_node_counts_as_steps_on_the_way() -> None:
    own = flow({"id": "sub", "kind": "subflow", "flow": "inner"}, answer="sub")
    answers = {"creator": "75", "challenger": "86", "refiner": "85"}
    found = told(statements(await events_of(own, answers, with_inner(INNER)), KINDS, last_number))
    assert ("sub", 1, "answer", "85") in found
    assert [(one[0], one[2], one[3]) for one in found if "/" in one[0]] == [
        ("sub/creator", "step", "75"),
        ("sub/refiner", "step", "85"),
    ]


async def test_a_flow_within_a_critic_and_the_branches_of_a_map_state_nothing() -> None:
    critic = {"id": "critic", "kind": "subflow", "flow": "inner", "prompt": "{user_input} {draft_output}"}
    parts = {"id": "parts", "kind": "map", "lines": "one\ntwo", "flow": "inner"}
    nodes = (asking("draft"), critic, parts, asking("final", "{user_input} {critic_output} {parts_output}"))
    edges = [("draft", "critic"), ("critic", "parts"), ("parts", "final")]
    own = flow(*nodes, edges=edges, draft="draft", answer="final")
    answers = {"creator": "1", "challenger": "2", "refiner": "3", "draft": "4", "final": "5"}
    found = told(statements(await events_of(own, answers, with_inner(INNER)), KINDS, last_number))
    assert found == [("draft", 1, "draft", "4"), ("final", 1, "answer", "5")]


async def test_costs_are_those_of_the_run_by_node_of_its_own_flow() -> None:
    own = flow({"id": "sub", "kind": "subflow", "flow": "inner"}, asking("b"), edges=[("sub", "b")], answer="b")
    events = await events_of(own, {"*": "85"}, with_inner(INNER))
    costs = {cost.node: cost for cost in node_costs(events)}
    totals = fold(events).totals
    assert {name: cost.calls for name, cost in costs.items()} == {"sub": 3, "b": 1}
    assert sum(cost.prompt_tokens for cost in costs.values()) == totals.prompt_tokens
    assert sum(cost.completion_tokens for cost in costs.values()) == totals.completion_tokens
    assert all(cost.cost_usd == 0 for cost in costs.values())


async def test_every_statement_gets_its_score_and_the_same_words_are_scored_once() -> None:
    asked: list[str] = []

    class Exact:
        version = "exact@1"
        binary = True

        def read(self, text: str) -> str | None:
            return last_number(text)

        async def score(self, text: str, item: Item) -> Scored:
            asked.append(text)
            return Scored(last_number(text), float(last_number(text) == item.target))

    said = statements(await events_of(CATALOG.get("iterative"), {"creator": "85", "*": ACCEPTED}), KINDS, last_number)
    found = await scored(said, Exact(), Item(id="1", input="?", target="85"))
    assert [one.score for one in found] == [1.0, 1.0]
    assert asked == ["85"]


@settings(max_examples=40, deadline=None)
@given(checked_flows())
async def test_of_any_flow_the_first_draft_comes_before_the_answer_and_speakers_count_their_rounds(
    document: dict[str, Any],
) -> None:
    events = await events_of(FlowConfig.model_validate(document), {"*": "85"})
    said = statements(events, KINDS, last_number)
    parts = [one.statement.part for one in said]
    assert parts.count("answer") <= 1
    assert parts.count("draft") <= 1
    rounds: dict[str, list[int]] = {}
    for one in said:
        rounds.setdefault(one.statement.speaker, []).append(one.statement.round)
    assert all(found == list(range(1, len(found) + 1)) for found in rounds.values())
    finished = {event.node for event in events if isinstance(event, GenerationFinished)}
    assert {cost.node for cost in node_costs(events)} == {node.split("/")[0] for node in finished}


def test_no_library_flow_takes_its_critic_for_somebody_who_answers() -> None:
    for name in LIBRARY:
        critics = {node.id for node in CATALOG.get(name).nodes if node.part == "challenger"}
        assert not critics & answering_nodes(CATALOG.get(name), KINDS).nodes
