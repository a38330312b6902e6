"""Strategies become plans: what the machine computes best, what fits at all, and a sentence for whatever differs."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lab.contracts.errors import CapacityError, UnusableError
from agent_lab.contracts.registry import Loading, StrategySpec
from agent_lab.providers.local.files.weights import Stored, Weights
from agent_lab.providers.local.gpu_guard import (
    GB,
    Capability,
    GpuGuard,
    can_load_model,
    get_available_vram,
    limit_bytes,
    limit_gb,
    ram,
)
from agent_lab.providers.local.loading.footprint import refuse_unreadable
from agent_lab.providers.local.plan import Device, LoadPlan
from agent_lab.providers.local.strategies import load_plan, standing
from agent_lab.registries.strategies import load_strategies
from support.tiny_model import tiny_spec

NOWHERE = Path("no such folder")
STRATEGIES = load_strategies(NOWHERE)
CPU = Capability(device="cpu", bitsandbytes=True, compiler=True)
NATIVE = replace(CPU, native_bfloat16=True)
GPU = Capability(device="cuda", bitsandbytes=True, compiler=True)
AMPLE = {"cpu": 10**13}


def llama(layers: int = 32, hidden: int = 4096, inner: int = 11008, **config: object) -> Weights:
    """The headers of a Llama; 32 layers of 4096 are the 7B."""
    tensors = {"model.embed_tokens.weight": (32_000, hidden), "lm_head.weight": (32_000, hidden)}
    for layer in range(layers):
        tensors |= {f"model.layers.{layer}.self_attn.{part}_proj.weight": (hidden, hidden) for part in "qkvo"}
        tensors |= {f"model.layers.{layer}.mlp.{part}_proj.weight": (inner, hidden) for part in ("gate", "up")}
        tensors[f"model.layers.{layer}.mlp.down_proj.weight"] = (hidden, inner)
    stored = {name: Stored(NOWHERE, "F16", (a, b), 0, 2 * a * b) for name, (a, b) in tensors.items()}
    sizes = [tensor.size_bytes for tensor in stored.values()]
    fields = {"model_type": "llama", "num_hidden_layers": layers, "hidden_size": hidden, "num_attention_heads": 32}
    return Weights(
        folder=NOWHERE,
        files=(),
        size_bytes=sum(sizes),
        parameters=sum(sizes) // 2,
        packed=False,
        config={**fields, "vocab_size": 32_000, "max_position_embeddings": 4096, **config},
        tensors=stored,
    )


def plan(
    name: str = "standard",
    machine: Capability = CPU,
    weights: Weights | None = None,
    limits: dict[str, int] | None = None,
    window: int = 32_768,
) -> LoadPlan:
    spec = tiny_spec(NOWHERE, context_window=window)
    strategy = STRATEGIES.get_strategy(name)
    return load_plan(spec, strategy, machine, weights or llama(), AMPLE if limits is None else limits)


# --- strategies -------------------------------------------------------------------------------------------------------
def test_a_strategy_that_the_machine_cannot_do_falls_back_with_a_note() -> None:
    poor = Capability(device="cpu")
    for name, reason in (
        ("optimized", "needs the package bitsandbytes (pip install bitsandbytes)"),
        ("compiled", "needs a C++ compiler, and on a GPU the package triton; this machine lacks them"),
        ("flash", "needs a CUDA GPU, and this machine has none"),
    ):
        found = standing(STRATEGIES.get_strategy(name), poor, STRATEGIES.get_strategy)
        assert found.strategy.name == "standard"
        assert found.notes == (f"The strategy {name!r} {reason}; 'standard' stood in for it.",)
    flash = standing(STRATEGIES.get_strategy("flash"), GPU, STRATEGIES.get_strategy)
    assert flash.notes[0].startswith("The strategy 'flash' needs a CUDA GPU with the package flash-attn")


@pytest.mark.parametrize("machine", [CPU, GPU])
def test_four_bit_is_done_on_gpus_and_on_cpus(machine: Capability) -> None:
    found = standing(STRATEGIES.get_strategy("optimized"), machine, STRATEGIES.get_strategy)
    assert (found.strategy.name, found.notes) == ("optimized", ())


def test_a_strategy_without_a_fallback_is_refused_with_the_reason() -> None:
    alone = StrategySpec(name="alone", description="x", loading=Loading(precision="nf4"))
    with pytest.raises(UnusableError, match="'alone' needs the package bitsandbytes"):
        standing(alone, Capability(device="cpu"), STRATEGIES.get_strategy)
    old = StrategySpec(name="old", description="x", loading=Loading(precision="bfloat16"))
    with pytest.raises(UnusableError, match="'old' needs bfloat16"):
        standing(old, replace(GPU, bfloat16=False), STRATEGIES.get_strategy)


# --- plans ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("machine", "layers", "dtype"),
    [(CPU, 1, "float32"), (CPU, 32, "bfloat16"), (NATIVE, 1, "bfloat16"), (GPU, 1, "bfloat16"), (GPU, 32, "bfloat16")],
)
def test_weights_take_the_type_that_the_machine_computes_best(machine: Capability, layers: int, dtype: str) -> None:
    assert plan(machine=machine, weights=llama(layers)).dtype == dtype


def test_a_small_model_is_float32_on_any_cpu_and_float16_on_an_old_gpu() -> None:
    small = llama(1, hidden=256, inner=512)
    assert plan(machine=NATIVE, weights=small).dtype == "float32"
    assert plan(machine=replace(GPU, bfloat16=False), weights=small).dtype == "float16"


def test_a_7b_model_takes_what_everybody_knows_that_it_takes() -> None:
    whole = plan(machine=GPU).footprint
    assert 13.4 < whole.weights_bytes / GB < 13.6
    assert whole.kv_bytes_per_token == 2 * 32 * 4096 * 2
    quantised = plan("optimized", GPU)
    assert quantised.quantised
    assert 3.7 < quantised.footprint.weights_bytes / GB < 4.0
    assert quantised.notes == ("The weights of 'tiny' are in 4 bit (NF4) on the GPU.",)


def test_four_bit_on_a_cpu_is_said_and_computes_in_what_the_processor_has() -> None:
    assert plan("optimized", CPU).notes == ("The weights of 'tiny' are in 4 bit (NF4) on the CPU.",)
    assert plan("optimized", CPU).dtype == "float32"
    assert plan("optimized", NATIVE).dtype == "bfloat16"


def test_layers_that_four_bit_cannot_be_made_of_stay_whole_and_it_is_said() -> None:
    odd = llama(2, inner=1000)
    found = plan("optimized", CPU, odd)
    assert not found.quantised
    assert "needs multiples of 32 x 64; its weights are whole, as with 'standard'." in found.notes[0]
    alone = StrategySpec(name="alone", description="x", loading=Loading(precision="nf4"))
    with pytest.raises(UnusableError, match=r"has a layer .* of 1000 x 4096"):
        load_plan(tiny_spec(NOWHERE), alone, CPU, odd, AMPLE)
    assert plan("optimized", GPU, odd).quantised


def test_weights_that_are_quantised_in_their_files_stay_so_and_need_their_package() -> None:
    ready = llama(2, quantization_config={"quant_method": "gptq", "bits": 4})
    found = plan("optimized", GPU, ready)
    assert not found.quantised
    assert found.footprint.weights_bytes == ready.size_bytes
    assert "quantised in its files already (gptq)" in found.notes[0]
    with pytest.raises(UnusableError, match=r"'m' are quantised with gptq, .* \(pip install gptqmodel\)"):
        refuse_unreadable(ready, "m", lambda package: package != "gptqmodel")
    refuse_unreadable(ready, "m", lambda package: True)


def test_the_context_is_the_least_of_row_model_and_strategy() -> None:
    assert plan(window=1000).context_tokens == 1000
    assert plan().context_tokens == 4096
    assert plan(weights=llama(max_position_embeddings=100_000)).context_tokens == 8192
    assert plan("long", weights=llama(max_position_embeddings=100_000)).context_tokens == 32_768
    assert plan("long").parallel == 1


def test_the_other_rows_say_how_attention_is_computed_and_whether_the_step_is_compiled() -> None:
    assert (plan().attention, plan().compile) == ("sdpa", False)
    assert plan("eager").attention == "eager"
    assert plan("compiled").compile
    assert plan("flash", replace(GPU, flash_attention=True)).attention == "flash_attention_2"


def test_fewer_answers_at_a_time_are_planned_where_memory_is_short() -> None:
    wide = plan(machine=GPU)
    assert wide.parallel == 8
    for parallel in (4, 2, 1):
        need = wide.footprint.bytes_for(4096 * parallel)
        found = plan(machine=GPU, limits={"cuda:0": need})
        assert found.parallel == parallel
        assert found.need_bytes <= need
        assert f"writes {parallel} of 8 answers at a time" in found.notes[0]


def test_gpus_are_counted_together_and_a_cpu_alone() -> None:
    half = plan(machine=GPU).need_bytes // 2 + 1
    assert plan(machine=GPU, limits={"cuda:0": half, "cuda:1": half}).parallel == 8


def test_a_model_that_never_fits_is_refused_with_what_would_fit() -> None:
    with pytest.raises(CapacityError) as caught:
        plan(machine=GPU, limits={"cuda:0": 8 * 10**9})
    said = caught.value.message
    assert "'tiny' needs 1" in said
    assert "models may take 8.00 GB" in said
    assert "use the strategy 'optimized' (4 bit)" in said
    assert "raise MAX_VRAM_USAGE_GB" in said
    assert "context" not in said


def test_a_context_that_is_too_long_is_named_with_the_one_that_fits() -> None:
    long = llama(max_position_embeddings=1_000_000)
    with pytest.raises(CapacityError) as caught:
        plan("long", GPU, long, {"cuda:0": 24 * 10**9}, window=1_000_000)
    words = caught.value.message.split("a context of at most ")[1]
    tokens = int(words.split(" ")[0])
    assert 15_000 < tokens < 21_000
    assert plan("long", GPU, long, {"cuda:0": 24 * 10**9}, window=tokens).context_tokens == tokens


@given(limit_mb=st.integers(1, 60_000), second_mb=st.integers(0, 60_000), name=st.sampled_from(["standard", "long"]))
def test_a_plan_always_fits_or_there_is_none(limit_mb: int, second_mb: int, name: str) -> None:
    limits = {"cuda:0": limit_mb * 10**6, "cuda:1": second_mb * 10**6}
    try:
        found = plan(name, GPU, llama(4), limits)
    except CapacityError:
        one = plan("long", GPU, llama(4), {"cuda:0": 10**13})
        assert one.need_bytes > sum(limits.values())
    else:
        assert found.need_bytes <= sum(limits.values())
        assert found.parallel in {8, 4, 2, 1}


# --- the machine ------------------------------------------------------------------------------------------------------
def test_the_limit_is_what_is_configured_and_never_more_than_there_is() -> None:
    assert limit_gb(10.0, None) == 8.0
    assert limit_gb(10.0, 6.0) == 6.0
    assert limit_gb(10.0, 60.0) == 10.0
    assert limit_bytes(Device(name="cpu", total_bytes=10**10, free_bytes=0), 6.0) == 6 * 10**9


def test_the_guard_reports_this_machine() -> None:
    look = GpuGuard(2.0, used_by_models_gb=lambda: 0.5).look()
    assert 0 < look.available_gb <= look.total_gb
    assert look.limit_gb == min(2.0 * len(look.devices), look.total_gb)
    assert look.used_by_models_gb == 0.5
    assert can_load_model(0.001)
    assert not can_load_model(get_available_vram() + 1000)


def test_the_guard_shows_each_gpu_with_its_own_limit() -> None:
    gpus = [
        Device(name="cuda:0", total_bytes=24 * 10**9, free_bytes=20 * 10**9),
        Device(name="cuda:1", total_bytes=8 * 10**9, free_bytes=3 * 10**9),
    ]
    look = GpuGuard(10.0, used_by_device_gb=lambda: {"cuda:1": 4.0}, devices=lambda: gpus).look()
    assert (look.device, look.memory, look.total_gb, look.available_gb) == ("cuda", "vram", 32.0, 23.0)
    assert [(one.name, one.limit_gb, one.used_by_models_gb) for one in look.devices] == [
        ("cuda:0", 10.0, 0.0),
        ("cuda:1", 8.0, 4.0),
    ]
    assert (look.limit_gb, look.used_by_models_gb) == (18.0, 4.0)


def test_a_container_has_what_it_may_have_and_not_what_the_machine_has(tmp_path: Path) -> None:
    assert ram(tmp_path).total_bytes > 500_000_000
    (tmp_path / "memory.max").write_text("400000000\n")
    (tmp_path / "memory.current").write_text("300000000\n")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 50000000\n")
    assert ram(tmp_path) == Device(name="cpu", total_bytes=400_000_000, free_bytes=150_000_000)
    (tmp_path / "memory.max").write_text("max\n")
    assert ram(tmp_path).total_bytes > 500_000_000
