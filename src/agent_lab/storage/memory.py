"""Keeps runs in memory, under the same rules as the database: for tests, and for a lab that shall leave nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from agent_lab.contracts.events import RunEvent
from agent_lab.contracts.flow_ports import PastRun
from agent_lab.contracts.run import MOST_MODELS, RunInfo, RunStatus
from agent_lab.contracts.run_ports import ALL_RUNS, Held, Order, Queued, RunFilter
from agent_lab.storage import rules
from agent_lab.storage.rules import Standing, utc_now


@dataclass(slots=True)
class _Kept:
    info: RunInfo
    bodies: list[str] = field(default_factory=list)
    answer: str | None = None
    models: dict[str, int] = field(default_factory=dict)
    lease_owner: str | None = None
    lease_until: datetime | None = None

    @property
    def standing(self) -> Standing:
        return Standing(
            run_id=self.info.run_id,
            status=self.info.status,
            last_seq=len(self.bodies),
            lease_owner=self.lease_owner,
            lease_until=self.lease_until,
        )


class MemoryRuns:
    """The run store (`contracts.run_ports.RunStore`) without a disk. No method awaits: each is one transaction."""

    def __init__(self, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._runs: dict[str, _Kept] = {}
        self._keys: dict[str, str] = {}
        self._orders: dict[int, Order] = {}
        self._last_order = 0

    async def create(
        self,
        run: RunInfo,
        events: Sequence[RunEvent] = (),
        *,
        owner: str | None = None,
        seconds: float = 0.0,
        idempotency_key: str | None = None,
    ) -> Sequence[RunEvent]:
        """Add a run with its first events, held by `owner` where one is given: all of it, or nothing.

        Returns the events numbered. Raises ConflictError for an id or a key that is taken, and what `append` raises.
        """
        key = None if idempotency_key is None else rules.key_of(idempotency_key)
        row = rules.row_of(run)
        if run.run_id in self._runs:
            raise rules.taken_run(run.run_id)
        if key in self._keys:
            raise rules.taken_key(key)
        kept = _Kept(row)
        numbered = _append(kept, events)
        if owner is not None:
            kept.lease_owner, kept.lease_until = owner, self._clock() + timedelta(seconds=seconds)
        self._runs[run.run_id] = kept
        if key is not None:
            self._keys[key] = run.run_id
        return numbered

    async def get(self, run_id: str) -> RunInfo:
        """The run's row. Raises NotFoundError."""
        return self._kept(run_id).info

    async def by_key(self, idempotency_key: str) -> RunInfo | None:
        """The run that was started under that key."""
        run_id = self._keys.get(rules.key_of(idempotency_key))
        return None if run_id is None else self._runs[run_id].info

    async def list(self, *, limit: int, before: str | None = None, only: RunFilter = ALL_RUNS) -> Sequence[RunInfo]:
        """Newest first. Raises NotFoundError where there is no run `before`."""
        rules.check_page(limit)
        only = rules.filter_of(only)
        mark = None if before is None else _place(self._kept(before).info)
        rows = [info for info in self._newest_first() if mark is None or _place(info) < mark]
        return [info for info in rows if _passes(only, info, self._runs[info.run_id].models.keys())][:limit]

    def name_version(self, flow_id: str, number: int) -> bool:
        """True where a run is one of that version of a stored flow."""
        infos = (kept.info for kept in self._runs.values())
        return any((info.flow_id, info.flow_version) == (flow_id, number) for info in infos)

    async def counts(self, caller: str | None = None) -> Mapping[RunStatus, int]:
        """How many runs there are in each state that is no end; with a caller, how many of that caller's."""
        states = [kept.info.status for kept in self._runs.values() if caller in (None, kept.info.caller)]
        return {status: states.count(status) for status in rules.GOING_ON}

    async def append(
        self, run_id: str, events: Sequence[RunEvent], *, owner: str, after: int | None = None
    ) -> Sequence[RunEvent]:
        """Append all events or none; returns them numbered, as they will be read back.

        Raises NotFoundError, ConflictError (the run has ended, another worker holds it, or its last event is not
        number `after`), ValidationError (an event that no JSON can hold) and ValueError (a token, a finish without an
        end, events behind the finish).
        """
        kept = self._kept(run_id)
        kept.standing.check_writable(owner, self._clock(), after)
        return _append(kept, events)

    async def events(self, run_id: str, *, after: int = 0) -> Sequence[RunEvent]:
        """The run's events behind number `after`. Raises NotFoundError."""
        bodies = self._kept(run_id).bodies
        start = max(after, 0)
        return [rules.read_record(run_id, seq, body) for seq, body in enumerate(bodies[start:], start + 1)]

    async def claim(self, run_id: str, *, owner: str, seconds: float) -> bool:
        """Take or renew the lease for `seconds` from now; False where another holds it or the run has ended."""
        kept, now = self._kept(run_id), self._clock()
        if not kept.standing.claimable(owner, now):
            return False
        kept.lease_owner, kept.lease_until = owner, now + timedelta(seconds=seconds)
        return True

    async def release(self, run_id: str, *, owner: str) -> None:
        """Give the lease back, where `owner` has it."""
        kept = self._kept(run_id)
        if kept.lease_owner == owner:
            kept.lease_owner = kept.lease_until = None

    async def abandoned(self) -> Sequence[str]:
        """Runs that are `running` and that nobody holds, oldest first."""
        return [info.run_id for info in self._free("running")]

    async def held(self) -> Sequence[Held]:
        """Every lease that was not given back, oldest run first."""
        now, found = self._clock(), []
        for info in reversed(self._newest_first()):
            standing = self._runs[info.run_id].standing
            if standing.lease_owner is not None:
                over = not standing.held(now)
                found.append(Held(run_id=info.run_id, owner=standing.lease_owner, ended=standing.ended, over=over))
        return found

    async def queued(self, *, limit: int) -> Sequence[Queued]:
        """Runs that are `queued` and that nobody holds, oldest first."""
        rules.check_page(limit)
        return [Queued(run_id=info.run_id, caller=info.caller) for info in self._free("queued")[:limit]]

    async def order(self, order: Order) -> Order:
        """Keep it; returns it with its number. Raises NotFoundError, ConflictError where the run has ended, and
        BusyError where too many wait."""
        self._kept(order.run_id).standing.check_going_on()
        waiting = sum(one.run_id == order.run_id for one in self._orders.values())
        kept = rules.order_of(order, waiting=waiting)
        self._last_order += 1
        self._orders[self._last_order] = replace(kept, number=self._last_order)
        return self._orders[self._last_order]

    async def orders(self, *, owner: str) -> Sequence[Order]:
        """Those of runs that `owner` holds or nobody does, oldest first."""
        now = self._clock()
        mine = [order for order in self._orders.values() if self._runs[order.run_id].standing.free_for(owner, now)]
        return mine[: rules.ORDERS_AT_ONCE]

    async def settle(self, numbers: Sequence[int]) -> None:
        """They were followed, or never can be."""
        for number in numbers:
            self._orders.pop(number, None)

    async def similar(self, prompt: str, *, limit: int) -> Sequence[PastRun]:
        """Of the latest completed runs those whose question shares most words with this one, the most alike first."""
        done = [
            (PastRun(run_id=info.run_id, prompt=info.prompt, answer=answer), info.prompt)
            for info in self._newest_first()
            if info.status == "completed"
            and info.only_node is None
            and (answer := self._runs[info.run_id].answer) is not None
        ]
        return rules.most_alike(prompt, done, limit=limit)

    async def close(self) -> None:
        """Nothing to close: what was kept goes with the object."""

    def _kept(self, run_id: str) -> _Kept:
        if run_id not in self._runs:
            raise rules.unknown_run(run_id)
        return self._runs[run_id]

    def _newest_first(self) -> Sequence[RunInfo]:
        return sorted((kept.info for kept in self._runs.values()), key=_place, reverse=True)

    def _free(self, status: RunStatus) -> Sequence[RunInfo]:
        now = self._clock()
        return [
            info
            for info in reversed(self._newest_first())
            if info.status == status and not self._runs[info.run_id].standing.held(now)
        ]


