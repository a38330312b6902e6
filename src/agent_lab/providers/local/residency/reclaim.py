"""Gives memory back to the machine after a model has gone, and waits, within a bound, until it is really back."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Mapping, Sequence

from agent_lab.providers.local.plan import Device

MOST = 0.8
"""Of what a load took, what must be free again before the memory counts as back."""
NOISE_BYTES = 256_000_000
"""Less than this cannot be told from what other programs do meanwhile, and is not waited for."""
LONGEST_WAIT_S = 5.0
LOOK_AGAIN_S = 0.05


def reclaim(*, collect: bool = True) -> None:
    """Hand back to the device and to the system what nobody holds any more.

    `collect`: look for it first among what holds itself. All threads stand still meanwhile, some tenths of a second.
    """
    if collect:
        gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
        if trim is not None:
            trim(0)


def is_held(thing: object) -> Callable[[], bool]:
    """Says later whether anybody still holds it; True where that cannot be told."""
    if thing is None:
        return lambda: False
    try:
        watched = weakref.ref(thing)
    except TypeError:
        return lambda: True
    return lambda: watched() is not None


def let_go(error: BaseException) -> None:
    """Empty the frames that an error holds on to: among them are the weights of the load that failed."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        traceback.clear_frames(at.__traceback__)
        at = at.__cause__ or at.__context__


def free_bytes(devices: Sequence[Device]) -> dict[str, int]:
    """What is free, by device."""
    return {device.name: device.free_bytes for device in devices}


def fell_bytes(before: Mapping[str, int], after: Mapping[str, int], share: Mapping[str, int]) -> dict[str, int]:
    """By device, by how much the free memory fell, at most the share that was reserved."""
    return {name: max(0, min(part, before.get(name, 0) - after.get(name, 0))) for name, part in share.items()}


def wait_until_back(
    look: Callable[[], Sequence[Device]],
    before: Mapping[str, int],
    taken: Mapping[str, int],
    stop: threading.Event,
    *,
    longest_s: float = LONGEST_WAIT_S,
    noise_bytes: int = NOISE_BYTES,
) -> bool:
    """True when most of `taken` is free again beside what was free `before`; False when it was waited for in vain.

    `stop` ends the wait.
    """
    wanted = {name: before.get(name, 0) + MOST * part for name, part in taken.items() if part > noise_bytes}
    ends_s = time.monotonic() + longest_s
    while True:
        free = free_bytes(look())
        if all(free.get(name, 0) >= bytes_ for name, bytes_ in wanted.items()):
            return True
        # Memory says nothing when it comes back: it has to be looked at.
        if time.monotonic() >= ends_s or stop.wait(LOOK_AGAIN_S):
            return False
