"""Where the database is: what DATABASE_URL may say, and what is shown of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_lab.contracts.errors import ValidationError
from agent_lab.settings import Settings
from agent_lab.storage.place import database_place


def test_the_database_is_in_the_data_folder_unless_the_settings_say_otherwise(tmp_path: Path) -> None:
    assert database_place(Settings(agent_lab_home=str(tmp_path))).path == tmp_path / "agent-lab.db"
    for url in (f"sqlite:///{tmp_path}/x y.db", f"sqlite+aiosqlite:///{tmp_path}/x y.db"):
        assert database_place(Settings(database_url=url)).path == tmp_path / "x y.db"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+asyncpg"])
def test_a_server_is_named_without_its_user_and_password(scheme: str) -> None:
    place = database_place(Settings(database_url=f"{scheme}://me:hunter2@db.example:5433/lab?sslmode=require"))
    assert str(place) == "postgresql://db.example:5433/lab"
    assert place.path is None
    assert place.url.password == "hunter2"
    assert "hunter2" not in repr(place)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://me:hunter2@db/lab", "names a mysql database; runs are kept in SQLite or PostgreSQL"),
        ("nosuch://x:hunter2@y", "in SQLite or PostgreSQL"),
        ("postgresql://me:hunter2@db", "names a server and no database"),
        ("postgresql://me:hunter2@db:port/lab", "is not a database URL"),
        ("hunter2", "is not a database URL"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///x.db?mode=ro", "must name a file"),
    ],
)
def test_a_database_url_that_cannot_be_used_is_told_without_its_password(url: str, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence) as caught:
        database_place(Settings(database_url=url))
    assert "hunter2" not in caught.value.message
