"""Writes web/src/mock/recorded.json anew: what the real lab answers with its built-in model, for the app without it.

Ids, times and the machine are made steady, so that another recording differs only where the product does.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "scripts")]

from steady_runs import Steady, row_of  # noqa: E402

from agent_lab.contracts.events import RUN_EVENT, RunEvent  # noqa: E402 - the path is made above
from agent_lab.contracts.ports import DeviceMemory, Resources  # noqa: E402
from agent_lab.contracts.run import ForkRequest, RunOptions, RunRequest  # noqa: E402
from agent_lab.settings import read_settings  # noqa: E402
from agent_lab.telemetry.history.machine import DeviceUse, MachineLook  # noqa: E402
from agent_lab.wiring import Lab, build_app, open_lab  # noqa: E402

PATH = ROOT / "web" / "src" / "mock" / "recorded.json"
MOST_BYTES = 600_000
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""When it was recorded, as the recording tells: the app moves every time by how long that is ago."""
TOKEN = "a-token-that-opens-nothing"
STEADY = Resources(
    device="cpu",
    memory="ram",
    total_gb=32.0,
    available_gb=21.5,
    limit_gb=25.6,
    used_by_models_gb=0.0,
    devices=(DeviceMemory(name="cpu", total_gb=32.0, available_gb=21.5, limit_gb=25.6, used_by_models_gb=0.0),),
)

SIGNED_OFF = {
    "id": "signed_off",
    "name": {"en": "Signed off", "es": "Con visto bueno"},
    "description": {
        "en": "One drafts, a person says whether that will do, and where it will not, another does it again.",
        "es": "Uno propone, una persona dice si vale y, si no vale, otro lo hace de nuevo.",
    },
    "nodes": [
        {"id": "creator", "kind": "generate", "label": {"en": "Creator", "es": "Creador"}, "prompt": "{user_input}"},
        {
            "id": "approval",
            "kind": "human",
            "label": {"en": "Approval", "es": "Visto bueno"},
            "question": {"en": "Will this do?\n\n{creator_output}", "es": "¿Vale así?\n\n{creator_output}"},
            "choices": [{"en": "yes", "es": "sí"}, {"en": "no", "es": "no"}],
        },
        {
            "id": "again",
            "kind": "generate",
            "role": "challenger",
            "label": {"en": "Second look", "es": "Segunda mirada"},
            "prompt": "The question:\n{user_input}\n\nThe proposed solution:\n{creator_output}",
        },
        {
            "id": "refiner",
            "kind": "generate",
            "label": {"en": "Refiner", "es": "Refinador"},
            "prompt": "{user_input}\n\nDraft:\n{creator_output}\n\nObjection:\n{again_output}",
        },
    ],
    "edges": [
        {"from": "creator", "to": "approval"},
        {"from": "approval", "to": "again", "when": {"value": "approval.choice", "op": "==", "than": 1}},
        {"from": "again", "to": "refiner"},
    ],
    "draft": "creator",
}
STORE = "A store has 93 oranges. Then 58 oranges are removed. 91 more arrive. The store gives away 17."
BOOKS = (
    "Eve owns 98 books. Then Eve gets 90 more books. Then Eve sells 44 books. Then the number of books grows to 3 "
    "times as many. Paula gives Eve 74 more. How many are there now?"
)
TOYS = (
    "The factory starts with 467 toys. Bob brings 85 more toys. The factory buys 28 more. The factory gives away 62. "
    "How many toys are left?"
)
STONES = "Oscar has 4 bags with 53 stones each. Then Oscar gets 22 more stones. How many are there now?"
# With these seeds the first draft of a challenge is wrong and mended, voices disagree, and a critic needs two rounds.
RUNS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("linear", "Calculate 89 plus 32 plus 432.", {"seed": 3}),
    ("challenge", f"{STORE} How many oranges are left?", {"seed": 1}),
    ("challenge", "Compute 66 minus 2 plus 389 plus 81.", {"seed": 8, "limits": {"max_tokens": 60}}),
    ("multi_perspective", STONES, {"seed": 2}),
    ("consensus", TOYS, {"seed": 7}),
    ("adversarial", TOYS, {"seed": 1}),
    ("iterative", BOOKS, {"seed": 6}),
    ("debate", BOOKS, {"seed": 9}),
    ("challenge", "Write a poem about the sea.", {"seed": 1}),
    ("signed_off", f"{STORE} The store makes 12 more oranges. How many oranges are left?", {"seed": 5}),
)
EVALUATION: dict[str, Any] = {
    "dataset": "demo",
    "limit": 50,
    "arms": [
        {"kind": "flow", "name": "challenge", "flow": "challenge"},
        {"kind": "single", "name": "one answer", "like": "challenge"},
        {"kind": "without", "name": "no critic", "flow": "challenge", "node": "challenger"},
    ],
}
"""The vote at equal cost that challenge is held against comes by itself."""
FIRST_ASKED: dict[str, Any] = {"dataset": "demo", "arms": [{"kind": "flow", "name": "challenge", "flow": "challenge"}]}
"""What the form of a new evaluation asks an estimate of before anything is changed in it."""
EVALUATED = "eval-20260101-114500-00000001"
WAITING = 9
"""Which of them waits for a person."""
ANSWERS = ("yes", "no")
_MOMENT = re.compile(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00))"')
ASKED = (
    "/", "/health", "/health/ready", "/models", "/cache", "/metrics", "/api/providers", "/api/strategies", "/api/tools",
    "/api/settings", "/api/spending?days=30", "/api/flows", "/api/node-kinds",
    "/api/metrics/history?range=15m", "/api/metrics/history?range=1h", "/api/metrics/history?range=6h",
    "/api/metrics/history?range=24h",
)  # fmt: skip


