"""Opens what runs models on this machine, as the settings and the registries say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from agent_lab.contracts.ports import LoadProgress, LocalFigures, Provider, ResourceMonitor
from agent_lab.providers.local.batching.opening import open_engine
from agent_lab.providers.local.executor import ModelExecutor
from agent_lab.providers.local.files.hub import HubCache
from agent_lab.providers.local.files.pins import FILE_NAME as PINS
from agent_lab.providers.local.files.pins import Pins
from agent_lab.providers.local.gpu_guard import GpuGuard
from agent_lab.providers.local.host import LocalHost
from agent_lab.providers.local.loading.loader import TransformersLoader
from agent_lab.providers.local.manager import ModelManager
from agent_lab.providers.local.provider import LocalProvider
from agent_lab.providers.local.templates.sandbox import Templates
from agent_lab.providers.local.worker.loader import IsolatingLoader
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.strategies import StrategyRegistry
from agent_lab.settings import Settings


@dataclass(frozen=True, slots=True)
class Local:
    """The local provider and the views of what is behind it."""

    provider: Provider
    host: LocalHost
    monitor: ResourceMonitor
    figures: Callable[[], LocalFigures]
    loading: Callable[[], Sequence[LoadProgress]]


def open_local(settings: Settings, models: ModelRegistry, strategies: StrategyRegistry) -> Local:
    """The local provider; no model is loaded yet."""
    templates = Templates()
    most_gb = settings.max_vram_usage_gb
    loader = IsolatingLoader(
        TransformersLoader(hub_cache(settings), templates, open_engine=open_engine, max_usage_gb=most_gb),
        inside=TransformersLoader(open_engine=open_engine),
    )
    manager = ModelManager(models=models, strategies=strategies, loader=loader, max_usage_gb=most_gb)
    host = LocalHost(manager)
    monitor = GpuGuard(settings.max_vram_usage_gb, used_by_device_gb=manager.used_by_device_gb)
    return Local(
        provider=LocalProvider(ModelExecutor(host, templates)),
        host=host,
        monitor=monitor,
        figures=partial(_figures, manager),
        loading=manager.loading,
    )


def _figures(manager: ModelManager) -> LocalFigures:
    stats = manager.get_memory_stats()
    return LocalFigures(**{one.name: stats[one.name] for one in fields(LocalFigures) if one.name in stats})


def warm(host: LocalHost, models: ModelRegistry, strategies: StrategyRegistry) -> None:
    """Begin to load the models whose rows wish it."""
    rows = [row for row in models.list_models() if row.provider == "local" and row.residency.warm]
    host.warm((row, strategies.get_strategy(row.default_strategy)) for row in rows)


def hub_cache(settings: Settings) -> HubCache:
    """Where weights are fetched to, at which versions, and whether they may be."""
    return HubCache(
        folder=Path(settings.model_cache_dir).expanduser() if settings.model_cache_dir else None,
        pins=Pins(settings.data_dir / PINS),
        offline=settings.agent_lab_offline,
    )
