"""An evaluation: a dataset put through several arms, each answer scored, each figure kept with what it took."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from agent_lab.contracts.flow import NAME, Name
from agent_lab.contracts.generation import MAX_PROMPT_CHARS, Contract
from agent_lab.contracts.registry import Usd
from agent_lab.contracts.run import Fault, RunOptions, RunStatus
from agent_lab.contracts.sentences import Told, said

MAX_ITEMS = 100_000
MAX_ARMS = 32
ArmName = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\s,][^\n,]*$")]
FlowName = Annotated[str, Field(min_length=1, max_length=80)]
"""`id`, `id@3` or `id@draft`, as a run names it."""
Split = Literal["tune", "test"]


# --- what is asked ----------------------------------------------------------------------------------------------------
class Item(Contract):
    """A question, and what a right answer is. `columns`: whatever else its row holds."""

    id: str = Field(min_length=1, max_length=200)
    input: str = Field(min_length=1, max_length=MAX_PROMPT_CHARS)
    target: str | None = Field(default=None, max_length=MAX_PROMPT_CHARS)
    """None where no answer is known: only a judge can then compare the arms."""
    split: Split | None = None
    columns: dict[str, JsonValue] = Field(default_factory=dict)


class DatasetInfo(Contract):
    """A dataset as it is listed."""

    name: str
    content_hash: str
    """Of all that the items hold, in their order."""
    items: int
    tune: int = 0
    test: int = 0
    columns: tuple[str, ...] = ()
    source: str = ""
    """Where it was read: `built-in`, a file's name, or `uploaded`."""
    created_at: datetime | None = None


class Dataset(Contract):
    """Items under a name. Ids are unique."""

    info: DatasetInfo
    items: tuple[Item, ...] = Field(max_length=MAX_ITEMS)


# --- who answers ------------------------------------------------------------------------------------------------------
class Arm(Contract):
    """One way of answering, under a name of its own."""

    name: ArmName


class FlowArm(Arm):
    """A flow, as a run would run it."""

    kind: Literal["flow"] = "flow"
    flow: FlowName
    options: RunOptions = RunOptions()


class SingleArm(Arm):
    """One call: the first draft of the flow `like`, or the bare question to the model."""

    kind: Literal["single"] = "single"
    like: FlowName | None = None
    model: str | None = None
    options: RunOptions = RunOptions()


class BestSingleArm(Arm):
    """The best single member: of the models of these flows and arms, that which did best on the tuning split."""

    kind: Literal["best_single"] = "best_single"
    of: tuple[str, ...] = ()
    """Models; none: every model that the other arms ask."""
    options: RunOptions = RunOptions()


class VoteArm(Arm):
    """Self-consistency: k independent answers to the same question, and the most frequent of them.

    X. Wang et al., "Self-Consistency Improves Chain of Thought Reasoning in Language Models", 2023.
    """

    kind: Literal["vote"] = "vote"
    k: int = Field(ge=1, le=64)
    like: FlowName | None = None
    model: str | None = None
    options: RunOptions = RunOptions()


class BestOfArm(Arm):
    """k independent answers, of which a judge chooses one."""

    kind: Literal["best_of"] = "best_of"
    k: int = Field(ge=2, le=64)
    like: FlowName | None = None
    model: str | None = None
    judge: str | None = None
    """The model that judges; None: the one that answers."""
    options: RunOptions = RunOptions()


class WithoutArm(Arm):
    """A flow with one of its nodes left out: those behind it follow on those before it."""

    kind: Literal["without"] = "without"
    flow: FlowName
    node: Name | None = None
    """None: each node that asks a model and can be left out, in an arm of its own."""
    options: RunOptions = RunOptions()


class NoiseArm(Arm):
    """A flow whose critic speaks of something else: it says what it said to another item of the dataset."""

    kind: Literal["noise"] = "noise"
    flow: FlowName
    node: Name | None = None
    """The critic; None: the node that reads the first draft."""
    options: RunOptions = RunOptions()


class DraftsVoteArm(Arm):
    """A vote over the first drafts that a flow has paid for already: free."""

    kind: Literal["drafts_vote"] = "drafts_vote"
    flow: FlowName
    options: RunOptions = RunOptions()


