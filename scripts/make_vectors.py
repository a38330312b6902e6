"""Writes tests/vectors/*.json anew: event lists and the views that the reducer must fold them to, in any language."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from agent_lab.contracts.errors import BrokenOffError, UnusableError  # noqa: E402
from agent_lab.contracts.events import RUN_EVENT, RunEvent  # noqa: E402
from agent_lab.contracts.run import ForkRequest, RunOptions, RunRequest  # noqa: E402
from agent_lab.providers.scripted import ScriptedProvider, ScriptedReply  # noqa: E402
from agent_lab.runs.queue import QueueRules  # noqa: E402
from agent_lab.runs.reducer import fold  # noqa: E402
from support.person_flows import lab_with  # noqa: E402
from support.runs import Bench, bench  # noqa: E402 - the path is made above
from support.told_runs import TOLD  # noqa: E402

PROMPT = "What is 1 + 1?"
ROLES = {"creator": "1+1=3\nAnswer: 3", "challenger": "Line 1 is wrong: 2.", "refiner": "1+1=2\nAnswer: 2"}
CASES = {
    "challenge_completed": ("challenge", ScriptedProvider(ROLES)),
    "challenge_failed": ("challenge", ScriptedProvider(ROLES, errors={2: UnusableError("It is away; use another.")})),
    "challenge_declined": (
        "challenge",
        ScriptedProvider({"*": ScriptedReply("Not for me.", finish_reason="declined")}),
    ),
    "challenge_restarted": (
        "challenge",
        ScriptedProvider(
            [
                ScriptedReply("1+1=", error=BrokenOffError("It was cut off; ask again.")),
                ROLES["creator"],
                ROLES["challenger"],
                ROLES["refiner"],
            ]
        ),
    ),
    "linear_retried": ("linear", ScriptedProvider(["", "Two, as everybody knows."])),
}


async def events_of(flow: str, provider: ScriptedProvider) -> list[RunEvent]:
    """The events of one run, tokens among them."""
    with tempfile.TemporaryDirectory() as folder:
        lab = ticking(bench(Path(folder), provider))
        info = await lab.runs.start(RunRequest(flow=flow, prompt=PROMPT), request_id="vector")
        return [event async for event in lab.runs.watch(info.run_id)]


def ticking(lab: Bench) -> Bench:
    """The same under a clock that ticks once a look."""
    ticks = itertools.count()
    lab.runs.shop.now = lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=next(ticks))
    return lab


async def queued() -> list[RunEvent]:
    """A run that waits for its turn, is paused, and goes on."""
    gate = asyncio.Event()
    with tempfile.TemporaryDirectory() as folder:
        lab = ticking(bench(Path(folder), ScriptedProvider(ROLES, gate=gate), rules=QueueRules(at_once=1)))
        first = await lab.runs.start(RunRequest(flow="challenge", prompt="Before it"))
        info = await lab.runs.start(RunRequest(flow="challenge", prompt=PROMPT), request_id="vector")
        await lab.runs.cancel(first.run_id)
        await lab.runs.steering.admit()
        pausing = asyncio.create_task(lab.runs.pause(info.run_id))
        await asyncio.sleep(0)
        gate.set()
        await pausing
        await lab.runs.resume(info.run_id)
        await lab.runs.wait(info.run_id)
        return list(await lab.events(info.run_id))


async def forked() -> list[RunEvent]:
    """A run once more from its last node on."""
    with tempfile.TemporaryDirectory() as folder:
        lab = ticking(bench(Path(folder), ScriptedProvider(ROLES)))
        first = await lab.run("challenge", PROMPT)
        info = await lab.runs.fork(first.run_id, ForkRequest(from_node="refiner"), request_id="vector")
        await lab.runs.wait(info.run_id)
        return list(await lab.events(info.run_id))


COUNCIL = {
    "id": "council",
    "name": {"en": "Council", "es": "Consejo"},
    "nodes": [
        {"id": "answers", "kind": "generate", "prompt": "{user_input}", "samples": 3, "label": {"es": "Respuestas"}},
        {"id": "choose", "kind": "vote"},
        {"id": "person", "kind": "human", "question": "Is it {choose_output}?", "choices": ["yes", "no"]},
        {"id": "again", "kind": "subflow", "flow": "challenge"},
    ],
    "edges": [
        {"from": "answers", "to": "choose"},
        {"from": "choose", "to": "person"},
        {"from": "person", "to": "again", "when": {"value": "person.choice", "op": "==", "than": 0}},
    ],
}


async def council() -> list[RunEvent]:
    """A run that votes, waits for a person, and runs another flow."""
    script = ["Two", "three", "two", ROLES["creator"], ROLES["challenger"], ROLES["refiner"]]
    with tempfile.TemporaryDirectory() as folder:
        lab = ticking(lab_with(Path(folder), COUNCIL, provider=ScriptedProvider(script)))
        options = RunOptions(language="es")
        info = await lab.runs.start(RunRequest(flow="council", prompt=PROMPT, options=options), request_id="vector")
        await lab.runs.wait(info.run_id)
        await lab.runs.answer(info.run_id, "person", "yes")
        await lab.runs.wait(info.run_id)
        return list(await lab.events(info.run_id))


TAKEN = {"challenge_queued": queued, "challenge_forked": forked, "council_completed": council}


def main(folder: Path) -> None:
    """Write one file a case."""
    for name, (flow, provider) in CASES.items():
        write(folder / f"{name}.json", asyncio.run(events_of(flow, provider)))
    for name, run in TAKEN.items():
        write(folder / f"{name}.json", asyncio.run(run()))
    for name, tell in TOLD.items():
        write(folder / f"{name}.json", tell().events)


def write(path: Path, events: list[RunEvent]) -> None:
    """The file of a case."""
    vector = {
        "events": [RUN_EVENT.dump_python(event, mode="json", by_alias=True) for event in events],
        "view": fold(events).model_dump(mode="json"),
    }
    path.write_text(json.dumps(vector, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main(ROOT / "tests" / "vectors")
