"""The HTTP client under the vendors' libraries: a key goes to its own host alone, and an answer has a bound."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

MAX_ANSWER_BYTES = 16_000_000
CONNECT_TIMEOUT_S = 10.0
# The libraries add what they find in the environment (organisations, headers of the user's own) and figures about
# the machine; a server that is not the vendor's would get them too.
SENT_HEADERS = frozenset({
    "accept", "anthropic-version", "authorization", "connection", "content-length", "content-type", "host",
    "transfer-encoding", "user-agent", "x-api-key",
})  # fmt: skip
KEY_HEADERS = ("authorization", "x-api-key")


def bounded_client(base_url: str, *, with_key: bool, max_bytes: int = MAX_ANSWER_BYTES) -> Any:
    """An `httpx2.AsyncClient` for one address: no redirects, no compression, at most `max_bytes` an answer."""
    import httpx2

    return httpx2.AsyncClient(
        follow_redirects=False,
        trust_env=not _is_loopback(base_url),
        event_hooks={
            "request": [partial(_keep_to_address, address=httpx2.URL(base_url), with_key=with_key)],
            "response": [partial(_bound, max_bytes=max_bytes)],
        },
        limits=httpx2.Limits(max_connections=200, max_keepalive_connections=20),
    )


async def _keep_to_address(request: Any, *, address: Any, with_key: bool) -> None:
    import httpx2

    if (request.url.scheme, request.url.netloc) != (address.scheme, address.netloc):
        raise httpx2.RequestError(f"only {address.host} may be called", request=request)
    for name in list(request.headers):
        if name not in SENT_HEADERS or (not with_key and name in KEY_HEADERS):
            del request.headers[name]
    request.headers["accept-encoding"] = "identity"


async def _bound(response: Any, *, max_bytes: int) -> None:
    import httpx2

    # Unpacking is refused, not bounded: a piece of a few kilobytes may unpack to hundreds of megabytes at once.
    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx2.DecodingError("a compressed answer", request=response.request)

    class Bounded(httpx2.AsyncByteStream):  # type: ignore[misc, unused-ignore]
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        async def __aiter__(self) -> AsyncIterator[bytes]:
            count = 0
            async for piece in self._inner:
                count += len(piece)
                if count > max_bytes:
                    raise httpx2.ReadError(f"more than {max_bytes} bytes", request=response.request)
                yield piece

        async def aclose(self) -> None:
            await self._inner.aclose()

    response.stream = Bounded(response.stream)


def timeout(seconds: float) -> Any:
    """How long one step of a call may take; connecting is allowed ten seconds of it."""
    import httpx2

    return httpx2.Timeout(seconds, connect=min(CONNECT_TIMEOUT_S, seconds))


def raw_response() -> Any:
    """What a library is asked to return: the response as it comes."""
    import httpx2

    return httpx2.Response


def connection_errors() -> tuple[type[Exception], ...]:
    """What may be raised while bytes are read."""
    import httpx2

    return (httpx2.HTTPError, httpx2.StreamError)


def timeout_errors() -> tuple[type[Exception], ...]:
    """Those of them that mean silence."""
    import httpx2

    return (httpx2.TimeoutException,)


def _is_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
