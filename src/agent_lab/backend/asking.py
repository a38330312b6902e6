"""Puts a caller's request into the form in which the lab is asked: in whose name, and what of it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import cast
from urllib.parse import quote

from starlette.requests import Request

from agent_lab.backend.client import VIA, Ask, LabClient
from agent_lab.contracts.errors import EnvironmentFaultError, TooLargeError
from agent_lab.lab.access import caller_of, shown_secret
from agent_lab.lab.problems import NotSignedInError, request_id_of

MAX_QUERY_CHARS = 8_000
TOLD = (
    "accept",
    "accept-language",
    "anthropic-beta",
    "anthropic-version",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "last-event-id",
)
"""Headers that the lab is told of: all others are between the caller and this server, cookies and tokens first."""
_JSON = {"accept": "application/json", "content-type": "application/json"}


def client_of(request: Request) -> LabClient:
    """The client of the lab. Raises EnvironmentFaultError where LAB_API_URL leads back to a backend."""
    if VIA in request.headers.get("via", ""):
        raise EnvironmentFaultError("LAB_API_URL leads to a backend and not to a lab; name the lab's own address.")
    return cast("LabClient", request.app.state.lab)


def own_ask(request: Request, method: str, path: str, body: bytes = b"") -> Ask:
    """What this server itself wants to know or have done, on behalf of this caller."""
    return _ask(request, Ask(method=method, path=path, body=body, headers=_JSON))


def ask_of(request: Request, path: str, body: bytes) -> Ask:
    """The caller's own request as the lab gets it. Raises TooLargeError for a query past its bound."""
    query: bytes = request.scope["query_string"]
    if len(query) > MAX_QUERY_CHARS:
        raise TooLargeError(f"The query is longer than {MAX_QUERY_CHARS:,} characters; send less in it.", where="query")
    told = {name: request.headers[name] for name in TOLD if name in request.headers}
    headers = {name: value for name, value in told.items() if value.isascii() and value.isprintable()}
    quoted = quote(query, safe="%!$&'()*+,:;=@~/?").encode()
    return _ask(request, Ask(method=request.method, path=path, query=quoted, body=body, headers=headers))


def _ask(request: Request, ask: Ask) -> Ask:
    # The lab is shown the key itself: it has the bounds of each, and what only the owner may do stays the owner's.
    key = shown_secret(request) if caller_of(request) else None
    return replace(ask, key=key, headers={**ask.headers, "x-request-id": request_id_of(request)})


def check_known(ask: Ask, status: int, place: str) -> None:
    """Raises where the lab does not know somebody whom this server does, and says what to do.

    NotSignedInError for an access key, EnvironmentFaultError for the token of the two servers.
    """
    if status != 401:
        return
    if ask.key is not None:
        raise NotSignedInError(
            f"The lab at {place} does not know this access key; let it and this server have the same keys.toml."
        )
    raise EnvironmentFaultError(
        f"The lab at {place} has another token than this server; set the same AGENT_LAB_TOKEN for both."
    )
