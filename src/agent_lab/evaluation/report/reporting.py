"""Builds the report of an evaluation as it stands, and what lists say of it. For a thread: it computes for a while."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent_lab.contracts.evaluation import ArmOrigin, Cell, EvaluationInfo, ImportedArm, Item, Outcome
from agent_lab.contracts.evaluation_report import Report
from agent_lab.evaluation.scorers.families import same_family
from agent_lab.evaluation.scoring import AnswerScorer


def report_of(
    info: EvaluationInfo,
    items: Sequence[Item],
    cells: Sequence[Cell],
    origins: Sequence[ArmOrigin],
    scorer: AnswerScorer,
) -> Report:
    """The report."""
    from agent_lab.evaluation.report.build import build_report  # loads numpy and scipy

    notes = [*_notes(info, origins)]
    return build_report(info, items, cells, origins, scorer_version=scorer.version, binary=scorer.binary, notes=notes)


def outcomes_of(report: Report) -> tuple[Outcome, ...]:
    """Its verdicts, as short as a list has room for."""
    return tuple(
        Outcome(
            arm=one.arm,
            against=one.against,
            verdict=one.verdict,
            difference=one.difference,
            low=one.interval.low,
            high=one.interval.high,
        )
        for one in report.differences
    )


def _notes(info: EvaluationInfo, origins: Sequence[ArmOrigin]) -> Iterator[str]:
    """What the scorer, the files and the derivation of arms have to warn of."""
    known = {origin.arm: origin for origin in origins}
    for arm in info.spec.arms:
        sentence = known[arm.name].sentence if arm.name in known else ""
        if isinstance(arm, ImportedArm) and "disagree" in sentence:
            yield sentence
    judge = info.spec.scorer.model if info.spec.scorer.name == "judge" else None
    told = same_family(judge, {model for origin in origins for model in origin.models}) if judge else None
    if told is not None:
        yield told
