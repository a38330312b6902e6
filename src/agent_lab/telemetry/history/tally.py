"""Counts the calls of each model since somebody last took the counts away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from agent_lab.contracts.generation import GenerationResult
from agent_lab.telemetry.history.latency import add_packed, bucket_of, pack, packed_again, unpack

MAX_MODELS = 32
"""So many models are told apart at a time; calls of further ones are counted together."""
OTHERS = "others"

Count = Annotated[int, Field(ge=0, le=2**53)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _packed(pairs: object) -> object:
    return packed_again(pairs) if isinstance(pairs, list) else pairs


Packed = Annotated[bytes, BeforeValidator(_packed), PlainSerializer(lambda packed: list(unpack(packed)))]
"""Counts by bucket, packed; in a roll-up a list of pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCounts:
    """What calls of one model came to in a stretch of time."""

    answers: Count = 0
    errors: tuple[tuple[Annotated[str, Field(max_length=100)], Count], ...] = ()
    """By the slug of the error."""
    hits: Count = 0
    misses: Count = 0
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    cost_usd: Amount = 0.0
    unpriced: Count = 0
    """Answers whose price is not known."""
    inference_s: Amount = 0.0
    total: Packed = b""
    """Seconds from the call to the last token, by bucket."""
    first_token: Packed = b""


@dataclass(slots=True)
class Sum:
    """The same while it is being counted."""

    answers: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    hits: int = 0
    misses: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    inference_s: float = 0.0
    total: dict[int, int] = field(default_factory=dict)
    first_token: dict[int, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """Calls without an answer."""
        return sum(self.errors.values())

    def add(self, counts: ModelCounts) -> None:
        """Add what was counted elsewhere or before."""
        self.answers += counts.answers
        for slug, count in counts.errors:
            self.errors[slug] = self.errors.get(slug, 0) + count
        self.hits += counts.hits
        self.misses += counts.misses
        self.prompt_tokens += counts.prompt_tokens
        self.completion_tokens += counts.completion_tokens
        self.cost_usd += counts.cost_usd
        self.unpriced += counts.unpriced
        self.inference_s += counts.inference_s
        add_packed(self.total, counts.total)
        add_packed(self.first_token, counts.first_token)

    def counts(self) -> ModelCounts:
        """What was counted, small and fixed."""
        return ModelCounts(
            answers=self.answers,
            errors=tuple(sorted(self.errors.items())),
            hits=self.hits,
            misses=self.misses,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            cost_usd=round(self.cost_usd, 9),
            unpriced=self.unpriced,
            inference_s=round(self.inference_s, 4),
            total=pack(self.total),
            first_token=pack(self.first_token),
        )


ByModel = tuple[tuple[str, ModelCounts], ...]


def room_for(model: str, sums: dict[str, Sum]) -> Sum:
    """Where calls of that model are counted."""
    found = sums.get(model)
    if found is None:
        name = model if len(sums) < MAX_MODELS else OTHERS
        found = sums.setdefault(name, Sum())
    return found


def fixed(sums: dict[str, Sum]) -> ByModel:
    """What was counted of each model, by name."""
    return tuple((model, one.counts()) for model, one in sorted(sums.items()))


class Tally:
    """What is being counted now. Used by one thread."""

    def __init__(self) -> None:
        self._sums: dict[str, Sum] = {}

    def answered(self, result: GenerationResult) -> None:
        """Count an answer. Stands in the way of every call, so it only adds."""
        timings, usage = result.timings, result.usage
        own = self._sums.get(result.model_key) or room_for(result.model_key, self._sums)
        own.answers += 1
        own.prompt_tokens += usage.prompt_tokens
        own.completion_tokens += usage.completion_tokens
        if usage.cost_usd is None:
            own.unpriced += 1
        else:
            own.cost_usd += float(usage.cost_usd)
        if result.finish_reason != "declined":  # no model was looked for
            own.hits += result.cache_hit
            own.misses += not result.cache_hit
        own.inference_s += timings.inference_s
        bucket = bucket_of(timings.total_s)
        own.total[bucket] = own.total.get(bucket, 0) + 1
        if timings.first_token_s is not None:
            bucket = bucket_of(timings.first_token_s)
            own.first_token[bucket] = own.first_token.get(bucket, 0) + 1

    def failed(self, model: str, outcome: str) -> None:
        """Count a call without an answer; `outcome` is the slug of its error."""
        errors = room_for(model, self._sums).errors
        errors[outcome] = errors.get(outcome, 0) + 1

    def take(self) -> ByModel:
        """What was counted since this was last called."""
        sums, self._sums = self._sums, {}
        return fixed(sums)
