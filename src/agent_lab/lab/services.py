"""What the routes may reach: the lab's services, and nothing of how they were built."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from agent_lab.lab.repeats import Repeats
from agent_lab.lab.run_stream import Readers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from agent_lab.contracts.flow_ports import ToolSpec
    from agent_lab.contracts.ports import Generator, LoadProgress, LocalFigures, ModelHost, ResourceMonitor, SpendingLog
    from agent_lab.evaluation.service import EvaluationService
    from agent_lab.flows.catalog import FlowCatalog
    from agent_lab.flows.shelf import FlowShelf
    from agent_lab.gateway.gateway import ProviderGateway
    from agent_lab.lab.connections import Connections
    from agent_lab.lab.loads import Loads
    from agent_lab.lab.vendors import Vendors
    from agent_lab.registries.models import ModelRegistry
    from agent_lab.registries.strategies import StrategyRegistry
    from agent_lab.runs.cases import CaseRunner
    from agent_lab.runs.service import RunService
    from agent_lab.runs.tally import Tallies
    from agent_lab.settings import Reading
    from agent_lab.telemetry.history.sampler import Sampler
    from agent_lab.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class LabServices:
    """The services behind the routes; `wiring` builds it and `create_app` keeps it on `app.state.services`."""

    models: ModelRegistry
    strategies: StrategyRegistry
    gateway: ProviderGateway
    generator: Generator
    """The gateway, measured: what answers."""
    host: ModelHost
    monitor: ResourceMonitor
    loads: Loads
    """The loads that were asked for over HTTP."""
    figures: Callable[[], LocalFigures]
    """What the local models have done so far."""
    loading: Callable[[], Sequence[LoadProgress]]
    """The models on their way into memory, whoever asked for them."""
    flows: FlowCatalog
    """Those of the library and of the user's folder."""
    shelf: FlowShelf
    """All flows, the stored ones first."""
    runs: RunService
    cases: CaseRunner
    """Runs the test cases that flows carry."""
    evaluations: EvaluationService
    tallies: Tallies
    """What the first draft, a vote and the best draft would have answered, over all runs of a flow."""
    metrics: Metrics
    sampler: Sampler
    """What has been noted of them over time."""
    spending: SpendingLog
    daily_budget_usd: Decimal | None
    reading: Reading
    """The settings, and where each was read."""
    vendors: Vendors
    """The providers that models may name."""
    connections: Connections
    tools: Mapping[str, ToolSpec]
    started_at: datetime
    readers: Readers = field(default_factory=Readers)
    """Those who follow runs now."""
    repeats: Repeats = field(default_factory=Repeats)
    """What the last requests with a key of their own began."""


def services_of(connection: HTTPConnection) -> LabServices:
    """The services of the app that this request came to."""
    return cast("LabServices", connection.app.state.services)


Services = Annotated[LabServices, Depends(services_of)]
"""A parameter of this type gets the services."""
