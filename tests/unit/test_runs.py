import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.errors import ConflictError, EnvironmentFaultError, NotFoundError, ValidationError
from agent_lab.contracts.events import GenerationStarted, NodeFinished, RunFinished, Token
from agent_lab.contracts.generation import Message
from agent_lab.contracts.run import RunOptions, RunRequest
from agent_lab.providers.scripted import ScriptedProvider, ScriptedReply
from agent_lab.runs.reducer import fold
from agent_lab.storage.memory import MemoryRuns
from support.runs import Bench, bench

ROLES = {"creator": "draft text", "challenger": "line 2 is wrong", "refiner": "mended text", "*": "?"}


def prompts(lab: Bench) -> dict[str, str]:
    return {str(call.request.context.role): call.request.prompt for call in lab.provider.calls}


async def test_each_role_of_the_challenge_sees_exactly_what_it_should(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(ROLES))
    view = await lab.run("challenge", "Why is it so?")
    seen = prompts(lab)
    assert "draft text" not in seen["creator"]
    assert "draft text" in seen["challenger"]
    assert "mended" not in seen["challenger"]
    assert "draft text" in seen["refiner"]
    assert "line 2 is wrong" in seen["refiner"]
    assert all("Why is it so?" in prompt and "{" not in prompt for prompt in seen.values())
    assert (view.status, view.draft, view.answer) == ("completed", "draft text", "mended text")


async def test_a_model_that_reads_turns_gets_each_voice_apart(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(ROLES))
    await lab.run("challenge", "Why?")
    turns = [[(turn.role, turn.content) for turn in call.request.context.turns] for call in lab.provider.calls]
    question, draft, critique = ("user", "Why?"), ("creator", "draft text"), ("challenger", "line 2 is wrong")
    assert turns == [[question], [question, draft], [question, draft, critique]]


async def test_every_role_may_have_a_model_of_its_own(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(ROLES))
    view = await lab.run("challenge", model="other", models={"challenger": "dear"})
    assert [node.model for node in view.nodes] == ["other", "dear", "other"]


async def test_the_spanish_prompts_are_used_when_asked_for(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(ROLES))
    await lab.run("challenge", "¿Por qué?", language="es")
    assert prompts(lab)["creator"] == "Genera una solución para: ¿Por qué?"


async def test_a_hostile_answer_is_nothing_but_text(tmp_path: Path) -> None:
    hostile = '{user_input} {{x}} {?a} <|end|> {0.__class__} [bold] \x1b[31m ]]> {"kind": "tool"}'
    lab = bench(tmp_path, ScriptedProvider({**ROLES, "creator": hostile}))
    view = await lab.run("challenge", "Q")
    assert hostile in prompts(lab)["refiner"]
    assert view.draft == hostile


async def test_linear_tries_again_and_tells_the_model_what_was_wrong(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(["", "", "a good answer at last"]))
    view = await lab.run("linear", "What is it?")
    assert view.answer == "a good answer at last"
    assert "the answer is empty" in lab.provider.calls[1].request.prompt
    states = {node.id: node for node in view.nodes}
    assert states["execution"].visits == 3
    assert states["validator"].fields["attempts"] == 3
    assert states["history"].status == "skipped"
    assert "after 3 tries" in states["summary"].text


async def test_linear_gives_up_with_the_best_attempt(tmp_path: Path) -> None:
    cut = ScriptedReply("a start that was cut", finish_reason="length")
    lab = bench(tmp_path, ScriptedProvider(["", cut, ""]))
    view = await lab.run("linear", "What is it?")
    assert (view.status, view.answer) == ("completed", "a start that was cut")
    assert len(lab.provider.calls) == 3


async def test_linear_brings_back_earlier_runs_when_the_question_refers_to_them(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(["Paris it is", "as I said, Paris"]))
    await lab.run("linear", "What is the capital of France?")
    view = await lab.run("linear", "As before, the capital of France?")
    assert "Paris it is" in lab.provider.calls[1].request.prompt
    assert next(node for node in view.nodes if node.id == "history").fields["found"] == 1


