"""The client of the lab: what it sends again, what it never does, and how often it asks whether the lab is well."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from agent_lab.backend.client import Ask, LabAwayError, LabClient
from agent_lab.backend.forwarding import passed_on
from agent_lab.backend.inside import InsideTransport
from agent_lab.backend.patience import Patience
from agent_lab.contracts.errors import BusyError, EnvironmentFaultError, SilentError

WELL = {"status": "healthy"}
Step = Callable[[httpx.Request], httpx.Response]


class Lab:
    """A lab that answers as it is told, and counts."""

    def __init__(self, *steps: Exception | int) -> None:
        self.steps = list(steps)
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        if request.url.path == "/health":
            return httpx.Response(200, json=WELL)
        step = self.steps.pop(0) if self.steps else 200
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step, json={})

    def client(self, *, timeout_s: float = 5.0) -> LabClient:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self), base_url="http://lab")
        return LabClient(
            http=http, token="t", address="http://lab", timeout_s=timeout_s, patience=Patience(first_wait_s=0.001)
        )

    def count(self, what: str) -> int:
        return self.asked.count(what)


CUT = httpx.RemoteProtocolError("cut")
REFUSED = httpx.ConnectError("refused")
KEY = {"idempotency-key": "k"}


@pytest.mark.parametrize(
    "ask",
    [Ask(method="GET", path="/models"), Ask(method="POST", path="/api/runs", headers=KEY)],
)
async def test_what_is_safe_to_repeat_is_repeated_and_not_for_ever(ask: Ask) -> None:
    lab = Lab(CUT, CUT)
    assert (await lab.client().call(ask)).status == 200
    assert lab.count(f"{ask.method} {ask.path}") == 3
    lab = Lab(CUT, CUT, CUT, CUT)
    with pytest.raises(LabAwayError, match="does not answer"):
        await lab.client().call(ask)
    assert lab.count(f"{ask.method} {ask.path}") == 3


@pytest.mark.parametrize(
    "ask",
    [
        Ask(method="POST", path="/api/runs"),
        Ask(method="POST", path="/inference", headers=KEY),
        Ask(method="DELETE", path="/cache/demo"),
    ],
)
async def test_what_may_cost_twice_is_sent_once_unless_nobody_can_have_heard_it(ask: Ask) -> None:
    lab = Lab(CUT)
    with pytest.raises(LabAwayError):
        await lab.client().call(ask)
    assert lab.count(f"{ask.method} {ask.path}") == 1
    lab = Lab(REFUSED, REFUSED)
    assert (await lab.client().call(ask)).status == 200
    assert lab.count(f"{ask.method} {ask.path}") == 3


async def test_an_answer_of_the_lab_is_never_a_reason_to_ask_again() -> None:
    lab = Lab(503)
    assert (await lab.client().call(Ask(method="GET", path="/models"))).status == 503
    assert lab.asked == ["GET /models"]


async def test_a_silent_lab_is_not_asked_twice() -> None:
    lab = Lab(httpx.ReadTimeout("slow"))
    with pytest.raises(SilentError, match="within 5 s"):
        await lab.client().call(Ask(method="GET", path="/models"))
    assert lab.asked == ["GET /models"]


async def test_the_lab_is_asked_whether_it_is_well_before_what_costs_and_once_for_many() -> None:
    lab = Lab()

    async def slowly(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.01)
        return lab(request)

    client = lab.client()
    client.http = httpx.AsyncClient(transport=httpx.MockTransport(slowly), base_url="http://lab")
    await asyncio.gather(*(client.call(Ask(method="POST", path="/inference")) for _ in range(20)))
    await client.call(Ask(method="GET", path="/models"))
    assert lab.asked[0] == "GET /health"
    assert lab.count("GET /health") == 1
    lab.steps = [CUT]
    with pytest.raises(LabAwayError):
        await client.call(Ask(method="POST", path="/inference"))
    await client.call(Ask(method="POST", path="/inference"))
    assert lab.count("GET /health") == 2


async def test_too_much_at_once_is_busy_and_not_a_lab_that_is_away() -> None:
    lab = Lab(httpx.PoolTimeout("full"))
    with pytest.raises(BusyError, match="at once") as told:
        await lab.client().call(Ask(method="GET", path="/models"))
    assert not isinstance(told.value, LabAwayError)


async def test_what_is_between_lab_and_backend_stays_there() -> None:
    said = [
        ("Content-Type", "application/json"),
        ("Connection", "close, X-Hop"),
        ("X-Hop", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "h2c"),
        ("Set-Cookie", "a=b"),
        ("Server", "uvicorn"),
        ("Location", "/api/runs/r1"),
        ("ETag", '"1"'),
        ("Retry-After", "3"),
    ]
    moved = dict(passed_on(httpx.Headers(said), is_moved=True))
    assert moved == {
        "content-type": "application/json",
        "location": "/api/v1/runs/r1",
        "etag": '"1"',
        "retry-after": "3",
    }
    assert dict(passed_on(httpx.Headers(said), is_moved=False))["location"] == "/api/runs/r1"


async def test_nothing_that_costs_is_sent_to_what_is_no_lab() -> None:
    sent = []

    def shop(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        return httpx.Response(200, json={"status": "open"})

    http = httpx.AsyncClient(transport=httpx.MockTransport(shop), base_url="http://shop")
    client = LabClient(http=http, token="t", address="http://shop")
    with pytest.raises(EnvironmentFaultError, match="not an AI Agent Lab"):
        await client.call(Ask(method="POST", path="/inference"))
    assert sent == ["GET"]


async def test_the_token_is_in_no_text_of_the_client_and_a_key_goes_in_its_place() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200, json=WELL)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://lab")
    client = LabClient(http=http, token="the-secret", address="http://lab")
    ask = Ask(method="GET", path="/x", key="al-key")
    await client.call(ask)
    await client.call(Ask(method="GET", path="/x"))
    assert seen == ["Bearer al-key", "Bearer the-secret"]
    assert "the-secret" not in repr(client)
    assert "al-key" not in repr(ask)


async def test_an_application_that_breaks_off_is_a_broken_answer_and_not_a_whole_one() -> None:
    async def broken(scope: object, receive: object, send: Callable[..., object]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[misc]
        await send({"type": "http.response.body", "body": b"half", "more_body": True})  # type: ignore[misc]
        raise RuntimeError("no more")

    http = httpx.AsyncClient(transport=InsideTransport(broken), base_url="http://inside")  # type: ignore[arg-type]
    client = LabClient(http=http, token="t", address=None)
    with pytest.raises(LabAwayError, match="broke off"):
        await client.call(Ask(method="GET", path="/x"))


async def test_an_application_is_no_further_ahead_of_its_reader_than_the_bound() -> None:
    sent = 0

    async def endless(scope: object, receive: Callable[..., object], send: Callable[..., object]) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[misc]
        while sent < 1000:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})  # type: ignore[misc]
            sent += 1

    http = httpx.AsyncClient(transport=InsideTransport(endless), base_url="http://inside")  # type: ignore[arg-type]
    async with http.stream("GET", "/") as response:
        pieces = response.aiter_raw()
        assert await anext(pieces) == b"x"
        for _ in range(50):
            await asyncio.sleep(0)
        assert sent < 20
