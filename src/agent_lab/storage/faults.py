"""Says in a sentence what is wrong with the database, and what to do about it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.storage.place import Place

_BUSY = "Another program has held the database {place} too long; close it, then try again."
_DAMAGED = "The database {place} is damaged; restore it from a backup, or move it away to start anew."
_FULL = "The disk that holds {place} is full; make room on it, then try again."
_FOLDER = "The database {place} cannot be kept there ({reason}); choose another folder with AGENT_LAB_HOME."
_GONE = "The server of the database {place} went away ({reason}); what it had acknowledged is kept. Start it again."
_NO_RIGHT = "The user of DATABASE_URL may not do this in {place} ({reason}); give it the right to make tables there."

# SQLite's primary result codes that the operator can do something about; any other is a defect and stays one.
_SQLITE = {
    sqlite3.SQLITE_NOTADB: "{place} is no database of AI Agent Lab; move it away, or name another in DATABASE_URL.",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: "The database {place} cannot be written; give yourself write access to it and its folder.",
    sqlite3.SQLITE_PERM: "The database {place} cannot be opened; give yourself access to it and its folder.",
    sqlite3.SQLITE_CANTOPEN: "The database {place} cannot be opened; check that it is a file, and its folder writable.",
    sqlite3.SQLITE_IOERR: "The disk that holds {place} failed or is full ({reason}); check it, then try again.",
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
}

# PostgreSQL's codes of what befalls a statement; the longest beginning that fits decides.
_POSTGRES = {
    "08": _GONE,
    "57P": _GONE,
    "25006": "The database {place} cannot be written: its server only reads. Name the one that writes in DATABASE_URL.",
    "25P03": _BUSY,
    "40": _BUSY,
    "3F000": _NO_RIGHT,
    "42501": _NO_RIGHT,
    "53": "The server of the database {place} has no room left ({reason}); give it some, then try again.",
    "53100": _FULL,
    "55P03": _BUSY,
    "57014": _BUSY,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}

# A connection that does not come about has no code, only what the server said; in a language that is not in here the
# last sentence fits too.
_CONNECTING = (
    (
        r"password|authentication|role .* does not exist|pg_hba",
        "The database {place} does not take the user or the password of DATABASE_URL; correct them there.",
    ),
    (
        r"database .* does not exist",
        "There is no database {place}; make it with createdb, or name another one in DATABASE_URL.",
    ),
    (
        r"too many (clients|connections)|connection slots|connection limit",
        "The server of the database {place} has no connection left for this program; close others, or raise its "
        "max_connections.",
    ),
    (
        "",
        "The database {place} cannot be reached ({reason}); check that its server runs and DATABASE_URL is right.",
    ),
)


@contextmanager
def told(place: Place) -> Iterator[None]:
    """Raises EnvironmentFaultError in place of what the driver says about an unusable database."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        raise EnvironmentFaultError(sentence.format(place=place, reason=_reason(error, place))) from error


def _sentence(error: Exception) -> str | None:
    if isinstance(error, OSError):
        return _FOLDER
    root = _root(error)
    code = getattr(root, "sqlite_errorcode", None)
    if code is not None:
        return _SQLITE.get(code & 0xFF)  # the upper bits only refine the primary code
    return _postgres(error, root) if hasattr(root, "sqlstate") else None


def _postgres(error: Exception, root: BaseException) -> str | None:
    state: str | None = getattr(root, "sqlstate", None)
    if state is not None:
        return next((_POSTGRES[state[:size]] for size in (5, 3, 2) if state[:size] in _POSTGRES), None)
    if getattr(error, "connection_invalidated", False):
        return _GONE
    if not str(root).startswith(("connection", "failed to resolve", "invalid")):
        return None
    return next(sentence for said, sentence in _CONNECTING if re.search(said, str(root)))


def _reason(error: Exception, place: Place) -> str:
    said = error.strerror or str(error) if isinstance(error, OSError) else str(_root(error))
    first = (said.strip() or type(error).__name__).splitlines()[0]
    return place.without_secrets(first)[:300]


def _root(error: Exception) -> BaseException:
    return error.orig or error if isinstance(error, DBAPIError) else error
