"""Models are read into memory whole and unchanged, watched as they come, and leave nothing behind when they go."""

import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent_lab.contracts.errors import CapacityError, ModelCorruptError, UnusableError
from agent_lab.contracts.ports import LoadProgress
from agent_lab.contracts.registry import Loading, StrategySpec
from agent_lab.providers.local.engine import Engine, EngineState
from agent_lab.providers.local.gpu_guard import Capability
from agent_lab.providers.local.loader import Loaded, NoEngine, Prepared, TransformersLoader
from agent_lab.providers.local.plan import Device, LoadPlan
from agent_lab.providers.local.reading import Reading
from agent_lab.providers.local.spreading import device_map
from agent_lab.providers.local.weights import inspect
from agent_lab.registries.strategies import load_strategies
from support.checkpoints import ARCHITECTURES, change_config, save_checkpoint
from support.tiny_model import STANDARD, tiny_spec

pytest_plugins = ("support.tiny_fixtures",)
CPU = Capability(device="cpu", bitsandbytes=True, compiler=True)
NATIVE = replace(CPU, native_bfloat16=True)
STRATEGIES = load_strategies(Path("no such folder"))
OPTIMIZED = STRATEGIES.get_strategy("optimized")
COMPILED = STRATEGIES.get_strategy("compiled")


def prepared(folder: Path, strategy: StrategySpec = STANDARD, machine: Capability = CPU, **more: Any) -> Prepared:
    return TransformersLoader(**more).prepare(tiny_spec(folder), strategy, machine)


def load(
    folder: Path,
    strategy: StrategySpec = STANDARD,
    machine: Capability = CPU,
    seen: list[LoadProgress] | None = None,
    **more: Any,
) -> Loaded:
    loader = TransformersLoader(**more)
    ready = loader.prepare(tiny_spec(folder), strategy, machine)
    watch = (seen if seen is not None else []).append
    return loader.load(tiny_spec(folder), ready, {"cpu": ready.plan.need_bytes}, watch)


def reference(folder: Path, dtype: str = "float32") -> Any:
    """The model as transformers alone loads it."""
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()


def scores(model: Any) -> Any:
    import torch

    with torch.inference_mode():
        return model(input_ids=torch.arange(3, 35)[None]).logits.float()


