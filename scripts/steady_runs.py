"""Gives recorded runs ids and times that are the same whenever they are recorded; what models said stays as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from agent_lab.contracts.events import RUN_EVENT, RunEvent, RunStarted
from agent_lab.contracts.run import RunInfo

TOKENS_A_SECOND = 25.0
"""About as fast as one reads."""
FIRST_TOKEN_S = 0.35
QUEUE_S = 0.01
LOAD_S = 0.6
PERSON_S = 40.0
"""How long a person thought about a question."""
STEP = timedelta(milliseconds=5)


@dataclass(slots=True)
class Steady:
    """One run's events under a clock that goes by the tokens they tell of."""

    run_id: str
    request_id: str
    began: datetime
    names: Mapping[str, str]
    """What other runs were called, and what they are called from now on."""
    now: datetime = field(init=False)
    worked_s: float = 0.0
    _asked: dict[tuple[str, int, int], datetime] = field(default_factory=dict)
    _turns: dict[tuple[str, int], datetime] = field(default_factory=dict)
    _seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = self.began

    def events(self, recorded: Sequence[RunEvent]) -> list[RunEvent]:
        """The same run, as it would be told at that pace."""
        return [self._told(event) for event in recorded if event.type != "token"]

    def _told(self, event: RunEvent) -> RunEvent:
        text = json.dumps(RUN_EVENT.dump_python(event, mode="json", by_alias=True))
        for before, after in self.names.items():
            text = text.replace(before, after)
        said = json.loads(text)
        change = getattr(self, f"_{said['type']}", None)
        self.now += STEP
        if change is not None:
            change(said)
        said["at"] = self.now.isoformat()
        return RUN_EVENT.validate_python(said)

    def _run_started(self, said: dict[str, Any]) -> None:
        said["run_id"], said["request_id"] = self.run_id, self.request_id

    def _node_started(self, said: dict[str, Any]) -> None:
        self._turns[said["node"], said["visit"]] = self.now

    def _generation_started(self, said: dict[str, Any]) -> None:
        self._asked[said["node"], said["visit"], said["sample"]] = self.now

    def _generation_finished(self, said: dict[str, Any]) -> None:
        result = said["result"]
        timings = _timings(result)
        seconds = result["timings"]["total_s"] = timings["total_s"]
        result["timings"] = timings
        for attempt in result["attempts"]:
            attempt["seconds"] = seconds
        self._seconds[said["node"]] = seconds
        asked = self._asked.get((said["node"], said["visit"], said["sample"]))
        if asked is not None and not said["reused"]:
            self.now = max(self.now, asked + timedelta(seconds=seconds))

    def _run_resumed(self, said: dict[str, Any]) -> None:
        self.now += timedelta(seconds=PERSON_S)
        self.worked_s -= PERSON_S

    def _node_finished(self, said: dict[str, Any]) -> None:
        began = self._turns.get((said["node"], said["visit"]), self.now)
        said["seconds"] = 0.0 if said["reused"] else round((self.now - began).total_seconds(), 3)
        if "seconds" in said["output"]["fields"]:
            said["output"]["fields"]["seconds"] = self._seconds.get(said["node"], 0.0)

    def _run_finished(self, said: dict[str, Any]) -> None:
        said["seconds"] = round((self.now - self.began).total_seconds() + self.worked_s, 3)
        if said["totals"] is not None:
            said["totals"]["seconds"] = said["seconds"]


def _timings(result: Mapping[str, Any]) -> dict[str, float]:
    load_s = 0.0 if result["cache_hit"] else LOAD_S
    inference_s = round(FIRST_TOKEN_S + result["tokens_generated"] / TOKENS_A_SECOND, 3)
    return {
        "load_s": load_s,
        "queue_s": QUEUE_S,
        "first_token_s": round(load_s + QUEUE_S + FIRST_TOKEN_S, 3),
        "inference_s": inference_s,
        "total_s": round(load_s + QUEUE_S + inference_s, 3),
    }


def row_of(events: Sequence[RunEvent]) -> RunInfo:
    """The row of the list that a run has before its events are told."""
    first = events[0]
    assert isinstance(first, RunStarted)
    return RunInfo(
        run_id=first.run_id,
        flow_id=first.flow.id,
        flow_hash=first.flow_hash,
        flow_version=first.flow_version,
        status="running",
        prompt=first.request.prompt,
        request_id=first.request_id,
        parent_run_id=first.parent_run_id,
        only_node=first.request.only,
        created_at=first.at,
    )
