"""Keeps what runs add to the tallies of their flows, in the database or in memory; each run counts once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any, get_args

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, select

from agent_lab.contracts.run import RunInfo
from agent_lab.contracts.run_ports import RunFilter
from agent_lab.contracts.tally_ports import Agreement, TallyMark, TallySums
from agent_lab.storage.database import Database, insert_into
from agent_lab.storage.memory import MemoryRuns
from agent_lab.storage.tables import PICO, RUN_TALLIES, RUNS, pico_of

OUTCOMES: tuple[Agreement, ...] = get_args(Agreement)
COMPARED = ("first_draft", "vote", "best_draft")
TOKENS = ("draft_tokens", "drafts_tokens", "run_tokens")
USD = ("draft_usd", "drafts_usd", "run_usd")
_ROWS_AT_ONCE = 1000


class SqlTallies:
    """The tallies (`contracts.tally_ports.TallyStore`) on a database that others use too, and close."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def uncounted(self, flow_id: str | None, *, limit: int) -> Sequence[str]:
        """Completed runs of the whole flow that have no mark, oldest first; None: of any flow."""
        query = select(RUNS.c.run_id).where(_uncounted(flow_id)).order_by(RUNS.c.created_at, RUNS.c.run_id).limit(limit)
        return await self._database.read(lambda connection: list(connection.execute(query).scalars()))

    async def uncounted_runs(self, flow_id: str) -> int:
        """How many of them there are."""
        query = select(func.count()).select_from(RUNS).where(_uncounted(flow_id))
        return await self._database.read(lambda connection: int(connection.execute(query).scalar_one()))

    async def count(self, marks: Sequence[TallyMark]) -> None:
        """Keep the marks, in one transaction. Of a run that has one already, or that is gone, nothing is done."""
        rows = {mark.run_id: _row(mark) for mark in marks}

        def work(connection: Connection) -> None:
            there = select(RUNS.c.run_id).where(RUNS.c.run_id.in_(rows)).with_for_update(read=True, key_share=True)
            kept = [rows[name] for name in sorted(connection.execute(there).scalars())]
            if kept:
                connection.execute(insert_into(connection, RUN_TALLIES).on_conflict_do_nothing(), kept)

        await self._database.write(work)

    async def sums(self, flow_id: str | None) -> Sequence[TallySums]:
        """By flow and content; None: of every flow."""
        query = _sums(flow_id)
        return await self._database.read(
            lambda connection: [_read(row) for row in connection.execute(query).mappings()]
        )


def _uncounted(flow_id: str | None) -> ColumnElement[bool]:
    counted = exists().where(RUN_TALLIES.c.run_id == RUNS.c.run_id)
    wanted = [RUNS.c.status == "completed", RUNS.c.only_node.is_(None), ~counted]
    return and_(*wanted, *([] if flow_id is None else [RUNS.c.flow_id == flow_id]))


def _row(mark: TallyMark) -> dict[str, object]:
    spent = dict.fromkeys((*TOKENS, *USD)) if mark.spent is None else asdict(mark.spent)
    return {name: value for name, value in asdict(mark).items() if name != "spent"} | spent


def _sums(flow_id: str | None) -> Select[Any]:
    tallies = RUN_TALLIES.c
    columns: list[ColumnElement[Any]] = [
        RUNS.c.flow_id,
        RUNS.c.flow_hash,
        func.max(RUNS.c.flow_version).label("flow_version"),
        func.count().label("runs"),
        _how_many(tallies.tied).label("ties"),
        func.count(tallies.run_tokens).label("compared"),
        func.count(tallies.run_usd).label("priced"),
    ]
    columns += [_how_many(tallies[name] == one).label(f"{name}_{one}") for name in COMPARED for one in OUTCOMES]
    columns += [func.sum(tallies[name]).label(name) for name in TOKENS]
    # Of the priced runs alone: a sum of drafts whose run has no price would stand beside nothing.
    columns += [func.sum(case((tallies.run_usd.is_not(None), tallies[name]))).label(name) for name in USD]
    found = select(*columns).join(RUN_TALLIES, tallies.run_id == RUNS.c.run_id).where(tallies.readable)
    if flow_id is not None:
        found = found.where(RUNS.c.flow_id == flow_id)
    return found.group_by(RUNS.c.flow_id, RUNS.c.flow_hash).order_by(RUNS.c.flow_id, RUNS.c.flow_hash)


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _read(row: Any) -> TallySums:
    plain = ("flow_id", "flow_hash", "flow_version", "runs", "ties", "compared", "priced", *USD)
    figures: dict[str, Any] = {name: row[name] for name in plain}
    figures |= {name: {one: int(row[f"{name}_{one}"]) for one in OUTCOMES} for name in COMPARED}
    figures |= {name: int(row[name] or 0) for name in TOKENS}  # a sum is no int of Python's in every database
    return TallySums(**figures)