class Ended(NoEngine):
    """An engine that knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


@dataclass(frozen=True)
class Opened:
    engine: Engine
    notes: tuple[str, ...] = ()


# --- what is loaded ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_model_is_the_one_that_transformers_would_load(tmp_path: Path, name: str) -> None:
    import torch

    folder = save_checkpoint(tmp_path / "x", name)
    mine, theirs = load(folder).model, reference(folder)
    assert mine.state_dict().keys() == theirs.state_dict().keys()
    assert all(torch.equal(mine.state_dict()[key], value) for key, value in theirs.state_dict().items())
    assert torch.equal(scores(mine), scores(theirs))
    assert not mine.training


@pytest.mark.parametrize("stored", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("asked", ["float32", "bfloat16", "float16"])
def test_numbers_are_converted_as_torch_does_it(tmp_path: Path, stored: str, asked: str) -> None:
    import torch

    folder = save_checkpoint(tmp_path / "x", "llama", dtype=stored)
    exactly = StrategySpec(name="exactly", description="x", loading=Loading.model_validate({"precision": asked}))
    mine, theirs = load(folder, exactly).model.state_dict(), reference(folder, asked).state_dict()
    assert all(mine[key].dtype == getattr(torch, asked) for key in mine)
    assert all(torch.equal(mine[key], value) for key, value in theirs.items())


def test_weights_in_several_files_are_one_model_and_a_second_copy_is_left_alone(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    folder = save_checkpoint(tmp_path / "x", "llama")
    whole = reference(folder)
    (folder / "model.safetensors").unlink()
    whole.save_pretrained(folder, max_shard_size="100KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    save_file({"tok_embeddings.weight": torch.zeros(9, 9)}, folder / "consolidated.safetensors")
    assert "tok_embeddings.weight" not in inspect(folder).tensors
    assert torch.equal(scores(load(folder).model), scores(whole))


def test_a_tensor_larger_than_a_chunk_is_read_whole(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    folder = save_checkpoint(tmp_path / "x", "llama")
    large = torch.randn(3_000_001, dtype=torch.float32).to(torch.bfloat16)
    save_file({"large": large, "none": torch.zeros(0, 4)}, folder / "model.safetensors")
    seen: list[int] = []
    reading = Reading(inspect(folder).tensors, dtype="float32", on_bytes=seen.append)
    assert torch.equal(reading.tensors["large"][...], large.float())
    assert reading.tensors["none"][...].shape == (0, 4)
    assert torch.equal(Reading(inspect(folder).tensors).tensors["large"][...], large)
    assert seen[-1] == reading.total_bytes == 2 * 3_000_001


def test_the_ends_of_an_answer_are_those_of_files_and_tokenizer(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "x", "llama")
    assert load(folder).end_ids == (1,)
    (folder / "generation_config.json").write_text('{"eos_token_id": [3, 4], "top_k": 5}')
    ready = load(folder)
    assert ready.end_ids == (1, 3, 4)
    assert ready.model.generation_config.top_k != 5
    (folder / "generation_config.json").unlink()
    change_config(folder, eos_token_id=6)
    assert load(folder).end_ids == (1, 6)


# --- progress ---------------------------------------------------------------------------------------------------------
def test_progress_is_told_in_bytes_up_to_the_last_one(tiny_folder: Path) -> None:
    seen: list[LoadProgress] = []
    load(tiny_folder, seen=seen)
    size_bytes = inspect(tiny_folder).size_bytes
    done = [one.done_bytes for one in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, size_bytes)
    assert {one.total_bytes for one in seen} == {size_bytes}
    assert {(one.model_key, one.stage) for one in seen} == {("tiny", "loading")}
    assert (seen[0].seconds_left, seen[-1].seconds_left) == (None, 0)


# --- 4 bit ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["llama", "llama tied", "gpt2", "phi3"])
@pytest.mark.parametrize("machine", [CPU, NATIVE])
def test_four_bit_on_a_cpu_answers_nearly_as_the_whole_model(tmp_path: Path, name: str, machine: Capability) -> None:
    import torch

    folder = save_checkpoint(tmp_path / "x", name)
    ready = load(folder, OPTIMIZED, machine)
    assert ready.plan.quantised
    assert ready.plan.notes == ("The weights of 'tiny' are in 4 bit (NF4) on the CPU.",)
    mine, theirs = scores(ready.model).flatten(), scores(reference(folder)).flatten()
    assert torch.corrcoef(torch.stack([mine, theirs]))[0, 1] > 0.95
    assert not torch.equal(mine, theirs)
    whole = {weights.dtype for name, weights in ready.model.named_parameters() if "norm" in name or "ln_" in name}
    assert whole == {torch.bfloat16 if machine.native_bfloat16 else torch.float32}


def test_a_tied_head_stays_the_embedding_in_four_bit(tmp_path: Path) -> None:
    from bitsandbytes.nn import Linear4bit

    folder = save_checkpoint(tmp_path / "x", "llama tied")
    model = load(folder, OPTIMIZED, NATIVE).model
    assert model.lm_head.weight is model.model.embed_tokens.weight
    layers = [part for part in model.modules() if isinstance(part, Linear4bit)]
    assert len(layers) == 14
    assert {str(layer.compute_dtype) for layer in layers} == {"torch.bfloat16"}


def test_weights_that_are_in_four_bit_on_disk_are_loaded_as_they_are(tmp_path: Path) -> None:
    import torch

    folder = save_checkpoint(tmp_path / "x", "llama")
    first = load(folder, OPTIMIZED, NATIVE).model
    first.save_pretrained(folder)
    found = inspect(folder)
    assert found.packed
    ready = load(folder, machine=NATIVE)
    assert ready.plan.footprint.weights_bytes == found.size_bytes
    assert torch.equal(scores(ready.model), scores(first))


def test_bitsandbytes_and_transformers_never_reach_for_kernels_of_the_hub(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "x", "llama")
    package = tmp_path / "lib" / "kernels"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"open({str(tmp_path / 'reached')!r}, 'w').close()\nraise ImportError\n")
    code = (
        "import sys; from pathlib import Path; import test_local_loading as here\n"
        "here.scores(here.load(Path(sys.argv[1]), here.OPTIMIZED, here.NATIVE).model)\n"
    )
    paths = [str(package.parent), str(Path(__file__).parent), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "reached").exists()
    assert "kernels" not in done.stderr


# --- compiling --------------------------------------------------------------------------------------------------------
def test_a_compiler_that_fails_leaves_the_model_as_it_is_and_it_is_said(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    import torch._inductor.config

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    with torch._inductor.config.patch({"cpp.cxx": ("/no/such/compiler",)}):
        ready = load(tiny_folder, COMPILED)
    assert not ready.plan.compile
    assert ready.plan.notes[0].startswith("The model is not compiled: torch could not do it (")
    assert torch.equal(scores(ready.model), scores(reference(tiny_folder)))


# --- several devices --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["llama", "llama tied", "gpt2", "qwen3_moe"])
@pytest.mark.parametrize("shares", [(50, 50), (70, 30), (20, 80), (40, 30, 30)])
def test_a_model_is_spread_by_whole_layers_in_proportion(tmp_path: Path, name: str, shares: tuple[int, ...]) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    folder = save_checkpoint(tmp_path / "x", name, num_hidden_layers=12)
    model = reference(folder)
    placement = {f"cuda:{number}": share for number, share in enumerate(shares)}
    config = AutoConfig.from_pretrained(folder)
    found = device_map(config, type(AutoModelForCausalLM.from_config(config)), placement, "tiny")
    held = dict.fromkeys(placement, 0)
    for parameter, weights in model.named_parameters():
        (device,) = {found[module] for module in found if f"{parameter}.".startswith(f"{module}.") or not module}
        held[device] += weights.numel()
    total = sum(held.values())
    largest = max(sum(w.numel() for w in layer.parameters()) for layer in _layers(model))
    for device, share in placement.items():
        assert abs(held[device] - total * share / 100) <= 2 * largest
    for number in range(12):
        assert any(module.endswith(f".{number}") for module in found)
    if model.config.tie_word_embeddings and "lm_head" in found:
        embedding = next(device for module, device in found.items() if "embed_tokens" in module or "wte" in module)
        assert found["lm_head"] == embedding


def _layers(model: Any) -> Any:
    return model.transformer.h if hasattr(model, "transformer") else model.model.layers


def test_one_device_takes_all_of_it(tiny_folder: Path) -> None:
    assert device_map(None, None, {"cuda:1": 5}, "tiny") == {"": "cuda:1"}


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


def test_a_tensor_whose_bytes_do_not_fit_its_sides_is_damaged(copied: Path) -> None:
    path = copied / "model.safetensors"
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"shape":[263,32]', b'"shape":[263,33]', 1))
    with pytest.raises(ModelCorruptError, match="a tensor in its header is not as long as its shape"):
        load(copied)


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


def test_two_hundred_loads_leave_no_memory_behind(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "x", "llama", vocab_size=4000, hidden_size=256, intermediate_size=512)
    loader = TransformersLoader()
    ready = loader.prepare(tiny_spec(folder), STANDARD, CPU)
    process = psutil.Process()

    def cycles(count: int) -> int:
        for _ in range(count):
            loader.load(tiny_spec(folder), ready, {"cpu": 0}).close()
        gc.collect()
        return process.memory_info().rss

    before = cycles(40)
    assert cycles(200) <= 1.02 * before


def test_memory_grows_by_what_was_told(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "x", "llama", vocab_size=8000, hidden_size=512, intermediate_size=2048)
    load(folder).close()  # what is imported and kept by libraries comes with the first one
    before = psutil.Process().memory_info().rss
    ready = load(folder)
    grown = psutil.Process().memory_info().rss - before
    assert grown == pytest.approx(ready.plan.footprint.weights_bytes, rel=0.05)
    assert grown > 60_000_000


def test_layers_in_four_bit_are_arranged_for_answering_and_left_alone_for_training(tmp_path: Path) -> None:
    from bitsandbytes.functional import has_avx512bf16
    from bitsandbytes.nn import Linear4bit

    folder = save_checkpoint(tmp_path / "x", "llama")

    def arranged(ready: Loaded) -> set[bool]:
        layers = [layer for layer in ready.model.modules() if isinstance(layer, Linear4bit)]
        return {bool(getattr(layer.weight.quant_state, "packing_format_for_cpu", False)) for layer in layers}

    assert arranged(load(folder, OPTIMIZED, NATIVE)) == {False}
    assert arranged(load(folder, OPTIMIZED, NATIVE, open_engine=lambda *_: Opened(NoEngine()))) == {has_avx512bf16()}


@pytest.mark.slow
def test_a_compiled_model_answers_as_the_same_model_does(tiny_folder: Path) -> None:
    import torch

    ready = load(tiny_folder, COMPILED)
    assert ready.plan.compile
    assert ready.plan.notes == ()
    assert torch.allclose(scores(ready.model), scores(reference(tiny_folder)), atol=1e-4)