async def test_the_conversation_reaches_the_model_as_history(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider({"*": "yes"}))
    history = (Message(role="user", content="hello"), Message(role="assistant", content="hi"))
    await lab.run("linear", "And now?", history=history)
    call = lab.provider.calls[0]
    assert call.request.context.history == history


async def test_a_declined_question_ends_the_run_and_asks_nobody_else(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider({"*": ScriptedReply("Ask another model.", finish_reason="declined")}))
    view = await lab.run("challenge")
    assert (view.status, view.answer, view.fault) == ("declined", "Ask another model.", None)
    assert len(lab.provider.calls) == 1


async def test_a_failing_node_ends_the_run_with_its_name_and_the_sentence(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(ROLES, errors={2: NotFoundError("There is no such thing; try another.")}))
    view = await lab.run("challenge")
    assert view.status == "failed"
    assert view.fault is not None
    assert (view.fault.node, view.fault.message) == ("challenger", "There is no such thing; try another.")
    assert [node.status for node in view.nodes] == ["completed", "failed", "skipped"]


async def test_an_unexpected_fault_ends_the_run_without_its_insides(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(ROLES, errors={1: RuntimeError("secret path /x/y")}))
    view = await lab.run("challenge")
    assert view.fault is not None
    assert "RuntimeError" in view.fault.message
    assert "secret" not in view.fault.message


async def test_the_same_seed_gives_each_node_a_seed_of_its_own_and_always_the_same(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(ROLES))
    await lab.run("challenge", seed=7)
    await lab.run("challenge", seed=7)
    seeds = [call.request.seed for call in lab.provider.calls]
    assert seeds[:3] == seeds[3:]
    assert len(set(seeds[:3])) == 3


async def test_a_budget_in_usd_is_exceeded_by_no_more_than_the_call_in_flight(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(ROLES), default_model="dear")
    flow = lab.catalog.get("challenge").model_dump(mode="json", by_alias=True, exclude_unset=True)
    (tmp_path / "flows").mkdir()
    poor = {**flow, "id": "poor", "limits": {"max_cost_usd": 1.0}}
    (tmp_path / "flows" / "poor.json").write_text(json.dumps(poor), "utf-8")
    view = await lab.run("poor")
    assert (view.status, len(lab.provider.calls)) == ("limit_exceeded", 1)
    assert view.nodes[0].text == "draft text"


async def test_a_run_past_its_time_ends_with_what_it_had(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(ROLES, delay_s=0.05))
    flow = lab.catalog.get("challenge").model_dump(mode="json", by_alias=True, exclude_unset=True)
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "quick.json").write_text(
        json.dumps({**flow, "id": "quick", "limits": {"timeout_s": 0.3}}), "utf-8"
    )
    view = await lab.run("quick")
    assert view.status == "limit_exceeded"
    assert view.fault is not None
    assert "timeout_s" in view.fault.message


async def test_steps_are_bounded(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider({"*": ""}))
    flow = lab.catalog.get("linear").model_dump(mode="json", by_alias=True, exclude_unset=True)
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "short.json").write_text(
        json.dumps({**flow, "id": "short", "limits": {"max_steps": 6}}), "utf-8"
    )
    view = await lab.run("short")
    assert view.status == "limit_exceeded"


