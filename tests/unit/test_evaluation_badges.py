"""A badge says what was measured, no more; and tells by itself when that holds no longer."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given

from agent_lab.contracts.evaluation import ArmOrigin, EqualCostArm, EvaluationSpec, FlowArm, NoiseArm
from agent_lab.contracts.evaluation_report import CostMatch, Interval, PairedDifference, Report
from agent_lab.contracts.registry import CostProfile, ModelSpec, StrategySpec
from agent_lab.contracts.run import RunOptions
from agent_lab.evaluation.badges import badges, expired_because
from agent_lab.evaluation.fingerprints import fingerprint
from support.library import CATALOG
from support.reports import example_report, reports

EQUAL = CostMatch(ratio=0.99, tolerance=0.05, equal=True, sentence="They cost the same.")


def compared(arm: str, verdict: str, difference: float, low: float, high: float, **more: object) -> PairedDifference:
    found = example_report().differences[0]
    changes = {"arm": arm, "verdict": verdict, "difference": difference, "interval": Interval(low=low, high=high)}
    return found.model_copy(update={"items": 500, "cost_match": EQUAL, **changes, **more})


def report(*differences: PairedDifference, arms: tuple[object, ...] = (), status: str = "completed") -> Report:
    found = example_report()
    spec = EvaluationSpec(
        dataset="gsm8k",
        split="test",
        arms=arms or (FlowArm(name="challenge", flow="challenge@3"),),  # type: ignore[arg-type]
    )
    dataset = found.evaluation.dataset.model_copy(update={"name": "gsm8k"})
    info = found.evaluation.model_copy(update={"spec": spec, "status": status, "dataset": dataset})
    return found.model_copy(update={"evaluation": info, "differences": differences, "badges": ()})


@pytest.mark.parametrize(
    ("verdict", "difference", "low", "high", "sentence"),
    [
        (
            "better",
            0.042,
            0.011,
            0.073,
            "worth it: +4.2 points (1.1 to 7.3) at equal cost on gsm8k test, 500 items",
        ),
        (
            "worse",
            -0.03,
            -0.05,
            -0.01,
            "not worth it: -3.0 points (-5.0 to -1.0) at equal cost on gsm8k test, 500 items",
        ),
        (
            "no_difference",
            0.0,
            -0.015,
            0.015,
            "no difference larger than 2.0 points at equal cost on gsm8k test, 500 items",
        ),
        (
            "inconclusive",
            0.0004,
            -0.05,
            0.05,
            "not known: 0.0 points (-5.0 to 5.0) at equal cost on gsm8k test, 500 items; more items would tell",
        ),
    ],
)
def test_each_verdict_has_its_words(verdict: str, difference: float, low: float, high: float, sentence: str) -> None:
    (badge,) = badges(report(compared("challenge", verdict, difference, low, high)))
    assert badge.sentence == sentence
    assert (badge.flow, badge.verdict, badge.items, badge.cost_ratio) == ("challenge", verdict, 500, 0.99)
    assert badge.expired == ()


def test_a_badge_says_what_was_allowed_beyond_the_usual() -> None:
    half = CostMatch(ratio=0.62, tolerance=0.5, equal=True, sentence="Within what is tolerated.")
    found = report(compared("challenge", "better", 0.042, 0.011, 0.073, cost_match=half))
    spec = found.evaluation.spec.model_copy(update={"alpha": 0.4})
    loose = found.model_copy(update={"evaluation": found.evaluation.model_copy(update={"spec": spec})})
    (badge,) = badges(loose)
    assert badge.sentence == (
        "worth it: +4.2 points (1.1 to 7.3) at equal cost on gsm8k test, 500 items, the baseline at 0.62 times the "
        "cost, at 60 % confidence"
    )


def test_where_the_costs_are_not_equal_nothing_is_known() -> None:
    dear = CostMatch(ratio=1.4, tolerance=0.05, equal=False, sentence="The baseline costs 1.4 times as much.")
    (badge,) = badges(report(compared("challenge", "refused", 0.2, 0.1, 0.3, cost_match=dear)))
    assert badge.sentence == "not known: The baseline costs 1.4 times as much (on gsm8k test, 500 items)"


def test_without_a_claim_at_equal_cost_and_before_the_end_there_is_none() -> None:
    better = compared("challenge", "better", 0.1, 0.05, 0.15)
    assert badges(report(better.model_copy(update={"cost_match": None}))) == ()
    for status in ("running", "cancelled", "failed", "limit_exceeded"):
        assert badges(report(better, status=status)) == ()


def test_a_flow_with_a_noise_critic_has_no_badge_of_its_own() -> None:
    arms = (
        FlowArm(name="challenge", flow="challenge"),
        NoiseArm(name="noise:challenge", flow="challenge"),
        EqualCostArm(name="equal", flow="challenge"),
    )
    found = badges(
        report(
            compared("noise:challenge", "better", 0.1, 0.05, 0.15),
            compared("challenge", "worse", -0.1, -0.15, -0.05),
            arms=arms,
        )
    )
    assert [(badge.flow, badge.verdict) for badge in found] == [("challenge", "worse")]


def test_of_several_arms_of_a_flow_the_one_as_it_stands_counts() -> None:
    arms = (
        FlowArm(name="hot", flow="challenge", options=RunOptions(temperature=1.5)),
        FlowArm(name="plain", flow="challenge"),
        FlowArm(name="other", flow="debate", options=RunOptions(temperature=1.5)),
    )
    found = badges(
        report(
            compared("hot", "better", 0.1, 0.05, 0.15),
            compared("plain", "worse", -0.1, -0.15, -0.05),
            compared("other", "inconclusive", 0.0, -0.1, 0.1),
            arms=arms,
        )
    )
    assert {badge.flow: badge.verdict for badge in found} == {"challenge": "worse", "debate": "inconclusive"}


@given(reports())
def test_of_any_report_only_what_is_better_is_worth_it(any_report: Report) -> None:
    for badge in badges(any_report):
        assert badge.sentence.startswith("worth it") == (badge.verdict == "better")


# --- how long it holds ------------------------------------------------------------------------------------------------
FLOW = CATALOG.get("challenge")
VOICE = ModelSpec(key="voice", provider="openai", model_id="gpt-4o")
STANDARD = StrategySpec(name="standard", description="plain")
PRICE = CostProfile(input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(2))


def origin(**changes: object) -> ArmOrigin:
    line = fingerprint(FLOW, [VOICE], [STANDARD], {"voice": PRICE})
    found = ArmOrigin(arm="challenge", flow="challenge", flow_version=3, models=("voice",), fingerprint=line)
    return found.model_copy(update=changes)


def now(
    *, flow: object = FLOW, model: ModelSpec | None = VOICE, strategy: object = STANDARD, price: object = PRICE
) -> str:
    rows = [model] if model else []
    return fingerprint(flow, rows, [strategy], {"voice": price})  # type: ignore[list-item, arg-type, dict-item]


def test_a_badge_holds_as_long_as_nothing_changes() -> None:
    assert expired_because([origin()], {"challenge": origin()}) == ()
    assert expired_because([origin()], {}) == ()


@pytest.mark.parametrize(
    ("after", "sentence"),
    [
        (
            origin(fingerprint=now(flow=FLOW.model_copy(update={"nodes": FLOW.nodes[:1], "edges": ()}))),
            "The flow has changed: a prompt, a node or an edge.",
        ),
        (
            origin(fingerprint=now(model=VOICE.model_copy(update={"revision": "2"}))),
            "The model 'voice' has changed.",
        ),
        (origin(fingerprint=now(model=None)), "The model 'voice' is gone, or takes no part any more."),
        (
            origin(fingerprint=now(strategy=STANDARD.model_copy(update={"fallbacks": ("x",)}))),
            "The strategy 'standard' has changed.",
        ),
        (origin(fingerprint=now(price=None)), "The price of the model 'voice' has changed."),
        (origin(flow_version=4), "Version 3 of the flow was measured, and version 4 runs now."),
        (None, "The flow 'challenge' is gone, or cannot be run any more."),
    ],
)
def test_what_changed_is_told(after: ArmOrigin | None, sentence: str) -> None:
    assert expired_because([origin()], {"challenge": after}) == (sentence,)


def test_what_two_arms_share_is_told_once_and_another_model_by_its_name() -> None:
    baseline = origin(arm="equal", flow=None)
    other = fingerprint(FLOW, [VOICE.model_copy(update={"key": "other"})], [STANDARD], {"other": PRICE})
    after = {"challenge": origin(fingerprint=other), "equal": baseline.model_copy(update={"fingerprint": other})}
    assert expired_because([origin(), baseline], after) == (
        "The model 'voice' is gone, or takes no part any more.",
        "The price of the model 'voice' has changed.",
        "The model 'other' takes part now, and did not.",
        "The price of the model 'other' has changed.",
    )
