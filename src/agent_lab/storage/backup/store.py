"""Saves a whole store into one file while it is in use, and puts a saved one in its place, or nothing of it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, exists, or_, select, update
from sqlalchemy.exc import DataError, IntegrityError

from agent_lab import __version__
from agent_lab.contracts.errors import ConflictError, EnvironmentFaultError, ValidationError
from agent_lab.contracts.evaluation import ENDED
from agent_lab.contracts.run import TERMINAL
from agent_lab.storage import migrations
from agent_lab.storage.atomic import writing_atomically
from agent_lab.storage.backup import files
from agent_lab.storage.backup.files import EVERY_ROWS, Folders
from agent_lab.storage.backup.manifest import Manifest, Tell
from agent_lab.storage.backup.reading import Reader, damaged, is_backup, newer, opened
from agent_lab.storage.backup.tables import READ_ROWS, RowError, count, drop, hold, rows_of, tables_of, write_rows
from agent_lab.storage.backup.writing import Writer
from agent_lab.storage.database import Database, open_database, schema_version
from agent_lab.storage.rules import read_record, utc_now
from agent_lab.storage.tables import EVALUATIONS, EVENTS, RUNS

GB = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did. `saved`: the backup of what was there before, where anything was."""

    manifest: Manifest
    saved: Path | None = None


async def save(database: Database, folders: Folders, path: Path, *, outputs: bool = False, tell: Tell) -> Manifest:
    """Write everything into the file `path`, as of one moment, while others go on reading and writing.

    Raises ValidationError for a `path` that is something else than a backup, EnvironmentFaultError for a database or
    a disk that cannot be used.
    """

    def work(connection: Connection) -> Manifest:
        if path.exists() and not is_backup(path):
            raise ValidationError(f"{path} is there already and is no backup; name another file.", where="FILE")
        return _save(connection, database, folders, path, outputs=outputs, tell=tell)

    return await database.read(work)


def _save(
    connection: Connection, database: Database, folders: Folders, path: Path, *, outputs: bool, tell: Tell
) -> Manifest:
    version = schema_version(connection)
    if version is None:
        raise EnvironmentFaultError(f"There is nothing to save: {database.place} holds no runs of AI Agent Lab.")
    if version not in migrations.known_versions():
        raise EnvironmentFaultError(
            f"The database {database.place} was written by a newer version of AI Agent Lab; save it with that version."
        )
    with (
        files.told(f"The backup {path} cannot be written"),
        writing_atomically(path) as file,
        Writer(file, at=utc_now()) as writer,
    ):
        for table in tables_of(connection):
            _save_table(connection, table, writer, tell)
        files.save_files(writer, folders)
        if outputs:
            files.save_outputs(writer, folders, tell)
        return writer.finish(version=__version__, schema_version=version)


def _save_table(connection: Connection, table: Table, writer: Writer, tell: Tell) -> None:
    total = count(connection, table)
    with writer.part(f"tables/{table.name}.jsonl", tuple(table.columns.keys())) as part:
        for row in _counted(rows_of(connection, table), table.name, total, tell):
            part.row(row)


async def restore(database: Database, folders: Folders, path: Path, *, replace: bool = False, tell: Tell) -> Restored:
    """Put what the backup holds in place of what is there: all of it, or nothing.

    Raises ConflictError where something is there (unless `replace`, which saves it first) or is being worked on,
    ValidationError for a file that is no backup or damaged, EnvironmentFaultError for a database or disk that cannot
    be used.
    """
    folder = database.place.path.parent if database.place.path else folders.data
    await asyncio.to_thread(_verify, path, folder, tell)

    def work(connection: Connection) -> Restored:
        hold(connection)
        _check_idle(connection, utc_now())
        with opened(path) as backup:
            saved = None
            if held := _held(connection, backup, folders):
                if not replace:
                    raise ConflictError(f"There is something already: {held}. Use --replace to put the backup there.")
                saved = folders.data / f"before-restore-{utc_now():%Y%m%dT%H%M%S%f}.zip"
                _save(connection, database, folders, saved, outputs=False, tell=tell)
            refill(connection, backup, tell)
            with files.told("The files of the backup cannot be written"):
                files.restore_files(backup, folders, tell)
            return Restored(manifest=backup.manifest, saved=saved)

    return await database.write(work)


