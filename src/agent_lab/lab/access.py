"""Ties to each endpoint who may call it, and keeps to that before a byte of the body is read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Literal, Protocol, TypeVar, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute

from agent_lab.lab import body
from agent_lab.lab.problems import NotSignedInError

Access = Literal["public", "owner"]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
_MARK = "__agent_lab_access__"


class Gatekeeper(Protocol):
    """Knows whether a request shows the token or a valid cookie."""

    def admits(self, request: Request) -> bool: ...


def public(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint that anybody may call who can reach the server."""
    setattr(endpoint, _MARK, "public")
    return endpoint


def owner(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint that asks for the token or the cookie."""
    setattr(endpoint, _MARK, "owner")
    return endpoint


def access_of(endpoint: object) -> Access | None:
    """The mark of an endpoint; None where it was forgotten."""
    return cast("Access | None", getattr(endpoint, _MARK, None))


def admitted(request: Request) -> bool:
    """True where the caller is signed in; for public endpoints that tell the owner more."""
    gatekeeper = cast("Gatekeeper", request.app.state.gatekeeper)
    return gatekeeper.admits(request)


def check_signed_in(request: Request) -> None:
    """Raises NotSignedInError where the caller is nobody."""
    if not admitted(request):
        raise NotSignedInError(
            "Sign in first: send the token as `Authorization: Bearer ...`, or open the link that `agent-lab up` prints."
        )


class GuardedRoute(APIRoute):
    """A route that asks for the token unless its endpoint is marked public, and then checks the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with the guard before it. An endpoint without a mark is treated as the owner's."""
        inner = super().get_route_handler()
        is_public = access_of(self.endpoint) == "public"
        reads_body = self.body_field is not None

        async def guarded(request: Request) -> Response:
            if not is_public:
                check_signed_in(request)
            return await inner(await body.checked(request) if reads_body else request)

        return guarded
