"""Decides which models are in memory and who may use them. It knows no clock, no threads and no memory of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, Literal

from agent_lab.providers.local.plan import Placement
from agent_lab.providers.local.residency.admission import decide, no_room
from agent_lab.providers.local.residency.alarm import wakes_s
from agent_lab.providers.local.residency.state import (
    Action,
    Entry,
    Failed,
    Full,
    Grant,
    Key,
    Late,
    Load,
    Memory,
    NoRoom,
    Prepare,
    Reason,
    Refuse,
    Rules,
    Terms,
    Ticket,
    Unload,
    Waiting,
)

SHORTEST_RETRY_S = 1.0


class ResidencyPolicy(Generic[Key]):
    """Tell it what happened, then take from `act` what is to be done.

    It holds that: what is reserved on a device never exceeds its limit; a load begins only where what is really free
    suffices beside what is promised already; no model leaves that is leased, loading or pinned; who asks for a ready
    model has it at once, unless another model has waited `max_wait_s` for its place; all who wait for a model are
    served by one load; and everyone is granted or refused by their deadline.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._entries: dict[Key, Entry[Key]] = {}
        self._tickets: dict[Ticket, Entry[Key]] = {}
        self._actions: list[Action[Key]] = []
        self._turn = 0
        self._waiting = 0

    # --- what can be asked of it -----------------------------------------------------------------------------------
    @property
    def entries(self) -> Mapping[Key, Entry[Key]]:
        """The models that are not absent, to be read only."""
        return self._entries

    @property
    def needs_memory(self) -> bool:
        """Whether `act` wants to know what is free: a model waits for room."""
        return any(entry.stage == "waiting" for entry in self._entries.values())

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return self._waiting

    def reserved_bytes(self) -> dict[str, int]:
        """By device, what is reserved for models that are loading, ready or leaving."""
        reserved: dict[str, int] = {}
        for entry in self._entries.values():
            for name, part in entry.placement.items():
                reserved[name] = reserved.get(name, 0) + part
        return reserved

    def wakes_s(self, now_s: float) -> float | None:
        """When `act` is to be called although nothing has happened; None: not before something happens."""
        return wakes_s(list(self._entries.values()), self._rules, now_s)

    # --- what people do --------------------------------------------------------------------------------------------
    def ask(self, ticket: Ticket, key: Key, *, now_s: float, deadline_s: float, terms: Terms) -> bool:
        """A request comes: it is granted, refused or put into the queue. True where it is granted at once."""
        entry = self._entries.get(key)
        if entry is not None and entry.stage == "ready" and entry.closed_for is None:
            self._tickets[ticket] = entry
            self._grant(ticket, entry)
            return True
        if self._waiting >= self._rules.max_waiting:
            retry_s = SHORTEST_RETRY_S if entry is None else max(SHORTEST_RETRY_S, entry.load_s)
            self._actions.append(Refuse(ticket, key, Full(retry_after_s=retry_s)))
            return False
        if entry is None:
            entry = self._open(key, terms)
        entry.waiting[ticket] = Waiting(asked_s=now_s, deadline_s=deadline_s)
        self._tickets[ticket] = entry
        self._waiting += 1
        return False

    def release(self, ticket: Ticket, *, now_s: float) -> Key | None:
        """Whoever asked lets go, of a lease or of the wish for one; the key of what was leased.

        What is being loaded for them goes on.
        """
        entry = self._tickets.get(ticket)
        if entry is None:
            return None
        if ticket in entry.waiting:
            self._dequeue(ticket, entry)
            return None
        del self._tickets[ticket]
        entry.holders.discard(ticket)
        entry.idle_s = now_s
        self._touch(entry)
        return entry.key

    def pin(self, key: Key, *, pinned: bool) -> bool:
        """Keep a model that is loading or ready, or no longer. False where it is neither."""
        entry = self._entries.get(key)
        if entry is None or entry.stage not in {"loading", "ready"}:
            return False
        entry.pinned = pinned
        return True

    def put_out(self, key: Key) -> bool:
        """A person wants it unloaded, pinned or not. False where it is in use, or on its way in."""
        entry = self._entries.get(key)
        if entry is None or entry.stage == "leaving":
            return True
        if entry.stage != "ready" or entry.holders:
            return False
        self._unload(entry, "asked")
        return True

    # --- what became of the actions --------------------------------------------------------------------------------
    def prepared(self, key: Key, need_bytes: int) -> None:
        """The files are there, and this is what the model needs."""
        entry = self._entries[key]
        entry.need_bytes = need_bytes
        entry.stage = "waiting"

    def prepare_failed(self, key: Key, error: Exception) -> None:
        """The files are not there, or not usable."""
        self._drop(self._entries[key], Failed(error=error))

    def loaded(self, key: Key, *, now_s: float) -> None:
        """The model is in memory: all who wait for it have it."""
        entry = self._entries[key]
        entry.stage = "ready"
        entry.pinned = entry.pinned or entry.terms.pinned
        entry.load_s = now_s - entry.load_began_s
        entry.ready_s = entry.idle_s = now_s
        self._touch(entry)
        self._grant_all(entry)

    def load_failed(self, key: Key, error: Exception, *, out_of_memory: bool) -> None:
        """It is not in memory. Where memory ran out, one model more makes way, and it is tried once again."""
        entry = self._entries[key]
        if not out_of_memory:
            self._drop(entry, Failed(error=error))
            return
        if entry.has_run_out:
            room_bytes = sum(entry.placement.values())
            self._drop(entry, NoRoom(why="ran_out", need_bytes=entry.need_bytes, room_bytes=room_bytes))
            return
        makes_way = self._least_recently_used(entry.placement)
        entry.has_run_out = True
        entry.stage = "waiting"
        entry.placement = {}
        if makes_way is not None and entry.waiting:
            entry.awaits = makes_way.key
            self._unload(makes_way, "room")

    def unloaded(self, key: Key) -> None:
        """Its memory is back, or was waited for long enough."""
        entry = self._entries[key]
        self._forget(entry)
        if entry.waiting:
            self._reopen(entry)

    def lost(self, key: Key) -> None:
        """A ready model is gone by itself, and its memory with it. Its leases end when they are released."""
        entry = self._entries.get(key)
        if entry is None or entry.stage != "ready":
            return
        self._forget(entry)
        if entry.waiting:
            self._reopen(entry)

    # --- what is to be done ----------------------------------------------------------------------------------------
    def act(self, now_s: float, memory: Memory[Key]) -> list[Action[Key]]:
        """What is to be done now. `memory` is looked at where `needs_memory` says so."""
        self._expire(now_s)
        for entry in [one for one in self._entries.values() if one.stage == "waiting"]:
            if not entry.waiting:
                self._forget(entry)
            else:
                self._refuse_hopeless(entry, memory, now_s)
        self._admit(now_s, memory)
        return self.take()

    def take(self) -> list[Action[Key]]:
        """What is to be done whatever is free: those who ask for a ready model do not wait for a look at the memory."""
        actions, self._actions = self._actions, []
        return actions

    def _expire(self, now_s: float) -> None:
        for entry in list(self._entries.values()):
            # Nothing is known of how long a load will take but how long it has taken.
            spent_s = now_s - entry.load_began_s if entry.stage == "loading" else 0.0
            late = Late(stage=entry.stage, retry_after_s=max(SHORTEST_RETRY_S, spent_s))
            for ticket in [one for one, waits in entry.waiting.items() if waits.deadline_s <= now_s]:
                self._refuse(ticket, entry, late)
            if (expires_s := entry.expires_s) is not None and expires_s <= now_s:
                self._unload(entry, "keep_alive")

    def _refuse_hopeless(self, entry: Entry[Key], memory: Memory[Key], now_s: float) -> None:
        found = no_room(entry, list(self._entries.values()), memory)
        if found is None:
            entry.hopeless_s = None
            return
        entry.hopeless_s = now_s if entry.hopeless_s is None else entry.hopeless_s
        if found.why == "never" or now_s - entry.hopeless_s >= self._rules.patience_s:
            self._drop(entry, found)

    def _admit(self, now_s: float, memory: Memory[Key]) -> None:
        decision = decide(list(self._entries.values()), memory, self._rules, now_s)
        for entry in decision.unloads:
            self._unload(entry, "room")
        for entry, placement in decision.loads:
            entry.stage = "loading"
            entry.placement = placement
            entry.load_began_s = now_s
            self._actions.append(Load(entry.key, placement))
        for entry in self._entries.values():
            entry.closed_for = decision.closed.get(entry.key)
            if entry.stage == "ready" and entry.closed_for is None:
                self._grant_all(entry)

    # --- the steps of all of these ---------------------------------------------------------------------------------
    def _open(self, key: Key, terms: Terms) -> Entry[Key]:
        entry = Entry(key=key, terms=terms)
        self._entries[key] = entry
        self._actions.append(Prepare(key))
        return entry

    def _reopen(self, gone: Entry[Key]) -> None:
        entry = self._open(gone.key, gone.terms)
        entry.waiting = gone.waiting
        gone.waiting = {}
        for ticket in entry.waiting:
            self._tickets[ticket] = entry

    def _touch(self, entry: Entry[Key]) -> None:
        self._turn += 1
        entry.turn = self._turn

    def _grant(self, ticket: Ticket, entry: Entry[Key]) -> None:
        entry.holders.add(ticket)
        self._touch(entry)
        self._actions.append(Grant(ticket, entry.key))

    def _grant_all(self, entry: Entry[Key]) -> None:
        for ticket in list(entry.waiting):
            del entry.waiting[ticket]
            self._waiting -= 1
            self._grant(ticket, entry)

    def _dequeue(self, ticket: Ticket, entry: Entry[Key]) -> None:
        del entry.waiting[ticket]
        del self._tickets[ticket]
        self._waiting -= 1

    def _refuse(self, ticket: Ticket, entry: Entry[Key], reason: Reason) -> None:
        self._dequeue(ticket, entry)
        self._actions.append(Refuse(ticket, entry.key, reason))

    def _drop(self, entry: Entry[Key], reason: Reason) -> None:
        for ticket in list(entry.waiting):
            self._refuse(ticket, entry, reason)
        self._forget(entry)

    def _forget(self, entry: Entry[Key]) -> None:
        del self._entries[entry.key]
        for other in self._entries.values():
            if other.awaits == entry.key:
                other.awaits = None

    def _unload(self, entry: Entry[Key], why: Literal["room", "keep_alive", "asked"]) -> None:
        entry.stage = "leaving"
        entry.pinned = False
        entry.closed_for = None
        self._actions.append(Unload(entry.key, why))

    def _least_recently_used(self, placement: Placement) -> Entry[Key] | None:
        idle = [
            one
            for one in self._entries.values()
            if one.stage == "ready" and not one.holders and not one.pinned and placement.keys() & one.placement.keys()
        ]
        return min(idle, key=lambda one: one.turn, default=None)
