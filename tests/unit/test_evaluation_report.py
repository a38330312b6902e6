"""The report of an evaluation: each verdict where it belongs, failures counted as wrong, and warnings that are due."""

from __future__ import annotations

import random
from decimal import Decimal

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from agent_lab.contracts.evaluation import (
    AnyArm,
    ArmOrigin,
    EqualCostArm,
    FlowArm,
    ImportedArm,
    NodeCost,
    Progress,
    Statement,
    VoteArm,
    WithoutArm,
)
from agent_lab.contracts.evaluation_report import PairedDifference
from agent_lab.contracts.run import RunOptions
from agent_lab.contracts.sentences import Told
from agent_lab.evaluation.report.build import build_report
from agent_lab.evaluation.statistics.holm import holm
from support.cells import EQUAL, EQUAL_ORIGIN, FLOW, SINGLE, cells, info, items, report_of, table


def compared(counts: tuple[int, int, int, int], *, cost: int = 100, **spec: object) -> PairedDifference:
    """The flow against its equal-cost baseline, of which an answer costs 100."""
    mine, theirs = table(*counts)
    made = [*cells(FLOW.name, mine, tokens=cost), *cells(EQUAL.name, theirs, tokens=100)]
    return report_of([FLOW, EQUAL], made, len(mine), **spec).differences[0]


# --- verdicts ---------------------------------------------------------------------------------------------------------
def test_a_flow_that_is_right_more_often_is_better_in_points_with_interval_and_p_value() -> None:
    found = compared((700, 100, 40, 160))
    assert found.verdict == "better"
    assert (found.both, found.only_arm, found.only_against, found.neither) == (700, 100, 40, 160)
    assert found.sentence == (
        "challenge is better than 3.6 votes at equal cost by 6.0 points (95 % interval 3.7 to 8.4; p < 0.0001)."
    )
    assert "McNemar" in found.method
    assert "Tango" in found.method


def test_the_same_the_other_way_round_is_worse() -> None:
    found = compared((700, 40, 100, 160))
    assert found.verdict == "worse"
    assert "is worse than 3.6 votes at equal cost by 6.0 points" in found.sentence
    assert (found.interval.low, found.interval.high) == pytest.approx((-0.0837, -0.0366), abs=1e-3)


def test_where_the_whole_interval_lies_within_the_margin_there_is_no_difference_larger_than_so_much() -> None:
    found = compared((900, 5, 5, 90))
    assert found.verdict == "no_difference"
    assert found.sentence.startswith(
        "challenge and 3.6 votes at equal cost do not differ by more than 0.6 points, "
        "which is within the 2 points that were said to matter"
    )
    assert found.largest_difference is not None
    assert 0.005 < found.largest_difference <= 0.006


def test_few_items_say_what_they_could_have_shown_and_how_many_it_takes() -> None:
    found = compared((150, 15, 10, 25))
    assert found.verdict == "inconclusive"
    assert "the difference is 2.5 points" in found.sentence
    assert f"With 200 items you can see {found.smallest_difference * 100:.1f} points" in found.sentence
    assert found.items_needed is not None
    assert found.items_needed > 200
    assert f"to see 2 points takes about {found.items_needed:,}." in found.sentence
    assert "leaves 0 out" not in found.sentence
    assert 0.06 < found.smallest_difference < 0.08


def test_where_the_interval_claims_what_the_test_does_not_the_sentence_says_why_it_is_not_claimed() -> None:
    found = compared((22, 7, 1, 0))
    assert found.verdict == "inconclusive"
    assert found.interval.low > 0
    assert "The interval leaves 0 out, but p is not below 0.05, and a claim needs both." in found.sentence


def test_a_difference_that_does_not_matter_is_told_as_one() -> None:
    found = compared((9000, 150, 50, 800))
    assert found.verdict == "better"
    assert found.sentence.endswith("That is less than the 2 points that were said to matter.")


