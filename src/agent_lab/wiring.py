"""Builds everything from the settings; the one file that knows every name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Literal

from agent_lab.contracts.flow_ports import HistoryReader, NodeKind, ToolSpec
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.ports import (
    Generator,
    LoadProgress,
    LocalFigures,
    ModelHost,
    ResourceMonitor,
    SpendingLog,
)
from agent_lab.contracts.registry import HERE, SPLIT, ModelSpec, ProviderSpec
from agent_lab.flows.catalog import FlowCatalog
from agent_lab.flows.checks import Checker, check_flow
from agent_lab.flows.compiler import GraphBuilder
from agent_lab.flows.shelf import FlowShelf
from agent_lab.gateway.breaker import BreakerRules
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.gateway.ledger import Ledger
from agent_lab.gateway.misfits import GatewayDefaults
from agent_lab.gateway.price_list import PriceList
from agent_lab.gateway.toll import Toll
from agent_lab.gateway.turnstile import turnstile_of
from agent_lab.lab.vendors import Vendors
from agent_lab.nodes.table import node_kinds
from agent_lab.nodes.validator import SCORERS
from agent_lab.providers.commands import Commands
from agent_lab.providers.hosted.opening import Hosted, open_hosted
from agent_lab.providers.local.gpu_guard import ram, utilisation
from agent_lab.providers.local.loading.loader import TransformersLoader
from agent_lab.providers.local.opening import hub_cache, open_local, warm
from agent_lab.providers.local.templates.sandbox import Templates
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.plugins import Plugins, installed_entries
from agent_lab.registries.reading import Registries, read_registries
from agent_lab.registries.strategies import StrategyRegistry
from agent_lab.registries.tools import load_tools
from agent_lab.runs.admission import Admission
from agent_lab.runs.aside import SetAside, with_flow
from agent_lab.runs.cases import CaseRunner
from agent_lab.runs.keeper import Keeper
from agent_lab.runs.queue import QueueRules
from agent_lab.runs.service import RunService
from agent_lab.runs.workshop import Workshop
from agent_lab.settings import Reading, Settings, environment_of_tools, origin_of_secret, secret_of
from agent_lab.storage.access_keys import AccessKeys
from agent_lab.storage.opening import open_store
from agent_lab.storage.outputs import OutputFolder
from agent_lab.telemetry import logging
from agent_lab.telemetry.history.machine import Machine
from agent_lab.telemetry.history.rollups import Rollups
from agent_lab.telemetry.history.sampler import Sampler
from agent_lab.telemetry.measured import Measured
from agent_lab.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from fastapi import FastAPI

    from agent_lab.api.auth import LoginCodes
    from agent_lab.providers.local.tuning.tuner import Tuner

Surface = Literal["lab", "all"]
"""`lab`: the lab API alone (port 8001). `all`: everything under one roof (port 8000)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """Everything that a door needs, built."""

    reading: Reading
    settings: Settings
    models: ModelRegistry
    strategies: StrategyRegistry
    gateway: ProviderGateway
    generator: Generator
    """The gateway, measured: what doors and flows ask."""
    host: ModelHost
    monitor: ResourceMonitor
    figures: Callable[[], LocalFigures]
    """What the local models have done so far."""
    loading: Callable[[], Sequence[LoadProgress]]
    """The models on their way into memory."""
    warm: Callable[[], None]
    """Begins to load the models whose rows wish it; for a service that has started."""
    flows: FlowCatalog
    """Those of the library and of the user's folder."""
    shelf: FlowShelf
    """All flows, the stored ones first."""
    kinds: Mapping[str, NodeKind]
    tools: Mapping[str, ToolSpec]
    plugins: Plugins
    runs: RunService
    keeper: Keeper
    access_keys: AccessKeys
    metrics: Metrics
    spending: SpendingLog
    started_at: datetime
    providers: Mapping[str, ProviderSpec]
    """The rows of hosted providers."""
    hosted: Hosted
    """Which of them, and of those of other packages, can be called, and why the others cannot."""


