"""Reads whole tables into rows of JSON, and writes them back, in every database and from every schema so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, MetaData, Table, func, insert, inspect, select, text

from agent_lab.storage.tables import METADATA
from agent_lab.storage.utf8 import storable

VERSIONS = "alembic_version"
READ_ROWS = 4
"""Rows in memory at once: one may be a long event."""
WRITE_ROWS = 200
WRITE_CHARS = 4 * 2**20


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the values of a column stand in JSON."""

    shown_as: type | tuple[type, ...]
    show: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


def _utc(value: datetime) -> str:
    return (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)).isoformat()


def _instant(shown: str) -> datetime:
    return datetime.fromisoformat(shown).astimezone(UTC)


_KINDS: dict[type, _Kind] = {
    str: _Kind(str, _same, storable),
    bool: _Kind(bool, _same, _same),
    int: _Kind(int, _same, _same),
    float: _Kind((int, float), _same, float),
    datetime: _Kind(str, _utc, _instant),
    date: _Kind(str, date.isoformat, date.fromisoformat),
}


class RowError(ValueError):
    """A value that its column cannot hold."""


def tables_of(connection: Connection) -> list[Table]:
    """Our tables as they are in this database, those that others point to first."""
    there = set(inspect(connection).get_table_names())
    found = MetaData()
    found.reflect(connection, only=[name for name in METADATA.tables if name in there])
    return [table for table in found.sorted_tables if table.name in METADATA.tables]


def count(connection: Connection, table: Table) -> int:
    """The rows of a table."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def rows_of(connection: Connection, table: Table) -> Iterator[list[Any]]:
    """The rows as JSON, by primary key."""
    kinds = _kinds(table, table.columns.keys())
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=READ_ROWS)
    for row in connection.execute(query):
        yield [None if value is None else kind.show(value) for kind, value in zip(kinds, row, strict=True)]


def write_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[list[Any]]) -> None:
    """Insert rows of JSON. Raises RowError for one that the table cannot hold."""
    if missing := set(columns) - set(table.columns.keys()):
        raise RowError(f"the table {table.name} has no {', '.join(sorted(missing))}")
    kinds = _kinds(table, columns)
    values = (_values(table, columns, kinds, row) for row in rows)
    while batch := _batch(values):
        connection.execute(insert(table), batch)
    _count_on(connection, table)


def hold(connection: Connection) -> None:
    """Let nobody else read or write our tables until the transaction ends. A writer of SQLite is alone anyway."""
    names = [table.name for table in tables_of(connection)]
    if connection.dialect.name == "postgresql" and names:
        connection.execute(text(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE"))


def drop(connection: Connection) -> None:
    """Take our tables away, with all that is in them."""
    tables = tables_of(connection)
    for table in reversed(tables):
        table.drop(connection)
    connection.execute(text(f"DROP TABLE IF EXISTS {VERSIONS}"))


def _kinds(table: Table, columns: Sequence[str]) -> list[_Kind]:
    return [_KINDS[table.columns[name].type.python_type] for name in columns]


def _values(table: Table, columns: Sequence[str], kinds: Sequence[_Kind], row: list[Any]) -> dict[str, Any]:
    found = {}
    for name, kind, value in zip(columns, kinds, row, strict=True):
        try:
            found[name] = None if value is None else _read(kind, value)
        except (ValueError, OverflowError) as error:
            raise RowError(f"{table.name}.{name} cannot be {str(value)[:40]!r}") from error
    return found


def _read(kind: _Kind, value: Any) -> Any:
    if not isinstance(value, kind.shown_as) or (isinstance(value, bool) and kind.shown_as is not bool):
        raise ValueError("another type")
    return kind.read(value)


def _batch(rows: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    batch: list[dict[str, Any]] = []
    chars = 0
    for row in islice(rows, WRITE_ROWS):
        batch.append(row)
        chars += sum(len(value) for value in row.values() if isinstance(value, str))
        if chars >= WRITE_CHARS:
            break
    return batch


def _count_on(connection: Connection, table: Table) -> None:
    """Let the numbers that PostgreSQL gives out go on behind those that were written; SQLite does so by itself."""
    key = table.autoincrement_column
    if connection.dialect.name == "postgresql" and key is not None:
        highest = select(func.coalesce(func.max(key), 0) + 1)
        sequence = func.pg_get_serial_sequence(table.name, key.name)
        connection.execute(select(func.setval(sequence, highest.scalar_subquery(), False)))
