"""Which arms of an evaluation are held against which."""

from __future__ import annotations

from agent_lab.contracts.evaluation import (
    AnyArm,
    DraftsVoteArm,
    EqualCostArm,
    FlowArm,
    ImportedArm,
    NoiseArm,
    SingleArm,
    VoteArm,
    WithoutArm,
)
from agent_lab.contracts.run import RunOptions
from agent_lab.evaluation.report.frontier import frontier
from agent_lab.evaluation.report.pairing import pairs_of
from support.cells import EQUAL, FLOW

DEBATE = FlowArm(name="debate", flow="debate")
SINGLE = SingleArm(name="single")


def told(arms: list[AnyArm], baseline: str = "auto") -> list[tuple[str, str, str, bool]]:
    return [(one.arm, one.against, one.family, one.at_equal_cost) for one in pairs_of(arms, baseline)]


def test_each_flow_is_held_against_the_baseline_that_was_derived_from_it() -> None:
    other = EqualCostArm(name="equal-cost:debate", flow="debate")
    assert told([FLOW, DEBATE, EQUAL, other]) == [
        ("challenge", "equal-cost:challenge", "baseline", True),
        ("debate", "equal-cost:debate", "baseline", True),
        ("challenge", "debate", "other", False),
    ]


def test_of_several_derived_baselines_the_one_with_the_flows_options_counts() -> None:
    options = RunOptions(temperature=0.3)
    flow = FlowArm(name="cool", flow="challenge", options=options)
    own = EqualCostArm(name="own", flow="challenge", options=options)
    assert ("cool", "own", "baseline", True) in told([FLOW, flow, EQUAL, own])
    assert ("challenge", "equal-cost:challenge", "baseline", True) in told([FLOW, flow, own, EQUAL])


def test_a_named_baseline_is_held_against_every_arm_that_answers_by_itself() -> None:
    vote = VoteArm(name="vote", k=5)
    assert told([FLOW, SINGLE, vote, EQUAL], "single") == [
        ("challenge", "single", "baseline", False),
        ("vote", "single", "baseline", False),
        ("equal-cost:challenge", "single", "baseline", False),
        ("challenge", "equal-cost:challenge", "other", True),
        ("challenge", "vote", "other", False),
    ]


def test_a_named_baseline_that_was_derived_claims_equal_cost() -> None:
    assert told([FLOW, EQUAL], EQUAL.name) == [("challenge", "equal-cost:challenge", "baseline", True)]


def test_what_is_left_of_a_flow_is_held_against_it_in_a_family_of_its_own() -> None:
    without = WithoutArm(name="without", flow="challenge", node="challenger")
    noise = NoiseArm(name="noise", flow="challenge")
    drafts = DraftsVoteArm(name="drafts", flow="challenge")
    found = told([FLOW, EQUAL, without, noise, drafts, SINGLE])
    assert found == [
        ("challenge", "equal-cost:challenge", "baseline", True),
        ("challenge", "without", "part", False),
        ("challenge", "noise", "part", False),
        ("noise", "equal-cost:challenge", "part", True),
        ("challenge", "drafts", "part", False),
        ("challenge", "single", "other", False),
    ]


def test_answers_made_elsewhere_are_held_against_the_first_of_them() -> None:
    arms: list[AnyArm] = [ImportedArm(name=name) for name in ("a", "b", "c")]
    assert told(arms) == [("b", "a", "baseline", False), ("c", "a", "baseline", False)]


def test_one_arm_alone_is_held_against_nothing() -> None:
    assert told([FLOW]) == []


def test_on_the_frontier_is_what_no_other_arm_beats() -> None:
    arms = {
        "cheap": (0.70, 1.0),
        "dear": (0.90, 9.0),
        "beaten": (0.69, 2.0),
        "middle": (0.80, 5.0),
        "worse": (0.80, 6.0),
    }
    assert frontier(arms) == {"cheap", "dear", "middle"}
    assert frontier({"a": (0.5, 1.0), "b": (0.5, 1.0)}) == {"a", "b"}
    assert frontier({}) == set()
