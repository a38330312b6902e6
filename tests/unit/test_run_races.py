"""Things that are asked of a run at the moment at which it is taken up, let go or lost."""

import asyncio
import time
from pathlib import Path

from agent_lab.contracts.events import NodeFinished, WaitingForPerson
from agent_lab.contracts.run import RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from support.person_flows import BESIDE, lab_with

INNER = {
    "id": "inner",
    "nodes": [
        {"id": "draft", "kind": "generate", "prompt": "draft {user_input}"},
        {"id": "person", "kind": "asks"},
        {"id": "end", "kind": "generate", "prompt": "{draft_output} {person_output}"},
    ],
    "edges": [{"from": "draft", "to": "person"}, {"from": "person", "to": "end"}],
}
OUTER = {
    "id": "outer",
    "nodes": [
        {"id": "sub", "kind": "inner", "flow": "inner"},
        {"id": "slow", "kind": "generate", "prompt": "slow {user_input}"},
        {"id": "last", "kind": "generate", "prompt": "{sub_output} {slow_output}"},
    ],
    "edges": [{"from": "sub", "to": "last"}, {"from": "slow", "to": "last"}],
}


async def test_an_answer_to_a_flow_within_a_flow_pays_for_nothing_again_while_other_branches_go_on(
    tmp_path: Path,
) -> None:
    lab = lab_with(tmp_path, OUTER, INNER, provider=ScriptedProvider({"slow": "word " * 20, "*": "text"}, delay_s=0.02))
    info = await lab.runs.start(RunRequest(flow="outer", prompt="x"))
    async for event in lab.runs.watch(info.run_id):
        if isinstance(event, WaitingForPerson):
            await lab.runs.answer(info.run_id, event.node, "yes")
            break
    view = await lab.runs.wait(info.run_id)
    assert view.status == "completed"
    events = await lab.events(info.run_id)
    ends = [event.node for event in events if isinstance(event, NodeFinished)]
    assert sorted(ends) == sorted(set(ends))
    assert len(lab.provider.calls) == 4


async def test_the_time_of_a_run_that_a_person_answered_meanwhile_is_counted_once(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, BESIDE, provider=ScriptedProvider({"other": "word " * 20, "*": "text"}, delay_s=0.05))
    info = await lab.runs.start(RunRequest(flow="beside", prompt="x"))
    began = time.monotonic()
    async for event in lab.runs.watch(info.run_id):
        if isinstance(event, WaitingForPerson):
            await asyncio.sleep(0.6)
            await lab.runs.answer(info.run_id, event.node, "yes")
            break
    view = await lab.runs.wait(info.run_id)
    assert view.totals.seconds <= time.monotonic() - began
