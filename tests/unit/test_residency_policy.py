"""The residency policy over minutes of virtual time: turns are taken, nobody starves, loading is not all it does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from agent_lab.providers.local.residency.state import Full, Late, Load, NoRoom, Refuse, Rules, Terms, Unload
from support.residency_world import World

RULES = Rules(max_wait_s=10.0, longest_residency_s=6.0)
STEP_S = 0.5
FOREVER_S = 1e9


def world(*totals: int, rules: Rules = RULES, **terms: Terms) -> World:
    names = {f"cuda:{number}": total for number, total in enumerate(totals)}
    return World(totals=names, limits=dict(names), rules=rules, terms=terms)


@dataclass
class Town:
    """A machine that many ask: loads, unloads and answers take their time."""

    world: World
    load_s: float = 4.0
    unload_s: float = 1.0
    answer_s: float = 0.75
    asked_s: dict[int, float] = field(default_factory=dict)
    granted_s: dict[int, float] = field(default_factory=dict)
    left_s: dict[str, float] = field(default_factory=dict)
    loading_s: float = 0.0

    def ask(self, key: str) -> int:
        ticket = self.world.ask(key, FOREVER_S)
        self.asked_s[ticket] = self.world.now_s
        return ticket

    def live(self, seconds: float, asking: Callable[[float], Sequence[str]]) -> None:
        """Time passes step by step; `asking` says whom is asked for at the second of each step."""
        ends_s = self.world.now_s + seconds
        while self.world.now_s < ends_s:
            for key in asking(self.world.now_s):
                self.ask(key)
            self.step()

    def step(self) -> None:
        self.world.passes(STEP_S)
        for key in self.world.in_stage("preparing"):
            self.world.prepare_ends(key, True)
        for key in self.world.in_stage("loading"):
            self.loading_s += STEP_S
            if self.world.now_s - self.world.models[key].began_s >= self.load_s:
                self.world.load_ends(key, "well")
        for key in self.world.in_stage("leaving"):
            if self.world.now_s - self.left_s.setdefault(key, self.world.now_s) >= self.unload_s:
                del self.left_s[key]
                self.world.comes_back(key)
                self.world.unload_ends(key)
        for ticket in list(self.world.leases):
            if self.world.now_s - self.granted_s.setdefault(ticket, self.world.now_s) >= self.answer_s:
                self.world.release(ticket)

    def waits_s(self) -> list[float]:
        return [self.granted_s.get(ticket, self.world.now_s) - asked_s for ticket, asked_s in self.asked_s.items()]

    def loads(self) -> int:
        return sum(isinstance(action, Load) for action in self.world.history)


def test_two_models_that_do_not_fit_together_take_turns_and_loading_takes_at_most_half_of_the_time() -> None:
    town = Town(world(14))
    town.live(600, lambda now_s: ["c", "d"] if now_s % 2 == 0 else [])
    assert town.loading_s <= 300
    assert max(town.waits_s()) <= 2 * (town.load_s + town.unload_s) + RULES.max_wait_s
    assert town.loads() <= 600 / (2 * town.load_s)
    assert not town.world.refused


def test_a_model_that_is_never_idle_makes_way_after_the_longest_wait() -> None:
    town = Town(world(14), answer_s=3.0)
    town.live(20, lambda now_s: ["c"])
    ticket = town.ask("d")
    town.live(60, lambda now_s: ["c"])
    waited_s = town.granted_s[ticket] - town.asked_s[ticket]
    assert RULES.max_wait_s <= waited_s <= RULES.max_wait_s + town.answer_s + town.unload_s + town.load_s + 3 * STEP_S


def test_a_model_is_not_closed_before_another_has_waited_its_time_nor_for_one_that_has_left() -> None:
    town = Town(world(14), answer_s=3.0)
    town.live(20, lambda now_s: ["c"])
    ticket = town.ask("d")
    town.live(RULES.max_wait_s - 1, lambda now_s: ["c"])
    assert town.world.policy.entries["c"].closed_for is None
    town.live(1.5, lambda now_s: ["c"])
    assert town.world.policy.entries["c"].closed_for == "d"
    waiting = town.ask("c")
    assert waiting in town.world.waiting
    town.world.cancel(ticket)
    assert waiting in town.world.leases


def test_models_that_do_not_stand_in_the_way_are_not_touched() -> None:
    town = Town(world(9, 5), answer_s=3.0)
    town.live(20, lambda now_s: ["a", "b"])
    ticket = town.ask("c")
    others = [town.ask("a")]
    while ticket not in town.granted_s:
        others.append(town.ask("a"))
        assert others[-1] in town.world.leases, "it stands on the other device, and is not granted at once"
        town.live(STEP_S, lambda now_s: ["b"])
    assert [action.key for action in town.world.history if isinstance(action, Unload)] == ["b"]
    assert len(others) > RULES.max_wait_s / STEP_S


def test_a_large_model_is_not_starved_by_a_stream_of_small_ones() -> None:
    town = Town(world(14), answer_s=3.0)
    town.live(20, lambda now_s: ["abc"[int(now_s) % 3]])
    ticket = town.ask("d")
    town.live(120, lambda now_s: ["abc"[int(now_s) % 3]])
    assert town.granted_s[ticket] - town.asked_s[ticket] <= 3 * RULES.max_wait_s


def test_all_who_wait_for_one_model_are_served_by_one_load() -> None:
    town = Town(world(14))
    for _ in range(40):
        town.ask("c")
    town.live(20, lambda now_s: [])
    assert len(town.granted_s) == 40
    assert town.loads() == 1


def test_two_models_load_at_the_same_time_only_where_both_fit_beside_each_other() -> None:
    both = world(20)
    for key in "bc":
        both.ask(key, FOREVER_S)
        both.prepare_ends(key, True)
    assert both.in_stage("loading") == ["b", "c"]
    both.others = {"cuda:0": 5}
    both.ask("a", FOREVER_S)
    both.prepare_ends("a", True)
    both.load_takes("c", 1.0)
    assert both.in_stage("loading") == ["b", "c"]
    both.load_ends("c", "well")
    both.load_ends("b", "well")
    both.others = {}
    both.passes(1.0)
    assert both.in_stage("loading") == ["a"]


@pytest.mark.parametrize("late", [0.5, 3.0])
def test_whoever_is_not_served_in_time_is_told_what_the_model_was_doing(late: float) -> None:
    here = world(9, rules=Rules(max_waiting=1))
    ticket = here.ask("c", late)
    refused = here.ask("a", late)
    here.passes(late)
    assert here.refused == {refused: Full(retry_after_s=1.0), ticket: Late(stage="preparing", retry_after_s=1.0)}


def test_what_never_fits_is_refused_at_once_with_the_room_there_is() -> None:
    here = world(9, 4, a=Terms(pinned=True))
    here.ask("a", FOREVER_S)
    here.prepare_ends("a", True)
    here.load_ends("a", "well")
    here.ask("d", FOREVER_S)
    here.prepare_ends("d", True)
    last = here.history[-1]
    assert isinstance(last, Refuse)
    assert last.reason == NoRoom(why="never", need_bytes=13, room_bytes=10, pinned=("a",))
