"""Every store of tallies keeps the same promises: the suite runs over both databases and over their twin in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from agent_lab.contracts.run import RunStatus
from agent_lab.contracts.run_ports import RunStore
from agent_lab.contracts.tally_ports import Spent, TallyMark, TallyStore
from agent_lab.storage.database import open_database
from agent_lab.storage.memory import MemoryRuns
from agent_lab.storage.runs import SqlRuns
from agent_lab.storage.tallies import MemoryTallies, SqlTallies
from support.stores import finished, place_of, run, started

SPENT = Spent(
    draft_tokens=100,
    drafts_tokens=300,
    run_tokens=900,
    draft_usd=Decimal("0.0000000375"),
    drafts_usd=Decimal("0.001"),
    run_usd=Decimal("0.003"),
)
UNPRICED = Spent(
    draft_tokens=10, drafts_tokens=30, run_tokens=90, draft_usd=Decimal("0.5"), drafts_usd=None, run_usd=None
)


@dataclass(frozen=True, slots=True)
class Stores:
    runs: RunStore
    tallies: TallyStore

    async def end(
        self, run_id: str, *, status: RunStatus = "completed", flow_id: str = "linear", **more: object
    ) -> None:
        """A run that has come to that end."""
        row = run(run_id, flow_id=flow_id, minutes=float(run_id[1:])).model_copy(update=more)
        await self.runs.create(row, [started(run_id)])
        await self.runs.append(run_id, [finished(status)], owner="w")


@pytest.fixture(params=["sqlite", "postgres", "memory"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    if request.param == "memory":
        runs = MemoryRuns()
        yield Stores(runs, MemoryTallies(runs))
        return
    database = await open_database(place_of(request.param, request, tmp_path))
    kept = SqlRuns(database)
    yield Stores(kept, SqlTallies(database))
    await kept.close()


async def test_completed_runs_of_whole_flows_are_to_be_counted_oldest_first(stores: Stores) -> None:
    await stores.end("r3")
    await stores.end("r1")
    await stores.end("r2", flow_id="debate")
    await stores.end("r4", status="failed")
    await stores.end("r5", only_node="answer")
    await stores.runs.create(run("r6"), [started("r6")])
    assert list(await stores.tallies.uncounted(None, limit=9)) == ["r1", "r2", "r3"]
    assert list(await stores.tallies.uncounted(None, limit=2)) == ["r1", "r2"]
    assert list(await stores.tallies.uncounted("linear", limit=9)) == ["r1", "r3"]
    assert await stores.tallies.uncounted_runs("linear") == 2
    await stores.tallies.count([TallyMark(run_id="r1")])
    assert list(await stores.tallies.uncounted("linear", limit=9)) == ["r3"]
    assert await stores.tallies.uncounted_runs("linear") == 1


async def test_marks_add_up_by_flow_and_content(stores: Stores) -> None:
    for number in (1, 2, 3):
        await stores.end(f"r{number}", flow_version=number)
    await stores.end("r4", flow_hash="another")
    await stores.end("r5", flow_id="debate")
    marks = [
        TallyMark(run_id="r1", first_draft="same", vote="untold", tied=True, best_draft="same", spent=SPENT),
        TallyMark(run_id="r2", first_draft="other", vote="same", best_draft="other", spent=SPENT),
        TallyMark(run_id="r3", first_draft="same", spent=UNPRICED),
        TallyMark(run_id="r4", first_draft="untold"),
        TallyMark(run_id="r5"),
    ]
    await stores.tallies.count(marks)
    assert [(one.flow_id, one.runs) for one in await stores.tallies.sums(None)] == [
        ("debate", 1),
        ("linear", 1),
        ("linear", 3),
    ]
    other, one = await stores.tallies.sums("linear")
    assert (other.flow_hash, other.runs, other.first_draft["untold"], other.compared) == ("another", 1, 1, 0)
    assert (other.draft_tokens, other.run_usd, other.flow_version) == (0, None, None)
    assert (one.flow_version, one.runs, one.ties, one.compared, one.priced) == (3, 3, 1, 3, 2)
    assert one.first_draft == {"same": 2, "other": 1, "untold": 0, "missing": 0}
    assert one.vote == {"same": 1, "other": 0, "untold": 1, "missing": 1}
    assert one.best_draft == {"same": 1, "other": 1, "untold": 0, "missing": 1}
    assert (one.draft_tokens, one.drafts_tokens, one.run_tokens) == (210, 630, 1890)
    # Sums of money are those of the priced runs, exact.
    assert (one.draft_usd, one.drafts_usd, one.run_usd) == (Decimal("0.000000075"), Decimal("0.002"), Decimal("0.006"))


async def test_a_run_counts_once_whoever_counts_it_again(stores: Stores) -> None:
    await stores.end("r1")
    first = TallyMark(run_id="r1", first_draft="same")
    again = TallyMark(run_id="r1", first_draft="other")
    await stores.tallies.count([first])
    await asyncio.gather(*(stores.tallies.count([again, again]) for _ in range(10)))
    (one,) = await stores.tallies.sums("linear")
    assert (one.runs, one.first_draft["same"], one.first_draft["other"]) == (1, 1, 0)


async def test_what_is_gone_or_cannot_be_read_is_in_no_sum_and_does_not_come_up_again(stores: Stores) -> None:
    await stores.end("r1")
    await stores.tallies.count([TallyMark(run_id="r1", readable=False), TallyMark(run_id="r99", first_draft="same")])
    assert list(await stores.tallies.sums(None)) == []
    assert list(await stores.tallies.uncounted(None, limit=9)) == []
    await stores.tallies.count([])
