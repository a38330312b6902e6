"""A run service over the memory store and the real gateway, with a scripted provider at its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from agent_lab.contracts.events import RunEvent
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.registry import CostProfile, ModelSpec, StrategySpec
from agent_lab.contracts.run import RunOptions, RunRequest, RunStatus, RunView
from agent_lab.contracts.run_ports import RunStore
from agent_lab.flows.catalog import FlowCatalog
from agent_lab.flows.checks import check_flow
from agent_lab.flows.compiler import GraphBuilder
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.gateway.misfits import GatewayDefaults
from agent_lab.nodes.table import node_kinds
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.registries.models import ModelRegistry
from agent_lab.registries.strategies import StrategyRegistry
from agent_lab.runs.admission import Admission
from agent_lab.runs.queue import QueueRules
from agent_lab.runs.service import RunService
from agent_lab.runs.workshop import Workshop
from agent_lab.storage.memory import MemoryRuns
from agent_lab.storage.outputs import OutputFolder
from support.flows import SteadyMachine


def scripted_model(key: str, price: float | None = None) -> ModelSpec:
    profile = None if price is None else CostProfile(input_usd_per_mtok=price, output_usd_per_mtok=price)
    return ModelSpec(
        key=key,
        name=key,
        family="scripted",
        provider="scripted",
        model_id="scripted:role",
        context_window=100_000,
        cost_profile=profile,
    )


EITHER = ModelSpec(key="either", split={"voice": 1, "other": 1})
MODELS = ModelRegistry(
    [
        scripted_model("voice"),
        scripted_model("other"),
        scripted_model("dear", price=1_000_000.0),
        scripted_model("priced", price=1.0),
        EITHER,
    ]
)
STRATEGIES = StrategyRegistry([StrategySpec(name="standard", description="plain")])


@dataclass(slots=True)
class CountedRuns:
    """Keeps what is said of runs to the metrics."""

    seen: list[tuple[Any, ...]] = field(default_factory=list)

    def run_started(self) -> None:
        self.seen.append(("started",))

    def runs_stand(self, counts: Mapping[RunStatus, int]) -> None:
        self.seen.append(("standing", dict(counts)))

    def run_finished(self, flow: str, status: str, seconds: float) -> None:
        self.seen.append((flow, status))


@dataclass(slots=True)
class Bench:
    """A service and the fakes around it."""

    runs: RunService
    provider: ScriptedProvider
    catalog: FlowCatalog
    folder: Path

    async def run(self, flow: str, prompt: str = "What?", **options: Any) -> RunView:
        """The run, once it has ended."""
        info = await self.runs.start(RunRequest(flow=flow, prompt=prompt, options=RunOptions(**options)))
        return await self.runs.wait(info.run_id)

    async def events(self, run_id: str) -> Sequence[RunEvent]:
        return await self.runs.events(run_id)


def bench(
    folder: Path,
    provider: ScriptedProvider | None = None,
    *,
    store: RunStore | None = None,
    extra_kinds: Sequence[NodeKind] = (),
    default_model: str = "voice",
    rules: QueueRules | None = None,
) -> Bench:
    """Everything of a lab but the local models."""
    provider = provider or ScriptedProvider()
    store = store or MemoryRuns()
    gateway = ProviderGateway(
        models=MODELS,
        strategies=STRATEGIES,
        providers={"scripted": provider},
        defaults=GatewayDefaults(provider="scripted", model=default_model),
    )
    kinds = node_kinds(monitor=SteadyMachine(), history=store)
    kinds.update((kind.name, kind) for kind in extra_kinds)
    keys = [model.key for model in MODELS.list_models()]
    check = partial(check_flow, kinds=kinds, models=keys, strategies=["standard"])
    catalog = FlowCatalog(folder / "flows", check)
    builder = GraphBuilder(kinds, catalog)
    shop = Workshop(
        store=store,
        generator=gateway,
        kinds=builder.kinds,
        outputs=OutputFolder(folder),
        metrics=CountedRuns(),
    )
    runs = RunService(
        flows=catalog,
        check=check,
        shop=shop,
        admission=Admission(MODELS.get_model, STRATEGIES.get_strategy, builder.kinds),
        rules=rules or QueueRules(),
    )
    return Bench(runs, provider, catalog, folder)
