"""Joins evaluations to what they ask, draw on and leave."""

from __future__ import annotations

from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.ports import Generator
from agent_lab.contracts.registry import ModelSpec, StrategySpec
from agent_lab.evaluation.arms.plans import Planner
from agent_lab.evaluation.running.estimate import Estimator
from agent_lab.evaluation.running.origins import Rows
from agent_lab.evaluation.running.terms import Terms
from agent_lab.evaluation.service import EvaluationService
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.nodes.history import history_kind
from agent_lab.runs.service import RunService
from agent_lab.storage.memory import MemoryRuns
from agent_lab.storage.opening import Stores


def open_evaluations(
    stores: Stores, *, gateway: ProviderGateway, generator: Generator, runs: RunService, default_tokens: int
) -> EvaluationService:
    """The evaluations of the lab whose runs these are."""

    def resolve(request: GenerationRequest, sticky: str | None) -> tuple[ModelSpec, StrategySpec]:
        model = gateway.resolve_model(request, sticky=sticky)
        return model, gateway.select_strategy(request, model)

    # What the user asked earlier has no place in an answer that is measured: tomorrow it would be another one.
    kinds = {**runs.shop.kinds, "history": history_kind(MemoryRuns())}
    planner = Planner(flows=runs.flows, admission=runs.admission, kinds=kinds, check=runs.check, resolve=resolve)
    rows = Rows(resolve=resolve, price_of=gateway.price_of)
    return EvaluationService(
        datasets=stores.datasets,
        store=stores.evaluations,
        badge_store=stores.badges,
        answers=stores.answers,
        generator=generator,
        planner=planner,
        terms=Terms(resolve, default_tokens),
        rows=rows,
        estimated=Estimator(planner=planner, rows=rows, kinds=kinds, prices=gateway, pace_s=gateway.pace_s),
    )