def _place(info: RunInfo) -> tuple[datetime, str]:
    return info.created_at, info.run_id


def _passes(only: RunFilter, info: RunInfo, models: Set[str]) -> bool:
    return all(
        (
            only.flow_id in (None, info.flow_id),
            only.status in (None, info.status),
            only.parent_run_id in (None, info.parent_run_id),
            only.caller in (None, info.caller),
            only.trial in (None, info.only_node is not None),
            only.text is None or only.text in info.prompt.lower(),
            only.since is None or only.since <= info.created_at,
            only.until is None or info.created_at < only.until,
            only.model is None or only.model in models,
            _costs(only, info.cost_usd),
        )
    )


def _costs(only: RunFilter, cost_usd: Decimal | None) -> bool:
    least, most = only.cost_usd_from, only.cost_usd_to
    if cost_usd is None:
        return least is None and most is None
    return (least is None or cost_usd >= rules.usd_of(least)) and (most is None or cost_usd <= rules.usd_of(most))


def _append(kept: _Kept, events: Sequence[RunEvent]) -> Sequence[RunEvent]:
    records = rules.number(events, last_seq=len(kept.bodies))
    numbered = [record.event for record in records]
    change = rules.change_by(numbered)
    kept.bodies += [record.body for record in records]
    if answered := rules.models_in(numbered):
        kept.models |= {model: seq for model, seq in answered.items() if model not in kept.models}
        kept.info = kept.info.model_copy(update={"models": tuple(kept.models)[:MOST_MODELS]})
    if change is not None:
        row = {name: getattr(change, name) for name in ("status", "finished_at", "calls", "cost_usd", "seconds")}
        kept.info = kept.info.model_copy(update=row)
        kept.answer = change.answer
    return numbered
