"""Says how many threads torch computes with on a CPU. It keeps the number for each thread that has it compute."""

from __future__ import annotations

from functools import cache
from typing import Any

SMALL_BYTES = 20_000_000
"""A model of fewer weights is read through faster by one processor than several can agree on who reads what; and where
other programs want the processors too, their waiting for each other costs fifty times the work."""


@cache
def default_threads() -> int:
    """What torch would take by itself: as many as there are processors, or as OMP_NUM_THREADS says."""
    import torch

    return int(torch.get_num_threads())


def threads_for(model: Any) -> int:
    """Threads for the passes of a model in memory."""
    weights_bytes = sum(one.nbytes for one in model.parameters())
    return 1 if weights_bytes < SMALL_BYTES else default_threads()


def compute_with(threads: int) -> None:
    """Have what this thread computes from now on done by that many."""
    import torch

    default_threads()  # a thread that begins later starts with the number that any thread set last
    torch.set_num_threads(threads)
