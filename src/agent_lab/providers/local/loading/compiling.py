"""Compiles a model's layers with torch, all but their attention; where that fails the model stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from agent_lab.providers.local.plan import LoadPlan

ATTENTION = ("attn", "attention", "mixer")
SHAPES = ((2, 2), (2, 1), (1, 2), (1, 1))
"""Answers and tokens of a pass. torch compiles anew where one of them is 1, and once for all other numbers."""


def compiled(model: Any, plan: LoadPlan) -> LoadPlan:
    """Compile the model and try it; the plan that comes back says whether that worked.

    Attention stays as it is: it reads the memory of conversations, whose size is another at each step, and would be
    compiled again and again.
    """
    import torch

    parts = list(_parts(model, torch))
    try:
        for part in parts:
            part.compile(dynamic=True)
        with torch.inference_mode():
            for answers, tokens in SHAPES:
                model(input_ids=torch.ones((answers, tokens), dtype=torch.long, device=model.device), use_cache=False)
    except Exception as error:  # noqa: BLE001  (torch raises whatever its compiler does)
        for part in parts:
            part._compiled_call_impl = None
        reason = (str(error).strip().splitlines() or [repr(error)])[0][:200]
        note = f"The model is not compiled: torch could not do it ({reason})."
        return replace(plan, compile=False, notes=(*plan.notes, note))
    return plan


def _parts(model: Any, torch: Any) -> Iterator[Any]:
    """Of each layer what is no attention."""
    stacks = [part for part in model.modules() if isinstance(part, torch.nn.ModuleList)]
    layers = max(stacks, key=lambda stack: sum(weights.numel() for weights in stack.parameters()), default=())
    for layer in layers:
        for name, part in layer.named_children():
            if not any(word in name for word in ATTENTION):
                yield part
