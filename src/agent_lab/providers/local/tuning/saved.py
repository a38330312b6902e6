"""Writes a trained adapter as peft's own files: safetensors and a configuration that every user of peft reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent_lab.providers.local.adapter_files import CONFIG, WEIGHTS, LoraSpec, inspect_adapter
from agent_lab.providers.local.tuning.checkpoint import write_whole


def save_adapter(folder: Path, peft_model: Any, model_id: str) -> LoraSpec:
    """Put the adapter into the folder, the configuration last. Raises OSError."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import save

    tensors = get_peft_model_state_dict(peft_model)
    config = peft_model.peft_config["default"].to_dict()
    config.update(base_model_name_or_path=model_id, inference_mode=True)
    text = json.dumps(config, indent=2, sort_keys=True, default=_plain)
    write_whole(folder / WEIGHTS, save({name: one.detach().cpu().contiguous() for name, one in tensors.items()}))
    write_whole(folder / CONFIG, (text + "\n").encode())
    return inspect_adapter(folder)


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else str(value)
