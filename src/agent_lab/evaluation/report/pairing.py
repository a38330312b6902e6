"""Says which arms of an evaluation are held against which, and which of those tests are corrected together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from agent_lab.contracts.evaluation import (
    AnyArm,
    DraftsVoteArm,
    EqualCostArm,
    FlowArm,
    ImportedArm,
    NoiseArm,
    WithoutArm,
)

Family = Literal["baseline", "part", "other"]
FAMILY_WORDS: dict[Family, str] = {"baseline": "arms", "part": "variants", "other": "comparisons"}
"""`baseline`: what is compared with its baseline, the claims of the evaluation. `part`: a flow against itself with a
node left out, with a critic of noise, or reduced to its drafts. `other`: flows against the remaining arms."""

_OF_A_FLOW = (WithoutArm, NoiseArm, DraftsVoteArm)
_BASELINE_KINDS = ("vote", "best_of", "best_single", "single")


@dataclass(frozen=True, slots=True)
class Pair:
    """An arm and what it is held against."""

    arm: str
    against: str
    family: Family
    at_equal_cost: bool = False
    """Whether it claims that both cost the same."""


def pairs_of(arms: Sequence[AnyArm], baseline: str = "auto") -> list[Pair]:
    """Every pair once, the claims first."""
    found: dict[frozenset[str], Pair] = {}
    for pair in (*_claims(arms, baseline), *_parts(arms), *_others(arms)):
        if pair.arm != pair.against:
            found.setdefault(frozenset((pair.arm, pair.against)), pair)
    return list(found.values())


def equal_cost_of(flow: FlowArm | NoiseArm, arms: Sequence[AnyArm]) -> EqualCostArm | None:
    """The baseline that was derived from that flow; of several, the one with its options."""
    derived = [arm for arm in arms if isinstance(arm, EqualCostArm) and arm.flow == flow.flow]
    same = [arm for arm in derived if arm.options == flow.options]
    return next(iter([*same, *derived]), None)


def _claims(arms: Sequence[AnyArm], baseline: str) -> Iterator[Pair]:
    if baseline != "auto":
        for arm in arms:
            if not isinstance(arm, _OF_A_FLOW):
                yield Pair(arm.name, baseline, "baseline", _is_equal_cost(arm, baseline, arms))
        return
    stand_in = _stand_in(arms)
    for arm in arms:
        derived = equal_cost_of(arm, arms) if isinstance(arm, FlowArm) else None
        if derived is not None:
            yield Pair(arm.name, derived.name, "baseline", at_equal_cost=True)
        elif isinstance(arm, FlowArm | ImportedArm) and stand_in is not None:
            yield Pair(arm.name, stand_in, "baseline")


def _stand_in(arms: Sequence[AnyArm]) -> str | None:
    """What stands for a baseline where none was derived: a vote, a single call, or the first arm."""
    for kind in _BASELINE_KINDS:
        for arm in arms:
            if arm.kind == kind:
                return arm.name
    plain = [arm.name for arm in arms if not isinstance(arm, _OF_A_FLOW)]
    return plain[0] if plain else None


def _is_equal_cost(arm: AnyArm, baseline: str, arms: Sequence[AnyArm]) -> bool:
    derived = equal_cost_of(arm, arms) if isinstance(arm, FlowArm) else None
    return derived is not None and derived.name == baseline


def _parts(arms: Sequence[AnyArm]) -> Iterator[Pair]:
    flows = [arm for arm in arms if isinstance(arm, FlowArm)]
    for part in arms:
        if not isinstance(part, _OF_A_FLOW):
            continue
        of = [flow for flow in flows if flow.flow == part.flow]
        same = [flow for flow in of if flow.options == part.options]
        for flow in (same or of)[:1]:
            yield Pair(flow.name, part.name, "part")
        derived = equal_cost_of(part, arms) if isinstance(part, NoiseArm) else None
        if derived is not None:
            yield Pair(part.name, derived.name, "part", at_equal_cost=True)


def _others(arms: Sequence[AnyArm]) -> Iterator[Pair]:
    """Each flow against each later flow, against what else answers, and against its own equal-cost baseline."""
    flows = [arm for arm in arms if isinstance(arm, FlowArm)]
    for number, flow in enumerate(flows):
        derived = equal_cost_of(flow, arms)
        if derived is not None:
            yield Pair(flow.name, derived.name, "other", at_equal_cost=True)
        for other in flows[number + 1 :]:
            yield Pair(flow.name, other.name, "other")
        for arm in arms:
            if arm.kind in _BASELINE_KINDS or isinstance(arm, ImportedArm):
                yield Pair(flow.name, arm.name, "other")
