"""A worker to be killed: takes up what there is in a database, or starts runs, on a slow scripted provider."""

import asyncio
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.run import RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.settings import Settings
from agent_lab.storage.database import open_database
from agent_lab.storage.place import Place, database_place
from agent_lab.storage.runs import SqlRuns
from support.runs import bench

SPENT = "paid.txt"


def reply(folder: Path, call: ModelCall) -> str:
    """Note that the call was paid, as a provider's bill would, then answer."""
    with (folder / SPENT).open("a", encoding="utf-8") as bill:
        bill.write(f"{call.request.prompt[-12:]!r} {call.request.context.role}\n")
    return f"{call.request.context.role} says so"


def paid(folder: Path) -> Counter[str]:
    path = folder / SPENT
    return Counter(path.read_text("utf-8").splitlines()) if path.exists() else Counter()


async def work(folder: Path, place: Place, generation: int, start: int) -> None:
    # Each worker lives an hour after the one before it, so that leases of the dead have ended.
    later = timedelta(hours=generation)
    store = SqlRuns(await open_database(place), clock=lambda: datetime.now(UTC) + later)
    # Who begins runs ends none of them: however late it is killed, there is something to be taken up.
    provider = ScriptedProvider(lambda call: reply(folder, call), delay_s=10.0 if start else 0.01)
    lab = bench(folder, provider, store=store)
    run_ids = await lab.runs.recover()
    for number in range(start):
        info = await lab.runs.start(RunRequest(flow=("challenge", "linear")[number % 2], prompt=f"Question {number}"))
        run_ids.append(info.run_id)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.gather(*(lab.runs.wait(run_id) for run_id in run_ids))
    await store.close()


if __name__ == "__main__":
    where = database_place(Settings(database_url=sys.argv[2]))
    asyncio.run(work(Path(sys.argv[1]), where, int(sys.argv[3]), int(sys.argv[4])))
