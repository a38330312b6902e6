"""What an evaluation says: each arm's figures, each paired difference with its verdict, what the debate did."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from agent_lab.contracts.evaluation import ArmOrigin, CostUnit, EvaluationInfo
from agent_lab.contracts.generation import Contract
from agent_lab.contracts.registry import Usd
from agent_lab.contracts.sentences import Told

Verdict = Literal["better", "worse", "no_difference", "inconclusive", "refused"]
"""`no_difference`: none larger than a stated one. `refused`: the costs are not equal, so nothing is claimed."""


class Interval(Contract):
    """From, to; at the confidence of the evaluation."""

    low: float
    high: float


class ArmFigures(Contract):
    """How one arm did. Shares are parts of 1; what failed counts as wrong."""

    arm: str
    kind: str
    items: int
    answers: int
    mean_score: float
    """The accuracy, where answers are right or wrong."""
    interval: Interval
    failed: int
    """Answers that came to no end, in time or at all."""
    unread: int
    """Answers in which the scorer could read nothing."""
    calls: float
    """An answer, as all figures below."""
    prompt_tokens: float
    completion_tokens: float
    cost_usd: float | None
    cost: float
    """In the evaluation's unit."""
    cost_interval: Interval
    seconds_p50: float
    seconds_p95: float
    on_frontier: bool
    """No other arm is at least as good for less."""
    origin: ArmOrigin | None = None


class CostMatch(Contract):
    """Whether two arms cost the same."""

    ratio: float
    """The baseline's cost over the arm's."""
    tolerance: float
    equal: bool
    sentence: str
    said: Told | None = None
    """What the sentence says, for those who say it in another language; so in all parts of a report."""


class PairedDifference(Contract):
    """An arm against another on the same items: the difference of their mean scores, and what may be said of it."""

    arm: str
    against: str
    items: int
    difference: float
    interval: Interval
    both: int
    """Items that both got right; None of these four where scores are not right or wrong, or items have several."""
    only_arm: int
    only_against: int
    neither: int
    binary: bool
    """Whether the four counts hold: each item has one answer, right or wrong."""
    p_value: float
    p_adjusted: float
    """Holm's, over all flows of the evaluation."""
    method: str
    """The test and the interval, named with their sources."""
    method_said: Told | None = None
    smallest_difference: float
    """What this many items could have shown at 80 % power."""
    largest_difference: float | None = None
    """The largest, either way, that what was seen does not rule out; `no_difference` where none so large matters."""
    items_needed: int | None = None
    """Items that would show the smallest difference that matters at 80 % power, about."""
    cost_difference: float
    cost_interval: Interval
    cost_ratio: float | None = None
    """The arm's cost over the other's; None where one of them is not known or nothing."""
    cost_match: CostMatch | None = None
    """Of a claim at equal cost."""
    verdict: Verdict
    sentence: str


CautionKind = Literal[
    "ended_early",
    "going_on",
    "no_answers",
    "no_equal_cost",
    "items_missing",
    "answers_missing",
    "in_both_splits",
    "chosen_on",
    "asked_twice",
    "no_baseline",
    "other_settings",
    "cost_unknown",
    "no_price",
    "failed",
    "unread",
    "too_few",
]


class Caution(Contract):
    """What makes the figures of a report say less than they seem to."""

    kind: CautionKind
    sentence: str
    values: dict[str, str | int | float] = Field(default_factory=dict)
    """The names and figures of the sentence, for those who say it in another language."""
    said: Told | None = None
    """Of `no_equal_cost`, whose sentence is the arm's own."""


class Flips(Contract):
    """What became of answers between one step and the next, over all items."""

    before: str
    after: str
    right_right: int
    right_wrong: int
    wrong_right: int
    wrong_wrong: int
    """Of these, another wrong answer counts too."""
    changed: int
    """Answers that came down to something else afterwards."""


class RoundFigures(Contract):
    """The answers of one round."""

    round: int
    statements: int
    """Answers that were given in it. Later rounds have fewer: a debate goes on where there was no agreement."""
    accuracy: float
    """Of what everybody stands by after it, on all items: who was not asked again stands by the last word."""


class NodeWorth(Contract):
    """What a node took, and what it brought: the flow against itself with that node left out."""

    node: str
    calls: float
    """An answer, as the two below."""
    cost: float
    """In the evaluation's unit."""
    cost_usd: float | None
    difference: float | None = None
    """What the flow gains by it; None where no arm leaves it out."""
    interval: Interval | None = None
    per_cost: float | None = None
    """Points gained for each unit of cost that leaving it out saves (points a dollar, or a thousand tokens)."""
    sentence: str = ""


class DebateFigures(Contract):
    """What the deliberation of one arm did to its answers."""

    arm: str
    answers: int
    draft_accuracy: float | None
    vote_accuracy: float | None
    """What a vote of the first answers would have had, for nothing."""
    answer_accuracy: float
    oracle_accuracy: float | None
    """Answers for which at least one statement was right."""
    oracle_gap: float | None
    """Those that had it, and did not choose it."""
    conformity: float | None
    """Of the times that a speaker stood against the majority, how often it came over the next time."""
    conformity_to_wrong: float | None
    """The same where the majority was wrong."""
    flips: tuple[Flips, ...] = ()
    rounds: tuple[RoundFigures, ...] = ()
    nodes: tuple[NodeWorth, ...] = ()


class Badge(Contract):
    """Whether a flow was worth it: against its equal-cost baseline, on one dataset."""

    flow: str
    evaluation_id: str
    dataset: str
    items: int
    verdict: Verdict
    difference: float
    interval: Interval
    cost_ratio: float
    baseline: str
    sentence: str
    measured_at: datetime
    expired: tuple[str, ...] = ()
    """Why it holds no longer, a sentence each; none: it holds."""
    said: dict[str, Told] = Field(default_factory=dict)
    """By such a sentence, what it says."""


class Report(Contract):
    """All of it, for every way of showing it."""

    evaluation: EvaluationInfo
    scorer: str
    """With its version: `number@1`."""
    unit: CostUnit
    confidence: float
    arms: tuple[ArmFigures, ...]
    differences: tuple[PairedDifference, ...]
    debates: tuple[DebateFigures, ...] = ()
    badges: tuple[Badge, ...] = ()
    warnings: tuple[str, ...] = ()
    cautions: tuple[Caution, ...] = ()
    """Those of the warnings that the figures themselves give rise to, with what they are made of."""
    paid_usd: Usd | None = None
    calls: int = Field(default=0, ge=0)
    reused_calls: int = Field(default=0, ge=0)
