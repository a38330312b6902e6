"""Turns what the policy says into steps: a thread that prepares, loads or unloads, or an answer to a request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from agent_lab.contracts.registry import ModelSpec
from agent_lab.providers.local.residency.slots import Slot, SlotKey
from agent_lab.providers.local.residency.state import (
    Action,
    Failed,
    Grant,
    Load,
    Prepare,
    Reason,
    Refuse,
    Ticket,
    Unload,
)
from agent_lab.providers.local.residency.words import refusal

Step = Callable[[], None]
"""What is done without the lock: nothing in it may be missed, and the order does not matter."""


@dataclass(slots=True)
class Counts:
    """What has been done since the start."""

    hits: int = 0
    loads: int = 0
    load_s: float = 0.0
    evictions: int = 0
    refused: int = 0
    lost: int = 0


class Hands(Protocol):
    """What is done for the policy, each call in a thread of its own; none of them raises."""

    def prepare(self, slot: Slot) -> None: ...

    def load(self, slot: Slot) -> None: ...

    def unload(self, slot: Slot) -> None: ...

    def adapt(self, slot: Slot, spec: ModelSpec, done: Future[None]) -> None: ...

    def bury(self, slot: Slot) -> None: ...

    def finish(self) -> None: ...


@dataclass(slots=True)
class Asked:
    """What was asked for, and where the answer goes."""

    spec: ModelSpec
    slot: Future[Slot] = field(default_factory=Future)


class Steps:
    """Works on the slots and requests of `Residents`, under its lock."""

    def __init__(self, slots: dict[SlotKey, Slot], asked: dict[Ticket, Asked], counts: Counts, hands: Hands) -> None:
        self._slots = slots
        self._asked = asked
        self._counts = counts
        self._hands = hands

    def follow(self, action: Action[SlotKey], pinned: Callable[[], list[str]]) -> Step:
        """What has to be done outside the lock."""
        slot = self._slots[action.key]
        match action:
            case Prepare():
                if slot.prepared is not None:
                    slot = self._slots[action.key] = slot.anew()
                return aside(self._hands.prepare, "prepare", slot)
            case Load(_, placement):
                slot.placement, slot.began_s = placement, time.monotonic()
                return aside(self._hands.load, "load", slot)
            case Unload(_, why):
                self._counts.evictions += why == "room"
                return aside(self._hands.unload, "unload", slot)
            case Grant(ticket):
                return self._granted(self._asked.get(ticket), slot)
            case Refuse(ticket, _, reason):
                return self._refused(self._asked.pop(ticket, None), slot, reason, pinned)

    def _granted(self, asked: Asked | None, slot: Slot) -> Step:
        if asked is None:  # it was let go of meanwhile
            return _nothing
        spec = asked.spec
        if spec.key == slot.spec.key:
            return partial(answer, asked.slot, slot)
        adapter, begin = slot.adapters.get(spec.key), _nothing
        if adapter is None:
            adapter = slot.adapters[spec.key] = Future()
            begin = aside(self._hands.adapt, "adapt", slot, spec, adapter)
        adapter.add_done_callback(lambda done: answer(asked.slot, done.exception() or slot))
        return begin

    def _refused(self, asked: Asked | None, slot: Slot, reason: Reason, pinned: Callable[[], list[str]]) -> Step:
        if asked is None:
            return _nothing
        self._counts.refused += not isinstance(reason, Failed)
        plan = None if slot.prepared is None else slot.prepared.plan
        return partial(answer, asked.slot, refusal(reason, slot.spec.key, plan, pinned()))


def _nothing() -> None:
    """There is nothing to do."""


def aside(do: Callable[..., None], name: str, slot: Slot, *more: object) -> Step:
    """What begins it."""
    # A thread of its own, and a daemon: a fetch of many gigabytes must hold up neither other work nor the exit.
    return threading.Thread(target=do, args=(slot, *more), name=f"{name}-{slot.spec.key}", daemon=True).start


def answer(slot: Future[Slot], outcome: Slot | BaseException) -> None:
    """Say it to whoever waits."""
    with suppress(InvalidStateError):  # the service was shut down, and they have been told so
        if isinstance(outcome, BaseException):
            slot.set_exception(outcome)
        else:
            slot.set_result(outcome)
