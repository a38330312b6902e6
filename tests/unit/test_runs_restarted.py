"""Answers that break off in a run: what was heard of them is void, for every reader, and nothing is counted twice."""

import asyncio
from pathlib import Path

from agent_lab.contracts.errors import BrokenOffError
from agent_lab.contracts.events import GenerationRestarted, Token
from agent_lab.contracts.run import RunRequest
from agent_lab.providers.scripted import ScriptedProvider, ScriptedReply
from support.runs import bench

CUT = BrokenOffError("It was cut off; ask again.")
SCRIPT = [ScriptedReply("a b c", error=CUT), "one two", "three", "four"]


async def test_every_reader_hears_the_new_answer_from_its_first_word(tmp_path: Path) -> None:
    gate = asyncio.Event()
    lab = bench(tmp_path, ScriptedProvider(SCRIPT, gate=gate))
    info = await lab.runs.start(RunRequest(flow="challenge", prompt="x"))

    async def listen(pause_s: float) -> dict[str, str]:
        heard: dict[str, str] = {}
        async for event in lab.runs.watch(info.run_id):
            if isinstance(event, GenerationRestarted):
                heard[event.node] = ""
            elif isinstance(event, Token):
                said = heard.setdefault(event.node, "")
                assert event.offset == len(said)
                heard[event.node] = said + event.text
            await asyncio.sleep(pause_s)
        return heard

    readers = [asyncio.create_task(listen(pause)) for pause in (0, 0.001, 0.02)]
    gate.set()
    for heard in await asyncio.gather(*readers):
        assert heard == {"creator": "one two", "challenger": "three", "refiner": "four"}


async def test_a_restart_is_kept_told_at_its_node_and_paid_for_once(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider(SCRIPT), default_model="dear")
    view = await lab.run("challenge")
    restarts = [event for event in await lab.events(view.run_id) if isinstance(event, GenerationRestarted)]
    assert [(event.node, event.visit, event.reason) for event in restarts] == [("creator", 1, CUT.message)]
    creator = next(node for node in view.nodes if node.id == "creator")
    assert creator.notes == (f"An answer broke off and was asked for again: {CUT.message}",)
    assert (creator.text, creator.calls, view.totals.calls) == ("one two", 1, 3)
    assert view.draft == "one two"


async def test_all_calls_of_a_run_go_to_the_same_side_of_a_split(tmp_path: Path) -> None:
    lab = bench(tmp_path, ScriptedProvider({"*": "x"}), default_model="either")
    sides = []
    for _ in range(12):
        view = await lab.run("challenge")
        models = {node.model for node in view.nodes}
        assert len(models) == 1
        sides.append(models.pop())
    assert set(sides) == {"voice", "other"}
