"""Ties to each endpoint who may call it, and keeps to that before a byte of the body or a message is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, Protocol, TypeVar, cast

from fastapi import Request, Response, WebSocket
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, WebSocketRoute

from agent_lab.contracts.sentences import said
from agent_lab.lab import body
from agent_lab.lab.problems import NotSignedInError, OwnersOnlyError

Access = Literal["public", "owner"]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
SocketEndpoint = Callable[[WebSocket], Awaitable[None]]
_MARK = "__agent_lab_access__"
_GUARDED = "__agent_lab_guarded__"
SIGN_IN = (
    "Sign in first: send the token or an access key as `Authorization: Bearer ...`, or open the link that "
    "`agent-lab up` prints."
)
NOT_SIGNED_IN_CODE = 4401
"""What a WebSocket of somebody who is nobody is closed with."""
_REASON_BYTES = 123
"""The protocol has no room for more."""
_BODY = "__agent_lab_body_bytes__"


class Gatekeeper(Protocol):
    """Knows who a request is from."""

    def caller(self, request: HTTPConnection) -> str | None:
        """The name of the access key that it shows, "" where it is the owner's; None where it is nobody's."""
        ...


def public(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint that anybody may call who can reach the server."""
    setattr(endpoint, _MARK, "public")
    return endpoint


def owner(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint that asks for the token, an access key or the cookie."""
    setattr(endpoint, _MARK, "owner")
    return endpoint


def owner_socket(endpoint: SocketEndpoint) -> SocketEndpoint:
    """Mark a WebSocket's endpoint in the same way; everybody else is told so and turned away."""

    async def guarded(websocket: WebSocket) -> None:
        if admitted(websocket):
            await endpoint(websocket)
        else:
            await websocket.accept()  # before it neither a code nor a sentence can be told
            await websocket.close(NOT_SIGNED_IN_CODE, closing_words(SIGN_IN))

    setattr(guarded, _GUARDED, True)
    return owner(guarded)


def closing_words(reason: str) -> str:
    """As much of a sentence as a WebSocket can be closed with."""
    return reason.encode()[:_REASON_BYTES].decode(errors="ignore")


def is_guarded(route: BaseRoute) -> bool:
    """True for a route that somebody decided on and that keeps to the decision."""
    if isinstance(route, WebSocketRoute):
        return getattr(route.endpoint, _GUARDED, False) is True
    return isinstance(route, GuardedRoute) and access_of(route.endpoint) is not None


def bodies_up_to(limit_bytes: int) -> Callable[[Endpoint], Endpoint]:
    """Mark an endpoint whose bodies may be larger than others'."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _BODY, limit_bytes)
        return endpoint

    return mark


def access_of(endpoint: object) -> Access | None:
    """The mark of an endpoint; None where it was forgotten."""
    return cast("Access | None", getattr(endpoint, _MARK, None))


def admitted(connection: HTTPConnection) -> bool:
    """True where the caller is signed in; for public endpoints that tell the owner more."""
    gatekeeper = cast("Gatekeeper", connection.app.state.gatekeeper)
    # Kept, because the key may be revoked before the endpoint asks for its name.
    connection.state.caller = gatekeeper.caller(connection)
    return connection.state.caller is not None


def caller_of(connection: HTTPConnection) -> str:
    """The name of the access key that an admitted request came with; "" where it is the owner's."""
    return cast("str", connection.state.caller)


def shown_secret(request: HTTPConnection) -> str | None:
    """The token or key in the headers; None where the cookie is to decide."""
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    if scheme:
        return shown.strip() if scheme.lower() == "bearer" else ""
    key = request.headers.get("x-api-key")  # as Anthropic's SDK sends it
    return None if key is None else key.strip()


def check_owner(connection: HTTPConnection) -> None:
    """Raises OwnersOnlyError where an admitted request came with an access key."""
    if caller_of(connection):
        raise OwnersOnlyError(said("owners_only", "An access key does not open this; send the owner's token."))


def check_signed_in(request: Request) -> None:
    """Raises NotSignedInError where the caller is nobody."""
    if not admitted(request):
        raise NotSignedInError(SIGN_IN)


class GuardedRoute(APIRoute):
    """A route that asks who is there unless its endpoint is marked public, and then checks the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with the guard before it. An endpoint without a mark is treated as the owner's."""
        inner = super().get_route_handler()
        is_public = access_of(self.endpoint) == "public"
        reads_body = self.body_field is not None
        limit_bytes: int = getattr(self.endpoint, _BODY, body.MAX_BODY_BYTES)

        async def guarded(request: Request) -> Response:
            most_bytes = limit_bytes
            if not is_public:
                check_signed_in(request)
                if caller_of(request):
                    most_bytes = min(limit_bytes, body.MAX_BODY_BYTES_OF_KEYS)
            return await inner(await body.checked(request, limit_bytes=most_bytes) if reads_body else request)

        return guarded
