"""Tells who asks: the owner, by the token, a cookie made from it or a link that works once; or an access key."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection
from starlette.responses import Response

from agent_lab.lab.access import shown_secret

CODE_LIFE_S = 600.0
MAX_CODES = 32
SESSION_LIFE_S = 30 * 24 * 3600


@dataclass(slots=True)
class LoginCodes:
    """One-time codes. Each is taken once, within ten minutes; the oldest give way past a bound."""

    clock: Callable[[], float] = time.monotonic
    _until: dict[str, float] = field(default_factory=dict)

    def make(self) -> str:
        """A new code."""
        while len(self._until) >= MAX_CODES:
            self._until.pop(next(iter(self._until)))
        code = secrets.token_urlsafe(24)
        self._until[_digest(code)] = self.clock() + CODE_LIFE_S
        return code

    def take(self, code: str) -> bool:
        """True once for each code that is not too old."""
        # Looked up by its digest, so that the time of the look-up says nothing of the code.
        until = self._until.pop(_digest(code), None)
        return until is not None and self.clock() <= until


@dataclass(frozen=True, slots=True)
class OwnerGate:
    """Knows the owner by the token or a session cookie signed by it, others by their access keys.

    A new token ends every session.
    """

    token: str = field(repr=False)
    clock: Callable[[], float] = time.time
    key_name: Callable[[str], str | None] = lambda _: None
    """The name of the access key that is shown; None where it is none."""

    def caller(self, request: HTTPConnection) -> str | None:
        """The name of the access key that the request shows, "" with the token or a valid cookie; None for nobody."""
        shown = shown_secret(request)
        if shown is None:
            return "" if self._is_session(request.cookies.get(self.cookie_name, "")) else None
        return "" if _same(shown, self.token) else self.key_name(shown)

    @property
    def cookie_name(self) -> str:
        """Of its own for each token: servers on other ports of this machine share the browser's cookies."""
        return f"agent_lab_{self._sign('name')[:8]}"

    def sign_in(self, response: Response, *, secure: bool) -> None:
        """Give the browser a session."""
        until = str(int(self.clock() + SESSION_LIFE_S))
        response.set_cookie(
            self.cookie_name,
            f"{until}.{self._sign(until)}",
            max_age=SESSION_LIFE_S,
            httponly=True,
            samesite="strict",
            secure=secure,
            path="/",
        )

    def _is_session(self, cookie: str) -> bool:
        until, _, signature = cookie.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) < 16):
            return False
        return _same(signature, self._sign(until)) and self.clock() < int(until)

    def _sign(self, text: str) -> str:
        return hmac.new(self.token.encode(), f"agent-lab session {text}".encode(), hashlib.sha256).hexdigest()


def _same(shown: str, expected: str) -> bool:
    return hmac.compare_digest(shown.encode("utf-8", "surrogateescape"), expected.encode())


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogateescape")).hexdigest()
