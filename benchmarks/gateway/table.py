"""Turns what was measured into figures with their bounds, and into a table and a JSON document."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from benchmarks.gateway.servers import DIRECT, FLOOR, OURS

AGAIN = "agent-lab again"
"""The same server measured a second time in each round: what differs between the two is noise."""
NOISE_BOUND = 0.05

Rounds = Mapping[str, Mapping[str, Sequence[float]]]
Medians = Mapping[str, Mapping[str, float]]
Word = Literal["pass", "FAIL", "void"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A promise: what was measured, what it may be at most, and which measures it rests on."""

    what: str
    value: float
    at_most: float
    unit: str
    rests_on: tuple[str, ...] = ()

    def word(self, noisy: Mapping[str, float]) -> Word:
        """Void where a measure differed from itself by more than the noise that is allowed."""
        if any(noisy.get(name, 0.0) > NOISE_BOUND for name in self.rests_on):
            return "void"
        return "pass" if self.value <= self.at_most else "FAIL"


def medians(rounds: Rounds) -> dict[str, dict[str, float]]:
    """The middle of the rounds."""
    return {name: {who: statistics.median(values) for who, values in row.items()} for name, row in rounds.items()}


def noise(figures: Medians) -> dict[str, float]:
    """By how much each measure of the same server differed from itself, as a share."""
    return {name: abs(row[AGAIN] / row[OURS] - 1.0) for name, row in figures.items()}


def bounds(figures: Medians, memory: Mapping[str, Mapping[str, float]]) -> list[Bound]:
    """What was promised, in the order of the promise."""
    ours = {name: row[OURS] for name, row in figures.items()}
    growth = (ours["long_call_us"] / ours["call_us"] - 1.0) * 100
    added_ms = ours["first_word_ms"] - figures["first_word_ms"][DIRECT]
    # A packet of its own costs any server a turn of its loop; what the floor pays for that is not the gateway's.
    paced_us = ours["paced_chunk_us"] - figures["paced_chunk_us"][FLOOR]
    chunk = "CPU a chunk"
    return [
        Bound(what="CPU a whole call", value=ours["call_us"] / 1e3, at_most=1.0, unit="ms", rests_on=("call_us",)),
        Bound(what=f"{chunk}, in a burst", value=ours["burst_chunk_us"], at_most=15.0, unit="us",
              rests_on=("burst_chunk_us",)),
        Bound(what=f"{chunk} by itself, over the floor", value=paced_us, at_most=15.0, unit="us",
              rests_on=("paced_chunk_us",)),
        Bound(what="growth from 1 to 40 messages", value=growth, at_most=15.0, unit="%",
              rests_on=("call_us", "long_call_us")),
        Bound(what="memory, at its most", value=max(memory[OURS].values()), at_most=120.0, unit="MB"),
        Bound(what="time to first token added", value=added_ms, at_most=2.0, unit="ms", rests_on=("first_word_ms",)),
    ]  # fmt: skip


TITLES = {
    "call_us": ("us CPU, a whole call", "{:10.0f}"),
    "long_call_us": ("us CPU, with 40 messages", "{:10.0f}"),
    "burst_chunk_us": ("us CPU, a chunk in a burst", "{:10.1f}"),
    "paced_chunk_us": ("us CPU, a chunk by itself", "{:10.1f}"),
    "first_word_ms": ("ms to the first token, p50", "{:10.2f}"),
    "calls_per_s": ("calls/s, 32 at a time", "{:10.0f}"),
    "rss_start_mb": ("MB as started", "{:10.0f}"),
    "rss_first_call_mb": ("MB after the first call", "{:10.0f}"),
    "rss_1000_calls_mb": ("MB after 1,000 calls", "{:10.0f}"),
}


def figure_lines(figures: Medians, memory: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """A row a measure, a column a contender, and the ratio of ours to the floor."""
    by_measure = {name: {who: row[name] for who, row in memory.items()} for name in next(iter(memory.values()))}
    names = [who for who in next(iter(figures.values())) if who != AGAIN]
    yield f"{'':<28}" + "".join(f"{name:>13}" for name in names) + f"{'ours/floor':>13}{'ours/ours':>12}"
    for name, row in {**figures, **by_measure}.items():
        title, shown = TITLES[name]
        cells = "".join(f"{shown.format(row[who]):>13}" for who in names)
        again = f"{row[AGAIN] / row[OURS]:10.3f} x" if AGAIN in row else ""
        yield f"{title:<28}{cells}{row[OURS] / row[FLOOR]:>11.2f} x{again}"


def sdk_lines(sdks: Medians) -> Iterator[str]:
    """CPU of calls without any server between."""
    yield f"{'':<28}{'1 message':>13}{'40 messages':>13}"
    for way, row in sdks.items():
        yield f"{way + ', us CPU a call':<28}{row['1']:>13.0f}{row['40']:>13.0f}"


def bound_lines(found: Sequence[Bound], noisy: Mapping[str, float]) -> Iterator[str]:
    """A line a promise."""
    for one in found:
        yield f"{one.word(noisy):<6}{one.what:<42}{one.value:9.2f} {one.unit:<3} (at most {one.at_most:g} {one.unit})"


def document(figures: Medians, rounds: Rounds, found: Sequence[Bound], **more: Any) -> dict[str, Any]:
    """Everything, for machines."""
    noisy = noise(figures)
    said = [{**asdict(one), "verdict": one.word(noisy)} for one in found]
    return {"bounds": said, "medians": figures, "noise": noisy, "rounds": rounds, **more}
