"""Cells of evaluations for tests: arms that were right on such items, at such a cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from agent_lab.contracts.evaluation import (
    AnyArm,
    ArmOrigin,
    Cell,
    DatasetInfo,
    EqualCostArm,
    EvaluationInfo,
    EvaluationSpec,
    FlowArm,
    Item,
    Progress,
    SingleArm,
)
from agent_lab.contracts.evaluation_report import Report
from agent_lab.evaluation.report.build import build_report

BEGUN = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def items(number: int) -> list[Item]:
    return [Item(id=f"item-{at:05d}", input=f"What is {at} and {at}?", target=str(2 * at)) for at in range(number)]


def info(arms: Sequence[AnyArm], number: int, **spec: object) -> EvaluationInfo:
    return EvaluationInfo(
        evaluation_id="eval_0123456789abcdef",
        spec=EvaluationSpec.model_validate({"dataset": "demo", "arms": tuple(arms), **spec}),
        dataset=DatasetInfo(name="demo", content_hash="a" * 64, items=number),
        status="completed",
        progress=Progress(cells=number * len(arms), of=number * len(arms), calls=100, reused_calls=40),
        created_at=BEGUN,
        finished_at=BEGUN,
    )


def cells(
    arm: str, scores: Sequence[float], *, sample: int = 0, tokens: int = 100, usd: str | None = None, **more: object
) -> list[Cell]:
    """One answer for each item, with that score."""
    return [
        Cell.model_validate(
            {
                "arm": arm,
                "item": f"item-{at:05d}",
                "sample": sample,
                "answer": "42",
                "choice": "42",
                "score": score,
                "calls": 1,
                "prompt_tokens": tokens // 2,
                "completion_tokens": tokens - tokens // 2,
                "cost_usd": None if usd is None else Decimal(usd),
                "seconds": 0.5,
                **more,
            }
        )
        for at, score in enumerate(scores)
    ]


def table(both: int, only_arm: int, only_against: int, neither: int) -> tuple[list[float], list[float]]:
    """The scores of two arms with those four counts."""
    mine = [1.0] * both + [1.0] * only_arm + [0.0] * only_against + [0.0] * neither
    theirs = [1.0] * both + [0.0] * only_arm + [1.0] * only_against + [0.0] * neither
    return mine, theirs


FLOW = FlowArm(name="challenge", flow="challenge")
SINGLE = SingleArm(name="single")
EQUAL = EqualCostArm(name="equal-cost:challenge", flow="challenge")
EQUAL_ORIGIN = ArmOrigin(arm=EQUAL.name, fingerprint="0", k=3.6)


def report_of(
    arms: list[AnyArm], made: list[Cell], number: int, *, binary: bool = True, status: str = "completed", **spec: object
) -> Report:
    told = info(arms, number, **spec).model_copy(update={"status": status})
    return build_report(told, items(number), made, [EQUAL_ORIGIN], scorer_version="number@1", binary=binary)
