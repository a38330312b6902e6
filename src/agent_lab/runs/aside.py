"""A run service of its own for one flow: the answers come from a script, and nothing is kept or counted."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import FlowRef, FlowSource, NodeKind
from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.registry import Capability, CostProfile, ModelSpec
from agent_lab.contracts.run import RunStatus
from agent_lab.contracts.run_ports import RunEnd
from agent_lab.flows.catalog import flow_hash
from agent_lab.flows.checks import Checker
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.gateway.misfits import GatewayDefaults
from agent_lab.nodes.history import history_kind
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.strategies import StrategyRegistry
from agent_lab.runs.admission import Admission
from agent_lab.runs.service import RunService
from agent_lab.runs.workshop import Workshop
from agent_lab.storage.memory import MemoryRuns

SCRIPT = "script"
"""The model of nodes that name none."""
WINDOW_TOKENS = 10_000_000


class NoOutputs:
    """Leaves no file."""

    def check(self) -> None:
        """Nothing can be in the way."""

    def path(self, flow_id: str, execution_id: str) -> Path:
        """Where nothing is."""
        return Path(os.devnull)

    def write(self, flow_id: str, execution_id: str, document: dict[str, Any]) -> Path:
        """Lets the document go."""
        return Path(os.devnull)


class NoMetrics:
    """Counts nothing."""

    def run_started(self) -> None:
        """Not counted."""

    def runs_stand(self, counts: Mapping[RunStatus, int]) -> None:
        """Not counted."""

    def run_finished(self, flow: str, status: RunEnd, seconds: float) -> None:
        """Not counted."""


class OneFlow:
    """Finds this flow under its id, and every other one where `others` finds it."""

    def __init__(self, found: FlowRef, others: FlowSource) -> None:
        self._found = found
        self._others = others

    async def resolve(self, name: str, *, only: str | None = None) -> FlowRef:
        """The flow as a run takes it. Raises what `others` raises."""
        return self._found if name == self._found.flow.id else await self._others.resolve(name, only=only)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Opens such services. The models are asked for under their own names, and the script answers for all of them."""

    models: ModelRegistry
    strategies: StrategyRegistry
    kinds: Mapping[str, NodeKind]
    flows: FlowSource
    check: Checker

    @asynccontextmanager
    async def __call__(self, flow: FlowConfig, script: Callable[[ModelCall], str]) -> AsyncIterator[RunService]:
        """A service that runs the flow on these answers; whatever is going on in it ends with the block."""
        store, models = MemoryRuns(), _scripted(self.models)
        gateway = ProviderGateway(
            models=models,
            strategies=self.strategies,
            providers={"scripted": ScriptedProvider(script)},
            defaults=GatewayDefaults(provider="scripted", model=SCRIPT),
        )
        # Earlier runs are the user's own business, and would make a case come out otherwise tomorrow.
        kinds = {**self.kinds, "history": history_kind(store)}
        service = RunService(
            flows=OneFlow(ref_of(flow), self.flows),
            check=self.check,
            shop=Workshop(store=store, generator=gateway, kinds=kinds, outputs=NoOutputs(), metrics=NoMetrics()),
            admission=Admission(models.get_model, self.strategies.get_strategy, kinds),
        )
        try:
            yield service
        finally:
            await service.close()
            await gateway.close()


def ref_of(flow: FlowConfig) -> FlowRef:
    """A flow of no store, such as one from a file, as a run takes it."""
    return FlowRef(flow=flow, flow_hash=flow_hash(flow))


def with_flow(service: RunService, found: FlowRef) -> RunService:
    """The same service, to which this flow is known under its id besides those that it finds itself."""
    return replace(service, flows=OneFlow(found, service.flows))


def _scripted(models: ModelRegistry) -> ModelRegistry:
    """Every model under its own key, each with room for any prompt and nothing that could make it fail."""
    keys = [row.key for row in models.list_models() if row.key != SCRIPT]
    return ModelRegistry([_scripted_row(key) for key in (SCRIPT, *keys)])


def _scripted_row(key: str) -> ModelSpec:
    return ModelSpec(
        key=key,
        provider="scripted",
        model_id="scripted:role",
        context_window=WINDOW_TOKENS,
        capabilities=frozenset(get_args(Capability)),
        cost_profile=CostProfile(input_usd_per_mtok=Decimal(0), output_usd_per_mtok=Decimal(0)),
    )
