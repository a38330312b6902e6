"""Backups taken apart, changed, and sealed anew, as somebody would who means harm."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from agent_lab.contracts.evaluation import ArmOrigin, Cell
from agent_lab.contracts.run_ports import Order
from agent_lab.storage.backup.files import Folders
from agent_lab.storage.backup.manifest import MANIFEST, MARK
from agent_lab.storage.backup.writing import SUM_PREFIX
from agent_lab.storage.database import Database
from agent_lab.storage.evaluation_sources import SqlAnswers, SqlDatasets
from agent_lab.storage.evaluations import SqlEvaluations
from agent_lab.storage.runs import SqlRuns
from agent_lab.storage.spending import SqlSpending
from agent_lab.storage.tables import METADATA
from support.evaluation_stores import dataset, evaluation, items
from support.stores import answered, complete, node_started, run, started

Entries = dict[str, bytes]
Rows = dict[str, list[tuple[object, ...]]]


def silent(_part: str, _done: int, _total: int) -> None:
    """Nobody is told how far it is."""


def entries_of(path: Path) -> Entries:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def seal(path: Path, entries: Mapping[str, bytes]) -> Path:
    """A file of these entries whose sum is right."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = SUM_PREFIX + b"0" * 64
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    body = buffer.getvalue()[:-64]
    path.write_bytes(body + hashlib.sha256(body[: -len(SUM_PREFIX)]).hexdigest().encode())
    return path


def forge(
    path: Path, change: Callable[[Entries], Any], *, manifest: Callable[[dict[str, Any]], Any] | None = None
) -> Path:
    """The backup changed, its manifest made to agree, then changed itself where that is asked."""
    entries = entries_of(path)
    document = json.loads(entries.pop(MANIFEST))
    mark = entries.pop(MARK)
    change(entries)
    known = {part["name"]: part for part in document["parts"]}
    document["parts"] = [
        {
            "columns": known.get(name, {}).get("columns", []),
            "name": name,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "rows": data.count(b"\n") if name.endswith(".jsonl") else 0,
        }
        for name, data in entries.items()
    ]
    if manifest is not None:
        manifest(document)
    whole = {MARK: mark, **entries, MANIFEST: json.dumps(document).encode()}
    return seal(path.with_name(f"forged-{path.name}"), whole)


async def full(database: Database, folders: Folders) -> None:
    """A store with something in every table that runs and spending use, and files beside it."""
    store = SqlRuns(database)
    await complete(store, run("ended", prompt="¿Qué es «1 + 1»? \U0001f600\u2028"))
    await store.create(run("held", minutes=1), [started("held"), node_started()], owner="w1", seconds=-1)
    await store.order(Order(run_id="held", kind="answer", node="answer", visit=1, text="yes"))
    await SqlSpending(database).add(date(2026, 3, 1), "dear", Decimal("0.000000000001"))
    evaluations = SqlEvaluations(database)
    await evaluations.create(evaluation(), items())
    await evaluations.claim("e1", owner="w1", seconds=-1)
    await evaluations.add_cells("e1", [Cell(arm="challenge", item="q0", answer="\u00a1Dos! \U0001f600", score=1.0)])
    await evaluations.put_origins("e1", [ArmOrigin(arm="challenge", fingerprint="f00d")])
    await SqlDatasets(database).put(dataset())
    await SqlAnswers(database).put({"f00d": answered("big").result})
    (folders.config / "flows").mkdir()
    (folders.config / "flows" / "mine.json").write_text('{"id": "mine"}')
    (folders.data / "models.lock.json").write_text('{"commits": {}}')


async def rows_of(database: Database) -> Rows:
    def read(connection: Connection) -> Rows:
        tables = METADATA.tables.items()
        return {name: sorted(map(tuple, connection.execute(select(table))), key=repr) for name, table in tables}

    return await database.read(read)


def let_go(row: tuple[object, ...], table: str = "runs") -> tuple[object, ...]:
    """The row of a run, or of an evaluation, that nobody holds."""
    names = METADATA.tables[table].columns.keys()
    return tuple(None if name.startswith("lease_") else value for name, value in zip(names, row, strict=True))
