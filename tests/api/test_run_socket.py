"""The WebSocket of a run tells the same as its stream, to its owner alone, and says why it closes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent_lab.api.app import sockets
from agent_lab.api.auth import OwnerGate
from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.lab import run_socket
from agent_lab.lab.access import access_of
from agent_lab.providers.scripted import ScriptedProvider
from api.doors import PATIENT_S, SIGNED_IN, TOKEN, Door, open_door, serve, until
from api.test_events import hear, start
from api.test_routes import ROLES, ended
from support.asking import ASKER, ASKING


@asynccontextmanager
async def served(home: Path, provider: ScriptedProvider) -> AsyncIterator[tuple[Door, httpx.AsyncClient, str]]:
    async with (
        open_door(home, provider) as door,
        serve(door.app) as url,
        httpx.AsyncClient(base_url=url, headers=SIGNED_IN, timeout=PATIENT_S) as owner,
    ):
        yield door, owner, url.replace("http://", "ws://")


def opened(url: str, run_id: str, query: str = "?after=0", **headers: str) -> connect:
    shown = headers or SIGNED_IN
    return connect(f"{url}/api/runs/{run_id}/socket{query}", additional_headers=shown, proxy=None)


async def told(socket: ClientConnection) -> tuple[list[dict[str, Any]], int, str]:
    """What a socket says to its end, and what it is closed with."""
    said = []
    async with asyncio.timeout(PATIENT_S):
        with suppress(ConnectionClosed):
            while True:
                said.append(json.loads(await socket.recv()))
    return said, socket.close_code or 0, socket.close_reason or ""


async def heard(url: str, run_id: str, last: str) -> list[dict[str, Any]]:
    """What a socket says up to an event of that type, where the reader leaves."""
    said: list[dict[str, Any]] = []
    async with opened(url, run_id) as socket:
        while not said or said[-1]["type"] != last:
            said.append(json.loads(await socket.recv()))
    return said


async def closed_with(url: str, run_id: str, query: str, first: str | bytes | None) -> tuple[int, str]:
    async with opened(url, run_id, query) as socket:
        if first is not None:
            await socket.send(first)
        return (await told(socket))[1:]


def numbers(said: list[dict[str, Any]]) -> list[int]:
    return [event["seq"] for event in said if event["seq"]]


async def test_a_socket_tells_every_event_once_and_closes_when_the_run_has_ended(tmp_path: Path) -> None:
    async with served(tmp_path / "home", ScriptedProvider(ROLES, delay_s=0.01)) as (door, owner, url):
        run_id = await start(owner)
        async with opened(url, run_id) as socket:
            said, code, reason = await told(socket)
        stored = await door.lab.runs.events(run_id)
        streamed = await hear(owner, run_id)
    assert (code, reason) == (1000, "")
    assert numbers(said) == [event.seq for event in stored]
    assert [event for event in said if event["seq"]] == [one["data"] for one in streamed if "id" in one]
    spoken = "".join(event["text"] for event in said if event["type"] == "token" and event["node"] == "creator")
    assert spoken == "draft text"


@pytest.mark.parametrize("in_address", [True, False])
async def test_a_reader_that_comes_back_goes_on_where_it_was(
    tmp_path: Path, in_address: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_socket, "FIRST_MESSAGE_S", PATIENT_S)
    gate = asyncio.Event()
    async with served(tmp_path / "home", ScriptedProvider(ROLES, gate=gate)) as (door, owner, url):
        run_id = await start(owner)
        first = await heard(url, run_id, "generation_started")
        assert (await owner.get(f"/api/runs/{run_id}")).json()["status"] == "running"
        last = first[-1]["seq"]
        async with opened(url, run_id, f"?after={last}" if in_address else "") as socket:
            await socket.send(json.dumps({"after": last}))  # of no use where the address has said it
            gate.set()
            second, code, _ = await told(socket)
        stored = await door.lab.runs.events(run_id)
    assert numbers(first + second) == [event.seq for event in stored]
    assert code == 1000


async def test_a_reader_that_says_nothing_hears_all_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_socket, "FIRST_MESSAGE_S", 0.05)
    async with served(tmp_path / "home", ScriptedProvider(ROLES)) as (_, owner, url):
        run_id = await start(owner)
        view = await ended(owner, run_id)
        async with opened(url, run_id, "") as socket:
            said, code, _ = await told(socket)
    assert (numbers(said), code) == (list(range(1, view["last_seq"] + 1)), 1000)


WRONG_STARTS: list[tuple[str, str | bytes | None]] = [
    ("?after=x", None),
    ("?after=-1", None),
    ("", '{"after": "1"}'),
    ("", '{"after": true}'),
    ("", '{"after": -1}'),
    ("", '{"after": 1, "more": 1}'),
    ("", "[" * 900),
    ("", "{"),
    ("", b"\x00"),
]


async def test_a_socket_that_cannot_be_served_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_socket, "FIRST_MESSAGE_S", PATIENT_S)
    async with served(tmp_path / "home", ScriptedProvider(ROLES)) as (_, owner, url):
        run_id = await start(owner)
        unknown = await closed_with(url, "nobody", "", None)
        wrong = [await closed_with(url, run_id, query, first) for query, first in WRONG_STARTS]
    assert unknown[0] == 4404
    assert {code for code, _ in wrong} == {4400}
    assert all(len(reason) > 20 for _, reason in [unknown, *wrong])


async def test_a_message_beyond_its_bound_ends_the_socket_and_not_the_server(tmp_path: Path) -> None:
    async with served(tmp_path / "home", ScriptedProvider(ROLES)) as (_, owner, url):
        run_id = await start(owner)
        async with opened(url, run_id, "") as socket:
            with suppress(ConnectionClosed):  # it may be closed before all of it is sent
                await socket.send("x" * 20_000_000)
            _, code, _ = await told(socket)
        assert code in {1009, 4400}
        assert (await owner.get("/health")).status_code == 200


async def test_a_socket_is_closed_to_everybody_but_the_owner(tmp_path: Path) -> None:
    async with served(tmp_path / "home", ScriptedProvider(ROLES)) as (_, owner, url):
        run_id = await start(owner)
        for shown in ({"Authorization": "Bearer wrong"}, {"Cookie": "agent_lab=1"}, {"X-Api-Key": "no"}):
            async with opened(url, run_id, **shown) as socket:
                said, code, reason = await told(socket)
            assert (said, code) == ([], 4401)
            assert reason.startswith("Sign in first")
        async with opened(url, run_id, **{"X-Api-Key": TOKEN}) as socket:
            assert (await told(socket))[1] == 1000


async def test_a_browser_that_is_signed_in_may_open_a_socket(tmp_path: Path) -> None:
    async with served(tmp_path / "home", ScriptedProvider(ROLES)) as (_, owner, url):
        run_id = await start(owner)
        path = (await owner.post("/api/login-codes")).json()["path"]
        async with httpx.AsyncClient(base_url=owner.base_url, timeout=PATIENT_S) as browser:
            await browser.get(path)
            cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        own = {
            "Origin": url.replace("ws://", "http://"),
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "websocket",
        }
        async with opened(url, run_id, Cookie=cookie, **own) as socket:
            assert (await told(socket))[1] == 1000


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Host", "evil.example", 421),
        ("Origin", "https://evil.example", 403),
        ("Origin", "null", 403),
        ("Sec-Fetch-Site", "cross-site", 403),
        ("Sec-Fetch-Site", "same-site", 403),
    ],
)
async def test_a_socket_from_elsewhere_is_refused_before_it_is_opened(
    tmp_path: Path, header: str, value: str, status: int
) -> None:
    followed = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"} if header == "Sec-Fetch-Site" else {}
    async with served(tmp_path / "home", ScriptedProvider(ROLES)) as (_, owner, url):
        run_id = await start(owner)
        with pytest.raises(InvalidStatus) as refused:
            async with opened(url, run_id, **SIGNED_IN, **{header: value}, **followed):
                pass
    answer = refused.value.response
    assert answer.status_code == status
    assert json.loads(answer.body or b"")["status"] == status
    assert answer.headers["x-frame-options"] == "DENY"


async def test_every_socket_is_the_owners(door: Door) -> None:
    found = sockets(door.app)
    assert {socket.path for socket in found} == {"/api/runs/{run_id}/socket"}
    assert {access_of(socket.endpoint) for socket in found} == {"owner"}


async def test_readers_that_leave_leave_nothing_behind(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with served(tmp_path / "home", ScriptedProvider(ROLES, gate=gate)) as (door, owner, url):
        run_id = await start(owner)
        readers = door.app.state.services.readers
        for _round in range(5):
            async with opened(url, run_id) as socket:
                await socket.recv()
                assert readers.count == 1
            await until(lambda: readers.count == 0)
        gate.set()
        assert (await ended(owner, run_id))["status"] == "completed"


async def test_a_reader_that_takes_nothing_is_let_go_and_the_run_never_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_socket, "SEND_TIMEOUT_S", 0.2)
    long = "word " * 400_000
    async with served(tmp_path / "home", ScriptedProvider({"*": long})) as (door, owner, url):
        readers = door.app.state.services.readers
        run_id = await start(owner)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]), limit=1024)
        lines = [
            f"GET /api/runs/{run_id}/socket?after=0 HTTP/1.1",
            "Host: 127.0.0.1",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            f"Authorization: Bearer {TOKEN}",
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        assert b"101" in await reader.readline()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        view = await ended(owner, run_id)
        await until(lambda: readers.count == 0)
        writer.close()
    assert view["status"] == "completed"


async def test_a_store_that_fails_closes_the_socket_with_its_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(run_id: str) -> None:
        raise EnvironmentFaultError("The disk is gone; mend it.")

    async with served(tmp_path / "home", ScriptedProvider(ROLES)) as (door, owner, url):
        run_id = await start(owner)
        await ended(owner, run_id)
        monkeypatch.setattr(type(door.lab.runs.store), "get", lambda self, run_id: broken(run_id))
        async with opened(url, run_id) as socket:
            assert (await told(socket))[1:] == (1011, "The disk is gone; mend it.")


def test_a_gate_reads_sockets_as_it_reads_requests() -> None:
    from starlette.requests import HTTPConnection

    shown = HTTPConnection({"type": "websocket", "headers": [(b"authorization", f"Bearer {TOKEN}".encode())]})
    assert OwnerGate(TOKEN).caller(shown) == ""


async def test_a_reader_hears_a_run_through_its_waiting_and_the_answer(tmp_path: Path) -> None:
    async with served(tmp_path / "home", ScriptedProvider(ROLES)) as (door, owner, url):
        for kinds in (door.lab.kinds, door.lab.runs.shop.kinds):
            kinds[ASKER.name] = ASKER  # type: ignore[index]
        document = (await owner.post("/api/flows/validate", json=ASKING)).json()
        assert document["valid"], document
        door.lab.flows.folder.mkdir(parents=True, exist_ok=True)
        (door.lab.flows.folder / "asking.json").write_text(json.dumps(ASKING))
        run_id = (await owner.post("/api/runs", json={"flow": "asking", "prompt": "Why?"})).json()["run_id"]
        async with opened(url, run_id) as socket:
            streaming = asyncio.create_task(hear(owner, run_id))
            said = []
            while not said or said[-1]["type"] != "run_waits":
                said.append(json.loads(await socket.recv()))
            assert not streaming.done()
            await owner.post(f"/api/runs/{run_id}/answer", json={"node": "person", "text": "yes"})
            rest, code, _ = await told(socket)
        streamed = await streaming
        stored = await door.lab.runs.events(run_id)
    assert numbers(said + rest) == [event.seq for event in stored]
    assert [int(one["id"]) for one in streamed if "id" in one] == [event.seq for event in stored]
    assert {"run_waits", "person_answered", "run_resumed"} <= {event["type"] for event in said + rest}
    assert code == 1000


async def test_a_reader_misses_and_repeats_nothing_over_a_restart_of_the_server(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with served(tmp_path / "home", ScriptedProvider(ROLES, gate=gate)) as (_, owner, url):
        run_id = await start(owner)
        first = await heard(url, run_id, "generation_started")
    async with served(tmp_path / "home", ScriptedProvider(ROLES)) as (door, owner, url):
        async with opened(url, run_id, f"?after={first[-1]['seq']}") as socket:
            await owner.post(f"/api/runs/{run_id}/resume")
            second, code, _ = await told(socket)
        stored = await door.lab.runs.events(run_id)
    assert numbers(first + second) == [event.seq for event in stored]
    assert code == 1000
