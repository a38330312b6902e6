"""Builds the report of an evaluation from its cells: each arm, each paired difference, what the debates did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from agent_lab.contracts.evaluation import (
    AnyArm,
    ArmOrigin,
    Cell,
    EvaluationInfo,
    EvaluationSpec,
    FlowArm,
    Item,
    Progress,
    WithoutArm,
)
from agent_lab.contracts.evaluation_report import DebateFigures, PairedDifference, Report
from agent_lab.evaluation.badges import badges
from agent_lab.evaluation.debate.figures import debate_figures
from agent_lab.evaluation.report.cautions import cautions
from agent_lab.evaluation.report.costs import unit_of
from agent_lab.evaluation.report.differences import Judging, Measured, ResamplesByItems, measure
from agent_lab.evaluation.report.figures import figures_of
from agent_lab.evaluation.report.pairing import FAMILY_WORDS, Family, Pair, pairs_of
from agent_lab.evaluation.report.table import ArmCells, arrange
from agent_lab.evaluation.report.verdicts import Rules, Spoken, largest, verdict_of
from agent_lab.evaluation.report.words import rounded
from agent_lab.evaluation.running.references import reference_of
from agent_lab.evaluation.statistics.holm import holm


def build_report(
    info: EvaluationInfo,
    items: Sequence[Item],
    cells: Iterable[Cell],
    origins: Sequence[ArmOrigin],
    *,
    scorer_version: str,
    binary: bool,
    arms: Sequence[AnyArm] | None = None,
    notes: Sequence[str] = (),
) -> Report:
    """The same for the same cells, in whatever order they come.

    `binary`: whether the scorer says right or wrong only. `arms`: all arms, where some were derived beyond those that
    were asked for. `notes`: what the scorer or the dataset has to warn of. It computes for up to seconds and imports
    numpy and scipy: import and call it away from an event loop.
    """
    spec, asked = info.spec, {item.id for item in items}
    every = [cell for cell in cells if cell.item in asked]
    listed = tuple(arms if arms is not None else spec.arms)
    judged = spec.scorer.name == "judge"
    table = arrange(listed, items, every, origins, unit_of(spec, every), judged=judged)
    drawn = ResamplesByItems()
    rules = Rules(alpha=spec.alpha, margin=spec.margin, judged=judged)
    measured = _measured(table, listed, info, drawn, binary=binary)
    differences = _differences(measured, table, rules)
    undecided = [
        found for found, said in zip(measured, differences, strict=True) if said.verdict in ("inconclusive", "refused")
    ]
    claims = sum(found.pair.family == "baseline" for found in measured)
    told = tuple(cautions(info, items, table, undecided, claims=claims))
    report = Report(
        evaluation=info,
        scorer=scorer_version,
        unit=unit_of(spec, every),
        confidence=1 - spec.alpha,
        arms=tuple(figures_of(table, 1 - spec.alpha, drawn)),
        differences=tuple(differences),
        debates=tuple(_debates(table, differences)),
        warnings=(*notes, *(one.sentence for one in told)),
        cautions=told,
        paid_usd=_paid(info.progress, every),
        calls=info.progress.calls,
        reused_calls=info.progress.reused_calls,
    )
    return report.model_copy(update={"badges": badges(report)})


def _measured(
    table: dict[str, ArmCells],
    arms: Sequence[AnyArm],
    info: EvaluationInfo,
    drawn: ResamplesByItems,
    *,
    binary: bool,
) -> list[Measured]:
    spec = info.spec
    judged = spec.scorer.name == "judge"
    found = []
    for pair in pairs_of(arms, spec.baseline):
        judging = _judging(pair, spec) if judged else None
        if pair.arm in table and pair.against in table and (judging is not None or not judged):
            one = measure(
                pair,
                table[pair.arm],
                table[pair.against],
                alpha=spec.alpha,
                tolerance=spec.cost_tolerance,
                judging=judging,
                binary=binary,
                drawn=drawn,
            )
            found.extend([one] if one is not None else [])
    return found


def _judging(pair: Pair, spec: EvaluationSpec) -> Judging | None:
    """None where the judge has compared the two with different references: then nothing can be said of them."""
    reference = reference_of(pair.arm, spec)
    if reference == pair.against:
        return "direct"
    return "shared" if reference == reference_of(pair.against, spec) else None


def _differences(measured: Sequence[Measured], table: dict[str, ArmCells], rules: Rules) -> list[PairedDifference]:
    """With Holm's adjustment within each family."""
    sizes = Counter(found.pair.family for found in measured)
    adjusted: dict[int, float] = {}
    for family in sizes:
        mine = [found for found in measured if found.pair.family == family]
        adjusted.update(zip(map(id, mine), holm([found.p_value for found in mine]), strict=True))
    return [
        _difference(
            Spoken(
                found=found,
                arm=table[found.pair.arm],
                against=table[found.pair.against],
                p_adjusted=adjusted[id(found)],
                together=sizes[found.pair.family],
                of_many=_word(found.pair.family, measured, table),
                rules=rules,
            )
        )
        for found in measured
    ]


def _word(family: Family, measured: Sequence[Measured], table: dict[str, ArmCells]) -> str:
    kinds = {table[found.pair.arm].kind for found in measured if found.pair.family == family}
    return "flows" if family == "baseline" and kinds == {"flow"} else FAMILY_WORDS[family]


def _difference(spoken: Spoken) -> PairedDifference:
    found = spoken.found
    both, only_arm, only_against, neither = found.counts if found.binary else (0, 0, 0, 0)
    verdict = verdict_of(found, spoken.p_adjusted, spoken.rules)
    alpha = spoken.rules.alpha / spoken.together
    return PairedDifference(
        arm=found.pair.arm,
        against=found.pair.against,
        items=found.items,
        difference=found.difference,
        interval=found.interval,
        both=both,
        only_arm=only_arm,
        only_against=only_against,
        neither=neither,
        binary=found.binary,
        p_value=found.p_value,
        p_adjusted=spoken.p_adjusted,
        method=spoken.method,
        method_said=spoken.method.told,
        smallest_difference=found.smallest(alpha),
        largest_difference=largest(found),
        items_needed=rounded(found.needed(spoken.rules.margin, alpha)),
        cost_difference=found.cost_difference,
        cost_interval=found.cost_interval,
        cost_ratio=found.cost_ratio,
        cost_match=found.cost_match,
        verdict=verdict,
        sentence=spoken.sentence(verdict),
    )


def _debates(table: dict[str, ArmCells], differences: Sequence[PairedDifference]) -> list[DebateFigures]:
    """What each flow's deliberation did; a node's worth is the difference to the flow without it."""
    told = []
    for arm in table.values():
        if arm.kind != "flow" or not any(cell.statements or cell.nodes for cell in arm.cells):
            continue
        worth = {
            other.node: one
            for one in differences
            if one.arm == arm.name
            and isinstance(other := table[one.against].arm, WithoutArm)
            and other.node
            and isinstance(arm.arm, FlowArm)
            and other.options == arm.arm.options
        }
        told.append(debate_figures(arm.name, arm.cells, arm.unit, worth=worth))
    return told


def _paid(progress: Progress, cells: Sequence[Cell]) -> Decimal | None:
    """All that was paid, also for answers that are in no cell: a judge's, those on the split for tuning."""
    if progress.calls or progress.paid_usd is not None:
        return progress.paid_usd
    paid = [cell.paid_usd for cell in cells if cell.paid_usd is not None]
    return sum(paid, Decimal(0)) if paid else None
