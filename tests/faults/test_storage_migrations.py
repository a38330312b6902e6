"""A database of every schema that was ever released is brought up to date with all that is in it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import URL, create_engine, text

from agent_lab.contracts.run_ports import RunFilter
from agent_lab.storage.database import Database, open_database
from agent_lab.storage.flows import SqlFlows
from agent_lab.storage.migrations import known_versions, upgrade
from agent_lab.storage.place import Place
from agent_lab.storage.runs import SqlRuns
from agent_lab.storage.spending import SqlSpending
from agent_lab.storage.tables import SCHEMA_VERSION
from support.stores import NOON, answered, finished, node_started, run, started

RELEASED = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
INSERT_RUN = """
    INSERT INTO runs (run_id, flow_id, flow_hash, status, prompt, request_id, created_at, finished_at, answer)
    VALUES (:run_id, 'linear', 'f00d', :status, 'Why?', :request_id, :created_at, :finished_at, :answer)
"""
SUM_UP = "UPDATE runs SET last_seq = :seq, seconds = :seconds WHERE run_id = :run_id"
INSERT_FLOW = "INSERT INTO flows VALUES ('mine', 1, NULL, 1, :at, false)"
INSERT_VERSION = """
    INSERT INTO flow_versions (flow_id, number, flow_hash, document, note, created_at)
    VALUES ('mine', 1, 'f00d', '{"id": "mine"}', 'begun', :at)
"""
INSERT_EVENT = "INSERT INTO events (run_id, seq, type, body) VALUES (:run_id, :seq, :type, :body)"


def fill(url: URL, version: str) -> None:
    """A database as that version left it: a run that ended, one in the middle, one without an event."""
    engine = create_engine(url)
    with engine.begin() as connection:
        upgrade(connection, version)
        for name, status in (("ended", "completed"), ("open", "running"), ("new", "queued")):
            ended = status == "completed"
            row = {"run_id": name, "status": status, "request_id": f"q-{name}", "created_at": NOON}
            row |= {"finished_at": NOON if ended else None, "answer": "Because." if ended else None}
            connection.execute(text(INSERT_RUN), row)
        answers = [answered("small"), answered("big"), answered("small")]
        ended_story = [started("ended"), node_started(), *answers, finished()]
        stories = {"ended": ended_story, "open": [started("open"), node_started()]}
        seconds = {"ended": 9, "open": None}
        for name, story in stories.items():
            for seq, event in enumerate(story, 1):
                body = event.model_copy(update={"seq": seq}).model_dump_json()
                connection.execute(text(INSERT_EVENT), {"run_id": name, "seq": seq, "type": event.type, "body": body})
            if version >= "0003":
                connection.execute(text(SUM_UP), {"run_id": name, "seq": len(story), "seconds": seconds[name]})
        if version >= "0002":
            connection.execute(text("INSERT INTO spending VALUES ('2026-03-01', 'm', 250000000000)"))
        if version >= "0003":
            connection.execute(text(INSERT_FLOW), {"at": NOON})
            connection.execute(text(INSERT_VERSION), {"at": NOON})
        if version >= "0006":
            connection.execute(text("INSERT INTO run_models VALUES ('ended', 'big'), ('ended', 'small')"))
    engine.dispose()


async def check(database: Database, version: str) -> None:
    """All that was there is there, and the new may be done."""
    runs, spending = SqlRuns(database), SqlSpending(database)
    assert await runs.get("open") == run("open").model_copy(update={"status": "running"})
    assert [event.seq for event in await runs.events("ended")] == [1, 2, 3, 4, 5, 6]
    assert [info.run_id for info in await runs.list(limit=9, only=RunFilter(model="big"))] == ["ended"]
    assert [info.run_id for info in await runs.list(limit=9, only=RunFilter(model="other"))] == []
    assert (await runs.get("ended")).seconds == 9
    assert (await runs.get("ended")).models == ("small", "big")
    assert [event.seq for event in await runs.append("open", [node_started(2)], owner="w1")] == [3]
    assert [event.seq for event in await runs.append("new", [started("new")], owner="w1")] == [1]
    assert await runs.counts() == {"queued": 0, "running": 2, "waiting": 0, "paused": 0}
    await runs.create(run("keyed"), [started("keyed")], idempotency_key="k")
    assert await runs.by_key("k") is not None
    if version >= "0003":
        row = (await SqlFlows(database).versions("mine", limit=9))[0]
        assert (row.number, row.note, row.autosaved) == (1, "begun", False)
    await spending.add(date(2026, 3, 1), "m", Decimal("0.5"))
    assert await spending.total(date(2026, 3, 1)) == Decimal("0.75" if version >= "0002" else "0.5")


@pytest.mark.parametrize("version", RELEASED)
async def test_a_database_of_an_older_schema_keeps_everything_and_learns_the_new(place: Place, version: str) -> None:
    fill(place.url, version)
    database = await open_database(place)
    await check(database, version)
    await database.close()


def test_every_released_schema_is_tried() -> None:
    assert {*RELEASED, SCHEMA_VERSION} == known_versions()
