"""Counts and logs every generation that goes through it; asks and answers like the generator inside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from structlog.stdlib import BoundLogger

from agent_lab.contracts.errors import AgentLabError, ValidationError
from agent_lab.contracts.generation import GenerationRequest, GenerationResult, OnCut, Piece
from agent_lab.contracts.ports import Generator
from agent_lab.contracts.streams import closing
from agent_lab.telemetry.logging import get_logger
from agent_lab.telemetry.metrics import Metrics


class Measured:
    """A `contracts.ports.Generator` around another one. Figures and names are logged, never a prompt or an answer."""

    def __init__(self, inner: Generator, metrics: Metrics, log: BoundLogger | None = None) -> None:
        self._inner = inner
        self._metrics = metrics
        self._log = log or get_logger("generation")

    async def generate(self, request: GenerationRequest, *, sticky: str | None = None) -> GenerationResult:
        """As the generator inside."""
        with self._failures_counted(request) as call:
            result = await self._inner.generate(request, sticky=sticky)
            self._count(result, call)
        return result

    async def stream(
        self, request: GenerationRequest, *, on_cut: OnCut = "restart", sticky: str | None = None
    ) -> AsyncGenerator[Piece]:
        """As the generator inside; a reader that goes away before the result is counted as `cancelled`."""
        with self._failures_counted(request) as call:
            async with closing(self._inner.stream(request, on_cut=on_cut, sticky=sticky)) as pieces:
                async for piece in pieces:
                    self._count_if_last(piece, call)
                    yield piece

    def worst_case_usd(self, request: GenerationRequest, *, sticky: str | None = None) -> Decimal | None:
        """As the generator inside."""
        return self._inner.worst_case_usd(request, sticky=sticky)

    def _count_if_last(self, piece: Piece, call: _Call) -> None:
        if isinstance(piece, GenerationResult):
            self._count(piece, call)

    def _count(self, result: GenerationResult, call: _Call) -> None:
        call.answered = True
        self._metrics.generation(result)
        usage, timings = result.usage, result.timings
        self._log.info(
            "generation",
            model=result.model_key,
            provider=result.source,
            strategy=result.strategy,
            outcome=result.finish_reason,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cost_usd=None if usage.cost_usd is None else float(usage.cost_usd),
            cache_hit=result.cache_hit,
            attempts=len(result.attempts),
            **{name: None if value is None else round(value, 4) for name, value in timings.model_dump().items()},
        )

    @contextmanager
    def _failures_counted(self, request: GenerationRequest) -> Iterator[_Call]:
        call = _Call()
        try:
            yield call
        except AgentLabError as error:
            self._failed(request, call, error.slug, known=not isinstance(error, ValidationError))
            raise
        except (asyncio.CancelledError, GeneratorExit):
            self._failed(request, call, "cancelled")
            raise
        except Exception:
            self._failed(request, call, "defect")
            raise

    def _failed(self, request: GenerationRequest, call: _Call, outcome: str, *, known: bool = True) -> None:
        if call.answered:  # what goes wrong after the answer is the reader's affair
            return
        # A rejected request may name any model: as a label, each misspelling would be a series for ever.
        model = (request.model_key or "default") if known else "rejected"
        self._metrics.generation_failed(model, "none", outcome)
        self._log.warning("generation failed", model=model, outcome=outcome)


@dataclass(slots=True)
class _Call:
    answered: bool = False