class EqualCostArm(Arm):
    """What the money of a flow buys without it: as many answers and a vote as its measured cost pays for."""

    kind: Literal["equal_cost"] = "equal_cost"
    flow: FlowName
    options: RunOptions = RunOptions()


class ImportedArm(Arm):
    """Answers that were made elsewhere."""

    kind: Literal["imported"] = "imported"
    source: str = ""


AnyArm = Annotated[
    FlowArm
    | SingleArm
    | BestSingleArm
    | VoteArm
    | BestOfArm
    | WithoutArm
    | NoiseArm
    | DraftsVoteArm
    | EqualCostArm
    | ImportedArm,
    Field(discriminator="kind"),
]


# --- how it is judged -------------------------------------------------------------------------------------------------
class ScorerSpec(Contract):
    """How an answer is held against its target, the same for all arms."""

    name: Literal["exact", "number", "choice", "regex", "contains", "json", "code", "judge"] = "number"
    pattern: str | None = Field(default=None, max_length=1000)
    """Of `regex`: its first group, or all of it, is the answer. With {target} in it: what the answer must match."""
    choices: tuple[str, ...] = Field(default=(), max_length=100)
    """Of `choice`: what may be chosen; none: the letters A to J."""
    tolerance: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Of `number`: how far from the target still counts."""
    ignore_case: bool = True
    model: str | None = None
    """Of `judge`: the model that compares."""
    question: str | None = Field(default=None, max_length=10_000)
    """Of `judge`: what makes an answer the better one."""
    timeout_s: float = Field(default=10.0, gt=0, le=600)
    """Of `code`: how long the tests of one answer may take."""


CostUnit = Literal["usd", "tokens", "generated_tokens"]
"""`tokens`: those read and those written. `usd` holds only where every price is known and some are not 0."""


class EvaluationSpec(Contract):
    """What an evaluation does. All that its figures depend on is here, or is stored under the dataset's hash."""

    name: str = Field(default="", max_length=200)
    dataset: str = Field(min_length=1, max_length=300)
    """The name or the content hash of a stored dataset; `demo`: the built-in model's held-out problems."""
    split: Split | None = None
    """None: all items."""
    limit: int | None = Field(default=None, ge=1)
    """The first so many items of the order."""
    arms: tuple[AnyArm, ...] = Field(min_length=1, max_length=MAX_ARMS)
    baseline: str = Field(default="auto", max_length=120)
    """`auto`: each flow against the equal-cost baseline that is derived from it. Else the name of an arm."""
    scorer: ScorerSpec = ScorerSpec()
    samples: int = Field(default=1, ge=1, le=100)
    """Answers of each arm to each item, each with a seed of its own."""
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    order: Literal["given", "shuffled"] = "given"
    """Shuffled by the seed: what a `limit` leaves is then a random part."""
    language: Literal["en", "es"] = "en"
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    margin: float = Field(default=0.02, gt=0, lt=1)
    """The smallest difference that would matter, as a part of 1: 0.02 is two points."""
    cost_unit: CostUnit | None = None
    """None: USD where every price is known and not all are 0, else tokens."""
    cost_tolerance: float = Field(default=0.05, gt=0, le=0.5)
    """How far the cost of a baseline may be from its flow's and still be called equal."""
    budget_usd: Usd | None = Field(default=None, ge=0)
    concurrency: int = Field(default=8, ge=1, le=256)
    """Items in flight."""
    run_code: bool = False
    """Whether answers may be run as code; needed by the scorer `code`."""

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        names = [arm.name for arm in self.arms]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(said("two_arms", "two arms are called {arm!r}; give each a name of its own", arm=twice[0]))
        if self.baseline != "auto" and self.baseline not in names:
            raise ValueError(
                said(
                    "no_such_baseline",
                    "the baseline {baseline!r} is none of the arms; take one of {arms}",
                    baseline=self.baseline,
                    arms=names,
                )
            )
        if self.scorer.name == "code" and not self.run_code:
            raise ValueError(
                said(
                    "code_not_allowed", "the scorer 'code' runs what a model wrote; allow it with run_code (--run-code)"
                )
            )
        return self


