"""Every run store lists its runs newest first, by page and by filter, with what each took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from agent_lab.contracts.errors import ConflictError, TooLargeError, ValidationError
from agent_lab.contracts.run import MOST_MODELS, RunInfo
from agent_lab.contracts.run_ports import RunFilter, RunStore
from support.stores import NOON, answered, complete, finished, priced, run, started


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


async def test_runs_of_one_node_are_told_from_those_of_a_whole_flow(store: RunStore) -> None:
    await store.create(run("whole"))
    await complete(store, run("trial", minutes=1).model_copy(update={"only_node": "challenger"}))
    assert [(info.run_id, info.only_node) for info in await store.list(limit=9)] == [
        ("trial", "challenger"),
        ("whole", None),
    ]
    assert [info.run_id for info in await store.list(limit=9, only=RunFilter(trial=True))] == ["trial"]
    assert [info.run_id for info in await store.list(limit=9, only=RunFilter(trial=False))] == ["whole"]
    assert await store.similar("Why?", limit=9) == [], "what one node said is no answer to a question"


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
    (RunFilter(cost_usd_to=0.01), ["a"]),
    (RunFilter(cost_usd_from=0.01, cost_usd_to=0.02), ["b", "a"]),
    (RunFilter(cost_usd_from=0.02, cost_usd_to=0.01), []),
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
    with pytest.raises(ValidationError, match="a number of USD"):
        await store.list(limit=9, only=RunFilter(cost_usd_to=math.inf))
    with pytest.raises(TooLargeError, match="at most 1,000"):
        await store.list(limit=9, only=RunFilter(text="x" * 1001))


MODELS: list[tuple[RunFilter, list[str]]] = [
    (RunFilter(model="big"), ["d", "b", "a"]),
    (RunFilter(model="small"), ["b"]),
    (RunFilter(model="BIG"), []),
    (RunFilter(model="%"), []),
    (RunFilter(model="\0\ud800"), []),
    (RunFilter(model="big", flow_id="linear", until=NOON + timedelta(minutes=1)), ["a"]),
    (RunFilter(model="x" * 64 + "y"), ["d"]),
]


@pytest.mark.parametrize(("only", "found"), MODELS)
async def test_a_list_shows_the_runs_in_which_a_model_answered(
    store: RunStore, only: RunFilter, found: list[str]
) -> None:
    await store.create(run("a"), [started("a"), answered("big")])
    await store.create(run("b", minutes=1), [started("b")])
    await store.append("b", [answered("small")], owner="w1")
    await store.append("b", [answered("big", visit=2), answered("small", visit=3)], owner="w1")
    await store.create(run("c", minutes=2), [started("c")])
    await store.create(run("d", minutes=3), [started("d"), answered("big", reused=True), answered("x" * 70)])
    assert ids(await store.list(limit=9, only=only)) == found
    if len(found) > 1:
        assert ids(await store.list(limit=9, only=only, before=found[0])) == found[1:]


async def test_a_row_names_the_models_of_its_run_in_the_order_of_their_first_answers(store: RunStore) -> None:
    await store.create(run("a"), [started("a")])
    await store.create(run("b", minutes=1).model_copy(update={"models": ("said",)}), [started("b"), answered("small")])
    assert (await store.get("a")).models == ()
    await store.append("b", [answered("big", visit=2)], owner="w1")
    await store.append("b", [answered("small", visit=3), answered("x, y", visit=4, reused=True)], owner="w1")
    listed = await store.list(limit=9)
    assert [(info.run_id, info.models) for info in listed] == [("b", ("small", "big", "x, y")), ("a", ())]
    assert await store.get("b") == listed[0]
    assert (await store.list(limit=9, only=RunFilter(model="small")))[0].models == ("small", "big", "x, y")
    assert (await store.list(limit=9, before="b"))[0].models == ()


async def test_a_row_names_no_more_models_than_it_holds_and_the_list_is_asked_for_all(store: RunStore) -> None:
    every = [f"m{number:02}" for number in range(MOST_MODELS + 5)]
    await store.create(run(), [started(), *(answered(model, visit=n) for n, model in enumerate(every[::-1], 1))])
    assert (await store.get("r1")).models == tuple(every[::-1][:MOST_MODELS])
    assert ids(await store.list(limit=9, only=RunFilter(model=every[0]))) == ["r1"]


async def test_an_append_that_is_refused_leaves_no_model_behind(store: RunStore) -> None:
    await complete(store, run("a"))
    with pytest.raises(ConflictError):
        await store.append("a", [answered("big")], owner="w1")
    assert ids(await store.list(limit=9, only=RunFilter(model="big"))) == []


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
