"""Decides which model takes a request, how it samples and how long it may answer; pure, and able to say why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agent_lab.contracts.errors import (
    AgentLabError,
    CapacityError,
    LimitExceededError,
    TooLargeError,
    UnusableError,
    ValidationError,
    unknown_name,
)
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.registry import ModelSpec, Sampling, StrategySpec
from agent_lab.gateway.pricing import affordable_tokens
from agent_lab.gateway.text import estimated_tokens
from agent_lab.registries.models import ModelRegistry

Obstacle = Literal["provider", "memory", "context", "budget", "task"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayDefaults:
    """What the settings say for requests that leave it open."""

    provider: str = "local"
    model: str | None = None
    strategy: str | None = None
    max_tokens: int = 1024
    missing_keys: Mapping[str, str] = field(default_factory=dict)
    """Providers that cannot be called for want of a key, and the variable that would hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """Why a model does not suit a request. A `hard` one rules it out; another only sets it back."""

    what: Obstacle
    reason: str
    hard: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model as the choice saw it: taken or not, and the reason in one sentence."""

    key: str
    taken: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The model that takes the request, why, and what the caller should know about it."""

    model: ModelSpec
    reason: str
    notes: tuple[str, ...] = ()


def misfits(
    request: GenerationRequest,
    model: ModelSpec,
    models: ModelRegistry,
    providers: Collection[str],
    defaults: GatewayDefaults,
) -> list[Misfit]:
    """Everything that speaks against this model for this request, the gravest first."""
    checks = (
        _provider_misfit(model, providers, defaults.missing_keys),
        _memory_misfit(request, model),
        _context_misfit(request, model),
        _budget_misfit(request, model),
        _task_misfit(request, model, models),
    )
    return [misfit for misfit in checks if misfit is not None]


def _provider_misfit(model: ModelSpec, providers: Collection[str], missing_keys: Mapping[str, str]) -> Misfit | None:
    if model.provider in providers:
        return None
    variable = missing_keys.get(model.provider)
    if variable is not None:
        reason = f"{model.key!r} needs {variable}; put it into .env"
    else:
        reason = f"{model.key!r} is served by {model.provider!r}, which no [[provider]] row describes; add one"
    reason += ", or use a local model (`agent-lab models list` shows them)."
    return Misfit(what="provider", reason=reason)


def _memory_misfit(request: GenerationRequest, model: ModelSpec) -> Misfit | None:
    allowed_gb = request.constraints.max_vram_gb
    if allowed_gb is None or model.min_vram_gb <= allowed_gb:
        return None
    reason = f"{model.key!r} needs {model.min_vram_gb:g} GB of memory and the request allows {allowed_gb:g} GB."
    return Misfit(what="memory", reason=reason)


def _context_misfit(request: GenerationRequest, model: ModelSpec) -> Misfit | None:
    tokens = estimated_tokens(request)
    if model.prompt_format == "turns" or tokens < model.context_window:
        # A model that reads turns sees only the last of them; its provider counts what it really reads.
        return None
    reason = f"The prompt has about {tokens} tokens and {model.key!r} reads {model.context_window} with the answer."
    return Misfit(what="context", reason=reason)


def _budget_misfit(request: GenerationRequest, model: ModelSpec) -> Misfit | None:
    budget_usd = request.constraints.cost_budget_usd
    if budget_usd is None or model.cost_profile is None:
        return None
    if affordable_tokens(model.cost_profile, estimated_tokens(request), budget_usd) != 0:
        return None
    return Misfit(what="budget", reason=f"The request's {budget_usd} USD pay for no answer of {model.key!r}.")


def _task_misfit(request: GenerationRequest, model: ModelSpec, models: ModelRegistry) -> Misfit | None:
    if request.task_type is None:
        return None
    needed = models.needed_capability(request.task_type)
    if needed in model.capabilities:
        return None
    # A task type is mostly guessed from the question: it orders the models and never forbids one.
    reason = f"{model.key!r} is not listed for {needed!r}, which the task {request.task_type[:64]!r} asks for."
    return Misfit(what="task", reason=reason, hard=False)


def choose(
    request: GenerationRequest, models: ModelRegistry, providers: Collection[str], defaults: GatewayDefaults
) -> Choice:
    """The model for a request: the one it names, else the default one, else the default provider's first that fits.

    Of the local models only the built-in one is certain to be on the machine, so only it is taken unasked.
    Raises NotFoundError for an unknown name and, where the named model cannot take the request, the error that says
    what could.
    """
    named, reason = request.model_key, "The request names it."
    if named is None and defaults.model is not None:
        if all(row.key != defaults.model for row in models.list_models()):
            raise unknown_name("model", defaults.model, [m.key for m in models.list_models()], where="DEFAULT_MODEL")
        named, reason = defaults.model, "DEFAULT_MODEL names it."
    if named is not None:
        pool = [models.get_model(named)]
    else:
        pool, reason = _unasked(models, defaults), f"It is the first that fits of provider {defaults.provider!r}."
    found = [(model, misfits(request, model, models, providers, defaults)) for model in pool]
    possible = [(model, against) for model, against in found if not any(misfit.hard for misfit in against)]
    if not possible:
        model, against = found[0]
        raise _refusal(request, next(misfit for misfit in against if misfit.hard), models, providers, defaults)
    model, against = min(possible, key=lambda pair: len(pair[1]))
    return Choice(model=model, reason=reason, notes=tuple(misfit.reason for misfit in against))


