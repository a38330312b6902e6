"""A made-up machine under the residency policy: devices, other programs, memory that comes back late, virtual time.

It carries out what the policy says, and fails as soon as an action breaks a promise."""

from dataclasses import dataclass, field
from typing import Literal

from agent_lab.contracts.errors import UnusableError
from agent_lab.providers.local.residency.policy import ResidencyPolicy
from agent_lab.providers.local.residency.state import (
    Action,
    Failed,
    Full,
    Grant,
    Late,
    Load,
    Memory,
    NoRoom,
    Prepare,
    Refuse,
    Room,
    Rules,
    Terms,
    Unload,
)

NEEDS = {"a": 3, "b": 5, "c": 8, "d": 13, "huge": 1000}
BROKEN = UnusableError("broken")


@dataclass
class Model:
    """What the world knows of a model that is not absent."""

    stage: Literal["preparing", "prepared", "loading", "ready", "leaving"] = "preparing"
    placement: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    """Physically, by device; a loading model takes its share little by little."""
    unused: dict[str, int] = field(default_factory=dict)
    pinned: bool = False
    began_s: float = 0.0
    ready_s: float = 0.0
    load_s: float = 0.0
    idle_s: float = 0.0
    ran_out: int = 0


@dataclass
class World:
    totals: dict[str, int]
    limits: dict[str, int]
    rules: Rules
    terms: dict[str, Terms] = field(default_factory=dict)
    now_s: float = 0.0
    others: dict[str, int] = field(default_factory=dict)
    ghosts: dict[str, int] = field(default_factory=dict)
    """Memory of unloaded models that was not waited for any longer and has not come back yet."""
    models: dict[str, Model] = field(default_factory=dict)
    waiting: dict[int, tuple[str, float, float]] = field(default_factory=dict)
    """ticket -> (model, asked, deadline)"""
    leases: dict[int, str] = field(default_factory=dict)
    refused: dict[int, object] = field(default_factory=dict)
    asked_out: set[str] = field(default_factory=set)
    out_of_memory: set[str] = field(default_factory=set)
    """Models whose load has just run out of memory: one other may leave for them at once."""
    history: list[Action[str]] = field(default_factory=list)
    tickets: int = 0

    def __post_init__(self) -> None:
        self.policy: ResidencyPolicy[str] = ResidencyPolicy(self.rules)

    # --- the machine ---------------------------------------------------------------------------------------------
    def free(self, name: str) -> int:
        taken = sum(model.taken.get(name, 0) for model in self.models.values())
        return self.totals[name] - self.others.get(name, 0) - self.ghosts.get(name, 0) - taken

    def promised(self, name: str) -> int:
        """What looks free and is not: the rest of loads in flight, and of conversations."""
        return sum(
            model.placement.get(name, 0) - model.taken.get(name, 0)
            for model in self.models.values()
            if model.stage in {"loading", "ready"}
        )

    def reserved(self, name: str) -> int:
        return sum(model.placement.get(name, 0) for model in self.models.values())

    def memory(self) -> Memory[str]:
        rooms = {name: Room(limit_bytes=self.limits[name], free_bytes=max(0, self.free(name))) for name in self.totals}
        ready = {key: model for key, model in self.models.items() if model.stage == "ready"}
        unused = {key: sum(model.unused.values()) for key, model in ready.items()}
        return Memory(rooms=rooms, unused_bytes=unused)

    def ours(self, name: str) -> int:
        """What a model could have of a device if all that may leave were gone."""
        pinned = sum(model.placement.get(name, 0) for model in self.models.values() if model.pinned)
        taken = self.others.get(name, 0) + self.ghosts.get(name, 0)
        return min(self.limits[name], self.totals[name] - taken) - pinned

    def in_stage(self, *stages: str) -> list[str]:
        return sorted(key for key, model in self.models.items() if model.stage in stages)

    # --- what people do ------------------------------------------------------------------------------------------
    def ask(self, key: str, patience_s: float) -> int:
        self.tickets += 1
        self.waiting[self.tickets] = (key, self.now_s, self.now_s + patience_s)
        terms = self.terms.get(key, Terms())
        deadline_s = self.now_s + patience_s
        self.policy.ask(self.tickets, key, now_s=self.now_s, deadline_s=deadline_s, terms=terms)
        model = self.models.get(key)
        self.act()
        if model is not None and model.stage == "ready" and self.tickets in self.waiting:
            assert self.was_waited_for(model), "a ready model was not granted at once"
        return self.tickets

    def release(self, ticket: int) -> None:
        self.models_of(self.leases.pop(ticket)).idle_s = self.now_s
        self.policy.release(ticket, now_s=self.now_s)
        self.act()

    def cancel(self, ticket: int) -> None:
        if ticket in self.leases:
            self.models_of(self.leases.pop(ticket)).idle_s = self.now_s
        self.waiting.pop(ticket, None)
        self.policy.release(ticket, now_s=self.now_s)
        self.act()

    def pin(self, key: str, pinned: bool) -> None:
        if self.policy.pin(key, pinned=pinned):
            self.models[key].pinned = pinned
        self.act()

    def put_out(self, key: str) -> None:
        in_use = key in self.leases.values() or self.models[key].stage not in {"ready", "leaving"}
        if self.models[key].stage == "ready":
            self.asked_out.add(key)
        assert self.policy.put_out(key) is not in_use
        self.act()
        self.asked_out.clear()

    def models_of(self, key: str) -> Model:
        return self.models.get(key) or Model()

    # --- what becomes of the actions -----------------------------------------------------------------------------
    def prepare_ends(self, key: str, well: bool) -> None:
        if well:
            self.models[key].stage = "prepared"
            self.policy.prepared(key, NEEDS[key])
        else:
            del self.models[key]
            self.policy.prepare_failed(key, BROKEN)
        self.act()

    def load_takes(self, key: str, share: float) -> None:
        model = self.models[key]
        for name, part in model.placement.items():
            model.taken[name] = max(model.taken[name], min(int(part * share), part - model.unused[name]))

    def load_ends(self, key: str, how: Literal["well", "failed", "ran out"]) -> None:
        model = self.models[key]
        if how == "well":
            self.load_takes(key, 1.0)
            model.stage = "ready"
            model.load_s = self.now_s - model.began_s
            model.ready_s = model.idle_s = self.now_s
            model.pinned = model.pinned or self.terms.get(key, Terms()).pinned
            self.policy.loaded(key, now_s=self.now_s)
        elif how == "failed":
            del self.models[key]
            self.policy.load_failed(key, BROKEN, out_of_memory=False)
        else:
            self.runs_out(key, model)
        self.act()
        self.out_of_memory.clear()

    def runs_out(self, key: str, model: Model) -> None:
        if model.ran_out:
            del self.models[key]
        else:
            self.models[key] = Model(stage="prepared", ran_out=1, pinned=model.pinned)
            self.out_of_memory.add(key)
        self.policy.load_failed(key, BROKEN, out_of_memory=True)

    def comes_back(self, key: str) -> None:
        self.models[key].taken = {}

    def unload_ends(self, key: str) -> None:
        for name, part in self.models.pop(key).taken.items():
            self.ghosts[name] = self.ghosts.get(name, 0) + part
        self.policy.unloaded(key)
        self.act()

    def dies(self, key: str) -> None:
        del self.models[key]
        self.leases = {ticket: held for ticket, held in self.leases.items() if held != key}
        self.policy.lost(key)
        self.act()

    def passes(self, seconds: float) -> None:
        self.now_s += seconds
        self.act()

    # --- what the policy says ------------------------------------------------------------------------------------
    def act(self) -> None:
        actions = self.policy.act(self.now_s, self.memory() if self.policy.needs_memory else Memory())
        self.forget_unwanted()
        for action in actions:
            self.history.append(action)
            self.obey(action)
        late = [ticket for ticket, (_, _, deadline_s) in self.waiting.items() if deadline_s <= self.now_s]
        assert not late, f"nobody was told by the deadline: {late}"
        wakes_s = self.policy.wakes_s(self.now_s)
        assert wakes_s is None or wakes_s > self.now_s
        assert self.policy.waiting == len(self.waiting)

    def obey(self, action: Action[str]) -> None:
        match action:
            case Prepare(key):
                assert key not in self.models, "prepared twice"
                self.models[key] = Model()
            case Load(key, placement):
                self.begin(key, dict(placement))
            case Unload(key, why):
                self.leave(key, why)
            case Grant(ticket, key):
                assert self.waiting.pop(ticket)[0] == key
                assert self.models[key].stage == "ready"
                self.leases[ticket] = key
            case Refuse(ticket, key, reason):
                asked = self.waiting.pop(ticket)
                self.check_refusal(key, asked, reason)
                self.refused[ticket] = reason

    def begin(self, key: str, placement: dict[str, int]) -> None:
        model = self.models[key]
        assert model.stage == "prepared", f"{key} is {model.stage}"
        assert sum(placement.values()) == NEEDS[key]
        for name, part in placement.items():
            assert part + self.reserved(name) <= self.limits[name], "over the limit"
            assert part + self.promised(name) <= self.free(name), "it is not really free"
        model.stage, model.placement, model.began_s = "loading", placement, self.now_s
        model.taken = dict.fromkeys(placement, 0)
        model.unused = {name: part // 3 for name, part in placement.items()}

    def leave(self, key: str, why: str) -> None:
        model = self.models[key]
        assert model.stage == "ready", f"{key} is {model.stage}"
        assert key not in self.leases.values(), "evicted while it was leased"
        assert not model.pinned or key in self.asked_out, "evicted although it was pinned"
        keep_s = self.terms.get(key, Terms()).keep_alive_s
        if why == "keep_alive":
            assert keep_s is not None
            assert self.now_s >= model.idle_s + keep_s
        if why == "room":
            rested = self.now_s >= model.ready_s + min(model.load_s, self.rules.longest_residency_s)
            assert rested or self.was_waited_for(model) or self.out_of_memory, "evicted before it has stayed"
        model.stage = "leaving"
        model.pinned = False

    def was_waited_for(self, model: Model) -> bool:
        since = [
            max(asked_s, model.ready_s)
            for key, asked_s, _ in self.waiting.values()
            if self.models_of(key).stage == "prepared"
        ]
        return any(self.now_s - one >= self.rules.max_wait_s - 1e-9 for one in since)

    def check_refusal(self, key: str, asked: tuple[str, float, float], reason: object) -> None:
        match reason:
            case Late():
                assert asked[2] <= self.now_s
            case Full():
                assert len(self.waiting) >= self.rules.max_waiting
            case NoRoom(why="never"):
                held = sum(sum(one.placement.values()) for one in self.models.values() if one.pinned)
                assert NEEDS[key] > sum(self.limits.values()) - held
            case NoRoom(why="taken"):
                assert NEEDS[key] > sum(max(0, self.ours(name)) for name in self.totals)
            case _:
                assert isinstance(reason, Failed | NoRoom)

    def forget_unwanted(self) -> None:
        """The policy drops a model that waits for room when nobody waits for it any more."""
        for key in self.in_stage("prepared"):
            if key not in self.policy.entries:
                del self.models[key]
