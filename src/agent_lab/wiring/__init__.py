"""Builds everything from the settings; the one file that knows every name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Literal

from agent_lab.contracts.flow_ports import HistoryReader as HistoryReader
from agent_lab.contracts.flow_ports import NodeKind, ToolSpec
from agent_lab.contracts.generation import GenerationRequest as GenerationRequest
from agent_lab.contracts.ports import (
    Generator,
    LoadProgress,
    LocalFigures,
    ModelHost,
    ResourceMonitor,
    SpendingLog,
)
from agent_lab.contracts.registry import HERE as HERE
from agent_lab.contracts.registry import SPLIT as SPLIT
from agent_lab.contracts.registry import ModelSpec as ModelSpec
from agent_lab.contracts.registry import ProviderSpec
from agent_lab.evaluation.service import EvaluationService
from agent_lab.flows.catalog import FlowCatalog
from agent_lab.flows.checks import Checker as Checker
from agent_lab.flows.checks import check_flow as check_flow
from agent_lab.flows.compiler import GraphBuilder
from agent_lab.flows.shelf import FlowShelf
from agent_lab.gateway.breaker import BreakerRules as BreakerRules
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.gateway.ledger import Ledger as Ledger
from agent_lab.gateway.misfits import GatewayDefaults as GatewayDefaults
from agent_lab.gateway.price_list import PriceList as PriceList
from agent_lab.gateway.toll import Toll as Toll
from agent_lab.gateway.turnstile import turnstile_of as turnstile_of
from agent_lab.lab.vendors import Vendors
from agent_lab.nodes.table import node_kinds as node_kinds
from agent_lab.nodes.validator import SCORERS as SCORERS
from agent_lab.providers.commands import Commands as Commands
from agent_lab.providers.hosted.opening import Hosted
from agent_lab.providers.hosted.opening import open_hosted as open_hosted
from agent_lab.providers.local.gpu_guard import ram, utilisation
from agent_lab.providers.local.loading.loader import TransformersLoader as TransformersLoader
from agent_lab.providers.local.opening import hub_cache as hub_cache
from agent_lab.providers.local.opening import open_local, warm
from agent_lab.providers.local.templates.sandbox import Templates as Templates
from agent_lab.providers.scripted import ScriptedProvider as ScriptedProvider
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.plugins import Plugins
from agent_lab.registries.plugins import installed_entries as installed_entries
from agent_lab.registries.reading import Registries as Registries
from agent_lab.registries.reading import read_registries as read_registries
from agent_lab.registries.strategies import StrategyRegistry
from agent_lab.registries.tools import load_tools as load_tools
from agent_lab.runs.admission import Admission
from agent_lab.runs.aside import SetAside, with_flow
from agent_lab.runs.cases import CaseRunner
from agent_lab.runs.keeper import Keeper
from agent_lab.runs.queue import QueueRules as QueueRules
from agent_lab.runs.service import RunService
from agent_lab.runs.workshop import Workshop
from agent_lab.settings import Reading, Settings, origin_of_secret
from agent_lab.settings import environment_of_tools as environment_of_tools
from agent_lab.settings import secret_of as secret_of
from agent_lab.storage.access_keys import AccessKeys
from agent_lab.storage.opening import open_store
from agent_lab.storage.outputs import OutputFolder
from agent_lab.telemetry import logging
from agent_lab.telemetry.history.machine import Machine
from agent_lab.telemetry.history.rollups import Rollups
from agent_lab.telemetry.history.sampler import Sampler
from agent_lab.telemetry.measured import Measured
from agent_lab.telemetry.metrics import Metrics
from agent_lab.wiring.evaluations import open_evaluations
from agent_lab.wiring.parts import (
    callable_models,
    checker_of,
    gateway_of,
    hosted_of,
    kinds_of,
    plugins_of,
    queue_rules,
    registries_of,
    tools_of,
)
from agent_lab.wiring.parts import (
    defaults_of as defaults_of,
)
from agent_lab.wiring.parts import open_tuner as open_tuner

if TYPE_CHECKING:
    from fastapi import FastAPI

    from agent_lab.api.auth import LoginCodes
    from agent_lab.providers.local.tuning.tuner import Tuner as Tuner

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
    evaluations: EvaluationService
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
    plugins = plugins_of(settings)
    models, strategies, rows = registries_of(settings, plugins)
    tools, metrics = tools_of(settings, plugins), Metrics()
    async with AsyncExitStack() as closing:
        closing.callback(logging.close)
        stores = await open_store(settings)
        closing.push_async_callback(stores.close)
        local = open_local(settings, models, strategies)
        closing.push_async_callback(local.host.close)
        hosted = hosted_of(settings, rows, plugins)
        gateway = gateway_of(settings, models, strategies, rows, hosted, local, stores.spending)
        closing.push_async_callback(gateway.close)
        metrics.watch(local.host, local.monitor, local.figures)
        metrics.watch_gateway(gateway.breakers, gateway.waiting)
        generator = Measured(gateway, metrics)
        kinds = kinds_of(plugins, tools, local.monitor, stores.runs)
        check = checker_of(kinds, models, strategies)
        shelf = FlowShelf(FlowCatalog(settings.config_dir / "flows", check), stores.flows, check)
        builder = GraphBuilder(kinds, shelf.catalog)
        keys = AccessKeys(settings.config_dir)
        runs = RunService(
            flows=shelf,
            check=check,
            shop=Workshop(
                store=stores.runs,
                generator=generator,
                kinds=builder.kinds,
                outputs=OutputFolder(settings.data_dir),
                metrics=metrics,
                wire=stores.wire,
            ),
            admission=Admission(callable_models(gateway), strategies.get_strategy, builder.kinds),
            rules=queue_rules(settings, keys),
        )
        closing.push_async_callback(runs.close)
        evaluations = open_evaluations(
            stores, gateway=gateway, generator=generator, runs=runs, default_tokens=settings.max_tokens_default
        )
        closing.push_async_callback(evaluations.close)
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
            evaluations=evaluations,
            keeper=keeper,
            access_keys=keys,
            metrics=metrics,
            spending=stores.spending,
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
        evaluations=lab.evaluations,
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
        await lab.evaluations.recover()
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