async def check(path: Path, *, tell: Tell) -> Manifest:
    """Restore the backup into a database that is thrown away, and read every event of it."""
    with tempfile.TemporaryDirectory(prefix="agent-lab-") as folder:
        await asyncio.to_thread(_verify, path, Path(folder), tell)
        database = await open_database(Path(folder) / "check.db")
        try:
            return await database.write(lambda connection: _try_out(connection, path, tell))
        finally:
            await database.close()


def _try_out(connection: Connection, path: Path, tell: Tell) -> Manifest:
    with opened(path) as backup:
        refill(connection, backup, tell)
        events = select(EVENTS.c.run_id, EVENTS.c.seq, EVENTS.c.body).execution_options(yield_per=READ_ROWS)
        for row in connection.execute(events):
            read_record(row.run_id, row.seq, row.body)
        return backup.manifest


def refill(connection: Connection, backup: Reader, tell: Tell) -> None:
    """Put the backup's tables in place of ours, at its schema, then bring them to this version's."""
    drop(connection)
    migrations.upgrade(connection, backup.manifest.schema_version)
    parts = {part.table: part for part in backup.manifest.tables}
    tables = tables_of(connection)
    if unknown := set(parts) - {table.name for table in tables}:
        raise damaged(backup.path, f"there is no table {min(map(str, unknown))}")
    try:
        for table in tables:
            if part := parts.get(table.name):
                rows = _counted(backup.rows(part), table.name, part.rows, tell)
                write_rows(connection, table, part.columns, rows)
    except (RowError, IntegrityError, DataError) as error:
        raise damaged(backup.path, str(getattr(error, "orig", error))) from error
    migrations.upgrade(connection)
    # Whoever held a run or an evaluation does not hold this copy of it: it may be taken up at once.
    for table in (RUNS, EVALUATIONS):
        connection.execute(update(table).values(lease_owner=None, lease_until=None))


def _verify(path: Path, folder: Path, tell: Tell) -> None:
    """Raises where the backup is not whole, is of a newer version, or takes more than the disk of `folder` has."""
    with opened(path) as backup:
        if backup.manifest.schema_version not in migrations.known_versions():
            raise newer(path, backup.manifest.version[:40])
        backup.check(tell)
        files.check_outputs(backup)
        _check_room(backup, folder)


def _check_room(backup: Reader, folder: Path) -> None:
    needed, free = backup.manifest.total_bytes, shutil.disk_usage(folder).free
    if needed > free:
        raise EnvironmentFaultError(
            f"The backup {backup.path} takes {needed / GB:.1f} GB unpacked, and the disk that holds {folder} has "
            f"{free / GB:.1f} GB free; make room there."
        )


def _check_idle(connection: Connection, now: datetime) -> None:
    runs = exists().where(RUNS.c.lease_until > now, RUNS.c.status.not_in(TERMINAL))
    evaluations = exists().where(EVALUATIONS.c.lease_until > now, EVALUATIONS.c.status.not_in(ENDED))
    if connection.execute(select(or_(runs, evaluations))).scalar():
        raise ConflictError(
            "A server works on runs or evaluations of this store; stop it, wait half a minute, then restore."
        )


def _held(connection: Connection, backup: Reader, folders: Folders) -> str:
    """What is there that a restore would write over; empty where nothing."""
    rows = {table.name: count(connection, table) for table in tables_of(connection)}
    told = [f"{number:,} {'row' if number == 1 else 'rows'} of {name}" for name, number in rows.items() if number]
    with files.told("The configuration cannot be read"):
        told += [str(path) for path in files.differing(backup, folders)]
    return ", ".join(told[:5])


def _counted(rows: Iterator[list[Any]], name: str, total: int, tell: Tell) -> Iterator[list[Any]]:
    for number, row in enumerate(rows):
        if number % EVERY_ROWS == 0:
            tell(name, number, total)
        yield row
    tell(name, total, total)
