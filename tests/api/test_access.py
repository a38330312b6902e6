"""Nobody comes in without the token, a cookie made from it, or a link that works once."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from agent_lab.api.app import check_access, operations
from agent_lab.api.auth import CODE_LIFE_S, MAX_CODES, SESSION_LIFE_S, LoginCodes, OwnerGate
from agent_lab.api.token import obtain_token
from agent_lab.contracts.errors import EnvironmentFaultError, ValidationError
from agent_lab.lab.access import access_of, owner, public
from api.doors import TOKEN, Door, open_door

PUBLIC = {"/", "/health", "/health/ready", "/login", "/app.js", "/style.css", "/icon.svg"}
HTML = {"Accept": "text/html"}


@pytest.mark.parametrize("surface", ["all", "lab"])
async def test_every_route_has_a_mark_and_only_those_named_here_are_public(tmp_path: Path, surface: str) -> None:
    async with open_door(tmp_path / "home", surface=surface) as door:
        routes = operations(door.app)
    marks = {route.path: access_of(route.endpoint) for route in routes}
    assert len(routes) > 15
    assert set(marks.values()) == {"public", "owner"}
    assert {path for path, mark in marks.items() if mark == "public"} <= PUBLIC


async def test_every_route_that_is_not_public_answers_401_before_it_looks_at_anything(door: Door) -> None:
    asked = 0
    async with door.client() as anybody:
        for route in operations(door.app):
            if route.path in PUBLIC:
                continue
            for method in route.methods or ():
                path = re.sub(r"\{\w+\}", "x", route.path)
                response = await anybody.request(method, path, content=b"not json" if method == "POST" else None)
                assert response.status_code == 401, path
                assert response.headers["www-authenticate"].startswith("Bearer")
                form = "json" if path.startswith("/v1/") else "problem+json"
                assert response.headers["content-type"] == f"application/{form}"
                asked += 1
    assert asked > 15


def test_an_app_with_a_forgotten_mark_is_not_made(door: Door) -> None:
    async def forgotten() -> None: ...

    for app in (FastAPI(openapi_url=None), FastAPI()):
        app.get("/forgotten")(forgotten)
        with pytest.raises(RuntimeError, match="access mark"):
            check_access(app)
    nested = FastAPI(openapi_url=None)
    router = APIRouter()
    router.get("/marked-but-not-guarded")(public(forgotten))
    nested.include_router(router)
    with pytest.raises(RuntimeError, match="/marked-but-not-guarded"):
        check_access(nested)
    door.app.get("/late")(owner(forgotten))
    with pytest.raises(RuntimeError, match="/late"):
        check_access(door.app)


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer \xff",
    ],
)
async def test_a_wrong_token_is_no_token(door: Door, shown: str) -> None:
    async with door.client() as anybody:
        response = await anybody.get("/models", headers={b"Authorization": shown.encode("latin-1")})  # type: ignore[dict-item]
    assert response.status_code == 401
    assert TOKEN not in response.text


async def test_the_scheme_of_the_token_may_be_written_in_any_case(door: Door) -> None:
    async with door.client(Authorization=f"bearer {TOKEN}") as owner_client:
        assert (await owner_client.get("/models")).status_code == 200


async def test_a_link_signs_one_browser_in_once(door: Door) -> None:
    async with door.owner() as cli:
        made = await cli.post("/api/login-codes")
    path = made.json()["path"]
    async with door.client() as browser, door.client() as thief:
        first = await browser.get(path, headers=HTML)
        cookie = first.headers["set-cookie"]
        assert (first.status_code, first.headers["location"]) == (303, "/")
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Path=/" in cookie
        assert TOKEN not in cookie
        assert (await browser.get("/models")).status_code == 200
        again = await thief.get(path)
        page = await thief.get(path, headers=HTML)
        assert (again.status_code, again.headers["content-type"]) == (401, "application/problem+json")
        assert (page.status_code, "set-cookie" in page.headers) == (401, False)
        assert "<title>" in page.text
        assert (await thief.get("/models")).status_code == 401
        reopened = await browser.get(path, headers=HTML)
        assert (reopened.status_code, reopened.headers["location"]) == (303, "/")
    assert made.status_code == 201


@pytest.mark.parametrize("query", ["", "?code=", "?code=nonsense", "?code=%00", "?code=%ff"])
async def test_a_code_that_was_never_made_is_refused(door: Door, query: str) -> None:
    async with door.client() as anybody:
        assert (await anybody.get(f"/login{query}")).status_code == 401


async def test_a_cookie_that_was_not_signed_here_is_nothing(door: Door) -> None:
    gate = OwnerGate(TOKEN)
    for value in ("", "x", "99999999999.", f"99999999999.{'0' * 64}", "9" * 400, f"²²²²².{'0' * 64}"):
        async with door.client() as browser:
            response = await browser.get("/models", headers={b"Cookie": f"{gate.cookie_name}={value}".encode()})  # type: ignore[dict-item]
        assert response.status_code == 401


def asking(cookie: str) -> Request:
    return Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})


def test_a_session_ends_and_a_new_token_ends_them_all() -> None:
    now = [1_000_000.0]
    gate = OwnerGate(TOKEN, clock=lambda: now[0])
    answer = Response()
    gate.sign_in(answer, secure=True)
    cookie = answer.headers["set-cookie"].partition(";")[0]
    assert "Secure" in answer.headers["set-cookie"]
    assert gate.caller(asking(cookie)) == ""
    assert OwnerGate(TOKEN + "2", clock=lambda: now[0]).caller(asking(cookie)) is None
    value = cookie.partition("=")[2]
    renamed = OwnerGate(TOKEN + "2", clock=lambda: now[0])
    assert renamed.caller(asking(f"{renamed.cookie_name}={value}")) is None
    later = value.replace(value.partition(".")[0], "9" * 12)
    assert gate.caller(asking(f"{gate.cookie_name}={later}")) is None
    now[0] += SESSION_LIFE_S
    assert gate.caller(asking(cookie)) is None


def test_codes_are_bounded_in_time_and_in_number() -> None:
    now = [0.0]
    codes = LoginCodes(clock=lambda: now[0])
    old = codes.make()
    now[0] = CODE_LIFE_S + 1
    assert not codes.take(old)
    made = [codes.make() for _ in range(MAX_CODES + 1)]
    assert not codes.take(made[0])
    assert codes.take(made[-1])
    assert not codes.take(made[-1])


async def test_the_description_of_the_routes_is_the_owners_and_has_no_pages_from_elsewhere(door: Door) -> None:
    async with door.client() as anybody, door.owner() as owner_client:
        assert (await anybody.get("/openapi.json")).status_code == 401
        assert (await owner_client.get("/openapi.json")).status_code == 200
        assert [(await owner_client.get(path)).status_code for path in ("/docs", "/redoc")] == [404, 404]


def test_a_token_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    token = obtain_token(tmp_path / "data")
    file = tmp_path / "data" / "token"
    assert obtain_token(tmp_path / "data") == token == file.read_text().strip()
    assert len(token) >= 40
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["token"]
    file.chmod(0o644)
    assert obtain_token(tmp_path / "data") == token
    assert file.stat().st_mode & 0o777 == 0o600
    assert obtain_token(tmp_path / "data", "given-by-the-owner") == "given-by-the-owner"


def test_those_who_start_at_once_agree_on_the_token(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as together:
        tokens = set(together.map(obtain_token, [tmp_path / "data"] * 32))
    assert len(tokens) == 1
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["token"]


@pytest.mark.parametrize("weak", ["", "short", "with space in the midst", "ümlauts-are-not-for-headers", "x" * 15])
def test_a_weak_token_is_refused_with_the_reason(tmp_path: Path, weak: str) -> None:
    with pytest.raises(ValidationError, match="at least 16"):
        obtain_token(tmp_path, weak)
    (tmp_path / "token").write_text(weak, encoding="utf-8")
    with pytest.raises(ValidationError, match="token"):
        obtain_token(tmp_path)


def test_a_token_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "token").mkdir()
    (tmp_path / "file").write_text("")
    for folder in (tmp_path, tmp_path / "file"):
        with pytest.raises(EnvironmentFaultError, match="AGENT_LAB_TOKEN"):
            obtain_token(folder)
