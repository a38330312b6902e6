"""Shows how far a model is on its way into memory: one line written over on a terminal, whole lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from agent_lab.cli.figures import seconds, size

if TYPE_CHECKING:
    from agent_lab.cli.paper import Paper

EVERY_S = 10.0
"""Where lines cannot be written over, one of the same stage comes no sooner after another."""
STAGES = {
    "waiting": "waits for room in memory",
    "fetching": "is being downloaded",
    "loading": "is being read into memory",
    "ready": "is in memory",
}


def progress_line(progress: Mapping[str, Any]) -> str:
    """`demo is being downloaded: 1.20 of 4.10 GB, 12.0 s left`, as far as it is known."""
    parts = []
    if progress.get("total_bytes"):
        parts.append(f"{size(progress['done_bytes'])} of {size(progress['total_bytes'])}")
    elif progress.get("done_bytes"):
        parts.append(size(progress["done_bytes"]))
    if progress.get("seconds_left") is not None:
        parts.append(f"{seconds(progress['seconds_left'])} left")
    stage = STAGES.get(progress["stage"], progress["stage"])
    return f"{progress['model_key']} {stage}" + (f": {', '.join(parts)}" if parts else "")


def sparse(states: Iterable[Mapping[str, Any]], every_s: float = EVERY_S) -> Iterator[Mapping[str, Any]]:
    """Of all that is told of a load what fits on lines that stay: each new stage, and then one in a while."""
    stage, told_at_s = None, 0.0
    for state in states:
        if state["stage"] != stage or state["elapsed_s"] - told_at_s >= every_s:
            stage, told_at_s = state["stage"], state["elapsed_s"]
            yield state


def show(states: Iterable[Mapping[str, Any]], paper: Paper) -> None:
    """Show the load until nothing more is told of it."""
    if not paper.lively:
        for state in sparse(states):
            paper.line(f"{progress_line(state)}.")
        return
    try:
        for state in states:
            since = datetime.now(UTC) - timedelta(seconds=state["elapsed_s"])
            paper.progress(progress_line(state), since)
    finally:
        paper.close()
