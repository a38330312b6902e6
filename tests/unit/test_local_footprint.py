"""What a model takes of memory is told from its headers and config.json, and is what it takes when it is loaded."""

from pathlib import Path
from typing import Any

import pytest

from agent_lab.providers.local.files.hub import silent
from agent_lab.providers.local.files.weights import inspect
from agent_lab.providers.local.gpu_guard import import_torch
from agent_lab.providers.local.loading.checkpoint import Report, read_model
from agent_lab.providers.local.loading.footprint import four_bit_obstacle, kv_bytes_per_token, weights_bytes
from agent_lab.providers.local.plan import Dtype, Footprint, LoadPlan
from support.checkpoints import ARCHITECTURES, change_config, save_checkpoint
from support.tiny_model import tiny_spec

TOKENS = 24
FOOTPRINT = Footprint(weights_bytes=0, kv_bytes_per_token=0, margin_bytes=0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: save_checkpoint(tmp_path_factory.mktemp("model") / "x", name) for name in ARCHITECTURES}


def loaded(folder: Path, dtype: Dtype = "float32", *, four_bit: bool = False) -> Any:
    """The model, loaded as the loader does it."""
    import_torch()
    plan = LoadPlan(
        device="cpu",
        dtype=dtype,
        quantised=four_bit,
        attention="sdpa",
        compile=False,
        context_tokens=512,
        parallel=1,
        footprint=FOOTPRINT,
    )
    return read_model(tiny_spec(folder), plan, inspect(folder), {"cpu": 0}, Report("tiny", 0.0, silent))


def held_bytes(model: Any) -> int:
    """What parameters and their scales take, each memory once."""
    held: dict[int, int] = {}
    for weights in model.parameters():
        parts = [weights, *_scales(getattr(weights, "quant_state", None))]
        held |= {part.data_ptr(): part.numel() * part.element_size() for part in parts}
    return sum(held.values())


def _scales(state: Any) -> list[Any]:
    if state is None:
        return []
    nested = [state.state2.absmax] if getattr(state, "state2", None) is not None else []
    return [state.absmax, *nested]


def kept_bytes(model: Any, tokens: int) -> int:
    """What transformers' own cache takes after that many tokens."""
    import torch
    from transformers import DynamicCache

    cache = DynamicCache(config=model.config)
    with torch.no_grad():
        model(input_ids=torch.full((1, tokens), 5), past_key_values=cache, use_cache=True)
    layers = [(layer.keys, layer.values) for layer in cache.layers]
    return sum(part.numel() * part.element_size() for layer in layers for part in layer)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_weights_and_conversations_take_what_was_told(made: dict[str, Path], name: str, dtype: Dtype) -> None:
    found = inspect(made[name])
    model = loaded(made[name], dtype)
    assert weights_bytes(found, dtype=dtype, device="cpu") == pytest.approx(held_bytes(model), rel=0.01)
    assert kv_bytes_per_token(found, dtype) * TOKENS == kept_bytes(model, TOKENS)


@pytest.mark.parametrize("name", ["llama", "llama tied", "mistral", "gpt2", "gpt_neox", "phi3", "qwen3_moe"])
def test_four_bit_takes_what_was_told_embeddings_and_experts_whole(made: dict[str, Path], name: str) -> None:
    found = inspect(made[name])
    assert four_bit_obstacle(found, "cpu") is None
    model = loaded(made[name], "bfloat16", four_bit=True)
    told = weights_bytes(found, dtype="bfloat16", device="cpu", four_bit=True)
    # Until its first pass a layer on a CPU holds its scales as a GPU does.
    as_on_gpu = weights_bytes(found, dtype="bfloat16", device="cuda", four_bit=True)
    assert as_on_gpu <= told
    assert as_on_gpu == pytest.approx(held_bytes(model), rel=0.03)
    kept_bytes(model, 2)
    assert told == pytest.approx(held_bytes(model), rel=0.03)


@pytest.mark.parametrize("name", ["mistral", "gemma3_text"])
def test_a_layer_that_looks_back_a_little_is_counted_as_if_it_looked_back_all_the_way(
    made: dict[str, Path], name: str
) -> None:
    model = loaded(made[name])
    assert kept_bytes(model, 200) <= 200 * kv_bytes_per_token(inspect(made[name]), "float32")


def test_a_config_that_says_nothing_of_heads_is_counted_on_the_safe_side(made: dict[str, Path], tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "x", "llama")
    known = kv_bytes_per_token(inspect(folder), "float32")
    change_config(folder, num_attention_heads=None, num_hidden_layers=None)
    unknown = kv_bytes_per_token(inspect(folder), "float32")
    assert known <= unknown <= 10 * known


def test_heads_that_differ_by_layer_are_counted_as_the_most(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "x", "llama")
    known = kv_bytes_per_token(inspect(folder), "float32")
    change_config(folder, num_key_value_heads=[1, 2])
    assert kv_bytes_per_token(inspect(folder), "float32") == known
    change_config(folder, num_key_value_heads="many")
    assert kv_bytes_per_token(inspect(folder), "float32") == 2 * known


def test_the_part_about_language_counts_where_a_config_has_several(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "x", "llama")
    known = kv_bytes_per_token(inspect(folder), "float32")
    fields = inspect(folder).config
    change_config(folder, text_config=dict(fields), num_hidden_layers=99, hidden_size=9)
    assert kv_bytes_per_token(inspect(folder), "float32") == known


def test_a_layer_of_odd_sides_is_named_and_only_a_cpu_minds(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "x", "llama", intermediate_size=100)
    against = four_bit_obstacle(inspect(folder), "cpu")
    assert against is not None
    assert "mlp.down_proj.weight) of 64 x 100" in against or "of 100 x 64" in against
    assert four_bit_obstacle(inspect(folder), "cuda") is None
