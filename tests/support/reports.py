"""Reports of evaluations for tests: one that looks like a real one, and a strategy for any that could be."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import strategies as st

from agent_lab.contracts.evaluation import (
    ArmOrigin,
    DatasetInfo,
    EqualCostArm,
    EvaluationInfo,
    EvaluationSpec,
    FlowArm,
    Progress,
    SingleArm,
    VoteArm,
)
from agent_lab.contracts.evaluation_report import (
    ArmFigures,
    Badge,
    CostMatch,
    DebateFigures,
    Flips,
    Interval,
    NodeWorth,
    PairedDifference,
    Report,
    RoundFigures,
)

BEGUN = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ITEMS = 600
TEXTS = st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=40) | st.sampled_from(
    (
        "<script>alert(1)</script>",
        "</style></svg><img src=x onerror=alert(1)>",
        "a | b `c` *d* _e_ [f](javascript:alert(1)) <b>&amp;",
        "\u202eright to left",
        "\x1b[31mred\x1b[0m",
        "<!-- -->]]>",
        "x" * 40,
    )
)
NAMES = TEXTS.map(lambda text: "a" + "".join(text.replace(",", ";").splitlines()))


# --- any that could be ------------------------------------------------------------------------------------------------
def shares(low: float = 0.0, high: float = 1.0) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


AMOUNTS = st.floats(0, 1e7, allow_nan=False)


@st.composite
def intervals(draw: st.DrawFn, ends: st.SearchStrategy[float]) -> Interval:
    low, high = sorted((draw(ends), draw(ends)))
    return Interval(low=low, high=high)


def arm_figures(name: str) -> st.SearchStrategy[ArmFigures]:
    return st.builds(
        ArmFigures,
        arm=st.just(name),
        kind=st.sampled_from(("flow", "single", "vote", "equal_cost", "imported")),
        items=st.integers(0, 2000),
        answers=st.integers(0, 20000),
        mean_score=shares(),
        interval=intervals(shares()),
        failed=st.integers(0, 100),
        unread=st.integers(0, 100),
        calls=AMOUNTS,
        prompt_tokens=AMOUNTS,
        completion_tokens=AMOUNTS,
        cost_usd=st.none() | AMOUNTS,
        cost=AMOUNTS,
        cost_interval=intervals(AMOUNTS),
        seconds_p50=AMOUNTS,
        seconds_p95=AMOUNTS,
        on_frontier=st.booleans(),
        origin=st.none() | st.builds(ArmOrigin, arm=st.just(name), fingerprint=st.just("f"), sentence=TEXTS),
    )


def differences(names: list[str]) -> st.SearchStrategy[PairedDifference]:
    counts = st.integers(0, 500)
    return st.builds(
        PairedDifference,
        arm=st.sampled_from(names),
        against=st.sampled_from(names),
        items=st.integers(0, 2000),
        difference=shares(-1),
        interval=intervals(shares(-1)),
        both=counts,
        only_arm=counts,
        only_against=counts,
        neither=counts,
        binary=st.booleans(),
        p_value=shares(),
        p_adjusted=shares(),
        method=TEXTS,
        smallest_difference=shares(),
        cost_difference=st.floats(-1e6, 1e6),
        cost_interval=intervals(st.floats(-1e6, 1e6)),
        cost_match=st.none()
        | st.builds(CostMatch, ratio=AMOUNTS, tolerance=shares(0.01, 0.5), equal=st.booleans(), sentence=TEXTS),
        verdict=st.sampled_from(("better", "worse", "no_difference", "inconclusive", "refused")),
        sentence=TEXTS,
    )


def debates(names: list[str]) -> st.SearchStrategy[DebateFigures]:
    counts, maybe = st.integers(0, 500), st.none() | shares()
    steps = st.builds(
        Flips,
        before=TEXTS,
        after=TEXTS,
        right_right=counts,
        right_wrong=counts,
        wrong_right=counts,
        wrong_wrong=counts,
        changed=counts,
    )
    nodes = st.builds(
        NodeWorth,
        node=TEXTS,
        calls=AMOUNTS,
        cost=AMOUNTS,
        cost_usd=st.none() | AMOUNTS,
        difference=st.none() | shares(-1),
        interval=st.none() | intervals(shares(-1)),
        per_cost=st.none() | st.floats(-1e9, 1e9),
        sentence=st.just("") | TEXTS,
    )
    rounds = st.lists(st.tuples(counts, shares()), max_size=4)
    return st.builds(
        DebateFigures,
        arm=st.sampled_from(names),
        answers=counts,
        draft_accuracy=maybe,
        vote_accuracy=maybe,
        answer_accuracy=shares(),
        oracle_accuracy=maybe,
        oracle_gap=maybe,
        conformity=maybe,
        conformity_to_wrong=maybe,
        flips=st.lists(steps, max_size=4).map(tuple),
        rounds=rounds.map(
            lambda found: tuple(RoundFigures(round=n, statements=s, accuracy=a) for n, (s, a) in enumerate(found, 1))
        ),
        nodes=st.lists(nodes, max_size=5).map(tuple),
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Any report: one arm or eight, hostile texts, unknown costs, no debate at all."""
    names = draw(st.lists(NAMES, min_size=1, max_size=8, unique=True))
    unit = draw(st.sampled_from(("usd", "tokens", "generated_tokens")))
    spec = EvaluationSpec(dataset="demo", name=draw(st.just("") | TEXTS), arms=(FlowArm(name="f", flow="challenge"),))
    return Report(
        evaluation=_info(spec),
        scorer="number@1",
        unit=unit,
        confidence=0.95,
        arms=tuple(draw(arm_figures(name)) for name in names),
        differences=tuple(draw(st.lists(differences(names), max_size=4))),
        debates=tuple(draw(st.lists(debates(names), max_size=2))),
        warnings=tuple(draw(st.lists(TEXTS, max_size=3))),
        paid_usd=draw(st.none() | st.just(Decimal("0.25"))),
        calls=draw(st.integers(0, 10**6)),
        reused_calls=draw(st.integers(0, 10**6)),
    )


