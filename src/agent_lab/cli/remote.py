"""Asks a running server, with the token of this machine's user; no server is a sentence, not a fault."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from agent_lab.contracts.errors import AgentLabError, EnvironmentFaultError, ValidationError
from agent_lab.settings import Settings

TIMEOUT_S = 600.0
"""Loading a large model takes minutes."""
SILENCE_S = 60.0
"""A stream says something every 15 seconds, be it only that it goes on."""
MAX_ANSWER_BYTES = 5_000_000


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token goes to the server that was named, and to no other."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """None: the redirect itself is the answer."""
        return


def call(
    settings: Settings,
    url: str,
    method: str,
    path: str,
    name: str = "",
    *,
    body: dict[str, Any] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, Any]:
    """The server's answer. `{}` in `path` is the name, quoted.

    Raises ValidationError for an address that is none, EnvironmentFaultError where no server answers, and what the
    server says as AgentLabError.
    """
    request = _request(settings, url, method, path.format(urllib.parse.quote(name, safe="")), body)
    with _answered(request, url, timeout_s) as answer:
        return _document(answer.read(MAX_ANSWER_BYTES), url)


def stream(
    settings: Settings, url: str, path: str, name: str, *, body: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The server's events as they come: name and data. `{}` in `path` is the name, quoted.

    An `error` event is raised as AgentLabError; everything else as `call` has it.
    """
    request = _request(settings, url, "POST", path.format(urllib.parse.quote(name, safe="")), body)
    request.add_header("Accept", "text/event-stream")
    with _answered(request, url, SILENCE_S) as answer:
        if answer.headers.get_content_type() != "text/event-stream":
            raise _not_ours(url)
        for event, data in _events(answer, url):
            if event == "error":
                raise _error(data.get("status"), str(data.get("detail")))
            yield event, data


def _events(answer: http.client.HTTPResponse, url: str) -> Iterator[tuple[str, dict[str, Any]]]:
    event = ""
    for line in iter(partial(answer.readline, MAX_ANSWER_BYTES), b""):
        field, _, value = line.strip().partition(b": ")
        if field == b"event":
            event = value.decode("ascii", "replace")
        elif field == b"data":
            yield event, _document(value, url)


def _request(
    settings: Settings, url: str, method: str, path: str, body: dict[str, Any] | None
) -> urllib.request.Request:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(_address(url) + path, data=data, method=method)
    request.add_header("Authorization", f"Bearer {_token(settings)}")
    request.add_header("Accept", "application/json")
    if data is not None:
        request.add_header("Content-Type", "application/json")
    return request


@contextmanager
def _answered(request: urllib.request.Request, url: str, timeout_s: float) -> Iterator[http.client.HTTPResponse]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        raise _refused(error, url) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error) or type(error).__name__
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
        raise _not_ours(url)
    return document


def _not_ours(url: str) -> EnvironmentFaultError:
    return EnvironmentFaultError(f"What answers at {url} is not AI Agent Lab; name the server with --url.")


def _refused(error: urllib.error.HTTPError, url: str) -> AgentLabError:
    """What the server's problem document says."""
    try:
        detail = json.loads(error.read(MAX_ANSWER_BYTES)).get("detail")
    except (ValueError, AttributeError, OSError):
        detail = None
    if not isinstance(detail, str):
        return EnvironmentFaultError(f"What answers at {url} is not AI Agent Lab (HTTP {error.code}).")
    return _error(error.code, detail)


def _error(status: object, detail: str) -> AgentLabError:
    kind = ValidationError if status in {401, 403, 404, 409, 422} else AgentLabError
    return kind(detail)
