"""Counts over all runs of a flow what its first draft, a vote and the best draft would have answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import structlog

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.events import GenerationFinished, RunEvent
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.tally import Agreements, FlowTally, RunTally
from agent_lab.contracts.tally_ports import Agreement, Spent, TallyMark, TallyStore, TallySums
from agent_lab.runs.alternatives import Draft, PluralityVote, RunAlternatives, alternatives
from agent_lab.runs.best_draft import BestDraft
from agent_lab.runs.record import outermost
from agent_lab.runs.reducer import add_cost

log = structlog.get_logger(__name__)

AT_ONCE = 40
"""Runs that are counted in one step; each takes a few milliseconds."""
MOST_BEFORE = 20
"""Earlier contents of a flow that are told of."""


# --- one run ----------------------------------------------------------------------------------------------------------
def mark_of(run_id: str, events: Sequence[RunEvent], kinds: Mapping[str, NodeKind]) -> TallyMark:
    """What a completed run adds to its flow's tally. Raises ConflictError for events that are no run."""
    told = alternatives(events, kinds)
    # Of a single first answer there is no better one.
    best = told.draft if told.missing == "one_answer" else told.best
    return TallyMark(
        run_id=run_id,
        first_draft=_said(told.draft),
        vote=_said(told.vote),
        tied=told.vote is not None and told.vote.tied,
        best_draft=_said(best),
        spent=_spent(events, told),
    )


def _said(thing: Draft | PluralityVote | BestDraft | None) -> Agreement:
    if thing is None:
        return "missing"
    return "untold" if thing.agrees is None else "same" if thing.agrees else "other"


def _spent(events: Sequence[RunEvent], told: RunAlternatives) -> Spent | None:
    """What the first draft, all first answers and the whole run took; None without a draft, and where a part was taken
    over from another run: that one has paid for it."""
    calls = [event for event in events if isinstance(event, GenerationFinished)]
    if told.draft is None or any(call.reused for call in calls):
        return None
    nodes = {told.draft.node, *(voice.node for voice in (told.vote.voices if told.vote else ()))}
    firsts = [call for call in calls if call.visit == 1 and call.node.split("/")[0] in nodes]
    draft = [call for call in firsts if outermost(call.node) == told.draft.node and _of_first(call)]
    return Spent(
        draft_tokens=_tokens(draft),
        drafts_tokens=_tokens(firsts),
        run_tokens=_tokens(calls),
        draft_usd=_usd(draft),
        drafts_usd=_usd(firsts),
        run_usd=_usd(calls),
    )


def _of_first(call: GenerationFinished) -> bool:
    """Whether a call of the draft's node is one for the draft itself: of several samples the first."""
    return call.sample == 0 or "/" in call.node


def _tokens(calls: Sequence[GenerationFinished]) -> int:
    return sum(call.result.usage.prompt_tokens + call.result.usage.completion_tokens for call in calls)


def _usd(calls: Sequence[GenerationFinished]) -> Decimal | None:
    total: Decimal | None = Decimal(0)
    for call in calls:
        total = add_cost(total, call.result.usage.cost_usd)
    return total


# --- all runs of a flow -----------------------------------------------------------------------------------------------
def told(sums: TallySums) -> RunTally:
    """The sums with their sentence."""
    figures = {name: getattr(sums, name) for name in TallySums.__slots__}
    agreements = {name: Agreements(**figures.pop(name)) for name in ("first_draft", "vote", "best_draft")}
    return RunTally(**figures, **agreements, sentence=_sentence(sums))


def _sentence(sums: TallySums) -> str:
    """In words what the first draft would have answered, for what part of the cost."""
    same, other = sums.first_draft.get("same", 0), sums.first_draft.get("other", 0)
    if not same + other:
        return f"Of {_runs(sums.runs)} none has a first draft that can be compared with its answer."
    share = _percent(same, same + other)
    words = f"In {share} of {_runs(same + other)} the first draft already said it"
    spent, whole = (sums.draft_usd, sums.run_usd) if sums.run_usd else (sums.draft_tokens, sums.run_tokens)
    if spent is None or not whole:
        return f"{words}."
    what = "cost" if sums.run_usd else "tokens"
    return f"{words}, for {_percent(float(spent), float(whole))} of the {what}."


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count:,} runs"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %"


@dataclass(slots=True)
class Tallies:
    """The tallies of one store's flows. A run is counted when they are next read after its end, once for all time:
    its mark is kept, so a process that dies while it counts leaves only runs that the next one counts."""

    store: TallyStore
    events: Callable[[str], Awaitable[Sequence[RunEvent]]]
    kinds: Mapping[str, NodeKind]
    _going_on: asyncio.Task[None] | None = field(default=None)

    async def of(self, flow_id: str, flow_hash: str | None) -> FlowTally:
        """The tally of a flow, whose content that runs now has that hash."""
        await self.count(flow_id)
        sums = sorted(await self.store.sums(flow_id), key=lambda one: (-one.runs, one.flow_hash))
        return FlowTally(
            flow_id=flow_id,
            now=next((told(one) for one in sums if one.flow_hash == flow_hash), None),
            before=tuple(told(one) for one in sums if one.flow_hash != flow_hash)[:MOST_BEFORE],
            uncounted=await self.store.uncounted_runs(flow_id),
        )

    async def all(self) -> Sequence[RunTally]:
        """Every content of every flow that has run."""
        await self.count(None)
        return [told(one) for one in await self.store.sums(None)]

    async def count(self, flow_id: str | None) -> None:
        """Count some of the runs that are not counted yet; the others are counted in the background."""
        if await self._step(flow_id) == AT_ONCE and self._going_on is None:
            self._going_on = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        try:
            while await self._step(None) == AT_ONCE:
                pass
        except AgentLabError as error:
            log.warning("runs_not_counted", reason=error.message)
        finally:
            self._going_on = None

    async def _step(self, flow_id: str | None) -> int:
        """Count a few runs; how many."""
        found = await self.store.uncounted(flow_id, limit=AT_ONCE)
        marks = [await self._mark(run_id) for run_id in found]
        if marks:
            await self.store.count(marks)
        return len(marks)

    async def _mark(self, run_id: str) -> TallyMark:
        try:
            events = await self.events(run_id)
            return await asyncio.to_thread(mark_of, run_id, events, self.kinds)
        except Exception as error:  # noqa: BLE001 -- told where its run is read; here it would keep all others out
            log.warning("run_not_counted", run_id=run_id, reason=str(error) or type(error).__name__)
            return TallyMark(run_id=run_id, readable=False)

    async def close(self) -> None:
        """Stop counting."""
        if self._going_on is not None:
            self._going_on.cancel()
            await asyncio.wait([self._going_on])
