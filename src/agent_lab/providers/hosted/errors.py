"""Says what a vendor's refusal means for the caller: wait, go elsewhere, or change the request. Never shows a key."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_lab.contracts.errors import (
    AgentLabError,
    BrokenOffError,
    BusyError,
    ContentRefusedError,
    ProviderError,
    RateLimitedError,
    SilentError,
    TooLargeError,
    UnusableError,
    ValidationError,
)
from agent_lab.contracts.registry import ModelSpec, ProviderSpec
from agent_lab.contracts.sentences import said
from agent_lab.providers.hosted.line import NothingCameError, UnfitError, UnreachableError

SHOWN_CHARS = 300
UNFIT = frozenset({400, 413, 422})
BUSY = frozenset({503, 529})
BROKEN = frozenset({408, 409})
"""And every status over 500 that is not busy: what failed once may succeed at once."""
FILTERED = 451
"""No vendor sends this status; it stands for the words that mean a content filter."""
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
    "overloaded": 529,
    "overloaded_error": 529,
    "server_overloaded": 529,
    "slow_down": 529,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "permission_error": 403,
    "model_not_found": 404,
    "not_found_error": 404,
    "timeout_error": 504,
    "content_filter": FILTERED,
    "content_policy_violation": FILTERED,
    "invalid_prompt": FILTERED,
    "ResponsibleAIPolicyViolation": FILTERED,
}
VAGUE_WORDS: Mapping[str, int] = {
    # These come with every status, and count only where there is none.
    "api_error": 500,
    "server_error": 500,
    "internal_server_error": 500,
    "invalid_request_error": 400,
}
STATUS = re.compile(r"[45]\d\d")
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

    def broke_off(self, why: str) -> BrokenOffError:
        """The answer did not come to its end."""
        return BrokenOffError(
            said(
                "provider_broke_off",
                "{provider!r} broke off the answer of {model!r} ({why}); ask again or use another model.",
                provider=self.provider.key,
                model=self.model.key,
                why=why,
            )
        )

    def unreadable(self) -> BrokenOffError:
        """What came is no part of an answer."""
        return self.broke_off(said("piece_unreadable", "a piece of it cannot be read"))

    def silent(self) -> SilentError:
        """Nothing came in time."""
        return SilentError(
            f"{self.provider.key!r} did not answer in time; use another model, or try again later.", where="/model_key"
        )

    def misdirected(self) -> UnusableError:
        """Something answers at the address, but not a model."""
        return UnusableError(
            f"{self.provider.key!r} did not answer as a model does; correct its base_url or use another model.",
            where="/model_key",
        )

    def fault(self, error: BaseException | None) -> ProviderError:
        """The error for what went wrong with the connection."""
        name = f"{self.provider.key!r}"
        if isinstance(error, NothingCameError):
            return self.silent()
        if isinstance(error, UnreachableError):
            return UnusableError(
                f"{name} cannot be reached at {self.provider.host}; look at the network and at its base_url, or use "
                "another model.",
                where="/model_key",
            )
        if isinstance(error, UnfitError):
            return UnusableError(f"{name} {error}; use another model.", where="/model_key")
        return self.broke_off(said("connection_lost", "the connection was lost"))

    def refused(self, status: int | None, body: object, *, retry_after_s: float | None = None) -> AgentLabError:
        """The error for a status and the body that came with it; the body's own word is stronger.

        `status` is None where the error came inside of an answer that had begun well.
        """
        detail = _detail(body)
        status = detail.meant(WORDS) or status or detail.status or detail.meant(VAGUE_WORDS) or 500
        if status in UNFIT or status == FILTERED:
            return self._rejected(status, detail.message)
        if status == 429:
            return RateLimitedError(
                f"{self.provider.key!r} takes no more requests for {self.model.key!r} now; try again later.",
                retry_after_s=retry_after_s,
            )
        if status in BUSY:
            return BusyError(
                f"{self.provider.key!r} has too much to do to answer for {self.model.key!r}; try again later.",
                retry_after_s=retry_after_s,
            )
        words = self._cleaned(detail.message)
        if status in BROKEN or status >= 500:
            return BrokenOffError(
                said(
                    "provider_failed",
                    "{provider!r} failed (status {status}){words}; ask again or use another model.",
                    provider=self.provider.key,
                    status=status,
                    words=words,
                )
            )
        return UnusableError(self._unusable(status, words), where="/model_key")

    def _rejected(self, status: int, message: str) -> ValidationError:
        words = self._cleaned(message)
        if status == FILTERED:
            return ContentRefusedError(
                said(
                    "filter_refused",
                    "The content filter of {provider!r} does not let this request through{words}; say it "
                    "in other words or use another model.",
                    provider=self.provider.key,
                    words=words,
                ),
                where="/prompt",
            )
        if status == 413 or TOO_LONG.search(message):
            return TooLargeError(
                said(
                    "question_too_long",
                    "The question is too long for {model!r}{words}; shorten it or use a model that reads more.",
                    model=self.model.key,
                    words=words,
                ),
                where="/prompt",
            )
        return ValidationError(
            said(
                "request_not_taken",
                "{provider!r} does not take this request{words}; change it.",
                provider=self.provider.key,
                words=words,
            )
        )

    def hidden(self, text: str) -> str:
        """The text without the key, and without what looks like one."""
        text = text.replace(self.secret, "[hidden]") if self.secret else text
        return re.sub(r"\b(?:sk|pk|gsk)[-_][\w*.-]{6,}", "[hidden]", text)

    def _unusable(self, status: int, words: str) -> str:
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
            return said(
                "provider_points_away",
                "{provider!r} points to another address, and keys are sent to one only; correct its base_url.",
                provider=self.provider.key,
            )
        return said(
            "provider_does_not",
            "{provider!r} does not do this (status {status}){words}; correct its base_url or use another model.",
            provider=self.provider.key,
            status=status,
            words=words,
        )

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
    words: tuple[str, ...] = ()
    status: int | None = None

    def meant(self, by: Mapping[str, int]) -> int | None:
        return next((by[word] for word in self.words if word in by), None)


def tells_error(body: Any) -> bool:
    """True for what tells of an error in place of an answer, whether it says so in its type or not."""
    return bool(body.get("error")) or "error" in (body.get("type"), body.get("object"))


def _detail(body: object) -> _Detail:
    inner: Any = (body.get("error") or body) if isinstance(body, dict) else body
    if isinstance(inner, str):
        return _Detail("" if inner.lstrip().startswith("<") else inner)
    if not isinstance(inner, dict):
        return _Detail("")
    # The code is nearer than the type: a context that is too long is an invalid request besides.
    code, nearer = inner.get("code"), inner.get("innererror")
    words = (nearer.get("code") if isinstance(nearer, dict) else None, code, inner.get("type"))
    status = int(code) if isinstance(code, int | str) and STATUS.fullmatch(str(code)) else None
    message = str(inner.get("message") or inner.get("detail") or "")
    return _Detail(message, tuple(str(word) for word in words if word), status)


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