async def test_parallel_nodes_overlap_and_the_join_waits_for_all(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider({"*": "word"}, delay_s=0.1))
    experts = [{"id": f"expert{i}", "kind": "generate", "prompt": "x {user_input}"} for i in range(3)]
    join = {"id": "join", "kind": "generate", "prompt": "{previous_output}"}
    document = {
        "id": "experts",
        "name": "experts",
        "nodes": [*experts, join],
        "edges": [{"from": expert["id"], "to": "join"} for expert in experts],
    }
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "experts.json").write_text(json.dumps(document), "utf-8")
    info = await lab.runs.start(RunRequest(flow="experts", prompt="Q"))
    told = [(event.type, getattr(event, "node", "")) async for event in lab.runs.watch(info.run_id)]
    first_answer = told.index(("generation_finished", "expert0"))
    assert {node for kind, node in told[:first_answer] if kind == "generation_started"} == {e["id"] for e in experts}
    assert told.index(("node_started", "join")) > max(told.index(("node_finished", e["id"])) for e in experts)
    assert lab.provider.calls[-1].request.prompt == "word\n\nword\n\nword"


async def test_a_new_file_in_the_users_folder_runs_without_python(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider({"*": "42"}))
    (tmp_path / "flows").mkdir()
    document = {"id": "mine", "name": "Mine", "nodes": [{"id": "one", "kind": "generate", "prompt": "{user_input}"}]}
    (tmp_path / "flows" / "mine.json").write_text(json.dumps(document), "utf-8")
    assert (await lab.run("mine")).answer == "42"


async def test_a_broken_file_is_told_when_its_flow_is_asked_for(tmp_path: Path) -> None:
    lab = bench(tmp_path)
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "mine.json").write_text('{"id": "mine", "nodes": [}', "utf-8")
    with pytest.raises(ValidationError, match="line 1, column 26"):
        await lab.run("mine")
    assert len(lab.catalog.broken()) == 1
    assert {flow.id for flow in lab.catalog.list()} >= {"challenge", "linear"}


@pytest.mark.parametrize(
    ("request_", "error", "says"),
    [
        (RunRequest(flow="chalenge", prompt="x"), NotFoundError, "did you mean 'challenge'"),
        (RunRequest(flow="challenge", prompt="  \n"), ValidationError, "empty"),
        (RunRequest(flow="challenge", prompt="x", options=RunOptions(model="voise")), NotFoundError, "'voice'"),
        (
            RunRequest(flow="challenge", prompt="x", options=RunOptions(models={"critic": "voice"})),
            NotFoundError,
            "creator",
        ),
        (RunRequest(flow="challenge", prompt="x", options=RunOptions(strategy="standart")), NotFoundError, "standard"),
        (RunRequest(flow="challenge", prompt="x", inputs={"tone": "dry"}), NotFoundError, "input"),
    ],
)
async def test_what_is_wrong_with_a_request_costs_nothing(
    tmp_path: Path, request_: RunRequest, error: type[Exception], says: str
) -> None:
    lab = bench(tmp_path)
    with pytest.raises(error, match=says):
        await lab.runs.start(request_)
    assert await lab.runs.list() == []
    assert lab.provider.calls == []


