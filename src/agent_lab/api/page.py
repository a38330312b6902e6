"""Says what this server is, and signs a browser in."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict

from agent_lab.api.auth import CODE_LIFE_S, LoginCodes, OwnerGate
from agent_lab.api.site import NOT_BUILT, Site, page_answer, wants_page
from agent_lab.contracts.sentences import said
from agent_lab.lab.access import GuardedRoute, admitted, check_owner, owner, public
from agent_lab.lab.problems import NotSignedInError, documented
from agent_lab.lab.system import ServiceInfo, service_info

router = APIRouter(route_class=GuardedRoute, tags=["page"])


class LoginCode(BaseModel):
    """A path that signs one browser in, once."""

    model_config = ConfigDict(json_schema_extra={"example": {"path": "/login?code=...", "expires_in_s": 600.0}})

    path: str
    expires_in_s: float


def login_path(codes: LoginCodes) -> str:
    """A new one-time path; put scheme, host and port before it."""
    return f"/login?code={codes.make()}"


HOME: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "Service info, or the web app."}
}


@router.get("/", operation_id="get_service_info", response_model=ServiceInfo, responses=documented(public=True) | HOME)
@public
async def home(request: Request) -> Response:
    """What this server is; for browsers, the web app."""
    if wants_page(request.headers):  # the app, which has a page for it, has not been built
        return PlainTextResponse(NOT_BUILT, status_code=503, headers={"Vary": "Accept"})
    return JSONResponse(service_info(request.app.state.started_at).model_dump(mode="json"), headers={"Vary": "Accept"})


@router.get("/login", operation_id="log_in", status_code=303, response_class=Response, responses=documented(401, 422))
@public
async def login(request: Request, code: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Take a one-time code, give the browser its cookie, and go on to the app."""
    codes = cast("LoginCodes", request.app.state.login_codes)
    if codes.take(code):
        response = RedirectResponse("/", status_code=303)
        gate = cast("OwnerGate", request.app.state.gatekeeper)
        gate.sign_in(response, secure=request.url.scheme == "https")
        return response
    if admitted(request):  # the same link again in a browser that is signed in already
        return RedirectResponse("/", status_code=303)
    if wants_page(request.headers):
        page = page_answer(cast("Site", request.app.state.site), "/", request.headers, status=401)
        if page is not None:
            return page
    raise NotSignedInError(
        said("link_used", "This link was used already or is too old; `agent-lab up` prints a new one.")
    )


@router.post("/api/login-codes", operation_id="make_login_code", status_code=201, responses=documented())
@owner
async def make_login_code(request: Request) -> LoginCode:
    """Make a one-time link for one more browser. The owner's alone: sessions have no bounds of their own."""
    check_owner(request)
    return LoginCode(path=login_path(request.app.state.login_codes), expires_in_s=CODE_LIFE_S)
