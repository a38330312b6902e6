"""What an editor saves on its own makes room for what it saves next, and nothing else is ever lost by that."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lab.contracts.errors import NotFoundError
from agent_lab.contracts.flow_ports import FlowStore
from agent_lab.storage.database import open_database
from agent_lab.storage.flows import SqlFlows
from agent_lab.storage.place import Place
from agent_lab.storage.runs import SqlRuns
from support.flow_stores import FlowsAndRuns, both, in_memory, version
from support.stores import Clock, run

__all__ = ["both"]


async def numbers(flows: FlowStore) -> list[int]:
    return [row.number for row in await flows.versions("mine", limit=99)]


async def run_of(both: FlowsAndRuns, number: int) -> None:
    info = run(f"of-{number}", flow_id="mine").model_copy(update={"flow_version": number})
    await both.runs.create(info)


async def test_a_day_of_editing_is_one_version_beside_those_saved_by_hand(both: FlowsAndRuns) -> None:
    await both.flows.add("mine", [version("by hand")])
    for number in range(20):
        await both.flows.save("mine", version(number, autosaved=True))
    assert await numbers(both.flows) == [21, 1]
    found = await both.flows.version("mine", 21)
    assert found is not None
    assert (found.document["says"], found.autosaved) == (19, True)
    rows = await both.flows.versions("mine", limit=9)
    assert [row.autosaved for row in rows] == [True, False]


async def test_an_autosave_that_was_run_stays_for_its_run(both: FlowsAndRuns) -> None:
    await both.flows.add("mine", [version("by hand")])
    await both.flows.save("mine", version("tried", autosaved=True))
    await run_of(both, 2)
    await both.flows.save("mine", version("after", autosaved=True))
    await both.flows.save("mine", version("later", autosaved=True))
    assert await numbers(both.flows) == [4, 2, 1]


async def test_a_run_of_another_flow_holds_nothing_here(both: FlowsAndRuns) -> None:
    await both.flows.add("mine", [version("begun", autosaved=True)])
    await both.runs.create(run("other", flow_id="other").model_copy(update={"flow_version": 1}))
    await both.flows.save("mine", version("next", autosaved=True))
    assert await numbers(both.flows) == [2]


async def test_an_autosave_that_was_published_stays_also_when_it_is_withdrawn(both: FlowsAndRuns) -> None:
    await both.flows.add("mine", [version("good", autosaved=True)])
    await both.flows.publish("mine", 1)
    await both.flows.save("mine", version("next", autosaved=True))
    await both.flows.publish("mine", None)
    await both.flows.save("mine", version("later", autosaved=True))
    assert await numbers(both.flows) == [3, 1]


async def test_a_save_by_hand_makes_an_autosave_of_the_same_content_its_own(both: FlowsAndRuns) -> None:
    await both.flows.add("mine", [version("begun")])
    await both.flows.save("mine", version("better", autosaved=True))
    kept = await both.flows.save("mine", version("better", note="done"))
    assert kept.newest == 3
    assert await numbers(both.flows) == [3, 1]
    assert (await both.flows.save("mine", version("better", autosaved=True))).newest == 3
    await both.flows.save("mine", version("more", autosaved=True))
    assert await numbers(both.flows) == [4, 3, 1]


async def test_a_save_by_hand_of_other_content_leaves_the_autosave_before_it(both: FlowsAndRuns) -> None:
    await both.flows.add("mine", [version("auto", autosaved=True)])
    await both.flows.save("mine", version("by hand"))
    assert await numbers(both.flows) == [2, 1]


async def test_a_version_that_made_room_cannot_be_published(both: FlowsAndRuns) -> None:
    await both.flows.add("mine", [version("begun", autosaved=True)])
    await both.flows.save("mine", version("next", autosaved=True))
    with pytest.raises(NotFoundError, match="no version 1; its newest is 2"):
        await both.flows.publish("mine", 1)
    flow = await both.flows.get("mine")
    assert flow is not None
    assert flow.published is None


Move = tuple[str, int]
moves = st.lists(
    st.tuples(
        st.sampled_from(["auto", "auto", "auto", "hand", "publish", "withdraw", "run", "delete"]), st.integers(0, 2)
    ),
    max_size=25,
)


class Story:
    """What was done to one flow, and what must be true of it since."""

    def __init__(self, both: FlowsAndRuns) -> None:
        self.both = both
        self.seen: dict[int, Any] = {}
        self.held: set[int] = set()

    async def move(self, what: str, content: int) -> None:
        flows, flow = self.both.flows, await self.both.flows.get("mine")
        if what in {"auto", "hand"}:
            new = version(content, autosaved=what == "auto")
            saved = await (flows.save("mine", new) if flow else flows.add("mine", [new]))
            self.held |= {saved.newest} if what == "hand" else set()
        elif flow and what == "publish":
            await flows.publish("mine", flow.newest)
            self.held.add(flow.newest)
        elif flow and what == "withdraw":
            await flows.publish("mine", None)
        elif flow and what == "run" and flow.newest not in self.held:
            await run_of(self.both, flow.newest)
            self.held.add(flow.newest)
        elif flow and what == "delete":
            await flows.delete("mine")

    async def check(self) -> None:
        flow, there = await self.both.flows.get("mine"), await numbers(self.both.flows)
        assert self.held <= set(there)
        assert flow is None or there[0] == flow.newest
        assert flow is None or flow.published is None or flow.published in there
        for number in there:
            found = await self.both.flows.version("mine", number)
            assert found is not None
            assert self.seen.setdefault(number, found.document) == found.document
        assert len(there) == len(set(there))


async def tell(both: FlowsAndRuns, story: list[Move]) -> None:
    told = Story(both)
    for what, content in story:
        await told.move(what, content)
        await told.check()


@given(moves)
def test_no_number_has_two_contents_and_nothing_that_counts_is_lost(story: list[Move]) -> None:
    asyncio.run(tell(in_memory(Clock()), story))


@asynccontextmanager
async def on_disk() -> AsyncIterator[FlowsAndRuns]:
    with tempfile.TemporaryDirectory() as folder:
        database = await open_database(Place.of_file(Path(folder) / "lab.db"))
        yield FlowsAndRuns(SqlFlows(database), SqlRuns(database))
        await database.close()


@settings(max_examples=12, deadline=None)
@given(moves)
def test_the_database_keeps_to_that_too(story: list[Move]) -> None:
    async def work() -> None:
        async with on_disk() as both:
            await tell(both, story)

    asyncio.run(work())
