"""One try at one model: as its breaker allows and hears of, each piece within its time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import structlog

from agent_lab.contracts.errors import (
    AgentLabError,
    BrokenOffError,
    BusyError,
    LimitExceededError,
    ProviderError,
    SilentError,
)
from agent_lab.contracts.ports import ModelCall, Provider, ProviderPiece
from agent_lab.contracts.registry import ModelSpec
from agent_lab.contracts.sentences import said
from agent_lab.contracts.streams import closing
from agent_lab.gateway.breaker import BreakerRules, BreakerState, CircuitBreaker
from agent_lab.gateway.patience import Patience
from agent_lab.gateway.splice import OtherWordsError
from agent_lab.gateway.tour import Tour
from agent_lab.gateway.watchdog import OverdueError, Watchdog

log = structlog.get_logger(__name__)
FAIR_SHARE = 0.5
"""Of the request's time: a model that had less of it and did not end is not to blame."""


class Breakers:
    """One breaker for each model that was asked so far.

    By model and not by provider: a sick model must not shut out its healthy neighbour.
    """

    def __init__(self, rules: BreakerRules, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._clock = clock
        self._rows: dict[str, CircuitBreaker] = {}

    def states(self) -> dict[str, BreakerState]:
        """Each one's state."""
        now = self._clock()
        return {key: breaker.state(now) for key, breaker in sorted(self._rows.items())}

    def left_alone_s(self, key: str) -> float:
        """Seconds for which the model's breaker lets nothing through."""
        breaker = self._rows.get(key)
        return breaker.left_alone_s(self._clock()) if breaker else 0.0

    def is_probed(self, key: str) -> bool:
        """Whether a call is on its way that decides over the model."""
        breaker = self._rows.get(key)
        return breaker is not None and breaker.probing

    def cooling_s(self, key: str) -> float:
        """Seconds that the model's provider asked to be left alone."""
        breaker = self._rows.get(key)
        return breaker.cooling_s(self._clock()) if breaker else 0.0

    @asynccontextmanager
    async def settling(self, model: ModelSpec) -> AsyncGenerator[None, None]:
        """Asks the model's breaker before the call and tells it after how the call ended.

        Raises BusyError where the breaker lets nothing through.
        """
        breaker = self._rows.get(model.key)
        if breaker is None:
            breaker = self._rows[model.key] = CircuitBreaker(self._rules, model.key)
        probe, before = breaker.admit(self._clock()), breaker.counted

        try:
            yield
        except (OtherWordsError, CutShortError):
            breaker.abandoned(probe=probe)
            raise
        except ProviderError as error:
            if breaker.has_counted(error, before):
                breaker.abandoned(probe=probe)
            elif breaker.failed(error, self._clock(), probe=probe):
                log.warning("breaker_opened", model=model.key, reason=error.message)
            raise
        except BaseException:  # the caller went away, or its own request was refused: nothing is learned of the model
            breaker.abandoned(probe=probe)
            raise
        if breaker.succeeded(probe=probe):
            log.info("breaker_closed", model=model.key)


class CutShortError(BusyError):
    """The request's time was over before the model had its share of it: that says nothing of the model."""


class Pieces:
    """The pieces of one model's answer as they come, each within its time."""

    def __init__(self, stream: AsyncIterator[ProviderPiece], call: ModelCall, patience: Patience, tour: Tour) -> None:
        self._stream = stream
        self._watchdog = Watchdog()
        self._call = call
        self._tour = tour
        self._idle_s = patience.idle_s
        self._bound_s = patience.first_token_s
        self.waited_s = 0.0
        """Seconds that the model was waited for; those in which the reader took its time do not count."""

    async def next(self) -> ProviderPiece:
        """The next piece. Raises SilentError, BrokenOffError, and the error of the request's own deadline."""
        # The bound is on each step and not on the whole stream: a timeout that is open across a yield would be raised
        # in whatever the consumer happens to await.
        left_s, bound_s = self._tour.left_s, self._bound_s
        began_s = self._tour.elapsed_s
        try:
            piece = await self._watchdog.wait(anext(self._stream), left_s if bound_s is None else min(left_s, bound_s))
        except OverdueError as error:
            if bound_s is None or left_s <= bound_s:
                had_its_share = self.waited_s + left_s >= self._tour.timeout_s * FAIR_SHARE
                raise _too_late(self._call, self._tour, BusyError if had_its_share else CutShortError) from error
            raise _silent(self._call, self._tour, bound_s) from error
        except StopAsyncIteration:
            raise BrokenOffError(
                said(
                    "broke_off",
                    "The provider {provider!r} broke off its answer; ask again or use another model.",
                    provider=self._call.model.provider,
                )
            ) from None
        self._bound_s = self._idle_s
        self.waited_s += self._tour.elapsed_s - began_s
        return piece

    def close(self) -> None:
        """No more is waited for."""
        self._watchdog.close()


@asynccontextmanager
async def attempt(
    call: ModelCall, patience: Patience, tour: Tour, providers: Mapping[str, Provider], breakers: Breakers
) -> AsyncGenerator[Pieces, None]:
    """One model's answer, open. Leaving it without an error says that the model has answered."""
    async with breakers.settling(call.model):
        tour.asked = True
        async with closing(providers[call.model.provider].stream(call)) as stream:
            pieces = Pieces(stream, call, patience, tour)
            try:
                yield pieces
            finally:
                pieces.close()


def _silent(call: ModelCall, tour: Tour, bound_s: float) -> SilentError:
    way = said(
        "allow_more_time", "try again later, use another model, or allow more time in its row ([model.timeouts])."
    )
    if tour.is_heard:
        form = "{model!r} stopped in the middle of its answer for {seconds:g} s; {way}"
        return SilentError(said("stopped_within", form, model=call.model.key, seconds=bound_s, way=way))
    form = "{model!r} did not begin its answer for {seconds:g} s; {way}"
    return SilentError(said("not_begun", form, model=call.model.key, seconds=bound_s, way=way))


def _too_late(call: ModelCall, tour: Tour, kind: type[BusyError]) -> AgentLabError:
    budget_s = tour.request.constraints.latency_budget_s
    if budget_s is not None and budget_s <= tour.timeout_s:
        return LimitExceededError(
            said(
                "late_for_request",
                "{model!r} did not end its answer within the request's {seconds:g} s; allow more time or fewer tokens.",
                model=call.model.key,
                seconds=budget_s,
            ),
            where="/constraints/latency_budget_s",
        )
    return kind(
        said(
            "late_for_strategy",
            "{model!r} did not end its answer within the {seconds:g} s of the strategy {strategy!r}; try "
            "again, ask for fewer tokens or use a strategy with a longer timeout.",
            model=call.model.key,
            seconds=tour.timeout_s,
            strategy=call.strategy.name,
        )
    )