class MemoryTallies:
    """The tallies of runs in memory. No method awaits anything of this class, so each is one transaction."""

    def __init__(self, runs: MemoryRuns) -> None:
        self._runs = runs
        self._marks: dict[str, TallyMark] = {}

    async def uncounted(self, flow_id: str | None, *, limit: int) -> Sequence[str]:
        """Completed runs of the whole flow that have no mark, oldest first; None: of any flow."""
        completed = [info.run_id for info in await self._completed(flow_id) if info.run_id not in self._marks]
        return completed[:limit]

    async def uncounted_runs(self, flow_id: str) -> int:
        """How many of them there are."""
        return len(await self.uncounted(flow_id, limit=_ROWS_AT_ONCE**3))

    async def count(self, marks: Sequence[TallyMark]) -> None:
        """Keep the marks. Of a run that has one already, or that is gone, nothing is done."""
        there = {info.run_id for info in await self._completed(None)}
        for mark in marks:
            if mark.run_id in there:
                self._marks.setdefault(mark.run_id, _kept(mark))

    async def sums(self, flow_id: str | None) -> Sequence[TallySums]:
        """By flow and content; None: of every flow."""
        found: dict[tuple[str, str], list[tuple[RunInfo, TallyMark]]] = {}
        for info in await self._completed(flow_id):
            mark = self._marks.get(info.run_id)
            if mark is not None and mark.readable:
                found.setdefault((info.flow_id, info.flow_hash), []).append((info, mark))
        return [_added(*key, rows) for key, rows in sorted(found.items())]

    async def _completed(self, flow_id: str | None) -> list[RunInfo]:
        """Oldest first."""
        only = RunFilter(flow_id=flow_id, status="completed", trial=False)
        page = list(await self._runs.list(limit=_ROWS_AT_ONCE, only=only))
        found = page
        while len(page) == _ROWS_AT_ONCE:
            page = list(await self._runs.list(limit=_ROWS_AT_ONCE, before=page[-1].run_id, only=only))
            found = [*found, *page]
        return found[::-1]


def _kept(mark: TallyMark) -> TallyMark:
    """The mark as the database would give it back: money in whole numbers of 1e-12 USD."""
    if mark.spent is None:
        return mark
    spent = mark.spent
    usd = [spent.draft_usd, spent.drafts_usd, spent.run_usd]
    kept = [None if one is None else pico_of(one) * PICO for one in usd]
    return replace(mark, spent=replace(spent, draft_usd=kept[0], drafts_usd=kept[1], run_usd=kept[2]))


def _added(flow_id: str, flow_hash: str, rows: Sequence[tuple[RunInfo, TallyMark]]) -> TallySums:
    marks = [mark for _, mark in rows]
    spent = [mark.spent for mark in marks if mark.spent is not None]
    priced = [one for one in spent if one.run_usd is not None]
    figures: dict[str, Any] = {
        "flow_version": max((info.flow_version for info, _ in rows if info.flow_version is not None), default=None),
        "runs": len(rows),
        "ties": sum(mark.tied for mark in marks),
        "compared": len(spent),
        "priced": len(priced),
    }
    figures |= {name: {one: sum(getattr(m, name) == one for m in marks) for one in OUTCOMES} for name in COMPARED}
    figures |= {name: sum(getattr(one, name) for one in spent) for name in TOKENS}
    figures |= {name: _total([getattr(one, name) for one in priced]) for name in USD}
    return TallySums(flow_id=flow_id, flow_hash=flow_hash, **figures)


def _total(sums: Sequence[Decimal | None]) -> Decimal | None:
    known = [one for one in sums if one is not None]
    return sum(known, Decimal(0)) if known else None