def _info(spec: EvaluationSpec, *, items: int = ITEMS) -> EvaluationInfo:
    return EvaluationInfo(
        evaluation_id="eval_0123456789abcdef",
        spec=spec,
        dataset=DatasetInfo(name="demo", content_hash="a" * 64, items=items, test=items, source="built-in"),
        status="completed",
        progress=Progress(cells=items * 4, of=items * 4, calls=12_000, seconds=312.0, seconds_left=0.0),
        created_at=BEGUN,
        finished_at=BEGUN,
    )


# --- one that looks like a real one -----------------------------------------------------------------------------------
_ARMS = (
    # name, kind, accuracy, half width, calls, tokens read, written, seconds, on the frontier
    ("challenge", "flow", 0.963, 0.015, 2.6, 339.0, 223.0, 1.42, False),
    ("equal-cost:challenge", "equal_cost", 0.778, 0.033, 7.6, 296.0, 266.0, 2.31, False),
    ("single~challenge", "single", 0.738, 0.036, 1.0, 39.0, 35.0, 0.30, True),
    ("vote~challenge:5", "vote", 0.777, 0.033, 5.0, 197.0, 175.0, 1.52, False),
    ("noise:challenge", "noise", 0.702, 0.037, 2.9, 355.0, 240.0, 1.60, False),
    ("without:challenge/challenger", "without", 0.972, 0.013, 2.0, 201.0, 130.0, 0.98, True),
    ("drafts:challenge", "drafts_vote", 0.738, 0.036, 1.0, 39.0, 35.0, 0.30, False),
)


def example_report(*, unit: str = "tokens") -> Report:
    """Seven arms over 600 items: a flow that is better at equal cost, and one whose critic is noise."""
    spec = EvaluationSpec(
        name="Is the challenge worth it?",
        dataset="demo",
        arms=(
            FlowArm(name="challenge", flow="challenge"),
            EqualCostArm(name="equal-cost:challenge", flow="challenge"),
            SingleArm(name="single~challenge", like="challenge"),
            VoteArm(name="vote~challenge:5", k=5, like="challenge"),
        ),
    )
    usd_per_token = 0.000_002
    return Report(
        evaluation=_info(spec),
        scorer="number@1",
        unit=unit,
        confidence=0.95,
        arms=tuple(_figures(row, usd_per_token if unit == "usd" else 1.0) for row in _ARMS),
        differences=_differences(usd_per_token if unit == "usd" else 1.0),
        debates=(_debate(),),
        badges=(
            Badge(
                flow="challenge",
                evaluation_id="eval_0123456789abcdef",
                dataset="demo",
                items=ITEMS,
                verdict="better",
                difference=0.185,
                interval=Interval(low=0.151, high=0.219),
                cost_ratio=1.0,
                baseline="equal-cost:challenge",
                sentence="challenge was 18.5 points better than a vote that costs the same.",
                measured_at=BEGUN,
            ),
        ),
        warnings=("4 answers came to no end; they count as wrong.",),
        paid_usd=Decimal(0),
        calls=12_000,
        reused_calls=5_400,
    )