def test_unequal_cost_refuses_the_claim_in_words_and_says_what_to_do() -> None:
    found = compared((700, 100, 40, 160), cost=85)
    assert found.verdict == "refused"
    assert found.cost_match is not None
    assert found.cost_match.ratio == pytest.approx(100 / 85)
    assert "3.6 votes cost 1.18 times what challenge costs, outside the 5 % that are tolerated." in found.sentence
    assert found.cost_match.said is not None
    assert found.cost_match.said.values["other"] == Told(code="votes", values={"shown": "3.6", "votes": 3.6})
    assert "cost_tolerance" in found.sentence
    assert compared((700, 100, 40, 160), cost=85, cost_tolerance=0.2).verdict == "better"
    assert compared((700, 100, 40, 160), cost=96).verdict == "better"


def test_without_known_costs_nothing_is_claimed_at_equal_cost() -> None:
    found = compared((700, 100, 40, 160), cost_unit="usd")
    assert found.verdict == "refused"
    assert "is not known" in found.sentence


def test_several_flows_are_adjusted_together_and_say_so() -> None:
    flows: list[AnyArm] = [FlowArm(name=f"flow-{at}", flow=f"f{at}") for at in range(3)]
    counts = [(300, 30, 10, 60), (300, 24, 10, 66), (300, 20, 14, 66)]
    made = [cell for flow, count in zip(flows, counts, strict=True) for cell in cells(flow.name, table(*count)[0])]
    made += cells("single", table(*counts[0])[1])
    found = report_of([*flows, SINGLE], made, 400, baseline="single").differences
    claims = [one for one in found if one.against == "single"]
    assert [one.p_adjusted for one in claims] == pytest.approx(holm([one.p_value for one in claims]))
    assert all("Holm over 3 flows" in one.method for one in claims)
    assert "after Holm over 3 flows" in claims[0].sentence
    assert {one.method.rpartition("; ")[2] for one in found if one.against != "single"} == {"Holm over 3 comparisons"}


def test_at_another_cost_the_sentence_says_at_how_much() -> None:
    mine, theirs = table(700, 100, 40, 160)
    made = [*cells(FLOW.name, mine, tokens=760), *cells("single", theirs, tokens=100)]
    found = report_of([FLOW, SINGLE], made, 1000)
    assert found.differences[0].sentence.endswith("p < 0.0001), at 7.60 times its cost.")
    assert found.differences[0].cost_ratio == pytest.approx(7.6)
    assert any("has no baseline at equal cost" in warning for warning in found.warnings)


# Answers to the 1,319 test problems of GSM8K by four models, published with K. Cobbe et al., "Training Verifiers to
# Solve Math Word Problems" (2021; openai/grade-school-math, example_model_solutions.jsonl): items that both of a pair
# got right, the first alone, the second alone, neither.
GSM8K = {
    ("6b-verification", "6b-finetuning"): (222, 293, 64, 740),
    ("6b-verification", "175b-finetuning"): (306, 209, 152, 652),
    ("175b-verification", "6b-verification"): (436, 306, 79, 498),
    ("175b-verification", "175b-finetuning"): (382, 360, 76, 501),
}
PUBLISHED = {"6b-finetuning": 21.7, "6b-verification": 39.0, "175b-finetuning": 34.7, "175b-verification": 56.3}


@pytest.mark.parametrize("pair", GSM8K)
def test_published_answers_of_real_models_have_their_accuracies_and_verdicts(pair: tuple[str, str]) -> None:
    mine, theirs = table(*GSM8K[pair])
    found = report_of(
        [ImportedArm(name=name) for name in pair],
        [*cells(pair[0], mine), *cells(pair[1], theirs)],
        1319,
        baseline=pair[1],
    )
    assert {arm.arm: round(arm.mean_score * 100, 1) for arm in found.arms} == {name: PUBLISHED[name] for name in pair}
    (difference,) = found.differences
    assert difference.verdict == "better"
    referee = mcnemar([GSM8K[pair][:2], GSM8K[pair][2:]], exact=True)
    assert difference.p_value == pytest.approx(referee.pvalue, rel=1e-9)


