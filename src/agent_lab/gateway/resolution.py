"""Decides which models may take a request, in which order; pure, and able to say why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
from agent_lab.contracts.registry import ModelSpec
from agent_lab.contracts.sentences import said
from agent_lab.gateway.misfits import Misfit, Obstacle, Situation, misfits
from agent_lab.gateway.split import pick
from agent_lab.registries.models import ModelRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model as the choice saw it: taken or not, and the reason in one sentence."""

    key: str
    taken: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The model that takes the request, those that stand in for it, and what the caller should know."""

    model: ModelSpec
    fallbacks: tuple[ModelSpec, ...] = ()
    asked_key: str
    """The row that the request went to: the model itself, or one that shares its requests out."""
    reason: str
    notes: tuple[str, ...] = ()


def choose(
    request: GenerationRequest, models: ModelRegistry, situation: Situation, *, sticky: str | None = None
) -> Choice:
    """The model for a request: the one it names, else the default one, else the default provider's first that fits.

    Of the local models only the built-in one is certain to be on the machine, so only it is taken unasked.
    Raises NotFoundError for an unknown name and, where the named model cannot take the request, the error that says
    what could.
    """
    pool, reason = _pool(request, models, situation)
    asked = pool[0]
    if asked.split:
        pool = [models.get_model(pick(asked.split, asked.key, sticky or _conversation(request)))]
        reason = f"{asked.key!r} shares its requests out, and this one goes to {pool[0].key!r}."
    found = [(model, misfits(request, model, models, situation)) for model in pool]
    possible = [(model, against) for model, against in found if not any(misfit.hard for misfit in against)]
    if not possible:
        possible, reason = _stand_in(pool[0], request, models, situation)
    if not possible:
        against = found[0][1]
        raise _refusal(request, next(misfit for misfit in against if misfit.hard), models, situation)
    model, against = min(possible, key=lambda pair: len(pair[1]))
    return Choice(
        model=model,
        fallbacks=tuple(_fallbacks(model, pool[0], request, models, situation)),
        asked_key=asked.key if asked.split or model is pool[0] else model.key,
        reason=reason,
        notes=tuple(misfit.reason for misfit in against if misfit.told),
    )


def _conversation(request: GenerationRequest) -> str:
    """What all turns of a conversation have in common: how it began."""
    begun = next((turn.content for turn in request.context.history if turn.role == "user"), request.prompt)
    return f"{request.context.system or ''}\0{begun}"


def _pool(request: GenerationRequest, models: ModelRegistry, situation: Situation) -> tuple[list[ModelSpec], str]:
    defaults = situation.defaults
    if request.model_key is not None:
        return [models.get_model(request.model_key)], "The request names it."
    if defaults.model is not None:
        if all(row.key != defaults.model for row in models.list_models()):
            raise unknown_name("model", defaults.model, [m.key for m in models.list_models()], where="DEFAULT_MODEL")
        return [models.get_model(defaults.model)], "DEFAULT_MODEL names it."
    return _unasked(models, defaults.provider), f"It is the first that fits of provider {defaults.provider!r}."


def _unasked(models: ModelRegistry, provider: str) -> list[ModelSpec]:
    served = [model for model in models.list_models() if model.provider == provider]
    if not served:
        known = {model.provider for model in models.list_models()}
        raise unknown_name("provider", provider, known, where="DEFAULT_PROVIDER")
    if provider != "local":
        return served
    built_in = [model for model in served if model.demonstration]
    if not built_in:
        raise ValidationError(
            said(
                "no_model_named",
                "No model is named and none is built in; name one with the request or set DEFAULT_MODEL.",
            ),
            where="/model_key",
        )
    return built_in


def _stand_in(
    model: ModelSpec, request: GenerationRequest, models: ModelRegistry, situation: Situation
) -> tuple[list[tuple[ModelSpec, list[Misfit]]], str]:
    """The first fallback that can take what the model itself cannot, by what is known before anybody is asked."""
    for fallback in _fallbacks(model, model, request, models, situation):
        against = misfits(request, fallback, models, situation)
        return [(fallback, against)], f"It stands in for {model.key!r}, which cannot take this request."
    return [], ""


def _fallbacks(
    model: ModelSpec, named: ModelSpec, request: GenerationRequest, models: ModelRegistry, situation: Situation
) -> list[ModelSpec]:
    """Those that may be asked after the model: the rest of the named model's list that fits the request."""
    keys = list(named.fallbacks if model.key in named.fallbacks else model.fallbacks)
    rest = keys[keys.index(model.key) + 1 :] if model.key in keys else keys
    rows = [models.get_model(key) for key in rest]
    return [row for row in rows if not any(misfit.hard for misfit in misfits(request, row, models, situation))]


