"""The words of the policy: what is known of each model, what is asked of the manager, and why a request is refused."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from agent_lab.providers.local.plan import Placement

Key = TypeVar("Key", bound=Hashable)
Ticket = int
"""One request for a model: it waits, then it is granted (a lease, until it is released) or refused."""
Stage = Literal["preparing", "waiting", "loading", "ready", "leaving"]
"""`preparing`: its files are looked at, and what it needs is not known yet. `waiting`: for room. `leaving`: it is
unloaded, and its memory is not back yet. A model in none of these stages is absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The bounds that the policy keeps. Seconds."""

    max_waiting: int = 256
    """Requests that may wait; one more is refused."""
    max_wait_s: float = 30.0
    """How long a model that is in use may keep out another one that waits for its place."""
    longest_residency_s: float = 60.0
    """After a load a model stays as long as the load took, but no longer than this on that account."""
    patience_s: float = 2.0
    """How long memory that other programs hold is waited for, where nothing of ours could make room."""
    look_again_s: float = 1.0
    """How often the memory is looked at while somebody waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a model wishes to be kept."""

    keep_alive_s: float | None = None
    """Seconds after the last release until it is unloaded. None: until its place is wanted."""
    pinned: bool = False
    """Pinned as soon as it is loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A device: what models may take of it, and what is really free at this moment. Bytes."""

    limit_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Generic[Key]):
    """The devices as they are at this moment."""

    rooms: Mapping[str, Room] = field(default_factory=dict)
    unused_bytes: Mapping[Key, int] = field(default_factory=dict)
    """By model: what is reserved for its conversations and not allocated yet. It looks free and is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """Too many requests wait already."""

    retry_after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Its deadline came before its model."""

    stage: Stage
    """What the model was doing."""
    retry_after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRoom:
    """The model does not fit. Bytes."""

    why: Literal["never", "taken", "ran_out"]
    """`never`: within the limits, beside what is pinned. `taken`: other programs hold the memory. `ran_out`: it was
    tried, and memory ran out twice."""
    need_bytes: int
    room_bytes: int
    """What it could have at the most, over all devices."""
    pinned: tuple[Hashable, ...] = ()
    """The models that are pinned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Its model could not be prepared or loaded."""

    error: Exception


Reason = Full | Late | NoRoom | Failed


@dataclass(frozen=True, slots=True)
class Prepare(Generic[Key]):
    """Look at the files; then say `prepared` or `prepare_failed`."""

    key: Key


@dataclass(frozen=True, slots=True)
class Load(Generic[Key]):
    """Load it there; then say `loaded` or `load_failed`."""

    key: Key
    placement: Placement


@dataclass(frozen=True, slots=True)
class Unload(Generic[Key]):
    """Unload it; then, when its memory is back or was waited for long enough, say `unloaded`."""

    key: Key
    why: Literal["room", "keep_alive", "asked"]


@dataclass(frozen=True, slots=True)
class Grant(Generic[Key]):
    """The request has its model until `release`."""

    ticket: Ticket
    key: Key


@dataclass(frozen=True, slots=True)
class Refuse(Generic[Key]):
    """The request does not get its model."""

    ticket: Ticket
    key: Key
    reason: Reason


Action = Prepare[Key] | Load[Key] | Unload[Key] | Grant[Key] | Refuse[Key]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request in the queue. Seconds of the policy's clock."""

    asked_s: float
    deadline_s: float


@dataclass(slots=True, eq=False)
class Entry(Generic[Key]):
    """A model that is not absent."""

    key: Key
    terms: Terms
    stage: Stage = "preparing"
    pinned: bool = False
    need_bytes: int = 0
    placement: Placement = field(default_factory=dict)
    """What is reserved for it: empty before it is loading."""
    waiting: dict[Ticket, Waiting] = field(default_factory=dict)
    holders: set[Ticket] = field(default_factory=set)
    turn: int = 0
    """Grows with each use of any model; the least is the least recently used."""
    load_began_s: float = 0.0
    load_s: float = 0.0
    ready_s: float = 0.0
    idle_s: float = 0.0
    """Since when nobody uses it."""
    closed_for: Key | None = None
    """The model that has waited too long for its place: it takes no new leases."""
    has_run_out: bool = False
    """Memory ran out once while it was loaded."""
    awaits: Key | None = None
    """The model that was unloaded for it after memory ran out, and that must be gone first."""
    hopeless_s: float | None = None
    """Since when nothing of ours could make room for it."""

    @property
    def since_s(self) -> float:
        """When the one asked who waits longest."""
        return min((one.asked_s for one in self.waiting.values()), default=float("inf"))

    def rested_s(self, rules: Rules) -> float:
        """When it has stayed as long as its load took."""
        return self.ready_s + min(self.load_s, rules.longest_residency_s)

    def yields_s(self, to: Entry[Key], rules: Rules) -> float:
        """When it must make way, rested or not, in use or not."""
        return max(to.since_s, self.ready_s) + rules.max_wait_s

    @property
    def expires_s(self) -> float | None:
        """When its keep-alive is over; None where it is in use, wanted, pinned, or kept until its place is wanted."""
        keep_s = self.terms.keep_alive_s
        if keep_s is None or self.stage != "ready" or self.pinned or self.holders or self.waiting:
            return None
        return self.idle_s + keep_s
