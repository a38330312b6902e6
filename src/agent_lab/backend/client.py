"""The one client of the lab: over HTTP, or in this process, with one sentence when the lab is away."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import httpx
from starlette.types import ASGIApp

from agent_lab import __version__
from agent_lab.backend.inside import InsideTransport
from agent_lab.backend.paths import may_repeat
from agent_lab.backend.patience import Patience
from agent_lab.contracts.errors import AgentLabError, BusyError, EnvironmentFaultError, SilentError, ValidationError

DEFAULT_URL = "http://127.0.0.1:8001"
"""Where `agent-lab lab` listens."""
VIA = "agent-lab-backend"
CONNECT_S = 5.0
HEALTH_S = 5.0
WELL_FOR_S = 3.0
"""For so long a lab that was well is taken for well."""
MAX_CONNECTIONS = 500
KEPT_S = 2.0
"""An idle connection is used again for so long: less than the server keeps it (5 s), which would else close it in the
moment in which a question is on its way, and nobody could say whether it was heard."""
MAX_ANSWER_BYTES = 64_000_000

_LIMITS = httpx.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEPT_S)


class LabAwayError(BusyError):
    """The lab behind this backend does not answer; start it, or name another one in LAB_API_URL."""

    slug = "lab-away"
    status = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request to the lab. `headers` say who asks, and never hold the lab's token: `key` is the access key shown."""

    method: str
    path: str
    query: bytes = b""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str | None = field(default=None, repr=False)
    """The access key that the lab is to see; None: the owner asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The lab's answer, whole."""

    status: int
    headers: httpx.Headers
    content: bytes

    def document(self) -> dict[str, Any]:
        """The JSON object in it; an empty one where it is none."""
        try:
            found = json.loads(self.content)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(slots=True, kw_only=True)