ERRORS: dict[Obstacle, tuple[type[AgentLabError], str]] = {
    "provider": (UnusableError, "/model_key"),
    "memory": (CapacityError, "/constraints/max_vram_gb"),
    "context": (TooLargeError, "/prompt"),
    "budget": (LimitExceededError, "/constraints/cost_budget_usd"),
    "capability": (ValidationError, "/tools"),
}


def _refusal(request: GenerationRequest, misfit: Misfit, models: ModelRegistry, situation: Situation) -> AgentLabError:
    kind, where = ERRORS[misfit.what]
    if misfit.what in {"provider", "capability"}:
        return kind(misfit.reason, where=where)
    fitting = [
        model.key
        for model in models.list_models()
        if not any(found.hard for found in misfits(request, model, models, situation))
    ]
    if fitting:
        return kind(f"{misfit.reason} These would do: {', '.join(fitting[:5])}.", where=where)
    change = "Shorten the prompt." if misfit.what == "context" else "Allow more."
    return kind(f"{misfit.reason} No model that can be called here would do. {change}", where=where)


def explain_choice(
    request: GenerationRequest, models: ModelRegistry, situation: Situation, *, sticky: str | None = None
) -> list[Candidate]:
    """Every model with its verdict: the taken one first, then its fallbacks in order, then the others.

    Where none can be taken, the reasons say why not.
    """
    choice: Choice | None = None
    refusal = ""
    try:
        choice = choose(request, models, situation, sticky=sticky)
    except AgentLabError as error:
        refusal = error.message
    ahead = (choice.model, *choice.fallbacks) if choice else ()
    others = [model for model in models.list_models() if model not in ahead]
    told = [_ahead(choice, number) for number in range(len(ahead))] if choice else []
    return told + [_left(model, request, models, situation, choice, refusal) for model in others]


def _ahead(choice: Choice, number: int) -> Candidate:
    if number == 0:
        reason = " ".join((choice.reason, *choice.notes))
        return Candidate(key=choice.model.key, taken=True, reason=reason)
    reason = f"It is asked when {_listed([choice.model, *choice.fallbacks[: number - 1]])} did not answer."
    return Candidate(key=choice.fallbacks[number - 1].key, taken=False, reason=reason)


def _left(
    model: ModelSpec,
    request: GenerationRequest,
    models: ModelRegistry,
    situation: Situation,
    choice: Choice | None,
    refusal: str,
) -> Candidate:
    against = [] if model.split else misfits(request, model, models, situation)
    if choice is not None and model.key == choice.asked_key:
        reason = f"It shares its requests out: {_shares(model)}."
    elif choice is None and model.key == (request.model_key or situation.defaults.model):
        reason = refusal
    elif against:
        reason = against[0].reason
    else:
        reason = "It would do, but another one comes first." if choice else "It would do; name it to use it."
    return Candidate(key=model.key, taken=False, reason=reason)


def _shares(model: ModelSpec) -> str:
    whole = sum(model.split.values())
    return ", ".join(f"{weight / whole:.0%} to {key!r}" for key, weight in model.split.items())


def _listed(models: Sequence[ModelSpec]) -> str:
    return " and ".join(repr(model.key) for model in models)
