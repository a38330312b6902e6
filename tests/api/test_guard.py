"""Requests for other hosts, from other sites, and addresses opened without care are refused."""

from collections.abc import Awaitable, Callable
from itertools import product
from pathlib import Path

import pytest

from agent_lab.api.frame import Frame
from agent_lab.api.guard import check_bind, host_names, origin_names
from agent_lab.contracts.errors import ValidationError
from api.doors import SIGNED_IN, Door, open_door

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]
ROUTES = [
    "/",
    "/models",
    "/metrics",
    "/cache/clear",
    "/cache/demo",
    "/api/runs",
    "/api/runs/x/events",
    "/login",
    "/app.js",
]
STRANGE_HOSTS = [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.",
    "evil.example:8000",
    "[::2]",
    "127.0.0.1@evil",
    "",
    "0.0.0.0",
]


@pytest.mark.parametrize("method", METHODS)
async def test_a_foreign_host_is_refused_on_every_method_and_route(door: Door, method: str) -> None:
    async with door.owner() as owner:
        for host in STRANGE_HOSTS:
            for path in ROUTES:
                response = await owner.request(method, path, headers={"Host": host})
                assert response.status_code == 421, (host, path)
                assert response.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:3000", "LOCALHOST", "[::1]:8000"])
async def test_the_loopback_names_are_always_good(door: Door, host: str) -> None:
    async with door.owner() as owner:
        assert (await owner.get("/models", headers={"Host": host})).status_code == 200


async def test_a_named_host_is_good_and_no_other(tmp_path: Path) -> None:
    async with open_door(tmp_path / "home", hosts="lab.example, 10.0.0.7,::5") as door, door.owner() as owner:
        answers = {
            host: (await owner.get("/models", headers={"Host": host})).status_code
            for host in ("lab.example", "LAB.example:8443", "10.0.0.7", "[::5]:80", "10.0.0.8", "xlab.example")
        }
    assert list(answers.values()) == [200, 200, 200, 200, 421, 421]


FOREIGN_ORIGINS = ["https://evil.example", "null", "http://localhost:9999", "http://127.0.0.1:8000.evil", "file://", ""]


@pytest.mark.parametrize("method", METHODS)
async def test_a_foreign_origin_is_refused_on_every_method(door: Door, method: str) -> None:
    async with door.owner() as owner:
        for origin, path in product(FOREIGN_ORIGINS, ROUTES):
            response = await owner.request(method, path, headers={"Origin": origin})
            assert response.status_code == 403, (origin, path)
            assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("method", METHODS)
async def test_what_a_browser_says_comes_from_elsewhere_is_refused(door: Door, method: str) -> None:
    fetched = {"Sec-Fetch-Mode": "no-cors"}
    framed = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    async with door.owner() as owner:
        for site, path, way in product(["cross-site", "same-site", "odd"], ROUTES, [fetched, framed]):
            response = await owner.request(method, path, headers={"Sec-Fetch-Site": site, **way})
            assert response.status_code == 403, (site, path, way)


async def test_a_link_from_elsewhere_to_here_may_be_followed_but_a_form_may_not(door: Door) -> None:
    from_elsewhere = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    async with door.owner() as owner:
        assert (await owner.get("/", headers=from_elsewhere)).status_code == 200
        assert (await owner.post("/cache/clear", headers=from_elsewhere)).status_code == 403


async def test_the_servers_own_page_may_ask(door: Door) -> None:
    own = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    async with door.owner() as owner:
        assert (await owner.post("/cache/clear", headers=own)).status_code == 200


async def test_two_hosts_or_none_are_refused(door: Door) -> None:
    sent = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message.get("status"))

    for hosts in ([], [(b"host", b"127.0.0.1"), (b"host", b"evil.example")]):
        headers = [*hosts, (b"authorization", SIGNED_IN["Authorization"].encode())]
        scope = {"type": "http", "method": "GET", "path": "/models", "headers": headers, "query_string": b""}
        await door.app(scope, receive, send)  # type: ignore[arg-type]
    assert [status for status in sent if status] == [421, 421]


