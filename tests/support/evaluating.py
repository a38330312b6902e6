"""A planner over the library, and whatever else evaluations need of a lab, with scripted models at its end."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from agent_lab.contracts.errors import UnusableError, unknown_name
from agent_lab.contracts.evaluation import Dataset, Item
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.flow_ports import FlowRef
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.ports import ModelCall, ProviderPiece
from agent_lab.contracts.registry import ModelSpec, StrategySpec
from agent_lab.evaluation.arms.plans import Planner
from agent_lab.evaluation.data.datasets import dataset_of
from agent_lab.evaluation.running.estimate import Estimator
from agent_lab.evaluation.running.origins import Rows
from agent_lab.evaluation.running.terms import Resolve, Terms
from agent_lab.evaluation.service import EvaluationService
from agent_lab.flows.catalog import flow_hash
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.providers.scripted import ScriptedProvider
from support.evaluation_stores import Kept
from support.runs import Bench


class SomeFlows:
    """Finds these flows by their ids."""

    def __init__(self, flows: Mapping[str, FlowConfig]) -> None:
        self._flows = flows

    async def resolve(self, name: str, *, only: str | None = None) -> FlowRef:
        """Raises NotFoundError."""
        if name not in self._flows:
            raise unknown_name("flow", name, self._flows, where="flow")
        flow = self._flows[name]
        return FlowRef(flow=flow, flow_hash=flow_hash(flow))


def planner(lab: Bench, *flows: FlowConfig | Mapping[str, Any]) -> Planner:
    """A planner over the library, or over these flows."""
    shop = lab.runs.shop
    found = [one if isinstance(one, FlowConfig) else FlowConfig.model_validate(one) for one in flows]
    return Planner(
        flows=SomeFlows({one.id: one for one in found}) if found else lab.runs.flows,
        admission=lab.runs.admission,
        kinds=shop.kinds,
        check=lab.runs.check,
        resolve=resolving(lab),
    )


def gateway_of(lab: Bench) -> ProviderGateway:
    """The gateway of that lab."""
    gateway = lab.runs.shop.generator
    assert isinstance(gateway, ProviderGateway)
    return gateway


def resolving(lab: Bench) -> Resolve:
    """The rows by which that lab answers a request."""
    gateway = gateway_of(lab)

    def resolve(request: GenerationRequest, sticky: str | None) -> tuple[ModelSpec, StrategySpec]:
        model = gateway.resolve_model(request, sticky=sticky)
        return model, gateway.select_strategy(request, model)

    return resolve


def service(lab: Bench, kept: Kept, *, flows: Sequence[Mapping[str, Any]] = ()) -> EvaluationService:
    """The evaluations of that lab, kept there; over the library, or over these flows."""
    gateway, resolve = gateway_of(lab), resolving(lab)
    plans = planner(lab, *flows)
    rows = Rows(resolve=resolve, price_of=gateway.price_of)
    return EvaluationService(
        datasets=kept.datasets,
        store=kept.evaluations,
        badge_store=kept.badges,
        answers=kept.answers,
        generator=gateway,
        planner=plans,
        terms=Terms(resolve, 512),
        rows=rows,
        estimated=Estimator(planner=plans, rows=rows, kinds=plans.kinds, prices=gateway, pace_s=gateway.pace_s),
    )


def sums(count: int = 12, *, name: str = "sums") -> Dataset:
    """Questions `What is 10 + n?` with their sums."""
    items = tuple(Item(id=f"q{n:03}", input=f"What is 10 + {n}?", target=str(10 + n)) for n in range(count))
    return dataset_of(items, name=name)


class Solver:
    """Answers sums: rightly, or one too high, as the seed of the question draws; a critic says which question it saw.

    It counts its calls, and fails or waits where it is told to.
    """

    def __init__(self, *, right: float = 0.6, words: int = 4) -> None:
        self.calls: list[ModelCall] = []
        self.down = False
        self.gate: asyncio.Event | None = None
        self.right = right
        self._words = words

    def __call__(self, call: ModelCall) -> str:
        """The answer. Raises UnusableError while it is down."""
        self.calls.append(call)
        if self.down:
            raise UnusableError("The model is away; come back later.")
        prompt = call.request.prompt
        asked = re.search(r"10 \+ (\d+)", prompt)
        number = 10 + int(asked[1]) if asked else 0
        if call.request.context.role == "challenger":
            return f"I looked at 10 + {number - 10}."
        drawn = random.Random(f"{call.request.seed}/{number}").random()
        filler = "Let me see. " * self._words
        return f"{filler}Answer: {number if drawn < self.right else number + 1}"


class GatedProvider(ScriptedProvider):
    """Waits before each answer for as long as the solver's gate is closed."""

    def __init__(self, solver: Solver) -> None:
        super().__init__(solver)
        self._solver = solver

    async def stream(self, call: ModelCall) -> AsyncGenerator[ProviderPiece, None]:
        """The pieces, once the gate is open."""
        if self._solver.gate is not None:
            await self._solver.gate.wait()
        async for piece in super().stream(call):
            yield piece
