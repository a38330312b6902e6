"""Stands around every request: names it, refuses foreign ones, adds the safety headers, catches what nobody caught."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Collection, Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_lab.api.guard import Refusal, refusal
from agent_lab.lab.presence import ClientGoneError
from agent_lab.lab.problems import answer, describe
from agent_lab.telemetry.logging import bound, get_logger

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
SAFETY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'; require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


POLICY = b"content-security-policy"
_SAFETY = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in SAFETY_HEADERS.items()]
_ALWAYS = {b"x-request-id", *(name for name, _ in _SAFETY)} - {POLICY}


class Frame:
    """The outermost layer of the application, in plain ASGI so that streams and disconnects pass through it."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Collection[str], allowed_origins: Collection[str] = ()) -> None:
        self._app = app
        self._allowed_hosts = allowed_hosts
        self._allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refusal(scope, headers)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        with bound(request_id=request_id):
            await self._serve(scope, receive, _Sender(send, request_id), refused)

    def _refusal(self, scope: Scope, headers: Headers) -> Refusal | None:
        names = ("site", "mode", "dest")
        fetch = {name: headers[f"sec-fetch-{name}"] for name in names if f"sec-fetch-{name}" in headers}
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        return refusal(hosts, origins, fetch, _method(scope), self._allowed_hosts, self._allowed_origins)

    async def _serve(self, scope: Scope, receive: Receive, send: _Sender, refused: Refusal | None) -> None:
        log, began = get_logger("api"), time.monotonic()
        try:
            if refused:
                await _problem(scope, receive, send, refused)
            else:
                await self._app(scope, receive, send)
        except ClientGoneError:
            log.info("client_left", path=scope["path"])
        except Exception:
            # Whatever it was, the caller gets an answer without its insides, and the log gets all of it.
            log.exception("unexpected_error", method=_method(scope), path=scope["path"])
            if send.status:
                raise  # half an answer is out: only a broken connection tells the client so
            await _problem(scope, receive, send, UNEXPECTED)
        finally:
            log.info(
                "request",
                method=_method(scope),
                path=scope["path"],
                status=send.status,
                seconds=round(time.monotonic() - began, 4),
            )


UNEXPECTED = Refusal("internal", 500, "The lab failed on this request; the log has the reason under the request's id.")


class _Sender:
    """Sends the answer on with the headers that every answer has."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] in {"http.response.start", "websocket.http.response.start"}:
            self.status = message["status"]
            message = {**message, "headers": self._headers(message.get("headers", ()))}
        elif message["type"] == "websocket.accept":
            self.status = 101
            message = {**message, "headers": [*message.get("headers", ()), (b"x-request-id", self._id())]}
        elif message["type"] == "websocket.close":
            self.status = self.status or 403
        await self._send(message)

    def _id(self) -> bytes:
        return self._request_id.encode("ascii")

    def _headers(self, own: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The answer's own headers and those that every answer has; these win, but for a page's own policy."""
        kept = [header for header in own if header[0].lower() not in _ALWAYS]
        names = {name.lower() for name, _ in kept}
        if b"cache-control" not in names:
            kept.append((b"cache-control", b"no-store"))
        safety = [header for header in _SAFETY if header[0] != POLICY or POLICY not in names]
        return [*kept, *safety, (b"x-request-id", self._id())]


def _method(scope: Scope) -> str:
    """The request's method; a WebSocket is asked for as itself, so that following a link to one is nothing."""
    return "WEBSOCKET" if scope["type"] == "websocket" else str(scope["method"])


async def _problem(scope: Scope, receive: Receive, send: Send, why: Refusal) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    request_id = scope["state"]["request_id"]
    problem = describe(slug=why.slug, status=why.status, detail=why.detail, request_id=request_id)
    await answer(problem)(scope, receive, send)
