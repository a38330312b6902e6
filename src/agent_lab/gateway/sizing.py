"""Says how a call samples and how long its answer may be; pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from agent_lab.contracts.errors import LimitExceededError
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.registry import ModelSpec, Sampling, StrategySpec
from agent_lab.contracts.sentences import said
from agent_lab.gateway.estimate import estimated_tokens
from agent_lab.gateway.misfits import GatewayDefaults
from agent_lab.gateway.pricing import Price, affordable_tokens


def merged_sampling(request: GenerationRequest, strategy: StrategySpec) -> Sampling:
    """The request's word over the strategy's."""
    own = strategy.sampling
    if request.temperature is None and request.top_p is None:
        return own
    return Sampling(
        temperature=own.temperature if request.temperature is None else request.temperature,
        top_p=own.top_p if request.top_p is None else request.top_p,
        top_k=own.top_k,
    )


def answer_tokens(
    request: GenerationRequest,
    model: ModelSpec,
    strategy: StrategySpec,
    defaults: GatewayDefaults,
    price: Price | None,
    budget_usd: Decimal | None,
) -> tuple[int, tuple[str, ...]]:
    """How many tokens the answer may have, at least 1, and notes where that is less than the request asked for.

    `budget_usd`: what is left of the request's own. Raises LimitExceededError where that pays for no answer.
    """
    bounds: Sequence[tuple[int | None, str]] = (
        (strategy.limits.max_tokens, f"the strategy {strategy.name!r}"),
        (request.constraints.max_tokens, "the request's own constraint"),
        (_room(request, model, strategy), f"the context window of {model.key!r}"),
        (_affordable(request, price, budget_usd), "the request's cost budget"),
    )
    tokens = defaults.max_tokens if request.max_tokens is None else request.max_tokens
    by = None
    for bound, name in bounds:
        if bound is not None and bound < tokens:
            tokens, by = max(bound, 1), name
    if by is None or request.max_tokens is None:
        return tokens, ()
    return tokens, (f"The answer may have {tokens} tokens, not {request.max_tokens}, because of {by}.",)


def window_tokens(model: ModelSpec, strategy: StrategySpec) -> int:
    """What a model reads, prompt and answer together, under a strategy; 0 where that is not known."""
    context = strategy.loading.context
    # A hosted model has its memory elsewhere.
    if model.provider != "local" or not context:
        return model.context_window
    return min(model.context_window, context)


def _room(request: GenerationRequest, model: ModelSpec, strategy: StrategySpec) -> int | None:
    window = window_tokens(model, strategy)
    if not window:
        return None
    if model.prompt_format == "turns":
        return window
    return window - estimated_tokens(request)


def _affordable(request: GenerationRequest, price: Price | None, budget_usd: Decimal | None) -> int | None:
    if budget_usd is None or price is None:
        return None
    tokens = affordable_tokens(price, estimated_tokens(request), budget_usd)
    if tokens == 0:
        raise LimitExceededError(
            said(
                "budget_left",
                "What is left of the request's budget ({usd} USD) pays for no answer; allow more.",
                usd=f"{budget_usd:f}",
            ),
            where="/constraints/cost_budget_usd",
        )
    return tokens
