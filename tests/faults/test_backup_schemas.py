"""A database of every schema that was ever released can be saved as it is, and comes back at this version's."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.storage.backup.files import Folders
from agent_lab.storage.backup.store import restore, save
from agent_lab.storage.database import open_database, schema_version
from agent_lab.storage.tables import SCHEMA_VERSION
from faults.test_storage_migrations import RELEASED, fill
from faults.test_storage_migrations import check as check_migrated
from support.backups import silent


@pytest.mark.parametrize("version", RELEASED)
async def test_an_older_schema_is_saved_untouched_and_restored_at_the_newest(tmp_path: Path, version: str) -> None:
    folders = Folders(config=tmp_path, data=tmp_path)
    fill(f"sqlite:///{tmp_path / 'old.db'}", version)
    old = await open_database(tmp_path / "old.db", migrate=False)
    manifest = await save(old, folders, tmp_path / "saved.zip", tell=silent)
    assert manifest.schema_version == version == await old.read(schema_version)
    await old.close()
    new = await open_database(tmp_path / "new.db")
    await restore(new, folders, tmp_path / "saved.zip", tell=silent)
    assert await new.read(schema_version) == SCHEMA_VERSION
    await check_migrated(new, version)
    await new.close()


async def test_a_file_without_runs_has_nothing_to_save(tmp_path: Path) -> None:
    empty = await open_database(tmp_path / "empty.db", migrate=False)
    with pytest.raises(EnvironmentFaultError, match=r"There is nothing to save"):
        await save(empty, Folders(config=tmp_path, data=tmp_path), tmp_path / "saved.zip", tell=silent)
    await empty.close()
