"""Shows how far a model is on its way into memory: one line written over on a terminal, whole lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from agent_lab.cli.figures import seconds, size
from agent_lab.cli.paper import Paper, one_line

KEY_COLUMNS = 16
"""So much of a key is shown on a line that is written over: what it says of the load must not be cut off."""
EVERY_S = 10.0
"""Where lines cannot be written over, one of the same stage comes no sooner after another."""
STAGES = {"waiting": "waiting for its turn", "fetching": "downloading", "loading": "loading", "ready": "ready"}


def progress_line(progress: Mapping[str, Any]) -> str:
    """`demo: downloading 1.20 of 4.10 GB, 12.0 s left`, as far as it is known."""
    said = [STAGES.get(progress["stage"], progress["stage"])]
    if progress.get("total_bytes"):
        said.append(_part(size(progress["done_bytes"]), size(progress["total_bytes"])))
    elif progress.get("done_bytes"):
        said.append(size(progress["done_bytes"]))
    left_s = progress.get("seconds_left")
    return f"{progress['model_key']}: {' '.join(said)}" + ("" if left_s is None else f", {seconds(left_s)} left")


def _part(done: str, total: str) -> str:
    """The unit once, where it is the same."""
    number, unit = done.split()
    return f"{number if total.endswith(' ' + unit) else done} of {total}"


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
            paper.progress(progress_line({**state, "model_key": one_line(state["model_key"], KEY_COLUMNS)}), since)
    finally:
        paper.close()