class LabClient:
    """Asks the lab.

    Every method raises LabAwayError, SilentError past the time, BusyError where too much is on its way already,
    EnvironmentFaultError for another server in its place.
    """

    http: httpx.AsyncClient
    token: str = field(repr=False)
    address: str | None
    """The lab's; None: it is in this process."""
    timeout_s: float = 300.0
    patience: Patience = field(default_factory=Patience)
    _well_until_s: float = 0.0
    _checking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def place(self) -> str:
        """Where the lab is, in words."""
        return self.address or "this process"

    async def send(self, ask: Ask) -> httpx.Response:
        """The head of the answer; whoever gets it reads its body and closes it."""
        if ask.method not in {"GET", "HEAD"}:
            await self.check()
        return await self._tried(ask)

    async def call(self, ask: Ask) -> Answer:
        """The whole answer, within the time."""
        try:
            async with asyncio.timeout(self.timeout_s):
                response = await self.send(ask)
                try:
                    return await self._whole(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise self._silent() from None
        except httpx.TransportError as error:
            raise self._away(error) from error

    async def check(self) -> None:
        """Ask whether the lab is well, unless it was a moment ago."""
        if time.monotonic() < self._well_until_s:
            return
        async with self._checking:  # those who wait meanwhile take the answer of the first
            if time.monotonic() >= self._well_until_s:
                await self._check()

    async def close(self) -> None:
        """Let all connections go."""
        await self.http.aclose()

    async def _check(self) -> None:
        request = self.http.build_request("GET", "/health", headers={"accept": "application/json"})
        try:
            async with asyncio.timeout(HEALTH_S):
                response = await self.http.send(request)
        except (TimeoutError, httpx.TransportError) as error:
            raise self._away(error) from error
        answer = Answer(status=response.status_code, headers=response.headers, content=response.content)
        if answer.status != 200 or answer.document().get("status") != "healthy":
            raise self._not_a_lab()
        self._well_until_s = time.monotonic() + WELL_FOR_S

    async def _tried(self, ask: Ask) -> httpx.Response:
        """Send it, again where that is safe; each try within the time."""
        safe = may_repeat(ask.method, ask.path, has_key="idempotency-key" in ask.headers)
        for attempt in range(1, self.patience.attempts + 1):
            try:
                async with asyncio.timeout(self.timeout_s):
                    response = await self.http.send(self._request(ask), stream=True)
                break
            except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout):
                raise self._silent() from None
            except httpx.PoolTimeout:
                text = f"As many requests are at the lab as may be at once ({MAX_CONNECTIONS}); come back later."
                raise BusyError(text) from None
            except httpx.TransportError as error:
                was_heard = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                jitter = random.random()
                wait_s = self.patience.wait_s(attempt, was_heard=was_heard, may_repeat=safe, jitter=jitter)
                if wait_s is None:
                    raise self._away(error) from error
                await asyncio.sleep(wait_s)
        if response.is_redirect:  # a lab sends nobody elsewhere, and its token goes nowhere else
            await response.aclose()
            raise self._not_a_lab()
        return response

    def _request(self, ask: Ask) -> httpx.Request:
        headers = {**ask.headers, "authorization": f"Bearer {self.token if ask.key is None else ask.key}", "via": VIA}
        url = ask.path + ("?" + ask.query.decode("ascii") if ask.query else "")
        return self.http.build_request(ask.method, url, headers=headers, content=ask.body or None)

    async def _whole(self, response: httpx.Response) -> Answer:
        chunks, size_bytes = [], 0
        async for chunk in response.aiter_bytes():
            size_bytes += len(chunk)
            if size_bytes > MAX_ANSWER_BYTES:
                raise EnvironmentFaultError(
                    f"The lab's answer is larger than {MAX_ANSWER_BYTES / 1e6:g} MB; ask it for less."
                )
            chunks.append(chunk)
        return Answer(status=response.status_code, headers=response.headers, content=b"".join(chunks))

    def _away(self, error: Exception) -> LabAwayError:
        self._well_until_s = 0.0
        reason = str(error) or type(error).__name__
        return LabAwayError(
            f"The lab at {self.place} does not answer ({reason[:200]}); start it with `agent-lab lab`, or name the "
            "one to ask in LAB_API_URL.",
            retry_after_s=WELL_FOR_S,
        )

    def _silent(self) -> SilentError:
        return SilentError(
            f"The lab said nothing within {self.timeout_s:g} s; raise REQUEST_TIMEOUT, or start a run at "
            "POST /api/v1/runs and follow it."
        )

    def _not_a_lab(self) -> AgentLabError:
        return EnvironmentFaultError(f"What answers at {self.place} is not an AI Agent Lab; mend LAB_API_URL.")


def lab_address(url: str) -> str:
    """The address of the lab as the client takes it. Raises ValidationError for what is none."""
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_plain = False
    if not is_plain or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValidationError(
            "LAB_API_URL is no address of a lab; write it like http://127.0.0.1:8001, without a name, a password or a "
            "question mark in it.",
            where="LAB_API_URL",
        )
    return url.rstrip("/")


def over_http(url: str, *, token: str, timeout_s: float) -> LabClient:
    """A client of the lab at that address. Raises ValidationError for what is none."""
    address = lab_address(url)
    http = _http(address, httpx.AsyncHTTPTransport(limits=_LIMITS), timeout_s)
    return LabClient(http=http, token=token, address=address, timeout_s=timeout_s)


def inside(app: ASGIApp, *, token: str, timeout_s: float) -> LabClient:
    """A client of the lab that this application is itself."""
    http = _http("http://127.0.0.1", InsideTransport(app), timeout_s)
    return LabClient(http=http, token=token, address=None, timeout_s=timeout_s)


def _http(address: str, transport: httpx.AsyncBaseTransport, timeout_s: float) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=address,
        transport=transport,
        timeout=httpx.Timeout(timeout_s, connect=CONNECT_S, pool=CONNECT_S),
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # one caller's would go along with all others'
        trust_env=False,  # the token goes to the lab, and through nobody's proxy
        headers={"accept-encoding": "identity", "user-agent": f"agent-lab-backend/{__version__}"},
    )
