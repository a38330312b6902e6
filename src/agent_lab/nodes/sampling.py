"""Asks the same question several times, and no more often than the vote on the answers needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Literal, Self

from pydantic import Field, model_validator

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.generation import GenerationResult
from agent_lab.contracts.sentences import said
from agent_lab.nodes.branches import side_by_side
from agent_lab.nodes.settings import NodeSettings
from agent_lab.nodes.voting.choices import Choices, Normalize, normalized
from agent_lab.nodes.voting.stopping import cannot_be_overtaken, worth_another

MAX_SAMPLES = 64
Ask = Callable[[int], Awaitable[GenerationResult]]


class StopEarly(NodeSettings):
    """When to ask no further: `leader`, once no other answer can win any more; `worth`, also once one more answer is
    expected to bring less than it costs. `value_usd`: what a better answer is worth."""

    normalize: Normalize = "text"
    choices: Choices = ()
    rule: Literal["leader", "worth"] = "leader"
    value_usd: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _has_a_value(self) -> Self:
        if (self.rule == "worth") != (self.value_usd is not None):
            raise ValueError(said("worth_needs_usd", "the rule 'worth' needs value_usd, and no other rule takes it"))
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The answers that came, what became of the others, and how many were asked for."""

    results: tuple[GenerationResult, ...]
    asked: int
    failed: tuple[str, ...]
    """A sentence for each call that failed while others answered."""


async def sampled(ask: Ask, samples: int, stop: StopEarly | None, *, width: int) -> Samples:
    """All answers at once; where the vote may be over before, in waves of `width`.

    A call that fails costs its sample alone, unless all do: then the first error is raised.
    """
    heard: list[GenerationResult | AgentLabError] = []
    while len(heard) < samples:
        answers = [one for one in heard if isinstance(one, GenerationResult)]
        if stop is not None and _enough(answers, samples - len(heard), stop):
            break
        wave = range(len(heard), samples if stop is None else min(samples, len(heard) + width))
        heard += await side_by_side([partial(ask, sample) for sample in wave], on_error="skip")
    results = tuple(one for one in heard if isinstance(one, GenerationResult))
    errors = [one for one in heard if isinstance(one, AgentLabError)]
    if not results:
        raise errors[0]
    return Samples(results=results, asked=len(heard), failed=tuple(error.message for error in errors))


def _enough(answers: list[GenerationResult], left: int, stop: StopEarly) -> bool:
    choices = (normalized(answer.text, stop.normalize, stop.choices) for answer in answers)
    tally = Counter(choice for choice in choices if choice is not None)
    if cannot_be_overtaken(tally, left):
        return True
    price = _price(answers)
    if stop.value_usd is None or price is None:
        return False
    return not worth_another(tally, left, value_usd=stop.value_usd, price_usd=float(price))


def _price(answers: list[GenerationResult]) -> Decimal | None:
    """What one answer has cost so far; None where that is not known."""
    costs = [answer.usage.cost_usd for answer in answers]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) / len(known) if known and len(known) == len(costs) else None
