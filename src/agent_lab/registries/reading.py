"""Reads the registries of a configuration folder, and sees that no row names another in vain."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from agent_lab.contracts.registry import ProviderSpec
from agent_lab.registries.models import ModelRegistry, load_models
from agent_lab.registries.providers import load_providers
from agent_lab.registries.references import check_references
from agent_lab.registries.residency import with_residency
from agent_lab.registries.strategies import StrategyRegistry, load_strategies


class Registries(NamedTuple):
    """What the files say."""

    models: ModelRegistry
    strategies: StrategyRegistry
    providers: Mapping[str, ProviderSpec]


def read_registries(
    config_dir: Path, *, warm: Collection[str], keep_alive_s: float | None, plugins: Collection[str]
) -> Registries:
    """Models, strategies and providers. `plugins`: the providers of other packages, which models may name.

    Raises ValidationError naming file, row and field.
    """
    models, strategies = load_models(config_dir), load_strategies(config_dir)
    models = with_residency(models, warm=warm, keep_alive_s=keep_alive_s)
    providers = {row.key: row for row in load_providers(config_dir)}
    check_references(models, strategies, providers.values(), plugins=plugins)
    return Registries(models, strategies, providers)
