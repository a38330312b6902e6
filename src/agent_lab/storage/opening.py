"""Opens everything that is stored, wherever the settings say that it is kept."""

from __future__ import annotations

from dataclasses import dataclass

from agent_lab.contracts.run_ports import Wire
from agent_lab.settings import Settings
from agent_lab.storage.database import Database, open_database
from agent_lab.storage.evaluation_sources import SqlAnswers, SqlBadges, SqlDatasets
from agent_lab.storage.evaluations import SqlEvaluations
from agent_lab.storage.flows import SqlFlows
from agent_lab.storage.place import Place, database_place
from agent_lab.storage.runs import SqlRuns
from agent_lab.storage.spending import SqlSpending
from agent_lab.storage.tallies import SqlTallies


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The stores on one database, and the wire between the processes that share it, where they need one."""

    database: Database
    runs: SqlRuns
    flows: SqlFlows
    spending: SqlSpending
    tallies: SqlTallies
    evaluations: SqlEvaluations
    datasets: SqlDatasets
    answers: SqlAnswers
    badges: SqlBadges
    wire: Wire | None

    async def close(self) -> None:
        """Close all of them; the writes in progress end first."""
        if self.wire is not None:
            await self.wire.close()
        await self.runs.close()


async def open_store(settings: Settings) -> Stores:
    """The stores, made or brought up to date where need be.

    Raises ValidationError for a DATABASE_URL that cannot be used, EnvironmentFaultError for a database that cannot.
    """
    place = database_place(settings)
    database = await open_database(place)
    return Stores(
        database=database,
        runs=SqlRuns(database),
        flows=SqlFlows(database),
        spending=SqlSpending(database),
        tallies=SqlTallies(database),
        evaluations=SqlEvaluations(database),
        datasets=SqlDatasets(database),
        answers=SqlAnswers(database),
        badges=SqlBadges(database),
        wire=_wire(place),
    )


def _wire(place: Place) -> Wire | None:
    if place.path is not None:
        return None  # nearly always one process, which would tell itself what it knows
    from agent_lab.storage.postgres_wire import PostgresWire

    wire = PostgresWire(place)
    wire.start()
    return wire
