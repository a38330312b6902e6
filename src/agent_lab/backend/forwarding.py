"""Hands everything of the lab on under `/api/v1`: methods, bodies and streams as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import httpx
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from agent_lab.backend.asking import ask_of, check_known, client_of
from agent_lab.backend.paths import OWN, PREFIX, door_path, lab_path, plain_path
from agent_lab.lab.access import GuardedRoute, owner
from agent_lab.lab.body import read_bytes
from agent_lab.lab.presence import while_waited_for
from agent_lab.telemetry.logging import get_logger

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
MAX_BODY_BYTES = 32_000_000
"""As the largest that the lab takes; it has a smaller bound for most of its routes."""
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_ITS_OWN = frozenset({"set-cookie", "server", "date", "alt-svc", "strict-transport-security"})
"""What the lab says of itself and not of the answer."""

_OWN_ROUTES = frozenset({"execute", "system"})

router = APIRouter(route_class=GuardedRoute, tags=["backend"])
alone_router = APIRouter(route_class=GuardedRoute, tags=["backend"])
"""For a backend that stands alone: the lab's own paths too, where pages and commands expect them."""


@router.api_route(PREFIX + "/{path:path}", methods=METHODS, include_in_schema=False)
@owner
async def forward(request: Request) -> Response:
    """Everything else of the lab: `/api/v1/runs` is its `/api/runs`, `/api/v1/models` its `/models`."""
    given = _raw_path(request).removeprefix(PREFIX + "/")
    if given in _OWN_ROUTES:
        raise HTTPException(405)
    return await _forwarded(request, lab_path(given), is_moved=True)


@alone_router.api_route("/{path:path}", methods=METHODS, include_in_schema=False)
@owner
async def forward_as_it_is(request: Request) -> Response:
    """The lab's routes under their own names."""
    path = plain_path(_raw_path(request).removeprefix("/"))
    if path.split("/")[1] not in OWN:
        raise HTTPException(404)
    return await _forwarded(request, path, is_moved=False)


async def _forwarded(request: Request, path: str, *, is_moved: bool) -> Response:
    client = client_of(request)
    ask = ask_of(request, path, await read_bytes(request, MAX_BODY_BYTES))
    answer = await while_waited_for(request, client.send(ask))
    try:
        check_known(ask, answer.status_code, client.place)
    except BaseException:
        await answer.aclose()
        raise
    response = StreamingResponse(_pieces(answer, path), status_code=answer.status_code)
    response.raw_headers = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in passed_on(answer.headers, is_moved=is_moved)
    ]
    return response


def passed_on(headers: httpx.Headers, *, is_moved: bool) -> list[tuple[str, str]]:
    """The lab's headers as the caller gets them. `is_moved`: its paths are other ones here."""
    dropped = _HOP_BY_HOP | _ITS_OWN | _named_by(headers)
    kept = [(name, value) for name, value in headers.multi_items() if name not in dropped]
    if not is_moved:
        return kept
    return [(name, door_path(value) if name == "location" else value) for name, value in kept]


def _named_by(headers: Mapping[str, str]) -> set[str]:
    return {name.strip().lower() for name in headers.get("connection", "").split(",")}


def _raw_path(request: Request) -> str:
    """The path as it came: what is decoded already cannot be told from what was plain."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


async def _pieces(answer: httpx.Response, path: str) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    except httpx.TransportError as error:
        get_logger("backend").warning("lab_broke_off", path=path, reason=str(error) or type(error).__name__)
        raise  # half an answer is out: only a broken connection tells the caller so
    finally:
        await answer.aclose()
