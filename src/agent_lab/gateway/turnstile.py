"""Lets calls through to the providers as fast as their limits allow, in order, each within its own deadline."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass

from agent_lab.contracts.registry import ModelSpec, ProviderSpec, RateLimits
from agent_lab.gateway.lanes import Lane, Lanes, Ticket
from agent_lab.gateway.limits import NO_LIMITS, Meter, Reservation

SHORTEST_TIMER_S = 0.001
"""A timer that rings a rounding error too early must not become a busy loop."""


@dataclass(slots=True)
class Hold:
    """A call that is let through. Tell it what the answer took; left without that, the call took no tokens."""

    used_tokens: int = 0

    def settle(self, used_tokens: int) -> None:
        """The tokens that the call really took, read and written."""
        self.used_tokens = used_tokens


def turnstile_of(models: Iterable[ModelSpec], providers: Iterable[ProviderSpec]) -> Turnstile:
    """The limits that these rows state."""
    return Turnstile(
        providers={row.key: row.limits for row in providers if row.limits is not None},
        models={row.key: row.limits for row in models if row.limits is not None},
    )


class Turnstile:
    """The limits of all rows, by their keys. One event loop uses it; `clock` counts seconds."""

    def __init__(
        self,
        *,
        providers: Mapping[str, RateLimits],
        models: Mapping[str, RateLimits],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._providers = providers
        self._models = models
        self._clock = clock
        self._lanes: dict[str, Lanes] = {}
        self._turns: dict[Ticket, asyncio.Future[None]] = {}
        self._timers: dict[Lanes, asyncio.TimerHandle] = {}

    def pass_(
        self, provider_key: str, model_key: str, *, tokens: int, deadline_s: float
    ) -> AbstractAsyncContextManager[Hold]:
        """Waits for its turn and holds the call's share while the block runs. `tokens`: prompt and longest answer.

        `deadline_s`: seconds from now that the caller waits at the most. Entering raises LimitExceededError for a
        call that is larger than a minute's tokens, and RateLimitedError where too many wait or the deadline passes.
        """
        if provider_key not in self._providers and model_key not in self._models:
            return nullcontext(Hold())
        return self._passage(*self._places(provider_key, model_key), tokens, deadline_s)

    def waiting(self) -> dict[str, int]:
        """How many callers wait, by provider; those with limits that were asked so far."""
        return {key: lanes.waiting for key, lanes in sorted(self._lanes.items())}

    @asynccontextmanager
    async def _passage(self, lanes: Lanes, lane: Lane, tokens: int, deadline_s: float) -> AsyncGenerator[Hold, None]:
        reservation = await self._turn(lanes, lane, tokens, deadline_s)
        hold = Hold()
        try:
            yield hold
        finally:
            reservation.settle(hold.used_tokens, self._clock())
            self._serve(lanes)

    async def _turn(self, lanes: Lanes, lane: Lane, tokens: int, deadline_s: float) -> Reservation:
        ticket = lanes.join(lane, tokens)
        try:
            self._serve(lanes)
            if ticket.reservation is None:
                lanes.check_room(ticket, self._clock())
                await self._wait(ticket, deadline_s)
            if ticket.reservation is None:
                raise lanes.too_late(ticket, self._clock())
        except BaseException:
            # Also where the turn came in the same instant as the cancellation: it goes to the next one then.
            lanes.leave(ticket, self._clock())
            self._serve(lanes)
            raise
        return ticket.reservation

    async def _wait(self, ticket: Ticket, deadline_s: float) -> None:
        turn = self._turns[ticket] = asyncio.get_running_loop().create_future()
        try:
            # Unlike asyncio.timeout this looks at the clock and the turn apart: a turn that came in time is not lost.
            await asyncio.wait([turn], timeout=max(0.0, deadline_s))
        finally:
            del self._turns[ticket]

    def _serve(self, lanes: Lanes) -> None:
        timer = self._timers.pop(lanes, None)
        if timer is not None:
            timer.cancel()
        if not lanes.waiting:
            return
        for ticket in lanes.serve(self._clock()):
            turn = self._turns.get(ticket)  # none where it is served before it had to wait
            if turn is not None:
                turn.set_result(None)
        if lanes.next_s < math.inf:
            wait_s = max(lanes.next_s, SHORTEST_TIMER_S)
            self._timers[lanes] = asyncio.get_running_loop().call_later(wait_s, self._serve, lanes)

    def _places(self, provider_key: str, model_key: str) -> tuple[Lanes, Lane]:
        lanes = self._lanes.get(provider_key)
        if lanes is None:
            lanes = Lanes(Meter(provider_key, self._providers.get(provider_key, NO_LIMITS)))
            self._lanes[provider_key] = lanes
        return lanes, lanes.lane(model_key, self._models.get(model_key, NO_LIMITS))
