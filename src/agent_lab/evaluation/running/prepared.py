"""Checks all of an evaluation before anything is asked, and lays out what it will run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError as PydanticError

from agent_lab.contracts.errors import NotFoundError, ValidationError
from agent_lab.contracts.evaluation import (
    AnyArm,
    ArmOrigin,
    BestSingleArm,
    Dataset,
    DatasetInfo,
    EqualCostArm,
    EvaluationSpec,
    FlowArm,
    ImportedArm,
    Item,
    NoiseArm,
    WithoutArm,
)
from agent_lab.contracts.evaluation_ports import DatasetStore
from agent_lab.contracts.ports import Generator
from agent_lab.contracts.reasons import reason
from agent_lab.contracts.sentences import said
from agent_lab.evaluation.arms.plans import Plan, Planner
from agent_lab.evaluation.data.datasets import DEMO, demo_dataset
from agent_lab.evaluation.data.selection import select
from agent_lab.evaluation.running.origins import Rows, bare_origin, origin_of
from agent_lab.evaluation.running.readings import Unjudged
from agent_lab.evaluation.running.references import with_baselines
from agent_lab.evaluation.scorers.judge import PairJudge
from agent_lab.evaluation.scorers.table import check_items, scorer_of
from agent_lab.evaluation.scoring import AnswerScorer


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An evaluation that can begin."""

    spec: EvaluationSpec
    """With the baselines that it needs."""
    dataset: DatasetInfo
    items: Sequence[Item]
    plans: Mapping[str, Plan]
    """By arm; of an equal-cost baseline a single answer, of the best single member none yet."""
    origins: Sequence[ArmOrigin]


async def prepared(
    spec: EvaluationSpec,
    *,
    datasets: DatasetStore,
    planner: Planner,
    rows: Rows,
    items: Sequence[Item] | None = None,
) -> Prepared:
    """All of it. `items`: those of an evaluation that goes on; else they are chosen from the dataset.

    Raises NotFoundError for an unknown dataset, flow, node or model, and ValidationError for what does not go together.
    """
    spec = with_baselines(await _with_each_left_out(spec, planner))
    info: DatasetInfo | None = None
    if items is None:
        dataset = await dataset_of(spec.dataset, datasets)
        info = dataset.info
        items = select(dataset, split=spec.split, limit=spec.limit, order=spec.order, seed=spec.seed)
        _check_scorer(spec, items)
    if spec.scorer.name == "judge":
        spec = _with_judge(spec, planner, rows)
    plans = {arm.name: await planner.plan(arm) for arm in spec.arms if not isinstance(arm, BestSingleArm | ImportedArm)}
    for arm in spec.arms:
        await _check_arm(arm, spec, items, plans, planner)
    return Prepared(
        spec=spec,
        dataset=info or DatasetInfo(name=spec.dataset, content_hash="", items=len(items)),
        items=items,
        plans=plans,
        origins=[_origin(arm, plans.get(arm.name), planner, rows) for arm in spec.arms],
    )


async def _with_each_left_out(spec: EvaluationSpec, planner: Planner) -> EvaluationSpec:
    """With an arm for each node in place of an arm that leaves out every node in turn, and is no node's already."""
    arms: list[AnyArm] = []
    for arm in spec.arms:
        if not isinstance(arm, WithoutArm) or arm.node is not None:
            arms.append(arm)
            continue
        named = {one.node for one in spec.arms if isinstance(one, WithoutArm) and _same_flow(one, arm)}
        arms += [one for one in await planner.each_left_out(arm) if one.node not in named]
    # Checked anew: a name may now be there twice, and the baseline may be an arm that was taken apart.
    return _checked(spec, arms)


def _same_flow(one: WithoutArm, other: WithoutArm) -> bool:
    return (one.flow, one.options) == (other.flow, other.options)


def _checked(spec: EvaluationSpec, arms: Sequence[AnyArm]) -> EvaluationSpec:
    try:
        return EvaluationSpec.model_validate({**dict(spec), "arms": tuple(arms)})
    except PydanticError as error:
        why = reason(error.errors(include_url=False)[0])
        raise ValidationError(
            said("each_left_out", "With each node left out in turn: {why}.", why=why), where="arms"
        ) from None


async def dataset_of(name: str, datasets: DatasetStore) -> Dataset:
    """A stored dataset; the built-in one is stored when it is first asked for. Raises NotFoundError."""
    try:
        return await datasets.get(name)
    except NotFoundError:
        if name != DEMO:
            raise
    built_in = demo_dataset()
    await datasets.put(built_in)
    return built_in


def scorer_for(spec: EvaluationSpec, generator: Generator) -> tuple[AnswerScorer, PairJudge | None]:
    """The scorer, and the judge where one has the last word."""
    if spec.scorer.name != "judge":
        return scorer_of(spec.scorer), None
    judge = PairJudge(spec.scorer, generator, language=spec.language)
    return Unjudged(judge.read, judge.version), judge


def _with_judge(spec: EvaluationSpec, planner: Planner, rows: Rows) -> EvaluationSpec:
    """With the model that judges by its name: whether it is one of the contestants is to be seen."""
    model = spec.scorer.model
    if model is not None:
        planner.admission.model(model)
        return spec
    found = rows.of(None, None)
    scorer = spec.scorer if found is None else spec.scorer.model_copy(update={"model": found[0].key})
    return spec.model_copy(update={"scorer": scorer})


def _check_scorer(spec: EvaluationSpec, items: Sequence[Item]) -> None:
    if spec.scorer.name == "judge":
        return
    scorer = scorer_of(spec.scorer)
    try:
        check_items(scorer, items)
    finally:
        close = getattr(scorer, "close", None)
        if close is not None:
            close()


async def _check_arm(
    arm: AnyArm, spec: EvaluationSpec, items: Sequence[Item], plans: Mapping[str, Plan], planner: Planner
) -> None:
    if isinstance(arm, NoiseArm) and len(items) < 2:
        raise ValidationError(
            said(
                "noise_of_one", "Noise is what the critic said to another item, and there is only one; take more items."
            )
        )
    if isinstance(arm, BestSingleArm):
        for model in arm.of:
            await planner.single(arm, model, None)
        if not any(isinstance(one, FlowArm) for one in spec.arms) and not arm.of:
            raise ValidationError(
                said(
                    "no_models_to_choose",
                    "The arm {arm!r} chooses among the models of flows, and no flow is asked; name the models, "
                    "as in best-single:MODEL+MODEL.",
                    arm=arm.name,
                ),
                where="arms",
            )
    if isinstance(arm, EqualCostArm):
        await planner.votes(arm)
    plan = plans.get(arm.name)
    for name, given in plan.flow.inputs.items() if plan else ():
        if name != "user_input" and given.default is None and any(item.columns.get(name) is None for item in items):
            raise ValidationError(
                said(
                    "arm_needs_column",
                    "The flow of the arm {arm!r} needs a value for {column!r}; give every item a column of that name.",
                    arm=arm.name,
                    column=name,
                ),
                where="dataset",
            )


def _origin(arm: AnyArm, plan: Plan | None, planner: Planner, rows: Rows) -> ArmOrigin:
    if plan is None:
        source = arm.source if isinstance(arm, ImportedArm) else ""
        return bare_origin(arm, f"answers from {source}" if source else "")
    return origin_of(plan, planner, rows)
