"""Limits hold whatever callers do: never over them, in order, nobody starved, nothing lost."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent_lab.contracts.errors import LimitExceededError, RateLimitedError
from agent_lab.contracts.registry import RateLimits
from agent_lab.gateway.lanes import Lanes, Ticket
from agent_lab.gateway.limits import NO_LIMITS, Bucket, Meter, Reservation, try_reserve

SLACK = 1e-3


def reserved(meters: tuple[Meter, ...], tokens: int, now: float) -> Reservation:
    outcome = try_reserve(meters, tokens, now)
    assert isinstance(outcome, Reservation)
    return outcome


def test_a_share_is_taken_of_every_meter_or_of_none() -> None:
    provider = Meter("p", RateLimits(requests_per_min=10))
    model = Meter("m", RateLimits(tokens_per_min=100))
    reserved((model, provider), 100, 0.0)
    assert try_reserve((model, provider), 10, 0.0) == pytest.approx(6.0)
    assert (provider.in_use, model.in_use) == (1, 1)
    assert provider.refill_s(0, 0.0, requests=9) == 0.0  # the refused call took no request


def test_a_full_house_waits_for_a_call_to_end_and_not_for_time() -> None:
    meter = Meter("m", RateLimits(concurrent=1))
    first = reserved((meter,), 5, 0.0)
    assert try_reserve((meter,), 5, 1e9) == math.inf
    first.settle(5, 1e9)
    reserved((meter,), 5, 1e9)


def test_a_call_that_took_less_gives_the_rest_back_and_one_that_took_more_owes_it() -> None:
    meter = Meter("m", RateLimits(tokens_per_min=600))
    reserved((meter,), 600, 0.0).settle(100, 0.0)
    assert meter.wait_s(500, 0.0) == 0.0
    reserved((meter,), 500, 0.0).settle(700, 0.0)
    assert meter.wait_s(10, 0.0) == pytest.approx(21.0)


def test_a_failed_call_gives_back_its_tokens_and_place_but_counts_as_a_request() -> None:
    meter = Meter("m", RateLimits(requests_per_min=2, tokens_per_min=100, concurrent=1))
    reserved((meter,), 100, 0.0).settle(0, 0.0)
    reserved((meter,), 100, 0.0).settle(0, 0.0)
    assert meter.wait_s(100, 0.0) == pytest.approx(30.0)


def test_a_call_that_was_never_made_gives_everything_back_once() -> None:
    meter = Meter("m", RateLimits(requests_per_min=1, tokens_per_min=100, concurrent=1))
    share = reserved((meter,), 100, 0.0)
    share.undo(0.0)
    share.undo(0.0)
    share.settle(50, 0.0)
    assert meter.in_use == 0
    reserved((meter,), 100, 0.0)


def test_a_call_larger_than_a_minutes_tokens_is_refused_with_the_limit() -> None:
    lanes = Lanes(Meter("p", RateLimits(tokens_per_min=1000)))
    lane = lanes.lane("m", RateLimits(tokens_per_min=5000))
    with pytest.raises(LimitExceededError, match=r"1,001 tokens and 'p' takes 1,000 a minute.*raise tokens_per_min"):
        lanes.join(lane, 1001)
    assert lanes.waiting == 0


@given(st.integers(1, 1000), st.lists(st.tuples(st.floats(0, 30), st.integers(0, 1000)), max_size=40))
def test_a_bucket_gives_out_no_more_than_it_held_and_what_flowed_in(
    per_min: int, asked: list[tuple[float, int]]
) -> None:
    bucket, now, taken = Bucket(per_min), 0.0, []
    for passed_s, amount in asked:
        now += passed_s
        wait_s = bucket.wait_s(amount, now)
        if wait_s > 0 and amount <= per_min:
            now += wait_s
            assert bucket.wait_s(amount, now) == 0.0  # the wait that was told is long enough
        if bucket.wait_s(amount, now) == 0.0:
            bucket.reserve(amount, now)
            taken.append((now, amount))
        for start, (since, _) in enumerate(taken):
            in_window = sum(amount for _, amount in taken[start:])
            assert in_window <= per_min + (now - since) * per_min / 60 + SLACK


def test_who_waits_for_its_own_model_lets_another_model_pass() -> None:
    lanes = Lanes(Meter("p"))
    busy, free = lanes.lane("busy", RateLimits(concurrent=1)), lanes.lane("free", NO_LIMITS)
    first, stuck, other = lanes.join(busy, 1), lanes.join(busy, 1), lanes.join(free, 1)
    assert lanes.serve(0.0) == [first, other]
    assert stuck.reservation is None


def test_who_waits_for_the_provider_is_not_overtaken_by_smaller_calls() -> None:
    lanes = Lanes(Meter("p", RateLimits(tokens_per_min=100)))
    first = lanes.join(lanes.lane("a", NO_LIMITS), 50)
    large = lanes.join(lanes.lane("a", NO_LIMITS), 90)
    small = lanes.join(lanes.lane("b", NO_LIMITS), 10)
    assert lanes.serve(0.0) == [first]
    assert lanes.next_s == pytest.approx(24.0)
    assert lanes.serve(24.0) == [large]
    assert lanes.serve(30.0) == [small]


def test_the_next_look_is_due_when_the_first_of_several_lanes_may_have_its_turn() -> None:
    lanes = Lanes(Meter("p"))
    quick, slow = (
        lanes.lane("quick", RateLimits(requests_per_min=60)),
        lanes.lane("slow", RateLimits(requests_per_min=1)),
    )
    for lane, calls in ((quick, 61), (slow, 2)):
        for _ in range(calls):
            lanes.join(lane, 0)
    lanes.serve(0.0)
    assert lanes.next_s == pytest.approx(1.0)


def test_one_caller_more_than_may_wait_is_told_when_to_come_back() -> None:
    lanes = Lanes(Meter("p"))
    lane = lanes.lane("m", RateLimits(requests_per_min=60, queue=2))
    tickets = [lanes.join(lane, 1) for _ in range(63)]
    assert lanes.serve(0.0) == tickets[:60]
    lanes.check_room(lanes.join(lanes.lane("n", NO_LIMITS), 1), 0.0)
    with pytest.raises(RateLimitedError, match="'m' has 2 callers waiting already; try again in 3 s") as caught:
        lanes.check_room(tickets[-1], 0.0)
    assert caught.value.retry_after_s == pytest.approx(3.0)


def test_the_queue_of_a_provider_counts_the_callers_of_all_its_models() -> None:
    lanes = Lanes(Meter("p", RateLimits(concurrent=1, queue=1)))
    tickets = [lanes.join(lanes.lane(key, NO_LIMITS), 1) for key in "abc"]
    assert lanes.serve(0.0) == tickets[:1]
    with pytest.raises(RateLimitedError, match="'p' has 1 callers waiting already; try again in 1 s"):
        lanes.check_room(tickets[2], 0.0)


def test_what_has_flowed_in_meanwhile_is_not_given_back_a_second_time() -> None:
    meter = Meter("m", RateLimits(tokens_per_min=100))
    long_call = reserved((meter,), 60, 0.0)
    reserved((meter,), 95, 60.0).settle(95, 60.0)
    long_call.settle(0, 60.0)
    assert meter.wait_s(5, 60.0) == 0.0
    assert meter.wait_s(6, 60.0) > 0.0


class CallersOfOneProvider(RuleBasedStateMachine):
    """Three models of one provider, under all kinds of limits, in a time that passes when it is told to."""

    PROVIDER = RateLimits(requests_per_min=12, tokens_per_min=200, concurrent=4)
    MODELS: ClassVar = {
        "one": RateLimits(requests_per_min=6, tokens_per_min=100, concurrent=2),
        "two": RateLimits(tokens_per_min=150),
        "free": NO_LIMITS,
    }

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.lanes = Lanes(Meter("p", self.PROVIDER))
        self.queued: dict[str, list[Ticket]] = {key: [] for key in self.MODELS}
        self.running: list[Ticket] = []
        self.taken: dict[str, list[tuple[float, Ticket]]] = defaultdict(list)
        self.charged: dict[Ticket, int] = {}

    def serve(self) -> None:
        # Nobody may be passed but by the first of another lane, and only while it waits for its own model.
        for ticket in self.lanes.serve(self.now):
            key = ticket.lane.model.name
            assert self.queued[key].pop(0) is ticket, "out of order"
            self.running.append(ticket)
            self.charged[ticket] = ticket.tokens
            self.taken[key].append((self.now, ticket))
            self.taken["p"].append((self.now, ticket))
            for waiting in (queue[0] for queue in self.queued.values() if queue):
                if waiting.number < ticket.number:
                    assert waiting.lane.model.wait_s(waiting.tokens, self.now) > 0, "passed without a reason"

    @rule(key=st.sampled_from(sorted(MODELS)), tokens=st.integers(0, 100))
    def arrive(self, key: str, tokens: int) -> None:
        self.queued[key].append(self.lanes.join(self.lanes.lane(key, self.MODELS[key]), tokens))
        self.serve()

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 99), share=st.floats(0, 1.3))
    def end(self, which: int, share: float) -> None:
        ticket = self.running.pop(which % len(self.running))
        used_tokens = int(ticket.tokens * share)
        # What is used beyond the reservation cannot be kept from happening; it is owed, and nothing is promised of it.
        self.charged[ticket] = min(used_tokens, ticket.tokens)
        assert ticket.reservation is not None
        ticket.reservation.settle(used_tokens, self.now)
        self.serve()

    @precondition(lambda self: any(self.queued.values()))
    @rule(which=st.integers(0, 99))
    def give_up(self, which: int) -> None:
        waiting = [ticket for queue in self.queued.values() for ticket in queue]
        ticket = waiting[which % len(waiting)]
        self.queued[ticket.lane.model.name].remove(ticket)
        self.lanes.leave(ticket, self.now)
        self.serve()

    @precondition(lambda self: self.running)
    @rule()
    def give_up_in_the_same_instant(self) -> None:
        ticket = self.running.pop()
        for taken in self.taken.values():
            taken[:] = [pair for pair in taken if pair[1] is not ticket]
        self.lanes.leave(ticket, self.now)
        self.serve()

    @rule(seconds=st.floats(0, 20))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.serve()

    @precondition(lambda self: self.lanes.waiting and self.lanes.next_s < math.inf)
    @rule()
    def the_timer_rings(self) -> None:
        waiting = self.lanes.waiting
        self.now += self.lanes.next_s + 1e-6
        self.serve()
        # It rang for a reason: somebody was served, or now waits for the provider instead of its model.
        assert self.lanes.waiting < waiting or self.lanes.next_s > 0

    @invariant()
    def no_more_calls_at_once_than_the_limits(self) -> None:
        running: dict[str, int] = defaultdict(int)
        for ticket in self.running:
            running[ticket.lane.model.name] += 1
        assert self.lanes.provider.in_use == len(self.running) <= 4
        assert running["one"] <= 2
        for key, limits in self.MODELS.items():
            assert self.lanes.lane(key, limits).model.in_use == running[key]

    @invariant()
    def no_more_in_any_window_than_a_bucket_promises(self) -> None:
        for key, limits in {"p": self.PROVIDER, **self.MODELS}.items():
            for start, (since, _) in enumerate(self.taken[key]):
                calls = self.taken[key][start:]
                minutes = 1 + (calls[-1][0] - since) / 60
                if limits.requests_per_min is not None:
                    assert len(calls) <= limits.requests_per_min * minutes + SLACK
                if limits.tokens_per_min is not None:
                    assert sum(self.charged[ticket] for _, ticket in calls) <= limits.tokens_per_min * minutes + SLACK

    @invariant()
    def everyone_is_accounted_for(self) -> None:
        assert self.lanes.waiting == sum(map(len, self.queued.values()))

    def teardown(self) -> None:
        # Nobody waits for ever: with time, and calls that end, the lanes empty.
        for _ in range(1000):
            if not self.lanes.waiting:
                break
            while self.running:
                self.end(0, 1.0)
            self.time_passes(10.0)
        assert self.lanes.waiting == 0


TestCallersOfOneProvider = CallersOfOneProvider.TestCase
TestCallersOfOneProvider.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
