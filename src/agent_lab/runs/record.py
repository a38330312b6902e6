"""What a run has recorded already: read back, so that a step that was done is answered and not done again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from agent_lab.contracts.documents import content_hash
from agent_lab.contracts.errors import ConflictError
from agent_lab.contracts.events import (
    GenerationFinished,
    NodeFinished,
    NodeStarted,
    PersonAnswered,
    RunAdmitted,
    RunEvent,
    RunQueued,
    RunResumed,
    RunStarted,
    WaitingForPerson,
)
from agent_lab.contracts.generation import GenerationRequest, GenerationResult
from agent_lab.contracts.run import RunView
from agent_lab.contracts.sentences import said

TurnKey = tuple[str, int]
"""The path of a node and the number of its visit."""
CallKey = tuple[str, int, int, str]
"""Path, visit, sample, and the content hash of the request."""


@dataclass(frozen=True, slots=True)
class KnownCall:
    """A call that was answered; `reused` where it was not this run that paid for it."""

    result: GenerationResult
    reused: bool


@dataclass(slots=True)
class Record:
    """Turns, answered calls and people's answers of a run."""

    ends: dict[str, list[NodeFinished]] = field(default_factory=dict)
    """The turns that have ended, by the place of their flow in the run ("" for the run's own), in their order."""
    turns: dict[TurnKey, NodeFinished] = field(default_factory=dict)
    begun: set[TurnKey] = field(default_factory=set)
    calls: dict[CallKey, KnownCall] = field(default_factory=dict)
    asked: set[TurnKey] = field(default_factory=set)
    """Turns that have put their question to a person."""
    answers: dict[TurnKey, str] = field(default_factory=dict)
    seconds: float = 0.0
    """How long the run was worked on; the time in which nobody did does not count."""
    _latest: datetime | None = None

    @classmethod
    def of(cls, events: Iterable[RunEvent]) -> Record:
        """What these events hold."""
        record = cls()
        for event in events:
            record.take(event)
        return record

    def take(self, event: RunEvent) -> None:
        """Take in one more event."""
        if self._latest is not None and not isinstance(event, RunQueued | RunResumed | RunAdmitted):
            self.seconds += max(0.0, (event.at - self._latest).total_seconds())  # a clock may be set back
        self._latest = event.at
        if isinstance(event, NodeStarted):
            self.begun.add((event.node, event.visit))
        elif isinstance(event, NodeFinished):
            self.ends.setdefault(place_of(event.node), []).append(event)
            self.turns[event.node, event.visit] = event
        elif isinstance(event, GenerationFinished):
            key = (event.node, event.visit, event.sample, event.request_hash)
            self.calls[key] = KnownCall(event.result, event.reused)
        elif isinstance(event, WaitingForPerson):
            self.asked.add((event.node, event.visit))
        elif isinstance(event, PersonAnswered):
            self.answers[event.node, event.visit] = event.text


def place_of(path: str) -> str:
    """The place of the flow that the node at that path stands in."""
    return path[: path.rindex("/") + 1] if "/" in path else ""


def outermost(path: str) -> str:
    """The node of the run's own flow in which the node at that path has its turn."""
    first = path.split("/", 1)[0]
    return first.split("~", 1)[0].split("[", 1)[0]


def inner_place(path: str, visit: int, branch: int | None) -> str:
    """The place of a flow that is run within that turn: `sub/`, in its second turn `sub~2/`, a branch `each[3]/`."""
    again = f"~{visit}" if visit > 1 else ""
    return f"{path}{again}{'' if branch is None else f'[{branch}]'}/"


def request_hash(request: GenerationRequest) -> str:
    """The content hash of a request: the same question under the same terms has the same hash."""
    # Without what was left at its default, so that a field that a later version adds changes no hash of today.
    return content_hash(request.model_dump(mode="json", exclude_defaults=True))


def with_seconds(view: RunView, events: Sequence[RunEvent], *, until: datetime | None = None) -> RunView:
    """The view of a run that has not ended, with the seconds that it was worked on so far.

    `until`: where it is being worked on now, the time; else what came after the last event does not count.
    """
    if view.finished_at is not None:
        return view
    at_work = until if view.status == "running" else None
    since_s = max(0.0, (at_work - events[-1].at).total_seconds()) if at_work else 0.0
    seconds = round(Record.of(events).seconds + since_s, 4)
    return view.model_copy(update={"totals": view.totals.model_copy(update={"seconds": seconds})})


def beginning(events: Sequence[RunEvent]) -> RunStarted:
    """The first event; the store writes it with the run itself, so that no run is without it."""
    first = events[0] if events else None
    if not isinstance(first, RunStarted):
        raise ConflictError(said("no_beginning", "The run has no beginning in the store; start a new one instead."))
    return first