# --- scores, samples, preferences -------------------------------------------------------------------------------------
def test_several_answers_an_item_count_as_one_cluster() -> None:
    right = np.random.default_rng(1).random((3, 60)) < 0.7
    made = [cell for at in range(3) for cell in cells(FLOW.name, right[at].astype(float).tolist(), sample=at)]
    made += cells(EQUAL.name, right[0].astype(float).tolist())  # one sample only
    found = report_of([FLOW, EQUAL], made, 60, samples=3)
    difference, arm = found.differences[0], found.arms[0]
    assert not difference.binary
    assert difference.items == 60
    assert (difference.both, difference.only_arm) == (0, 0)
    assert difference.difference == pytest.approx(right.mean() - right[0].mean())
    assert arm.answers == 180
    assert "sign-flip" in difference.method


def test_answers_that_are_always_alike_make_no_interval_narrower() -> None:
    scores = [1.0] * 70 + [0.0] * 30
    once = report_of([SINGLE], cells("single", scores), 100).arms[0]
    thrice = report_of([SINGLE], [c for at in range(3) for c in cells("single", scores, sample=at)], 100, samples=3)
    again = thrice.arms[0].interval
    assert again.high - again.low >= (once.interval.high - once.interval.low) * 0.97


def test_a_judges_difference_is_the_share_preferred_minus_the_share_not() -> None:
    made = [*cells(FLOW.name, [1.0] * 70 + [0.5] * 10 + [0.0] * 20), *cells(EQUAL.name, [0.5] * 100)]
    found = report_of([FLOW, EQUAL], made, 100, binary=False, scorer={"name": "judge", "model": "m"}).differences[0]
    assert found.difference == pytest.approx(0.5)
    assert not found.binary
    assert "exact sign test" in found.method
    assert found.verdict == "better"
    assert "challenge is preferred to 3.6 votes at equal cost by 50.0 points" in found.sentence


def test_arms_that_a_judge_has_compared_with_different_references_are_not_compared() -> None:
    debate, other = FlowArm(name="debate", flow="debate"), EqualCostArm(name="equal-cost:debate", flow="debate")
    arms: list[AnyArm] = [FLOW, debate, EQUAL, other, SINGLE]
    made = [cell for arm in arms for cell in cells(arm.name, [1.0] * 30 + [0.0] * 10)]
    found = report_of(arms, made, 40, binary=False, scorer={"name": "judge", "model": "m"}).differences
    pairs = {(one.arm, one.against): one.difference for one in found}
    assert pairs[FLOW.name, EQUAL.name] == pytest.approx(0.5)
    assert pairs["debate", "equal-cost:debate"] == pytest.approx(0.5)
    assert ("challenge", "debate") not in pairs
    assert pairs["challenge", "single"] == 0.0  # both were compared with the first derived baseline


def test_where_both_failed_a_judge_has_a_tie_and_where_one_did_a_loss() -> None:
    failed = {"status": "failed", "answer": None, "choice": None}
    mine = [*cells(FLOW.name, [1.0] * 50), *cells(FLOW.name, [0.5] * 60, **failed)[50:]]
    mine += cells(FLOW.name, [0.0] * 80, **failed)[60:]
    made = [*mine, *cells(EQUAL.name, [0.5] * 80)]
    found = report_of([FLOW, EQUAL], made, 80, binary=False, scorer={"name": "judge", "model": "m"}).differences[0]
    assert found.difference == pytest.approx((50 - 20) / 80)


# --- what counts ------------------------------------------------------------------------------------------------------
def test_what_failed_is_wrong_and_is_never_dropped() -> None:
    made = cells("single", [1.0] * 80) + [
        cell.model_copy(update={"item": f"item-{80 + at:05d}", "status": "timed_out", "choice": None})
        for at, cell in enumerate(cells("single", [1.0] * 20))
    ]
    found = report_of([SINGLE], made, 100)
    arm = found.arms[0]
    assert (arm.items, arm.mean_score, arm.failed, arm.unread) == (100, 0.8, 20, 0)
    assert "20 of 100 single answers came to no end and count as wrong." in found.warnings


