"""Adds the baselines that nobody has to ask for, and says which arm each one is held against by a judge."""

from __future__ import annotations

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.evaluation import MAX_ARMS, AnyArm, EqualCostArm, EvaluationSpec, FlowArm
from agent_lab.contracts.sentences import said

_ALONE = ("vote", "best_of", "best_single", "single", "flow")


def with_baselines(spec: EvaluationSpec) -> EvaluationSpec:
    """The same with an equal-cost baseline for each flow that has none, where the baseline is `auto`.

    Raises ValidationError where there would be too many arms.
    """
    if spec.baseline != "auto":
        return spec
    arms: list[AnyArm] = list(spec.arms)
    names = {arm.name for arm in arms}
    for arm in spec.arms:
        if isinstance(arm, FlowArm) and equal_cost_of(arm, spec) is None:
            plain = f"equal-cost:{arm.flow}"
            name = plain if plain not in names else f"equal-cost of {arm.name}"[:120]
            arms.append(EqualCostArm(name=name, flow=arm.flow, options=arm.options))
            names.add(name)
    if len(arms) > MAX_ARMS:
        raise ValidationError(
            said(
                "arms_too_many",
                "With a baseline for each flow there are {arms} arms, and {most} are allowed; name "
                "fewer flows, or one baseline for all of them.",
                arms=len(arms),
                most=MAX_ARMS,
            ),
            where="arms",
        )
    return spec.model_copy(update={"arms": tuple(arms)})


def equal_cost_of(flow: FlowArm, spec: EvaluationSpec) -> EqualCostArm | None:
    """The baseline that is derived from that flow under the same options."""
    for arm in spec.arms:
        if isinstance(arm, EqualCostArm) and (arm.flow, arm.options) == (flow.flow, flow.options):
            return arm
    return None


def reference_of(name: str, spec: EvaluationSpec) -> str:
    """The arm whose answers a judge compares those of this one with; itself for a reference."""
    if spec.baseline != "auto":
        return spec.baseline
    equal = [arm for arm in spec.arms if isinstance(arm, EqualCostArm)]
    if name in {arm.name for arm in equal}:
        return name
    own = next((arm for arm in spec.arms if arm.name == name), None)
    if isinstance(own, FlowArm) and (found := equal_cost_of(own, spec)) is not None:
        return found.name
    if equal:
        return equal[0].name
    return next((arm.name for kind in _ALONE for arm in spec.arms if arm.kind == kind), spec.arms[0].name)
