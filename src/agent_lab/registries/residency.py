"""Lays what the settings say of local models' stay in memory over the rows of the registry."""

from __future__ import annotations

from collections.abc import Collection

from agent_lab.contracts.errors import ValidationError, unknown_name
from agent_lab.contracts.registry import ModelSpec
from agent_lab.registries.models import ModelRegistry

WARM = "AGENT_LAB_WARM_MODELS"


def with_residency(models: ModelRegistry, *, warm: Collection[str], keep_alive_s: float | None) -> ModelRegistry:
    """The same models; those of `warm` are loaded at start-up, and local rows that do not say how long they stay in
    memory without a request stay `keep_alive_s` seconds.

    Raises ValidationError where `warm` names a model that is not there or that is not run on this machine.
    """
    for key in warm:
        _check_warm(models, key)
    wanted = set(warm)

    def laid_over(row: ModelSpec) -> ModelSpec:
        if row.provider != "local":
            return row
        said: dict[str, object] = {}
        if row.key in wanted:
            said["warm"] = True
        if keep_alive_s is not None and "keep_alive_s" not in row.residency.model_fields_set:
            said["keep_alive_s"] = keep_alive_s
        return row.model_copy(update={"residency": row.residency.model_copy(update=said)}) if said else row

    return models.changed(laid_over)


def _check_warm(models: ModelRegistry, key: str) -> None:
    known = {row.key: row for row in models.list_models()}
    if key not in known:
        local = [row.key for row in known.values() if row.provider == "local"]
        raise ValidationError(f"{WARM} cannot be used: {unknown_name('model', key, local).message}", where=WARM)
    provider = known[key].provider
    if provider != "local":
        raise ValidationError(
            f"{WARM} names {key!r}, which is served by {provider!r}; only local models are kept in memory.", where=WARM
        )
