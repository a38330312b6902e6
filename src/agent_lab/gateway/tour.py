"""What has become of one request so far: whom it went to, what was heard, and what the answer is in the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.generation import (
    Attempt,
    GenerationRequest,
    GenerationResult,
    OnCut,
    TextDelta,
    Timings,
    ToolCall,
    ToolDelta,
    Usage,
)
from agent_lab.contracts.ports import ModelAnswer, ModelCall
from agent_lab.contracts.registry import ModelSpec
from agent_lab.gateway.resolution import Choice
from agent_lab.gateway.text import clean


@dataclass(slots=True, kw_only=True)
class Tour:
    """One request on its way from model to model. Seconds of the gateway's own clock."""

    request: GenerationRequest
    choice: Choice
    model: ModelSpec
    """Whom it is with now."""
    waiting: list[ModelSpec]
    """Whom it may still go to."""
    streamed: bool
    on_cut: OnCut
    clock: Callable[[], float]
    started_s: float
    timeout_s: float = 0.0
    """The request's deadline, counted from its start; retries and fallbacks are within it."""
    attempts: list[Attempt] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """What the reader has heard and still believes."""
    tools_begun: bool = False
    asked: bool = False
    """Whether the last attempt reached a provider, or was held back by a breaker or a limit before."""
    queued_s: float = 0.0
    first_token_s: float | None = None
    began_s: float = 0.0
    tries: int = 0
    """At this model."""
    first_error: AgentLabError | None = None
    """The last that the model asked for has failed with."""
    has_spoken: bool = False
    """Whether the attempt that goes on has said anything."""
    lost_usd: Decimal = Decimal(0)
    """What attempts that broke off are booked with."""

    @property
    def elapsed_s(self) -> float:
        """Seconds since the request came."""
        return max(0.0, self.clock() - self.started_s)

    @property
    def left_s(self) -> float:
        """Seconds until its deadline."""
        return max(0.0, self.timeout_s - self.elapsed_s)

    @property
    def is_heard(self) -> bool:
        """True once the reader has had a piece that only a restart or the very same words can follow."""
        return bool(self.said) or self.tools_begun

    def begin(self) -> None:
        """An attempt begins."""
        self.tries += 1
        self.began_s, self.asked, self.has_spoken = self.elapsed_s, False, False

    def hear(self, piece: TextDelta | ToolDelta) -> None:
        """A piece goes out to the reader."""
        self.has_spoken = True
        if self.first_token_s is None:
            self.first_token_s = self.elapsed_s
        if isinstance(piece, TextDelta):
            self.said.append(piece.text)
        else:
            self.tools_begun = True

    def forget(self) -> None:
        """The reader has been told that what it heard is void."""
        self.said.clear()
        self.tools_begun = False

    @asynccontextmanager
    async def trying(self, call: ModelCall) -> AsyncGenerator[None, None]:
        """Notes an attempt that does not come to an answer."""
        try:
            yield
        except AgentLabError as error:
            self.attempts.append(self._attempt(call, error.slug if self.asked else "held-back"))
            raise

    def result(
        self, call: ModelCall, answer: ModelAnswer, notes: tuple[str, ...], cost_usd: Decimal | None
    ) -> GenerationResult:
        """The answer as the caller gets it."""
        total_s = self.elapsed_s
        first_s = answer.first_token_s if answer.first_token_s is not None else self.first_token_s
        return GenerationResult(
            text=call.prefix + clean(answer.text),
            tokens_generated=answer.completion_tokens,
            timings=Timings(
                load_s=answer.load_s,
                queue_s=answer.queue_s + self.queued_s,
                first_token_s=first_s,
                inference_s=answer.inference_s,
                total_s=total_s,
            ),
            usage=Usage(
                prompt_tokens=answer.prompt_tokens,
                completion_tokens=answer.completion_tokens,
                cached_tokens=answer.cached_tokens,
                cost_usd=cost_usd,
                lost_usd=self.lost_usd,
            ),
            source=call.model.provider,
            cache_hit=answer.cache_hit,
            model_key=call.model.key,
            model_resolved=call.model.model_id,
            asked_key=self.choice.asked_key,
            strategy=answer.strategy or call.strategy.name,
            finish_reason=answer.finish_reason,
            tool_calls=tuple(map(_cleaned, answer.tool_calls)),
            attempts=(*self.attempts, self._attempt(call, "ok")),
            notes=self.choice.notes + notes + answer.notes + self._cut(call, answer),
        )

    def _cut(self, call: ModelCall, answer: ModelAnswer) -> tuple[str, ...]:
        if answer.finish_reason != "length" or self.request.max_tokens is not None:
            return ()
        return (f"The answer was cut at {call.max_tokens} tokens; ask for more with max_tokens.",)

    def _attempt(self, call: ModelCall, outcome: str) -> Attempt:
        return Attempt(
            provider=call.model.provider,
            model=call.model.model_id,
            model_key=call.model.key,
            outcome=outcome,
            seconds=max(0.0, self.elapsed_s - self.began_s),
        )


def _cleaned(call: ToolCall) -> ToolCall:
    return ToolCall(id=clean(call.id), name=clean(call.name), arguments=clean(call.arguments))
