"""What both run stores hold to: who may write to a run, how events are numbered, and what they change."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar, get_args

import pydantic

from agent_lab.contracts.errors import (
    BusyError,
    ConflictError,
    EnvironmentFaultError,
    NotFoundError,
    TooLargeError,
    ValidationError,
)
from agent_lab.contracts.events import RUN_EVENT, GenerationFinished, RunEvent, RunFinished, Token
from agent_lab.contracts.run import TERMINAL, RunInfo, RunStatus
from agent_lab.contracts.run_ports import Order, RunFilter
from agent_lab.contracts.sentences import said
from agent_lab.storage.tables import PICO, pico_of
from agent_lab.storage.utf8 import json_text, storable

MAX_EVENT_BYTES = 64 * 2**20
"""The longest event that is kept; a request with a full prompt, system text and history fits many times over."""
SIMILAR_AMONG = 200
"""How many of the latest runs are looked at for similar ones."""
SIMILAR_CHARS = 4000
"""How much of a question is compared."""
MAX_ORDERS = 100
"""Orders of one run that may wait; whoever works on it follows them within a second."""
ORDERS_AT_ONCE = 1000
LONGEST_TEXT = {"run_id": 128, "request_id": 256, "caller": 64, "flow_id": 64, "idempotency_key": 256, "node": 256}
LONGEST_MODEL = 64
"""Characters that the columns hold; PostgreSQL takes no more, SQLite would."""
STORED = tuple(name for name in RunInfo.model_fields if name != "models")
"""Of a run's row what its table has; its models are in a table of their own."""
LONGEST_SEARCH = 1000
_MOST_CALLS = 2**31 - 1
GOING_ON: tuple[RunStatus, ...] = tuple(status for status in get_args(RunStatus) if status not in TERMINAL)

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

    def free_for(self, owner: str, now: datetime) -> bool:
        """True where `owner` holds it or nobody does."""
        return self.lease_owner == owner or not self.held(now)

    def claimable(self, owner: str, now: datetime) -> bool:
        """True where `owner` may take the run or keep it."""
        return not self.ended and self.free_for(owner, now)

    def check_going_on(self) -> None:
        """Raises ConflictError where the run has ended."""
        if self.ended:
            raise ConflictError(
                said(
                    "run_over", "Run {run} has ended ({status}); start a new one.", run=self.run_id, status=self.status
                )
            )

    def check_writable(self, owner: str, now: datetime, after: int | None = None) -> None:
        """Raises ConflictError where the run has ended, another worker holds it, or its last event is another one."""
        self.check_going_on()
        if not self.free_for(owner, now):
            raise ConflictError(
                said("run_held", "Run {run} is being worked on by another worker; watch it, or wait.", run=self.run_id)
            )
        if after is not None and after != self.last_seq:
            raise ConflictError(
                said(
                    "run_taken_further",
                    "Run {run} was taken further by another worker; watch it, or wait.",
                    run=self.run_id,
                )
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What events do to the row of their run."""

    status: RunStatus
    finished_at: datetime | None = None
    answer: str | None = None
    calls: int | None = None
    cost_usd: Decimal | None = None
    seconds: float | None = None


_STATUS_AFTER: Mapping[str, RunStatus] = {
    "run_started": "running",
    "run_queued": "queued",
    "run_admitted": "running",
    "run_resumed": "running",
    "run_paused": "paused",
    "run_waits": "waiting",
}


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
        raise TooLargeError(
            said(
                "event_too_long",
                "A {kind} event of {size:,} bytes is longer than a run keeps; ask for less.",
                kind=event.type,
                size=len(body),
            )
        )
    try:
        # Read back before it is kept: a record that cannot be read would cost the whole run, not this step.
        return Record(event=RUN_EVENT.validate_json(body), body=body)
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise ValidationError(
            said(
                "event_malformed",
                "A {kind} event cannot be kept: {problem}. The answer in it is malformed.",
                kind=event.type,
                problem=problem,
            )
        ) from error


def read_record(run_id: str, seq: int, body: str) -> RunEvent:
    """The event of a kept body. Raises EnvironmentFaultError where it is damaged or of another version."""
    try:
        return RUN_EVENT.validate_json(body)
    except pydantic.ValidationError as error:
        raise EnvironmentFaultError(
            said(
                "event_unreadable",
                "Event {number} of run {run} cannot be read: it is damaged, or a newer version of AI "
                "Agent Lab wrote it. Restore the database from a backup, or use that version.",
                number=seq,
                run=run_id,
            )
        ) from error


def change_by(events: Iterable[RunEvent]) -> Change | None:
    """What the events change in the row of their run; None where nothing.

    Raises ValueError for a run that finishes unfinished, and for events behind the finish.
    """
    change: Change | None = None
    for event in events:
        if change is not None and change.finished_at is not None:
            raise ValueError("nothing may follow run_finished")
        if isinstance(event, RunFinished):
            change = _end(event)
        elif event.type in _STATUS_AFTER:
            change = Change(status=_STATUS_AFTER[event.type])
    return change


def _end(event: RunFinished) -> Change:
    if event.status not in TERMINAL:
        raise ValueError(f"run_finished with the status {event.status}, which is none of an end")
    answer = None if event.answer is None else storable(event.answer)
    change = Change(status=event.status, finished_at=event.at, answer=answer, seconds=event.seconds)
    if event.totals is None:
        return change
    totals = event.totals
    cost_usd = None if totals.cost_usd is None else pico_of(totals.cost_usd) * PICO
    return replace(change, calls=min(totals.calls, _MOST_CALLS), cost_usd=cost_usd, seconds=totals.seconds)


def models_in(events: Iterable[RunEvent]) -> dict[str, int]:
    """The models whose answers are among the events, each with the number of its first one, in that order."""
    first: dict[str, int] = {}
    for event in events:
        if isinstance(event, GenerationFinished):
            first.setdefault(model_of(event.result.model_key), event.seq)
    return first


def model_of(key: str) -> str:
    """The model's key as a list is asked for it; those of the registry are no longer than what is kept."""
    return storable(key)[:LONGEST_MODEL]


def row_of(run: RunInfo) -> RunInfo:
    """The run as it will be read back: text that every database takes, times that are UTC.

    Raises ValueError for a time without its zone, TooLargeError for a name that is too long.
    """
    if run.created_at.tzinfo is None or (run.finished_at is not None and run.finished_at.tzinfo is None):
        raise ValueError("the times of a run need their time zone")
    for name in ("run_id", "request_id", "caller", "flow_id"):
        check_length(name, getattr(run, name))
    return run.model_copy(
        update={
            "prompt": storable(run.prompt),
            "request_id": storable(run.request_id),
            "caller": storable(run.caller),
            "created_at": run.created_at.astimezone(UTC),
            "finished_at": run.finished_at and run.finished_at.astimezone(UTC),
            "models": (),  # the events say which
        }
    )


def order_of(order: Order, *, waiting: int) -> Order:
    """The order as it will be read back. Raises BusyError where so many are waiting that no more is taken."""
    if waiting >= MAX_ORDERS:
        raise BusyError(
            said(
                "orders_waiting",
                "Run {run} has {count} orders that nobody has followed yet; try again later.",
                run=order.run_id,
                count=waiting,
            )
        )
    if order.node is not None:
        check_length("node", order.node)
    return replace(
        order,
        node=None if order.node is None else storable(order.node),
        text=None if order.text is None else storable(order.text),
    )


def key_of(idempotency_key: str) -> str:
    """The key as it is kept. Raises TooLargeError."""
    check_length("idempotency_key", idempotency_key)
    return storable(idempotency_key)


def check_length(name: str, value: str) -> None:
    """Raises TooLargeError for a text that is longer than its column."""
    if len(value) > LONGEST_TEXT[name]:
        what = name.replace("_", " ")
        form = "The {what} has {characters:,} characters; it may have {most}."
        told = said("name_too_long", form, what=what, characters=len(value), most=LONGEST_TEXT[name])
        raise TooLargeError(told, where=name)


def unknown_run(run_id: str) -> NotFoundError:
    """There is no such run."""
    return NotFoundError(
        said("no_run", "There is no run {run!r}; the list of runs shows those that there are.", run=run_id[:80])
    )


def taken_run(run_id: str) -> ConflictError:
    """The id belongs to another run."""
    return ConflictError(said("run_id_taken", "There is a run {run} already; take another id.", run=run_id))


def taken_key(idempotency_key: str) -> ConflictError:
    """The key belongs to another run."""
    return ConflictError(
        said(
            "key_started_run",
            "The idempotency key {key!r} started a run already; take another key.",
            key=idempotency_key[:80],
        )
    )


def check_page(limit: int) -> None:
    """Raises ValidationError for a page that holds nothing."""
    if limit < 1:
        raise ValidationError(
            said("page_of_none", "A page holds at least one run; {count} were asked for.", count=limit), where="limit"
        )


def usd_of(figure: float) -> Decimal:
    """The money that a figure means: 0.02 is two cents, and not the float beside it."""
    return Decimal(str(figure))


def filter_of(only: RunFilter) -> RunFilter:
    """The filter with a text as stored texts are, in small letters.

    Raises ValidationError for a time without its zone, TooLargeError for a text that is too long to look for.
    """
    for name in ("since", "until"):
        moment = getattr(only, name)
        if moment is not None and moment.tzinfo is None:
            raise ValidationError(
                said(
                    "time_needs_zone",
                    "{name!r} needs a time zone: write 2026-03-01T12:00:00Z, or +01:00 in place of Z.",
                    name=name,
                ),
                where=name,
            )
    for name in ("cost_usd_from", "cost_usd_to"):
        figure = getattr(only, name)
        if figure is not None and not math.isfinite(figure):
            raise ValidationError(said("cost_no_number", "A cost to look for is a number of USD."), where=name)
    if only.text is not None and len(only.text) > LONGEST_SEARCH:
        raise TooLargeError(
            said("search_too_long", "A text to look for has at most {most:,} characters.", most=LONGEST_SEARCH),
            where="text",
        )
    return replace(
        only,
        text=None if only.text is None else storable(only.text).lower(),
        model=None if only.model is None else model_of(only.model),
    )


def most_alike(prompt: str, candidates: Sequence[tuple[Found, str]], *, limit: int) -> list[Found]:
    """Those candidates (thing, its text; latest first) that share most words with the prompt, latest first among
    equals. Words of three letters or more count, each once; a text that shares none is left out."""
    wanted = _words(prompt)
    scored = [(len(wanted & _words(text)), thing) for thing, text in candidates[:SIMILAR_AMONG]]
    alike = sorted((pair for pair in scored if pair[0]), key=lambda pair: -pair[0])
    return [thing for _, thing in alike[: max(limit, 0)]]


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text[:SIMILAR_CHARS].casefold()))
