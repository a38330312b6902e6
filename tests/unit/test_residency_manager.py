"""The manager of local models: one load for all who ask, hits at once, and nobody waits for ever."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from agent_lab.contracts.errors import (
    ConflictError,
    NotFoundError,
    RateLimitedError,
    UnusableError,
    ValidationError,
)
from agent_lab.providers.local.plan import Device
from agent_lab.providers.local.residency.state import Rules
from support.fake_loader import PATIENCE_S, STANDARD, FakeMachine, claim, close_all, lent, shelf, soon, spec


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_all()


def test_sixteen_first_requests_at_once_make_one_load() -> None:
    on = shelf({"a": 1.0})
    gate = on.loader.gate("a")
    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(on.manager.load_model, "a", "standard") for _ in range(16)]
        assert on.loader.begun["a"].wait(PATIENCE_S)
        soon(lambda: on.manager.get_memory_stats()["waiting"] == 16)
        gate.set()
        models = {id(future.result(PATIENCE_S).model) for future in futures}
    assert (on.loader.prepared, on.loader.loads, len(models)) == (["a"], ["a"], 1)
    assert on.manager.get_memory_stats()["loads"] == 1
    assert on.manager.resident()[0].in_use == 0


def test_all_who_wait_for_a_load_that_fails_get_the_error_and_the_next_tries_again() -> None:
    on = shelf({"a": 1.0})
    on.loader.failures.append(UnusableError("broken; try again"))
    gate = on.loader.gate("a")
    claims = [claim(on, "a") for _ in range(5)]
    gate.set()
    for one in claims:
        with pytest.raises(UnusableError, match="broken"):
            one.slot.result(PATIENCE_S)
    assert on.manager.used_gb() == 0
    assert on.manager.load_model("a", "standard").model_key == "a"


def test_files_that_cannot_be_used_are_told_to_all_who_wait() -> None:
    on = shelf({"a": 1.0})
    on.loader.prepare_failures.append(UnusableError("no such file"))
    with pytest.raises(UnusableError, match="no such file"):
        on.manager.load_model("a", "standard")
    assert on.manager.loading() == []


def test_a_loaded_model_is_had_at_once_while_another_one_loads_and_a_third_leaves() -> None:
    on = shelf({"a": 1.0, "b": 1.0})
    on.manager.load_model("a", "standard")
    gate = on.loader.gate("b")
    waiting = claim(on, "b")
    assert on.loader.begun["b"].wait(PATIENCE_S)
    held = claim(on, "a")
    assert held.slot.done()
    assert held.cache_hit
    assert not waiting.slot.done()
    gate.set()
    assert waiting.slot.result(PATIENCE_S).spec.key == "b"


def test_a_hit_costs_far_less_than_a_millisecond() -> None:
    on = shelf({"a": 1.0})
    on.manager.load_model("a", "standard")
    begun_s = time.thread_time()  # what others do on this machine and in this process meanwhile is not its cost
    for _ in range(200):
        assert on.manager.get_model("a", "standard") is not None
    assert (time.thread_time() - begun_s) / 200 < 0.001


def test_a_load_that_nobody_waits_for_any_more_still_ends_in_memory() -> None:
    on = shelf({"a": 1.0})
    gate = on.loader.gate("a")
    left = claim(on, "a")
    assert on.loader.begun["a"].wait(PATIENCE_S)
    on.manager.release(left)
    gate.set()
    soon(lambda: on.keys() == ["a"])
    assert on.manager.load_model("a", "standard").model_key == "a"
    assert on.loader.loads == ["a"]


def test_a_model_is_unloaded_when_its_keep_alive_is_over_and_not_before_its_last_release() -> None:
    rows = [spec("a", keep_alive_s=0.05), spec("b", keep_alive_s=0.0)]
    on = shelf({"a": 1.0, "b": 1.0}, rows=rows)
    held = on.manager.claim(rows[0], STANDARD, patience_s=PATIENCE_S)
    held.slot.result(PATIENCE_S)
    on.manager.load_model("b", "standard")
    soon(lambda: on.keys() == ["a"])
    soon(lambda: on.loader.loaded["b"].engine.is_closed)  # it leaves first
    time.sleep(0.1)
    assert on.keys() == ["a"]
    on.manager.release(held)
    soon(lambda: on.manager.used_gb() == 0)


def test_a_model_is_unloaded_when_idle_and_not_while_it_is_lent() -> None:
    on = shelf({"a": 1.0, "b": 1.0})
    held = lent(on, "a")
    on.manager.load_model("b", "standard")
    with pytest.raises(ConflictError, match="'a' is in use"):
        on.manager.unload_model("a")
    assert on.manager.cleanup_all() == ["b"]
    on.manager.release(held)
    on.manager.release(held)
    assert on.manager.unload_model("a", "standard") == ["a"]
    assert on.manager.used_gb() == 0
    with pytest.raises(NotFoundError, match="There is no model 'a' in memory"):
        on.manager.unload_model("a")


def test_more_requests_than_may_wait_are_refused_with_a_time_to_come_back() -> None:
    on = shelf({"a": 1.0}, rules=Rules(max_waiting=2))
    gate = on.loader.gate("a")
    claims = [claim(on, "a") for _ in range(3)]
    with pytest.raises(RateLimitedError) as caught:
        claims[2].slot.result(PATIENCE_S)
    assert caught.value.retry_after_s is not None
    gate.set()
    assert claims[0].slot.result(PATIENCE_S) is claims[1].slot.result(PATIENCE_S)
    assert on.manager.get_memory_stats()["refused"] == 1


def test_a_model_whose_process_died_is_gone_and_the_next_request_loads_it_anew() -> None:
    on = shelf({"a": 1.0})
    held = lent(on, "a")
    gone = on.loader.loaded["a"].engine
    # Whoever waits has the model before the manager asks to be told of its death.
    soon(lambda: gone.death is not None)
    assert gone.death is not None
    gone.death()
    assert on.keys() == []
    assert on.manager.used_gb() == 0
    again = lent(on, "a")
    on.manager.release(held)
    assert on.manager.resident()[0].in_use == 1
    assert on.loader.loads == ["a", "a"]
    assert on.manager.get_memory_stats()["lost"] == 1
    soon(lambda: gone.is_closed)
    gone.death()
    assert on.keys() == ["a"]
    on.manager.release(again)


def test_adapters_share_their_base_and_each_is_put_on_once() -> None:
    rows = [spec("calm", base="a"), spec("loud", base="a")]
    on = shelf({"a": 1.0}, rows=rows)
    with ThreadPoolExecutor(8) as pool:
        keys = ["calm", "loud", "a", "calm", "loud", "a", "calm", "loud"]
        found = list(pool.map(lambda key: on.manager.load_model(key, "standard"), keys))
    assert [model.model_key for model in found] == keys
    assert len({id(model.model) for model in found}) == 1
    assert on.loader.loads == ["a"]
    assert sorted(on.loader.loaded["a"].engine.adapters) == ["calm", "loud"]
    assert on.manager.resident()[0].adapters == ("calm", "loud")
    assert on.manager.get_model("calm", "standard") is not None


def test_an_adapter_that_does_not_fit_is_told_and_its_base_stays_free() -> None:
    on = shelf({"a": 1.0}, rows=[spec("calm", base="a")])
    on.manager.load_model("a", "standard")
    on.loader.loaded["a"].engine.adapter_error = UnusableError("made for another model")
    with pytest.raises(UnusableError, match="another model"):
        on.manager.load_model("calm", "standard")
    assert on.manager.resident()[0].in_use == 0
    on.loader.loaded["a"].engine.adapter_error = None
    assert on.manager.load_model("calm", "standard").model_key == "calm"


def keepers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "model-keeper"}


def test_closing_refuses_those_who_wait_and_ends_every_engine() -> None:
    before = keepers()
    on = shelf({"a": 1.0, "b": 1.0})
    on.manager.load_model("a", "standard")
    on.loader.tells_on = True
    gate = on.loader.gate("b")
    waiting = claim(on, "b")
    assert on.loader.begun["b"].wait(PATIENCE_S)
    assert keepers() - before
    with ThreadPoolExecutor(1) as pool:
        closing = pool.submit(on.manager.close)
        with pytest.raises(UnusableError, match="shut down"):
            waiting.slot.result(PATIENCE_S)
        soon(lambda: on.loader.loaded["a"].engine.is_closed)
        assert not closing.done(), "a process that ends in the middle of a load is aborted"
        gate.set()
        closing.result(PATIENCE_S)
    assert "b" not in on.loader.loaded, "it breaks off where it next tells how far it is"
    with pytest.raises(UnusableError, match="shut down"):
        claim(on, "a")
    assert not keepers() - before  # those of other managers may end meanwhile


def test_strategies_that_load_alike_share_one_copy_of_the_weights() -> None:
    manager = shelf({"a": 1.0}).manager
    one = manager.load_model("a", "standard")
    assert manager.load_model("a", "greedy").model is one.model
    assert manager.load_model("a", "standard", precision="bfloat16").model is not one.model
    assert manager.load_model("a", "standard", parallel=1).model is not one.model
    assert len(manager.resident()) == 3


class BlindMachine(FakeMachine):
    """A machine whose driver fails for a while."""

    fails = False

    def devices(self) -> Sequence[Device]:
        if self.fails:
            raise RuntimeError("CUDA error: unknown")
        return super().devices()


@pytest.mark.parametrize("option", [{"context": -1}, {"precision": "int3"}, {"contxt": 5}], ids=str)
def test_an_option_of_a_load_that_cannot_be_is_a_sentence(option: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=f"The option '{next(iter(option))}' of a load is "):
        shelf({"a": 1.0}).manager.load_model("a", "standard", **option)


def test_a_look_at_the_memory_that_fails_is_a_sentence_for_one_and_nothing_for_others() -> None:
    machine = BlindMachine()
    on = shelf({"a": 1.0, "b": 1.0}, machine=machine)
    on.manager.load_model("a", "standard")
    machine.fails = True
    assert on.manager.load_model("a", "standard").model_key == "a"
    with pytest.raises(UnusableError, match=r"'b' cannot be loaded .CUDA error: unknown.; try again"):
        claim(on, "b").slot.result(PATIENCE_S)
    machine.fails = False
    assert on.manager.load_model("b", "standard").model_key == "b"


def test_a_model_leaves_memory_and_comes_into_it_though_the_memory_cannot_be_looked_at() -> None:
    class Passing(BlindMachine):
        looks_left = -1

        def devices(self) -> Sequence[Device]:
            self.looks_left -= 1
            self.fails = self.looks_left == 0
            return super().devices()

    machine = Passing()
    on = shelf({"a": 1.0}, machine=machine)
    gate = on.loader.gate("a")
    asked = claim(on, "a")
    assert on.loader.begun["a"].wait(PATIENCE_S)
    machine.looks_left = 1
    gate.set()
    asked.slot.result(PATIENCE_S)
    on.manager.release(asked)
    machine.looks_left = 1
    assert on.manager.unload_model("a") == ["a"]
    assert on.loader.loaded["a"].engine.is_closed
    assert machine.taken == {"cpu": 0.0}


def test_unloading_a_model_that_has_died_meanwhile_waits_for_nothing() -> None:
    on = shelf({"a": 1.0})
    on.manager.load_model("a", "standard")
    known = on.manager._residents.present()
    engine = on.loader.loaded["a"].engine
    soon(lambda: engine.death is not None)
    assert engine.death is not None
    engine.death()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(on.manager._residents.put_out, known).result(PATIENCE_S)
    assert on.keys() == []


class AwaitedEvent(threading.Event):
    """Counts those who have begun to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.awaited += 1
        return super().wait(timeout)


def test_two_who_unload_a_model_both_wait_until_its_memory_is_back() -> None:
    machine = FakeMachine(is_late=True)
    on = shelf({"a": 1.0}, machine=machine)
    on.manager.load_model("a", "standard")
    (slot,) = on.manager._residents.present()
    gone = slot.gone = AwaitedEvent()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(on.manager.unload_model, "a")
        soon(lambda: gone.awaited == 1)
        second = pool.submit(on.manager.unload_model, "a")
        soon(lambda: gone.awaited == 2)
        machine.give_back()
        assert first.result(PATIENCE_S) == second.result(PATIENCE_S) == ["a"]
