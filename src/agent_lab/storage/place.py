"""Says where the database is: what DATABASE_URL names, checked, and a name for it that has no password."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from agent_lab.contracts.errors import ValidationError
from agent_lab.settings import Settings

_INSTEAD = "write sqlite:////full/path/to/file.db or postgresql://user:password@host/name, or leave it out"


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
        if self.path is not None:
            return str(self.path)
        shown = URL.create("postgresql", host=self.url.host, port=self.url.port, database=self.url.database)
        return shown.render_as_string()

    def without_secrets(self, text: str) -> str:
        """The text, should a driver have put the password into it."""
        secrets = (self.url.password, self.url.query.get("password"), self.url.query.get("sslpassword"))
        for secret in secrets:
            text = text.replace(str(secret), "***") if secret else text
        return text


def shown_url(database_url: str) -> str:
    """What may be shown of a DATABASE_URL."""
    try:
        return make_url(database_url).set(query={}).render_as_string()
    except (ArgumentError, ValueError):
        return "set"


def database_place(settings: Settings) -> Place:
    """The database that the settings name. Raises ValidationError for a DATABASE_URL that cannot be used."""
    if not settings.database_url:
        return Place.of_file(settings.data_dir / "agent-lab.db")
    try:
        url = make_url(settings.database_url)
    except (ArgumentError, ValueError) as error:
        raise ValidationError(f"DATABASE_URL is not a database URL; {_INSTEAD}.") from error
    kind = url.drivername.partition("+")[0]
    if kind == "sqlite":
        return _file(url)
    if kind in ("postgresql", "postgres"):
        return _server(url)
    raise ValidationError(
        f"DATABASE_URL names a {kind[:40]} database; runs are kept in SQLite or PostgreSQL: {_INSTEAD}."
    )


def _file(url: URL) -> Place:
    if not url.database or url.database == ":memory:" or url.query:
        raise ValidationError(
            f"DATABASE_URL must name a file and nothing besides, or runs would be forgotten; {_INSTEAD}."
        )
    return Place.of_file(Path(url.database).expanduser().absolute())


def _server(url: URL) -> Place:
    if not url.database:
        raise ValidationError(f"DATABASE_URL names a server and no database on it; {_INSTEAD}.")
    return Place(url.set(drivername="postgresql+psycopg"))
