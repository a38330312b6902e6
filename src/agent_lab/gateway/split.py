"""Shares requests out among models by weight, the same way for the same run; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def pick(split: Mapping[str, float], row: str, sticky: str) -> str:
    """The model that this row gives the request to. The same `sticky` always comes to the same one.

    Each row cuts the range of a hash of the sticky word in proportion to its weights: no memory is needed, and every
    process agrees. A hash of row and word together, so that two experiments do not choose the same runs.
    """
    digest = hashlib.sha256(f"{row}\0{sticky}".encode("utf-8", "surrogatepass")).digest()
    point = int.from_bytes(digest[:8]) / 2**64 * sum(split.values())
    for key, weight in split.items():
        point -= weight
        if point < 0:
            return key
    return list(split)[-1]
