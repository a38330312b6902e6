"""Every run store keeps the same promises: the suite runs over the database and over its twin in memory."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta

import pytest

from agent_lab.contracts.errors import ConflictError, NotFoundError, ValidationError
from agent_lab.contracts.events import (
    GenerationFinished,
    NodeFinished,
    RunAdmitted,
    RunEvent,
    RunFinished,
    RunPaused,
    RunQueued,
    RunResumed,
    RunWaits,
    Token,
)
from agent_lab.contracts.generation import GenerationResult, Timings, Usage
from agent_lab.contracts.run import NodeOutput, RunStatus
from agent_lab.contracts.run_ports import Order, RunStore
from support.stores import NOON, finished, node_finished, node_started, run, started

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


@pytest.mark.parametrize("gone", ["gone", "gone\0", "gone\ud800", "gone" * 100])
async def test_whatever_names_an_unknown_run_is_told_so(store: RunStore, gone: str) -> None:
    asked = [
        store.get(gone),
        store.events(gone),
        store.append(gone, [started("gone")], owner="w1"),
        store.claim(gone, owner="w1", seconds=1),
        store.release(gone, owner="w1"),
        store.order(Order(run_id=gone, kind="cancel")),
        store.list(limit=1, before=gone),
    ]
    for question in asked:
        with pytest.raises(NotFoundError, match="gone"):
            await question


async def test_a_time_without_a_zone_is_refused(store: RunStore) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await store.create(run().model_copy(update={"created_at": NOON.replace(tzinfo=None)}))


# --- the same request twice ---------------------------------------------------------------------------------------


async def test_a_run_is_found_under_the_key_that_it_was_started_with(store: RunStore) -> None:
    await store.create(run("a"), [started("a")], idempotency_key="k1")
    await store.create(run("b"), [started("b")])
    found = await store.by_key("k1")
    assert found is not None
    assert found.run_id == "a"
    assert await store.by_key("k2") is None


async def test_a_second_run_under_the_same_key_is_refused_whole(store: RunStore) -> None:
    await store.create(run("a"), [started("a")], idempotency_key="k\0\ud800")
    with pytest.raises(ConflictError, match="started a run already"):
        await store.create(run("b"), [started("b")], owner="w1", seconds=9, idempotency_key="k\0\ud800")
    assert [info.run_id for info in await store.list(limit=9)] == ["a"]
    with pytest.raises(ConflictError, match="There is a run a already"):
        await store.create(run("a"), [started("a")], idempotency_key="other")
    assert await store.by_key("other") is None


async def test_of_many_starts_under_one_key_one_is_taken(store: RunStore) -> None:
    starts = [store.create(run(f"r{number}"), [started()], idempotency_key="k") for number in range(8)]
    outcomes = await asyncio.gather(*starts, return_exceptions=True)
    assert sum(isinstance(outcome, ConflictError) for outcome in outcomes) == 7
    assert len(await store.list(limit=9)) == 1


async def test_a_refused_first_event_leaves_neither_run_nor_key(store: RunStore) -> None:
    unreadable = node_finished().model_copy(update={"seconds": math.nan})
    with pytest.raises(ValidationError, match="cannot be kept"):
        await store.create(run(), [started(), unreadable], idempotency_key="k")
    assert await store.by_key("k") is None
    await store.create(run(), [started()], idempotency_key="k")


# --- states -------------------------------------------------------------------------------------------------------


async def test_the_state_of_a_run_follows_what_it_says(store: RunStore) -> None:
    story: list[tuple[RunEvent, RunStatus]] = [
        (started(), "running"),
        (RunQueued(at=NOON, ahead=2), "queued"),
        (RunAdmitted(at=NOON), "running"),
        (node_started(), "running"),
        (RunWaits(at=NOON), "waiting"),
        (RunResumed(at=NOON, recorded_steps=0), "running"),
        (RunPaused(at=NOON), "paused"),
        (node_finished(), "paused"),
        (RunResumed(at=NOON, recorded_steps=1), "running"),
        (finished(), "completed"),
    ]
    await store.create(run())
    for event, status in story:
        await store.append("r1", [event], owner="w1")
        info = await store.get("r1")
        assert (info.status, info.finished_at is not None) == (status, status == "completed")


async def test_the_last_word_of_several_decides(store: RunStore) -> None:
    await store.create(run(), [started(), RunQueued(at=NOON, ahead=0)])
    assert (await store.get("r1")).status == "queued"
    await store.append("r1", [RunAdmitted(at=NOON), node_started(), RunPaused(at=NOON)], owner="w1")
    assert (await store.get("r1")).status == "paused"


async def test_runs_are_counted_by_state_and_ended_ones_are_not(store: RunStore) -> None:
    assert await store.counts() == {"queued": 0, "running": 0, "waiting": 0, "paused": 0}
    for number in range(3):
        await store.create(run(f"q{number}"), [started(), RunQueued(at=NOON, ahead=number)])
    await store.create(run("p"), [started(), RunPaused(at=NOON)])
    await store.create(run("w"), [started(), RunWaits(at=NOON)])
    await store.create(run("r"), [started()])
    await store.create(run("e"), [started(), finished()])
    assert await store.counts() == {"queued": 3, "running": 1, "waiting": 1, "paused": 1}


async def test_runs_are_counted_for_one_caller_and_the_owner_is_one_too(store: RunStore) -> None:
    for number, caller in enumerate(("ci", "ci", "", "nightly")):
        await store.create(run(f"q{number}").model_copy(update={"caller": caller}), [started()])
    await store.create(
        run("e").model_copy(update={"caller": "ci"}), [started(), RunQueued(at=NOON, ahead=0), finished()]
    )
    await store.create(run("w").model_copy(update={"caller": "ci"}), [started(), RunQueued(at=NOON, ahead=0)])
    assert await store.counts("ci") == {"queued": 1, "running": 2, "waiting": 0, "paused": 0}
    assert await store.counts("") == {"queued": 0, "running": 1, "waiting": 0, "paused": 0}
    assert await store.counts("nobody") == {"queued": 0, "running": 0, "waiting": 0, "paused": 0}
    assert (await store.counts())["running"] == 4


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