@asynccontextmanager
async def open_lab(reading: Reading, *, log_to_stderr: bool = False) -> AsyncIterator[Lab]:
    """The lab, open; closed in order at the end.

    Raises ValidationError for settings and registry files that cannot be used, EnvironmentFaultError for folders and
    databases that cannot.
    """
    settings = reading.settings
    logging.configure(settings.data_dir / "logs", level=settings.log_level, stderr=log_to_stderr)
    plugins = _plugins(settings)
    models, strategies, rows = _registries(settings, plugins)
    tools = _tools(settings, plugins)
    metrics = Metrics()
    async with AsyncExitStack() as closing:
        closing.callback(logging.close)
        stores = await open_store(settings)
        store, spending = stores.runs, stores.spending
        closing.push_async_callback(stores.close)
        local = open_local(settings, models, strategies)
        closing.push_async_callback(local.host.close)
        hosted = _hosted(settings, rows, plugins)
        gateway = ProviderGateway(
            models=models,
            strategies=strategies,
            providers={"local": local.provider, "scripted": ScriptedProvider(), **hosted.providers},
            defaults=_defaults(settings, hosted),
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
        closing.push_async_callback(gateway.close)
        metrics.watch(local.host, local.monitor, local.figures)
        metrics.watch_gateway(gateway.breakers, gateway.waiting)
        generator = Measured(gateway, metrics)
        kinds = _kinds(plugins, tools, local.monitor, store)
        check = _checker(kinds, models, strategies)
        shelf = FlowShelf(FlowCatalog(settings.config_dir / "flows", check), stores.flows, check)
        builder = GraphBuilder(kinds, shelf.catalog)
        keys = AccessKeys(settings.config_dir)
        runs = RunService(
            flows=shelf,
            check=check,
            shop=Workshop(
                store=store,
                generator=generator,
                kinds=builder.kinds,
                outputs=OutputFolder(settings.data_dir),
                metrics=metrics,
                wire=stores.wire,
            ),
            admission=Admission(_callable_models(gateway), strategies.get_strategy, builder.kinds),
            rules=_queue_rules(settings, keys),
        )
        closing.push_async_callback(runs.close)
        keeper = Keeper(runs)
        closing.callback(asyncio.create_task(keeper.keep()).cancel)
        yield Lab(
            reading=reading,
            settings=settings,
            models=models,
            strategies=strategies,
            gateway=gateway,
            generator=generator,
            host=local.host,
            monitor=local.monitor,
            figures=local.figures,
            loading=local.loading,
            warm=partial(warm, local.host, models, strategies),
            flows=shelf.catalog,
            shelf=shelf,
            kinds=kinds,
            tools=tools,
            plugins=plugins,
            runs=runs,
            keeper=keeper,
            access_keys=keys,
            metrics=metrics,
            spending=spending,
            started_at=datetime.now(UTC),
            providers=rows,
            hosted=hosted,
        )


def build_app(lab: Lab, *, token: str, surface: Surface = "all", login_codes: LoginCodes | None = None) -> FastAPI:
    """The web application over an open lab. Runs that nobody works on any more are taken up while it runs.

    Raises ValidationError for a weak token or a host name that is none.
    """
    from agent_lab.api.app import create_app
    from agent_lab.lab.connections import Connections
    from agent_lab.lab.loads import Loads
    from agent_lab.lab.services import LabServices

    loads, sampler = Loads(lab.host), _sampler(lab)
    services = LabServices(
        models=lab.models,
        strategies=lab.strategies,
        gateway=lab.gateway,
        generator=lab.generator,
        host=lab.host,
        monitor=lab.monitor,
        loads=loads,
        figures=lab.figures,
        loading=lab.loading,
        flows=lab.flows,
        shelf=lab.shelf,
        runs=lab.runs,
        cases=case_runner(lab),
        metrics=lab.metrics,
        sampler=sampler,
        spending=lab.spending,
        daily_budget_usd=lab.settings.agent_lab_daily_budget_usd,
        reading=lab.reading,
        vendors=_vendors(lab),
        connections=Connections(lab.generator),
        tools=lab.tools,
        started_at=lab.started_at,
    )

    async def start() -> None:
        lab.access_keys.by_name()  # what is wrong with their file is told in the log now
        lab.keeper.serving = True
        lab.warm()
        sampler.start()

    async def stop() -> None:
        lab.keeper.serving = False
        await loads.close()
        await sampler.stop()

    return create_app(
        services,
        token=token,
        allowed_hosts=lab.settings.agent_lab_allowed_hosts,
        allowed_origins=lab.settings.agent_lab_allowed_origins,
        surface=surface,
        login_codes=login_codes,
        key_name=lab.access_keys.name_of,
        lab_api_url=lab.settings.lab_api_url,
        request_timeout_s=lab.settings.request_timeout,
        on_start=start,
        on_stop=stop,
    )


def _vendors(lab: Lab) -> Vendors:
    return Vendors(
        rows=lab.providers,
        callable=lab.hosted.providers,
        away=lab.hosted.away,
        origin_of_key=partial(origin_of_secret, lab.reading),
        dotenv=str(lab.reading.dotenv),
    )


def _sampler(lab: Lab) -> Sampler:
    folder = lab.settings.data_dir
    return Sampler(
        metrics=lab.metrics,
        breakers=lab.gateway.breakers,
        waiting=lab.gateway.waiting,
        machine=Machine(lab.monitor, ram=ram, utilisation=utilisation, folder=folder),
        rollups=Rollups(folder),
    )


def case_runner(lab: Lab) -> CaseRunner:
    """What runs the test cases of flows over this lab."""
    runs, models, strategies = lab.runs, lab.models, lab.strategies
    aside = SetAside(models=models, strategies=strategies, kinds=runs.shop.kinds, flows=runs.flows, check=runs.check)
    return CaseRunner(aside=aside, real=partial(with_flow, runs))


def open_tuner(settings: Settings) -> Tuner:
    """What trains adapters. Raises ValidationError for registry files that cannot be used."""
    from agent_lab.providers.local.tuning.bench import BenchOpener, open_engine_late
    from agent_lab.providers.local.tuning.tuner import Tuner

    models, strategies, _ = _registries(settings, _plugins(settings))
    templates, most_gb = Templates(), settings.max_vram_usage_gb
    loader = TransformersLoader(hub_cache(settings), templates, open_engine=open_engine_late, max_usage_gb=most_gb)
    bench = BenchOpener(loader=loader, templates=templates, strategies=strategies, max_usage_gb=most_gb)
    return Tuner(models=models, strategies=strategies, open_bench=bench, config_dir=settings.config_dir)


def _registries(settings: Settings, plugins: Plugins) -> Registries:
    return read_registries(
        settings.config_dir,
        warm=settings.warm_models,
        keep_alive_s=settings.agent_lab_keep_alive_s,
        plugins=plugins.provider_names(),
    )


def _plugins(settings: Settings) -> Plugins:
    return Plugins(installed_entries(), off=not settings.agent_lab_plugins)


def _tools(settings: Settings, plugins: Plugins) -> Mapping[str, ToolSpec]:
    commands = Commands(environment_of_tools)
    tools = {row.name: commands.tool(row) for row in load_tools(settings.config_dir)}
    return tools | plugins.tools(taken=tools)


def _kinds(
    plugins: Plugins, tools: Mapping[str, ToolSpec], monitor: ResourceMonitor, history: HistoryReader
) -> dict[str, NodeKind]:
    scorers = {**SCORERS, **plugins.scorers(taken=SCORERS)}
    kinds = node_kinds(monitor=monitor, history=history, tools=tools, scorers=scorers)
    return kinds | plugins.node_kinds(taken=kinds)


def _hosted(settings: Settings, rows: Mapping[str, ProviderSpec], plugins: Plugins) -> Hosted:
    """The hosted providers, and those of other packages."""
    offline = settings.agent_lab_offline
    hosted = open_hosted(rows.values(), secret_of=partial(secret_of, settings), offline=offline)
    if offline:  # nobody here knows where a plug-in would send a question
        return replace(hosted, away=hosted.away | set(plugins.provider_names()))
    return replace(hosted, providers={**hosted.providers, **plugins.providers(taken={*rows, *HERE, SPLIT})})


def _queue_rules(settings: Settings, keys: AccessKeys) -> QueueRules:
    at_once, queue = settings.agent_lab_max_runs, settings.agent_lab_max_queue
    return QueueRules(at_once=at_once, waiting=queue, of_caller=keys.runs_at_once, waiting_of_caller=keys.runs_waiting)


def _callable_models(gateway: ProviderGateway) -> Callable[[str], ModelSpec]:
    """A look-up that refuses, before anything is spent, a model that no provider here serves."""

    def look_up(key: str) -> ModelSpec:
        return gateway.resolve_model(GenerationRequest(prompt="?", model_key=key))

    return look_up


def _defaults(settings: Settings, hosted: Hosted) -> GatewayDefaults:
    return GatewayDefaults(
        provider=settings.default_provider,
        model=settings.default_model,
        strategy=settings.default_strategy,
        max_tokens=settings.max_tokens_default,
        missing_keys=hosted.missing_keys,
        away=hosted.away,
    )


def _checker(kinds: Mapping[str, NodeKind], models: ModelRegistry, strategies: StrategyRegistry) -> Checker:
    return partial(
        check_flow,
        kinds=kinds,
        models=[model.key for model in models.list_models()],
        strategies=[strategy.name for strategy in strategies.list_strategies()],
    )
