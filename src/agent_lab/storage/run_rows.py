"""The statements on the tables of runs: each function is a part of a transaction that its caller has open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Select,
    Text,
    bindparam,
    cast,
    exists,
    func,
    insert,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.types import TypeDecorator

from agent_lab.contracts.events import RunEvent
from agent_lab.contracts.run import MOST_MODELS, RunInfo
from agent_lab.contracts.run_ports import RunFilter
from agent_lab.storage import rules
from agent_lab.storage.database import insert_into
from agent_lab.storage.rules import Standing
from agent_lab.storage.tables import EVENTS, RUN_MODELS, RUNS


class _Names(TypeDecorator[tuple[str, ...]]):
    """Names out of one text with `SEPARATOR` between them, each behind its number, by which they are put in order."""

    impl = Text
    cache_ok = True
    SEPARATOR = "\x1f"
    """No name of the registry can have it."""
    MARK = ":"
    """Between a number and its name."""

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        """The names; none where there is no text."""
        if value is None:
            return ()
        numbered = (part.split(self.MARK, 1) for part in value.split(self.SEPARATOR))
        return tuple(name for _, name in sorted((int(number), name) for number, name in numbered))


# A part of the question for the rows themselves, so that a page stays one question. What joins texts keeps no order.
_ANSWERED = (
    select((cast(RUN_MODELS.c.first_seq, Text) + _Names.MARK + RUN_MODELS.c.model_key).label("answered"))
    .where(RUN_MODELS.c.run_id == RUNS.c.run_id)
    .order_by(RUN_MODELS.c.first_seq, RUN_MODELS.c.model_key)
    .limit(MOST_MODELS)
    .correlate(RUNS)
    .subquery()
)
_MODELS = select(func.aggregate_strings(_ANSWERED.c.answered, _Names.SEPARATOR)).scalar_subquery()
INFO = (*(RUNS.c[name] for name in rules.STORED), type_coerce(_MODELS, _Names).label("models"))
_STANDING = (RUNS.c.run_id, RUNS.c.status, RUNS.c.last_seq, RUNS.c.lease_owner, RUNS.c.lease_until)
_NAMED = RUNS.c.run_id == bindparam("named")
_STANDINGS = (
    select(*_STANDING)
    .where(RUNS.c.run_id.in_(bindparam("names", expanding=True)))
    .order_by(RUNS.c.run_id)
    .with_for_update(of=RUNS)
)


def info(row: Any) -> RunInfo:
    """A row of the list."""
    return RunInfo.model_validate(dict(row._mapping))


def known(connection: Connection, run_id: str) -> bool:
    """True where there is a run of that id."""
    return bool(connection.execute(select(exists().where(_NAMED)), {"named": run_id}).scalar())


def standing(connection: Connection, run_id: str) -> Standing:
    """How the run stands; it does so until the end of the transaction. Raises NotFoundError."""
    # FOR UPDATE keeps two workers apart where a database has more than one writer; SQLite leaves it out.
    query = select(*_STANDING).where(_NAMED).with_for_update(of=RUNS)
    row = connection.execute(query, {"named": run_id}).one_or_none()
    if row is None:
        raise rules.unknown_run(run_id)
    return Standing(**row._mapping)


def standings(connection: Connection, run_ids: Sequence[str]) -> dict[str, Standing]:
    """How those runs stand that there are. Locked in one order everywhere, so that no two wait for each other."""
    rows = connection.execute(_STANDINGS, {"names": run_ids})
    return {row.run_id: Standing(**row._mapping) for row in rows}


def append(connection: Connection, run_id: str, events: Sequence[RunEvent], *, last_seq: int) -> Sequence[RunEvent]:
    """Add the events, and to the row what they change; returns them numbered."""
    records = rules.number(events, last_seq=last_seq)
    numbered = [record.event for record in records]
    change = rules.change_by(numbered)
    if not records:
        return numbered
    connection.execute(insert(EVENTS), [event_row(run_id, record) for record in records])
    add_models(connection, model_rows(run_id, numbered))
    row = {"last_seq": numbered[-1].seq} | ({} if change is None else asdict(change))
    connection.execute(update(RUNS).where(_NAMED).values(row), {"named": run_id})
    return numbered


def event_row(run_id: str, record: rules.Record) -> dict[str, object]:
    """An event as its table has it."""
    return {"run_id": run_id, "seq": record.event.seq, "type": record.event.type, "body": record.body}


def model_rows(run_id: str, events: Sequence[RunEvent]) -> list[dict[str, object]]:
    """The models that answered, as their table has them."""
    first = rules.models_in(events)
    return [{"run_id": run_id, "model_key": model, "first_seq": seq} for model, seq in first.items()]


def add_models(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    """Note which models answered; those that are noted already stay as they are."""
    if rows:
        connection.execute(insert_into(connection, RUN_MODELS).on_conflict_do_nothing(), rows)


def set_lease(connection: Connection, run_id: str, owner: str | None, until: datetime | None) -> None:
    """Give the run to `owner`, or to nobody."""
    connection.execute(update(RUNS).where(_NAMED).values(lease_owner=owner, lease_until=until), {"named": run_id})


def free(now: datetime) -> ColumnElement[bool]:
    """Runs that nobody holds."""
    return or_(RUNS.c.lease_until.is_(None), RUNS.c.lease_until <= now)


def older_than(connection: Connection, run_id: str) -> ColumnElement[bool]:
    """Runs behind that one in the list. Raises NotFoundError."""
    mark = connection.execute(select(RUNS.c.created_at).where(_NAMED), {"named": run_id}).scalar()
    if mark is None:
        raise rules.unknown_run(run_id)
    return tuple_(RUNS.c.created_at, RUNS.c.run_id) < tuple_(mark, run_id)


def passing(only: RunFilter) -> list[ColumnElement[bool]]:
    """The conditions of a filter that `rules.filter_of` has seen."""
    wanted = [
        RUNS.c[name] == value
        for name in ("flow_id", "status", "parent_run_id", "caller")
        if (value := getattr(only, name)) is not None
    ]
    if only.trial is not None:
        wanted.append(RUNS.c.only_node.is_not(None) if only.trial else RUNS.c.only_node.is_(None))
    if only.text is not None:
        wanted.append(func.lower(RUNS.c.prompt).contains(only.text, autoescape=True))
    if only.since is not None:
        wanted.append(RUNS.c.created_at >= only.since)
    if only.until is not None:
        wanted.append(RUNS.c.created_at < only.until)
    if only.cost_usd_from is not None:
        wanted.append(RUNS.c.cost_usd >= rules.usd_of(only.cost_usd_from))
    if only.cost_usd_to is not None:
        wanted.append(RUNS.c.cost_usd <= rules.usd_of(only.cost_usd_to))
    if only.model is not None:
        answered = (RUN_MODELS.c.run_id == RUNS.c.run_id, RUN_MODELS.c.model_key == only.model)
        wanted.append(exists().where(*answered))
    return wanted


def latest_completed() -> Select[Any]:
    """The runs among which similar ones are looked for, each with the head of its question."""
    head = func.substr(RUNS.c.prompt, 1, rules.SIMILAR_CHARS).label("head")
    done = select(RUNS.c.run_id, head).where(
        RUNS.c.status == "completed", RUNS.c.answer.is_not(None), RUNS.c.only_node.is_(None)
    )
    return done.order_by(RUNS.c.created_at.desc(), RUNS.c.run_id.desc()).limit(rules.SIMILAR_AMONG)
