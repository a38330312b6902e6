"""Loads checkpoints as the product does, and as transformers alone does, for tests that compare the two."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent_lab.contracts.ports import LoadProgress
from agent_lab.contracts.registry import StrategySpec
from agent_lab.providers.local.engine import Engine
from agent_lab.providers.local.gpu_guard import Capability
from agent_lab.providers.local.loading.loader import Loaded, Prepared, TransformersLoader
from agent_lab.registries.strategies import load_strategies
from support.tiny_model import STANDARD, tiny_spec

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


@dataclass(frozen=True)
class Opened:
    engine: Engine
    notes: tuple[str, ...] = ()
