"""Finds everything that speaks against a model for a request, as the machine and the providers stand now; pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.registry import ModelSpec
from agent_lab.gateway.estimate import estimated_tokens
from agent_lab.gateway.pricing import Price, affordable_tokens
from agent_lab.registries.models import ModelRegistry

Obstacle = Literal["provider", "memory", "context", "budget", "health", "latency", "capability", "task"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayDefaults:
    """What the settings say for requests that leave it open."""

    provider: str = "local"
    model: str | None = None
    strategy: str | None = None
    max_tokens: int = 1024
    missing_keys: Mapping[str, str] = field(default_factory=dict)
    away: frozenset[str] = frozenset()
    """Providers that are not called because this machine is to stay offline."""
    """Providers that cannot be called for want of a key, and the variable that would hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """How things stand when a request comes: who can be called, at what price, how fast, in how much memory."""

    defaults: GatewayDefaults
    providers: Collection[str]
    price_of: Callable[[ModelSpec], Price | None] = lambda model: model.cost_profile
    p50_s: Callable[[str], float | None] = lambda key: None
    """The median of a model's last answers, from call to end."""
    left_alone_s: Callable[[str], float] = lambda key: 0.0
    """Seconds for which a model's breaker lets nothing through."""
    memory_gb: Callable[[], float | None] = lambda: None
    """What models of this machine may take of its memory."""
    window_tokens: Callable[[GenerationRequest, ModelSpec], int] = lambda request, model: model.context_window
    """What a model reads, prompt and answer together, as it would be loaded for the request; 0: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """Why a model does not suit a request. A `hard` one rules it out; another only sets it back."""

    what: Obstacle
    reason: str
    hard: bool = True
    told: bool = True
    """False where the answer itself will show it, so that its caller need not be told beside."""


def misfits(request: GenerationRequest, model: ModelSpec, models: ModelRegistry, situation: Situation) -> list[Misfit]:
    """Everything that speaks against this model for this request, the gravest first."""
    checks = (
        _provider_misfit(model, situation),
        _memory_misfit(request, model, situation),
        _context_misfit(request, model, situation),
        _budget_misfit(request, model, situation),
        _health_misfit(model, situation),
        _latency_misfit(request, model, situation),
        _capability_misfit(request, model),
        _task_misfit(request, model, models),
    )
    return [misfit for misfit in checks if misfit is not None]


def _provider_misfit(model: ModelSpec, situation: Situation) -> Misfit | None:
    if model.provider in situation.providers:
        return None
    variable = situation.defaults.missing_keys.get(model.provider)
    if model.provider in situation.defaults.away:
        reason = f"{model.key!r} is asked over the network, which --offline (AGENT_LAB_OFFLINE) forbids; leave that out"
    elif variable is not None:
        reason = f"{model.key!r} needs {variable}; put it into .env"
    else:
        reason = f"{model.key!r} is served by {model.provider!r}, which no [[provider]] row describes; add one"
    reason += ", or use a local model (`agent-lab models list` shows them)."
    return Misfit(what="provider", reason=reason)


def _memory_misfit(request: GenerationRequest, model: ModelSpec, situation: Situation) -> Misfit | None:
    allowed_gb = request.constraints.max_vram_gb
    if allowed_gb is not None and model.min_vram_gb > allowed_gb:
        reason = f"{model.key!r} needs {model.min_vram_gb:g} GB of memory and the request allows {allowed_gb:g} GB."
        return Misfit(what="memory", reason=reason)
    if model.provider != "local" or not model.min_vram_gb:
        return None
    here_gb = situation.memory_gb()
    if here_gb is None or model.min_vram_gb <= here_gb:
        return None
    reason = f"{model.key!r} needs {model.min_vram_gb:g} GB of memory and models may take {here_gb:.1f} GB here now."
    # What is free changes, and other models can be put out of memory: the loader has the last word.
    return Misfit(what="memory", reason=reason, hard=False, told=False)


def _context_misfit(request: GenerationRequest, model: ModelSpec, situation: Situation) -> Misfit | None:
    # A model that reads turns sees only the last of them; its provider counts what it really reads.
    if model.prompt_format == "turns" or not model.context_window:
        return None
    tokens, window = estimated_tokens(request), situation.window_tokens(request, model)
    if tokens < window:
        return None
    reason = f"The prompt has about {tokens} tokens and {model.key!r} reads {window} with the answer"
    if window < model.context_window:
        reason += f" ({model.context_window} with a strategy of more `context`, such as 'long')"
    reason += "."
    return Misfit(what="context", reason=reason)


def _budget_misfit(request: GenerationRequest, model: ModelSpec, situation: Situation) -> Misfit | None:
    budget_usd = request.constraints.cost_budget_usd
    if budget_usd is None:
        return None
    price = situation.price_of(model)
    if price is None or affordable_tokens(price, estimated_tokens(request), budget_usd) != 0:
        return None
    return Misfit(what="budget", reason=f"The request's {budget_usd} USD pay for no answer of {model.key!r}.")


def _health_misfit(model: ModelSpec, situation: Situation) -> Misfit | None:
    wait_s = situation.left_alone_s(model.key)
    if not wait_s:
        return None
    reason = f"{model.key!r} is left alone for {wait_s:.0f} s, after failures or at its provider's word."
    return Misfit(what="health", reason=reason, hard=False, told=False)


def _latency_misfit(request: GenerationRequest, model: ModelSpec, situation: Situation) -> Misfit | None:
    budget_s = request.constraints.latency_budget_s
    p50_s = situation.p50_s(model.key) if budget_s is not None else None
    if budget_s is None or p50_s is None or p50_s <= budget_s:
        return None
    reason = f"Half of the last answers of {model.key!r} took over {p50_s:.3g} s; the request allows {budget_s:g} s."
    return Misfit(what="latency", reason=reason, hard=False)


def _capability_misfit(request: GenerationRequest, model: ModelSpec) -> Misfit | None:
    wanted = [
        name
        for name, is_wanted in (
            ("tool-calling", bool(request.tools)),
            ("vision", any(turn.images for turn in request.context.history)),
        )
        if is_wanted and name not in model.capabilities
    ]
    if not wanted:
        return None
    if model.provider == "local":
        reason = f"{model.key!r} runs on this machine and takes no tools and no pictures; use a hosted model for those."
        return Misfit(what="capability", reason=reason)
    # A row may say too little of its model: the provider has the last word.
    return Misfit(
        what="capability", reason=f"{model.key!r} is not listed for {' and '.join(wanted)}.", hard=False, told=False
    )


def _task_misfit(request: GenerationRequest, model: ModelSpec, models: ModelRegistry) -> Misfit | None:
    if request.task_type is None:
        return None
    needed = models.needed_capability(request.task_type)
    if needed in model.capabilities:
        return None
    # A task type is mostly guessed from the question: it orders the models and never forbids one.
    reason = f"{model.key!r} is not listed for {needed!r}, which the task {request.task_type[:64]!r} asks for."
    return Misfit(what="task", reason=reason, hard=False)
