"""`agent-lab backup` and `agent-lab restore`: everything that is kept, in one file, and back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from agent_lab.cli.figures import counted, size
from agent_lab.cli.options import as_json
from agent_lab.cli.output import note, write, write_json
from agent_lab.cli.session import INTERRUPTED, Interrupts, as_asked

if TYPE_CHECKING:
    from agent_lab.storage.backup.files import Folders
    from agent_lab.storage.backup.manifest import Manifest
    from agent_lab.storage.database import Database

SAID_EVERY_S = 1.0
Result = TypeVar("Result")


def _a_file(_: click.Context, __: click.Parameter, file: Path) -> Path:
    # Elsewhere `-` is a standard stream; a file of that name is hard to find and hard to delete.
    if str(file) == "-":
        raise click.UsageError("A backup is a file, no stream; name one.")
    return file


file_argument = click.argument("file", type=click.Path(path_type=Path), callback=_a_file)


@click.command()
@file_argument
@click.option("--outputs", is_flag=True, help="Save the files of results too; the runs themselves always are.")
@click.option("--check", "checking", is_flag=True, help="Save nothing: restore FILE on trial, and say what it holds.")
@as_json
def backup(file: Path, outputs: bool, checking: bool, as_json: bool) -> int:
    """Save runs, flows, spending and the configuration into FILE, also while a server runs.

    An older backup of that name is replaced once the new one is whole. Tokens, keys and .env are never in it.
    """
    from agent_lab.storage.backup.store import check, save

    path, progress = file.absolute(), Progress(quiet=as_json)

    async def try_out() -> Manifest:
        return await check(path, tell=progress)

    async def write_down() -> Manifest:
        async with _store(must_exist=True) as (database, folders):
            return await save(database, folders, path, outputs=outputs, tell=progress)

    manifest = asyncio.run(_unless_stopped(try_out if checking else write_down, progress))
    if manifest is None:
        return INTERRUPTED
    _show(manifest, as_json, path, "is whole" if checking else "written")
    return 0


@click.command()
@file_argument
@click.option("--replace", is_flag=True, help="Write over what is there, which is saved beside it first.")
@as_json
def restore(file: Path, replace: bool, as_json: bool) -> int:
    """Put what the backup FILE holds into the database and the configuration folder: all of it, or nothing.

    Runs that were going on when it was made are taken up by the next server.
    """
    from agent_lab.storage.backup.store import Restored
    from agent_lab.storage.backup.store import restore as put_back

    path, progress = file.absolute(), Progress(quiet=as_json)

    async def work() -> Restored:
        async with _store(must_exist=False) as (database, folders):
            return await put_back(database, folders, path, replace=replace, tell=progress)

    done = asyncio.run(_unless_stopped(work, progress))
    if done is None:
        return INTERRUPTED
    _show(done.manifest, as_json, path, "restored", before=done.saved)
    return 0


class StoppedError(Exception):
    """Ctrl-C was pressed: the work ends, and leaves everything as it was."""


class Progress:
    """Says on standard error how far the work is, a line a second at the most."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._said_s = time.monotonic()
        self._stopped = False

    def __call__(self, part: str, done: int, total: int) -> None:
        """Called from the thread that works."""
        if self._stopped:
            raise StoppedError
        now_s = time.monotonic()
        if not self._quiet and now_s - self._said_s >= SAID_EVERY_S:
            self._said_s = now_s
            note(f"{part}: {done:,} of {total:,}")

    def stop(self) -> None:
        """Let the work end where it is."""
        self._stopped = True


async def _unless_stopped(work: Callable[[], Awaitable[Result]], progress: Progress) -> Result | None:
    """What the work returns; None where Ctrl-C ended it."""
    with Interrupts(leaving="Stopping; nothing is changed.", first=progress.stop) as interrupts:
        return await interrupts.unless(work())


@asynccontextmanager
async def _store(*, must_exist: bool) -> AsyncIterator[tuple[Database, Folders]]:
    """The database of the settings, as it is where it is to be saved; and their folders."""
    from agent_lab.contracts.errors import EnvironmentFaultError
    from agent_lab.storage.backup.files import Folders
    from agent_lab.storage.database import open_database
    from agent_lab.storage.place import database_place

    settings = as_asked().settings
    place = database_place(settings)
    if must_exist and place.path is not None and not place.path.exists():
        raise EnvironmentFaultError(
            f"There is nothing to save yet: there is no database {place}. See `agent-lab doctor` for where it is kept."
        )
    database = await open_database(place, migrate=not must_exist)
    try:
        yield database, Folders(config=settings.config_dir, data=settings.data_dir)
    finally:
        await database.close()


def _show(manifest: Manifest, as_json: bool, path: Path, what: str, *, before: Path | None = None) -> None:
    rows = manifest.rows
    files = sum(part.name.startswith("config/") for part in manifest.parts)
    if as_json:
        document = manifest.model_dump(mode="json", exclude={"parts"})
        document |= {"file": str(path), "size_bytes": path.stat().st_size, "rows": rows, "files": files}
        write_json(document | {"before": None if before is None else str(before)})
        return
    held = [counted(rows.get("runs", 0), "run"), counted(rows.get("flows", 0), "stored flow")]
    held += [counted(files, "configuration file"), size(path.stat().st_size)]
    write(f"{path} {what}: {', '.join(held)}.\n")
    if before is not None:
        note(f"What was there before is in {before}.")
