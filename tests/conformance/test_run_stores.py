"""Every run store keeps the same promises: the suite runs over the database and over its twin in memory."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from agent_lab.contracts.errors import ConflictError, NotFoundError, TooLargeError, ValidationError
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
from agent_lab.contracts.run import NodeOutput, RunInfo, RunStatus
from agent_lab.contracts.run_ports import Order, RunFilter, RunStore
from support.stores import NOON, complete, finished, node_finished, node_started, priced, run, started

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


def ids(runs: Sequence[RunInfo]) -> list[str]:
    return [info.run_id for info in runs]


FILTERS: list[tuple[RunFilter, list[str]]] = [
    (RunFilter(), ["d", "c", "b", "a"]),
    (RunFilter(text="CAFÉ"), ["b", "a"]),
    (RunFilter(text="100%"), ["c"]),
    (RunFilter(text="_"), ["d"]),
    (RunFilter(text="/"), ["d"]),
    (RunFilter(text="' OR 1=1 --"), []),
    (RunFilter(text="\0\ud800"), []),
    (RunFilter(flow_id="\0", caller="\ud800"), []),
    (RunFilter(parent_run_id="\0"), []),
    (RunFilter(since=NOON + timedelta(minutes=1)), ["d", "c", "b"]),
    (RunFilter(until=NOON + timedelta(minutes=1)), ["a"]),
    (RunFilter(since=NOON.astimezone(timezone(timedelta(hours=9))), until=NOON + timedelta(minutes=2)), ["b", "a"]),
    (RunFilter(parent_run_id="a"), ["c"]),
    (RunFilter(caller="bot"), ["b"]),
    (RunFilter(caller=""), ["d", "c", "a"]),
    (RunFilter(cost_usd_from=0.0), ["b", "a"]),
    (RunFilter(cost_usd_from=0.02), ["b"]),
    (RunFilter(cost_usd_from=0.020000000001), []),
    (RunFilter(text="café", cost_usd_from=0.01, status="completed", flow_id="linear"), ["b", "a"]),
]


@pytest.mark.parametrize(("only", "found"), FILTERS)
async def test_a_list_shows_what_passes_its_filter(store: RunStore, only: RunFilter, found: list[str]) -> None:
    await store.create(run("a", prompt="Un café, por favor"), [started("a"), priced("0.01")])
    bots = run("b", minutes=1, prompt="¿Otro CAFÉ?").model_copy(update={"caller": "bot"})
    await store.create(bots, [started("b"), priced("0.02")])
    fork = run("c", minutes=2, prompt="Is 100% more than 1000?").model_copy(update={"parent_run_id": "a"})
    await store.create(fork, [started("c"), priced(None)])
    await store.create(run("d", minutes=3, prompt="snake_case and/or"))
    assert ids(await store.list(limit=9, only=only)) == found
    assert ids(await store.list(limit=1, only=only)) == found[:1]
    if len(found) > 1:
        assert ids(await store.list(limit=9, only=only, before=found[0])) == found[1:]


async def test_a_filter_that_cannot_be_meant_is_refused(store: RunStore) -> None:
    with pytest.raises(ValidationError, match="needs a time zone"):
        await store.list(limit=9, only=RunFilter(since=NOON.replace(tzinfo=None)))
    with pytest.raises(ValidationError, match="a number of USD"):
        await store.list(limit=9, only=RunFilter(cost_usd_from=math.nan))
    with pytest.raises(TooLargeError, match="at most 1,000"):
        await store.list(limit=9, only=RunFilter(text="x" * 1001))


async def test_what_a_run_took_is_in_the_list_once_it_has_ended(store: RunStore) -> None:
    await store.create(run(), [started()])
    info = await store.get("r1")
    assert (info.calls, info.cost_usd, info.seconds) == (None, None, None)
    await store.append("r1", [priced("0.1234567890123456")], owner="w1")
    info = await store.get("r1")
    assert (info.calls, info.cost_usd, info.seconds) == (3, Decimal("0.123456789012"), 7.5)


async def test_an_end_without_totals_leaves_its_seconds(store: RunStore) -> None:
    await store.create(run(), [started(), finished()])
    info = await store.get("r1")
    assert (info.calls, info.cost_usd, info.seconds) == (None, None, 9)


async def test_a_sum_that_no_column_holds_is_the_largest_that_one_does(store: RunStore) -> None:
    await store.create(run(), [started(), priced("1e30")])
    assert (await store.get("r1")).cost_usd == Decimal(2**63 - 1) * Decimal("1e-12")


async def test_everything_that_a_run_was_created_with_is_kept(store: RunStore) -> None:
    info = run().model_copy(update={"flow_version": 3, "parent_run_id": "r0", "caller": "bot"})
    await store.create(info)
    assert await store.get("r1") == info


async def test_a_name_that_no_column_holds_is_refused_before_it_is_kept(store: RunStore) -> None:
    with pytest.raises(TooLargeError, match="request id has 257 characters; it may have 256"):
        await store.create(run().model_copy(update={"request_id": "q" * 257}))
    with pytest.raises(TooLargeError, match="idempotency key has 257"):
        await store.create(run(), idempotency_key="k" * 257)
    assert ids(await store.list(limit=9)) == []


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
    assert ids(await store.list(limit=9)) == ["a"]
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
