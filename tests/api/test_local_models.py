"""Local models are loaded over HTTP, with progress for whoever watches, on a host that has none."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from agent_lab.contracts.errors import CapacityError, RateLimitedError
from agent_lab.contracts.ports import LoadProgress
from agent_lab.lab import residency
from agent_lab.lab.loads import PACE_S, Load
from agent_lab.wiring import build_app
from api.doors import PATIENT_S, SIGNED_IN, TOKEN, open_door, serve, until
from api.test_events import messages
from support.scripted_host import ScriptedHost

ROWS = """
[[model]]
key = "big"
provider = "local"
model_id = "owner/big"
revision = "0123456789abcdef0123456789abcdef01234567"
context_window = 8192
residency = { keep_alive_s = 600, worker = true }

[[model]]
key = "tuned"
provider = "local"
model_id = "owner/tuned"
base = "big"
context_window = 8192
"""
NO_ROOM = "It takes 9.00 GB, and models may take 8.00 GB; use fewer bits."
STREAMED = {"Accept": "text/event-stream"}


@dataclass(slots=True)
class Served:
    """A served application, its host, and a client that is signed in."""

    app: FastAPI
    host: ScriptedHost
    owner: httpx.AsyncClient
    elsewhere: list[LoadProgress]
    """Loads that were not asked for over HTTP."""

    @asynccontextmanager
    async def asked_for(self, times: int) -> AsyncIterator[None]:
        """Ends once the application has taken so many requests for a load that were sent within."""
        loads, taken = self.app.state.services.loads, []
        start = loads.start

        def counted(*args: Any, **more: Any) -> Load:
            taken.append(args)
            load: Load = start(*args, **more)
            return load

        loads.start = counted
        yield
        await until(lambda: len(taken) == times)
        loads.start = start


@asynccontextmanager
async def served(home: Path, host: ScriptedHost) -> AsyncIterator[Served]:
    elsewhere: list[LoadProgress] = []
    async with open_door(home, more_models=ROWS) as door:
        lab = replace(door.lab, host=host, monitor=host, figures=host.figures, loading=lambda: elsewhere)
        app = build_app(lab, token=TOKEN)
        async with serve(app) as url, httpx.AsyncClient(base_url=url, headers=SIGNED_IN, timeout=PATIENT_S) as owner:
            yield Served(app, host, owner, elsewhere)


async def hear(served: Served, key: str, said: list[dict[str, Any]], **body: Any) -> None:
    """Note everything that the stream of a load says."""
    async with served.owner.stream("POST", f"/models/{key}/load", json=body, headers=STREAMED) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        async for message in messages(response):
            said.append(message)  # noqa: PERF401 - looked at while more are on their way


async def heard(served: Served, key: str, **body: Any) -> list[dict[str, Any]]:
    """Everything that the stream of a load says."""
    said: list[dict[str, Any]] = []
    await hear(served, key, said, **body)
    return said


def events(said: list[dict[str, Any]]) -> list[str]:
    return [message["event"] for message in said]


async def test_a_load_is_told_stage_by_stage_and_ends_with_the_model(tmp_path: Path) -> None:
    host = ScriptedHost(patient=True)
    async with served(tmp_path / "home", host) as lab:
        said: list[dict[str, Any]] = []
        hearing = asyncio.create_task(hear(lab, "big", said, strategy="standard"))
        await until(lambda: len(said) == 1)  # each is waited for: what comes faster than the pace is left out
        for number, (stage, done) in enumerate((("fetching", 10), ("loading", 0), ("loading", 60)), start=2):
            host.tell("big", stage, done, 100, elapsed_s=1.5, seconds_left=3.0)  # type: ignore[arg-type]
            await until(lambda number=number: len(said) == number)  # type: ignore[misc]
        host.finish("big")
        await hearing
    assert events(said) == ["progress"] * 4 + ["ready"]
    assert [message["data"]["stage"] for message in said[:-1]] == ["waiting", "fetching", "loading", "loading"]
    assert said[3]["data"] == {
        "model_key": "big",
        "stage": "loading",
        "done_bytes": 60,
        "total_bytes": 100,
        "elapsed_s": 1.5,
        "seconds_left": 3.0,
    }
    assert (said[-1]["data"]["model_key"], said[-1]["data"]["pinned"]) == ("big", False)


async def test_everyone_who_watches_hears_the_last_that_was_said(tmp_path: Path) -> None:
    host = ScriptedHost(patient=True)
    async with served(tmp_path / "home", host) as lab:
        said: list[list[dict[str, Any]]] = [[] for _ in range(5)]
        hearing = [asyncio.create_task(hear(lab, "big", said[0]))]
        await until(lambda: host.begun == ["big"])
        for number in range(4):
            await asyncio.sleep(0.07)  # so that their turns come at different times
            hearing.append(asyncio.create_task(hear(lab, "big", said[number + 1])))
            host.tell("big", done=number, total=10)
        await until(lambda: all(said))
        host.tell("big", done=9, total=10)
        await until(lambda: all(one[-1]["data"]["done_bytes"] == 9 for one in said))  # nothing more is said to them
        host.finish("big")
        await asyncio.gather(*hearing)
    assert {events(one)[-1] for one in said} == {"ready"}


async def test_of_a_model_that_is_in_memory_already_no_progress_is_told(tmp_path: Path) -> None:
    async with served(tmp_path / "home", ScriptedHost(patient=True)) as lab:
        hearing = asyncio.create_task(heard(lab, "big"))
        await until(lambda: lab.host.begun == ["big"])
        lab.host.finish("big")
        assert events(await hearing) == ["ready"]


async def test_a_thousand_steps_of_a_load_are_told_at_a_readable_pace(tmp_path: Path) -> None:
    host = ScriptedHost(patient=True)
    async with served(tmp_path / "home", host) as lab:
        hearing = asyncio.create_task(heard(lab, "big"))
        await until(lambda: host.begun == ["big"])
        began = time.monotonic()
        for step in range(1000):
            host.tell("big", done=step, total=1000)
            await asyncio.sleep(0.0005)
        host.finish("big")
        said = await hearing
    assert 2 <= len(said) <= (time.monotonic() - began) / PACE_S + 3
    assert said[-1]["event"] == "ready"


async def test_a_load_that_fails_ends_its_stream_with_the_problem(tmp_path: Path) -> None:
    host = ScriptedHost(patient=True)
    async with served(tmp_path / "home", host) as lab:
        hearing = asyncio.create_task(heard(lab, "big"))
        await until(lambda: host.begun == ["big"])
        host.fail("big", CapacityError(NO_ROOM))
        said = await hearing
        whole = asyncio.create_task(lab.owner.post("/models/big/load"))
        await until(lambda: host.begun == ["big", "big"])
        host.fail("big", CapacityError(NO_ROOM))
        answer = await whole
    problem = said[-1]["data"]
    assert said[-1]["event"] == "error"
    assert (problem["status"], problem["type"]) == (507, "urn:agent-lab:problem:no-capacity")
    assert problem["detail"] == NO_ROOM
    assert (answer.status_code, answer.json()["detail"]) == (507, problem["detail"])
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_client_that_leaves_does_not_stop_the_load(tmp_path: Path) -> None:
    host = ScriptedHost(patient=True)
    async with served(tmp_path / "home", host) as lab:
        async with lab.owner.stream("POST", "/models/big/load", json={"pin": True}, headers=STREAMED) as response:
            async for message in messages(response):
                assert message["event"] == "progress"
                break
        async with lab.asked_for(1):
            leaving = asyncio.create_task(lab.owner.post("/models/big/load"))
        leaving.cancel()
        entry = (await lab.owner.get("/models/big")).json()
        host.finish("big")
        await until(lambda: bool(host.models) and host.models["big"].pinned)
        after = (await lab.owner.get("/models/big")).json()
    assert host.begun == ["big"]
    assert (entry["loaded"], entry["loading"]["stage"]) == (False, "waiting")
    assert (after["loaded"], after["pinned"], after["loading"]) == (True, True, None)


async def test_sixteen_who_ask_at_once_share_one_load(tmp_path: Path) -> None:
    host = ScriptedHost(patient=True)
    async with served(tmp_path / "home", host) as lab:
        async with lab.asked_for(16):
            asking = [asyncio.create_task(heard(lab, "big")) for _ in range(8)]
            asking += [asyncio.create_task(lab.owner.post("/models/big/load")) for _ in range(8)]  # type: ignore[arg-type]
        host.finish("big")
        answers = await asyncio.gather(*asking)
    assert host.begun == ["big"]
    assert {events(said)[-1] for said in answers[:8]} == {"ready"}
    assert {answer.status_code for answer in answers[8:]} == {200}  # type: ignore[attr-defined]


async def test_a_quiet_load_keeps_its_stream_alive_with_comments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residency, "PING_S", 0.1)
    host = ScriptedHost(patient=True)
    async with served(tmp_path / "home", host) as lab:
        async with lab.owner.stream("POST", "/models/big/load", headers=STREAMED) as response:
            lines = response.aiter_lines()
            while not (line := await anext(lines)).startswith(":"):
                assert not line.startswith("event: ready")
        assert line.startswith(": ping")
        host.finish("big")


async def test_a_server_that_is_stopped_tells_those_who_wait(tmp_path: Path) -> None:
    host = ScriptedHost(patient=True)
    async with served(tmp_path / "home", host) as lab:
        asking = asyncio.create_task(lab.owner.post("/models/big/load"))
        await until(lambda: host.begun == ["big"])
        await lab.app.state.services.loads.close()
        answer = await asking
    assert (answer.status_code, "being stopped" in answer.json()["detail"]) == (503, True)


async def test_a_busy_host_is_told_with_the_time_to_come_back(tmp_path: Path) -> None:
    host = ScriptedHost(patient=True)
    async with served(tmp_path / "home", host) as lab:
        asking = asyncio.create_task(lab.owner.post("/models/big/load"))
        await until(lambda: host.begun == ["big"])
        host.fail("big", RateLimitedError("256 requests wait for a model already.", retry_after_s=4.2))
        answer = await asking
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")


@pytest.mark.parametrize("headers", [STREAMED, {}])
@pytest.mark.parametrize(
    ("key", "body", "status", "told"),
    [
        ("bug", {}, 404, "did you mean 'big'"),
        ("voice", {}, 422, "served by scripted"),
        ("big", {"strategy": "standrad"}, 404, "did you mean 'standard'"),
        ("big", {"pinn": True}, 422, "`pinn` is not known here"),
        ("big", {"pin": "perhaps"}, 422, "`pin`"),
    ],
)
async def test_what_cannot_be_loaded_is_a_problem_and_no_stream(
    tmp_path: Path, key: str, body: dict[str, Any], status: int, told: str, headers: dict[str, str]
) -> None:
    async with served(tmp_path / "home", ScriptedHost()) as lab:
        response = await lab.owner.post(f"/models/{key}/load", json=body, headers=headers)
    assert (response.status_code, told in response.json()["detail"]) == (status, True)
    assert response.headers["content-type"] == "application/problem+json"
