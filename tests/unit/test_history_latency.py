"""Quantiles of counted seconds are as exact as they say, also of counts that were added up."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from agent_lab.telemetry.history.latency import (
    LAST_BUCKET,
    LONGEST_S,
    RELATIVE_ERROR,
    SHORTEST_S,
    add_packed,
    bucket_of,
    pack,
    quantile,
    seconds_of,
    unpack,
)

SECONDS = st.floats(SHORTEST_S, LONGEST_S)


def counted(values: list[float]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for value in values:
        counts[bucket_of(value)] = counts.get(bucket_of(value), 0) + 1
    return counts


@given(st.lists(SECONDS, min_size=1, max_size=300), st.floats(0.001, 1.0))
def test_a_quantile_is_within_its_relative_error(values: list[float], share: float) -> None:
    exact = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
    told = quantile(counted(values), share)
    assert told is not None
    assert abs(told - exact) <= RELATIVE_ERROR * exact * (1 + 1e-9)


@given(st.lists(SECONDS), st.lists(SECONDS))
def test_counts_of_two_stretches_add_up_to_those_of_both(first: list[float], second: list[float]) -> None:
    both: dict[int, int] = {}
    add_packed(both, pack(counted(first)))
    add_packed(both, pack(counted(second)))
    assert both == counted(first + second)


@given(st.dictionaries(st.integers(0, LAST_BUCKET), st.integers(1, 2**40), max_size=50))
def test_what_is_packed_is_unpacked_again(counts: dict[int, int]) -> None:
    packed = pack(counts)
    assert len(packed) == 6 * len(counts)
    assert dict(unpack(packed)) == {bucket: min(count, 2**32 - 1) for bucket, count in counts.items()}


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_every_number_has_a_bucket(seconds: float) -> None:
    assert 0 <= bucket_of(seconds) <= LAST_BUCKET


def test_what_is_too_short_or_too_long_is_told_as_the_bounds() -> None:
    assert seconds_of(bucket_of(0.0)) == SHORTEST_S
    assert abs(seconds_of(bucket_of(1e9)) / LONGEST_S - 1) < 0.06


def test_without_values_there_is_no_quantile() -> None:
    assert quantile({}, 0.5) is None
