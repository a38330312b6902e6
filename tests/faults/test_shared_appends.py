"""Appends that share a transaction: few of those, and no append pays for what is wrong with another."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from agent_lab.contracts.errors import ConflictError, EnvironmentFaultError, NotFoundError, ValidationError
from agent_lab.contracts.events import RunEvent, Token
from agent_lab.storage.database import Database, open_database
from agent_lab.storage.runs import SqlRuns
from support.stores import NOON, finished, node_finished, node_started, run, started


class Held:
    """Keeps the one writer busy until it is let go, and counts the transactions that write after it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._begun, self._gate = threading.Event(), threading.Event()
        self.commits = 0

    async def __aenter__(self) -> Held:
        self._task = asyncio.create_task(self._database.write(self._hold))
        assert await asyncio.to_thread(self._begun.wait, 60)
        return self

    def _hold(self, _connection: Connection) -> None:
        self._begun.set()
        self._gate.wait()

    async def __aexit__(self, *_: object) -> None:
        event.listen(self._database.engine, "commit", self._count)
        self._gate.set()
        await self._task

    def _count(self, _connection: Connection) -> None:
        self.commits += 1


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = await open_database(tmp_path / "lab.db")
    yield made
    await made.close()


@pytest.fixture
async def runs(database: Database) -> SqlRuns:
    store = SqlRuns(database)
    for name in ("a", "b", "c", "ended", "held"):
        await store.create(run(name), [started(name)])
    await store.append("ended", [finished()], owner="w1")
    await store.claim("held", owner="other", seconds=1000)
    return store


async def waiting(*appends: asyncio.Task[Sequence[RunEvent]]) -> None:
    await asyncio.sleep(0.05)
    assert not any(append.done() for append in appends)


async def test_appends_that_wait_share_one_transaction(database: Database, runs: SqlRuns) -> None:
    async with Held(database) as held:
        appends = [
            asyncio.create_task(runs.append(name, [node_started(visit)], owner="w1"))
            for visit in range(1, 21)
            for name in ("a", "b", "c")
        ]
        await waiting(*appends)
    kept = await asyncio.gather(*appends)
    assert held.commits <= 3  # the held one, the first append that was on its way, and all the others
    assert [events[0].seq for events in kept[::3]] == list(range(2, 22))
    for name in ("a", "b", "c"):  # in the order in which they were asked for
        visits = [event.visit for event in await runs.events(name) if event.type == "node_started"]
        assert visits == list(range(1, 21))


async def test_an_append_that_is_refused_harms_no_other_beside_it(database: Database, runs: SqlRuns) -> None:
    unreadable = node_finished().model_copy(update={"seconds": math.nan})
    token = Token(at=NOON, node="answer", visit=1, sample=0, offset=0, text="Be")
    asked: list[tuple[str, list[RunEvent]]] = [
        ("a", [node_started(1)]),
        ("gone", [node_started()]),
        ("ended", [node_started()]),
        ("held", [node_started()]),
        ("a", [node_started(2), unreadable]),
        ("a", [token]),
        ("a", [node_started(3)]),
        ("b", [finished()]),
        ("b", [node_started()]),  # behind an end that is not even written yet
        ("c", []),
    ]
    async with Held(database):
        tasks = [asyncio.create_task(runs.append(name, events, owner="w1")) for name, events in asked]
        await waiting(*tasks)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    refusals = [type(outcome) if isinstance(outcome, Exception) else None for outcome in outcomes]
    no, late, bad = NotFoundError, ConflictError, ValidationError
    assert refusals == [None, no, late, late, bad, ValueError, None, None, late, None]
    assert [event.seq for event in await runs.events("a")] == [1, 2, 3]
    assert (await runs.get("b")).status == "completed"
    assert len(await runs.events("b")) == 2


async def test_a_fault_of_the_disk_fails_all_that_share_the_transaction_and_none_after_it(
    database: Database, runs: SqlRuns
) -> None:
    faults = [OSError(5, "Input/output error")]

    def fail(*call: object) -> None:
        if faults and str(call[2]).startswith("UPDATE"):
            raise faults.pop()

    event.listen(database.engine, "before_cursor_execute", fail)
    asked = (("a", "w1"), ("b", "w1"), ("held", "w1"))
    outcomes = await asyncio.gather(
        *(runs.append(name, [node_started()], owner=owner) for name, owner in asked), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [EnvironmentFaultError] * 3
    assert [event.seq for event in await runs.append("a", [node_started()], owner="w1")] == [2]
    assert len(await runs.events("b")) == 1


async def test_other_writes_come_in_between_many_appends(database: Database, runs: SqlRuns) -> None:
    done: list[str] = []

    async def append() -> None:
        await runs.append("a", [node_started()], owner="w1")
        done.append("append")

    async with Held(database):
        tasks = [asyncio.create_task(append()) for _ in range(1024)]
        await asyncio.sleep(0.05)
        claim = asyncio.create_task(runs.claim("b", owner="w1", seconds=9))
        await asyncio.sleep(0.05)
    assert await claim
    assert len(done) <= 512
    await asyncio.gather(*tasks)
    assert len(await runs.events("a")) == 1 + 1024


async def test_a_store_that_closes_lets_what_waits_be_written(tmp_path: Path) -> None:
    database = await open_database(tmp_path / "closing.db")
    runs = SqlRuns(database)
    await runs.create(run())
    async with Held(database):
        tasks = [asyncio.create_task(runs.append("r1", [node_started()], owner="w1")) for _ in range(5)]
        await waiting(*tasks)
        closing = asyncio.create_task(runs.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
    await closing
    assert [kept[0].seq for kept in await asyncio.gather(*tasks)] == [1, 2, 3, 4, 5]


def test_a_loop_that_ends_leaves_nobody_waiting(tmp_path: Path) -> None:
    async def begin() -> None:
        database = await open_database(tmp_path / "lab.db")
        runs = SqlRuns(database)
        await runs.create(run())
        gate = threading.Event()
        asyncio.get_running_loop().call_later(0.2, gate.set)
        held = asyncio.create_task(database.write(lambda _: gate.wait()))
        kept = [asyncio.create_task(runs.append("r1", [node_started()], owner="w1")) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in (held, *kept))

    asyncio.run(asyncio.wait_for(begin(), 60))