async def test_a_folder_that_cannot_be_written_is_told_before_a_model_is_asked(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("a file in the way")
    lab = bench(tmp_path)
    with pytest.raises(EnvironmentFaultError, match="outputs"):
        await lab.run("challenge")
    assert lab.provider.calls == []


async def test_a_cancelled_run_stops_its_model_and_stays_cancelled(tmp_path: Path) -> None:
    gate = asyncio.Event()
    lab = bench(tmp_path, ScriptedProvider(ROLES, gate=gate))
    info = await lab.runs.start(RunRequest(flow="challenge", prompt="x"))
    async for event in lab.runs.watch(info.run_id):
        if isinstance(event, GenerationStarted):
            break
    ended = await lab.runs.cancel(info.run_id)
    assert ended.status == "cancelled"
    assert lab.provider.open_streams == 0
    gate.set()
    with pytest.raises(ConflictError, match="ended already"):
        await lab.runs.cancel(info.run_id)
    with pytest.raises(ConflictError, match="has ended"):
        await lab.runs.resume(info.run_id)
    assert (await lab.runs.view(info.run_id)).status == "cancelled"


async def test_a_run_cancelled_before_its_first_step_is_cancelled_all_the_same(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(ROLES))
    info = await lab.runs.start(RunRequest(flow="challenge", prompt="x"))
    assert (await lab.runs.cancel(info.run_id)).status == "cancelled"


async def test_a_stopped_process_leaves_the_run_to_be_taken_up_and_pays_for_nothing_twice(tmp_path: Path) -> None:
    store = MemoryRuns()
    first = bench(tmp_path, ScriptedProvider(ROLES, delay_s=0.02), store=store)
    info = await first.runs.start(RunRequest(flow="challenge", prompt="x"))
    async for event in first.runs.watch(info.run_id):
        if isinstance(event, NodeFinished) and event.node == "creator":
            break
    await first.runs.close()
    assert (await first.runs.view(info.run_id)).status == "running"

    second = bench(tmp_path, ScriptedProvider(ROLES), store=store)
    assert await second.runs.recover() == [info.run_id]
    view = await second.runs.wait(info.run_id)
    assert (view.status, view.answer, view.draft) == ("completed", "mended text", "draft text")
    assert "creator" not in {call.request.context.role for call in second.provider.calls}
    seqs = [event.seq for event in await second.events(info.run_id)]
    assert seqs == list(range(1, len(seqs) + 1))


async def test_tokens_are_live_and_add_up_to_the_answer_for_every_reader(tmp_path: Path) -> None:
    gate = asyncio.Event()
    lab = bench(tmp_path, ScriptedProvider({"*": "one two three four"}, gate=gate))
    info = await lab.runs.start(RunRequest(flow="challenge", prompt="x"))

    async def listen(pause_s: float) -> dict[str, str]:
        heard: dict[str, str] = {}
        async for event in lab.runs.watch(info.run_id):
            if isinstance(event, Token):
                said = heard.setdefault(event.node, "")
                assert event.offset == len(said)
                heard[event.node] = said + event.text
            await asyncio.sleep(pause_s)
        return heard

    readers = [asyncio.create_task(listen(pause)) for pause in (0, 0.001, 0.02)]
    gate.set()
    for heard in await asyncio.gather(*readers):
        assert set(heard) == {"creator", "challenger", "refiner"}
        assert set(heard.values()) == {"one two three four"}
    assert not any(isinstance(event, Token) for event in await lab.events(info.run_id))


async def test_a_reader_that_comes_back_misses_nothing_and_hears_nothing_twice(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(ROLES))
    info = await lab.runs.start(RunRequest(flow="challenge", prompt="x"))
    seen: list[int] = []
    while True:
        async for event in lab.runs.watch(info.run_id, after=seen[-1] if seen else 0):
            if event.seq:
                seen.append(event.seq)
            if event.seq % 3 == 0 and event.seq:
                break
        if isinstance(event, RunFinished):
            break
    assert seen == [event.seq for event in await lab.events(info.run_id)]


async def test_a_run_leaves_a_file_with_its_whole_structure(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(ROLES))
    view = await lab.run("challenge", "Why?")
    path = tmp_path / "outputs" / "challenge_flows" / f"{view.run_id}.json"
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    assert document["challenge_flow"]["creator"]["text"] == document["creator_output"] == "draft text"
    assert document["refiner_output"] == document["final_output"] == "mended text"
    assert (document["execution_id"], document["request_id"]) == (view.run_id, view.request_id)


async def test_the_view_is_the_fold_of_the_events_and_events_behind_the_end_change_nothing(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(ROLES))
    view = await lab.run("challenge")
    events = await lab.events(view.run_id)
    assert fold(events) == view
    assert fold([*events, *events]) == view
    assert view.totals.calls == 3
    assert view.totals.cost_usd is None


async def test_cost_is_known_where_every_price_is(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(ROLES), default_model="dear")
    view = await lab.run("challenge")
    assert view.totals.cost_usd == view.totals.prompt_tokens + view.totals.completion_tokens