def _figures(row: tuple[str, str, float, float, float, float, float, float, bool], rate: float) -> ArmFigures:
    name, kind, mean, half, calls, read, written, seconds, on_frontier = row
    cost = (read + written) * rate
    return ArmFigures(
        arm=name,
        kind=kind,
        items=ITEMS,
        answers=ITEMS,
        mean_score=mean,
        interval=Interval(low=mean - half, high=min(mean + half, 1.0)),
        failed=4 if kind == "noise" else 0,
        unread=2 if kind == "single" else 0,
        calls=calls,
        prompt_tokens=read,
        completion_tokens=written,
        cost_usd=cost if rate != 1.0 else 0.0,
        cost=cost,
        cost_interval=Interval(low=cost * 0.96, high=cost * 1.04),
        seconds_p50=seconds,
        seconds_p95=seconds * 1.7,
        on_frontier=on_frontier,
        origin=ArmOrigin(
            arm=name,
            flow="challenge" if kind == "flow" else None,
            flow_version=3 if kind == "flow" else None,
            models=("demo-tiny",),
            fingerprint="0" * 16,
            k=7.6 if kind == "equal_cost" else None,
            sentence="As many answers of creator, and a vote, as cost what challenge costs: 7.6 an item, on average."
            if kind == "equal_cost"
            else "",
        ),
    )


def _differences(rate: float) -> tuple[PairedDifference, ...]:
    def paired(against: str, difference: float, counts: tuple[int, int, int, int], **more: object) -> PairedDifference:
        both, only_arm, only_against, neither = counts
        return PairedDifference.model_validate(
            {
                "arm": "challenge",
                "against": against,
                "items": ITEMS,
                "difference": difference,
                "interval": {"low": difference - 0.034, "high": difference + 0.034},
                "both": both,
                "only_arm": only_arm,
                "only_against": only_against,
                "neither": neither,
                "binary": True,
                "p_value": 1e-20,
                "p_adjusted": 2e-20,
                "method": "exact McNemar test; Newcombe's interval for paired shares",
                "smallest_difference": 0.047,
                "cost_difference": 3.0 * rate,
                "cost_interval": {"low": -8.0 * rate, "high": 14.0 * rate},
                "verdict": "better",
                **more,
            }
        )

    equal = CostMatch(
        ratio=1.0, tolerance=0.05, equal=True, sentence="equal-cost:challenge costs 1.00 times what challenge costs."
    )
    return (
        paired(
            "equal-cost:challenge",
            0.185,
            (460, 118, 7, 15),
            cost_match=equal,
            sentence="challenge is better than a vote that costs the same: +18.5 points (15.1 to 21.9), p < 0.0001.",
        ),
        paired("single~challenge", 0.225, (440, 138, 3, 19), sentence="challenge is better: +22.5 points."),
        paired("vote~challenge:5", 0.186, (459, 119, 7, 15), sentence="challenge is better: +18.6 points."),
        paired(
            "without:challenge/challenger",
            -0.009,
            (571, 7, 12, 10),
            interval={"low": -0.024, "high": 0.006},
            p_value=0.36,
            p_adjusted=0.36,
            verdict="inconclusive",
            sentence="challenge and without:challenge/challenger cannot be told apart: -0.9 points (-2.4 to 0.6).",
        ),
    )


def _debate() -> DebateFigures:
    return DebateFigures(
        arm="challenge",
        answers=ITEMS,
        draft_accuracy=0.738,
        vote_accuracy=0.738,
        answer_accuracy=0.963,
        oracle_accuracy=0.978,
        oracle_gap=0.015,
        conformity=None,
        conformity_to_wrong=None,
        flips=(
            Flips(
                before="creator",
                after="refiner",
                right_right=440,
                right_wrong=3,
                wrong_right=138,
                wrong_wrong=19,
                changed=147,
            ),
            Flips(
                before="refiner",
                after="answer",
                right_right=570,
                right_wrong=8,
                wrong_right=0,
                wrong_wrong=22,
                changed=9,
            ),
        ),
        rounds=(
            RoundFigures(round=1, statements=600, accuracy=0.738),
            RoundFigures(round=2, statements=180, accuracy=0.912),
        ),
        nodes=(
            NodeWorth(node="creator", calls=1.0, cost=74.0, cost_usd=0.0),
            NodeWorth(
                node="challenger",
                calls=1.0,
                cost=230.0,
                cost_usd=0.0,
                difference=-0.009,
                interval=Interval(low=-0.024, high=0.006),
                per_cost=-0.039,
                sentence="Without challenger the flow does as well, for 230 tokens less.",
            ),
            NodeWorth(node="refiner", calls=0.6, cost=258.0, cost_usd=0.0),
        ),
    )
