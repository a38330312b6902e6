"""Trials: one node is run alone on what the nodes before it are taken to have said, and nothing else is asked."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.errors import NotFoundError, ProblemsError, ValidationError
from agent_lab.contracts.events import RouteTaken
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.run import ForkRequest, RunOptions, RunRequest, RunView
from agent_lab.contracts.run_ports import RunFilter
from agent_lab.flows.catalog import FlowCatalog
from agent_lab.flows.checks import check_flow
from agent_lab.flows.shelf import FlowShelf
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.runs.transcript import run_markdown
from agent_lab.runs.worst_case import worst_case
from agent_lab.storage.memory_flows import MemoryFlows
from support.flows import KINDS, library_document
from support.person_flows import BESIDE, lab_with
from support.runs import MODELS, Bench, bench
from unit.test_worst_case import Dollars

AGAIN = {"value": "check.accepted", "op": "==", "than": False}
EXPERTS: dict[str, Any] = {
    "id": "experts",
    "nodes": [
        {"id": "first", "kind": "generate", "prompt": "{user_input}"},
        {"id": "second", "kind": "generate", "prompt": "{user_input}"},
        {"id": "both", "kind": "generate", "prompt": "{previous_output}"},
        {"id": "choose", "kind": "vote"},
        {"id": "check", "kind": "validator"},
        {"id": "each", "kind": "map", "over": "both.plan", "prompt": "Do {item}"},
        {"id": "inner", "kind": "subflow", "flow": "challenge", "prompt": "{choose_output}: {choose.share}"},
    ],
    "edges": [
        {"from": "first", "to": "both"},
        {"from": "second", "to": "both"},
        {"from": "both", "to": "choose"},
        {"from": "choose", "to": "check"},
        {
            "from": "check",
            "to": "both",
            "when": {"value": "check.accepted", "op": "==", "than": False},
            "max_rounds": 2,
        },
        {"from": "check", "to": "each", "otherwise": True},
        {"from": "each", "to": "inner"},
    ],
}
EXPERTS["nodes"][2]["output_schema"] = {
    "type": "object",
    "properties": {"plan": {"type": "array", "items": {"type": "string"}}},
}


def by_prompt() -> ScriptedProvider:
    return ScriptedProvider(lambda call: f"<{call.request.prompt[:60]}>")


async def tried(lab: Bench, flow: str, only: str, pins: dict[str, Any], prompt: str = "Q", **options: Any) -> RunView:
    request = RunRequest.model_validate({"flow": flow, "prompt": prompt, "only": only, "pins": pins})
    info = await lab.runs.start(request.model_copy(update={"options": RunOptions(**options)}))
    return await lab.runs.wait(info.run_id)


def status_of(view: RunView) -> dict[str, str]:
    return {node.id: node.status for node in view.nodes}


async def test_one_node_is_asked_on_what_is_pinned_and_no_other(tmp_path: Path) -> None:
    lab = bench(tmp_path, by_prompt())
    view = await tried(lab, "challenge", "challenger", {"creator": {"text": "the draft"}})
    assert len(lab.provider.calls) == 1
    assert "the draft" in lab.provider.calls[0].request.prompt
    assert (view.status, view.only_node, view.totals.calls) == ("completed", "challenger", 1)
    assert view.answer == view.nodes[1].text
    assert status_of(view) == {"creator": "pinned", "challenger": "completed", "refiner": "skipped"}
    assert view.nodes[0].text == "the draft"


async def test_a_pin_too_few_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, EXPERTS, provider=by_prompt())
    cases = {
        "both": r"Pin what 'first', 'second' said: the node 'both' needs \{previous_output\}\.",
        "choose": r"Pin what 'both' said: the node 'choose' needs an answer to read\.",
        "check": r"Pin what 'choose' said: the node 'check' needs an answer to read\.",
        "each": r"Pin what 'both' said: the node 'each' needs 'both'\.",
        "inner": r"Pin what 'choose' said: the node 'inner' needs \{choose_output\}, \{choose.share\}\.",
    }
    for node, sentence in cases.items():
        with pytest.raises(ValidationError, match=sentence):
            await tried(lab, "experts", node, {})
    with pytest.raises(ValidationError, match=r"Give the pin of 'choose' what 'inner' needs of it: \{choose.share\}\."):
        await tried(lab, "experts", "inner", {"choose": {"text": "A"}})
    with pytest.raises(ValidationError, match=r"Pin what 'challenger' said: the node 'refiner' needs"):
        await tried(lab, "challenge", "refiner", {"creator": {"text": "draft"}})
    with pytest.raises(NotFoundError, match="creator"):
        await tried(lab, "challenge", "creater", {})
    with pytest.raises(NotFoundError, match="creator"):
        await tried(lab, "challenge", "creator", {"creater": {"text": "x"}})
    with pytest.raises(ValidationError, match="say which one with `only`"):
        await lab.runs.start(
            RunRequest.model_validate({"flow": "challenge", "prompt": "Q", "pins": {"a": {"text": ""}}})
        )
    assert lab.provider.calls == []


async def test_a_join_reads_what_is_pinned_in_the_order_of_the_flow(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, EXPERTS, provider=by_prompt())
    view = await tried(lab, "experts", "both", {"second": {"text": "B"}, "first": {"text": "A"}})
    assert view.answer == "<A\n\nB>"
    one = await tried(lab, "experts", "both", {"second": {"text": "B"}})
    assert one.answer == "<B>"


async def test_lists_and_subflows_are_run_with_all_that_is_in_them(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, EXPERTS, provider=by_prompt())
    view = await tried(lab, "experts", "each", {"both": {"text": "plan", "fields": {"plan": ["this", "that"]}}})
    assert view.answer == "<Do this>\n\n<Do that>"
    lab.provider.calls.clear()
    inner = await tried(lab, "experts", "inner", {"choose": {"text": "A", "fields": {"share": 0.5}}})
    assert [call.request.context.role for call in lab.provider.calls] == ["creator", "challenger", "refiner"]
    assert "A: 0.5" in lab.provider.calls[0].request.prompt
    assert inner.status == "completed"


async def test_where_the_run_would_go_on_is_told_and_not_gone(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, EXPERTS, provider=by_prompt())
    view = await tried(lab, "experts", "check", {"choose": {"text": ""}})
    routes = [event for event in await lab.events(view.run_id) if isinstance(event, RouteTaken)]
    assert [(route.source, route.target) for route in routes] == [("check", "both")]
    assert {(edge.source, edge.target) for edge in view.edges if edge.taken} == {("check", "both")}
    assert status_of(view)["both"] == "skipped"


async def test_a_condition_on_what_nobody_said_leads_nowhere(tmp_path: Path) -> None:
    flow = {
        "id": "elsewhere",
        "nodes": [{"id": name, "kind": "generate", "prompt": "{user_input}"} for name in ("a", "b", "c", "d")],
        "edges": [
            {"from": "a", "to": "b"},
            {"from": "b", "to": "c", "when": {"value": "a.text", "op": "==", "than": "go"}},
            {"from": "b", "to": "d", "otherwise": True},
        ],
    }
    lab = lab_with(tmp_path, flow, provider=by_prompt())
    unknown = await tried(lab, "elsewhere", "b", {})
    known = await tried(lab, "elsewhere", "b", {"a": {"text": "go"}})
    assert [[edge.target for edge in view.edges if edge.taken] for view in (unknown, known)] == [[], ["c"]]


async def test_a_person_can_be_asked_in_a_trial_and_the_run_waits(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, BESIDE, provider=by_prompt())
    view = await tried(lab, "beside", "person", {})
    assert view.status == "waiting"
    await lab.runs.answer(view.run_id, "person", "yes")
    assert (await lab.runs.wait(view.run_id)).answer == "person: yes"


async def test_a_trial_that_is_interrupted_goes_on_with_its_pins(tmp_path: Path) -> None:
    slow = bench(tmp_path, ScriptedProvider(lambda call: "late", gate=asyncio.Event()))
    pins = {"creator": {"text": "the draft"}}
    request = RunRequest.model_validate({"flow": "challenge", "prompt": "Q", "only": "challenger", "pins": pins})
    info = await slow.runs.start(request)
    await asyncio.sleep(0.05)
    await slow.runs.close()
    other = bench(tmp_path, by_prompt(), store=slow.runs.store)
    assert await other.runs.recover() == [info.run_id]
    view = await other.runs.wait(info.run_id)
    assert (view.status, len(other.provider.calls)) == ("completed", 1)
    assert "the draft" in other.provider.calls[0].request.prompt


async def test_a_fork_of_a_trial_keeps_its_pins_and_pays_for_its_node_alone(tmp_path: Path) -> None:
    lab = bench(tmp_path, by_prompt())
    first = await tried(lab, "challenge", "challenger", {"creator": {"text": "the draft"}})
    change = ForkRequest(nodes={"challenger": {"prompt": "Again: {creator_output}"}})
    told = await lab.runs.preview(first.run_id, change)
    assert (told.nodes, told.calls) == (("challenger",), 1)
    info = await lab.runs.fork(first.run_id, change)
    assert info.only_node == "challenger"
    assert (await lab.runs.wait(info.run_id)).answer == "<Again: the draft>"
    same = await lab.runs.fork(first.run_id, ForkRequest())
    view = await lab.runs.wait(same.run_id)
    assert (view.totals.calls, view.totals.reused_calls, view.answer) == (0, 1, first.answer)
    needs_more = ForkRequest(nodes={"challenger": {"prompt": "{creator.note}"}})
    with pytest.raises(ValidationError):
        await lab.runs.fork(first.run_id, needs_more)


async def test_what_a_person_said_in_a_trial_is_taken_over_while_the_pins_are_the_same(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, BESIDE, provider=by_prompt())
    first = await tried(lab, "beside", "person", {"first": {"text": "seen"}})
    await lab.runs.answer(first.run_id, "person", "yes")
    await lab.runs.wait(first.run_id)
    info = await lab.runs.fork(first.run_id, ForkRequest())
    assert (await lab.runs.wait(info.run_id)).answer == "person: yes"


async def test_trials_are_told_apart_and_never_brought_back_as_history(tmp_path: Path) -> None:
    lab = bench(tmp_path, by_prompt())
    trial = await tried(lab, "challenge", "creator", {}, "Why is the sky blue?")
    whole = await lab.run("challenge", "Why is the sky blue?")
    listed = [await lab.runs.list(only=RunFilter(trial=which)) for which in (True, False, None)]
    assert [[info.run_id for info in found] for found in listed[:2]] == [[trial.run_id], [whole.run_id]]
    assert len(listed[2]) == 2
    past = await lab.runs.store.similar("Why is the sky blue?", limit=9)
    assert [one.run_id for one in past] == [whole.run_id]


async def test_the_transcript_says_what_was_pinned(tmp_path: Path) -> None:
    lab = bench(tmp_path, by_prompt())
    view = await tried(lab, "challenge", "challenger", {"creator": {"text": "the draft"}})
    page = run_markdown(await lab.events(view.run_id))
    assert "A trial: `challenger` was run alone" in page
    assert "Pinned `creator`:" in page


async def test_a_node_of_a_draft_is_run_whatever_is_wrong_elsewhere(tmp_path: Path) -> None:
    lab = bench(tmp_path, by_prompt())
    keys = [model.key for model in MODELS.list_models()]
    check = partial(check_flow, kinds=KINDS, models=keys, strategies=["standard"])
    shelf = FlowShelf(FlowCatalog(tmp_path / "none", check), MemoryFlows(), check)
    lab = replace(lab, runs=replace(lab.runs, flows=shelf))
    broken = {
        "id": "half",
        "name": "Half",
        "answer": "nobody",
        "nodes": [
            {"id": "good", "kind": "generate", "prompt": "{user_input}"},
            {"id": "bad", "kind": "nonsense"},
            {"id": "next", "kind": "generate", "prompt": "{good_output} {bad_output"},
        ],
        "edges": [{"from": "good", "to": "bad"}, {"from": "bad", "to": "good"}, {"from": "bad", "to": "gone"}],
    }
    await shelf.create(broken)
    view = await tried(lab, "half@draft", "good", {"bad": {"text": "whatever"}})
    assert (view.status, view.answer) == ("completed", "<Q>")
    with pytest.raises(ProblemsError, match="brace") as told:
        await tried(lab, "half@draft", "next", {"good": {"text": "x"}})
    assert "nonsense" not in told.value.message
    with pytest.raises(ProblemsError, match="nonsense"):
        await tried(lab, "half@draft", "bad", {})
    with pytest.raises(ProblemsError, match="nonsense"):
        await lab.runs.start(RunRequest(flow="half@draft", prompt="Q"))


def test_a_trial_is_estimated_by_its_node_and_its_pins() -> None:
    flow = FlowConfig.model_validate(library_document("challenge"))

    def usd(draft: str) -> float:
        pins = {"creator": {"text": draft}}
        request = RunRequest.model_validate({"flow": "challenge", "prompt": "Q", "only": "challenger", "pins": pins})
        most = worst_case(flow, request, KINDS, lambda _: None, Dollars())
        assert (most.bounds.turns, most.bounds.calls, [one.node for one in most.bounds.nodes]) == (1, 1, ["challenger"])
        return float(most.cost_usd or 0)

    assert 900 < usd("x" * 8000) - usd("x" * 4000) < 1100
