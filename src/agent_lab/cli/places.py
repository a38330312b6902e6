"""Says where a model is: built in, on this machine, behind a key that is missing, or not downloaded."""

from __future__ import annotations

from pathlib import Path

from agent_lab.contracts.registry import ModelSpec
from agent_lab.settings import Settings

BUILT_IN = "built in"
HERE = "on this machine"
ABSENT = "not downloaded"


def place_of(model: ModelSpec, settings: Settings, *, callable_now: bool) -> str:
    """Where the model is, looked up on the disk alone. `callable_now`: some provider here serves it."""
    if model.provider == "scripted":
        return "scripted, for trying out"
    if model.provider != "local":
        return _hosted(model, settings, callable_now)
    if model.model_id.startswith("builtin:"):
        return BUILT_IN
    if Path(model.model_id).expanduser().is_dir():
        return HERE
    if Path(model.model_id).is_absolute() or model.model_id.startswith((".", "~")):
        return f"no such folder: {model.model_id}"
    return HERE if _in_cache(model, settings) else ABSENT


def _hosted(model: ModelSpec, settings: Settings, callable_now: bool) -> str:
    if not callable_now:
        return "cannot call it yet"
    keys = {"openai": settings.openai_api_key, "anthropic": settings.anthropic_api_key}
    if keys.get(model.provider) is None:
        return f"needs {model.provider.upper()}_API_KEY"
    return "hosted, key set"


def _in_cache(model: ModelSpec, settings: Settings) -> bool:
    """Whether the hub's cache has weights of it; found without the hub's library, whose import takes seconds."""
    roots = [Path(settings.model_cache_dir).expanduser()] if settings.model_cache_dir else []
    roots.append(Path.home() / ".cache" / "huggingface" / "hub")
    folder = f"models--{model.model_id.replace('/', '--')}"
    return any(any((root / folder / "snapshots").glob("*/*.safetensors")) for root in roots)