# --- what came of it --------------------------------------------------------------------------------------------------
class Statement(Contract):
    """An answer that was given on the way: a draft, a voice, a repaired draft, the last word."""

    node: str = Field(pattern=NAME[:-1])
    """The node's path."""
    visit: int = 1
    sample: int = 0
    speaker: str
    """Who says it, the same over all rounds: the node, with `#2` for its second sample."""
    round: int = 1
    """The how-manyeth answer of that speaker."""
    part: Literal["draft", "voice", "step", "answer"]
    """`draft`: the flow's own draft. `voice`: another first answer without sight of the others. `answer`: the last."""
    choice: str | None
    """What it comes down to, read by the scorer; None where nothing can be read."""
    score: float | None = None
    """Of that statement alone, by the scorer; None where the scorer cannot say it (a judge)."""


class NodeCost(Contract):
    """What the calls of one node took in one answer."""

    node: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: Usd | None


class Cell(Contract):
    """One answer of one arm to one item."""

    arm: str
    item: str
    sample: int = 0
    status: RunStatus | Literal["timed_out"] = "completed"
    answer: str | None = None
    choice: str | None = None
    """What the answer comes down to, read by the scorer."""
    score: float = Field(default=0.0, ge=0, le=1)
    """1 right, 0 wrong; what failed is wrong. Of a judge: 1 preferred to the reference, 0 not, 0.5 a tie."""
    fault: Fault | None = None
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Usd | None = None
    """What the arm alone would have cost: answers that other arms share are in it."""
    paid_usd: Usd | None = None
    """What was paid for it here: answers from the cache are not in it."""
    seconds: float = 0.0
    k: int | None = None
    """Of an equal-cost baseline: how many answers this item had."""
    statements: tuple[Statement, ...] = ()
    nodes: tuple[NodeCost, ...] = ()
    note: str | None = None


EvaluationStatus = Literal["queued", "running", "completed", "cancelled", "failed", "limit_exceeded"]
ENDED: frozenset[EvaluationStatus] = frozenset({"completed", "cancelled", "failed", "limit_exceeded"})


class Progress(Contract):
    """How far an evaluation is."""

    cells: int = 0
    of: int = 0
    paid_usd: Usd | None = None
    calls: int = 0
    reused_calls: int = 0
    seconds: float = 0.0
    """Worked so far, breaks left out."""
    seconds_left: float | None = None
    """At the pace so far; None until it can be told."""


class Outcome(Contract):
    """The verdict on one arm, as short as a list has room for."""

    arm: str
    against: str
    verdict: Literal["better", "worse", "no_difference", "inconclusive", "refused"]
    difference: float
    low: float
    high: float
    """Of its interval."""


class EvaluationInfo(Contract):
    """An evaluation as it is listed."""

    evaluation_id: str
    spec: EvaluationSpec
    dataset: DatasetInfo
    status: EvaluationStatus = "queued"
    progress: Progress = Progress()
    fault: Fault | None = None
    outcomes: tuple[Outcome, ...] = ()
    """Of the report, in its order; written when it has ended."""
    caller: str = ""
    created_at: datetime
    finished_at: datetime | None = None


class ArmOrigin(Contract):
    """What an arm was when it ran: by this its figures expire."""

    arm: str
    flow: str | None = None
    flow_hash: str | None = None
    flow_version: int | None = None
    models: tuple[str, ...] = ()
    fingerprint: str
    """Of the flow's content, of the rows of its models and strategies, and of their prices."""
    k: float | None = None
    """Of an equal-cost baseline: answers an item, on average."""
    sentence: str = ""
    """How a derived arm was made, in words."""
    said: Told | None = None
    """The same, for those who say it in another language."""


class EvaluationEstimate(Contract):
    """What an evaluation would take, told before it begins."""

    items: int
    cells: int
    calls: int
    """Expected; the arms that are derived later are taken at the cost of their flow."""
    calls_at_most: int
    tokens: int | None
    cost_usd: Usd | None
    """None where a price is not known."""
    cost_at_most_usd: Usd | None
    seconds: float | None
    """None where nothing is known of the models' pace yet."""
    smallest_difference: float
    """What the test can see with so many items at 80 % power, as a part of 1."""
    sentence: str
    """The same in words: "with 200 items you can see 8 points"."""
    warnings: tuple[str, ...] = ()
    said: dict[str, Told] = Field(default_factory=dict)
    """By warning, what it says, for those who say it in another language."""
