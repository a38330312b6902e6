"""The stream of a run's events, over a real server: nothing missed, nothing twice, and leaving changes nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from agent_lab.providers.scripted import ScriptedProvider
from api.doors import PATIENT_S, SIGNED_IN, Door, open_door, serve, until
from api.test_routes import ROLES, ended
from support.gates import Words

START = {"flow": "challenge", "prompt": "Why?"}


@asynccontextmanager
async def served(home: Path, provider: ScriptedProvider) -> AsyncIterator[tuple[Door, httpx.AsyncClient]]:
    async with (
        open_door(home, provider) as door,
        serve(door.app) as url,
        httpx.AsyncClient(base_url=url, headers=SIGNED_IN, timeout=PATIENT_S) as owner,
    ):
        yield door, owner


async def messages(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    message: dict[str, Any] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            message[name] = value
        elif "data" in message:
            yield message | {"data": json.loads(message["data"])}
            message = {}


async def hear(
    owner: httpx.AsyncClient,
    run_id: str,
    *,
    enough: Callable[[dict[str, Any]], bool] = lambda message: False,
    **headers: str,
) -> list[dict[str, Any]]:
    """What the stream says, up to the message that is enough, or to its end."""
    heard = []
    async with owner.stream("GET", f"/api/runs/{run_id}/events", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        async for message in messages(response):
            heard.append(message)
            if enough(message):
                break
    return heard


async def start(owner: httpx.AsyncClient) -> str:
    return str((await owner.post("/api/runs", json=START)).json()["run_id"])


def ids(heard: list[dict[str, Any]]) -> list[int]:
    return [int(message["id"]) for message in heard if "id" in message]


async def test_a_reader_hears_every_stored_event_once_and_tokens_without_an_id(tmp_path: Path) -> None:
    async with served(tmp_path / "home", ScriptedProvider(ROLES, delay_s=0.01)) as (door, owner):
        run_id = await start(owner)
        heard = await hear(owner, run_id)
        stored = await door.lab.runs.events(run_id)
    assert ids(heard) == [event.seq for event in stored] == list(range(1, len(stored) + 1))
    tokens = [message for message in heard if message["event"] == "token"]
    assert tokens
    assert not any("id" in message for message in tokens)
    assert all(message["event"] == message["data"]["type"] for message in heard)
    spoken = "".join(message["data"]["text"] for message in tokens if message["data"]["node"] == "creator")
    assert spoken == "draft text"
    assert heard[-1]["event"] == "run_finished"


async def test_a_reader_that_comes_back_goes_on_where_it_was_and_the_run_never_noticed(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with served(tmp_path / "home", ScriptedProvider(ROLES, gate=gate)) as (door, owner):
        run_id = await start(owner)
        first = await hear(owner, run_id, enough=lambda message: message["event"] == "generation_started")
        await asyncio.sleep(0.1)
        assert (await owner.get(f"/api/runs/{run_id}")).json()["status"] == "running"
        gate.set()
        second = await hear(owner, run_id, **{"Last-Event-ID": first[-1]["id"]})
        view = await ended(owner, run_id)
        stored = await door.lab.runs.events(run_id)
    assert ids(first + second) == [event.seq for event in stored]
    assert view["status"] == "completed"


async def test_a_late_reader_first_gets_the_text_so_far(tmp_path: Path) -> None:
    gate = Words(2)
    async with served(tmp_path / "home", ScriptedProvider({"*": "one two three four"}, gate=gate)) as (_, owner):
        run_id = await start(owner)
        await hear(owner, run_id, enough=lambda message: "two" in message["data"].get("text", ""))
        late = await hear(owner, run_id, enough=lambda message: message["event"] == "token")
        gate.set()
        await ended(owner, run_id)
    assert late[-1]["data"]["offset"] == 0
    assert late[-1]["data"]["text"].startswith("one two")


async def test_a_finished_run_is_told_whole_and_then_no_more(tmp_path: Path) -> None:
    async with served(tmp_path / "home", ScriptedProvider(ROLES)) as (_, owner):
        run_id = await start(owner)
        view = await ended(owner, run_id)
        whole = await hear(owner, run_id)
        rest = await owner.get(f"/api/runs/{run_id}/events", params={"after": view["last_seq"] - 1})
        nothing = await owner.get(f"/api/runs/{run_id}/events", headers={"Last-Event-ID": str(view["last_seq"])})
    assert ids(whole) == list(range(1, view["last_seq"] + 1))
    assert rest.text.count("id: ") == 1
    assert (nothing.status_code, nothing.content) == (204, b"")


async def test_what_is_wrong_with_a_stream_is_a_problem_and_not_an_empty_stream(tmp_path: Path) -> None:
    async with served(tmp_path / "home", ScriptedProvider(ROLES)) as (_, owner):
        run_id = await start(owner)
        unknown = await owner.get("/api/runs/nobody/events")
        wrong = [
            await owner.get(f"/api/runs/{run_id}/events", headers={"Last-Event-ID": given})
            for given in ("abc", "-1", "1" * 30, "1.5")
        ]
        stranger = await owner.get(f"/api/runs/{run_id}/events", headers={"Authorization": "Bearer wrong"})
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")
    assert {(answer.status_code, answer.json()["where"]) for answer in wrong} == {(422, "Last-Event-ID")}
    assert stranger.status_code == 401


async def test_many_readers_leaving_leave_nothing_behind(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with served(tmp_path / "home", ScriptedProvider(ROLES, gate=gate)) as (door, owner):
        run_id = await start(owner)
        await until(lambda: door.provider.open_streams == 1)  # from here on the run itself begins no task
        await hear(owner, run_id, enough=lambda message: True)
        before = len(asyncio.all_tasks())
        for _round in range(8):
            await hear(owner, run_id, enough=lambda message: True)
        await until(lambda: len(asyncio.all_tasks()) <= before)
        gate.set()
        assert (await ended(owner, run_id))["status"] == "completed"
