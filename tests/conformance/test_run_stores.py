"""Every run store keeps the same promises: the suite runs over the database and over its twin in memory."""

from __future__ import annotations

import asyncio
import math
from datetime import datetime, timedelta, timezone

import pytest

from agent_lab.contracts.errors import ConflictError, NotFoundError, ValidationError
from agent_lab.contracts.events import GenerationFinished, NodeFinished, RunFinished, Token
from agent_lab.contracts.generation import GenerationResult, Timings, Usage
from agent_lab.contracts.run import NodeOutput, RunStatus
from agent_lab.contracts.run_ports import RunFilter, RunStore
from support.stores import NOON, complete, finished, node_finished, node_started, run, started

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
    assert [info.run_id for info in await store.list(limit=9, only=RunFilter(flow_id="linear"))] == ["b", "a"]
    assert [info.run_id for info in await store.list(limit=9, only=RunFilter(status="queued"))] == ["c", "b"]
    assert [info.run_id for info in await store.list(limit=9, only=RunFilter(status="queued", flow_id="linear"))] == [
        "b"
    ]
    assert [info.run_id for info in await store.list(limit=9, only=RunFilter(flow_id="linear"), before="b")] == ["a"]


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
