"""Real weights in memory: one load for all who ask, whole models, and nothing left behind when they go."""

import asyncio
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent_lab.contracts.ports import LoadProgress
from agent_lab.providers.local.gpu_guard import (
    GB,
    Capability,
    GpuGuard,
    can_load_model,
    get_available_vram,
)
from agent_lab.providers.local.loading.loader import TransformersLoader
from support.memory_in_a_process import LONGEST_S, measured
from support.tiny_model import STANDARD, LocalStack, local_stack, save_tiny_model, tiny_spec

pytest_plugins = ("support.tiny_fixtures",)


def size_of(folder: Path) -> float:
    return TransformersLoader().prepare(tiny_spec(folder), STANDARD, Capability(device="cpu")).plan.need_bytes / GB


def stack_for(folder: Path, keys: str, models_that_fit: float) -> LocalStack:
    specs = [tiny_spec(folder, key) for key in keys]
    return local_stack(*specs, max_usage_gb=size_of(folder) * models_that_fit)


def test_sixteen_first_requests_at_once_make_one_load(tiny_folder: Path) -> None:
    manager = local_stack(tiny_spec(tiny_folder)).manager
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: manager.load_model("tiny", "standard"), range(16)))
    assert len({id(one.model) for one in found}) == 1
    assert manager.get_memory_stats()["loads"] == 1
    assert manager.resident()[0].in_use == 0


def test_the_least_recently_used_model_makes_way(tiny_folder: Path) -> None:
    manager = stack_for(tiny_folder, "abc", 2.5).manager
    for key in "abc":
        manager.load_model(key, "standard")
    assert len(manager.resident()) == 2
    assert manager.get_model("c", "standard") is not None
    assert manager.get_memory_stats()["evictions"] == 1


def test_a_strategy_that_this_machine_cannot_do_is_stood_in_for_and_says_so(tiny_folder: Path) -> None:
    manager = stack_for(tiny_folder, "a", 20).manager
    one = manager.load_model("a", "standard")
    other = manager.load_model("a", "optimized")
    assert other.model is one.model
    assert other.notes[0].startswith("The strategy 'optimized' needs")


async def test_a_load_tells_how_far_it_is(tiny_folder: Path) -> None:
    stack = local_stack(tiny_spec(tiny_folder))
    told: list[LoadProgress] = []
    await stack.host.load(tiny_spec(tiny_folder), STANDARD, told.append)
    await asyncio.sleep(0)
    assert told[-1].stage == "ready"
    assert {progress.model_key for progress in told} == {"tiny"}


def test_loads_and_unloads_leave_nothing_behind(tiny_folder: Path) -> None:
    manager = stack_for(tiny_folder, "a", 2).manager
    gone = []
    for _ in range(6):
        gone.append(weakref.ref(manager.load_model("a", "standard").model))
        assert manager.cleanup_all() == ["a"]
    gc.collect()
    assert [reference() for reference in gone] == [None] * 6


@pytest.mark.timeout(LONGEST_S)
def test_the_memory_of_the_process_is_back_after_loads_and_unloads(tmp_path: Path) -> None:
    rss = measured("manager_cycles", save_tiny_model(tmp_path / "wide", hidden=256))
    assert rss["after"] <= 1.02 * rss["before"]


def test_models_that_are_loaded_at_the_same_time_are_all_whole(tiny_folder: Path) -> None:
    specs = [tiny_spec(tiny_folder, key) for key in "abcdef"]
    manager = local_stack(*specs).manager
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda spec: manager.load_model(spec.key, "standard").model, specs))
    for model in found:
        assert model.lm_head.weight is model.model.embed_tokens.weight


def test_threads_that_load_and_unload_at_random_keep_the_limit(tmp_path: Path, tiny_folder: Path) -> None:
    other = save_tiny_model(tmp_path / "wide", hidden=48)
    specs = [tiny_spec(tiny_folder, "a"), tiny_spec(other, "b"), tiny_spec(tiny_folder, "c")]
    limit = size_of(tiny_folder) + size_of(other)
    manager = local_stack(*specs, max_usage_gb=limit).manager
    seen: list[float] = []

    def work(number: int) -> None:
        for turn in range(6):
            manager.load_model("abc"[(number + turn) % 3], "standard")
            seen.append(manager.used_gb())

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert len(seen) == 36
    assert max(seen) <= limit
    assert all(model.in_use == 0 for model in manager.resident())


# --- the machine --------------------------------------------------------------------------------------------------
def test_the_guard_reports_this_machine() -> None:
    look = GpuGuard(2.0, used_by_models_gb=lambda: 0.5).look()
    assert 0 < look.available_gb <= look.total_gb
    assert look.limit_gb == min(2.0, look.total_gb)
    assert look.used_by_models_gb == 0.5
    assert can_load_model(0.001)
    assert not can_load_model(get_available_vram() + 1000)
