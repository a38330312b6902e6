"""What runs need of others: where they are kept, who holds them, what is asked of them meanwhile, what is counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from agent_lab.contracts.events import RunEvent, Token
from agent_lab.contracts.flow_ports import HistoryReader
from agent_lab.contracts.run import RunInfo, RunStatus


class RunLog(Protocol):
    """The append-only record of each run."""

    async def append(
        self, run_id: str, events: Sequence[RunEvent], *, owner: str, after: int | None = None
    ) -> Sequence[RunEvent]:
        """Append in one transaction; returns them numbered. Raises ConflictError where the run has ended or another
        worker holds it, and where its last event is not number `after`: somebody else took it further.

        Appends that wait at the same time, of one run or of several, share a transaction; each is refused by itself.
        """
        ...

    async def events(self, run_id: str, *, after: int = 0) -> Sequence[RunEvent]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs a list shows. None lets everything through."""

    flow_id: str | None = None
    status: RunStatus | None = None
    text: str | None = None
    """Found in the question, whatever the case of its letters."""
    since: datetime | None = None
    until: datetime | None = None
    parent_run_id: str | None = None
    caller: str | None = None
    trial: bool | None = None
    """True: only runs of one node; False: only those of a whole flow."""
    cost_usd_from: float | None = None
    cost_usd_to: float | None = None
    model: str | None = None
    """A model that answered in the run at least once, be it in an answer that a fork took over."""


ALL_RUNS = RunFilter()


class RunIndex(Protocol):
    """The list of runs."""

    async def create(
        self,
        run: RunInfo,
        events: Sequence[RunEvent] = (),
        *,
        owner: str | None = None,
        seconds: float = 0.0,
        idempotency_key: str | None = None,
    ) -> Sequence[RunEvent]:
        """Add a run with its first events, held by `owner`, in one transaction; returns the events numbered.

        Raises ConflictError for an id or an idempotency key that is taken.
        """
        ...

    async def get(self, run_id: str) -> RunInfo:
        """Raises NotFoundError."""
        ...

    async def by_key(self, idempotency_key: str) -> RunInfo | None:
        """The run that was started under that key."""
        ...

    async def list(self, *, limit: int, before: str | None = None, only: RunFilter = ALL_RUNS) -> Sequence[RunInfo]:
        """Newest first. `before` is the run_id that ended the page before."""
        ...

    async def counts(self, caller: str | None = None) -> Mapping[RunStatus, int]:
        """How many runs there are in each state that is no end; with a caller, how many of that caller's."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lease that was not given back. Of a run that has ended: its holder died before the run's file was written."""

    run_id: str
    owner: str
    ended: bool
    over: bool
    """True where the lease has run out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A run that waits for its turn, and whose it is."""

    run_id: str
    caller: str


class RunLeases(Protocol):
    """Who works on a run. A lease that is not renewed ends, and another worker may take the run over."""

    async def claim(self, run_id: str, *, owner: str, seconds: float) -> bool:
        """Take or renew the lease; False where another holds it or the run has ended."""
        ...

    async def release(self, run_id: str, *, owner: str) -> None: ...

    async def abandoned(self) -> Sequence[str]:
        """Runs that are `running` and that nobody holds, oldest first."""
        ...

    async def held(self) -> Sequence[Held]:
        """Every lease that was not given back, oldest run first."""
        ...

    async def queued(self, *, limit: int) -> Sequence[Queued]:
        """Runs that are `queued` and that nobody holds, oldest first."""
        ...


OrderKind = Literal["cancel", "pause", "answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Something that was asked of a run, for whoever works on it. An `answer` names the node, its visit and a text."""

    run_id: str
    kind: OrderKind
    number: int = 0
    """Given by the store; orders of a run are followed in this order."""
    node: str | None = None
    visit: int | None = None
    text: str | None = None


class RunOrders(Protocol):
    """What was asked of runs by somebody who does not hold them. An order stays until it is settled."""

    async def order(self, order: Order) -> Order:
        """Keep it. Raises NotFoundError, and ConflictError where the run has ended."""
        ...

    async def orders(self, *, owner: str) -> Sequence[Order]:
        """Those of runs that `owner` holds or nobody does, oldest first."""
        ...

    async def settle(self, numbers: Sequence[int]) -> None:
        """They were followed, or never can be."""
        ...


class RunStore(RunLog, RunIndex, RunLeases, RunOrders, HistoryReader, Protocol):
    """All of storage that runs need, as one object."""

    async def close(self) -> None: ...


class Wire(Protocol):
    """Carries what is said live between processes that share a store. Nothing depends on it arriving."""

    async def tell(self, tokens: Sequence[Token], *, run_id: str) -> bool:
        """To every process in which somebody listens to that run; does nothing where nobody does.

        True where somebody has begun to listen since it was last told: tell the answers from their first word.
        """
        ...

    def listen(self, run_id: str) -> AbstractAsyncContextManager[AsyncIterator[Token | None]]:
        """Tokens of a run that another process works on. None: something was stored, or an order given; look."""
        ...

    async def nudge(self, run_id: str) -> None:
        """Something was stored of that run, or asked of it."""
        ...

    def nudges(self) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Ids of runs of which something was stored or asked, by any process."""
        ...

    async def close(self) -> None: ...


RunEnd = RunStatus | Literal["interrupted"]
"""How a run left this process; `interrupted` is no status: the run goes on elsewhere or later."""


class OutputSink(Protocol):
    """Where finished runs leave their file."""

    def check(self) -> None: ...

    def path(self, flow_id: str, execution_id: str) -> Path: ...

    def write(self, flow_id: str, execution_id: str, document: dict[str, Any]) -> Path: ...


class RunMetrics(Protocol):
    """What is counted of runs."""

    def run_started(self) -> None: ...

    def run_finished(self, flow: str, status: RunEnd, seconds: float) -> None: ...

    def runs_stand(self, counts: Mapping[RunStatus, int]) -> None:
        """How many runs there are in each state that is no end, whichever process works on them."""
        ...
