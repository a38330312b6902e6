"""The HTTP client under the vendors' libraries: a key goes to its own host alone, and an answer has a bound.

It is imported with the first call, for the libraries beneath take their time to load.
"""

from __future__ import annotations

import ipaddress
import urllib.request
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx2
import yarl

from agent_lab.providers.hosted.line import ANSWER, LineError, LostError, NothingCameError, UnfitError, UnreachableError

MAX_ANSWER_BYTES = 16_000_000
MAX_CONNECTIONS = 1000
CONNECT_TIMEOUT_S = 10.0
# The libraries add what they find in the environment (organisations, headers of the user's own) and figures about
# the machine; a server that is not the vendor's would get them too.
SENT_HEADERS = frozenset({"accept", "anthropic-version", "authorization", "content-type", "user-agent", "x-api-key"})
KEY_HEADERS = frozenset({"authorization", "x-api-key"})
raw_response: Any = httpx2.Response
"""What a library is asked to return: the response as it comes."""


def bounded_client(base_url: str, *, with_key: bool, max_bytes: int = MAX_ANSWER_BYTES) -> Any:
    """An `httpx2.AsyncClient` for one address: no redirects, no compression, at most `max_bytes` an answer."""
    return Client(Line(base_url, with_key=with_key, max_bytes=max_bytes))


class Answer(httpx2.AsyncByteStream):  # type: ignore[misc, unused-ignore]
    """The body of a response as it comes, up to a bound."""

    def __init__(self, response: Any, max_bytes: int) -> None:
        self._response = response
        self._content = response.content
        self._left_bytes = max_bytes

    async def read(self) -> bytes:
        """All that has come since the last time; nothing at the end. Raises a LineError."""
        try:
            piece: bytes = await self._content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise _translated(error) from error
        self._left_bytes -= len(piece)
        if self._left_bytes < 0:
            raise UnfitError("sent more than an answer may have")
        return piece

    @property
    def is_whole(self) -> bool:
        """True once the end has come, be it unread: the connection can then serve the next call."""
        return bool(self._content.is_eof())

    async def drain(self) -> None:
        """Wait for the end."""
        while not self.is_whole:
            await self.read()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self.read():
            yield piece

    async def aclose(self) -> None:
        """Close the connection, unless its answer has been read to the end."""
        self._response.close()


class Line(httpx2.AsyncBaseTransport):  # type: ignore[misc, unused-ignore]
    """Carries requests to one address, over connections that are kept for the next one."""

    def __init__(self, base_url: str, *, with_key: bool, max_bytes: int) -> None:
        self._address = httpx2.URL(base_url)
        self._with_key = with_key
        self._max_bytes = max_bytes
        self._proxy, self._proxy_headers = _proxy(base_url)
        self._tls = httpx2.create_ssl_context() if self._address.scheme == "https" else False
        self._headers: dict[str, str] = {}
        self._targets: dict[str, yarl.URL] = {}
        self._session: Any = None

    async def handle_async_request(self, request: Any) -> Any:
        """The response, as soon as its headers are there. Raises a LineError.

        The time-out of the request is that of the whole answer.
        """
        if self._session is None:
            self._session = self._opened(request)
        try:
            response = await self._session.request(
                request.method,
                self._target(request.url),
                data=request.content,
                headers=self._headers,
                allow_redirects=False,
                proxy=self._proxy,
                proxy_headers=self._proxy_headers,
                timeout=aiohttp.ClientTimeout(total=request.extensions["timeout"], sock_connect=CONNECT_TIMEOUT_S),
            )
        except (aiohttp.ClientError, OSError) as error:
            raise _translated(error) from error
        # Unpacking is refused, not bounded: a piece of a few kilobytes may unpack to hundreds of megabytes at once.
        if response.headers.get("content-encoding", "").strip().lower() not in {"", "identity"}:
            response.close()
            raise UnfitError("sent a compressed answer, which nobody asked for")
        answer = Answer(response, self._max_bytes)
        return httpx2.Response(
            response.status,
            headers=response.raw_headers,
            stream=answer,
            request=request,
            extensions={ANSWER: answer},
        )

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self, request: Any) -> Any:
        # One client has one credential: whatever of its headers may be sent is the same in every call.
        self._headers = {
            name: value
            for name, value in request.headers.items()
            if name in SENT_HEADERS and (self._with_key or name not in KEY_HEADERS)
        }
        self._headers["accept-encoding"] = "identity"
        if self._address.scheme == "http":  # elsewhere the proxy is told its password before there is a request
            self._headers |= self._proxy_headers
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, ssl=self._tls),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    def _target(self, url: Any) -> yarl.URL:
        address = str(url)
        if address not in self._targets:
            if (url.scheme, url.netloc) != (self._address.scheme, self._address.netloc):
                raise UnfitError(f"may be called at {self._address.host} alone")
            self._targets[address] = yarl.URL(address, encoded=True)
        return self._targets[address]


class Client(httpx2.AsyncClient):  # type: ignore[misc, unused-ignore]
    """Sends what a vendor's library has built as it is: no cookies, redirects, hooks or passwords of its own."""

    def __init__(self, line: Line) -> None:
        super().__init__(transport=line, trust_env=False)
        self._line = line
        self._urls: dict[str, Any] = {}

    def build_request(self, method: str, url: Any, *, headers: Any = None, timeout: Any = None, **more: Any) -> Any:
        """The request as it was asked for. Its own class would take the address apart each time, to add nothing."""
        if url not in self._urls:
            self._urls[url] = httpx2.URL(url)
        return httpx2.Request(
            method, self._urls[url], headers=headers, content=more.get("content"), extensions={"timeout": timeout}
        )

    async def send(self, request: Any, **_: Any) -> Any:
        """The response, its body unread."""
        return await self._line.handle_async_request(request)


def _translated(error: Exception) -> LineError:
    if isinstance(error, TimeoutError):
        return NothingCameError()
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientSSLError | aiohttp.InvalidURL):
        return UnreachableError()
    return LostError()


def _proxy(base_url: str) -> tuple[yarl.URL | None, dict[str, str]]:
    """The proxy of this machine for that address, and its password, where there is one."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    proxies = urllib.request.getproxies()
    address = proxies.get(parts.scheme) or proxies.get("all")
    if not address or _is_loopback(host) or urllib.request.proxy_bypass(host):
        return None, {}
    proxy = yarl.URL(address if "://" in address else f"http://{address}")
    if not proxy.user:
        return proxy, {}
    password = aiohttp.encode_basic_auth(proxy.user, proxy.password or "")
    return proxy.with_user(None), {"proxy-authorization": password}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
