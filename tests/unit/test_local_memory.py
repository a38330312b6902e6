"""Local models in memory: one load for all who ask, the least recently used makes way, nothing in use does."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import CapacityError, ConflictError, NotFoundError, UnusableError
from agent_lab.contracts.registry import ModelSpec, StrategySpec
from agent_lab.providers.local.eviction import Idle, evictions
from agent_lab.providers.local.gpu_guard import (
    GB,
    Capability,
    GpuGuard,
    can_load_model,
    get_available_vram,
    limit_gb,
    room_gb,
)
from agent_lab.providers.local.loader import Loaded, Prepared, ProgressSink, TransformersLoader, silent
from agent_lab.providers.local.plan import Placement
from support.tiny_model import STANDARD, LocalStack, local_stack, save_tiny_model, tiny_spec

pytest_plugins = ("support.tiny_fixtures",)


@dataclass
class CountingLoader:
    """The real loader, slowed down and counted, which may be told to fail first."""

    delay_s: float = 0.0
    failures: int = 0
    loads: list[str] = field(default_factory=list)
    inner: TransformersLoader = field(default_factory=TransformersLoader)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def prepare(
        self, spec: ModelSpec, strategy: StrategySpec, machine: Capability, on_progress: ProgressSink = silent
    ) -> Prepared:
        return self.inner.prepare(spec, strategy, machine)

    def load(
        self, spec: ModelSpec, prepared: Prepared, placement: Placement, on_progress: ProgressSink = silent
    ) -> Loaded:
        with self.lock:
            self.loads.append(spec.key)
            failing = len(self.loads) <= self.failures
        time.sleep(self.delay_s)
        if failing:
            raise UnusableError("broken; try again")
        return self.inner.load(spec, prepared, placement)


def size_of(folder: Path) -> float:
    return TransformersLoader().prepare(tiny_spec(folder), STANDARD, Capability(device="cpu")).plan.need_bytes / GB


def stack_for(folder: Path, keys: str, models_that_fit: float, loader: CountingLoader | None = None) -> LocalStack:
    room = size_of(folder) * models_that_fit
    specs = [tiny_spec(folder, key) for key in keys]
    return local_stack(*specs, loader=loader, max_usage_gb=room)


def keys_in(stack: LocalStack) -> list[str]:
    return [model.model_key for model in stack.manager.resident()]


def test_sixteen_first_requests_at_once_make_one_load(tiny_folder: Path) -> None:
    loader = CountingLoader(delay_s=0.2)
    manager = local_stack(tiny_spec(tiny_folder), loader=loader).manager
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: manager.load_model("tiny", "standard"), range(16)))
    assert loader.loads == ["tiny"]
    assert len({id(one.model) for one in found}) == 1
    assert manager.get_memory_stats()["loads"] == 1
    assert manager.resident()[0].in_use == 0


async def test_sixteen_coroutines_at_once_make_one_load_and_block_nobody(tiny_folder: Path) -> None:
    loader = CountingLoader(delay_s=0.3)
    stack = local_stack(tiny_spec(tiny_folder), loader=loader)
    spec = tiny_spec(tiny_folder)
    waiting = [asyncio.create_task(stack.host.lease(spec, STANDARD)) for _ in range(16)]
    ticks = 0
    while not all(task.done() for task in waiting):
        await asyncio.sleep(0.01)
        ticks += 1
    leases = [task.result() for task in waiting]
    assert loader.loads == ["tiny"]
    assert ticks >= 5
    assert [lease.cache_hit for lease in leases] == [False] * 16
    assert (await stack.host.lease(spec, STANDARD)).cache_hit
    assert stack.manager.resident()[0].in_use == 17


def test_all_who_wait_for_a_load_that_fails_get_the_error_and_the_next_tries_again(tiny_folder: Path) -> None:
    loader = CountingLoader(delay_s=0.2, failures=1)
    manager = local_stack(tiny_spec(tiny_folder), loader=loader).manager

    def attempt(_: int) -> str:
        try:
            return manager.load_model("tiny", "standard").model_key
        except UnusableError as error:
            return error.message

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(attempt, range(8))) == {"broken; try again"}
    assert manager.used_gb() == 0
    assert attempt(0) == "tiny"


async def test_a_waiter_that_is_cancelled_lets_go_of_the_model(tiny_folder: Path) -> None:
    stack = local_stack(tiny_spec(tiny_folder), loader=CountingLoader(delay_s=0.2))
    leaving = asyncio.create_task(stack.host.lease(tiny_spec(tiny_folder), STANDARD))
    await asyncio.sleep(0.05)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    resident = await stack.host.load(tiny_spec(tiny_folder), STANDARD)
    assert resident.in_use == 0


def test_the_least_recently_used_model_makes_way(tiny_folder: Path) -> None:
    stack = stack_for(tiny_folder, "abc", 2.5)
    for key in "aba":
        stack.manager.load_model(key, "standard")
    stack.manager.load_model("c", "standard")
    assert keys_in(stack) == ["a", "c"]
    assert stack.manager.get_model("b", "standard") is None
    assert stack.manager.get_memory_stats()["evictions"] == 1


async def test_a_model_in_use_never_makes_way(tiny_folder: Path) -> None:
    stack = stack_for(tiny_folder, "abc", 2.5)
    lease = await stack.host.lease(tiny_spec(tiny_folder, "a"), STANDARD)
    for key in "bc":
        stack.manager.load_model(key, "standard")
    assert keys_in(stack) == ["a", "c"]
    second = await stack.host.lease(tiny_spec(tiny_folder, "c"), STANDARD)
    with pytest.raises(CapacityError, match=r"'b' takes .* GB; .*Use a smaller model"):
        await stack.host.load(tiny_spec(tiny_folder, "b"), STANDARD)
    lease.release()
    assert (await stack.host.load(tiny_spec(tiny_folder, "b"), STANDARD)).model_key == "b"
    second.release()
    assert keys_in(stack) == ["b", "c"]


async def test_a_model_is_unloaded_when_idle_and_not_while_it_answers(tiny_folder: Path) -> None:
    stack = stack_for(tiny_folder, "ab", 5)
    lease = await stack.host.lease(tiny_spec(tiny_folder, "a"), STANDARD)
    stack.manager.load_model("b", "standard")
    with pytest.raises(ConflictError, match="'a' is in use"):
        await stack.host.unload("a")
    assert await stack.host.unload() == ["b"]
    lease.release()
    assert await stack.host.unload("a") == ["a"]
    assert stack.manager.used_gb() == 0
    with pytest.raises(NotFoundError, match="There is no model 'a' in memory"):
        await stack.host.unload("a")


def test_strategies_that_load_alike_share_the_weights(tiny_folder: Path) -> None:
    manager = stack_for(tiny_folder, "a", 10).manager
    one = manager.load_model("a", "standard")
    assert manager.load_model("a", "greedy").model is one.model
    assert manager.load_model("a", "optimized").notes[0].startswith("The strategy 'optimized' needs the package")
    assert manager.load_model("a", "standard", precision="bfloat16").model is not one.model
    assert len(manager.resident()) == 2


def test_a_model_that_can_never_fit_is_refused_before_its_files_are_looked_for() -> None:
    stack = local_stack(tiny_spec(Path("no/such/repository"), "huge", min_vram_gb=99.0))
    with pytest.raises(CapacityError, match=r"needs 99 GB of ram at the least and models may take 12.8 GB"):
        stack.manager.load_model("huge", "standard")


def test_loads_and_unloads_leave_nothing_behind(tiny_folder: Path) -> None:
    import gc
    import weakref

    stack = stack_for(tiny_folder, "a", 2)
    gone = []
    for _ in range(6):
        gone.append(weakref.ref(stack.manager.load_model("a", "standard").model))
        assert stack.manager.cleanup_all() == ["a"]
    gc.collect()
    assert [reference() for reference in gone] == [None] * 6


def test_threads_that_load_and_unload_at_random_keep_the_limit(tmp_path: Path, tiny_folder: Path) -> None:
    other = save_tiny_model(tmp_path / "wide", hidden=48)
    specs = [tiny_spec(tiny_folder, "a"), tiny_spec(other, "b"), tiny_spec(tiny_folder, "c")]
    limit = size_of(tiny_folder) + size_of(other)
    manager = local_stack(*specs, max_usage_gb=limit).manager
    seen: list[float] = []

    def work(number: int) -> None:
        for turn in range(6):
            try:
                manager.load_model("abc"[(number + turn) % 3], "standard")
            except CapacityError:
                continue
            finally:
                seen.append(manager.used_gb())

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert len(seen) == 36
    assert max(seen) <= limit
    assert all(model.in_use == 0 for model in manager.resident())


def test_models_that_are_loaded_at_the_same_time_are_all_whole(tiny_folder: Path) -> None:
    specs = [tiny_spec(tiny_folder, key) for key in "abcdef"]
    manager = local_stack(*specs).manager
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda spec: manager.load_model(spec.key, "standard").model, specs))
    for model in found:
        assert model.lm_head.weight is model.model.embed_tokens.weight


# --- the pure parts -----------------------------------------------------------------------------------------------
@given(st.lists(st.tuples(st.floats(0.1, 50), st.integers(0, 100)), max_size=8), st.floats(0, 200), st.floats(0, 100))
def test_only_as_many_make_way_as_are_needed_and_the_oldest_first(
    sizes: list[tuple[float, int]], need_gb: float, free_gb: float
) -> None:
    idle = [Idle(key=n, size_gb=size, last_used=used) for n, (size, used) in enumerate(sizes)]
    chosen = evictions(idle, need_gb=need_gb, room_gb=free_gb)
    by_key = {one.key: one for one in idle}
    if chosen is None:
        assert free_gb + sum(one.size_gb for one in idle) < need_gb + 1e-6
        return
    freed = [by_key[key].size_gb for key in chosen]
    assert free_gb + sum(freed) >= need_gb - 1e-6
    assert not chosen or free_gb + sum(freed[:-1]) < need_gb + 1e-6
    kept = [one.last_used for one in idle if one.key not in chosen]
    assert all(by_key[key].last_used <= used for key in chosen for used in kept)


def test_the_limit_is_what_is_configured_and_never_more_than_there_is() -> None:
    assert limit_gb(10.0, None) == 8.0
    assert limit_gb(10.0, 6.0) == 6.0
    assert limit_gb(10.0, 60.0) == 10.0
    assert room_gb(limit_gb=8.0, used_gb=3.0, available_gb=2.0) == 2.0
    assert room_gb(limit_gb=8.0, used_gb=9.0, available_gb=2.0) == 0.0


def test_the_guard_reports_this_machine() -> None:
    look = GpuGuard(2.0, used_by_models_gb=lambda: 0.5).look()
    assert 0 < look.available_gb <= look.total_gb
    assert look.limit_gb == min(2.0, look.total_gb)
    assert look.used_by_models_gb == 0.5
    assert can_load_model(0.001)
    assert not can_load_model(get_available_vram() + 1000)
