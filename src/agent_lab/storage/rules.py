"""What both run stores hold to: who may write to a run, how events are numbered, and what they change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import pydantic

from agent_lab.contracts.errors import ConflictError, EnvironmentFaultError, TooLargeError, ValidationError
from agent_lab.contracts.events import RUN_EVENT, RunEvent, RunFinished, RunStarted, Token
from agent_lab.contracts.run import TERMINAL, RunInfo, RunStatus
from agent_lab.storage.utf8 import json_text, well_formed

MAX_EVENT_BYTES = 64 * 2**20
"""The longest event that is kept; a request with a full prompt, system text and history fits many times over."""
SIMILAR_AMONG = 200
"""How many of the latest runs are looked at for similar ones."""
SIMILAR_CHARS = 4000
"""How much of a question is compared."""

_WORD = re.compile(r"\w{3,}")
Found = TypeVar("Found")


def utc_now() -> datetime:
    """The clock of the stores: leases are compared between processes, so it is the time of day."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a run stands when somebody wants to write to it."""

    run_id: str
    status: RunStatus
    last_seq: int
    lease_owner: str | None
    lease_until: datetime | None

    @property
    def ended(self) -> bool:
        """True where the run has ended, and stays so."""
        return self.status in TERMINAL

    def held(self, now: datetime) -> bool:
        """True where somebody has a lease that has not ended."""
        return self.lease_owner is not None and self.lease_until is not None and now < self.lease_until

    def claimable(self, owner: str, now: datetime) -> bool:
        """True where `owner` may take the run or keep it."""
        return not self.ended and (self.lease_owner == owner or not self.held(now))

    def check_writable(self, owner: str, now: datetime) -> None:
        """Raises ConflictError where the run has ended or another worker holds it."""
        if self.ended:
            raise ConflictError(f"Run {self.run_id} has ended ({self.status}); start a new one.")
        if self.held(now) and self.lease_owner != owner:
            raise ConflictError(f"Run {self.run_id} is being worked on by another worker; watch it, or wait.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What events do to the row of their run."""

    status: RunStatus
    finished_at: datetime | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An event as it is kept."""

    event: RunEvent
    body: str


def number(events: Sequence[RunEvent], *, last_seq: int) -> list[Record]:
    """The events numbered on from `last_seq`, each as it will be read back.

    Raises ValidationError and TooLargeError for an event that could not be kept, ValueError for one that never may be.
    """
    return [_record(event, seq) for seq, event in enumerate(events, last_seq + 1)]


def _record(event: RunEvent, seq: int) -> Record:
    if isinstance(event, Token):
        raise ValueError("token events are live only and are never stored")
    numbered = event.model_copy(update={"seq": seq})
    try:
        body = RUN_EVENT.dump_json(numbered).decode()
    except ValueError:  # pydantic's own serialisation error is one
        body = json_text(RUN_EVENT.dump_python(numbered, mode="json"))
    if len(body) > MAX_EVENT_BYTES:
        raise TooLargeError(f"A {event.type} event of {len(body):,} bytes is longer than a run keeps; ask for less.")
    try:
        # Read back before it is kept: a record that cannot be read would cost the whole run, not this step.
        return Record(event=RUN_EVENT.validate_json(body), body=body)
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise ValidationError(
            f"A {event.type} event cannot be kept: {problem}. The answer in it is malformed."
        ) from error


def read_record(run_id: str, seq: int, body: str) -> RunEvent:
    """The event of a kept body. Raises EnvironmentFaultError where it is damaged or of another version."""
    try:
        return RUN_EVENT.validate_json(body)
    except pydantic.ValidationError as error:
        raise EnvironmentFaultError(
            f"Event {seq} of run {run_id} cannot be read: it is damaged, or a newer version of AI Agent Lab wrote it. "
            "Restore the database from a backup, or use that version."
        ) from error


def change_by(events: Iterable[RunEvent]) -> Change | None:
    """What the events change in the row of their run; None where nothing.

    Raises ValueError for a run that finishes unfinished, and for events behind the finish.
    """
    change: Change | None = None
    for event in events:
        if change is not None and change.finished_at is not None:
            raise ValueError("nothing may follow run_finished")
        if isinstance(event, RunStarted):
            change = Change(status="running")
        elif isinstance(event, RunFinished):
            if event.status not in TERMINAL:
                raise ValueError(f"run_finished with the status {event.status}, which is none of an end")
            change = Change(status=event.status, finished_at=event.at, answer=event.answer)
    return change


def row_of(run: RunInfo) -> RunInfo:
    """The run as it will be read back: text that is UTF-8, times that are UTC. Raises ValueError for a naive time."""
    if run.created_at.tzinfo is None or (run.finished_at is not None and run.finished_at.tzinfo is None):
        raise ValueError("the times of a run need their time zone")
    return run.model_copy(
        update={
            "prompt": well_formed(run.prompt),
            "request_id": well_formed(run.request_id),
            "created_at": run.created_at.astimezone(UTC),
            "finished_at": run.finished_at and run.finished_at.astimezone(UTC),
        }
    )


def check_page(limit: int) -> None:
    """Raises ValidationError for a page that holds nothing."""
    if limit < 1:
        raise ValidationError(f"A page holds at least one run; {limit} were asked for.", where="limit")


def most_alike(prompt: str, candidates: Sequence[tuple[Found, str]], *, limit: int) -> list[Found]:
    """Those candidates (thing, its text; latest first) that share most words with the prompt, latest first among
    equals. Words of three letters or more count, each once; a text that shares none is left out."""
    wanted = _words(prompt)
    scored = [(len(wanted & _words(text)), thing) for thing, text in candidates[:SIMILAR_AMONG]]
    alike = sorted((pair for pair in scored if pair[0]), key=lambda pair: -pair[0])
    return [thing for _, thing in alike[: max(limit, 0)]]


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text[:SIMILAR_CHARS].casefold()))