@dataclass(slots=True)
class Recording:
    """All that the app is to know without a server."""

    answers: dict[str, Any] = field(default_factory=dict)
    """By method and path, and for some by what was asked."""
    runs: list[list[dict[str, Any]]] = field(default_factory=list)
    """The events of each run, oldest first."""
    tails: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    """How runs that wait for a person went on, by the answer."""

    def text(self) -> str:
        """The file."""
        whole = {"now": NOW.isoformat(), "answers": self.answers, "runs": self.runs, "tails": self.tails}
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n"


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[tuple[Lab, httpx.AsyncClient]]:
    """A real lab in that folder whose machine stands still, and a client of its whole API."""
    reading = read_settings({"AGENT_LAB_HOME": str(home), "AGENT_LAB_PLUGINS": "false"}, dotenv=home / ".env")
    async with open_lab(reading) as lab:
        type(lab.monitor).look = lambda self: STEADY  # type: ignore[method-assign]
        app = build_app(lab, token=TOKEN, surface="all")
        transport = httpx.ASGITransport(app)
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8000", headers=headers, timeout=300
        ) as client:
            client.sampler = app.state.services.sampler  # type: ignore[attr-defined]
            yield lab, client


async def told(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> Any:
    """What the lab answers. Raises where it refuses: nothing half is recorded."""
    answer = await client.request(method, path, json=body)
    if answer.is_error:
        raise SystemExit(f"{method} {path} was answered with {answer.status_code}: {answer.text}")
    return answer.json()


async def play(lab: Lab) -> tuple[list[Sequence[RunEvent]], dict[str, Sequence[RunEvent]]]:
    """Every run's events, and those behind each answer of a person."""
    played = []
    for flow, prompt, options in RUNS:
        played.append(await lab.runs.events(await _run(lab, flow, prompt, options)))
    parent = played[1][0]
    fork = ForkRequest(nodes={"refiner": {"temperature": 0.4}}, from_node="refiner")
    info = await lab.runs.fork(parent.run_id, fork)  # type: ignore[union-attr]
    await lab.runs.wait(info.run_id)
    played.append(await lab.runs.events(info.run_id))
    ends = {}
    for answer in ANSWERS:
        run_id = await _run(lab, *RUNS[WAITING])
        await lab.runs.answer(run_id, "approval", answer)
        await lab.runs.wait(run_id)
        ends[answer] = await lab.runs.events(run_id)
    return played, ends


async def _run(lab: Lab, flow: str, prompt: str, options: Mapping[str, Any]) -> str:
    request = RunRequest(flow=flow, prompt=prompt, options=RunOptions(**options))
    info = await lab.runs.start(request)
    await lab.runs.wait(info.run_id)
    return info.run_id


def steadied(played: Sequence[Sequence[RunEvent]], ends: Mapping[str, Sequence[RunEvent]]) -> Any:
    """The same with steady ids and times, the last run some minutes before the recording."""
    names = {run[0].run_id: _name(n) for n, run in enumerate(played)}  # type: ignore[union-attr]
    steady = [_steady(n, len(played), run, names) for n, run in enumerate(played)]
    done = len(steady[WAITING])
    tails = {answer: _steady(WAITING, len(played), run, names)[done:] for answer, run in ends.items()}
    return steady, tails


def _name(number: int) -> str:
    return f"20260101t1200{number:02}-{number + 1:010x}"


def _steady(number: int, of: int, run: Sequence[RunEvent], names: Mapping[str, str]) -> list[RunEvent]:
    began = NOW - timedelta(minutes=7 + 23 * (of - 1 - number))
    return Steady(_name(number), f"{number + 1:032x}", began, names).events(run)


async def look_around(client: httpx.AsyncClient, recording: Recording, lab: Lab) -> None:
    """The day before the recording as the charts show it, and whatever the screens ask that is no run."""
    await _live_a_day(client, lab)
    for path in ASKED:
        recording.answers[f"GET {path}"] = await told(client, "GET", path)
    for entry in recording.answers["GET /api/flows"]["flows"]:
        name = entry["id"]
        document = recording.answers[f"GET /api/flows/{name}"] = await told(client, "GET", f"/api/flows/{name}")
        recording.answers[f"POST /api/flows/validate {name}"] = await told(
            client, "POST", "/api/flows/validate", document
        )
        estimate = await told(client, "POST", "/api/runs/estimate", {"flow": name, "prompt": "What is 1 + 1?"})
        recording.answers[f"POST /api/runs/estimate {name}"] = estimate
    why = {"prompt": "What is 1 + 1?"}
    recording.answers["POST /models/why"] = await told(client, "POST", "/models/why", why)
    recording.answers["POST /api/v1/execute"] = await told(
        client, "POST", "/api/v1/execute", {"prompt": "What is 47 + 85?", "mode": "direct", "seed": 3}
    )


async def evaluate(client: httpx.AsyncClient, recording: Recording, lab: Lab) -> None:
    """One evaluation as its screens show it, each of its items too, and the badge that came of it."""
    found: dict[str, Any] = {}
    at = "/api/evaluations"
    found[f"POST {at}/estimate"] = await told(client, "POST", f"{at}/estimate", FIRST_ASKED)
    name = (await told(client, "POST", at, EVALUATION))["evaluation_id"]
    await lab.evaluations.wait(name)
    items = await told(client, "GET", f"{at}/{name}/items?limit=200")
    one_by_one = [f"{at}/{name}/item?id={row['item']['id']}" for row in items["items"]]
    for path in (at, f"{at}/{name}", f"{at}/{name}/report", *one_by_one, "/api/badges"):
        found[f"GET {path}"] = await told(client, "GET", path)
    found[f"GET {at}/{name}/items"] = items
    for path in ("/api/datasets", "/api/datasets/demo/items?limit=3"):
        found[f"GET {path}"] = await told(client, "GET", path)
    recording.answers |= json.loads(json.dumps(found).replace(name, EVALUATED))


async def _live_a_day(client: httpx.AsyncClient, lab: Lab) -> None:
    """Looks once a minute of a clock that is set on; in some minutes the model is asked something."""
    sampler: Any = client.sampler  # type: ignore[attr-defined]
    minutes = 6 * 60
    lab.metrics.lately.take()
    for minute in range(minutes, 0, -1):
        at = NOW - timedelta(minutes=minute - 1)
        busy = minute % 23 < 5 and minute % 7 != 3
        for turn in range(1 + minute % 3 if busy else 0):
            asked = {"prompt": f"What is {100 + minute} + {30 + turn}?", "seed": minute + turn}
            await told(client, "POST", "/inference", asked)
        sampler.machine.look = lambda busy=busy, minute=minute: machine(busy, minute)
        sampler.clock = lambda at=at: at.timestamp()
        await sampler.look()


def machine(busy: bool, minute: int) -> MachineLook:
    """A machine that is busy where its model is."""
    cpu = 61.0 + minute % 17 if busy else 3.0 + minute % 4
    used = 10.4 + (minute % 11) / 20
    devices = (DeviceUse(name="cpu", total_gb=32.0, limit_gb=25.6, used_gb=used, used_by_models_gb=0.01),)
    return MachineLook(
        cpu_percent=cpu, ram_used_gb=used, ram_total_gb=32.0, devices=devices, disk_free_gb=180.0, disk_total_gb=500.0
    )


async def read_runs(client: httpx.AsyncClient, recording: Recording, runs: Sequence[Sequence[RunEvent]]) -> None:
    """What the lab says of the runs that no fold over their events tells."""
    ended = [run for run in runs if run[-1].type == "run_finished"]
    for run in ended:
        name = run[0].run_id  # type: ignore[union-attr]
        at = f"/api/runs/{name}"
        recording.answers[f"GET {at}/alternatives"] = await told(client, "GET", f"{at}/alternatives")
        for node in [None, *(node.id for node in run[0].flow.nodes)]:  # type: ignore[union-attr]
            preview = await told(client, "POST", f"{at}/fork/preview", {"from_node": node})
            recording.answers[f"POST {at}/fork/preview {node or ''}".strip()] = preview
        for other in ended:
            if _are_compared(run, other):
                path = f"{at}/compare/{other[0].run_id}"  # type: ignore[union-attr]
                recording.answers[f"GET {path}"] = await told(client, "GET", path)


def _are_compared(run: Sequence[RunEvent], other: Sequence[RunEvent]) -> bool:
    """Two runs of one flow that both were worked on: of other pairs the app says that they are not recorded."""
    worked = all(any(event.type == "node_finished" for event in one) for one in (run, other))
    return run is not other and worked and run[0].flow.id == other[0].flow.id  # type: ignore[union-attr]


async def record() -> Recording:
    """Two labs: one plays the runs, the other is told of them under their steady names and asked about them."""
    recording = Recording()
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        for home in (first, second):
            (Path(home) / "flows").mkdir()
            (Path(home) / "flows" / "signed_off.json").write_text(json.dumps(SIGNED_OFF), "utf-8")
        async with opened(Path(first)) as (lab, client):
            runs, tails = steadied(*await play(lab))
            await look_around(client, recording, lab)
            await evaluate(client, recording, lab)
        async with opened(Path(second)) as (lab, client):
            for run in runs:
                await lab.runs.shop.store.create(row_of(run), run)
            await read_runs(client, recording, runs)
        recording.runs = [dumped(run) for run in runs]
        recording.tails = {_name(WAITING): {answer: dumped(tail) for answer, tail in tails.items()}}
        recording.answers = without_places(recording.answers, first, second)
    return recording


def dumped(run: Sequence[RunEvent]) -> list[dict[str, Any]]:
    """Events as JSON has them, numbered."""
    return [RUN_EVENT.dump_python(event, mode="json", by_alias=True) for event in run]


def without_places(answers: Mapping[str, Any], *homes: str) -> dict[str, Any]:
    """The same with a user's folder in place of those that it was recorded in, and with no later time."""
    text = _MOMENT.sub(_not_later, json.dumps(answers))
    for home in homes:
        text = text.replace(home, "/home/ada/.local/share/agent-lab")
    found: dict[str, Any] = json.loads(text, parse_float=lambda figure: round(float(figure), 4))
    return found


def _not_later(found: re.Match[str]) -> str:
    at = datetime.fromisoformat(found[1])
    return found[0] if at <= NOW else f'"{(NOW - timedelta(minutes=5)).isoformat()}"'


def main() -> None:
    """Record, and write the file whole."""
    text = asyncio.run(record()).text()
    if len(text.encode()) > MOST_BYTES:
        raise SystemExit(f"The recording has {len(text.encode())} bytes; at most {MOST_BYTES} go into the app.")
    unfinished = PATH.with_suffix(".new")
    unfinished.write_text(text, "utf-8")
    os.replace(unfinished, PATH)


if __name__ == "__main__":
    main()
