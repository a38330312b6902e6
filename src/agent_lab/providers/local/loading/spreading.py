"""Says which part of a model goes onto which device, where it was given several."""

from __future__ import annotations

import copy
from typing import Any

from agent_lab.contracts.errors import CapacityError
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.plan import Placement

NOWHERE = ("disk", "cpu")


def device_map(config: Any, model_class: Any, placement: Placement, key: str) -> dict[str, str]:
    """Devices by module, so that each holds about its share of the placement and no layer is cut.

    Nothing is loaded for it. Raises CapacityError where the model has a part that is too large for any of them.
    """
    if len(placement) == 1:
        return {"": next(iter(placement))}
    import torch
    from accelerate import infer_auto_device_map
    from accelerate.utils import compute_module_sizes

    with torch.device("meta"):
        model = model_class._from_config(copy.deepcopy(config))
    model.tie_weights()
    whole = list(getattr(model, "_no_split_modules", None) or ())
    sizes = compute_module_sizes(model)
    largest = max((sizes[name] for name, part in model.named_modules() if type(part).__name__ in whole), default=0)
    numbers = dict(enumerate(placement))
    total = sum(placement.values())
    # accelerate fills one device after the other and keeps room for the largest layer on the first; half a layer more
    # for each lets the cuts fall on the nearest layer, and the last takes what is left.
    rooms: dict[int, int] = {
        number: int(sizes[""] * placement[name] / total + largest / 2) for number, name in numbers.items()
    }
    rooms[0] += largest
    rooms[len(numbers) - 1] = 2 * sizes[""]
    found = infer_auto_device_map(model, max_memory=rooms, no_split_module_classes=whole)
    if any(device in NOWHERE for device in found.values()):
        raise CapacityError(
            said(
                "part_too_large",
                "The model {model!r} has a part that is too large for any of {devices}; use the "
                "strategy 'optimized' (4 bit) or a smaller model.",
                model=key,
                devices=list(placement),
            )
        )
    return {module: numbers[int(device)] for module, device in found.items()}
