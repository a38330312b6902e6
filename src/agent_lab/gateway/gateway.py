"""Answers a request with whichever model suits it, within its deadline, and says what that cost."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import structlog

from agent_lab.contracts.errors import BusyError, LimitExceededError, ProviderError, UnusableError, unknown_name
from agent_lab.contracts.generation import Attempt, GenerationRequest, GenerationResult, TextDelta, Timings, Usage
from agent_lab.contracts.ports import ModelAnswer, ModelCall, Provider
from agent_lab.contracts.registry import ModelSpec, StrategySpec
from agent_lab.gateway.breaker import BreakerRules, BreakerState, CircuitBreaker
from agent_lab.gateway.pricing import cost_usd
from agent_lab.gateway.resolution import (
    Candidate,
    Choice,
    GatewayDefaults,
    answer_tokens,
    choose,
    explain_choice,
    merged_sampling,
)
from agent_lab.gateway.retry import RetryPolicy
from agent_lab.gateway.text import CleanStream, clean
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.strategies import StrategyRegistry

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Stopwatch:
    """What the gateway measures itself, in seconds of its own clock."""

    clock: Callable[[], float]
    started: float
    first_token_s: float | None = None

    @property
    def elapsed_s(self) -> float:
        return max(0.0, self.clock() - self.started)

    def note_text(self) -> None:
        if self.first_token_s is None:
            self.first_token_s = self.elapsed_s


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
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._models = models
        self._strategies = strategies
        self._providers = providers
        self._defaults = defaults or GatewayDefaults()
        self._retry = retry or RetryPolicy()
        self._rules = breaker or BreakerRules()
        self._breakers: dict[str, CircuitBreaker] = {}
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    def resolve_model(self, request: GenerationRequest) -> ModelSpec:
        """The model that takes this request. Raises the error that says what could, where it cannot."""
        return self._choose(request).model

    def explain(self, request: GenerationRequest) -> list[Candidate]:
        """Every model with the reason why it is taken or not, the taken one first."""
        return explain_choice(request, self._models, self._providers.keys(), self._defaults)

    def select_strategy(self, request: GenerationRequest, model: ModelSpec) -> StrategySpec:
        """The request's strategy, else DEFAULT_STRATEGY, else the model's own. Raises NotFoundError."""
        named = (
            (request.strategy, "/strategy"),
            (self._defaults.strategy, "DEFAULT_STRATEGY"),
            (model.default_strategy, f"the model {model.key!r}"),
        )
        name, where = next((name, where) for name, where in named if name is not None)
        known = [strategy.name for strategy in self._strategies.list_strategies()]
        if name not in known:
            raise unknown_name("strategy", name, known, where=where)
        return self._strategies.get_strategy(name)

    async def generate(self, request: GenerationRequest) -> GenerationResult:
        """The whole answer at once."""
        async with aclosing(self.stream(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, GenerationResult):
                    return piece
        raise UnusableError("The answer ended without a result; ask again or use another model.")

    async def stream(self, request: GenerationRequest) -> AsyncGenerator[TextDelta | GenerationResult, None]:
        """Pieces of text as they are written, and the result last.

        Whoever leaves early closes this stream (`contextlib.aclosing`); the provider's is then closed at once.
        """
        watch = _Stopwatch(clock=self._clock, started=self._clock())
        call, notes = self._prepare(request)
        tries: list[Attempt] = []
        while True:
            began_s = watch.elapsed_s
            pieces = self._attempt(call, watch)
            try:
                async for piece in pieces:
                    yield (
                        _result(call, piece, notes, watch, tries, began_s) if isinstance(piece, ModelAnswer) else piece
                    )
                return
            except ProviderError as error:
                tries.append(_attempt_of(call, error.slug, watch.elapsed_s - began_s))
                wait_s = self._wait_s(len(tries), error, call, watch)
                if wait_s is None:
                    raise
                log.info("generation_retried", model=call.model.key, outcome=error.slug, wait_s=round(wait_s, 3))
            finally:
                await pieces.aclose()
            await self._sleep(wait_s)

    async def _attempt(self, call: ModelCall, watch: _Stopwatch) -> AsyncGenerator[TextDelta | ModelAnswer, None]:
        """One try at the provider: clean pieces within the deadline, as the model's breaker allows and hears of it."""
        cleaner = CleanStream()
        stream = self._providers[call.model.provider].stream(call)
        async with self._settling(call.model) as answered, _opened(stream) as pieces:
            while True:
                piece = await self._next(pieces, call, watch)
                text = cleaner.flush() if isinstance(piece, ModelAnswer) else cleaner.feed(piece.text)
                if text:
                    watch.note_text()
                    yield TextDelta(text=text)
                if isinstance(piece, ModelAnswer):
                    answered()
                    yield piece
                    return

    @asynccontextmanager
    async def _settling(self, model: ModelSpec) -> AsyncGenerator[Callable[[], None], None]:
        """Asks the model's breaker before the call and tells it after; call what this yields once it is answered.

        Raises BusyError where the breaker lets nothing through.
        """
        # By model and not by provider: a sick model must not shut out its healthy neighbour.
        breaker = self._breakers.setdefault(model.key, CircuitBreaker(self._rules, model.key))
        probe = breaker.admit(self._clock())

        def answered() -> None:
            if breaker.succeeded(probe=probe):
                log.info("breaker_closed", model=model.key)

        try:
            yield answered
        except ProviderError as error:
            if breaker.failed(error, self._clock(), probe=probe):
                log.warning("breaker_opened", model=model.key, reason=error.message)
            raise
        except BaseException:  # the caller went away, or its own request was refused: nothing is learned of the model
            breaker.abandoned(probe=probe)
            raise

    def _wait_s(self, tried: int, error: ProviderError, call: ModelCall, watch: _Stopwatch) -> float | None:
        if watch.first_token_s is not None:  # the reader has heard a part; a second start would repeat it
            return None
        return self._retry.wait_s(tried, error, self._jitter(), left_s=call.timeout_s - watch.elapsed_s)

    def breakers(self) -> dict[str, BreakerState]:
        """The state of the breaker of each model that was asked so far."""
        now = self._clock()
        return {key: breaker.state(now) for key, breaker in sorted(self._breakers.items())}

    async def close(self) -> None:
        """Close every provider."""
        for provider in self._providers.values():
            await provider.close()

    def _choose(self, request: GenerationRequest) -> Choice:
        return choose(request, self._models, self._providers.keys(), self._defaults)

    def _prepare(self, request: GenerationRequest) -> tuple[ModelCall, tuple[str, ...]]:
        choice = self._choose(request)
        strategy = self.select_strategy(request, choice.model)
        max_tokens, token_notes = answer_tokens(request, choice.model, strategy, self._defaults)
        budget_s = request.constraints.latency_budget_s
        call = ModelCall(
            request=request,
            model=choice.model,
            strategy=strategy,
            sampling=merged_sampling(request, strategy),
            max_tokens=max_tokens,
            timeout_s=strategy.limits.timeout_s if budget_s is None else min(budget_s, strategy.limits.timeout_s),
        )
        notes = choice.notes + token_notes
        if request.constraints.cost_budget_usd is not None and choice.model.cost_profile is None:
            notes += (f"The price of {choice.model.key!r} is not known, so the cost budget was not checked.",)
        return call, notes

    async def _next(
        self, pieces: AsyncIterator[TextDelta | ModelAnswer], call: ModelCall, watch: _Stopwatch
    ) -> TextDelta | ModelAnswer:
        # The deadline surrounds each step and not the whole generator: a timeout that is open across a yield would
        # be raised in whatever the consumer happens to await.
        deadline = asyncio.timeout(max(0.0, call.timeout_s - watch.elapsed_s))
        try:
            async with deadline:
                return await anext(pieces)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise _too_late(call) from error
        except StopAsyncIteration:
            raise UnusableError(
                f"The provider {call.model.provider!r} broke off its answer; ask again or use another model."
            ) from None


