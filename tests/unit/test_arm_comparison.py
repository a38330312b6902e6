"""Any two arms are held against each other on the items that both have, and on no others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent_lab.contracts.errors import ConflictError, NotFoundError, ValidationError
from agent_lab.contracts.evaluation import (
    Cell,
    DatasetInfo,
    EvaluationInfo,
    EvaluationSpec,
    FlowArm,
    Item,
    ScorerSpec,
    VoteArm,
    WithoutArm,
)
from agent_lab.evaluation.report.comparing import Stored, compare_arms

ITEMS = [Item(id=f"i{n}", input=f"What is {n} + 1?", target=str(n + 1)) for n in range(60)]
RIGHT = {
    "challenge": lambda n: n % 10 != 0,  # 54 of 60
    "vote:3": lambda n: n % 3 != 0,  # 40 of 60
    "without:challenge/challenger": lambda n: n % 2 == 0,
}


def stored(id: str = "e1", *, items: list[Item] | None = None, scorer: str = "number", better: bool = False) -> Stored:
    arms = (
        FlowArm(name="challenge", flow="challenge"),
        VoteArm(name="vote:3", k=3),
        WithoutArm(name="without:challenge/challenger", flow="challenge", node="challenger"),
    )
    asked = items if items is not None else ITEMS
    info = EvaluationInfo(
        evaluation_id=id,
        spec=EvaluationSpec.model_validate(
            {"dataset": "sums", "arms": arms, "scorer": ScorerSpec(name=scorer)}  # type: ignore[arg-type]
        ),
        dataset=DatasetInfo(name="sums", content_hash="0" * 64, items=len(asked)),
        status="completed",
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    cells = [
        Cell(arm=arm, item=item.id, answer=item.target, choice=item.target, score=float(better or right(n)), calls=1)
        for arm, right in RIGHT.items()
        for n, item in enumerate(asked)
    ]
    return Stored(info, asked, cells, ())


def test_two_arms_that_their_report_does_not_compare_are_compared() -> None:
    side = stored()
    report = compare_arms(side, "vote:3", side, "without:challenge/challenger", scorer_version="number@1")
    (one,) = report.differences
    assert (one.arm, one.against, one.items) == ("vote:3", "without:challenge/challenger", 60)
    assert one.difference == pytest.approx(40 / 60 - 30 / 60)
    assert (one.both, one.only_arm, one.only_against, one.neither) == (20, 20, 10, 10)
    assert [arm.arm for arm in report.arms] == ["vote:3", "without:challenge/challenger"]


def test_the_same_arm_before_and_after_a_change_is_told_apart_by_its_evaluation() -> None:
    report = compare_arms(stored("old"), "vote:3", stored("new", better=True), "vote:3", scorer_version="number@1")
    (one,) = report.differences
    assert (one.arm, one.against) == ("vote:3 of old", "vote:3 of new")
    assert one.difference == pytest.approx(-20 / 60)
    assert one.verdict == "worse"


def test_only_items_that_ask_the_same_are_compared() -> None:
    changed = [item.model_copy(update={"target": "0"}) if n < 20 else item for n, item in enumerate(ITEMS)]
    other = stored("new", items=[*changed, Item(id="more", input="What is 9 + 9?", target="18")])
    report = compare_arms(stored("old"), "challenge", other, "vote:3", scorer_version="number@1")
    assert report.differences[0].items == 40
    assert any("21 items that only one of the two" in warning for warning in report.warnings)


def test_what_cannot_be_compared_is_told() -> None:
    side = stored()
    with pytest.raises(NotFoundError, match="did you mean 'challenge'"):
        compare_arms(side, "chalenge", side, "vote:3", scorer_version="number@1")
    with pytest.raises(ValidationError, match="with itself"):
        compare_arms(side, "challenge", side, "challenge", scorer_version="number@1")
    with pytest.raises(ConflictError, match="score answers in other ways"):
        compare_arms(side, "challenge", stored("e2", scorer="exact"), "vote:3", scorer_version="number@1")
    others = [Item(id="x", input="Other?", target="1")]
    with pytest.raises(ConflictError, match="no item in common"):
        compare_arms(side, "challenge", stored("e2", items=others), "vote:3", scorer_version="number@1")
