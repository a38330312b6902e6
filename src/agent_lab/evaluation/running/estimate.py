"""Says before an evaluation begins what it would take, and what difference it could show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import TypeVar

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.evaluation import (
    BestSingleArm,
    DraftsVoteArm,
    EqualCostArm,
    EvaluationEstimate,
    EvaluationSpec,
    FlowArm,
    ImportedArm,
    NoiseArm,
)
from agent_lab.contracts.flow import FlowConfig, in_language
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.registry import CostProfile
from agent_lab.contracts.run import RunRequest
from agent_lab.contracts.sentences import Sentence, said, told_by
from agent_lab.evaluation.arms.plans import Plan, Planner
from agent_lab.evaluation.running.cells import request_of
from agent_lab.evaluation.running.origins import Rows
from agent_lab.evaluation.running.prepared import Prepared
from agent_lab.flows.checking.examined import settings_of
from agent_lab.flows.templates import mentioned
from agent_lab.nodes.generate import GenerateSettings
from agent_lab.nodes.sampling import MAX_SAMPLES
from agent_lab.runs.worst_case import CHARS_PER_TOKEN, Prices, WorstCase, worst_case

ANSWER_TOKENS = 200
"""What an answer usually has, where nothing is known of it; never more than its node allows."""
USD_STEPS = Decimal("0.0001")
T = TypeVar("T")


@dataclass(slots=True)
class _Expected:
    """Calls, tokens and USD of one answer of an arm, each node having one turn."""

    calls: int = 0
    tokens: int = 0
    usd: Decimal | None = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """Estimates. `pace_s`: how long a model usually takes for an answer, as far as that is known."""

    planner: Planner
    rows: Rows
    kinds: Mapping[str, NodeKind]
    prices: Prices
    pace_s: Callable[[str], float | None] = lambda _: None

    def __call__(self, what: Prepared) -> EvaluationEstimate:
        """For a thread: it computes for a while, and imports scipy."""
        from agent_lab.evaluation.statistics.power import power_sentence, smallest_difference

        spec, items = what.spec, what.items
        answers = len(items) * spec.samples
        expected = {arm: self._expected(plan, what) for arm, plan in _asked(what).items()}
        most = {arm: self._most(plan, what) for arm, plan in _asked(what).items()}
        _derive(what, expected, lambda plan: self._expected(plan, what))
        equal = [arm for arm in spec.arms if isinstance(arm, EqualCostArm)]
        most_calls = sum(0 if one is None else one.bounds.calls for one in most.values()) + MAX_SAMPLES * len(equal)
        most |= {arm.name: _of_flow(arm, spec, most) for arm in equal}
        besides = _asked_besides(what)
        total = [*expected.values(), *(expected[arm] for arm in besides)]
        seen = smallest_difference(len(items), alpha=spec.alpha)
        usd = [one.usd for one in total]
        worst = [*most.values(), *(most[arm] for arm in besides)]
        at_most = [None if one is None else one.cost_usd for one in worst]
        most_calls += sum(0 if one is None else one.bounds.calls for one in worst[len(most) :])
        warnings = _warnings(expected, what)
        return EvaluationEstimate(
            items=len(items),
            cells=answers * sum(not isinstance(arm, ImportedArm) for arm in spec.arms),
            calls=answers * sum(one.calls for one in total),
            calls_at_most=answers * most_calls,
            tokens=answers * sum(one.tokens for one in total),
            cost_usd=_sum(usd, answers),
            cost_at_most_usd=_sum(at_most, answers) if self._judge_is_free(spec) else None,
            seconds=self._seconds(what, expected, answers),
            smallest_difference=seen,
            sentence=power_sentence(len(items), alpha=spec.alpha),
            warnings=tuple(warnings),
            said=told_by(warnings),
        )

    def _expected(self, plan: Plan, what: Prepared) -> _Expected:
        """By the texts of its nodes, the mean length of the questions, and answers of the usual length."""
        found = _Expected()
        question = sum(len(item.input) for item in what.items) / max(1, len(what.items))
        for flow in (plan.flow, *plan.subflows.values()):
            for node in flow.nodes:
                kind = self.kinds[node.kind]
                settings = settings_of(node, kind)
                if not kind.calls or settings is None:
                    continue
                calls = min(kind.most_calls(settings), 64)
                price = self._price(plan, flow, node.id)
                read, written = _tokens(settings, question, what.spec)
                found.calls += calls
                found.tokens += calls * (read + written)
                found.usd = (
                    None if price is None or found.usd is None else found.usd + calls * _usd(price, read, written)
                )
        return found

    def _price(self, plan: Plan, flow: FlowConfig, node: str) -> CostProfile | None:
        one = flow.node(node)
        own = one.settings.get("model")
        model = plan.options.models.get(node) or plan.options.models.get(one.part) or plan.options.model or own
        found = self.rows.of(model if isinstance(model, str) else None, plan.options.strategy)
        return None if found is None else self.rows.price_of(found[0])

    def _judge_is_free(self, spec: EvaluationSpec) -> bool:
        """Also where nobody judges. How long a judge will read is not known before there are answers."""
        if spec.scorer.name != "judge":
            return True
        found = self.rows.of(spec.scorer.model, None)
        price = None if found is None else self.rows.price_of(found[0])
        return price is not None and _usd(price, 1, 1) == 0

    def _most(self, plan: Plan, what: Prepared) -> WorstCase | None:
        """Of the longest question."""
        longest = max(what.items, key=lambda item: len(item.input))
        request: RunRequest = request_of(plan, longest, 0, what.spec)
        try:
            return worst_case(plan.flow, request, self.kinds, plan.subflows.get, self.prices)
        except AgentLabError:
            return None

    def _seconds(self, what: Prepared, expected: Mapping[str, _Expected], answers: int) -> float | None:
        """By the usual pace of the models, so many items at a time."""
        total_s = 0.0
        for arm, plan in _asked(what).items():
            paces = [
                self.pace_s(row[0].key) for model in self.planner.models(plan) if (row := self.rows.of(model, None))
            ]
            known = [pace for pace in paces if pace is not None]
            if len(known) < len(paces) or not known:
                return None
            total_s += answers * expected[arm].calls * sum(known) / len(known)
        return round(total_s / max(1, min(what.spec.concurrency, answers)), 1)


def _asked(what: Prepared) -> dict[str, Plan]:
    """The plans by arm of those for which models are asked anew; those that are derived later are taken at the cost of
    their flow, and what reads answers that are there costs nothing."""
    free = {
        arm.name
        for arm in what.spec.arms
        if isinstance(arm, EqualCostArm | BestSingleArm)
        or (isinstance(arm, DraftsVoteArm) and _runs_its_flow(arm, what.spec))
    }
    return {arm: plan for arm, plan in what.plans.items() if arm not in free}


def _asked_besides(what: Prepared) -> list[str]:
    """Arms whose flow is run besides, to hear what its critic says to other items."""
    return [arm.name for arm in what.spec.arms if isinstance(arm, NoiseArm) and not _runs_its_flow(arm, what.spec)]


def _runs_its_flow(arm: DraftsVoteArm | NoiseArm, spec: EvaluationSpec) -> bool:
    """Whether another arm is that flow, so that its answers are there."""
    flows = (one for one in spec.arms if isinstance(one, FlowArm))
    return any((one.flow, one.options) == (arm.flow, arm.options) for one in flows)


def _derive(what: Prepared, expected: dict[str, _Expected], once: Callable[[Plan], _Expected]) -> None:
    """An equal-cost vote costs what its flow costs, in as many calls as that pays for."""
    for arm in what.spec.arms:
        if isinstance(arm, EqualCostArm):
            flow = _of_flow(arm, what.spec, expected) or _Expected(usd=None)
            alone = once(what.plans[arm.name])
            calls = round(flow.tokens / alone.tokens) if alone.tokens else flow.calls
            expected[arm.name] = _Expected(calls=min(calls, MAX_SAMPLES), tokens=flow.tokens, usd=flow.usd)


def _of_flow(arm: EqualCostArm, spec: EvaluationSpec, by_arm: Mapping[str, T]) -> T | None:
    """What is known of the arm that runs its flow."""
    return next((by_arm[one.name] for one in spec.arms if isinstance(one, FlowArm) and one.flow == arm.flow), None)


def _tokens(settings: object, question: float, spec: EvaluationSpec) -> tuple[int, int]:
    """Tokens read and written by one call."""
    written, read = ANSWER_TOKENS, question / CHARS_PER_TOKEN
    if isinstance(settings, GenerateSettings):
        written = min(ANSWER_TOKENS, settings.max_tokens or ANSWER_TOKENS)
        texts = [in_language(text, spec.language) for text in (settings.prompt, settings.system) if text is not None]
        read += sum(len(text) for text in texts) / CHARS_PER_TOKEN
        read += ANSWER_TOKENS * sum(name.endswith("_output") for name in mentioned(texts))
    else:  # a judge reads two answers
        read += 2 * ANSWER_TOKENS
    return round(read), written


def _usd(price: CostProfile, read: int, written: int) -> Decimal:
    return (price.input_usd_per_mtok * read + price.output_usd_per_mtok * written) / 1_000_000


def _sum(costs: Sequence[Decimal | None], answers: int) -> Decimal | None:
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return None
    return (sum(known, Decimal(0)) * answers).quantize(USD_STEPS, ROUND_CEILING)


def _warnings(expected: Mapping[str, _Expected], what: Prepared) -> list[Sentence]:
    found = []
    unpriced = [arm for arm, one in expected.items() if one.usd is None]
    if unpriced and what.spec.budget_usd is not None:
        found.append(
            said(
                "price_not_counted",
                "The price of a model of {arm!r} is not known: what it costs is not counted against the budget.",
                arm=unpriced[0],
            )
        )
    if any(isinstance(arm, BestSingleArm) for arm in what.spec.arms):
        found.append(
            said(
                "best_single_asks",
                "Choosing the best single member asks each of the models about the items for tuning, besides.",
            )
        )
    if what.spec.scorer.name == "judge":
        found.append(said("judge_asked_twice", "The judge is asked twice for each answer, besides."))
    return found