@asynccontextmanager
async def _opened(
    stream: AsyncIterator[TextDelta | ModelAnswer],
) -> AsyncGenerator[AsyncIterator[TextDelta | ModelAnswer], None]:
    """The stream, closed when it is left, if it is of the kind that can be."""
    try:
        yield stream
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()


def _too_late(call: ModelCall) -> BusyError | LimitExceededError:
    budget_s = call.request.constraints.latency_budget_s
    if budget_s is not None and budget_s <= call.timeout_s:
        return LimitExceededError(
            f"{call.model.key!r} did not end its answer within the request's {budget_s:g} s; allow more time or fewer "
            "tokens.",
            where="/constraints/latency_budget_s",
        )
    return BusyError(
        f"{call.model.key!r} did not end its answer within the {call.timeout_s:g} s of the strategy "
        f"{call.strategy.name!r}; try again, ask for fewer tokens or use a strategy with a longer timeout."
    )


def _attempt_of(call: ModelCall, outcome: str, seconds: float) -> Attempt:
    return Attempt(provider=call.model.provider, model=call.model.model_id, outcome=outcome, seconds=seconds)


def _result(
    call: ModelCall,
    answer: ModelAnswer,
    notes: tuple[str, ...],
    watch: _Stopwatch,
    tries: Sequence[Attempt],
    began_s: float,
) -> GenerationResult:
    total_s = watch.elapsed_s
    last = _attempt_of(call, "ok", total_s - began_s)
    return GenerationResult(
        text=clean(answer.text),
        tokens_generated=answer.completion_tokens,
        timings=Timings(
            load_s=answer.load_s,
            queue_s=answer.queue_s,
            first_token_s=answer.first_token_s if answer.first_token_s is not None else watch.first_token_s,
            inference_s=answer.inference_s,
            total_s=total_s,
        ),
        usage=Usage(
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            cached_tokens=answer.cached_tokens,
            cost_usd=cost_usd(call.model.cost_profile, answer),
        ),
        source=call.model.provider,
        cache_hit=answer.cache_hit,
        model_key=call.model.key,
        model_resolved=call.model.model_id,
        strategy=answer.strategy or call.strategy.name,
        finish_reason=answer.finish_reason,
        attempts=(*tries, last),
        notes=notes + answer.notes,
    )
