"""Builds the parts of a lab from its settings, each by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from agent_lab.contracts.flow_ports import HistoryReader, NodeKind, ToolSpec
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.ports import (
    ResourceMonitor,
    SpendingLog,
)
from agent_lab.contracts.registry import HERE, SPLIT, ModelSpec, ProviderSpec
from agent_lab.flows.checks import Checker, check_flow
from agent_lab.gateway.breaker import BreakerRules
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.gateway.ledger import Ledger
from agent_lab.gateway.misfits import GatewayDefaults
from agent_lab.gateway.price_list import PriceList
from agent_lab.gateway.toll import Toll
from agent_lab.gateway.turnstile import turnstile_of
from agent_lab.nodes.table import node_kinds
from agent_lab.nodes.validator import SCORERS
from agent_lab.providers.commands import Commands
from agent_lab.providers.hosted.opening import Hosted, open_hosted
from agent_lab.providers.local.loading.loader import TransformersLoader
from agent_lab.providers.local.opening import Local, hub_cache
from agent_lab.providers.local.templates.sandbox import Templates
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.plugins import Plugins, installed_entries
from agent_lab.registries.reading import Registries, read_registries
from agent_lab.registries.strategies import StrategyRegistry
from agent_lab.registries.tools import load_tools
from agent_lab.runs.queue import QueueRules
from agent_lab.settings import Settings, environment_of_tools, secret_of
from agent_lab.storage.access_keys import AccessKeys

if TYPE_CHECKING:
    from agent_lab.providers.local.tuning.tuner import Tuner


def open_tuner(settings: Settings) -> Tuner:
    """What trains adapters. Raises ValidationError for registry files that cannot be used."""
    from agent_lab.providers.local.tuning.bench import BenchOpener, open_engine_late
    from agent_lab.providers.local.tuning.tuner import Tuner

    models, strategies, _ = registries_of(settings, plugins_of(settings))
    templates, most_gb = Templates(), settings.max_vram_usage_gb
    loader = TransformersLoader(hub_cache(settings), templates, open_engine=open_engine_late, max_usage_gb=most_gb)
    bench = BenchOpener(loader=loader, templates=templates, strategies=strategies, max_usage_gb=most_gb)
    return Tuner(models=models, strategies=strategies, open_bench=bench, config_dir=settings.config_dir)


def registries_of(settings: Settings, plugins: Plugins) -> Registries:
    """The registries: ours, with the user's rows."""
    return read_registries(
        settings.config_dir,
        warm=settings.warm_models,
        keep_alive_s=settings.agent_lab_keep_alive_s,
        plugins=plugins.provider_names(),
    )


def plugins_of(settings: Settings) -> Plugins:
    """What other packages bring."""
    return Plugins(installed_entries(), off=not settings.agent_lab_plugins)


def tools_of(settings: Settings, plugins: Plugins) -> Mapping[str, ToolSpec]:
    """The tools that the administrator registered, and those of other packages."""
    commands = Commands(environment_of_tools)
    tools = {row.name: commands.tool(row) for row in load_tools(settings.config_dir)}
    return tools | plugins.tools(taken=tools)


def kinds_of(
    plugins: Plugins, tools: Mapping[str, ToolSpec], monitor: ResourceMonitor, history: HistoryReader
) -> dict[str, NodeKind]:
    """The node kinds, ours and those of other packages."""
    scorers = {**SCORERS, **plugins.scorers(taken=SCORERS)}
    kinds = node_kinds(monitor=monitor, history=history, tools=tools, scorers=scorers)
    return kinds | plugins.node_kinds(taken=kinds)


def hosted_of(settings: Settings, rows: Mapping[str, ProviderSpec], plugins: Plugins) -> Hosted:
    """The hosted providers, and those of other packages."""
    offline = settings.agent_lab_offline
    hosted = open_hosted(rows.values(), secret_of=partial(secret_of, settings), offline=offline)
    if offline:  # nobody here knows where a plug-in would send a question
        return replace(hosted, away=hosted.away | set(plugins.provider_names()))
    return replace(hosted, providers={**hosted.providers, **plugins.providers(taken={*rows, *HERE, SPLIT})})


def queue_rules(settings: Settings, keys: AccessKeys) -> QueueRules:
    """How many runs may go on and wait."""
    at_once, queue = settings.agent_lab_max_runs, settings.agent_lab_max_queue
    return QueueRules(at_once=at_once, waiting=queue, of_caller=keys.runs_at_once, waiting_of_caller=keys.runs_waiting)


def callable_models(gateway: ProviderGateway) -> Callable[[str], ModelSpec]:
    """A look-up that refuses, before anything is spent, a model that no provider here serves."""

    def look_up(key: str) -> ModelSpec:
        return gateway.resolve_model(GenerationRequest(prompt="?", model_key=key))

    return look_up


def defaults_of(settings: Settings, hosted: Hosted) -> GatewayDefaults:
    """What a request means that leaves something out."""
    return GatewayDefaults(
        provider=settings.default_provider,
        model=settings.default_model,
        strategy=settings.default_strategy,
        max_tokens=settings.max_tokens_default,
        missing_keys=hosted.missing_keys,
        away=hosted.away,
    )


def checker_of(kinds: Mapping[str, NodeKind], models: ModelRegistry, strategies: StrategyRegistry) -> Checker:
    """The checks of flows, with all that is known here."""
    return partial(
        check_flow,
        kinds=kinds,
        models=[model.key for model in models.list_models()],
        strategies=[strategy.name for strategy in strategies.list_strategies()],
    )


def gateway_of(
    settings: Settings,
    models: ModelRegistry,
    strategies: StrategyRegistry,
    rows: Mapping[str, ProviderSpec],
    hosted: Hosted,
    local: Local,
    spending: SpendingLog,
) -> ProviderGateway:
    """The gateway to all models that can be called here."""
    return ProviderGateway(
        models=models,
        strategies=strategies,
        providers={"local": local.provider, "scripted": ScriptedProvider(), **hosted.providers},
        defaults=defaults_of(settings, hosted),
        breaker=BreakerRules(
            max_failures=settings.circuit_breaker_max_failures, timeout_s=settings.circuit_breaker_timeout
        ),
        price_of=PriceList().reader(rows),
        toll=Toll(
            turnstile_of(models.list_models(), rows.values()),
            Ledger(spending, daily_budget_usd=settings.agent_lab_daily_budget_usd),
        ),
        memory_gb=lambda: local.monitor.look().for_models_gb,
    )
