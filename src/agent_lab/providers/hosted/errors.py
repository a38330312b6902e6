"""Says what a vendor's refusal means for the caller: wait, go elsewhere, or change the request. Never shows a key."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_lab.contracts.errors import AgentLabError, BusyError, TooLargeError, UnusableError, ValidationError
from agent_lab.contracts.registry import ModelSpec, ProviderSpec

SHOWN_CHARS = 300
BUSY = frozenset({429, 503, 529})
WORDS: Mapping[str, int] = {
    # The words of both vendors, and the status that each would have had before the first byte.
    "context_length_exceeded": 413,
    "request_too_large": 413,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "requests": 429,
    "tokens": 429,
    "insufficient_quota": 402,
    "billing_error": 402,
    "overloaded_error": 529,
    "server_overloaded": 529,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "permission_error": 403,
    "model_not_found": 404,
    "not_found_error": 404,
    "timeout_error": 504,
    "api_error": 500,
    "server_error": 500,
    "content_filter": 400,
    "invalid_request_error": 400,
}
# Anthropic and several servers of the OpenAI protocol say it in their message alone.
TOO_LONG = re.compile(
    r"(?i)prompt is too long|context (?:length|window|limit)|maximum context|exceed\w* .{0,40}context"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """Who was called, as an error names them."""

    provider: ProviderSpec
    model: ModelSpec
    secret: str

    def broke_off(self, why: str) -> UnusableError:
        """The answer did not come to its end."""
        return UnusableError(
            f"{self.provider.key!r} broke off the answer of {self.model.key!r} ({why}); ask again or use another model."
        )

    def unreachable(self) -> UnusableError:
        """No answer began."""
        return UnusableError(
            f"{self.provider.key!r} cannot be reached at {self.provider.host}; look at the network and at its "
            "base_url, or use another model.",
            where="/model_key",
        )

    def silent(self) -> BusyError:
        """Nothing came in time."""
        return BusyError(f"{self.provider.key!r} did not answer in time; try again later or use another model.")

    def refused(self, status: int, body: object, *, retry_after_s: float | None = None) -> AgentLabError:
        """The error for a status and the body that came with it; the body's own word is stronger."""
        detail = _detail(body)
        said = self._cleaned(detail.message)
        status = next((WORDS[word] for word in detail.words if word in WORDS), status)
        if status in {400, 413, 422} and (status == 413 or TOO_LONG.search(detail.message)):
            return TooLargeError(
                f"The question is too long for {self.model.key!r}{said}; shorten it or use a model that reads more.",
                where="/prompt",
            )
        if status in {400, 422}:
            return ValidationError(f"{self.provider.key!r} does not take this request{said}; change it.")
        if status in BUSY:
            return BusyError(
                f"{self.provider.key!r} takes no more requests for {self.model.key!r} now; try again later.",
                retry_after_s=retry_after_s,
            )
        return UnusableError(self._unusable(status, said), where="/model_key")

    def hidden(self, text: str) -> str:
        """The text without the key, and without what looks like one."""
        text = text.replace(self.secret, "[hidden]") if self.secret else text
        return re.sub(r"\b(?:sk|pk|gsk)[-_][\w*.-]{6,}", "[hidden]", text)

    def _unusable(self, status: int, said: str) -> str:
        name, model = f"{self.provider.key!r}", f"{self.model.key!r}"
        if status in {401, 403}:
            variable = self.provider.key_env
            if variable is None:
                return f"{name} asks for a key; name its variable as key_env in the [[provider]] row."
            return f"{name} does not accept the key in {variable} for {model}; put one that it takes into .env."
        if status == 402:
            return f"The account at {name} has no credit left; add some, or use another model."
        if status == 404:
            return f"{name} has no model {self.model.model_id!r}; correct the row of {model} or use another model."
        if 300 <= status < 400:
            return f"{name} points to another address, and keys are sent to one only; correct its base_url."
        return f"{name} failed (status {status}){said}; use another model, or ask again later."

    def _cleaned(self, message: str) -> str:
        """The vendor's words in brackets: one line, cut, and without the key, should they repeat it."""
        shown = self.hidden(message)
        shown = " ".join("".join(char if char.isprintable() else " " for char in shown).split()).rstrip(".")
        if len(shown) > SHOWN_CHARS:
            shown = shown[:SHOWN_CHARS].rstrip() + "..."
        return f" ({shown})" if shown else ""


@dataclass(frozen=True, slots=True)
class _Detail:
    message: str
    words: tuple[str, ...]


def _detail(body: object) -> _Detail:
    inner: Any = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(inner, str):
        return _Detail("" if inner.lstrip().startswith("<") else inner, ())
    if not isinstance(inner, dict):
        return _Detail("", ())
    # The code is nearer than the type: a context that is too long is an invalid request besides.
    return _Detail(str(inner.get("message") or ""), (str(inner.get("code")), str(inner.get("type"))))


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """Seconds that a response asks to wait: given in milliseconds, in seconds or as a date. `now_s`: the epoch."""
    for name, per_second in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
            return float(value) / per_second
    try:
        return max(0.0, email.utils.parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - now_s)
    except (ValueError, OverflowError):
        return None
