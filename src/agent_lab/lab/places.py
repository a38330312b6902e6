"""Says where a model is: built in, on this machine, behind a key that is missing, or not downloaded."""

from __future__ import annotations

from pathlib import Path

from agent_lab.contracts.registry import ModelSpec
from agent_lab.settings import Settings

BUILT_IN = "built in"
HERE = "on this machine"
ABSENT = "not downloaded"
HOSTED = "hosted"


def place_of(model: ModelSpec, settings: Settings, *, callable_now: bool, missing_key: str | None = None) -> str:
    """Where the model is, looked up on the disk alone.

    `callable_now`: some provider here serves it. `missing_key`: the variable that it could be called with.
    """
    if model.provider == "scripted":
        return "scripted, for trying out"
    if model.provider != "local":
        return _hosted(callable_now, missing_key, offline=settings.agent_lab_offline)
    if model.model_id.startswith("builtin:"):
        return BUILT_IN
    if is_here(model, settings):
        return HERE
    if Path(model.model_id).is_absolute() or model.model_id.startswith((".", "~")):
        return f"no such folder: {model.model_id}"
    return ABSENT


def is_here(model: ModelSpec, settings: Settings) -> bool:
    """Whether the files of a local model are on this machine."""
    if model.model_id.startswith("builtin:") or Path(model.model_id).expanduser().is_dir():
        return True
    return _in_cache(model, settings)


def _hosted(callable_now: bool, missing_key: str | None, *, offline: bool) -> str:
    if missing_key is not None:
        return f"needs {missing_key}"
    if callable_now:
        return HOSTED
    return "not asked while offline" if offline else "no such provider"


def _in_cache(model: ModelSpec, settings: Settings) -> bool:
    """Whether the hub's cache has weights of it; found without the hub's library, whose import takes seconds."""
    roots = [Path(settings.model_cache_dir).expanduser()] if settings.model_cache_dir else []
    roots.append(Path.home() / ".cache" / "huggingface" / "hub")
    folder = f"models--{model.model_id.replace('/', '--')}"
    return any(any((root / folder / "snapshots").glob("*/*.safetensors")) for root in roots)
