"""Models are read into memory whole and unchanged, watched as they come, and leave nothing behind when they go."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.ports import LoadProgress
from agent_lab.contracts.registry import Loading, StrategySpec
from agent_lab.providers.local.files.weights import inspect
from agent_lab.providers.local.gpu_guard import Capability
from agent_lab.providers.local.loading.loader import Loaded, NoEngine
from agent_lab.providers.local.loading.reading import Reading
from agent_lab.providers.local.loading.spreading import device_map
from support.checkpoints import ARCHITECTURES, change_config, save_checkpoint
from support.loading import COMPILED, CPU, NATIVE, OPTIMIZED, Opened, load, reference, scores

pytest_plugins = ("support.tiny_fixtures",)


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
        "import sys; from pathlib import Path; from support import loading as here\n"
        "here.scores(here.load(Path(sys.argv[1]), here.OPTIMIZED, here.NATIVE).model)\n"
    )
    paths = [str(package.parent), *sys.path]
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
