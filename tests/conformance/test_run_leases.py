"""Every run store keeps the same promises of leases and history, and both follow one model of the rules."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from agent_lab.contracts.errors import AgentLabError, ConflictError, ValidationError
from agent_lab.contracts.events import RunEvent, RunPaused, RunQueued, RunWaits
from agent_lab.contracts.run_ports import Queued, RunStore
from agent_lab.storage.database import open_database
from agent_lab.storage.memory import MemoryRuns
from agent_lab.storage.runs import SqlRuns
from agent_lab.storage.tables import RUNS
from support.stores import NOON, Clock, complete, finished, node_finished, node_started, place_of, run, started

# --- leases -------------------------------------------------------------------------------------------------------


async def test_a_held_run_is_refused_to_others_until_the_lease_ends(store: RunStore, clock: Clock) -> None:
    await store.create(run())
    assert await store.claim("r1", owner="w1", seconds=10)
    assert not await store.claim("r1", owner="w2", seconds=10)
    clock.pass_(9.9)
    assert not await store.claim("r1", owner="w2", seconds=10)
    clock.pass_(0.1)
    assert await store.claim("r1", owner="w2", seconds=10)
    assert not await store.claim("r1", owner="w1", seconds=10)


async def test_the_holder_renews_from_now(store: RunStore, clock: Clock) -> None:
    await store.create(run())
    assert await store.claim("r1", owner="w1", seconds=10)
    clock.pass_(8)
    assert await store.claim("r1", owner="w1", seconds=10)
    clock.pass_(8)
    assert not await store.claim("r1", owner="w2", seconds=10)


async def test_only_the_holder_writes_while_the_lease_lasts(store: RunStore, clock: Clock) -> None:
    await store.create(run())
    await store.claim("r1", owner="w1", seconds=10)
    await store.append("r1", [started()], owner="w1")
    with pytest.raises(ConflictError, match="another worker"):
        await store.append("r1", [node_started()], owner="w2")
    clock.pass_(10)
    await store.append("r1", [node_started()], owner="w2")
    assert [event.seq for event in await store.events("r1")] == [1, 2]


async def test_a_worker_that_lost_its_run_cannot_write_into_it(store: RunStore, clock: Clock) -> None:
    await store.create(run())
    await store.claim("r1", owner="w1", seconds=10)
    clock.pass_(11)
    await store.claim("r1", owner="w2", seconds=10)
    with pytest.raises(ConflictError, match="another worker"):
        await store.append("r1", [node_finished()], owner="w1")


async def test_a_worker_that_was_away_cannot_write_behind_what_it_has_not_seen(store: RunStore, clock: Clock) -> None:
    await store.create(run())
    await store.claim("r1", owner="away", seconds=10)
    seen = (await store.append("r1", [started()], owner="away", after=0))[-1].seq
    clock.pass_(11)
    await store.claim("r1", owner="w2", seconds=10)
    await store.append("r1", [node_started()], owner="w2", after=seen)
    await store.release("r1", owner="w2")
    assert await store.claim("r1", owner="away", seconds=10)
    with pytest.raises(ConflictError, match="taken further"):
        await store.append("r1", [node_finished()], owner="away", after=seen)
    assert len(await store.events("r1")) == 2


async def test_a_released_run_is_free_at_once_and_only_its_holder_releases_it(store: RunStore) -> None:
    await store.create(run())
    await store.claim("r1", owner="w1", seconds=10)
    await store.release("r1", owner="w2")
    assert not await store.claim("r1", owner="w2", seconds=10)
    await store.release("r1", owner="w1")
    assert await store.claim("r1", owner="w2", seconds=10)


async def test_abandoned_runs_are_those_that_nobody_holds_and_that_go_on(store: RunStore, clock: Clock) -> None:
    stops: dict[str, RunEvent] = {
        "queued": RunQueued(at=NOON, ahead=0),
        "paused": RunPaused(at=NOON),
        "waiting": RunWaits(at=NOON),
        "ended": finished(),
    }
    for number, name in enumerate(("free", "held", "lost", *stops)):
        await store.create(run(name, minutes=number), [started(name)])
    await store.claim("held", owner="w1", seconds=100)
    await store.claim("lost", owner="w2", seconds=10)
    for name, stop in stops.items():
        await store.append(name, [stop], owner="w1")
    assert list(await store.abandoned()) == ["free"]
    clock.pass_(10)
    assert list(await store.abandoned()) == ["free", "lost"]


async def test_queued_runs_are_taken_oldest_first_and_only_those_that_nobody_holds(
    store: RunStore, clock: Clock
) -> None:
    for number, name in enumerate(("third", "first", "held", "second")):
        minutes = {"first": 1, "held": 2, "second": 3, "third": 4}[name]
        waiting = run(name, minutes=minutes).model_copy(update={"caller": "bot" if name == "second" else ""})
        await store.create(waiting, [started(name), RunQueued(at=NOON, ahead=number)])
    await store.create(run("running"), [started("running")])
    await store.claim("held", owner="w1", seconds=10)
    assert [one.run_id for one in await store.queued(limit=9)] == ["first", "second", "third"]
    assert await store.queued(limit=2) == [Queued(run_id="first", caller=""), Queued(run_id="second", caller="bot")]
    clock.pass_(10)
    assert [one.run_id for one in await store.queued(limit=2)] == ["first", "held"]
    with pytest.raises(ValidationError, match="at least one"):
        await store.queued(limit=0)


@pytest.mark.parametrize("stop", [RunQueued(at=NOON, ahead=3), RunPaused(at=NOON), RunWaits(at=NOON)])
async def test_a_run_that_stands_still_can_be_claimed(store: RunStore, stop: RunEvent) -> None:
    await store.create(run(), [started(), stop])
    assert await store.claim("r1", owner="w1", seconds=10)
    assert not await store.claim("r1", owner="w2", seconds=10)


async def test_an_ended_run_can_neither_be_claimed_nor_abandoned(store: RunStore) -> None:
    await store.create(run())
    await store.claim("r1", owner="w1", seconds=100)
    await store.append("r1", [started(), finished()], owner="w1")
    assert not await store.claim("r1", owner="w1", seconds=100)
    await store.release("r1", owner="w1")
    assert list(await store.abandoned()) == []


# --- history ------------------------------------------------------------------------------------------------------


async def test_similar_runs_are_those_that_share_most_words(store: RunStore) -> None:
    await complete(store, run("far", minutes=1, prompt="Boil an egg"), "Seven minutes.")
    await complete(store, run("near", minutes=2, prompt="Sort a list of numbers in Python"), "sorted()")
    await complete(store, run("nearer", minutes=3, prompt="SORT a long list of numbers, in place, in python"), "sort()")
    await complete(store, run("twin", minutes=4, prompt="Sort a list of numbers in Python"), "sorted(x)")
    await store.create(run("open", minutes=5, prompt="sort a list of numbers in place in python"))
    await store.create(run("failed", minutes=6, prompt="sort a list of numbers in place in python"))
    await store.append("failed", [started("failed"), finished("failed", None)], owner="w1")
    found = await store.similar("How do I sort a list of numbers in place in Python?", limit=3)
    assert [past.run_id for past in found] == ["nearer", "twin", "near"]
    assert (found[0].prompt, found[0].answer) == ("SORT a long list of numbers, in place, in python", "sort()")
    assert [past.run_id for past in await store.similar("sort", limit=1)] == ["twin"]
    assert list(await store.similar("egg", limit=0)) == []
    assert list(await store.similar("?", limit=5)) == []


# --- against a model of the rules ---------------------------------------------------------------------------------

OWNERS = st.sampled_from(["w1", "w2", "w3"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), OWNERS, st.integers(0, 3)),
        st.tuples(st.just("finish"), OWNERS, st.just(0)),
        st.tuples(st.just("claim"), OWNERS, st.integers(1, 20)),
        st.tuples(st.just("release"), OWNERS, st.just(0)),
        st.tuples(st.just("wait"), OWNERS, st.integers(1, 20)),
    ),
    max_size=20,
)


class Model:
    """The rules of one run in a dozen lines, to hold the stores against."""

    def __init__(self) -> None:
        self.now, self.events, self.ended = 0, 1, False
        self.owner, self.until = "", 0

    def step(self, what: str, owner: str, number: int) -> object:
        free = self.owner in ("", owner) or self.now >= self.until
        if what == "wait":
            self.now += number
        elif what == "claim":
            if self.ended or not free:
                return False
            self.owner, self.until = owner, self.now + number
            return True
        elif what == "release":
            self.owner = "" if self.owner == owner else self.owner
        elif self.ended or not free:
            return ConflictError
        else:
            count = 1 if what == "finish" else number
            self.events += count
            if what == "finish":
                self.ended, self.owner = True, ""
            return count
        return None


async def do(store: RunStore, clock: Clock, what: str, owner: str, number: int) -> object:
    try:
        if what == "wait":
            clock.pass_(number)
        elif what == "claim":
            return await store.claim("r1", owner=owner, seconds=number)
        elif what == "release":
            await store.release("r1", owner=owner)
        else:
            events: list[RunEvent] = [finished()] if what == "finish" else [node_started()] * number
            return len(await store.append("r1", events, owner=owner))
    except AgentLabError as error:
        return type(error)
    return None


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
@pytest.mark.parametrize("kind", ["sqlite", "postgres", "memory"])
def test_any_history_of_appends_and_leases_ends_as_the_rules_say(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, steps: list[tuple[str, str, int]]
) -> None:
    async def walk() -> None:
        model, clock = Model(), Clock()
        store: RunStore = MemoryRuns(clock=clock)
        if kind != "memory":
            database = await open_database(place_of(kind, request, tmp_path))
            await database.write(lambda connection: connection.execute(delete(RUNS)))  # of the example before
            store = SqlRuns(database, clock=clock)
        await store.create(run(), [started()])
        for step in steps:
            assert await do(store, clock, *step) == model.step(*step), step
        assert [event.seq for event in await store.events("r1")] == list(range(1, model.events + 1))
        assert ((await store.get("r1")).status == "completed") is model.ended
        free = not model.ended and (not model.owner or model.now >= model.until)
        assert list(await store.abandoned()) == (["r1"] if free else [])
        await store.close()

    asyncio.run(walk())


async def test_leases_that_were_not_given_back_are_told_with_their_holders(store: RunStore, clock: Clock) -> None:
    for number, status in enumerate(("running", "running", "completed")):
        await store.create(run(f"r{number}", minutes=number), [started(f"r{number}")], owner=f"w{number}", seconds=10)
        if status == "completed":
            await store.append(f"r{number}", [finished()], owner=f"w{number}")
    await store.release("r1", owner="w1")
    assert [(held.run_id, held.owner, held.ended, held.over) for held in await store.held()] == [
        ("r0", "w0", False, False),
        ("r2", "w2", True, False),
    ]
    clock.pass_(11)
    assert [held.over for held in await store.held()] == [True, True]
    await store.release("r2", owner="w2")
    assert [held.run_id for held in await store.held()] == ["r0"]
