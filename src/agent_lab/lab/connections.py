"""Tries a provider's connection with the cheapest call that proves it, bounded in seconds, in cost and in how often."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from agent_lab.contracts.errors import AgentLabError, RateLimitedError, SilentError
from agent_lab.contracts.generation import Constraints, GenerationRequest
from agent_lab.contracts.ports import Generator, Provider, Reachable, Reached
from agent_lab.contracts.registry import ModelSpec
from agent_lab.contracts.sentences import said
from agent_lab.lab.vendors import Vendor

PER_MINUTE = 20
VENDOR_S = 15.0
HERE_S = 120.0
"""A model of this machine may first have to be put into memory."""
MOST_USD = Decimal("0.01")

Call = Literal["list of models", "key", "one token", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Whether a provider can be used, and how that was found out."""

    ok: bool
    call: Call
    """What it was asked; `nothing`: it was not called."""
    sentence: str
    seconds: float = 0.0
    model: str | None = None
    """The model that was asked for one token."""


@dataclass(slots=True, eq=False)
class Connections:
    """Tries connections, one at a time for each provider and not too many a minute."""

    generator: Generator
    clock: Callable[[], float] = time.monotonic
    _busy: set[str] = field(default_factory=set)
    _begun: deque[float] = field(default_factory=deque)

    async def test(self, vendor: Vendor, provider: Provider | None, models: list[ModelSpec]) -> Outcome:
        """Try it. `models`: those of this provider that can be asked for a token, the cheapest first.

        Raises RateLimitedError where that is being done, or was done too often.
        """
        if vendor.state != "ready":
            return Outcome(ok=False, call="nothing", sentence=vendor.why_not or "It cannot be called.")
        if vendor.protocol == "scripted":
            return Outcome(ok=True, call="nothing", sentence="It answers from a script; nobody is called.")
        self._begin(vendor.name)
        started_s = self.clock()
        try:
            outcome = await self._outcome(vendor, provider, models)
        finally:
            self._busy.discard(vendor.name)
        return Outcome(
            ok=outcome.ok,
            call=outcome.call,
            sentence=outcome.sentence,
            seconds=round(self.clock() - started_s, 3),
            model=outcome.model,
        )

    def _begin(self, name: str) -> None:
        now_s = self.clock()
        while self._begun and now_s - self._begun[0] >= 60:
            self._begun.popleft()
        if name in self._busy:
            raise RateLimitedError(
                said("test_going_on", "The connection to {name!r} is being tested already; wait for it.", name=name),
                retry_after_s=2,
            )
        if len(self._begun) >= PER_MINUTE:
            wait_s = 60 - (now_s - self._begun[0])
            raise RateLimitedError(
                said(
                    "tests_per_minute",
                    "Connections are tested {most} times a minute at the most; try again in {seconds:.0f} s.",
                    most=PER_MINUTE,
                    seconds=round(wait_s),
                ),
                retry_after_s=wait_s,
            )
        self._begun.append(now_s)
        self._busy.add(name)

    async def _outcome(self, vendor: Vendor, provider: Provider | None, models: list[ModelSpec]) -> Outcome:
        if not isinstance(provider, Reachable):
            return await self._one_token(vendor, models)
        try:
            reached = await provider.reach(VENDOR_S)
        except AgentLabError as error:
            return Outcome(ok=False, call=_asked(vendor), sentence=error.message)
        if reached.asked == "nothing":
            return await self._one_token(vendor, models)
        return _answered(vendor, reached)

    async def _one_token(self, vendor: Vendor, models: list[ModelSpec]) -> Outcome:
        if not models:
            return Outcome(ok=False, call="nothing", sentence=_no_model(vendor))
        model = models[0]
        limit_s = HERE_S if vendor.protocol == "local" else VENDOR_S
        request = GenerationRequest(
            prompt="What is 2 + 3?",
            model_key=model.key,
            max_tokens=1,
            constraints=Constraints(latency_budget_s=limit_s, cost_budget_usd=MOST_USD),
        )
        try:
            async with asyncio.timeout(limit_s):
                result = await self.generator.generate(request)
        except TimeoutError:
            late = SilentError(
                said(
                    "test_late",
                    "{model!r} did not answer within {seconds:.0f} s; try again later.",
                    model=model.key,
                    seconds=round(limit_s),
                )
            )
            return Outcome(ok=False, call="one token", sentence=late.message, model=model.key)
        except AgentLabError as error:
            return Outcome(ok=False, call="one token", sentence=error.message, model=model.key)
        if result.model_key != model.key:  # a fallback of its row stood in for it
            sentence = f"{model.key!r} did not answer, and {result.model_key!r} stood in for it."
            return Outcome(ok=False, call="one token", sentence=sentence, model=model.key)
        return Outcome(ok=True, call="one token", sentence=f"{model.key!r} wrote one token.", model=model.key)


def _asked(vendor: Vendor) -> Call:
    return "key" if vendor.tried_with == "key" else "list of models"


def _answered(vendor: Vendor, reached: Reached) -> Outcome:
    if reached.asked == "key":
        return Outcome(ok=True, call="key", sentence=f"{vendor.host} takes the key in {vendor.key_name}.")
    how_many = "1 model" if reached.models == 1 else f"{reached.models} models"
    with_key = f" with the key in {vendor.key_name}" if vendor.key == "present" else ""
    return Outcome(ok=True, call="list of models", sentence=f"{vendor.host} answers{with_key} and lists {how_many}.")


def _no_model(vendor: Vendor) -> str:
    if vendor.protocol == "local":
        return "No model of this machine is in memory or built in; load one, and test again."
    return f"{vendor.name!r} does not list its models, and no [[model]] row names one; add one, and test again."
