"""The residency policy under anything that may happen, in any order: promises are kept and everyone is answered."""

from typing import Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent_lab.providers.local.residency.state import NoRoom, Rules, Terms
from support.residency_world import NEEDS, World

FOREVER_S = 1e9
TERMS = st.builds(Terms, keep_alive_s=st.sampled_from([None, 0.0, 5.0]), pinned=st.booleans())


class Residency(RuleBasedStateMachine):
    @initialize(
        totals=st.lists(st.integers(6, 20), min_size=1, max_size=3),
        cut=st.integers(0, 3),
        terms=st.dictionaries(st.sampled_from("abcd"), TERMS, max_size=2),
        max_waiting=st.sampled_from([3, 50, 50]),
    )
    def begin(self, totals: list[int], cut: int, terms: dict[str, Terms], max_waiting: int) -> None:
        names = {f"cuda:{number}": total for number, total in enumerate(totals)}
        limits = {name: max(1, total - cut) for name, total in names.items()}
        rules = Rules(max_waiting=max_waiting, max_wait_s=10.0, longest_residency_s=6.0)
        self.world = World(totals=names, limits=limits, rules=rules, terms=terms)

    # --- people --------------------------------------------------------------------------------------------------
    @rule(key=st.sampled_from([*"abcd" * 3, "huge"]), patience_s=st.sampled_from([0.5, 25.0, FOREVER_S]))
    def ask(self, key: str, patience_s: float) -> None:
        self.world.ask(key, patience_s)

    @rule(key=st.sampled_from("abcd"), seconds=st.sampled_from([0.0, 2.0, 8.0]))
    def ask_and_load(self, key: str, seconds: float) -> None:
        """The way of nearly every request; rules that go wrong step by step come between two of these."""
        ticket = self.world.ask(key, FOREVER_S)
        if key in self.world.in_stage("preparing"):
            self.world.prepare_ends(key, True)
        if key in self.world.in_stage("loading"):
            self.world.passes(seconds)
            self.world.load_ends(key, "well")
        if ticket in self.world.leases and seconds:
            self.world.release(ticket)

    @rule()
    def all_that_leave_are_gone(self) -> None:
        for key in self.world.in_stage("leaving"):
            self.world.comes_back(key)
            self.world.unload_ends(key)

    @precondition(lambda self: self.world.leases)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.world.release(data.draw(st.sampled_from(sorted(self.world.leases))))

    @precondition(lambda self: self.world.leases or self.world.waiting)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.world.cancel(data.draw(st.sampled_from(sorted({**self.world.leases, **self.world.waiting}))))

    @rule(key=st.sampled_from("abcd"), pinned=st.booleans())
    def pin(self, key: str, pinned: bool) -> None:
        self.world.pin(key, pinned)

    @precondition(lambda self: self.world.models)
    @rule(data=st.data())
    def put_out(self, data: st.DataObject) -> None:
        self.world.put_out(data.draw(st.sampled_from(sorted(self.world.models))))

    # --- the machine ---------------------------------------------------------------------------------------------
    @precondition(lambda self: self.world.in_stage("preparing"))
    @rule(data=st.data(), well=st.sampled_from([True, True, True, False]))
    def prepare_ends(self, data: st.DataObject, well: bool) -> None:
        self.world.prepare_ends(data.draw(st.sampled_from(self.world.in_stage("preparing"))), well)

    @precondition(lambda self: self.world.in_stage("loading"))
    @rule(data=st.data(), share=st.floats(0, 1))
    def load_takes(self, data: st.DataObject, share: float) -> None:
        self.world.load_takes(data.draw(st.sampled_from(self.world.in_stage("loading"))), share)

    @precondition(lambda self: self.world.in_stage("loading"))
    @rule(data=st.data(), how=st.sampled_from(["well", "well", "well", "failed", "ran out"]))
    def load_ends(self, data: st.DataObject, how: Literal["well", "failed", "ran out"]) -> None:
        self.world.load_ends(data.draw(st.sampled_from(self.world.in_stage("loading"))), how)

    @precondition(lambda self: self.world.in_stage("leaving"))
    @rule(data=st.data(), is_back=st.booleans())
    def unload_ends(self, data: st.DataObject, is_back: bool) -> None:
        key = data.draw(st.sampled_from(self.world.in_stage("leaving")))
        if is_back:
            self.world.comes_back(key)
        self.world.unload_ends(key)

    @precondition(lambda self: self.world.in_stage("leaving"))
    @rule(data=st.data())
    def memory_comes_back_before_the_unload_ends(self, data: st.DataObject) -> None:
        self.world.comes_back(data.draw(st.sampled_from(self.world.in_stage("leaving"))))

    @rule()
    def ghosts_fade(self) -> None:
        self.world.ghosts = {}
        self.world.act()

    @precondition(lambda self: self.world.in_stage("ready"))
    @rule(data=st.data())
    def worker_dies(self, data: st.DataObject) -> None:
        self.world.dies(data.draw(st.sampled_from(self.world.in_stage("ready"))))

    @precondition(lambda self: self.world.in_stage("ready"))
    @rule(data=st.data())
    def conversations_grow(self, data: st.DataObject) -> None:
        model = self.world.models[data.draw(st.sampled_from(self.world.in_stage("ready")))]
        for name, unused in model.unused.items():
            model.taken[name] += unused
            model.unused[name] = 0

    @rule(bytes_=st.sampled_from([0, 0, 3, 8]))
    def other_programs_change(self, bytes_: int) -> None:
        self.world.others = {"cuda:0": bytes_}
        self.world.act()

    @rule(seconds=st.sampled_from([0.0, 0.3, 1.0, 7.0, 12.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.passes(seconds)

    @rule()
    def time_passes_until_it_wakes(self) -> None:
        wakes_s = self.world.policy.wakes_s(self.world.now_s)
        if wakes_s is not None and wakes_s < FOREVER_S:
            self.world.passes(wakes_s - self.world.now_s)

    # --- what holds at any moment --------------------------------------------------------------------------------
    @invariant()
    def what_is_reserved_is_within_the_limits(self) -> None:
        world = getattr(self, "world", None)
        if world is None:
            return
        known = world.policy.reserved_bytes()
        for name, limit in world.limits.items():
            assert known.get(name, 0) == world.reserved(name) <= limit

    def teardown(self) -> None:
        """When everyone lets go and nothing fails any more, all who wait are served, long before they must be."""
        world = getattr(self, "world", None)
        if world is None:
            return
        world.others, world.ghosts = {}, {}
        late_s = world.now_s + 10 * len(NEEDS) * (world.rules.max_wait_s + world.rules.longest_residency_s)
        world.act()
        while world.waiting:
            self.everything_goes_on()
            wakes_s = world.policy.wakes_s(world.now_s)
            assert wakes_s is not None or not world.waiting, "they wait, and it would not wake"
            world.passes(min((wakes_s or 0.0) - world.now_s, 1.0) if wakes_s else 0.0)
            assert world.now_s < late_s, f"they wait for ever: {world.waiting}"
        ends = [reason for reason in world.refused.values() if isinstance(reason, NoRoom)]
        assert all(reason.need_bytes > 0 for reason in ends)

    def everything_goes_on(self) -> None:
        world = self.world
        for key in world.in_stage("preparing"):
            world.prepare_ends(key, True)
        for key in world.in_stage("loading"):
            world.load_ends(key, "well")
        for ticket in list(world.leases):
            world.release(ticket)
        for key in world.in_stage("leaving"):
            world.comes_back(key)
            world.unload_ends(key)


Residency.TestCase.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
TestResidency = Residency.TestCase
