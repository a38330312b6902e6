"""Says of a badge whether what it was measured on is still so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent_lab.contracts.errors import AgentLabError, NotFoundError
from agent_lab.contracts.evaluation import AnyArm, ArmOrigin, FlowArm
from agent_lab.contracts.evaluation_ports import EvaluationStore
from agent_lab.contracts.evaluation_report import Badge
from agent_lab.contracts.sentences import told_by
from agent_lab.evaluation.arms.plans import Planner
from agent_lab.evaluation.badges import expired_because
from agent_lab.evaluation.running.origins import Rows, origin_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """Looks at flows, rows and prices as they are now."""

    store: EvaluationStore
    planner: Planner
    rows: Rows

    async def told(self, badge: Badge, origins: Sequence[ArmOrigin]) -> Badge:
        """The badge with why it holds no longer, a sentence each."""
        arms = await self._arms(badge, origins)
        now = {one.arm: await self._now(arms[one.arm]) for one in origins if one.arm in arms}
        expired = expired_because(origins, now)
        return badge.model_copy(update={"expired": expired, "said": told_by(expired)})

    async def _arms(self, badge: Badge, origins: Sequence[ArmOrigin]) -> Mapping[str, AnyArm]:
        """The arms as they were asked for; of an evaluation that was deleted the flow alone."""
        try:
            spec = (await self.store.get(badge.evaluation_id)).spec
        except NotFoundError:
            flows = [one for one in origins if one.flow == badge.flow and one.arm != badge.baseline]
            return {one.arm: FlowArm(name=one.arm, flow=badge.flow) for one in flows}
        return {arm.name: arm for arm in spec.arms}

    async def _now(self, arm: AnyArm) -> ArmOrigin | None:
        """What it would be; of a version that was named, what the flow is now. None where there is none any more."""
        for one in (_unpinned(arm), arm):
            try:
                return origin_of(await self.planner.plan(one), self.planner, self.rows)
            except AgentLabError:
                continue  # a flow that was never published is what was named
        return None


def _unpinned(arm: AnyArm) -> AnyArm:
    named = {name: flow for name in ("flow", "like") if isinstance(flow := getattr(arm, name, None), str)}
    return arm.model_copy(update={name: flow.partition("@")[0] for name, flow in named.items()})
