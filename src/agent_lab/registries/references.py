"""Checks what rows say of others: the providers, strategies and bases that models name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from agent_lab.contracts.errors import ValidationError, unknown_name
from agent_lab.contracts.registry import HERE, ModelSpec, ProviderSpec, Residency
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.strategies import StrategyRegistry

LOCAL = "local"


def check_references(
    models: ModelRegistry,
    strategies: StrategyRegistry,
    providers: Iterable[ProviderSpec],
    *,
    plugins: Collection[str] = (),
) -> None:
    """Raise ValidationError for a model that no provider serves, or that names a strategy or a base that cannot be.

    It names file, row and field, and what the field may be. A provider whose key is missing, or a plug-in that is
    broken, is none of this: its models are listed, and cannot be asked. `plugins`: the providers of other packages.
    """
    rows = {row.key: row for row in providers}
    for model in models.list_models():
        fault = (
            _fault(model, strategies, rows, plugins)
            or _fault_of_base(model, models)
            or _fault_of_residency(model, models)
        )
        if fault:
            raise ValidationError(f"{models.place_of(model.key)}: {fault}")


def _fault(
    model: ModelSpec, strategies: StrategyRegistry, providers: Mapping[str, ProviderSpec], plugins: Collection[str]
) -> str:
    if strategies.find(model.default_strategy) is None:
        names = [row.name for row in strategies.list_strategies()]
        return _wrong("default_strategy", model.default_strategy, _missing("strategy", model.default_strategy, names))
    if model.runs_here or model.split:
        return ""
    provider = providers.get(model.provider)
    if provider is None and model.provider in plugins:
        return ""
    if provider is None:
        return _wrong("provider", model.provider, _missing("provider", model.provider, [*HERE, *providers]))
    if model.api == "responses" and provider.kind == "anthropic":
        said = f"the provider {provider.key!r} is of the kind 'anthropic', which has one protocol only; leave it out."
        return _wrong("api", model.api, said)
    return ""


def _fault_of_base(model: ModelSpec, models: ModelRegistry) -> str:
    if model.base is None:
        return ""
    rows = {row.key: row for row in models.list_models()}
    base = rows.get(model.base)
    if base is None:
        here = [row.key for row in rows.values() if row.provider == LOCAL and row.base is None]
        return _wrong("base", model.base, _missing("model", model.base, here))
    if model.provider != LOCAL:
        return _wrong("provider", model.provider, "the row has a base, and adapters run on this machine: 'local'.")
    if base.base is not None:
        return _wrong("base", base.key, f"that is an adapter itself; name its base, {base.base!r}.")
    if base.provider != LOCAL:
        return _wrong("base", base.key, "that is no local model, and adapters are put on those alone.")
    if model.prompt_format != base.prompt_format:
        said = f"its base {base.key!r} reads {base.prompt_format!r}; leave the field out."
        return _wrong("prompt_format", model.prompt_format, said)
    if model.context_window > base.context_window:
        said = f"its base {base.key!r} reads {base.context_window} tokens; leave the field out."
        return _wrong("context_window", str(model.context_window), said)
    return ""


def _fault_of_residency(model: ModelSpec, models: ModelRegistry) -> str:
    ruled = Residency() if model.base is None else models.get_model(model.base).residency
    other = [name for name, value in model.residency if value != getattr(ruled, name)]
    if model.provider != LOCAL and other:
        return (
            f"the field 'residency.{other[0]}' is for local models, and this one is not in memory here; leave it out."
        )
    idle = [name for name in other if model.base is not None and name != "warm"]
    if idle:
        return f"the field 'residency.{idle[0]}' is for the row of its base {model.base!r}, whose memory it shares."
    return ""


def _wrong(field: str, value: str, said: str) -> str:
    return f"the field {field!r} is {value[:60]!r}: {said}"


def _missing(what: str, name: str, known: Iterable[str]) -> str:
    said = unknown_name(what, name, known).message
    return said[:1].lower() + said[1:]