def test_the_order_of_the_cells_changes_nothing() -> None:
    mine, theirs = table(70, 15, 5, 10)
    made = [*cells(FLOW.name, mine, sample=0), *cells(FLOW.name, theirs, sample=1), *cells(EQUAL.name, theirs)]
    told = report_of([FLOW, EQUAL], made, 100, samples=2)
    random.Random(2).shuffle(made)
    assert report_of([FLOW, EQUAL], made, 100, samples=2) == told


def test_pairs_are_made_of_the_items_that_both_arms_have_and_what_is_missing_is_told() -> None:
    mine, theirs = table(70, 15, 5, 10)
    made = [*cells(FLOW.name, mine), *cells(EQUAL.name, theirs)[:40]]
    found = report_of([FLOW, EQUAL, SINGLE], made, 100, status="running")
    assert found.differences[0].items == 40
    assert [arm.arm for arm in found.arms] == [FLOW.name, EQUAL.name]
    told = "\n".join(found.warnings)
    assert "The evaluation has not ended" in told
    assert "equal-cost:challenge has no answer to 60 of 100 items" in told
    assert "single has no answers yet" in told
    assert [one.kind for one in found.cautions][:3] == ["going_on", "no_answers", "items_missing"]
    assert found.cautions[2].values == {"arm": "equal-cost:challenge", "missing": 60, "items": 100}


def test_arms_without_an_answer_are_told_in_one_sentence() -> None:
    arms: list[AnyArm] = [FLOW, *(VoteArm(name=f"vote-{k}", k=k) for k in range(2, 8))]
    found = report_of(arms, cells(FLOW.name, table(70, 15, 5, 10)[0]), 100, status="failed")
    assert (
        "vote-2, vote-3, vote-4 and 3 more have no answers yet, so that they are not in the figures." in found.warnings
    )
    assert found.cautions[1].values == {"arms": "vote-2, vote-3, vote-4", "more": 3}


def test_where_no_vote_costs_what_the_flow_costs_the_report_says_why() -> None:
    mine, theirs = table(70, 15, 5, 10)
    why = ArmOrigin(arm=EQUAL.name, fingerprint="", sentence="There is no equal-cost vote for 'challenge': too dear.")
    made = [*cells(FLOW.name, mine), *cells("single", theirs)]
    found = build_report(
        info([FLOW, SINGLE, EQUAL], 100), items(100), made, [why], scorer_version="number@1", binary=True
    )
    assert found.warnings[0] == f"{why.sentence} Nothing is claimed at equal cost."
    assert not any("has no answers yet" in warning for warning in found.warnings)
    assert found.badges == ()


def test_samples_that_are_missing_are_told() -> None:
    mine, theirs = table(70, 15, 5, 10)
    every = [cell for sample in range(2) for cell in cells(FLOW.name, mine, sample=sample)]
    made = [*every, *cells(EQUAL.name, theirs), *cells(EQUAL.name, theirs, sample=1)[:30]]
    told = [one for one in report_of([FLOW, EQUAL], made, 100, samples=2).warnings if " of 200 answers" in one]
    assert told == [
        "equal-cost:challenge has 130 of 200 answers; an item with fewer of them counts as much as the others."
    ]


def test_what_was_paid_for_answers_in_no_cell_is_in_what_was_paid() -> None:
    made = cells("single", [1.0] * 10, usd="0.01", paid_usd=Decimal("0.01"))
    told = info([SINGLE], 10)
    for progress, paid in (
        (Progress(calls=15, paid_usd=Decimal("0.15")), Decimal("0.15")),
        (Progress(calls=15), None),
        (Progress(), Decimal("0.10")),
    ):
        one = told.model_copy(update={"progress": progress})
        assert build_report(one, items(10), made, [], scorer_version="number@1", binary=True).paid_usd == paid


