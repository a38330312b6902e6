"""A PostgreSQL server that is away, full, locked, or not ours: a sentence without the password, and nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, text

from agent_lab.contracts.errors import EnvironmentFaultError
from agent_lab.lab.configuration import shown_value
from agent_lab.settings import Settings
from agent_lab.storage import engines
from agent_lab.storage.database import open_database
from agent_lab.storage.migrations import upgrade
from agent_lab.storage.opening import open_store
from agent_lab.storage.place import Place, database_place
from agent_lab.storage.postgres_wire import PostgresWire
from agent_lab.storage.runs import SqlRuns
from agent_lab.storage.tables import METADATA
from support.postgres import PASSWORD, Server, new_server
from support.stores import NOON, node_started, run, started


def at(url: str) -> Place:
    return database_place(Settings(database_url=url))


async def sentence(url: str) -> str:
    with pytest.raises(EnvironmentFaultError) as caught:
        await (await open_database(at(url))).close()
    assert PASSWORD not in caught.value.message
    assert "\n" not in caught.value.message
    return caught.value.message


async def test_a_wrong_password_is_told(postgres_server: Server, postgres_database: str) -> None:
    said = await sentence(postgres_database.replace(PASSWORD, "wrong"))
    assert "does not take the user or the password of DATABASE_URL" in said
    assert "wrong" not in said


async def test_an_unknown_user_is_told(postgres_database: str) -> None:
    assert "does not take the user" in await sentence(postgres_database.replace("lab:", "nobody_of_that_name:"))


async def test_a_database_that_is_not_there_is_told(postgres_server: Server) -> None:
    said = await sentence(postgres_server.text_url("nosuch"))
    assert said.startswith(f"There is no database postgresql://127.0.0.1:{postgres_server.port}/nosuch; make it")


async def test_a_server_that_is_not_there_is_told() -> None:
    assert "cannot be reached (connection" in await sentence(f"postgresql://lab:{PASSWORD}@127.0.0.1:1/lab")
    assert "cannot be reached (" in await sentence(f"postgresql://lab:{PASSWORD}@nosuch.invalid/lab")


async def test_a_word_of_the_url_that_no_server_knows_is_told(postgres_database: str) -> None:
    assert "sslmode" in await sentence(f"{postgres_database}?sslmode=perhaps")
    assert "nosuchoption" in await sentence(f"{postgres_database}?nosuchoption=1")


@pytest.fixture
def role(postgres_server: Server, postgres_database: str) -> Iterator[str]:
    """The URL of a user without any right."""
    postgres_server.execute(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
    yield postgres_database.replace("lab:", "guest:")
    postgres_server.execute("DROP OWNED BY guest; DROP ROLE guest")


async def test_a_server_without_a_free_connection_is_told(postgres_server: Server, role: str) -> None:
    postgres_server.execute("ALTER ROLE guest CONNECTION LIMIT 0")
    assert "has no connection left for this program" in await sentence(role)


async def test_a_user_without_the_right_to_make_tables_is_told(role: str) -> None:
    assert "may not do this" in await sentence(role)


async def test_a_server_that_only_reads_is_told(postgres_server: Server, role: str) -> None:
    postgres_server.execute("GRANT ALL ON SCHEMA public TO guest")
    postgres_server.execute("ALTER ROLE guest SET default_transaction_read_only = on")
    assert "only reads" in await sentence(role)


async def test_another_programs_database_is_left_alone(postgres_server: Server, postgres_database: str) -> None:
    postgres_server.execute("CREATE TABLE runs (theirs TEXT)")
    assert "belongs to another program" in await sentence(postgres_database)


async def test_a_newer_schema_is_told_and_left_alone(postgres_server: Server, postgres_database: str) -> None:
    await (await open_database(at(postgres_database))).close()
    postgres_server.execute("UPDATE alembic_version SET version_num = '0099'")
    assert "newer version of AI Agent Lab (schema 0099" in await sentence(postgres_database)


async def test_a_database_that_has_not_all_letters_is_told(postgres_server: Server) -> None:
    postgres_server.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    assert "has the encoding LATIN1" in await sentence(postgres_server.text_url("latin"))
    postgres_server.execute("DROP DATABASE latin WITH (FORCE)")


def test_a_missing_driver_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'psycopg'")

    monkeypatch.setattr(engines, "create_engine", missing)
    with pytest.raises(EnvironmentFaultError, match=r"pip install 'agent-lab\[postgres\]'"):
        engines.make_engine(at("postgresql://db/lab"), connections=1)


async def test_a_process_that_stops_with_a_lock_holds_others_up_for_a_bounded_time(postgres_database: str) -> None:
    # What the URL says goes before our own five seconds.
    runs = SqlRuns(await open_database(at(f"{postgres_database}?options=-c%20lock_timeout%3D300")))
    for name in ("held", "free"):
        await runs.create(run(name), [started(name)])
    with psycopg.connect(postgres_database) as holder:
        holder.execute("SELECT * FROM runs WHERE run_id = 'held' FOR UPDATE")
        with pytest.raises(EnvironmentFaultError, match="Another program has held"):
            await runs.append("held", [node_started()], owner="w1")
        await runs.append("free", [node_started()], owner="w1")
        assert (await runs.get("held")).run_id == "held"  # readers go on
    assert [event.seq for event in await runs.append("held", [node_started()], owner="w1")] == [2]
    await runs.close()


@pytest.fixture
def own_server() -> Iterator[Server]:
    yield from new_server()


async def test_a_server_that_dies_and_comes_back_costs_only_what_was_asked_meanwhile(
    own_server: Server,
) -> None:
    runs = SqlRuns(await open_database(at(own_server.text_url("postgres"))))
    await runs.create(run(), [started()])
    await runs.append("r1", [node_started()], owner="w1")
    await asyncio.to_thread(own_server.stop)
    for _ in range(2):
        with pytest.raises(EnvironmentFaultError, match=r"cannot be reached|went away") as caught:
            await runs.append("r1", [node_started()], owner="w1")
        assert PASSWORD not in caught.value.message
        with pytest.raises(EnvironmentFaultError, match=r"cannot be reached|went away"):
            await runs.get("r1")
    await asyncio.to_thread(own_server.start)
    assert [event.seq for event in await runs.append("r1", [node_started()], owner="w1")] == [3]
    await asyncio.to_thread(own_server.stop)
    await asyncio.to_thread(own_server.start)  # a restart that nobody noticed costs nothing at all
    assert [event.seq for event in await runs.append("r1", [node_started()], owner="w1")] == [4]
    await runs.close()


async def test_a_connection_that_is_cut_in_the_middle_of_a_write_leaves_nothing_of_it(
    postgres_server: Server, postgres_database: str
) -> None:
    database = await open_database(at(postgres_database))
    runs = SqlRuns(database)
    await runs.create(run(), [started()])

    def cut(connection: Connection) -> None:
        connection.execute(text("DELETE FROM events"))
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        postgres_server.execute(f"SELECT pg_terminate_backend({pid})")
        connection.execute(text("SELECT 1"))

    with pytest.raises(EnvironmentFaultError, match="went away"):
        await database.write(cut)
    assert len(await runs.events("r1")) == 1
    await runs.close()


async def test_the_migrations_make_the_tables_that_the_program_uses(postgres_database: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = create_engine(at(postgres_database).url)
    with engine.begin() as connection:
        upgrade(connection)
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


async def test_everything_that_is_stored_is_opened_where_the_settings_say(postgres_database: str) -> None:
    first, second = [await open_store(Settings(database_url=postgres_database)) for _ in range(2)]
    assert isinstance(first.wire, PostgresWire)
    await first.runs.create(run(), [started()])
    assert [event.seq for event in await second.runs.append("r1", [node_started()], owner="w1")] == [2]
    await first.spending.add(NOON.date(), "m", Decimal("0.5"))
    assert await second.spending.total(NOON.date()) == Decimal("0.5")
    assert list(await second.flows.list()) == []
    for stores in (first, second):
        await stores.close()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://lab:hunter2@db/lab?password=hunter2", "postgresql://lab:***@db/lab"),
        ("sqlite:////tmp/lab.db", "sqlite:////tmp/lab.db"),
        ("hunter2", "set"),
    ],
)
def test_the_doctor_shows_the_url_without_its_password(url: str, shown: str) -> None:
    assert shown_value(Settings(database_url=url), "DATABASE_URL") == shown
