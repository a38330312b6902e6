"""Writes a trained adapter as peft's own files: safetensors and a configuration that every user of peft reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent_lab.providers.local.files.adapter_files import CONFIG, WEIGHTS, LoraSpec, inspect_adapter
from agent_lab.providers.local.tuning.checkpoint import write_whole


def save_adapter(folder: Path, matrices: Mapping[str, Any], config: Any, model_id: str) -> LoraSpec:
    """Put the matrices and peft's configuration of them into the folder, the configuration last. Raises OSError."""
    from safetensors.torch import save

    document = {**config.to_dict(), "base_model_name_or_path": model_id, "inference_mode": True}
    text = json.dumps(document, indent=2, sort_keys=True, default=_plain)
    write_whole(folder / WEIGHTS, save({name: one.contiguous() for name, one in matrices.items()}))
    write_whole(folder / CONFIG, (text + "\n").encode())
    return inspect_adapter(folder)


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else str(value)
