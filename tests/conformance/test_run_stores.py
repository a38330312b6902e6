"""Every run store keeps the same promises: the suite runs over the database and over its twin in memory."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lab.contracts.errors import AgentLabError, ConflictError, NotFoundError, ValidationError
from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.generation import GenerationResult, Timings, Usage
from agent_lab.contracts.ports import RunStore
from agent_lab.contracts.run import (
    GenerationFinished,
    NodeFinished,
    NodeOutput,
    NodeStarted,
    RunEvent,
    RunFinished,
    RunInfo,
    RunRequest,
    RunStarted,
    RunStatus,
    Token,
)
from agent_lab.storage.database import open_database
from agent_lab.storage.memory import MemoryRuns
from agent_lab.storage.runs import SqlRuns

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FLOW = FlowConfig(id="linear", name="Linear", nodes=(NodeConfig(id="answer", kind="generate"),))


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


Build = Callable[[Clock], Awaitable[RunStore]]


@pytest.fixture(params=["database", "memory"])
async def build(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Build]:
    made: list[RunStore] = []

    async def new(clock: Clock) -> RunStore:
        if request.param == "memory":
            made.append(MemoryRuns(clock=clock))
        else:
            made.append(SqlRuns(await open_database(tmp_path / f"{len(made)}.db"), clock=clock))
        return made[-1]

    yield new
    for store in made:
        await store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(build: Build, clock: Clock) -> RunStore:
    return await build(clock)


def run(run_id: str = "r1", *, minutes: float = 0, flow_id: str = "linear", prompt: str = "Why?") -> RunInfo:
    return RunInfo(
        run_id=run_id,
        flow_id=flow_id,
        flow_hash="f00d",
        status="queued",
        prompt=prompt,
        request_id=f"q-{run_id}",
        created_at=NOON + timedelta(minutes=minutes),
    )


def started(run_id: str = "r1") -> RunStarted:
    request = RunRequest(flow="linear", prompt="Why?")
    return RunStarted(at=NOON, run_id=run_id, request_id="q", flow=FLOW, flow_hash="f00d", request=request)


def node_started(visit: int = 1) -> NodeStarted:
    return NodeStarted(at=NOON, node="answer", visit=visit, kind="generate", label="Answer", role="answer")


def node_finished(text: str = "Because.", **fields: object) -> NodeFinished:
    output = NodeOutput.model_validate({"text": text, "fields": fields})
    return NodeFinished(at=NOON, node="answer", visit=1, output=output, next=(), seconds=0.5)


def finished(status: RunStatus = "completed", answer: str | None = "Because.") -> RunFinished:
    return RunFinished(at=NOON + timedelta(seconds=9), status=status, answer=answer, seconds=9)


async def complete(store: RunStore, info: RunInfo, answer: str = "Because.") -> None:
    await store.create(info)
    await store.append(info.run_id, [started(info.run_id), finished(answer=answer)], owner="w1")


# --- the list of runs ---------------------------------------------------------------------------------------------


async def test_a_run_is_read_as_it_was_created(store: RunStore) -> None:
    await store.create(run(prompt="¿Por qué? 🙂"))
    assert await store.get("r1") == run(prompt="¿Por qué? 🙂")
    assert list(await store.events("r1")) == []


async def test_a_second_run_of_the_same_id_is_refused(store: RunStore) -> None:
    await store.create(run())
    with pytest.raises(ConflictError, match="already"):
        await store.create(run(prompt="Another"))
    assert (await store.get("r1")).prompt == "Why?"


async def test_whatever_names_an_unknown_run_is_told_so(store: RunStore) -> None:
    asked = [
        store.get("gone"),
        store.events("gone"),
        store.append("gone", [started("gone")], owner="w1"),
        store.claim("gone", owner="w1", seconds=1),
        store.release("gone", owner="w1"),
        store.list(limit=1, before="gone"),
    ]
    for question in asked:
        with pytest.raises(NotFoundError, match="gone"):
            await question


async def test_a_time_without_a_zone_is_refused(store: RunStore) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await store.create(run().model_copy(update={"created_at": NOON.replace(tzinfo=None)}))


async def test_pages_follow_each_other_newest_first_without_gaps_or_repeats(store: RunStore) -> None:
    # Several runs of the same instant: the run id decides among them.
    for number in (3, 1, 4, 0, 2, 5):
        await store.create(run(f"r{number}", minutes=number // 2))
    seen: list[str] = []
    before = None
    while page := await store.list(limit=3, before=before):  # a page ends between two of one instant
        assert len(page) <= 3
        seen += [info.run_id for info in page]
        before = page[-1].run_id
    assert seen == ["r5", "r4", "r3", "r2", "r1", "r0"]


async def test_the_order_follows_the_instant_and_not_its_zone(store: RunStore) -> None:
    earlier = datetime(2026, 3, 1, 23, tzinfo=timezone(timedelta(hours=12)))  # 11:00 UTC
    await store.create(run("late"))
    await store.create(run("early").model_copy(update={"created_at": earlier}))
    assert [info.run_id for info in await store.list(limit=9)] == ["late", "early"]


async def test_a_list_holds_the_flow_and_the_status_that_were_asked_for(store: RunStore) -> None:
    await complete(store, run("a", minutes=1))
    await store.create(run("b", minutes=2))
    await store.create(run("c", minutes=3, flow_id="debate"))
    assert [info.run_id for info in await store.list(limit=9, flow_id="linear")] == ["b", "a"]
    assert [info.run_id for info in await store.list(limit=9, status="queued")] == ["c", "b"]
    assert [info.run_id for info in await store.list(limit=9, status="queued", flow_id="linear")] == ["b"]
    assert [info.run_id for info in await store.list(limit=9, flow_id="linear", before="b")] == ["a"]


async def test_an_empty_page_is_no_question(store: RunStore) -> None:
    with pytest.raises(ValidationError, match="at least one"):
        await store.list(limit=0)


# --- the record ---------------------------------------------------------------------------------------------------


async def test_events_are_numbered_from_one_without_gaps_over_several_appends(store: RunStore) -> None:
    await store.create(run())
    first = await store.append("r1", [started()], owner="w1")
    second = await store.append("r1", [node_started(), node_finished()], owner="w1")
    assert [event.seq for event in (*first, *second)] == [1, 2, 3]
    assert list(await store.events("r1")) == [*first, *second]
    assert list(await store.events("r1", after=1)) == list(second)
    assert list(await store.events("r1", after=3)) == []


async def test_a_number_that_an_event_brings_along_is_not_taken_over(store: RunStore) -> None:
    await store.create(run())
    kept = await store.append("r1", [started().model_copy(update={"seq": 41})], owner="w1")
    assert [event.seq for event in kept] == [1]
    assert [event.seq for event in await store.events("r1")] == [1]


async def test_each_run_counts_for_itself(store: RunStore) -> None:
    await store.create(run("a"))
    await store.create(run("b"))
    await store.append("a", [started("a"), node_started()], owner="w1")
    assert [event.seq for event in await store.append("b", [started("b")], owner="w2")] == [1]


async def test_the_status_follows_the_events(store: RunStore) -> None:
    await store.create(run())
    assert (await store.get("r1")).status == "queued"
    await store.append("r1", [started()], owner="w1")
    assert (await store.get("r1")).status == "running"
    await store.append("r1", [finished("cancelled", None)], owner="w1")
    info = await store.get("r1")
    assert (info.status, info.finished_at) == ("cancelled", NOON + timedelta(seconds=9))


@pytest.mark.parametrize("status", ["completed", "declined", "failed", "cancelled", "limit_exceeded"])
async def test_nothing_is_appended_to_a_run_that_has_ended(store: RunStore, status: RunStatus) -> None:
    await store.create(run())
    await store.append("r1", [started(), finished(status)], owner="w1")
    for more in ([node_started()], [finished("completed")], [started()], []):
        with pytest.raises(ConflictError, match="has ended"):
            await store.append("r1", more, owner="w1")
    assert (await store.get("r1")).status == status
    assert len(await store.events("r1")) == 2


async def test_an_append_that_is_refused_leaves_nothing(store: RunStore) -> None:
    await store.create(run())
    token = Token(at=NOON, node="answer", visit=1, sample=0, offset=0, text="Be")
    for wrong in ([started(), token], [finished(), node_started()], [started(), finished("running")]):
        with pytest.raises(ValueError, match=r"token|follow|finished"):
            await store.append("r1", wrong, owner="w1")
    assert list(await store.events("r1")) == []
    assert (await store.get("r1")).status == "queued"


async def test_an_empty_append_says_whether_one_could(store: RunStore) -> None:
    await store.create(run())
    assert list(await store.append("r1", [], owner="w1")) == []


async def test_what_no_utf8_can_hold_is_replaced_and_the_rest_kept(store: RunStore) -> None:
    await store.create(run(prompt="a\ud800b"))
    broken = node_finished("x\udfff y \ud83d\ude00", **{"score": math.nan, "k": [math.inf, "z\ud800"]})
    kept = await store.append("r1", [started(), broken, finished(answer="end\ud800")], owner="w1")
    assert list(await store.events("r1")) == list(kept)
    event = kept[1]
    assert isinstance(event, NodeFinished)
    assert event.output == NodeOutput(text="x\ufffd y 😀", fields={"score": None, "k": [None, "z\ufffd"]})
    assert (await store.get("r1")).prompt == "a\ufffdb"
    end = kept[2]
    assert isinstance(end, RunFinished)
    assert end.answer == "end\ufffd"


async def test_a_field_whose_name_no_utf8_can_hold_is_kept_under_another(store: RunStore) -> None:
    await store.create(run())
    kept = await store.append("r1", [node_finished(**{"k\ud800": 1})], owner="w1")
    event = kept[0]
    assert isinstance(event, NodeFinished)
    assert list(event.output.fields.values()) == [1]
    assert "".join(event.output.fields).encode()
    assert list(await store.events("r1")) == [event]


async def test_an_event_that_could_not_be_read_again_is_refused_before_it_is_kept(store: RunStore) -> None:
    await store.create(run())
    unreadable = node_finished().model_copy(update={"seconds": math.nan})
    with pytest.raises(ValidationError, match="cannot be kept"):
        await store.append("r1", [started(), unreadable], owner="w1")
    assert list(await store.events("r1")) == []


async def test_a_generation_is_read_back_to_the_last_cent(store: RunStore) -> None:
    usage = Usage.model_validate({"prompt_tokens": 3, "completion_tokens": 4, "cost_usd": "0.000123456789"})
    result = GenerationResult(
        text="Because.",
        tokens_generated=4,
        timings=Timings(first_token_s=0.1),
        usage=usage,
        source="scripted",
        cache_hit=True,
        model_key="m",
        model_resolved="m-1",
        strategy="standard",
        finish_reason="stop",
    )
    done = GenerationFinished(at=NOON, node="answer", visit=1, sample=0, request_hash="aa", result=result)
    await store.create(run())
    await store.append("r1", [done], owner="w1")
    assert list(await store.events("r1")) == [done.model_copy(update={"seq": 1})]


async def test_appends_of_several_tasks_are_numbered_one_after_the_other(store: RunStore) -> None:
    await store.create(run())

    async def write(part: int) -> list[int]:
        seqs: list[int] = []
        for _ in range(5):
            kept = await store.append("r1", [node_started(part + 1), node_started(part + 1)], owner="w1")
            seqs += [event.seq for event in kept]
            assert kept[1].seq == kept[0].seq + 1  # what was appended together stays together
        return seqs

    written = await asyncio.gather(*(write(part) for part in range(8)))
    assert sorted(seq for seqs in written for seq in seqs) == list(range(1, 81))
    assert [event.seq for event in await store.events("r1")] == list(range(1, 81))


async def test_an_append_that_has_begun_is_finished_though_its_caller_is_cancelled(store: RunStore) -> None:
    await store.create(run())
    for _ in range(10):
        task = asyncio.create_task(store.append("r1", [node_started(), node_started()], owner="w1"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert [event.seq for event in await store.events("r1")] == list(range(1, 21))


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


async def test_a_released_run_is_free_at_once_and_only_its_holder_releases_it(store: RunStore) -> None:
    await store.create(run())
    await store.claim("r1", owner="w1", seconds=10)
    await store.release("r1", owner="w2")
    assert not await store.claim("r1", owner="w2", seconds=10)
    await store.release("r1", owner="w1")
    assert await store.claim("r1", owner="w2", seconds=10)


async def test_abandoned_runs_are_those_that_nobody_holds_and_that_go_on(store: RunStore, clock: Clock) -> None:
    for number, name in enumerate(("queued", "held", "lost", "ended")):
        await store.create(run(name, minutes=number))
    await store.claim("held", owner="w1", seconds=100)
    await store.claim("lost", owner="w2", seconds=10)
    await store.append("lost", [started("lost")], owner="w2")
    await store.append("ended", [started("ended"), finished()], owner="w1")
    assert list(await store.abandoned()) == ["queued"]
    clock.pass_(10)
    assert list(await store.abandoned()) == ["queued", "lost"]


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
        self.now, self.events, self.ended = 0, 0, False
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


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_any_history_of_appends_and_leases_ends_as_the_rules_say(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, int]]
) -> None:
    async def both() -> None:
        path = tmp_path_factory.mktemp("runs") / "lab.db"
        for memory in (True, False):
            model, clock = Model(), Clock()
            store: RunStore = MemoryRuns(clock=clock) if memory else SqlRuns(await open_database(path), clock=clock)
            await store.create(run())
            for step in steps:
                assert await do(store, clock, *step) == model.step(*step), step
            assert [event.seq for event in await store.events("r1")] == list(range(1, model.events + 1))
            assert ((await store.get("r1")).status == "completed") is model.ended
            free = not model.ended and (not model.owner or model.now >= model.until)
            assert list(await store.abandoned()) == (["r1"] if free else [])
            await store.close()

    asyncio.run(both())
