"""Runs that ask a person, pause, and run flows within flows."""

import asyncio
from pathlib import Path

import pytest

from agent_lab.contracts.errors import ConflictError, ValidationError
from agent_lab.contracts.events import GenerationStarted, NodeFinished, RunWaits, WaitingForPerson
from agent_lab.contracts.run import RunRequest
from agent_lab.contracts.sentences import Told, told_of
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.runs.keeper import Keeper
from agent_lab.storage.memory import MemoryRuns
from support.gates import Words
from support.person_flows import BESIDE, lab_with
from support.runs import bench


async def test_a_run_waits_for_a_person_without_being_worked_on_and_goes_on_with_the_answer(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, BESIDE)
    view = await lab.run("beside")
    assert view.status == "waiting"
    asking = next(node for node in view.nodes if node.id == "person")
    assert (asking.status, asking.question, asking.choices) == ("waiting_for_person", "Go on?", ("yes", "no"))
    assert next(node for node in view.nodes if node.id == "other").status == "completed"
    assert lab.runs.shop.active == {}
    assert await lab.runs.recover() == []
    await lab.runs.answer(view.run_id, "person", "yes")
    done = await lab.runs.wait(view.run_id)
    assert done.status == "completed"
    assert lab.provider.calls[-1].request.prompt == "person: yes / text"
    assert len(lab.provider.calls) == 3


async def test_an_answer_that_comes_while_other_branches_go_on_is_taken_in_at_once(tmp_path: Path) -> None:
    gate = Words(1)
    lab = lab_with(tmp_path, BESIDE, provider=ScriptedProvider({"*": "text"}, gate=gate))
    info = await lab.runs.start(RunRequest(flow="beside", prompt="x"))
    async for event in lab.runs.watch(info.run_id):
        if isinstance(event, WaitingForPerson):
            await lab.runs.answer(info.run_id, "person", "no")
            break
    with pytest.raises(ConflictError, match="asking: none") as caught:
        await lab.runs.answer(info.run_id, "person", "yes")
    told = told_of(caught.value.message)
    assert told is not None
    assert told.values["waiting"] == Told(code="none_asks")
    gate.set()
    view = await lab.runs.wait(info.run_id)
    assert view.status == "completed"
    assert not any(isinstance(event, RunWaits) for event in await lab.events(info.run_id))
    assert lab.provider.calls[-1].request.prompt == "person: no / text"


async def test_what_cannot_be_answered_is_told(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, BESIDE)
    view = await lab.run("beside")
    with pytest.raises(ValidationError, match="yes or no"):
        await lab.runs.answer(view.run_id, "person", "perhaps")
    with pytest.raises(ConflictError, match="asking: person"):
        await lab.runs.answer(view.run_id, "other", "yes")
    await lab.runs.answer(view.run_id, "person", "yes")
    with pytest.raises(ConflictError):
        await lab.runs.answer(view.run_id, "person", "no")
    await lab.runs.wait(view.run_id)
    with pytest.raises(ConflictError, match="has ended"):
        await lab.runs.answer(view.run_id, "person", "no")


async def test_an_answer_given_elsewhere_reaches_the_process_that_works_on_the_run(tmp_path: Path) -> None:
    store = MemoryRuns()
    gate = Words(1)
    here = lab_with(tmp_path, BESIDE, provider=ScriptedProvider({"*": "text"}, gate=gate), store=store)
    there = lab_with(tmp_path, BESIDE, store=store)
    keeping = asyncio.create_task(Keeper(here.runs, tick_s=0.02).keep())
    info = await here.runs.start(RunRequest(flow="beside", prompt="x"))
    async for event in here.runs.watch(info.run_id):
        if isinstance(event, WaitingForPerson):
            await there.runs.answer(info.run_id, "person", "yes")
        if isinstance(event, NodeFinished) and event.node == "person":
            break
    gate.set()
    assert (await here.runs.wait(info.run_id)).status == "completed"
    assert there.provider.calls == []
    keeping.cancel()


async def test_a_paused_run_lets_the_call_in_flight_end_and_pays_for_nothing_twice(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider({"*": "one two"}, delay_s=0.05))
    info = await lab.runs.start(RunRequest(flow="challenge", prompt="x"))
    async for event in lab.runs.watch(info.run_id):
        if isinstance(event, GenerationStarted):
            break
    assert (await lab.runs.pause(info.run_id)).status == "paused"
    assert len(lab.provider.calls) == 1
    view = await lab.runs.view(info.run_id)
    assert view.nodes[0].text == "one two"
    assert await lab.runs.recover() == []
    assert (await lab.runs.resume(info.run_id)).status == "running"
    assert (await lab.runs.wait(info.run_id)).status == "completed"
    assert len(lab.provider.calls) == 3


async def test_a_paused_run_can_be_cancelled_and_answered(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, BESIDE)
    view = await lab.run("beside")
    assert (await lab.runs.pause(view.run_id)).status == "paused"
    assert (await lab.runs.answer(view.run_id, "person", "yes")).status == "paused"
    await lab.runs.resume(view.run_id)
    assert (await lab.runs.wait(view.run_id)).status == "completed"
    other = await lab.run("beside")
    await lab.runs.pause(other.run_id)
    assert (await lab.runs.cancel(other.run_id)).status == "cancelled"
    assert (tmp_path / "outputs" / "beside_flows" / f"{other.run_id}.json").exists()


INNER_FLOW = {
    "id": "small",
    "nodes": [
        {"id": "draft", "kind": "generate", "prompt": "draft {user_input}"},
        {"id": "person", "kind": "asks"},
        {"id": "better", "kind": "generate", "prompt": "better {draft_output} {person_output}"},
    ],
    "edges": [{"from": "draft", "to": "person"}, {"from": "person", "to": "better"}],
}
OUTER_FLOW = {
    "id": "outer",
    "nodes": [
        {"id": "sub", "kind": "inner", "flow": "small"},
        {"id": "end", "kind": "generate", "prompt": "{sub_output}!"},
    ],
    "edges": [{"from": "sub", "to": "end"}],
}


async def test_a_flow_within_a_flow_is_recorded_node_by_node_and_waits_and_resumes_as_any(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, OUTER_FLOW, INNER_FLOW)
    view = await lab.run("outer", "Q")
    assert view.status == "waiting"
    asking = next(node for node in view.nodes if node.question)
    assert asking.id == "sub/person"
    await lab.runs.answer(view.run_id, "sub/person", "yes")
    done = await lab.runs.wait(view.run_id)
    assert done.status == "completed"
    assert [call.request.prompt for call in lab.provider.calls] == ["draft inner Q", "better text person: yes", "text!"]
    assert {node.id for node in done.nodes} == {"sub", "sub/draft", "sub/person", "sub/better", "end"}
    assert done.totals.calls == 3


async def test_flows_that_run_each_other_are_refused_before_anything_is_spent(tmp_path: Path) -> None:
    back = {"id": "small", "nodes": [{"id": "up", "kind": "inner", "flow": "outer"}]}
    lab = lab_with(tmp_path, OUTER_FLOW, back)
    with pytest.raises(ValidationError, match="runs itself"):
        await lab.run("outer")
    assert await lab.runs.list() == []
