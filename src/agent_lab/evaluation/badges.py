"""Says of each flow whether it was worth its price, and when what was measured holds no longer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agent_lab.contracts.evaluation import ArmOrigin, EvaluationSpec, FlowArm
from agent_lab.contracts.evaluation_report import Badge, PairedDifference, Report
from agent_lab.contracts.sentences import Sentence, said
from agent_lab.evaluation.fingerprints import parts_of

USUAL_ALPHA = EvaluationSpec.model_fields["alpha"].default
USUAL_TOLERANCE = EvaluationSpec.model_fields["cost_tolerance"].default


def badges(report: Report) -> tuple[Badge, ...]:
    """One for each flow that was held against a baseline at equal cost; none before all of it was asked.

    An evaluation that stopped early has no badges: whoever may stop when the figures look good gets good figures. Of
    several arms of one flow the one that runs it as it stands counts, without options of its own.
    """
    if report.evaluation.status != "completed":
        return ()
    spec = report.evaluation.spec
    flows = [arm for arm in spec.arms if isinstance(arm, FlowArm)]
    found: dict[str, Badge] = {}
    for arm in sorted(flows, key=lambda arm: arm.options != FlowArm.model_fields["options"].default):
        flow = arm.flow.partition("@")[0]
        compared = _at_equal_cost(report.differences, arm.name)
        if compared is not None:
            found.setdefault(flow, _badge(report, flow, compared))
    return tuple(found.values())


def _at_equal_cost(differences: Sequence[PairedDifference], arm: str) -> PairedDifference | None:
    return next((one for one in differences if one.arm == arm and one.cost_match is not None), None)


def _badge(report: Report, flow: str, compared: PairedDifference) -> Badge:
    info = report.evaluation
    return Badge(
        flow=flow,
        evaluation_id=info.evaluation_id,
        dataset=info.dataset.name,
        items=compared.items,
        verdict=compared.verdict,
        difference=compared.difference,
        interval=compared.interval,
        cost_ratio=compared.cost_match.ratio if compared.cost_match else 0.0,
        baseline=compared.against,
        sentence=_sentence(compared, info.spec, info.dataset.name),
        measured_at=info.finished_at or info.created_at,
    )


def _sentence(one: PairedDifference, spec: EvaluationSpec, dataset: str) -> str:
    split = f" {spec.split}" if spec.split else ""
    where = f"on {dataset}{split}, {one.items:,} items{_unusual(one, spec)}"
    span = f"{points(one.difference)} points ({_plain(one.interval.low)} to {_plain(one.interval.high)})"
    if one.verdict == "better":
        return f"worth it: {span} at equal cost {where}"
    if one.verdict == "worse":
        return f"not worth it: {span} at equal cost {where}"
    if one.verdict == "no_difference":
        return f"no difference larger than {100 * spec.margin:.1f} points at equal cost {where}"
    if one.verdict == "refused":
        why = one.cost_match.sentence.rstrip(".") if one.cost_match else "the costs are not equal"
        return f"not known: {why} ({where})"
    return f"not known: {span} at equal cost {where}; more items would tell"


def _unusual(one: PairedDifference, spec: EvaluationSpec) -> str:
    """Where more was allowed than is usual: a badge is read without the evaluation that gave it."""
    ratio = 1.0 if one.cost_match is None or one.verdict == "refused" else one.cost_match.ratio
    cost = f", the baseline at {ratio:.2f} times the cost" if abs(ratio - 1) > USUAL_TOLERANCE else ""
    return f"{cost}, at {100 * (1 - spec.alpha):.4g} % confidence" if spec.alpha != USUAL_ALPHA else cost


def points(part: float) -> str:
    """A part of 1 in points, with its sign; nothing has none."""
    shown = f"{100 * part:+.1f}"
    return "0.0" if shown in {"+0.0", "-0.0"} else shown


def _plain(part: float) -> str:
    return points(part).removeprefix("+")


def expired_because(origins: Sequence[ArmOrigin], now: Mapping[str, ArmOrigin | None]) -> tuple[Sentence, ...]:
    """Why a badge holds no longer, a sentence each; none: it holds.

    `origins`: what its arms were when they were measured. `now`: by arm, what they would be now; None for one that
    could not be made any more. An arm that `now` does not name is taken to be what it was.
    """
    found: dict[Sentence, None] = {}
    for before in origins:
        if before.arm not in now:
            continue
        after = now[before.arm]
        found |= dict.fromkeys(_gone(before) if after is None else _changes(before, after))
    return tuple(found)


def changed_since(before: ArmOrigin, now: ArmOrigin) -> str | None:
    """The first thing that an arm's answers depend on and that is another one now; None where there is none.

    What cannot be found now has not changed: whoever asks it is told. Nor has an arm that was chosen only later.
    """
    was, is_now = parts_of(before.fingerprint), parts_of(now.fingerprint)
    changed = (part for part, value in was.items() if is_now.get(part, value) != value)
    return next((_told(*_kind_and_name(part), was[part], is_now[part]) for part in changed), None)


def _gone(before: ArmOrigin) -> Iterator[Sentence]:
    if before.flow is not None:
        yield said("flow_gone", "The flow {flow!r} is gone, or cannot be run any more.", flow=before.flow)
    else:
        yield said("arm_gone", "The arm {arm!r} cannot be asked any more.", arm=before.arm)


def _changes(before: ArmOrigin, after: ArmOrigin) -> Iterator[Sentence]:
    was, is_now = parts_of(before.fingerprint), parts_of(after.fingerprint)
    for part in [*was, *(part for part in is_now if part not in was)]:
        if was.get(part) != is_now.get(part):
            yield _told(*_kind_and_name(part), was.get(part), is_now.get(part))
    if before.flow_version != after.flow_version and None not in (before.flow_version, after.flow_version):
        yield said(
            "version_changed",
            "Version {before} of the flow was measured, and version {after} runs now.",
            before=before.flow_version or 0,
            after=after.flow_version or 0,
        )
    if before.fingerprint != after.fingerprint and was == is_now:
        yield said("something_changed", "What its answers depend on has changed.")


def _kind_and_name(part: str) -> tuple[str, str]:
    kind, _, name = part.partition(" ")
    return kind, name


def _told(kind: str, name: str, was: str | None, is_now: str | None) -> Sentence:
    if kind == "flow":
        return (
            said("inner_flow_changed", "The flow {flow!r} that it runs has changed.", flow=name)
            if name
            else said("flow_changed", "The flow has changed: a prompt, a node or an edge.")
        )
    if kind == "price":
        return said("price_changed", "The price of the model {model!r} has changed.", model=name)
    if is_now is None:
        return said("part_gone", "The {what} {name!r} is gone, or takes no part any more.", what=kind, name=name)
    if was is None:
        return said("part_new", "The {what} {name!r} takes part now, and did not.", what=kind, name=name)
    return said("part_changed", "The {what} {name!r} has changed.", what=kind, name=name)
