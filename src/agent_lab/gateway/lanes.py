"""Keeps the callers of one provider in order while they wait: each model's in a lane of its own, none starved."""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass, field

from agent_lab.contracts.errors import RateLimitedError
from agent_lab.contracts.registry import RateLimits
from agent_lab.contracts.sentences import said
from agent_lab.gateway.limits import Meter, Reservation, try_reserve

SOON_S = 1.0
"""What a caller is told where only calls in flight stand in the way: nobody knows when they end."""


@dataclass(slots=True, eq=False)
class Ticket:
    """A caller's place: `reservation` is there once it is its turn. Numbers rise in the order of arrival."""

    number: int
    lane: Lane
    tokens: int
    reservation: Reservation | None = None


@dataclass(slots=True, eq=False)
class Lane:
    """Those who wait for one model, the first one first."""

    model: Meter
    waiting: deque[Ticket] = field(default_factory=deque)


@dataclass(slots=True, eq=False)
class Lanes:
    """The lanes of one provider. No clock inside: every method that needs the time is told it, in seconds.

    Within a lane callers are served strictly in order. The first of each lane are served in order of arrival too, with
    one exception: who waits for the model itself lets those of other models pass. Who waits for the provider lets
    nobody pass, or small calls of one model could keep a large one of another waiting for ever.
    """

    provider: Meter
    next_s: float = math.inf
    """Seconds from the last `serve` until another one may find something to do; infinite where only a call that
    ends can change anything."""
    waiting: int = 0
    _lanes: dict[str, Lane] = field(default_factory=dict)
    _arrivals: int = 0

    def lane(self, model_key: str, limits: RateLimits) -> Lane:
        """The lane of a model, which keeps the limits that it was first asked for with."""
        lane = self._lanes.get(model_key)
        if lane is None:
            lane = self._lanes[model_key] = Lane(Meter(model_key, limits))
        return lane

    def join(self, lane: Lane, tokens: int) -> Ticket:
        """Take the last place of a lane. Raises LimitExceededError for a call that would never have its turn."""
        lane.model.check(tokens)
        self.provider.check(tokens)
        self._arrivals += 1
        ticket = Ticket(self._arrivals, lane, tokens)
        lane.waiting.append(ticket)
        self.waiting += 1
        return ticket

    def leave(self, ticket: Ticket, now: float) -> None:
        """Give up the place, or the turn where it has come: the call is not made."""
        if ticket.reservation is not None:
            ticket.reservation.undo(now)
        else:
            ticket.lane.waiting.remove(ticket)
            self.waiting -= 1

    def serve(self, now: float) -> list[Ticket]:
        """Give everyone a reservation whose turn has come; returns them, in the order in which they were served."""
        served: list[Ticket] = []
        self.next_s = math.inf
        heads = [(lane.waiting[0].number, lane) for lane in self._lanes.values() if lane.waiting]
        heapq.heapify(heads)  # the numbers differ, so no two lanes are ever compared
        while heads:
            _, lane = heads[0]
            ticket = lane.waiting[0]
            model_wait_s = lane.model.wait_s(ticket.tokens, now)
            outcome = model_wait_s or try_reserve((lane.model, self.provider), ticket.tokens, now)
            if isinstance(outcome, float):
                self.next_s = min(self.next_s, outcome)
                if not model_wait_s:
                    break
                heapq.heappop(heads)
                continue
            ticket.reservation = outcome
            lane.waiting.popleft()
            self.waiting -= 1
            served.append(ticket)
            if lane.waiting:
                heapq.heapreplace(heads, (lane.waiting[0].number, lane))
            else:
                heapq.heappop(heads)
        return served

    def check_room(self, ticket: Ticket, now: float) -> None:
        """Raises RateLimitedError where this caller is one more than may wait, for its model or for the provider."""
        lane = ticket.lane
        for meter, waiting in ((lane.model, len(lane.waiting)), (self.provider, self.waiting)):
            if waiting > meter.limits.queue:
                raise self._refusal(
                    ticket,
                    now,
                    said(
                        "callers_waiting",
                        "{name!r} has {count} callers waiting already",
                        name=meter.name,
                        count=waiting - 1,
                    ),
                )

    def too_late(self, ticket: Ticket, now: float) -> RateLimitedError:
        """What a caller is told whose turn has not come in time."""
        return self._refusal(
            ticket,
            now,
            said("no_room_in_time", "{model!r} had no room for this call in time", model=ticket.lane.model.name),
        )

    def wait_s(self, ticket: Ticket, now: float) -> float:
        """Seconds until it may be this caller's turn, everyone before it counted with all that it reserves."""
        lane = ticket.lane
        in_lane = [one.tokens for one in lane.waiting if one.number <= ticket.number]
        in_all = [one.tokens for each in self._lanes.values() for one in each.waiting if one.number <= ticket.number]
        wait_s = max(
            lane.model.refill_s(sum(in_lane), now, requests=len(in_lane)),
            self.provider.refill_s(sum(in_all), now, requests=len(in_all)),
        )
        return wait_s or SOON_S

    def _refusal(self, ticket: Ticket, now: float, why: str) -> RateLimitedError:
        wait_s = self.wait_s(ticket, now)
        return RateLimitedError(
            said(
                "refused_for_now",
                "{why}; try again in {seconds} s, use another model, or raise the limits in its row.",
                why=why,
                seconds=math.ceil(wait_s),
            ),
            retry_after_s=wait_s,
        )
