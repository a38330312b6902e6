"""Answers a request with whichever model suits it, within its deadline, and says what that cost."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from decimal import Decimal

import structlog

from agent_lab.contracts.errors import AgentLabError, LimitExceededError, UnusableError, unknown_name
from agent_lab.contracts.generation import (
    AnswerRestarted,
    GenerationRequest,
    GenerationResult,
    OnCut,
    Piece,
)
from agent_lab.contracts.ports import ModelAnswer, ModelCall, Provider
from agent_lab.contracts.registry import CostProfile, ModelSpec, StrategySpec
from agent_lab.contracts.sentences import said
from agent_lab.gateway.attempt import Breakers, attempt
from agent_lab.gateway.breaker import BreakerRules, BreakerState
from agent_lab.gateway.estimate import estimated_tokens
from agent_lab.gateway.health import Latencies
from agent_lab.gateway.misfits import GatewayDefaults, Situation
from agent_lab.gateway.patience import Patience, patience
from agent_lab.gateway.pricing import Price, TieredPrice, worst_case_usd
from agent_lab.gateway.resolution import Candidate, choose, explain_choice
from agent_lab.gateway.retry import RetryPolicy, may_go_elsewhere
from agent_lab.gateway.sizing import answer_tokens, merged_sampling, window_tokens
from agent_lab.gateway.toll import Toll
from agent_lab.gateway.tour import Tour
from agent_lab.gateway.voice import Voice
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.strategies import StrategyRegistry

log = structlog.get_logger(__name__)
TIMER_SLACK_S = 0.01
"""Timers may ring a little early, and a breaker that is asked too early says no."""


class ProviderGateway:
    """Turns a request into a result, whoever serves it. Fulfils `contracts.ports.Generator`."""

    def __init__(
        self,
        *,
        models: ModelRegistry,
        strategies: StrategyRegistry,
        providers: Mapping[str, Provider],
        defaults: GatewayDefaults | None = None,
        retry: RetryPolicy | None = None,
        breaker: BreakerRules | None = None,
        price_of: Callable[[ModelSpec], Price | None] = lambda model: model.cost_profile,
        toll: Toll | None = None,
        memory_gb: Callable[[], float | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._models = models
        self._strategies = strategies
        self._providers = providers
        self._retry = retry or RetryPolicy()
        self._breakers = Breakers(breaker or BreakerRules(), clock)
        self._latencies = Latencies()
        self._price_of = price_of
        self._toll = toll or Toll()
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._situation = Situation(
            defaults=defaults or GatewayDefaults(),
            providers=providers.keys(),
            price_of=price_of,
            p50_s=self._latencies.p50_s,
            left_alone_s=self._breakers.left_alone_s,
            memory_gb=memory_gb,
            window_tokens=lambda request, model: window_tokens(model, self.select_strategy(request, model)),
        )

    def resolve_model(self, request: GenerationRequest, *, sticky: str | None = None) -> ModelSpec:
        """The model that takes this request. Raises the error that says what could, where it cannot."""
        return choose(request, self._models, self._situation, sticky=sticky).model

    def explain(self, request: GenerationRequest) -> list[Candidate]:
        """Every model with the reason why it is taken or not, the taken one first."""
        return explain_choice(request, self._models, self._situation)

    def select_strategy(self, request: GenerationRequest, model: ModelSpec) -> StrategySpec:
        """The request's strategy, else DEFAULT_STRATEGY, else the model's own. Raises NotFoundError."""
        named = (
            (request.strategy, "/strategy"),
            (self._situation.defaults.strategy, "DEFAULT_STRATEGY"),
            (model.default_strategy, f"the model {model.key!r}"),
        )
        name, where = next((name, where) for name, where in named if name is not None)
        strategy = self._strategies.find(name)
        if strategy is None:
            known = [row.name for row in self._strategies.list_strategies()]
            raise unknown_name("strategy", name, known, where=where)
        return strategy

    async def generate(self, request: GenerationRequest, *, sticky: str | None = None) -> GenerationResult:
        """The whole answer at once."""
        async with aclosing(self._relay(request, streamed=False, on_cut="restart", sticky=sticky)) as pieces:
            async for piece in pieces:
                if isinstance(piece, GenerationResult):
                    return piece
        raise UnusableError(
            said("ended_without_result", "The answer ended without a result; ask again or use another model.")
        )

    def stream(
        self, request: GenerationRequest, *, on_cut: OnCut = "restart", sticky: str | None = None
    ) -> AsyncGenerator[Piece, None]:
        """Pieces of the answer as they are written, and the result last.

        Whoever leaves early closes this stream (`contextlib.aclosing`); the provider's is then closed at once.
        """
        return self._relay(request, streamed=True, on_cut=on_cut, sticky=sticky)

    async def _relay(
        self, request: GenerationRequest, *, streamed: bool, on_cut: OnCut, sticky: str | None
    ) -> AsyncGenerator[Piece, None]:
        """Ask one model after the other, each as often as the policies say, until one has answered."""
        choice = choose(request, self._models, self._situation, sticky=sticky)
        tour = Tour(
            request=request,
            choice=choice,
            model=choice.model,
            waiting=list(choice.fallbacks),
            streamed=streamed,
            on_cut=on_cut,
            clock=self._clock,
            started_s=self._clock(),
        )
        while True:
            pieces = self._ask(tour)
            try:
                async for piece in pieces:
                    yield piece
                return
            except AgentLabError as error:
                wait_s, reason = self._after(error, tour), error.message
            finally:
                await pieces.aclose()
            if tour.is_heard and on_cut == "restart":
                tour.forget()
                yield AnswerRestarted(reason)
            if wait_s:
                await self._sleep(wait_s)

    def _after(self, error: AgentLabError, tour: Tour) -> float:
        """What to do after a try that failed: seconds until the next one, at this model or at the next.

        Raises the error that the caller gets, where there is nothing more to try: that of the model it asked for.
        """
        is_fallback = tour.model is not tour.choice.model
        if not is_fallback:
            tour.first_error = error
        if not _may_go_on(error, tour, is_fallback=is_fallback):
            raise error if tour.left_s <= 0 else tour.first_error or error
        wait_s = self._wait_s(error, tour)
        if wait_s is not None:
            log.info("generation_retried", model=tour.model.key, outcome=error.slug, wait_s=round(wait_s, 3))
            return wait_s
        if not tour.waiting:
            raise tour.first_error or error
        log.info("generation_relayed", model=tour.waiting[0].key, after=tour.model.key, outcome=error.slug)
        tour.model, tour.tries = tour.waiting.pop(0), 0
        return 0.0

    def _wait_s(self, error: AgentLabError, tour: Tour) -> float | None:
        """Seconds until the same model is asked again; None where it is not."""
        elsewhere = bool(tour.waiting)
        if elsewhere and (not tour.asked or tour.is_heard):
            return None
        if not tour.asked and self._breakers.is_probed(tour.model.key):
            tour.tries -= 1  # nothing was tried: what comes of another call's probe is waited for
        wait_s = self._retry.wait_s(tour.tries, error, self._jitter(), left_s=tour.left_s, elsewhere=elsewhere)
        cooling_s = self._breakers.cooling_s(tour.model.key)
        return wait_s if wait_s is None or not cooling_s else max(wait_s, cooling_s + TIMER_SLACK_S)

    async def _ask(self, tour: Tour) -> AsyncGenerator[Piece, None]:
        """One try at one model, joined to what the reader has heard already."""
        tour.begin()
        price = self._price_of(tour.model)
        call, notes, times = self._call(tour, price)
        voice = Voice(call, tour)
        async with (
            tour.trying(call),
            self._toll.paid(call, price, tour) as passage,
            attempt(call, times, tour, self._providers, self._breakers) as pieces,
        ):
            while True:
                piece = await pieces.next()
                for heard in voice.hear(piece):
                    yield heard
                if isinstance(piece, ModelAnswer):
                    break
            usd = passage.settle(piece)
        self._latencies.add(call.model.key, pieces.waited_s)
        yield tour.result(call, piece, notes, usd)

    def _call(self, tour: Tour, price: Price | None) -> tuple[ModelCall, tuple[str, ...], Patience]:
        request, model = tour.request, tour.model
        strategy = self.select_strategy(request, model)
        budget_usd = request.constraints.cost_budget_usd
        left_usd = None if budget_usd is None else max(Decimal(0), budget_usd - tour.lost_usd)
        max_tokens, notes = answer_tokens(request, model, strategy, self._situation.defaults, price, left_usd)
        budget_s = request.constraints.latency_budget_s
        if not tour.timeout_s:
            longest_s = strategy.limits.timeout_s
            tour.timeout_s = longest_s if budget_s is None else min(budget_s, longest_s)
        times = patience(model, elsewhere=bool(tour.waiting), streamed=tour.streamed, max_tokens=max_tokens)
        call = ModelCall(
            request=request,
            model=model,
            strategy=strategy,
            sampling=merged_sampling(request, strategy),
            max_tokens=max_tokens,
            timeout_s=tour.left_s,
            header_s=times.header_s,
            idle_s=times.idle_s,
            streamed=tour.streamed,
            prefix="".join(tour.said) if model.continues else "",
        )
        if request.constraints.cost_budget_usd is not None and price is None:
            notes += (f"The price of {model.key!r} is not known, so the cost budget was not checked.",)
        return call, notes, times

    def worst_case_usd(self, request: GenerationRequest, *, sticky: str | None = None) -> Decimal | None:
        """The most that the request may cost at the models that may take it; None where no price is known."""
        choice = choose(request, self._models, self._situation, sticky=sticky)
        costs = [self._worst_case_usd(request, model) for model in (choice.model, *choice.fallbacks)]
        return max((usd for usd in costs if usd is not None), default=None)

    def _worst_case_usd(self, request: GenerationRequest, model: ModelSpec) -> Decimal | None:
        price, budget_usd = self._price_of(model), request.constraints.cost_budget_usd
        strategy = self.select_strategy(request, model)
        max_tokens, _ = answer_tokens(request, model, strategy, self._situation.defaults, price, budget_usd)
        return worst_case_usd(price, estimated_tokens(request), max_tokens)

    def price_of(self, model: ModelSpec) -> CostProfile | None:
        """What a short call of it costs now, by its row or by the list of prices; None where neither knows."""
        price = self._price_of(model)
        return price.base if isinstance(price, TieredPrice) else price

    def answer_tokens(self, request: GenerationRequest) -> int:
        """How many tokens the answer may have, at the model that takes the request."""
        model = choose(request, self._models, self._situation).model
        strategy = self.select_strategy(request, model)
        return answer_tokens(request, model, strategy, self._situation.defaults, None, None)[0]

    def pace_s(self, model_key: str) -> float | None:
        """How long an answer of that model usually takes; None until a few have come."""
        return self._latencies.p50_s(model_key)

    def breakers(self) -> dict[str, BreakerState]:
        """The state of the breaker of each model that was asked so far."""
        return self._breakers.states()

    def waiting(self) -> dict[str, int]:
        """How many callers wait for their turn, by provider; those with limits that were asked so far."""
        return self._toll.waiting()

    async def close(self) -> None:
        """Close every provider, and write down what was spent."""
        try:
            await self._toll.close()
        finally:
            for provider in self._providers.values():
                await provider.close()


def _may_go_on(error: AgentLabError, tour: Tour, *, is_fallback: bool) -> bool:
    if tour.left_s <= 0:
        return False
    # A limit that kept the call from being made is one of this model's row, or of a budget that others do not touch.
    is_of_the_row = isinstance(error, LimitExceededError) and not tour.asked
    if not is_of_the_row and not may_go_elsewhere(error, is_fallback=is_fallback):
        return False
    # Calls of tools cannot be joined to others: half of one may have been heard.
    return not (tour.tools_begun and tour.on_cut == "continue")
