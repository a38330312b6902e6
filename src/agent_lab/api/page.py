"""Serves the page that watches runs, and signs its browser in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from importlib import resources
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict

from agent_lab.api.auth import CODE_LIFE_S, LoginCodes, OwnerGate
from agent_lab.lab.access import GuardedRoute, admitted, check_owner, owner, public
from agent_lab.lab.problems import NotSignedInError, documented
from agent_lab.lab.system import ServiceInfo, service_info

router = APIRouter(route_class=GuardedRoute, tags=["page"])

STATIC = {"app.js": "text/javascript", "style.css": "text/css", "icon.svg": "image/svg+xml"}
REVALIDATE = {"Cache-Control": "no-cache"}


class LoginCode(BaseModel):
    """A path that signs one browser in, once."""

    model_config = ConfigDict(json_schema_extra={"example": {"path": "/login?code=...", "expires_in_s": 600.0}})

    path: str
    expires_in_s: float


def login_path(codes: LoginCodes) -> str:
    """A new one-time path; put scheme, host and port before it."""
    return f"/login?code={codes.make()}"


HOME: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "Service info, or the page."}
}


@router.get("/", operation_id="get_service_info", response_model=ServiceInfo, responses=documented(public=True) | HOME)
@public
async def home(request: Request) -> Response:
    """What this server is; for browsers, the page that watches runs."""
    if _wants_page(request):
        return _file("index.html", "text/html", vary="Accept")
    return JSONResponse(service_info(request.app.state.started_at).model_dump(mode="json"), headers={"Vary": "Accept"})


@router.get("/login", operation_id="log_in", status_code=303, response_class=Response, responses=documented(401, 422))
@public
async def login(request: Request, code: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Take a one-time code, give the browser its cookie, and go on to the page."""
    codes = cast("LoginCodes", request.app.state.login_codes)
    if codes.take(code):
        response = RedirectResponse("/", status_code=303)
        gate = cast("OwnerGate", request.app.state.gatekeeper)
        gate.sign_in(response, secure=request.url.scheme == "https")
        return response
    if admitted(request):  # the same link again in a browser that is signed in already
        return RedirectResponse("/", status_code=303)
    if _wants_page(request):
        return _file("index.html", "text/html", status=401, vary="Accept")
    raise NotSignedInError("This link was used already or is too old; `agent-lab up` prints a new one.")


@router.post("/api/login-codes", operation_id="make_login_code", status_code=201, responses=documented())
@owner
async def make_login_code(request: Request) -> LoginCode:
    """Make a one-time link for one more browser. The owner's alone: sessions have no bounds of their own."""
    check_owner(request)
    return LoginCode(path=login_path(request.app.state.login_codes), expires_in_s=CODE_LIFE_S)


def _static(name: str, media_type: str) -> Callable[[], Coroutine[Any, Any, Response]]:
    @public
    async def serve() -> Response:
        return _file(name, media_type)

    return serve


for _name, _media_type in STATIC.items():
    router.add_api_route(f"/{_name}", _static(_name, _media_type), include_in_schema=False)


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _file(name: str, media_type: str, *, status: int = 200, vary: str | None = None) -> Response:
    content = resources.files("agent_lab.api").joinpath("page", name).read_bytes()
    headers = REVALIDATE | ({"Vary": vary} if vary else {})
    return Response(content, status_code=status, media_type=f"{media_type}; charset=utf-8", headers=headers)
