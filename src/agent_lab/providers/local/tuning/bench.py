"""Puts a base into memory for training: the same files, checks and way of loading as for answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_lab.contracts.registry import ModelSpec, StrategySpec
from agent_lab.providers.local.engine import Engine
from agent_lab.providers.local.gpu_guard import capability
from agent_lab.providers.local.loader import Loader
from agent_lab.providers.local.prompt import Reading
from agent_lab.providers.local.strategies import standing
from agent_lab.providers.local.templates.sandbox import Templates
from agent_lab.registries.strategies import StrategyRegistry

SAMPLE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A base in memory. The engine answers while nothing is trained."""

    model: Any
    reading: Reading
    engine: Engine
    end_ids: tuple[int, ...]
    window_tokens: int
    revision: str
    """What tells these weights from others of the same name."""
    notes: tuple[str, ...]
    close: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOpener:
    """Loads bases with the loader that answers use."""

    loader: Loader
    strategies: StrategyRegistry

    def __call__(self, spec: ModelSpec, strategy: StrategySpec) -> Bench:
        """The base in memory. Raises UnusableError, CapacityError and EnvironmentFaultError as loading does."""
        machine = capability()
        found = standing(strategy, machine, self.strategies.get_strategy)
        plain = found.strategy.loading.model_copy(update={"compile": False})  # a compiled step cannot be differentiated
        prepared = self.loader.prepare(spec, found.strategy.model_copy(update={"loading": plain}), machine)
        device = "cuda:0" if machine.device == "cuda" else "cpu"
        loaded = self.loader.load(spec, prepared, {device: prepared.plan.need_bytes})
        from agent_lab.providers.local.batching.opening import open_engine

        opened = open_engine(spec.key, loaded.model, loaded.tokenizer, loaded.plan, loaded.end_ids)
        templates = Templates()

        def close() -> None:
            opened.engine.close()
            templates.close()

        return Bench(
            model=loaded.model,
            reading=Reading(model_key=spec.key, tokenizer=loaded.tokenizer, templates=templates),
            engine=opened.engine,
            end_ids=loaded.end_ids,
            window_tokens=loaded.window_tokens,
            revision=fingerprint(prepared.weights.files),
            notes=found.notes + loaded.plan.notes + opened.notes,
            close=close,
        )


def fingerprint(files: Sequence[Path]) -> str:
    """A hash of weights: of each file its name, its length, and its first and last million bytes."""
    digest = hashlib.sha256()
    for path in sorted(files):
        length = path.stat().st_size
        digest.update(f"{path.name}/{length}/".encode())
        with path.open("rb") as file:
            digest.update(file.read(SAMPLE_BYTES))
            file.seek(max(0, length - SAMPLE_BYTES))
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()
