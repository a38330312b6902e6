"""Tries a vendor's address and key with a question that costs nothing, and says in one sentence what to mend."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent_lab.contracts.errors import AgentLabError, BrokenOffError, BusyError, SilentError, UnusableError
from agent_lab.contracts.ports import Reached
from agent_lab.contracts.registry import ProviderSpec
from agent_lab.contracts.sentences import said
from agent_lab.providers.hosted.dialect import Library
from agent_lab.providers.hosted.errors import retry_after_s
from agent_lab.providers.hosted.line import NothingCameError, UnfitError, UnreachableError
from agent_lab.providers.hosted.wire import parsed

NOT_OFFERED = frozenset({404, 405, 501})
"""A server that speaks the protocol need not list its models."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One question to one vendor."""

    spec: ProviderSpec
    library: Library
    secret: str = field(repr=False)

    async def outcome(self, client: Any, raw_response: Any, timeout_s: float) -> Reached:
        """What the vendor said. Raises the error that says what to mend."""
        try:
            async with asyncio.timeout(timeout_s):
                response = await client.get(
                    self.spec.base_url + self._path(),
                    cast_to=raw_response,
                    options={"timeout": timeout_s},
                    stream=True,
                    stream_cls=None,
                )
                content: bytes = await response.aread()
        except TimeoutError as error:
            raise self._silent() from error
        except Exception as error:
            # This is the door: whatever the library raises is translated here, and a traceback shows no key.
            if self.secret:
                error.args = tuple(str(part).replace(self.secret, "[hidden]") for part in error.args)
            if self._status(error) in NOT_OFFERED:
                return Reached(asked="nothing")
            raise self._translated(error) from error
        return self._understood(content)

    def _path(self) -> str:
        if self.spec.kind == "anthropic":
            return "/v1/models"
        return "/key" if self.spec.tried_with == "key" else "/models"

    def _understood(self, content: bytes) -> Reached:
        try:
            document = parsed(content)
        except (ValueError, RecursionError):
            document = None
        listed = document.get("data", document.get("models")) if isinstance(document, dict) else document
        if self.spec.tried_with == "key" and isinstance(listed, dict):
            return Reached(asked="key")
        # A server without models may give null in place of an empty list.
        if isinstance(listed, list) or (isinstance(document, dict) and "data" in document and listed is None):
            return Reached(asked="models", models=len(listed or ()))
        raise UnusableError(
            said(
                "trial_no_models",
                "{provider!r} answers, but not as a server of models does; correct its base_url.",
                provider=self.spec.key,
            )
        )

    def _status(self, error: Exception) -> int | None:
        response = self.library.refusal(error)
        return None if response is None else int(response.status_code)

    def _translated(self, error: Exception) -> AgentLabError:
        response = self.library.refusal(error)
        if response is None:
            return self._fault(error, error.__cause__)
        return self._refusal(response.status_code, response.headers)

    def _fault(self, *errors: BaseException | None) -> AgentLabError:
        for error in errors:
            if isinstance(error, NothingCameError):
                return self._silent()
            if isinstance(error, UnreachableError):
                return UnusableError(
                    said(
                        "trial_unreachable",
                        "{provider!r} cannot be reached at {host}; look at the network and at its base_url.",
                        provider=self.spec.key,
                        host=self.spec.host,
                    )
                )
            if isinstance(error, UnfitError):
                return UnusableError(f"{self._name} {error}; correct its base_url.")
        return BrokenOffError(
            said(
                "trial_broken",
                "{provider!r} broke the connection off; try again, and look at its base_url.",
                provider=self.spec.key,
            )
        )

    def _refusal(self, status: int, headers: Mapping[str, str]) -> AgentLabError:
        if status in {401, 403}:
            return UnusableError(self._no_entry())
        if status == 402:
            return UnusableError(
                said(
                    "trial_no_credit",
                    "The account at {provider!r} has no credit left; add some.",
                    provider=self.spec.key,
                )
            )
        if status == 429:
            wait_s = retry_after_s(headers, time.time())
            return BusyError(
                said("trial_busy", "{provider!r} takes no more requests now; try again later.", provider=self.spec.key),
                retry_after_s=wait_s,
            )
        if 300 <= status < 400:
            return UnusableError(
                said(
                    "provider_points_away",
                    "{provider!r} points to another address, and keys are sent to one only; correct its base_url.",
                    provider=self.spec.key,
                )
            )
        if status >= 500:
            return BrokenOffError(
                said(
                    "trial_failed",
                    "{provider!r} failed (status {status}); try again later.",
                    provider=self.spec.key,
                    status=status,
                )
            )
        return UnusableError(
            said(
                "trial_does_not",
                "{provider!r} does not do this (status {status}); correct its base_url.",
                provider=self.spec.key,
                status=status,
            )
        )

    def _no_entry(self) -> str:
        if self.spec.key_env is None:
            return said(
                "trial_wants_key",
                "{provider!r} asks for a key; name its variable as key_env in the [[provider]] row.",
                provider=self.spec.key,
            )
        return said(
            "trial_wrong_key",
            "{provider!r} does not accept the key in {variable}; put one that it takes into .env and start again.",
            provider=self.spec.key,
            variable=self.spec.key_env,
        )

    def _silent(self) -> SilentError:
        return SilentError(
            said(
                "trial_silent",
                "{provider!r} did not answer in time at {host}; try again later.",
                provider=self.spec.key,
                host=self.spec.host,
            )
        )

    @property
    def _name(self) -> str:
        return f"{self.spec.key!r}"
