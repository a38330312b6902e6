"""Opens everything that a door needs, from the settings, and closes it in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from agent_lab.contracts.flow_ports import NodeKind, ToolSpec
from agent_lab.contracts.ports import (
    Generator,
    LoadProgress,
    LocalFigures,
    ModelHost,
    ResourceMonitor,
    SpendingLog,
)
from agent_lab.contracts.registry import ProviderSpec
from agent_lab.evaluation.service import EvaluationService
from agent_lab.flows.catalog import FlowCatalog
from agent_lab.flows.compiler import GraphBuilder
from agent_lab.flows.shelf import FlowShelf
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.providers.hosted.opening import Hosted
from agent_lab.providers.local.opening import open_local, warm
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.plugins import Plugins
from agent_lab.registries.strategies import StrategyRegistry
from agent_lab.runs.admission import Admission
from agent_lab.runs.aside import SetAside, with_flow
from agent_lab.runs.cases import CaseRunner
from agent_lab.runs.keeper import Keeper
from agent_lab.runs.service import RunService
from agent_lab.runs.tally import Tallies
from agent_lab.runs.workshop import Workshop
from agent_lab.settings import Reading, Settings
from agent_lab.storage.access_keys import AccessKeys
from agent_lab.storage.opening import Stores, open_store
from agent_lab.storage.outputs import OutputFolder
from agent_lab.telemetry import logging
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

if TYPE_CHECKING:
    pass


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
    tallies: Tallies
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
        tallies, keeper = _beside(runs, stores, closing)
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
            tallies=tallies,
            keeper=keeper,
            access_keys=keys,
            metrics=metrics,
            spending=stores.spending,
            started_at=datetime.now(UTC),
            providers=rows,
            hosted=hosted,
        )


def _beside(runs: RunService, stores: Stores, closing: AsyncExitStack) -> tuple[Tallies, Keeper]:
    """What counts runs and what keeps them going, until the lab closes."""
    tallies, keeper = Tallies(stores.tallies, runs.store.events, runs.shop.kinds), Keeper(runs)
    closing.push_async_callback(tallies.close)
    closing.callback(asyncio.create_task(keeper.keep()).cancel)
    return tallies, keeper


def case_runner(lab: Lab) -> CaseRunner:
    """What runs the test cases of flows over this lab."""
    runs, models, strategies = lab.runs, lab.models, lab.strategies
    aside = SetAside(models=models, strategies=strategies, kinds=runs.shop.kinds, flows=runs.flows, check=runs.check)
    return CaseRunner(aside=aside, real=partial(with_flow, runs))
