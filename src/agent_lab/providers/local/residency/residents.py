"""Obeys the residency policy: prepares, loads and unloads models in threads of their own, and answers who waits."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from agent_lab.contracts.errors import ConflictError, UnusableError
from agent_lab.contracts.ports import LoadProgress
from agent_lab.contracts.registry import ModelSpec
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.plan import Device
from agent_lab.providers.local.residency.keeper import Keeper
from agent_lab.providers.local.residency.policy import ResidencyPolicy
from agent_lab.providers.local.residency.slots import Claim, Slot, SlotKey
from agent_lab.providers.local.residency.state import Memory, Room, Rules, Terms, Ticket
from agent_lab.providers.local.residency.steps import Asked, Counts, Hands, Step, Steps, answer, aside

log = structlog.get_logger(__name__)
T = TypeVar("T")
CLOSING = "The local models are being shut down; start the service again and ask again."


class Residents:
    """The models that are not absent, and the requests for them. Every method may be called from any thread.

    Nothing that may last is done under its lock: looking at the memory, files, loading, answering.
    """

    def __init__(
        self,
        *,
        rules: Rules,
        look: Callable[[], Sequence[Device]],
        limit_bytes: Callable[[Device], int],
        hands: Callable[[Residents], Hands],
    ) -> None:
        self._policy: ResidencyPolicy[SlotKey] = ResidencyPolicy(rules)
        self._look = look
        self._limit_bytes = limit_bytes
        self._hands = hands(self)
        self._lock = threading.RLock()
        self._slots: dict[SlotKey, Slot] = {}
        self._asked: dict[Ticket, Asked] = {}
        self._tickets = itertools.count(1)
        self._version = 0
        """Grows with each change of what is in memory: a look at it from before such a change says nothing."""
        self._keeper = Keeper(self.settle)
        self._closed = False
        self._rooms: Mapping[str, Room] = {}
        self.counts = Counts()
        self._steps = Steps(self._slots, self._asked, self.counts, self._hands)

    # --- requests ------------------------------------------------------------------------------------------------
    def ask(self, slot: Slot, spec: ModelSpec, *, patience_s: float) -> Claim:
        """Ask for the model of the slot, or of the one that is there already. Returns at once."""
        now_s = time.monotonic()
        asked = Asked(spec)
        # A future that runs cannot be cancelled by one of those that wait for it.
        asked.slot.set_running_or_notify_cancel()
        ticket = next(self._tickets)
        stay = slot.spec.residency
        terms = Terms(keep_alive_s=stay.keep_alive_s, pinned=stay.pinned)
        with self._lock:
            if self._closed:
                raise UnusableError(CLOSING)
            slot = self._slots.setdefault(slot.key, slot)
            self._asked[ticket] = asked
            is_hit = self._policy.ask(ticket, slot.key, now_s=now_s, deadline_s=now_s + patience_s, terms=terms)
            slot.hits += is_hit
            slot.last_used_at = datetime.now(UTC)
            self.counts.hits += is_hit
        self.settle()
        return Claim(ticket=ticket, spec=spec, slot=asked.slot, feed=slot.feed, cache_hit=is_hit, asked_s=now_s)

    def release(self, ticket: Ticket) -> None:
        """Let go of a model, or of the wish for one. Nothing happens the second time."""
        with self._lock:
            self._asked.pop(ticket, None)
            key = self._policy.release(ticket, now_s=time.monotonic())
            if key is not None and key in self._slots:
                self._slots[key].last_used_at = datetime.now(UTC)
        self.settle()

    # --- what is there ---------------------------------------------------------------------------------------------
    @property
    def waiting(self) -> int:
        """Requests that wait for their model."""
        return self._policy.waiting

    def reserved_bytes(self) -> dict[str, int]:
        """By device, what is reserved for models that are loading, in memory or leaving."""
        with self._lock:
            return self._policy.reserved_bytes()

    def ready(self) -> list[tuple[Slot, int, bool]]:
        """The models in memory, the least recently used first: each with how many use it, and whether it is pinned."""
        with self._lock:
            entries = [entry for entry in self._policy.entries.values() if entry.stage == "ready"]
            ordered = sorted(entries, key=lambda entry: entry.turn)
            return [(self._slots[entry.key], len(entry.holders), entry.pinned) for entry in ordered]

    def find(self, key: SlotKey) -> Slot | None:
        """The model if it is in memory."""
        with self._lock:
            entry = self._policy.entries.get(key)
            return self._slots[key] if entry is not None and entry.stage == "ready" else None

    def present(self) -> list[Slot]:
        """All models that are not absent."""
        with self._lock:
            return [self._slots[key] for key in self._policy.entries]

    def loading(self) -> list[LoadProgress]:
        """The models on their way into memory."""
        with self._lock:
            entries = self._policy.entries.values()
            return [self._slots[one.key].feed.latest for one in entries if one.stage not in {"ready", "leaving"}]

    # --- what people do with what is there -----------------------------------------------------------------------
    def pin(self, model_key: str, *, pinned: bool) -> Slot | None:
        """Keep a model in memory, or no longer. None where it is not there and not being loaded."""
        with self._lock:
            slots = [slot for key, slot in self._slots.items() if key[0] == model_key]
            done = [slot for slot in slots if self._policy.pin(slot.key, pinned=pinned)]
        self.settle()
        return done[0] if done else None

    def put_out(self, slots: Sequence[Slot]) -> None:
        """Unload these, and wait until their memory is back. Raises ConflictError where one of them is in use."""
        with self._lock:
            entries = [self._policy.entries.get(slot.key) for slot in slots]
            busy = [
                one for one in entries if one is not None and (one.stage not in {"ready", "leaving"} or one.holders)
            ]
            if busy:
                raise ConflictError(
                    said(
                        "model_in_use",
                        "The model {model!r} is in use just now; unload it when it has answered.",
                        model=busy[0].key[0],
                    )
                )
            # One that has died or failed meanwhile never says that it is gone.
            there = [self._slots[one.key] for one in entries if one is not None]
            self._leave(there)
        self._await(there)

    def put_out_idle(self) -> list[Slot]:
        """Unload all that nobody uses, and wait until their memory is back."""
        with self._lock:
            slots = [slot for slot, in_use, _ in self.ready() if not in_use]
            self._leave(slots)
        self._await(slots)
        return slots

    def _leave(self, slots: Sequence[Slot]) -> None:
        for slot in slots:
            self._policy.put_out(slot.key)

    def _await(self, slots: Sequence[Slot]) -> None:
        self.settle()
        for slot in slots:
            slot.gone.wait()

    def lost(self, slot: Slot) -> None:
        """The process of a model has died."""

        def forget() -> bool:
            entry = self._policy.entries.get(slot.key)
            is_there = self._slots.get(slot.key) is slot and entry is not None and entry.stage == "ready"
            if is_there:
                self.counts.lost += 1
                self._policy.lost(slot.key)
            return is_there

        if self.tell(forget):
            aside(self._hands.bury, "bury", slot)()

    def close(self) -> None:
        """Refuse all who wait, take no more, and let go of every model in memory."""
        with self._lock:
            self._closed = True
            waiting = [asked for asked in self._asked.values() if not asked.slot.done()]
            in_memory = [slot for slot, _, _ in self.ready()]
        self._keeper.close()
        for asked in waiting:
            answer(asked.slot, UnusableError(CLOSING))
        for slot in in_memory:
            self._hands.bury(slot)
        self._hands.finish()

    # --- what the hands say ----------------------------------------------------------------------------------------
    def prepared(self, slot: Slot, need_bytes: int) -> None:
        """Its files are there."""
        slot.prepared_s = time.monotonic()
        slot.feed.tell(LoadProgress(model_key=slot.spec.key, stage="waiting", total_bytes=need_bytes))
        self.tell(lambda: self._policy.prepared(slot.key, need_bytes))

    def failed(self, slot: Slot, error: Exception, *, prepared: bool, out_of_memory: bool = False) -> None:
        """It could not be prepared, or not be loaded."""
        if prepared:
            self.tell(lambda: self._policy.load_failed(slot.key, error, out_of_memory=out_of_memory))
        else:
            self.tell(lambda: self._policy.prepare_failed(slot.key, error))

    def loaded(self, slot: Slot) -> bool:
        """It is in memory. False where the service was shut down meanwhile: then the caller lets go of it."""
        now_s = time.monotonic()

        def note() -> bool:
            if self._closed:
                return False
            slot.ready_s = now_s
            slot.loaded_at = slot.last_used_at = datetime.now(UTC)
            self.counts.loads += 1
            self.counts.load_s += now_s - slot.began_s
            self._policy.loaded(slot.key, now_s=now_s)
            return True

        return self.tell(note)

    def unloaded(self, slot: Slot) -> None:
        """Its memory is back."""
        self.tell(lambda: self._policy.unloaded(slot.key))
        slot.gone.set()

    def tell(self, change: Callable[[], T]) -> T:
        """Let something be known that changes what is in memory, and do what follows from it."""
        with self._lock:
            self._version += 1
            found = change()
        self.settle()
        return found

    # --- doing what the policy says ------------------------------------------------------------------------------
    def settle(self) -> None:
        """Do all that is to be done now."""
        follow: list[Step] | None = self._taken()
        while follow is not None:
            for step in follow:
                step()
            follow = self._decided()

    def _taken(self) -> list[Step]:
        with self._lock:
            return [self._steps.follow(action, self._pinned) for action in self._policy.take()]

    def _decided(self) -> list[Step] | None:
        """What follows from how things are; an empty list to look again, None where nothing is left to be done."""
        with self._lock:
            version, slots = self._version, dict(self._slots) if self._policy.needs_memory else None
        memory: Memory[SlotKey] = Memory() if slots is None else self._seen(slots)
        with self._lock:
            if self._closed:
                return None
            if (slots is None and self._policy.needs_memory) or version != self._version:
                return []
            now_s = time.monotonic()
            follow = [self._steps.follow(action, self._pinned) for action in self._policy.act(now_s, memory)]
            for key in self._slots.keys() - self._policy.entries.keys():
                del self._slots[key]
            self._keeper.wake_at(self._policy.wakes_s(now_s))
        return follow or None

    def _seen(self, slots: Mapping[SlotKey, Slot]) -> Memory[SlotKey]:
        try:
            self._rooms = {
                device.name: Room(limit_bytes=self._limit_bytes(device), free_bytes=device.free_bytes)
                for device in self._look()
            }
        except Exception:
            if not self._rooms:
                raise
            # A device may be beyond asking for a while; what was seen last is nearer the truth than nothing.
            log.exception("memory_not_seen")
        in_memory = {key: slot.loaded for key, slot in slots.items()}
        unused = {key: one.engine.state().unused_bytes for key, one in in_memory.items() if one is not None}
        return Memory(rooms=self._rooms, unused_bytes=unused)

    def _pinned(self) -> list[str]:
        return sorted({entry.key[0] for entry in self._policy.entries.values() if entry.pinned})
