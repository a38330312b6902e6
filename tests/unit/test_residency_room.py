"""Room for local models: nothing in use makes way, no limit is passed, and memory is really back before a load."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent_lab.contracts.errors import (
    BusyError,
    CapacityError,
    NotFoundError,
)
from agent_lab.providers.local.residency.slots import Claim
from agent_lab.providers.local.residency.state import Rules
from support.fake_loader import PATIENCE_S, QUICK, FakeMachine, claim, close_all, lent, shelf, soon, spec


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_all()


def test_the_least_recently_used_model_makes_way_and_no_more_than_needed() -> None:
    on = shelf({"a": 2.0, "b": 2.0, "c": 2.0}, limit_gb=5.0, rules=Rules(longest_residency_s=0.0))
    for key in "aba":
        on.manager.load_model(key, "standard")
    on.manager.load_model("c", "standard")
    assert on.keys() == ["a", "c"]
    assert on.manager.get_model("b", "standard") is None
    assert on.manager.get_memory_stats()["evictions"] == 1
    assert on.loader.loaded["b"].engine.is_closed


def test_a_model_in_use_never_makes_way_and_whoever_waits_for_its_place_is_told_in_time() -> None:
    on = shelf({"a": 2.0, "b": 2.0, "c": 2.0}, limit_gb=5.0, rules=QUICK)
    first, second = lent(on, "a"), lent(on, "c")
    waiting = claim(on, "b")
    soon(lambda: any(one.stage == "waiting" and one.total_bytes for one in on.manager.loading()))  # for room
    with pytest.raises(BusyError, match="'b' was not ready in time: other models that are in use") as caught:
        claim(on, "b", patience_s=0.2).slot.result(PATIENCE_S)
    assert caught.value.retry_after_s is not None
    assert set(on.keys()) == {"a", "c"}
    on.manager.release(first)
    assert waiting.slot.result(PATIENCE_S).spec.key == "b"
    assert set(on.keys()) == {"b", "c"}
    on.manager.release(second)


def test_a_busy_model_is_closed_to_new_requests_once_another_has_waited_long_enough() -> None:
    on = shelf({"a": 4.0, "b": 4.0}, limit_gb=5.0, rules=QUICK)
    first = lent(on, "a")
    waiting = claim(on, "b")
    ends_s = time.monotonic() + PATIENCE_S
    later: list[Claim] = []
    while not later or later[-1].slot.done():
        assert time.monotonic() < ends_s, "it is never closed"
        later.append(claim(on, "a"))
    for one in [first, *later[:-1]]:
        on.manager.release(one)
    assert waiting.slot.result(PATIENCE_S).spec.key == "b"
    assert not later[-1].slot.done()
    on.manager.release(waiting)
    assert later[-1].slot.result(PATIENCE_S).spec.key == "a"
    assert on.loader.loads == ["a", "b", "a"]


def test_what_needs_more_than_the_limit_is_refused_at_once_with_what_would_help() -> None:
    on = shelf({"a": 4.0, "b": 3.0}, limit_gb=5.0, rows=[spec("b", pinned=True)])
    on.manager.load_model("b", "standard")
    with pytest.raises(
        CapacityError, match=r"takes 4.00 GB .* may take 2.00 GB here beside what is pinned \(b\)"
    ) as it:
        on.manager.load_model("a", "standard")
    assert "unpin 'b'" in it.value.message.lower()
    assert "MAX_VRAM_USAGE_GB" in it.value.message
    on.manager.pin("b", pinned=False)
    assert on.manager.load_model("a", "standard").model_key == "a"


def test_memory_that_other_programs_hold_is_waited_for_a_little_and_then_told() -> None:
    on = shelf({"a": 4.0}, rules=QUICK)
    on.machine.others = {"cpu": 18.0}
    with pytest.raises(CapacityError, match=r"other programs hold the rest.*lose other programs"):
        on.manager.load_model("a", "standard")


def test_a_row_that_can_never_fit_is_refused_before_its_files_are_looked_for() -> None:
    row = spec("huge").model_copy(update={"min_vram_gb": 99.0})
    on = shelf({"huge": 99.0}, rows=[row])
    with pytest.raises(CapacityError, match=r"needs 99 GB at the least and models may take 16.0 GB"):
        on.manager.load_model("huge", "standard")
    assert on.loader.prepared == []


def test_after_memory_ran_out_one_more_model_makes_way_and_the_load_is_tried_once_more() -> None:
    on = shelf({"a": 1.0, "b": 1.0, "c": 1.0}, rules=QUICK)
    on.manager.load_model("a", "standard")
    on.manager.load_model("b", "standard")
    on.loader.failures.append(CapacityError("memory ran out"))
    on.manager.load_model("c", "standard")
    assert on.keys() == ["b", "c"]
    assert on.loader.loads == ["a", "b", "c", "c"]
    on.manager.unload_model("c")
    on.loader.failures += [CapacityError("memory ran out"), CapacityError("memory ran out")]
    with pytest.raises(CapacityError, match="ran out twice"):
        on.manager.load_model("c", "standard")


def test_a_load_waits_until_the_memory_of_what_made_way_is_really_back() -> None:
    machine = FakeMachine({"cpu": 6.0}, is_late=True)
    on = shelf({"a": 4.0, "b": 4.0}, machine=machine, rules=QUICK)
    on.manager.load_model("a", "standard")
    waiting = claim(on, "b")
    soon(lambda: "a" in on.loader.loaded and on.loader.loaded["a"].engine.is_closed)
    assert on.loader.loads == ["a"]
    assert on.manager.used_gb() == 4.0
    machine.give_back()
    assert waiting.slot.result(PATIENCE_S).spec.key == "b"
    assert machine.worst["cpu"] == 4.0


def test_a_pinned_model_stays_whatever_wants_its_place_until_it_is_unpinned() -> None:
    on = shelf({"a": 3.0, "b": 3.0}, limit_gb=5.0, rules=QUICK)
    on.manager.load_model("a", "standard")
    assert on.manager.pin("a", pinned=True).pinned
    with pytest.raises(CapacityError, match="unpin 'a'"):
        on.manager.load_model("b", "standard")
    assert not on.manager.pin("a", pinned=False).pinned
    on.manager.load_model("b", "standard")
    assert on.keys() == ["b"]
    with pytest.raises(NotFoundError, match="'a' in memory"):
        on.manager.pin("a", pinned=True)


def test_a_model_goes_to_the_device_with_room_and_is_spread_only_where_none_has() -> None:
    machine = FakeMachine({"cuda:0": 10.0, "cuda:1": 10.0})
    on = shelf({"a": 6.0, "b": 6.0, "c": 12.0}, machine=machine, rules=QUICK)
    devices = {on.manager.load_model(key, "standard").device for key in "ab"}
    assert devices == {"cuda:0", "cuda:1"}
    assert on.manager.load_model("c", "standard").device == "cuda:0+cuda:1"
    assert on.keys() == ["c"]
    by_device = {one["name"]: one for one in on.manager.get_memory_stats()["devices"]}
    assert [by_device[name]["used_gb"] for name in machine.totals] == [6.0, 6.0]
    assert all(most <= 8.0 for most in machine.worst.values())


def test_what_conversations_have_not_taken_yet_is_not_promised_twice() -> None:
    on = shelf({"a": 4.0, "b": 5.0}, machine=FakeMachine({"cpu": 20.0}), rules=QUICK)
    held = lent(on, "a")
    on.loader.loaded["a"].engine.unused_bytes = 3_000_000_000
    on.machine.others = {"cpu": 9.0}  # 7 look free, and 3 of them are promised
    waiting = claim(on, "b", patience_s=0.2)
    with pytest.raises((BusyError, CapacityError)):
        waiting.slot.result(PATIENCE_S)
    assert on.loader.loads == ["a"]
    on.manager.release(held)


def test_threads_that_load_and_unload_at_random_keep_the_limit_and_are_all_answered() -> None:
    on = shelf({"a": 2.0, "b": 3.0, "c": 4.0}, limit_gb=5.0, rules=QUICK)

    def work(number: int) -> int:
        for turn in range(15):
            on.manager.load_model("abc"[(number + turn) % 3], "standard")
        return number

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(6))) == list(range(6))
    assert on.machine.worst["cpu"] <= 5.0
    assert all(model.in_use == 0 for model in on.manager.resident())
