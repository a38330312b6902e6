"""A host of local models without any: loads last until the test says so, and fail when it says so."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from agent_lab.contracts.errors import AgentLabError, ConflictError, unknown_name
from agent_lab.contracts.ports import DeviceMemory, LoadProgress, LoadStage, LocalFigures, ResidentModel, Resources
from agent_lab.contracts.registry import ModelSpec, StrategySpec

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
Listener = Callable[[LoadProgress], None]


@dataclass(slots=True)
class ScriptedHost:
    """Fulfils `ModelHost` and `ResourceMonitor`. `patient`: a load ends when `finish` or `fail` is called."""

    patient: bool = False
    models: dict[str, ResidentModel] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)
    """The loads, by key, in order: those that wait for a load count once."""
    counts: LocalFigures = field(default_factory=LocalFigures)
    devices: tuple[DeviceMemory, ...] = ()
    _ends: dict[str, asyncio.Future[ResidentModel]] = field(default_factory=dict)
    _listeners: dict[str, list[Listener]] = field(default_factory=dict)

    def resident(self) -> Sequence[ResidentModel]:
        return list(self.models.values())

    async def load(
        self, model: ModelSpec, strategy: StrategySpec, on_progress: Listener | None = None
    ) -> ResidentModel:
        if model.key not in self._ends:
            self.begun.append(model.key)
            self._ends[model.key] = asyncio.get_running_loop().create_future()
            self._listeners[model.key] = []
        if on_progress is not None:
            self._listeners[model.key].append(on_progress)
            if self.patient:
                on_progress(LoadProgress(model_key=model.key, stage="waiting"))
        if not self.patient:
            self.finish(model.key, strategy=strategy.name)
        try:
            return await asyncio.shield(self._ends[model.key])
        finally:
            if self._ends[model.key].done():
                del self._ends[model.key]

    async def unload(self, model_key: str | None = None) -> Sequence[str]:
        if model_key is None:
            gone = [key for key, model in self.models.items() if not model.in_use]
        elif model_key not in self.models:
            raise unknown_name("model", model_key, self.models, place="in memory")
        elif self.models[model_key].in_use:
            raise ConflictError(f"The model {model_key!r} is in use just now; unload it when it has answered.")
        else:
            gone = [model_key]
        for key in gone:
            del self.models[key]
        return sorted(gone)

    def pin(self, model_key: str, *, pinned: bool) -> ResidentModel:
        if model_key not in self.models:
            raise unknown_name("model", model_key, self.models, place="in memory")
        self.models[model_key] = replace(self.models[model_key], pinned=pinned)
        return self.models[model_key]

    def look(self) -> Resources:
        used_gb = sum(model.size_gb for model in self.models.values())
        return Resources(
            device="cuda", memory="vram", total_gb=48, available_gb=40, limit_gb=38, used_by_models_gb=used_gb,
            devices=self.devices,
        )  # fmt: skip

    def figures(self) -> LocalFigures:
        return self.counts

    def tell(
        self, key: str, stage: LoadStage = "loading", done: int = 0, total: int | None = None, **more: float
    ) -> None:
        """Say to all who listen how far a load is."""
        progress = LoadProgress(model_key=key, stage=stage, done_bytes=done, total_bytes=total, **more)
        for listener in self._listeners[key]:
            listener(progress)

    def finish(self, key: str, *, strategy: str = "standard", **more: object) -> None:
        """The model is in memory."""
        row = {"model_key": key, "strategy": strategy, "size_gb": 4.2, "loaded_at": AT, "last_used_at": AT, "hits": 0}
        model = ResidentModel(**{**row, "in_use": 0, "device": "cuda:0", **more})  # type: ignore[arg-type]
        self.models[key] = model
        if not self._ends[key].done():
            self._ends[key].set_result(model)

    def fail(self, key: str, error: AgentLabError) -> None:
        """The load ends with this error."""
        self._ends[key].set_exception(error)
