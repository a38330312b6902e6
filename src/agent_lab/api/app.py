"""Puts the application together: the routes, who may call them, and the frame around them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import WebSocketRoute

from agent_lab import __version__
from agent_lab.api import errors, openapi, page
from agent_lab.api.auth import LoginCodes, OwnerGate
from agent_lab.api.frame import Frame
from agent_lab.api.guard import host_names, origin_names
from agent_lab.api.site import Site, SiteLayer
from agent_lab.api.token import usable_token
from agent_lab.backend import client as lab_client
from agent_lab.backend import executor, forwarding
from agent_lab.backend import system as backend_system
from agent_lab.backend.client import LabClient
from agent_lab.compat import routes as compat
from agent_lab.lab import (
    alerts,
    cache,
    datasets,
    estimates,
    evaluation_imports,
    evaluation_reading,
    evaluations,
    flow_edits,
    flow_tests,
    flow_versions,
    flows,
    history,
    inference,
    kinds,
    models,
    offers,
    orchestrate,
    providers,
    residency,
    run_actions,
    run_reading,
    run_socket,
    runs,
    settings,
    spending,
    system,
    worth,
)
from agent_lab.lab.access import GuardedRoute, is_guarded, owner
from agent_lab.lab.services import LabServices

Surface = Literal["lab", "all"]
Hook = Callable[[], Awaitable[object]]

BACKEND = (executor.router, backend_system.router, forwarding.router)
"""The forwarding stands last: it takes whatever is left under `/api/v1`."""
LAB = (
    system.router,
    models.router,
    residency.router,
    cache.router,
    inference.router,
    orchestrate.router,
    flows.router,
    kinds.router,
    flow_tests.router,
    flow_edits.router,
    flow_versions.router,
    runs.router,
    estimates.router,
    run_actions.router,
    run_reading.router,
    run_socket.router,
    evaluations.router,
    evaluation_imports.router,
    evaluation_reading.router,
    datasets.router,
    worth.router,
    spending.router,
    providers.router,
    offers.router,
    settings.router,
    history.router,
    alerts.router,
)


def create_app(
    services: LabServices,
    *,
    token: str,
    allowed_hosts: str | Collection[str] = (),
    allowed_origins: str | Collection[str] = (),
    surface: Surface = "all",
    login_codes: LoginCodes | None = None,
    key_name: Callable[[str], str | None] = lambda _: None,
    lab_api_url: str | None = None,
    request_timeout_s: float = 300.0,
    on_start: Hook | None = None,
    on_stop: Hook | None = None,
) -> FastAPI:
    """The application over these services. `lab` leaves out backend, page and login; `all` has everything.

    `allowed_hosts`: names besides the loopback ones. `allowed_origins`: of pages elsewhere that may ask. `key_name`:
    the name of the access key that is shown, None where it is none. `lab_api_url`: the lab that the backend's routes
    ask, None for this one. `on_start`, `on_stop`: awaited before the first request and after the last one.
    Raises ValidationError for a weak token or a host or address that is none, RuntimeError where a route has no access
    mark.
    """
    app = _bare(token, login_codes, key_name, services.started_at, on_start, on_stop)
    app.state.services = services
    front: tuple[APIRouter, ...] = (system.home_router,)
    if surface == "all":
        front = (*BACKEND, page.router)
        app.state.lab = (
            lab_client.over_http(lab_api_url, token=token, timeout_s=request_timeout_s)
            if lab_api_url
            else lab_client.inside(app, token=token, timeout_s=request_timeout_s)
        )
    site = Site() if surface == "all" else None
    return _framed(app, (compat.router, *LAB, _description, *front), allowed_hosts, site, allowed_origins)


def create_backend(
    lab: LabClient,
    *,
    token: str,
    allowed_hosts: str | Collection[str] = (),
    allowed_origins: str | Collection[str] = (),
    login_codes: LoginCodes | None = None,
    key_name: Callable[[str], str | None] = lambda _: None,
) -> FastAPI:
    """The backend alone, with the page: whatever is the lab's is asked of the lab, under the same paths too.

    Raises as `create_app` does.
    """
    app = _bare(token, login_codes, key_name, datetime.now(UTC))
    app.state.lab = lab
    routers = (*BACKEND, backend_system.alone_router, _description, page.router, forwarding.alone_router)
    return _framed(app, routers, allowed_hosts, Site(), allowed_origins)


def _bare(
    token: str,
    login_codes: LoginCodes | None,
    key_name: Callable[[str], str | None],
    started_at: datetime,
    on_start: Hook | None = None,
    on_stop: Hook | None = None,
) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if on_start is not None:
            await on_start()
        yield
        if on_stop is not None:
            await on_stop()
        if hasattr(app.state, "lab"):
            await app.state.lab.close()

    app = FastAPI(
        title="AI Agent Lab",
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,  # served by a route of our own, behind the token
        docs_url=None,  # these two load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.started_at = started_at
    app.state.gatekeeper = OwnerGate(usable_token(token, "The token"), key_name=key_name)
    app.state.login_codes = login_codes if login_codes is not None else LoginCodes()
    return app


def _framed(
    app: FastAPI,
    routers: Iterable[APIRouter],
    allowed_hosts: str | Collection[str],
    site: Site | None,
    allowed_origins: str | Collection[str],
) -> FastAPI:
    for router in routers:
        app.include_router(router)
    errors.install(app)
    if site is not None:
        app.state.site = site
        app.add_middleware(SiteLayer, site=site)
    others = origin_names(allowed_origins)
    if others:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(others),
            allow_credentials=True,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["*"],
            expose_headers=["ETag", "Location", "Retry-After", "X-Request-Id"],
        )
    app.add_middleware(Frame, allowed_hosts=host_names(allowed_hosts), allowed_origins=others)
    check_access(app)
    return app


def check_access(app: FastAPI) -> None:
    """Raises RuntimeError for every route that is not guarded or that nobody decided on: the default is no."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not is_guarded(route):
            path = getattr(route, "path", repr(route))
            raise RuntimeError(
                f"The route {path} has no access mark; put @public or @owner on its endpoint, or @owner_socket."
            )


def operations(app: FastAPI) -> list[APIRoute]:
    """All routes of the application that answer over HTTP."""
    contexts = iter_route_contexts(app.routes)
    return [context.original_route for context in contexts if isinstance(context.original_route, APIRoute)]


def sockets(app: FastAPI) -> list[WebSocketRoute]:
    """All WebSockets of the application, of which the OpenAPI document cannot speak."""
    contexts = iter_route_contexts(app.routes)
    return [context.original_route for context in contexts if isinstance(context.original_route, WebSocketRoute)]


_description = APIRouter(route_class=GuardedRoute)


@_description.get("/openapi.json", include_in_schema=False)
@owner
def get_openapi_document(request: Request) -> JSONResponse:
    """The OpenAPI document of this server."""
    schema: dict[str, Any] = openapi.document(request.app)
    return JSONResponse(schema)
