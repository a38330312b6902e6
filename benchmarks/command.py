"""What a command costs before it does anything: CPU seconds of a whole process, the median of 7."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator

TIMES = 7


def cpu_seconds(command: list[str]) -> float:
    """User and system seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def lines() -> Iterator[str]:
    """`agent-lab --help` beside an empty Python."""
    floor, ours = [], []
    for _ in range(TIMES):
        floor.append(cpu_seconds([sys.executable, "-c", "pass"]))
        ours.append(cpu_seconds([sys.executable, "-m", "agent_lab", "--help"]))
    empty_s, help_s = statistics.median(floor), statistics.median(ours)
    yield f"python -c pass        {empty_s:.3f} s CPU"
    yield f"agent-lab --help      {help_s:.3f} s CPU  ({help_s / empty_s:.1f} x; the bound is 0.300 s)"
