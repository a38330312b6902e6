"""Says what is wrong with a lab at this moment, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agent_lab.telemetry.history.slots import Slot, by_model
from agent_lab.telemetry.history.tally import Sum

Severity = Literal["warning", "critical"]
AlertKind = Literal["breaker", "errors", "memory", "queue", "waiting", "disk", "budget", "storage", "metrics"]
Values = dict[str, str | int | float]

ERRORS_OVER_S = 300
LEAST_ERRORS = 4
"""Fewer failed calls than this are no sign of anything."""
MANY_ERRORS, MOST_ERRORS = 0.2, 0.5
LITTLE_MEMORY, NO_MEMORY = 0.1, 0.05
"""Shares of a memory that are free."""
LITTLE_DISK_GB, NO_DISK_GB = 5.0, 1.0
LITTLE_DISK = 0.1
"""Share of the disk that is free: a small disk with little left is told of, a large one is not."""
NEARLY = 0.8
"""Of a bound: from here on it is told of."""
LONG_WAIT_S = 300.0
NOT_THE_MODEL = frozenset({"cancelled", "invalid-request", "content-refused", "not-found", "too-large", "conflict"})
"""Slugs of calls that failed by their caller's doing."""
REFUSED = "rejected"
"""Under which requests are counted that no model was looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that is wrong. It stays the same alert, under the same id, for as long as it is."""

    id: str
    kind: AlertKind
    severity: Severity
    sentence: str
    """What is wrong, and what to do."""
    values: Values
    """The names and figures of the sentence, for those who say it in another language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A memory that models share: `ram`, or a GPU's. GB (1e9 bytes)."""

    name: str
    total_gb: float
    free_gb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules look at. None: not known, or no bound."""

    now: float
    slots: Sequence[Slot] = ()
    """Those of the last minutes, at the least."""
    breakers: Mapping[str, str] = field(default_factory=dict)
    memories: Sequence[Memory] = ()
    queued: int = 0
    queue_limit: int = 0
    oldest_wait_s: float | None = None
    disk_free_gb: float | None = None
    disk_total_gb: float | None = None
    spent_usd: float = 0.0
    daily_budget_usd: float | None = None
    storage_fault: str | None = None
    metrics_fault: str | None = None


def alerts(facts: Facts) -> list[Alert]:
    """All that is wrong, the worst first."""
    found = [alert for rule in _RULES for alert in rule(facts)]
    return sorted(found, key=lambda alert: alert.severity != "critical")


def _storage(facts: Facts) -> Iterator[Alert]:
    if facts.storage_fault is not None:
        values: Values = {"reason": facts.storage_fault}
        yield Alert(id="storage", kind="storage", severity="critical", sentence=facts.storage_fault, values=values)
    if facts.metrics_fault is not None:
        values = {"reason": facts.metrics_fault}
        yield Alert(id="metrics", kind="metrics", severity="critical", sentence=facts.metrics_fault, values=values)


def _disk(facts: Facts) -> Iterator[Alert]:
    free, total = facts.disk_free_gb, facts.disk_total_gb
    if free is None or total is None or free >= LITTLE_DISK_GB or (free >= NO_DISK_GB and free >= LITTLE_DISK * total):
        return
    yield Alert(
        id="disk",
        kind="disk",
        severity="critical" if free < NO_DISK_GB else "warning",
        sentence=f"The disk with the data folder has {free:.1f} GB left; make room on it, or runs cannot be kept.",
        values={"free_gb": free, "total_gb": total},
    )


def _budget(facts: Facts) -> Iterator[Alert]:
    budget, spent = facts.daily_budget_usd, facts.spent_usd
    if not budget or spent < NEARLY * budget:  # who gives nothing has decided that: nothing is wrong, or will be
        return
    is_spent = spent >= budget
    then = "hosted models are refused until midnight (UTC)" if is_spent else "past that hosted models are refused"
    yield Alert(
        id="budget",
        kind="budget",
        severity="critical" if is_spent else "warning",
        sentence=f"${spent:.2f} of today's ${budget:.2f} are spent; {then}. Raise AGENT_LAB_DAILY_BUDGET_USD to go on.",
        values={"spent_usd": spent, "budget_usd": budget},
    )


def _memory(facts: Facts) -> Iterator[Alert]:
    for one in facts.memories:
        share = one.free_gb / one.total_gb if one.total_gb else 1.0
        if share >= LITTLE_MEMORY:
            continue
        yield Alert(
            id=f"memory:{one.name}",
            kind="memory",
            severity="critical" if share < NO_MEMORY else "warning",
            sentence=(
                f"Of {one.name} only {one.free_gb:.1f} of {one.total_gb:.1f} GB are free; put a model out of memory, "
                "or close other programs."
            ),
            values={"name": one.name, "free_gb": one.free_gb, "total_gb": one.total_gb},
        )


def _queue(facts: Facts) -> Iterator[Alert]:
    if facts.queue_limit and facts.queued >= NEARLY * facts.queue_limit:
        yield Alert(
            id="queue",
            kind="queue",
            severity="critical" if facts.queued >= facts.queue_limit else "warning",
            sentence=(
                f"{facts.queued:,} runs wait of the {facts.queue_limit:,} that may; past that none is taken. Stop "
                "those that nobody needs, or raise AGENT_LAB_MAX_RUNS."
            ),
            values={"queued": facts.queued, "limit": facts.queue_limit},
        )
    if facts.oldest_wait_s is not None and facts.oldest_wait_s >= LONG_WAIT_S:
        minutes = int(facts.oldest_wait_s // 60)
        yield Alert(
            id="waiting",
            kind="waiting",
            severity="warning",
            sentence=(
                f"A run has been waiting for its turn for {minutes:,} minutes; stop runs that nobody needs, or raise "
                "AGENT_LAB_MAX_RUNS."
            ),
            values={"minutes": minutes},
        )


def _breakers(facts: Facts) -> Iterator[Alert]:
    for model, state in sorted(facts.breakers.items()):
        if state == "open":
            yield Alert(
                id=f"breaker:{model}",
                kind="breaker",
                severity="warning",
                sentence=(
                    f"{model!r} failed several times in a row and is left alone for now; see at the models what it "
                    "says, or name another one."
                ),
                values={"model": model},
            )


def _errors(facts: Facts) -> Iterator[Alert]:
    sums = _blamed(slot for slot in facts.slots if slot.at > facts.now - ERRORS_OVER_S)
    failed = {(count, slug, model) for model, one in sums.items() for slug, count in one.errors.items()}
    errors = sum(count for count, _, _ in failed)
    calls = errors + sum(one.answers for one in sums.values())
    if errors < LEAST_ERRORS or errors < MANY_ERRORS * calls:
        return
    _, slug, model = max(failed)
    yield Alert(
        id="errors",
        kind="errors",
        severity="critical" if errors >= MOST_ERRORS * calls else "warning",
        sentence=(
            f"{errors:,} of the {calls:,} calls of the last five minutes failed, most of them with {slug!r} at "
            f"{model!r}; see at the models what it says, or name another one."
        ),
        values={"errors": errors, "calls": calls, "slug": slug, "model": model},
    )


def _blamed(slots: Iterable[Slot]) -> dict[str, Sum]:
    """What calls came to, without those that failed by their caller's doing."""
    sums = by_model(slots)
    sums.pop(REFUSED, None)
    for one in sums.values():
        one.errors = {slug: count for slug, count in one.errors.items() if slug not in NOT_THE_MODEL}
    return sums


_RULES: tuple[Callable[[Facts], Iterator[Alert]], ...] = (
    _storage,
    _disk,
    _budget,
    _memory,
    _queue,
    _breakers,
    _errors,
)
