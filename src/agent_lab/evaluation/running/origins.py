"""Says what an arm was when it ran: its flow, its models, and a fingerprint of all that its answers depend on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.evaluation import AnyArm, ArmOrigin
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.registry import CostProfile, ModelSpec, StrategySpec
from agent_lab.contracts.sentences import told_of
from agent_lab.evaluation.arms.plans import Plan, Planner
from agent_lab.evaluation.fingerprints import fingerprint
from agent_lab.evaluation.running.terms import Resolve

PriceOf = Callable[[ModelSpec], CostProfile | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Knows the rows of models and strategies, and the prices, as they are now."""

    resolve: Resolve
    price_of: PriceOf

    def of(self, model: str | None, strategy: str | None) -> tuple[ModelSpec, StrategySpec] | None:
        """The rows by which a question to that model is answered; None where nobody would answer it."""
        try:
            return self.resolve(GenerationRequest(prompt="?", model_key=model, strategy=strategy), None)
        except AgentLabError:
            return None


def origin_of(plan: Plan, planner: Planner, rows: Rows, *, k: float | None = None, sentence: str = "") -> ArmOrigin:
    """The origin of an arm as its plan is now."""
    models: dict[str, ModelSpec] = {}
    strategies: dict[str, StrategySpec] = {}
    for model in planner.models(plan):
        for strategy in _strategies(plan):
            found = rows.of(model, strategy)
            if found is not None:
                models[found[0].key], strategies[found[1].name] = found
    prices = {key: rows.price_of(row) for key, row in models.items()}
    told = fingerprint(plan.flow, models.values(), strategies.values(), prices, subflows=plan.subflows)
    return ArmOrigin(
        arm=plan.arm,
        flow=plan.origin.flow.id if plan.origin else None,
        flow_hash=plan.origin.flow_hash if plan.origin else None,
        flow_version=plan.origin.version if plan.origin else None,
        models=tuple(sorted(models)),
        fingerprint=told,
        k=k,
        sentence=sentence or plan.sentence,
        said=told_of(sentence or plan.sentence),
    )


def bare_origin(arm: AnyArm, sentence: str = "") -> ArmOrigin:
    """The origin of an arm that has no flow: its answers were made elsewhere, or it is not chosen yet."""
    return ArmOrigin(arm=arm.name, fingerprint="", sentence=sentence, said=told_of(sentence))


def _strategies(plan: Plan) -> list[str | None]:
    """The strategies that its nodes name; None for the model's own."""
    if plan.options.strategy is not None:
        return [plan.options.strategy]
    nodes = [node for flow in (plan.flow, *plan.subflows.values()) for node in flow.nodes]
    named = [node.settings.get("strategy") for node in nodes if "prompt" in node.settings]
    return list(dict.fromkeys(one if isinstance(one, str) else None for one in named)) or [None]