def test_costs_are_in_dollars_only_where_all_are_known_and_some_are_not_nothing() -> None:
    mine, theirs = table(70, 15, 5, 10)
    priced = [*cells(FLOW.name, mine, usd="0.002"), *cells(EQUAL.name, theirs, usd="0.002")]
    assert report_of([FLOW, EQUAL], priced, 100).unit == "usd"
    assert report_of([FLOW, EQUAL], priced, 100).arms[0].cost == pytest.approx(0.002)
    free = [*cells(FLOW.name, mine, usd="0"), *cells(EQUAL.name, theirs, usd="0")]
    assert report_of([FLOW, EQUAL], free, 100).unit == "tokens"
    mixed = report_of([FLOW, EQUAL], [*cells(FLOW.name, mine), *cells(EQUAL.name, theirs, usd="0.002")], 100)
    assert (mixed.unit, mixed.arms[0].cost_usd, mixed.arms[1].cost_usd) == ("tokens", None, pytest.approx(0.002))
    assert "challenge asks a model without a known price, so that costs are compared in tokens." in mixed.warnings


def test_an_imported_arm_without_costs_is_on_no_frontier() -> None:
    mine, theirs = table(70, 15, 5, 10)
    bare = [
        cell.model_copy(update={"calls": 0, "prompt_tokens": 0, "completion_tokens": 0}) for cell in cells("a", mine)
    ]
    found = report_of([ImportedArm(name="a"), ImportedArm(name="b")], [*bare, *cells("b", theirs)], 100)
    assert [arm.on_frontier for arm in found.arms] == [False, True]
    assert any("What a cost in tokens is not known" in warning for warning in found.warnings)


# --- debates and badges -----------------------------------------------------------------------------------------------
def test_a_node_is_worth_what_the_flow_has_over_itself_without_it_and_a_finished_flow_has_its_badge() -> None:
    without = WithoutArm(name="without", flow="challenge", node="challenger")
    mine, theirs = table(300, 60, 10, 30)
    said = (Statement(node="creator", speaker="creator", part="draft", choice="42", score=1.0),)
    took = (NodeCost(node="challenger", calls=1, prompt_tokens=50, completion_tokens=50, cost_usd=None),)
    made = [
        *cells(FLOW.name, mine, statements=said, nodes=took),
        *cells(EQUAL.name, theirs),
        *cells("without", theirs, tokens=50),
    ]
    found = report_of([FLOW, EQUAL, without], made, 400)
    assert [debate.arm for debate in found.debates] == ["challenge"]
    (worth,) = [node for node in found.debates[0].nodes if node.node == "challenger"]
    assert worth.difference == pytest.approx(0.125)
    assert [(badge.flow, badge.verdict) for badge in found.badges] == [("challenge", "better")]
    assert report_of([FLOW, EQUAL, without], made, 400, status="cancelled").badges == ()
    other = report_of([FLOW, EQUAL, without.model_copy(update={"options": RunOptions(temperature=0)})], made, 400)
    assert [node.difference for node in other.debates[0].nodes] == [None]
    assert any("without was asked with other settings than challenge" in told for told in other.warnings)
    assert not any("other settings" in told for told in found.warnings)


def test_an_arm_that_was_derived_later_is_known_by_the_arms_that_are_given() -> None:
    mine, theirs = table(300, 60, 10, 30)
    made = [*cells(FLOW.name, mine), *cells(EQUAL.name, theirs)]
    found = build_report(
        info([FLOW], 400), items(400), made, [EQUAL_ORIGIN], scorer_version="x@1", binary=True, arms=[FLOW, EQUAL]
    )
    assert found.differences[0].cost_match is not None
    assert [arm.kind for arm in found.arms] == ["flow", "equal_cost"]


def test_one_vote_is_called_one_vote() -> None:
    mine, theirs = table(300, 60, 10, 30)
    origin = ArmOrigin(arm=EQUAL.name, fingerprint="0", k=1.0)
    made = [*cells(FLOW.name, mine), *cells(EQUAL.name, theirs)]
    found = build_report(info([FLOW, EQUAL], 400), items(400), made, [origin], scorer_version="x@1", binary=True)
    assert "better than 1 vote at equal cost" in found.differences[0].sentence


def test_no_cells_at_all_make_an_empty_report() -> None:
    found = report_of([FLOW, VoteArm(name="vote", k=3)], [], 10, status="queued")
    assert (found.arms, found.differences, found.debates, found.badges) == ((), (), (), ())
    assert found.warnings
