"""Every door says of wrong input what is wrong and where, and never shows its insides."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from agent_lab.contracts.errors import TooLargeError, ValidationError
from agent_lab.contracts.generation import GenerationRequest, GenerationResult
from agent_lab.lab.body import check_json, checked
from agent_lab.providers.scripted import ScriptedProvider
from api.doors import PATIENT_S, SIGNED_IN, Door, open_door, serve

DOORS = [
    ("/inference", {"prompt": "Hello"}),
    ("/api/inference", {"prompt": "Hello"}),
    ("/orchestrate", {"prompt": "Hello"}),
    ("/api/orchestrate", {"prompt": "Hello"}),
    ("/api/runs", {"prompt": "Hello", "flow": "challenge"}),
]
PATHS = [path for path, _ in DOORS]
EVERY_DOOR = pytest.mark.parametrize(("path", "body"), DOORS, ids=PATHS)


def is_problem(response: httpx.Response, status: int, slug: str) -> bool:
    problem = response.json()
    assert response.status_code == status, problem
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:agent-lab:problem:{slug}"
    assert problem["status"] == status
    assert problem["request_id"] == response.headers["x-request-id"]
    assert len(problem["detail"]) > 20
    assert "Traceback" not in response.text
    return True


@EVERY_DOOR
async def test_a_prompt_that_is_none_is_refused_by_name(door: Door, path: str, body: dict[str, Any]) -> None:
    async with door.owner() as owner:
        for prompt in ("", " \n\t ", None, 7, ["x"]):
            response = await owner.post(path, json=body | {"prompt": prompt})
            assert is_problem(response, 422, "invalid-request")
            assert response.json()["where"].strip("/") == "prompt"
    assert door.provider.calls == []


@EVERY_DOOR
async def test_an_unknown_model_is_told_with_the_nearest(door: Door, path: str, body: dict[str, Any]) -> None:
    named = {"options": {"model": "voise"}} if path == "/api/runs" else {"model": "voise"}
    async with door.owner() as owner:
        response = await owner.post(path, json=body | named)
    assert is_problem(response, 404, "not-found")
    assert "did you mean 'voice'" in response.json()["detail"]


@pytest.mark.parametrize("flow", ["chalenge", "No Such Flow!", "../../etc/passwd", "x" * 64])
@pytest.mark.parametrize("path", ["/orchestrate", "/api/orchestrate"])
async def test_an_unknown_flow_is_told_with_those_that_there_are(door: Door, path: str, flow: str) -> None:
    async with door.owner() as owner:
        response = await owner.post(path, json={"prompt": "Hello", "flow_type": flow})
    assert is_problem(response, 404, "not-found")
    assert "challenge" in response.json()["detail"]


async def test_names_in_a_path_that_are_nothing_here_are_not_found(door: Door) -> None:
    async with door.owner() as owner:
        for method, path in [
            ("GET", "/models/voise"),
            ("POST", "/models/voise/load"),
            ("DELETE", "/cache/voice"),
            ("GET", "/api/flows/chalenge"),
            ("GET", "/api/runs/nobody"),
            ("POST", "/api/runs/nobody/cancel"),
            ("POST", "/api/runs/nobody/resume"),
            ("POST", "/api/runs"),
            ("GET", "/no/such/route"),
            ("GET", "/models/"),
        ]:
            body = {"json": {"flow": "chalenge", "prompt": "Hello"}} if path == "/api/runs" else {}
            assert is_problem(await owner.request(method, path, **body), 404, "not-found"), path


async def test_a_hosted_model_cannot_be_loaded(door: Door) -> None:
    async with door.owner() as owner:
        response = await owner.post("/models/gpt-5/load")
    assert is_problem(response, 422, "invalid-request")
    assert "openai" in response.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "taken"),
    [
        ("PATCH", "/api/runs", "GET, POST"),
        ("PATCH", "/api/flows/mine", "DELETE, GET, PUT"),
        ("DELETE", "/models/echo", "GET"),
        ("DELETE", "/models/echo/pin/x", None),
    ],
)
async def test_a_wrong_method_is_told_with_all_that_the_path_takes(
    door: Door, method: str, path: str, taken: str | None
) -> None:
    async with door.owner() as owner:
        response = await owner.request(method, path)
    assert response.headers.get("Allow") == taken
    if taken is not None:
        assert response.json()["detail"] == f"This route does not take {method}; it takes {taken}."


async def test_a_wrong_method_is_told_with_the_right_one(door: Door) -> None:
    async with door.owner() as owner:
        response = await owner.put("/inference", json={})
    assert is_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


@EVERY_DOOR
async def test_each_wrong_field_has_its_sentence_and_its_place(door: Door, path: str, body: dict[str, Any]) -> None:
    wrong = {"temperature": 9, "max_tokens": 0, "sped": 1}
    sent = body | ({"options": wrong} if path == "/api/runs" else wrong)
    async with door.owner() as owner:
        response = await owner.post(path, json=sent)
    assert is_problem(response, 422, "invalid-request")
    base = "/options" if path == "/api/runs" else ""
    told = {error["pointer"]: error["detail"] for error in response.json()["errors"]}
    assert told.keys() == {f"{base}/temperature", f"{base}/max_tokens", f"{base}/sped"}
    assert "not known" in told[f"{base}/sped"]


async def test_two_names_for_the_model_must_agree(door: Door) -> None:
    async with door.owner() as owner:
        response = await owner.post("/inference", json={"prompt": "Hello", "model": "voice", "model_key": "other"})
        agreeing = await owner.post("/inference", json={"prompt": "Hello", "model": "other", "model_key": "other"})
    assert is_problem(response, 422, "invalid-request")
    assert agreeing.json()["model_key"] == "other"


@EVERY_DOOR
async def test_a_body_that_is_not_an_object_is_refused(door: Door, path: str, body: dict[str, Any]) -> None:
    async with door.owner() as owner:
        for sent in (b"[]", b'"text"', b"7", b"null", b""):
            response = await owner.post(path, content=sent, headers={"Content-Type": "application/json"})
            assert is_problem(response, 422, "invalid-request"), sent


@EVERY_DOOR
async def test_what_is_not_plain_json_is_refused(door: Door, path: str, body: dict[str, Any]) -> None:
    start = json.dumps(body)[:-1].encode()
    async with door.owner() as owner:
        for rest in (
            b"",
            b', "x": NaN}',
            b', "x": -Infinity}',
            b', "x": 1e999}',
            b', "x": ' + b"9" * 5000 + b"}",
            b', "x": "\\ud800"}',
            b', "x": "\xff"}',
            b', "x": tru}',
            b"} {}",
        ):
            response = await owner.post(path, content=start + rest, headers={"Content-Type": "application/json"})
            assert is_problem(response, 422, "invalid-request"), rest


@EVERY_DOOR
async def test_deep_json_is_refused_before_it_is_parsed(door: Door, path: str, body: dict[str, Any]) -> None:
    deep = b'{"prompt": ' + b"[" * 500_000 + b"]" * 500_000 + b"}"
    async with door.owner() as owner:
        response = await owner.post(path, content=deep, headers={"Content-Type": "application/json"})
    assert is_problem(response, 413, "too-large")


def test_brackets_inside_of_text_are_not_depth() -> None:
    check_json(json.dumps({"prompt": '[{"' * 5000 + "\\"}).encode())
    with pytest.raises(TooLargeError):
        check_json(b"[" * 65 + b'"]]]]"' + b"]" * 65)


@pytest.mark.parametrize("hostile", [b'"' + b'\\"' * 500_000, b'"\\' * 300_000, b"[]," * 300_000, b'{"a":' * 60])
def test_hostile_text_costs_no_time_to_refuse(hostile: bytes) -> None:
    with pytest.raises(ValidationError):
        check_json(b"[" + hostile)


@EVERY_DOOR
async def test_only_json_is_taken(door: Door, path: str, body: dict[str, Any]) -> None:
    async with door.owner() as owner:
        for declared in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None):
            headers = {"Content-Type": declared} if declared else {}
            response = await owner.post(path, content=json.dumps(body).encode(), headers=headers)
            assert is_problem(response, 415, "unsupported-media-type")
    assert door.provider.calls == []


@pytest.mark.parametrize(
    "declared", ["application/json; charset=utf-8", "application/merge-patch+json", "APPLICATION/JSON"]
)
async def test_every_kind_of_json_is_taken(door: Door, declared: str) -> None:
    async with door.owner() as owner:
        response = await owner.post("/inference", content=b'{"prompt": "Hello"}', headers={"Content-Type": declared})
    assert response.status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_ten_megabytes_are_refused_whether_announced_or_not(tmp_path: Path, path: str, is_chunked: bool) -> None:
    body = json.dumps({"prompt": "x" * 10_000_000}).encode()

    async def chunks() -> Any:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    async with (
        open_door(tmp_path / "home") as door,
        serve(door.app) as url,
        httpx.AsyncClient(
            base_url=url, headers=SIGNED_IN | {"Content-Type": "application/json"}, timeout=PATIENT_S
        ) as owner,
    ):
        response = await owner.post(path, content=chunks() if is_chunked else body)
        assert is_problem(response, 413, "too-large")
        assert (await owner.get("/health")).status_code == 200


async def test_a_body_that_announces_a_hundred_megabytes_is_refused_before_a_byte_of_it() -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was read")

    headers = [(b"content-type", b"application/json"), (b"content-length", b"100000000")]
    request = Request({"type": "http", "headers": headers}, receive)  # type: ignore[arg-type]
    with pytest.raises(TooLargeError, match="larger than"):
        await checked(request)


async def test_a_body_without_an_end_is_not_read_to_it() -> None:
    read_bytes = 0

    async def receive() -> dict[str, Any]:
        nonlocal read_bytes
        read_bytes += 65_536
        return {"type": "http.request", "body": b"x" * 65_536, "more_body": True}

    with pytest.raises(TooLargeError):
        await checked(Request({"type": "http", "headers": []}, receive))  # type: ignore[arg-type]
    assert read_bytes < 20_000_000


async def test_a_prompt_over_its_bound_is_refused_without_being_repeated(door: Door) -> None:
    async with door.owner() as owner:
        over = await owner.post("/inference", json={"prompt": "x" * 1_000_001})
    assert is_problem(over, 422, "invalid-request")
    assert over.json()["where"] == "/prompt"
    assert len(over.text) < 2000


async def test_wrong_figures_in_the_query_are_named(door: Door) -> None:
    async with door.owner() as owner:
        for query, name in [
            ("limit=0", "limit"),
            ("limit=x", "limit"),
            ("limit=201", "limit"),
            ("status=odd", "status"),
        ]:
            response = await owner.get(f"/api/runs?{query}")
            assert is_problem(response, 422, "invalid-request")
            assert response.json()["where"] == name


class Bursting:
    """A generator with a fault that nobody foresaw."""

    async def generate(self, request: GenerationRequest) -> GenerationResult:
        raise RuntimeError("the secret inside")


async def test_an_unforeseen_fault_is_answered_without_its_insides_and_logged_with_them(tmp_path: Path) -> None:
    async with open_door(tmp_path / "home", ScriptedProvider()) as door:
        door.app.state.services = replace(door.app.state.services, generator=Bursting())
        async with door.owner(**{"X-Request-Id": "trace-me"}) as owner:
            response = await owner.post("/inference", json={"prompt": "Hello"})
        log = (door.lab.settings.data_dir / "logs" / "agent-lab.log").read_text()
    assert is_problem(response, 500, "internal")
    assert "secret" not in response.text
    assert response.json()["request_id"] == "trace-me"
    assert response.headers["content-security-policy"]
    lines = [json.loads(line) for line in log.splitlines()]
    fault = next(line for line in lines if line["event"] == "unexpected_error")
    assert "the secret inside" in fault["exception"]
    assert fault["request_id"] == "trace-me"
