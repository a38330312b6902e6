"""Says of local models what the doctor found: each device, what strategies come to on this machine, what is warm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from agent_lab.contracts.errors import AgentLabError

if TYPE_CHECKING:
    from agent_lab.contracts.ports import DeviceMemory, Resources
    from agent_lab.contracts.registry import ModelSpec
    from agent_lab.providers.local.gpu_guard import Capability
    from agent_lab.registries.strategies import StrategyRegistry

Told = tuple[str, Literal["ok", "missing"], str]
"""What was looked at, whether it can be used, and the sentence."""


def machine(look: Resources) -> Iterator[Told]:
    """The memory that models are put into, all together; on a machine with several GPUs also each."""
    free = f"{look.available_gb:.1f} of {look.total_gb:.1f} GB {look.memory.upper()} free"
    yield "machine", "ok", f"{look.device}, {free}, {look.limit_gb:.1f} GB for models"
    if len(look.devices) > 1:
        yield from (_device(one) for one in look.devices)


def _device(one: DeviceMemory) -> Told:
    free = f"{one.available_gb:.1f} of {one.total_gb:.1f} GB free"
    return f"device {one.name}", "ok", f"{free}, {one.limit_gb:.1f} GB for models"


def strategies(known: StrategyRegistry, capability: Capability) -> Iterator[Told]:
    """Those in 4 bit, and those that this machine cannot do as they stand."""
    from agent_lab.providers.local.strategies import obstacle, standing

    where = "the GPU" if capability.device == "cuda" else "the CPU"
    for strategy in known.list_strategies():
        what = f"strategy {strategy.name}"
        try:
            found = standing(strategy, capability, known.get_strategy)
        except AgentLabError as error:
            yield what, "missing", error.message
            continue
        against = obstacle(strategy, capability)
        if against is not None:
            yield what, "missing", f"{against}; {found.strategy.name!r} stands in for it"
        elif strategy.loading.precision == "nf4":
            yield what, "ok", f"4 bit (NF4) on {where}"


def network(*, offline: bool) -> Iterator[Told]:
    """Whether anything may leave this machine."""
    if offline:
        yield "network", "ok", "offline (AGENT_LAB_OFFLINE): no hosted model is asked and no weights are fetched"
    else:
        yield "network", "ok", "hosted models may be asked and weights fetched; AGENT_LAB_OFFLINE=1 forbids both"


def warm(models: Iterable[ModelSpec]) -> Iterator[Told]:
    """The models that a server loads when it starts."""
    keys = [row.key for row in models if row.provider == "local" and row.residency.warm]
    if keys:
        yield "warm models", "ok", f"{', '.join(keys)}: loaded when a server starts"
