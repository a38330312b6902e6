"""Counts seconds in buckets, so that quantiles of any stretch of time, or of several together, can be told."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

RELATIVE_ERROR = 0.025
"""A quantile is told within 2.5 % of the value that really stands there, between SHORTEST_S and LONGEST_S."""
SHORTEST_S = 0.001
"""Whatever is shorter is told as this."""
LONGEST_S = 7200.0
"""Whatever is longer is told as about this."""

_GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_PER_LOG = 1 / math.log(_GROWTH)
LAST_BUCKET = math.ceil(math.log(LONGEST_S / SHORTEST_S) * _PER_LOG)
_MIDDLE = 2 / (_GROWTH + 1)
_ENTRY = struct.Struct("<HI")
_MOST = 2**32 - 1


def bucket_of(seconds: float) -> int:
    """The bucket that holds so many seconds: number n ends at SHORTEST_S times the growth to the power of n.

    The buckets are fixed, so that the counts of two stretches of time add up to those of both. The idea is that of
    DDSketch (Masson, Rim and Lee, 2019).
    """
    if not seconds > SHORTEST_S:
        return 0
    return (
        min(LAST_BUCKET, math.ceil(math.log(seconds / SHORTEST_S) * _PER_LOG)) if seconds < LONGEST_S else LAST_BUCKET
    )


def seconds_of(bucket: int) -> float:
    """What a bucket is told as: no value in it is further off than the relative error."""
    return SHORTEST_S if bucket == 0 else SHORTEST_S * _GROWTH**bucket * _MIDDLE


def pack(counts: Mapping[int, int]) -> bytes:
    """The counts in six bytes a bucket that holds something: months of them are kept in memory."""
    return b"".join(_ENTRY.pack(bucket, min(count, _MOST)) for bucket, count in sorted(counts.items()))


def packed_again(pairs: Sequence[Any]) -> bytes:
    """The same of pairs that somebody may have changed meanwhile. Raises ValueError for what was never packed."""
    try:
        packed = b"".join(_ENTRY.pack(*pair) for pair in pairs)
    except (struct.error, TypeError) as error:
        raise ValueError("no counts by bucket") from error
    if any(bucket > LAST_BUCKET for bucket, _ in _ENTRY.iter_unpack(packed)):
        raise ValueError("a bucket that there is not")
    return packed


def unpack(packed: bytes) -> Iterable[tuple[int, int]]:
    """Each bucket that holds something, in order, and how many."""
    return _ENTRY.iter_unpack(packed)


def add_packed(counts: dict[int, int], packed: bytes) -> None:
    """Add to the counts."""
    for bucket, count in _ENTRY.iter_unpack(packed):
        counts[bucket] = counts.get(bucket, 0) + count


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """The least number of seconds that at least this share of the values does not exceed; None without values.

    Within RELATIVE_ERROR of the exact one, for values between SHORTEST_S and LONGEST_S.
    """
    rank = max(1, math.ceil(share * sum(counts.values())))
    for bucket in sorted(counts):
        rank -= counts[bucket]
        if rank <= 0:
            return seconds_of(bucket)
    return None