@pytest.mark.parametrize(("host", "code"), [(b"127.0.0.1", 1000), (b"evil.example", 1008)])
async def test_a_web_socket_that_no_route_speaks_or_from_elsewhere_is_never_opened(
    door: Door, host: bytes, code: int
) -> None:
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/api/runs", "headers": [(b"host", host)], "query_string": b""}
    await door.app(scope, receive, send)  # type: ignore[arg-type]
    assert [(message["type"], message["code"]) for message in sent] == [("websocket.close", code)]


async def test_an_answer_that_breaks_halfway_breaks_the_connection() -> None:
    sent = []

    async def half(scope: object, receive: object, send: Callable[[dict[str, object]], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("in the midst")

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message["type"])

    frame = Frame(half, allowed_hosts=())  # type: ignore[arg-type]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"localhost")], "query_string": b""}
    with pytest.raises(RuntimeError, match="in the midst"):
        await frame(scope, receive, send)  # type: ignore[arg-type]
    assert sent == ["http.response.start"]


async def test_every_answer_has_the_safety_headers_and_no_cache_keeps_it(door: Door) -> None:
    async with door.owner() as owner:
        for path in ("/", "/models", "/nope", "/api/runs/x"):
            headers = (await owner.get(path)).headers
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cross-origin-opener-policy"] == "same-origin"
            assert "default-src 'self'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
        page = await owner.get("/", headers={"Accept": "text/html"})
    assert page.headers["cache-control"] == "no-cache"
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers.get_list("content-security-policy") == [page.headers["content-security-policy"]]
    assert "style=" not in page.text


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-1.2_X", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("<b>", False)]
)
async def test_a_request_keeps_its_id_where_that_is_one(door: Door, given: str, kept: bool) -> None:
    async with door.owner() as owner:
        answer = (await owner.get("/health", headers={"X-Request-Id": given})).headers["x-request-id"]
    assert (answer == given) is kept
    assert len(answer) <= 64


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_the_loopback_needs_nothing(host: str) -> None:
    check_bind(host, None, ())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.4", "lab.example"])
def test_an_address_that_others_reach_needs_a_token_and_names(host: str) -> None:
    for token, names in [(None, ()), ("a-long-enough-token", ()), (None, ("lab.example",))]:
        with pytest.raises(ValidationError, match="reached from other machines"):
            check_bind(host, token, names)
    check_bind(host, "a-long-enough-token", ("lab.example",))


@pytest.mark.parametrize("name", ["https://lab.example", "lab.example:8000", "*", "a b", "lab/x"])
def test_a_host_that_is_none_is_told(name: str) -> None:
    with pytest.raises(ValidationError, match="not a host name"):
        host_names(name)


async def test_a_page_elsewhere_may_ask_only_where_the_owner_named_its_origin(tmp_path: Path) -> None:
    theirs = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}
    async with open_door(tmp_path / "home", origins="http://localhost:3000") as door, door.owner(**theirs) as page:
        answer = await page.get("/api/runs")
        asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "if-match"}
        preflight = await page.options("/api/flows/mine", headers=asked)
        refused = await page.get("/api/runs", headers={"Origin": "http://localhost:3001"})
    assert (answer.status_code, preflight.status_code, refused.status_code) == (200, 200, 403)
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "access-control-allow-origin" not in refused.headers


async def test_without_such_a_setting_there_is_no_cors(door: Door) -> None:
    async with door.owner(Origin="http://localhost:3000") as page:
        answer = await page.get("/api/runs")
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("origins", ["localhost:3000", "http://a/b", "*"])
def test_what_is_no_origin_is_refused_at_the_start(origins: str) -> None:
    with pytest.raises(ValidationError, match="is not an origin"):
        origin_names(origins)
