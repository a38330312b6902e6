"""Says in a sentence what is wrong with the database file, and what to do about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.storage.place import Place

# SQLite's primary result codes that the operator can do something about; any other is a defect and stays one.
_SENTENCES = {
    sqlite3.SQLITE_NOTADB: "{path} is no database of AI Agent Lab; move it away, or name another file in DATABASE_URL.",
    sqlite3.SQLITE_CORRUPT: "The database {path} is damaged; restore it from a backup, or move it away to start anew.",
    sqlite3.SQLITE_FULL: "The disk that holds {path} is full; make room on it, then try again.",
    sqlite3.SQLITE_READONLY: "The database {path} cannot be written; give yourself write access to it and its folder.",
    sqlite3.SQLITE_PERM: "The database {path} cannot be opened; give yourself access to it and its folder.",
    sqlite3.SQLITE_CANTOPEN: "The database {path} cannot be opened; check that it is a file, and its folder writable.",
    sqlite3.SQLITE_IOERR: "The disk that holds {path} failed or is full ({reason}); check it, then try again.",
    sqlite3.SQLITE_BUSY: "Another program has held the database {path} too long; close it, then try again.",
    sqlite3.SQLITE_LOCKED: "Another program has held the database {path} too long; close it, then try again.",
}


@contextmanager
def told(place: Place) -> Iterator[None]:
    """Raises EnvironmentFaultError in place of what the driver says about an unusable database."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        raise EnvironmentFaultError(sentence.format(path=place, reason=_reason(error))) from error


def _sentence(error: Exception) -> str | None:
    if isinstance(error, OSError):
        return "The database {path} cannot be kept there ({reason}); choose another folder with AGENT_LAB_HOME."
    code = getattr(_root(error), "sqlite_errorcode", None)
    return None if code is None else _SENTENCES.get(code & 0xFF)  # the upper bits only refine the primary code


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(_root(error))


def _root(error: Exception) -> BaseException:
    return error.orig or error if isinstance(error, DBAPIError) else error
