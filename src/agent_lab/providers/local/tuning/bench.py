"""Puts a base into memory for training: the same files, checks and way of loading as for answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_lab.contracts.errors import CapacityError
from agent_lab.contracts.registry import ModelSpec, StrategySpec
from agent_lab.providers.local.engine import Engine
from agent_lab.providers.local.gpu_guard import GB, capability, devices, limit_bytes
from agent_lab.providers.local.loading.loader import Loader, Opened
from agent_lab.providers.local.plan import LoadPlan
from agent_lab.providers.local.prompt import Reading
from agent_lab.providers.local.residency.placement import place
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
    """Loads bases with the loader that answers use, whose `open_engine` is `open_engine_late`."""

    loader: Loader
    templates: Templates
    strategies: StrategyRegistry
    max_usage_gb: float | None = None

    def __call__(self, spec: ModelSpec, strategy: StrategySpec) -> Bench:
        """The base in memory. Raises UnusableError, CapacityError and EnvironmentFaultError as loading does."""
        machine = capability()
        found = standing(strategy, machine, self.strategies.get_strategy)
        plain = found.strategy.loading.model_copy(update={"compile": False})  # a compiled step takes no adapter
        prepared = self.loader.prepare(spec, found.strategy.model_copy(update={"loading": plain}), machine)
        need_bytes = prepared.plan.need_bytes
        placement = place(need_bytes, self._rooms())
        if placement is None:
            raise CapacityError(
                f"The model {spec.key!r} needs {need_bytes / GB:.2f} GB, and so much is not free now; end what uses "
                "the memory, such as a server that has models loaded."
            )
        loaded = self.loader.load(spec, prepared, placement)

        def close() -> None:
            loaded.close()
            self.templates.close()

        return Bench(
            model=loaded.model,
            reading=Reading(model_key=spec.key, tokenizer=loaded.tokenizer, templates=self.templates),
            engine=loaded.engine,
            end_ids=loaded.end_ids,
            window_tokens=loaded.window_tokens,
            revision=fingerprint(prepared.weights.files),
            notes=found.notes + loaded.plan.notes,
            close=close,
        )

    def _rooms(self) -> dict[str, int]:
        return {one.name: min(limit_bytes(one, self.max_usage_gb), one.free_bytes) for one in devices()}


def open_engine_late(key: str, model: Any, tokenizer: Any, plan: LoadPlan, end_ids: Sequence[int]) -> Opened:
    """What opens engines, imported with torch no sooner than there is a model."""
    from agent_lab.providers.local.batching.opening import open_engine

    return open_engine(key, model, tokenizer, plan, end_ids)


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
