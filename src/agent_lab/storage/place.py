"""Says where the database is: what DATABASE_URL names, checked, and a name for it that has no password."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from agent_lab.contracts.errors import ValidationError
from agent_lab.settings import Settings

_INSTEAD = "write sqlite:////full/path/to/file.db, or leave it out"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is. Its text is what people are shown."""

    url: URL

    @classmethod
    def of_file(cls, path: Path) -> Place:
        """A SQLite file."""
        return cls(URL.create("sqlite", database=str(path)))

    @property
    def path(self) -> Path | None:
        """The SQLite file; None for a server."""
        return Path(self.url.database) if self.url.get_backend_name() == "sqlite" and self.url.database else None

    def __str__(self) -> str:
        return str(self.path)


def database_place(settings: Settings) -> Place:
    """The database that the settings name. Raises ValidationError for a DATABASE_URL that cannot be used."""
    if not settings.database_url:
        return Place.of_file(settings.data_dir / "agent-lab.db")
    try:
        url = make_url(settings.database_url)
        kind = url.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise ValidationError(f"DATABASE_URL is not a database URL; {_INSTEAD}.") from error
    if kind == "sqlite":
        return _file(url)
    raise ValidationError(
        f"DATABASE_URL names a {kind[:40]} database, and this version keeps its runs in SQLite only; {_INSTEAD}."
    )


def _file(url: URL) -> Place:
    if not url.database or url.database == ":memory:" or url.query:
        raise ValidationError(
            f"DATABASE_URL must name a file and nothing besides, or runs would be forgotten; {_INSTEAD}."
        )
    return Place.of_file(Path(url.database).expanduser().absolute())
