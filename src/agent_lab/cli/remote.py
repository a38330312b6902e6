"""Asks a running server, with the token of this machine's user; no server is a sentence, not a fault."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from agent_lab.contracts.errors import AgentLabError, EnvironmentFaultError, ValidationError
from agent_lab.settings import Settings

TIMEOUT_S = 600.0
"""Loading a large model takes minutes."""
MAX_ANSWER_BYTES = 5_000_000


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token goes to the server that was named, and to no other."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """None: the redirect itself is the answer."""
        return


def call(
    settings: Settings, url: str, method: str, path: str, name: str, *, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The server's answer. `{}` in `path` is the name, quoted.

    Raises ValidationError for an address that is none, EnvironmentFaultError where no server answers, and what the
    server says as AgentLabError.
    """
    address = _address(url) + path.format(urllib.parse.quote(name, safe=""))
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data=data, method=method)
    request.add_header("Authorization", f"Bearer {_token(settings)}")
    request.add_header("Accept", "application/json")
    if data is not None:
        request.add_header("Content-Type", "application/json")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            return _document(answer.read(MAX_ANSWER_BYTES), url)
    except urllib.error.HTTPError as error:
        raise _refused(error, url) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise EnvironmentFaultError(
            f"No AI Agent Lab server answers at {url} ({reason}); start one with `agent-lab up`, or name it with --url."
        ) from error


def _address(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValidationError(f"{url[:80]!r} is no server address; write it like http://127.0.0.1:8000.", where="--url")
    return url.rstrip("/")


def _token(settings: Settings) -> str:
    if settings.agent_lab_token is not None:
        return settings.agent_lab_token.get_secret_value()
    path = settings.data_dir / "token"
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentFaultError(
            f"There is no token in {path} yet: no server was started by this user. Start one with `agent-lab up`."
        ) from error


def _document(raw: bytes, url: str) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise EnvironmentFaultError(f"What answers at {url} is not AI Agent Lab; name the server with --url.")
    return document


def _refused(error: urllib.error.HTTPError, url: str) -> AgentLabError:
    """What the server's problem document says."""
    try:
        detail = json.loads(error.read(MAX_ANSWER_BYTES)).get("detail")
    except (ValueError, AttributeError, OSError):
        detail = None
    if not isinstance(detail, str):
        return EnvironmentFaultError(f"What answers at {url} is not AI Agent Lab (HTTP {error.code}).")
    kind = ValidationError if error.code in {401, 403, 404, 409, 422} else AgentLabError
    return kind(detail)
