"""What goes wrong while a model is loaded is a sentence and costs no memory; and nor does a model that has gone."""

import gc
import os
import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.errors import CapacityError, ModelCorruptError, UnusableError
from agent_lab.providers.local.engine import EngineState
from agent_lab.providers.local.files.weights import inspect
from agent_lab.providers.local.loading.loader import NoEngine, TransformersLoader
from agent_lab.providers.local.loading.reading import Reading
from agent_lab.providers.local.plan import Device, LoadPlan
from support.checkpoints import change_config, save_checkpoint
from support.loading import CPU, Opened, load, prepared
from support.memory_in_a_process import LONGEST_S, measured
from support.tiny_model import STANDARD, tiny_spec

pytest_plugins = ("support.tiny_fixtures",)


class Ended(NoEngine):
    """An engine that knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


# --- what goes wrong --------------------------------------------------------------------------------------------------
def test_a_model_too_large_for_this_machine_is_refused_before_it_is_loaded(tiny_folder: Path) -> None:
    with pytest.raises(CapacityError, match=r"'tiny' needs .* GB for one answer of 512 tokens"):
        prepared(tiny_folder, max_usage_gb=0.0001)
    small = Device(name="cpu", total_bytes=4_000_000, free_bytes=4_000_000)
    assert prepared(tiny_folder, devices=lambda: (small,)).plan.parallel < 8


def test_a_file_that_is_cut_short_while_it_is_read_is_damaged(copied: Path) -> None:
    loader = TransformersLoader()
    ready = loader.prepare(tiny_spec(copied), STANDARD, CPU)
    path = copied / "model.safetensors"
    os.truncate(path, path.stat().st_size - 1000)
    with pytest.raises(ModelCorruptError, match=r"model\.safetensors is damaged \(it became shorter"):
        loader.load(tiny_spec(copied), ready, {"cpu": 0})


def test_a_tensor_whose_bytes_do_not_fit_its_sides_is_damaged(tiny_folder: Path) -> None:
    tensors = inspect(tiny_folder).tensors
    odd = replace(next(iter(tensors.values())), shape=(3, 5))
    with pytest.raises(ModelCorruptError, match=r"a tensor of \[3, 5\] cannot have"):
        Reading({"odd": odd}).tensors["odd"][...]


def test_weights_of_other_sides_than_the_config_says_are_refused(copied: Path) -> None:
    change_config(copied, intermediate_size=80)
    with pytest.raises(UnusableError, match="'tiny' in "):
        load(copied)


@pytest.mark.parametrize("cause", ["OutOfMemoryError", "MemoryError"])
def test_memory_that_runs_out_is_given_back_and_told(tiny_folder: Path, cause: str) -> None:
    import torch

    held: list[weakref.ref[Any]] = []

    def too_much(key: str, model: Any, tokenizer: Any, plan: LoadPlan, end_ids: Sequence[int]) -> Opened:
        held.append(weakref.ref(model))
        raise torch.OutOfMemoryError("CUDA out of memory") if cause == "OutOfMemoryError" else MemoryError

    with pytest.raises(CapacityError, match="Memory ran out while 'tiny' was loaded") as caught:
        load(tiny_folder, open_engine=too_much)
    assert held[0]() is None
    assert caught.value.__cause__ is not None


def test_an_error_does_not_hold_what_was_read(copied: Path) -> None:
    held: list[weakref.ref[Any]] = []

    def refuse(key: str, model: Any, tokenizer: Any, plan: LoadPlan, end_ids: Sequence[int]) -> Opened:
        held.append(weakref.ref(model))
        raise UnusableError("no")

    with pytest.raises(UnusableError) as caught:
        load(copied, open_engine=refuse)
    assert held[0]() is None
    assert caught.value.message == "no"


# --- the end ----------------------------------------------------------------------------------------------------------
def test_closing_ends_the_engine_and_lets_go_of_the_model(tiny_folder: Path) -> None:
    engine = Ended()
    ready = load(tiny_folder, open_engine=lambda *_: Opened(engine, ("It is slow.",)))
    assert ready.plan.notes == ("It is slow.",)
    assert ready.window_tokens == 512
    held = weakref.ref(ready.model)
    ready.close()
    gc.collect()
    assert engine.closed
    assert held() is None
    assert engine.state() == EngineState(active=0, waiting=0, unused_bytes=0)


@pytest.mark.timeout(LONGEST_S)
def test_two_hundred_loads_leave_no_memory_behind(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "x", "llama", vocab_size=4000, hidden_size=256, intermediate_size=512)
    rss = measured("loader_cycles", folder)
    assert rss["after"] <= 1.02 * rss["before"]


@pytest.mark.timeout(LONGEST_S)
def test_memory_grows_by_what_was_told(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "x", "llama", vocab_size=8000, hidden_size=512, intermediate_size=2048)
    figures = measured("one_load", folder)
    assert figures["grown"] == pytest.approx(figures["told"], rel=0.05)
    assert figures["grown"] > 60_000_000
