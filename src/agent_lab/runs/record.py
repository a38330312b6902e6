"""What a run has recorded already: read back, so that a step that was done is answered and not done again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agent_lab.contracts.documents import content_hash
from agent_lab.contracts.errors import ConflictError
from agent_lab.contracts.events import GenerationFinished, NodeFinished, RunEvent, RunResumed, RunStarted
from agent_lab.contracts.generation import GenerationRequest, GenerationResult

Turn = tuple[str, int]
"""A node and the number of its visit."""
Call = tuple[str, int, int, str]
"""Node, visit, sample, and the content hash of the request."""


@dataclass(slots=True)
class Record:
    """Finished turns and answered calls of a run."""

    turns: dict[Turn, NodeFinished] = field(default_factory=dict)
    calls: dict[Call, GenerationResult] = field(default_factory=dict)
    seconds: float = 0.0
    """How long the run was worked on; the time in which nobody did does not count."""

    @classmethod
    def of(cls, events: Iterable[RunEvent]) -> Record:
        """What these events hold."""
        record, before = cls(), None
        for event in events:
            if before is not None and not isinstance(event, RunResumed):
                record.seconds += (event.at - before).total_seconds()
            before = event.at
            if isinstance(event, NodeFinished):
                record.turns[event.node, event.visit] = event
            elif isinstance(event, GenerationFinished):
                record.calls[event.node, event.visit, event.sample, event.request_hash] = event.result
        return record


def request_hash(request: GenerationRequest) -> str:
    """The content hash of a request: the same question under the same terms has the same hash."""
    # Without what was left at its default, so that a field that a later version adds changes no hash of today.
    return content_hash(request.model_dump(mode="json", exclude_defaults=True))


def beginning(events: Sequence[RunEvent]) -> RunStarted:
    """The first event; the store writes it with the run itself, so that no run is without it."""
    first = events[0] if events else None
    if not isinstance(first, RunStarted):
        raise ConflictError("The run has no beginning in the store; start a new one instead.")
    return first
