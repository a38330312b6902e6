"""What a run would have answered without its deliberation: told from its events alone, and nothing more claimed."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lab.contracts.errors import ConflictError
from agent_lab.contracts.events import RUN_EVENT, GenerationStarted, RunEvent
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.run import ForkRequest, RunOptions, RunRequest
from agent_lab.runs.alternatives import RunAlternatives, alternatives
from agent_lab.runs.cases import CaseScript
from support.flows import KINDS, LIBRARY
from support.library import ASIDE, CATALOG, said
from support.random_flows import checked_flows

Answers = Mapping[str, str | tuple[str, ...]]
VECTORS = sorted((Path(__file__).parent.parent / "vectors").glob("*.json"))
STEADY = {"id": "voices", "kind": "generate", "prompt": "{user_input}", "samples": 4}


async def events_of(flow: FlowConfig, answers: Answers, *, language: str = "en") -> Sequence[RunEvent]:
    """Everything that a run of this flow on these answers says."""
    options = RunOptions.model_validate({"language": language})
    async with ASIDE(flow, CaseScript(answers)) as service:
        info = await service.start(RunRequest(flow=flow.id, prompt="What is 47 + 38?", options=options))
        await service.wait(info.run_id)
        return await service.events(info.run_id)


async def of(name: str, answers: Answers, *, language: str = "en") -> RunAlternatives:
    return alternatives(await events_of(CATALOG.get(name), answers, language=language), KINDS)


def flow(*nodes: dict[str, Any], edges: Sequence[tuple[str, str]] = (), **more: Any) -> FlowConfig:
    pairs = [{"from": source, "to": target} for source, target in edges]
    return FlowConfig.model_validate({"id": "own", "name": "Own", "nodes": list(nodes), "edges": pairs, **more})


def asking(node: str, prompt: str = "{user_input}", **more: Any) -> dict[str, Any]:
    return {"id": node, "kind": "generate", "prompt": prompt, **more}


async def test_a_vote_counts_what_the_debaters_said_before_they_read_each_other() -> None:
    answers = {
        "agent_1": ("Answer: 75", "Answer: 85"),
        "agent_2": "Answer: 85",
        "agent_3": ("It is 75.\nAnswer: 75.0", "Answer: 85"),
    }
    found = await of("debate", answers)
    assert found.answer == "Answer: 85"
    assert found.vote is not None
    assert [(voice.voter, voice.choice, voice.agrees) for voice in found.vote.voices] == [
        ("agent_1", "75", False),
        ("agent_2", "85", True),
        ("agent_3", "75", False),
    ]
    assert (found.vote.winner, found.vote.tied, found.vote.agrees) == ("75", False, False)
    assert [(one.choice, one.votes, one.voters) for one in found.vote.counts] == [
        ("75", 2, ("agent_1", "agent_3")),
        ("85", 1, ("agent_2",)),
    ]
    assert found.draft is not None
    assert (found.draft.node, found.draft.text, found.draft.agrees) == ("agent_1", "Answer: 75", False)
    assert "does not say which answer is right" in found.note


async def test_samples_of_one_node_vote_each_and_the_vote_is_the_flows_own() -> None:
    found = await of("consensus", {"voices": ("Answer: 75", "Answer: 85", "no idea", "Answer: 85", "Answer: 85")})
    assert found.vote is not None
    assert [voice.voter for voice in found.vote.voices] == [f"voices#{n}" for n in range(1, 6)]
    assert (found.vote.winner, found.vote.agrees, found.normalize) == ("85", True, "answer")
    assert found.draft is not None
    assert (found.draft.choice, found.draft.agrees) == ("75", False)


async def test_a_tie_is_shown_as_a_tie_and_nobody_wins() -> None:
    found = await of("debate", {"agent_1": "Respuesta: 1", "agent_2": "Respuesta: 2", "agent_3": "Respuesta: 3"})
    assert found.vote is not None
    assert (found.vote.winner, found.vote.tied, found.vote.agrees) == (None, True, None)
    assert [(one.choice, one.votes, one.agrees) for one in found.vote.counts] == [
        ("1", 1, True),
        ("2", 1, False),
        ("3", 1, False),
    ]


async def test_parallel_experts_are_independent_and_their_synthesis_is_not() -> None:
    experts = {"security_expert": "Answer: no", "performance_expert": "Answer: yes", "ux_expert": "answer: YES!"}
    asked = [node.id for node in CATALOG.get("multi_perspective").nodes if node.kind == "generate"]
    answers = {name: experts.get(name, "Answer: yes") for name in asked}
    found = await of("multi_perspective", answers)
    assert found.vote is not None
    assert len(found.vote.voices) == len(asked) - 1
    assert found.vote.winner == "yes"
    assert found.vote.agrees


@pytest.mark.parametrize("name", ["linear", "challenge", "adversarial", "iterative"])
async def test_one_answer_is_told_to_be_no_vote(name: str) -> None:
    found = await of(name, said(name))
    assert (found.vote, found.missing) == (None, "one_answer")
    assert "Only one answer" in found.note
    assert found.draft is not None
    assert found.draft.text == said(name)[found.draft.node] or name == "linear"


async def test_a_draft_that_was_accepted_agrees_with_the_answer() -> None:
    found = await of("iterative", {"creator": "66", "challenger": '{"issues": [], "accepted": true}'})
    assert found.draft is not None
    assert (found.answer, found.draft.text, found.draft.agrees) == ("66", "66", True)


async def test_a_single_call_has_neither_draft_nor_vote() -> None:
    found = alternatives(await events_of(flow(asking("only")), {"only": "42"}), KINDS)
    assert (found.answer, found.choice, found.missing) == ("42", "42", "one_answer")
    assert (found.draft, found.vote) == (None, None)


async def test_a_later_node_that_reads_no_answer_is_independent() -> None:
    nodes = (asking("a"), asking("b"), asking("c", "{user_input} {b_output}"))
    found = alternatives(
        await events_of(flow(*nodes, edges=[("a", "b"), ("b", "c")]), {"a": "1", "b": "2", "c": "2"}), KINDS
    )
    assert found.vote is not None
    assert [voice.voter for voice in found.vote.voices] == ["a", "b"]


async def test_one_that_ended_as_another_began_but_is_not_in_its_prompt_has_not_been_read() -> None:
    own = flow(asking("a"), asking("b", "{user_input}{?a_output} Somebody said {a_output}{/a_output}"))
    events = await events_of(own, {"a": "Answer: 75", "b": "Answer: 85"})
    begun = next(event for event in events if event.type == "node_started" and event.node == "b")
    # As a slow machine writes it down: the prompt was filled before the other one ended, and asked with after that.
    rest = [event for event in events if event != begun]
    asked = next(event for event in rest if event.type == "generation_started" and event.node == "b")
    assert "75" not in asked.request.prompt
    rest.remove(asked)
    ended = next(place for place, event in enumerate(rest) if event.type == "node_finished" and event.node == "a")
    found = alternatives([*rest[: ended + 1], begun, asked, *rest[ended + 1 :]], KINDS)
    assert found.vote is not None
    assert [voice.voter for voice in found.vote.voices] == ["a", "b"]


async def test_a_field_of_an_answer_in_a_prompt_is_that_answer_read() -> None:
    schema = {"type": "object", "properties": {"issue": {"type": "string"}}, "required": ["issue"]}
    nodes = (asking("a"), asking("critic", output_schema=schema), asking("b", "{user_input} Mind: {critic.issue}"))
    answers = {"a": "1", "critic": '{"issue": "the carry"}', "b": "2"}
    found = alternatives(await events_of(flow(*nodes, edges=[("critic", "b")]), answers), KINDS)
    assert found.missing == "one_answer"


async def test_what_is_handed_on_by_other_kinds_is_no_longer_independent() -> None:
    join = {"id": "join", "kind": "transform", "op": "join", "of": ["a"]}
    nodes = (asking("a"), join, asking("b", "{user_input} {join_output}"))
    found = alternatives(await events_of(flow(*nodes, edges=[("a", "join"), ("join", "b")]), {"*": "1"}), KINDS)
    assert found.missing == "one_answer"


async def test_an_object_of_a_nodes_own_is_no_answer() -> None:
    schema = {"type": "object", "properties": {"route": {"type": "string"}}, "required": ["route"]}
    nodes = (asking("route", output_schema=schema), asking("a"))
    found = alternatives(
        await events_of(flow(*nodes, edges=[("route", "a")]), {"route": '{"route": "x"}', "a": "1"}), KINDS
    )
    assert found.missing == "one_answer"


async def test_a_vote_of_the_flow_says_how_answers_are_read() -> None:
    vote = {"id": "vote", "kind": "vote", "of": ["a", "b"], "normalize": "choice", "choices": ["Red", "Blue"]}
    own = flow(asking("a"), asking("b"), vote, edges=[("a", "vote"), ("b", "vote")], answer="vote")
    found = alternatives(await events_of(own, {"a": "I would say red.", "b": "None of them"}), KINDS)
    assert found.vote is not None
    assert (found.vote.winner, found.vote.abstained, found.normalize) == ("Red", 1, "choice")


async def test_a_choice_in_a_field_is_read_there() -> None:
    schema = {"type": "object", "properties": {"pick": {"type": "string"}}, "required": ["pick"]}
    vote = {"id": "vote", "kind": "vote", "of": ["a", "b", "c"], "field": "pick"}
    names = ("a", "b", "c")
    own = flow(
        *(asking(name, output_schema=schema) for name in names),
        vote,
        edges=[(name, "vote") for name in names],
        answer="vote",
    )
    picks = {"a": '{"pick": "left"}', "b": '{"pick": "right"}', "c": '{"pick": "Left"}'}
    found = alternatives(await events_of(own, picks), KINDS)
    assert found.vote is not None
    assert (found.vote.winner, found.choice, found.vote.agrees) == ("left", "left", True)


async def test_a_flow_within_is_one_voice() -> None:
    within = [{"id": name, "kind": "subflow", "flow": "challenge"} for name in ("a", "b")]
    found = alternatives(await events_of(flow(*within), {"*": "Answer: 85"}), KINDS)
    assert found.vote is not None
    assert [voice.voter for voice in found.vote.voices] == ["a", "b"]
    assert found.vote.counts[0].votes == 2


async def test_a_run_that_has_not_answered_yet_says_so() -> None:
    events = await events_of(CATALOG.get("debate"), {"*": "Answer: 85"})
    early = alternatives(events[:1], KINDS)
    assert (early.answer, early.draft, early.vote, early.missing) == (None, None, None, "nothing_said")
    middle = alternatives(events[:-1], KINDS)
    assert middle.vote is not None
    assert (middle.answer, middle.vote.winner, middle.vote.agrees) == (None, "85", None)
    with pytest.raises(ConflictError, match="no beginning"):
        alternatives([], KINDS)


async def test_a_fork_votes_with_the_answers_that_it_took_over() -> None:
    debate = CATALOG.get("debate")
    async with ASIDE(debate, CaseScript({"*": "Answer: 85"})) as service:
        first = await service.start(RunRequest(flow="debate", prompt="What is 47 + 38?"))
        await service.wait(first.run_id)
        again = await service.fork(first.run_id, ForkRequest(nodes={"agent_3": {"temperature": 0.1}}))
        await service.wait(again.run_id)
        found = alternatives(await service.events(again.run_id), KINDS)
    assert found.vote is not None
    assert len(found.vote.voices) == 3


@pytest.mark.parametrize("name", LIBRARY)
@pytest.mark.parametrize("language", ["en", "es"])
async def test_every_flow_of_the_library_can_be_told_so(name: str, language: str) -> None:
    found = await of(name, said(name), language=language)
    assert found.status == "completed"
    assert RunAlternatives.model_validate_json(found.model_dump_json()) == found
    assert (found.vote is None) == (found.missing is not None)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_every_recorded_run_can_be_told_so_at_any_moment(path: Path) -> None:
    events = [RUN_EVENT.validate_python(event) for event in json.loads(path.read_text(encoding="utf-8"))["events"]]
    stored = [event for event in events if event.type != "token"]
    for end in range(1, len(stored) + 1):
        check(alternatives(stored[:end], KINDS))


def check(found: RunAlternatives) -> None:
    """What holds of every one."""
    assert (found.vote is None) == (found.missing is not None)
    if found.vote is None:
        return
    vote, choices = found.vote, [voice.choice for voice in found.vote.voices]
    said_so = Counter(choice for choice in choices if choice is not None)
    assert {one.choice: one.votes for one in vote.counts} == said_so
    assert vote.abstained == choices.count(None)
    most = [choice for choice, votes in said_so.items() if votes == max(said_so.values())]
    assert vote.winner == (most[0] if len(most) == 1 else None)
    assert vote.tied == (len(most) > 1)
    for voice in vote.voices:
        known = voice.choice is not None and found.choice is not None
        assert voice.agrees == (voice.choice == found.choice if known else None)


@settings(max_examples=40, deadline=None)
@given(checked_flows())
def test_the_voices_are_those_whose_prompt_held_no_other_answer(document: dict[str, Any]) -> None:
    own = FlowConfig.model_validate(document)
    events = asyncio.run(events_of(own, {node.id: f"«{node.id}»" for node in own.nodes}))
    alone = {
        event.node
        for event in events
        if isinstance(event, GenerationStarted) and event.visit == 1 and "«" not in event.request.prompt
    }
    found = alternatives(events, KINDS)
    check(found)
    voices = {voice.node for voice in found.vote.voices} if found.vote else set()
    assert voices == alone if found.vote else len(alone) < 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["Answer: 1", "Answer: 2", "answer: 2.", "Answer: 3"]), min_size=4, max_size=4))
def test_where_nobody_deliberated_the_vote_is_the_flows_own(given_answers: list[str]) -> None:
    vote = {"id": "vote", "kind": "vote", "of": ["voices"], "normalize": "answer"}
    own = flow(STEADY, vote, edges=[("voices", "vote")], answer="vote")
    events = asyncio.run(events_of(own, {"voices": tuple(given_answers)}))
    found = alternatives(events, KINDS)
    check(found)
    assert found.vote is not None
    assert found.vote.tied or found.vote.agrees