def _unasked(models: ModelRegistry, defaults: GatewayDefaults) -> list[ModelSpec]:
    served = [model for model in models.list_models() if model.provider == defaults.provider]
    if not served:
        known = {model.provider for model in models.list_models()}
        raise unknown_name("provider", defaults.provider, known, where="DEFAULT_PROVIDER")
    if defaults.provider != "local":
        return served
    built_in = [model for model in served if model.demonstration]
    if not built_in:
        raise ValidationError(
            "No model is named and none is built in; name one with the request or set DEFAULT_MODEL.",
            where="/model_key",
        )
    return built_in


ERRORS: dict[Obstacle, tuple[type[AgentLabError], str]] = {
    "provider": (UnusableError, "/model_key"),
    "memory": (CapacityError, "/constraints/max_vram_gb"),
    "context": (TooLargeError, "/prompt"),
    "budget": (LimitExceededError, "/constraints/cost_budget_usd"),
    "task": (ValidationError, "/task_type"),
}


def _refusal(
    request: GenerationRequest,
    misfit: Misfit,
    models: ModelRegistry,
    providers: Collection[str],
    defaults: GatewayDefaults,
) -> AgentLabError:
    kind, where = ERRORS[misfit.what]
    if misfit.what == "provider":
        return kind(misfit.reason, where=where)
    fitting = [
        model.key
        for model in models.list_models()
        if not any(found.hard for found in misfits(request, model, models, providers, defaults))
    ]
    if fitting:
        return kind(f"{misfit.reason} These would do: {', '.join(fitting[:5])}.", where=where)
    change = "Shorten the prompt." if misfit.what == "context" else "Allow more."
    return kind(f"{misfit.reason} No model that can be called here would do. {change}", where=where)


def explain_choice(
    request: GenerationRequest, models: ModelRegistry, providers: Collection[str], defaults: GatewayDefaults
) -> list[Candidate]:
    """Every model with its verdict, the taken one first. Where none can be taken, the reasons say why not."""
    choice: Choice | None = None
    refusal = ""
    try:
        choice = choose(request, models, providers, defaults)
    except AgentLabError as error:
        refusal = error.message
    candidates: list[Candidate] = []
    for model in models.list_models():
        against = misfits(request, model, models, providers, defaults)
        if choice is not None and model.key == choice.model.key:
            reason = " ".join((choice.reason, *choice.notes))
            candidates.insert(0, Candidate(key=model.key, taken=True, reason=reason))
            continue
        reason = against[0].reason if against else "It would do, but another one comes first."
        if choice is None and model.key == (request.model_key or defaults.model):
            reason = refusal
        elif not against and choice is None:
            reason = "It would do; name it to use it."
        candidates.append(Candidate(key=model.key, taken=False, reason=reason))
    return candidates


def merged_sampling(request: GenerationRequest, strategy: StrategySpec) -> Sampling:
    """The request's word over the strategy's."""
    own = strategy.sampling
    return Sampling(
        temperature=own.temperature if request.temperature is None else request.temperature,
        top_p=own.top_p if request.top_p is None else request.top_p,
        top_k=own.top_k,
    )


def answer_tokens(
    request: GenerationRequest, model: ModelSpec, strategy: StrategySpec, defaults: GatewayDefaults
) -> tuple[int, tuple[str, ...]]:
    """How many tokens the answer may have, at least 1, and notes where that is less than the request asked for."""
    bounds: Sequence[tuple[int | None, str]] = (
        (strategy.limits.max_tokens, f"the strategy {strategy.name!r}"),
        (request.constraints.max_tokens, "the request's own constraint"),
        (_room(request, model), f"the context window of {model.key!r}"),
        (_affordable(request, model), "the request's cost budget"),
    )
    tokens = defaults.max_tokens if request.max_tokens is None else request.max_tokens
    by = None
    for bound, name in bounds:
        if bound is not None and bound < tokens:
            tokens, by = max(bound, 1), name
    if by is None or request.max_tokens is None:
        return tokens, ()
    return tokens, (f"The answer may have {tokens} tokens, not {request.max_tokens}, because of {by}.",)


def _room(request: GenerationRequest, model: ModelSpec) -> int:
    if model.prompt_format == "turns":
        return model.context_window
    return model.context_window - estimated_tokens(request)


def _affordable(request: GenerationRequest, model: ModelSpec) -> int | None:
    budget_usd = request.constraints.cost_budget_usd
    if budget_usd is None or model.cost_profile is None:
        return None
    return affordable_tokens(model.cost_profile, estimated_tokens(request), budget_usd)
