"""Every flow store keeps the same promises: the suite runs over the database and over its twin in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from agent_lab.contracts.errors import ConflictError, NotFoundError, StaleError
from agent_lab.contracts.flow_ports import FlowStore, NewVersion
from agent_lab.storage.database import open_database
from agent_lab.storage.flows import SqlFlows
from agent_lab.storage.place import Place
from support.flow_stores import flow_store, version
from support.stores import NOON, Clock

__all__ = ["flow_store"]


async def test_what_was_added_is_found_again_as_it_was(flow_store: FlowStore) -> None:
    document = {"z": 1, "id": "mine", "a": {"deep": [None, True, 1.5, "ü 🙂 {user_input}"]}}
    flow = await flow_store.add("mine", [NewVersion(document=document, flow_hash="f00d", note="begun")])
    assert (flow.flow_id, flow.newest, flow.published, flow.revision, flow.updated_at) == ("mine", 1, None, 1, NOON)
    assert await flow_store.get("mine") == flow
    assert list(await flow_store.list()) == [flow]
    found = await flow_store.version("mine", 1)
    assert found is not None
    assert (found.document, found.flow_hash, found.note, found.created_at) == (document, "f00d", "begun", NOON)
    assert list(found.document) == ["z", "id", "a"]


async def test_what_is_not_there_is_none(flow_store: FlowStore) -> None:
    assert await flow_store.get("mine") is None
    assert await flow_store.version("mine", 1) is None
    assert list(await flow_store.versions("mine", limit=5)) == []
    await flow_store.add("mine", [version()])
    assert await flow_store.version("mine", 2) is None
    assert await flow_store.version("mine", 0) is None


async def test_every_save_is_a_version_of_its_own_and_the_old_ones_stay(flow_store: FlowStore, clock: Clock) -> None:
    await flow_store.add("mine", [version("first")])
    clock.pass_(60)
    flow = await flow_store.save("mine", version("second", note="better"))
    assert (flow.newest, flow.revision, flow.updated_at) == (2, 2, NOON + timedelta(seconds=60))
    first, second = [await flow_store.version("mine", number) for number in (1, 2)]
    assert first is not None
    assert second is not None
    assert (first.document["says"], second.document["says"], second.note) == ("first", "second", "better")
    assert (first.created_at, second.created_at) == (NOON, NOON + timedelta(seconds=60))


async def test_the_same_content_again_is_no_new_version_and_no_change(flow_store: FlowStore, clock: Clock) -> None:
    flow = await flow_store.add("mine", [version("first")])
    clock.pass_(60)
    assert await flow_store.save("mine", version("first", note="again")) == flow
    await flow_store.save("mine", version("second"))
    assert (await flow_store.save("mine", version("first"))).newest == 3  # the newest one counts, no older one


async def test_versions_come_newest_first_in_pages(flow_store: FlowStore) -> None:
    await flow_store.add("mine", [version(number) for number in range(1, 6)])
    await flow_store.add("other", [version("else")])
    assert [row.number for row in await flow_store.versions("mine", limit=3)] == [5, 4, 3]
    assert [row.number for row in await flow_store.versions("mine", limit=3, before=3)] == [2, 1]


async def test_a_flow_with_its_history_is_added_whole(flow_store: FlowStore) -> None:
    yesterday = NOON - timedelta(days=1)
    old = NewVersion(document={"id": "mine"}, flow_hash="a", note="old", created_at=yesterday)
    flow = await flow_store.add("mine", [old, version("new")], published=1)
    assert (flow.newest, flow.published, flow.revision) == (2, 1, 1)
    assert [row.created_at for row in await flow_store.versions("mine", limit=9)] == [NOON, yesterday]


async def test_a_flow_that_exists_is_not_added_again(flow_store: FlowStore) -> None:
    await flow_store.add("mine", [version("first")])
    with pytest.raises(ConflictError, match="'mine' already"):
        await flow_store.add("mine", [version("second")])
    assert len(await flow_store.versions("mine", limit=9)) == 1


async def test_an_edit_of_what_somebody_else_has_changed_is_refused(flow_store: FlowStore) -> None:
    read = await flow_store.add("mine", [version("first")])
    await flow_store.save("mine", version("theirs"), expected=read.revision)
    with pytest.raises(StaleError, match="read it again"):
        await flow_store.save("mine", version("ours"), expected=read.revision)
    with pytest.raises(StaleError):
        await flow_store.save("mine", version("theirs"), expected=read.revision)  # the same content is no excuse
    with pytest.raises(StaleError):
        await flow_store.publish("mine", 1, expected=read.revision)
    with pytest.raises(StaleError):
        await flow_store.delete("mine", expected=read.revision)
    flow = await flow_store.get("mine")
    assert flow is not None
    assert (flow.newest, flow.published, flow.revision) == (2, None, 2)


async def test_an_edit_without_a_revision_is_the_last_word(flow_store: FlowStore) -> None:
    await flow_store.add("mine", [version("first")])
    await flow_store.save("mine", version("theirs"))
    assert (await flow_store.save("mine", version("ours"))).newest == 3


async def test_of_edits_of_one_revision_at_once_one_is_taken(flow_store: FlowStore) -> None:
    read = await flow_store.add("mine", [version("first")])
    edits = [flow_store.save("mine", version(number), expected=read.revision) for number in range(8)]
    done = await asyncio.gather(*edits, return_exceptions=True)
    assert sum(isinstance(one, StaleError) for one in done) == 7
    flow = await flow_store.get("mine")
    assert flow is not None
    assert flow.newest == 2


async def test_a_published_version_stays_while_drafts_are_saved(flow_store: FlowStore) -> None:
    await flow_store.add("mine", [version("first"), version("second")])
    assert (await flow_store.publish("mine", 1)).published == 1
    flow = await flow_store.save("mine", version("third"))
    assert (flow.newest, flow.published, flow.revision) == (3, 1, 3)
    assert (await flow_store.publish("mine", None)).published is None


async def test_publishing_what_is_published_changes_nothing(flow_store: FlowStore, clock: Clock) -> None:
    await flow_store.add("mine", [version()])
    flow = await flow_store.publish("mine", 1)
    clock.pass_(60)
    assert await flow_store.publish("mine", 1) == flow


@pytest.mark.parametrize("number", [-1, 0, 2])
async def test_a_version_that_is_not_there_cannot_be_published(flow_store: FlowStore, number: int) -> None:
    await flow_store.add("mine", [version()])
    with pytest.raises(NotFoundError, match=f"no version {number}"):
        await flow_store.publish("mine", number)


async def test_what_does_not_exist_cannot_be_edited(flow_store: FlowStore) -> None:
    with pytest.raises(NotFoundError, match="no stored flow 'mine'"):
        await flow_store.save("mine", version())
    with pytest.raises(NotFoundError):
        await flow_store.publish("mine", 1)
    with pytest.raises(NotFoundError):
        await flow_store.delete("mine", expected=1)


async def test_a_deleted_flow_is_gone_but_its_versions_stay(flow_store: FlowStore) -> None:
    await flow_store.add("mine", [version("first")], published=1)
    await flow_store.delete("mine")
    assert await flow_store.get("mine") is None
    assert list(await flow_store.list()) == []
    assert (await flow_store.version("mine", 1)) is not None
    assert len(await flow_store.versions("mine", limit=9)) == 1
    with pytest.raises(NotFoundError):
        await flow_store.save("mine", version("second"))


async def test_a_flow_that_comes_again_after_it_was_deleted_goes_on_counting(flow_store: FlowStore) -> None:
    before = await flow_store.add("mine", [version("first")], published=1)
    await flow_store.delete("mine")
    again = await flow_store.add("mine", [version("other"), version("more")], published=2)
    assert (again.newest, again.published) == (3, 3)
    assert again.revision > before.revision + 1
    first = await flow_store.version("mine", 1)
    assert first is not None
    assert first.document["says"] == "first"


async def test_flows_are_listed_by_id(flow_store: FlowStore) -> None:
    for flow_id in ("b", "c", "a"):
        await flow_store.add(flow_id, [version()])
    assert [flow.flow_id for flow in await flow_store.list()] == ["a", "b", "c"]


async def test_changing_a_document_that_was_handed_over_changes_nothing_that_is_kept(flow_store: FlowStore) -> None:
    ours = version()
    await flow_store.add("mine", [ours])
    ours.document["says"] = "changed"
    found = await flow_store.version("mine", 1)
    assert found is not None
    found.document["says"] = "changed"
    again = await flow_store.version("mine", 1)
    assert again is not None
    assert again.document["says"] == "first"


@pytest.fixture
async def two_stores(place: Place) -> AsyncIterator[tuple[FlowStore, FlowStore]]:
    """Two processes' view of one database."""
    first, second = await open_database(place), await open_database(place)
    yield SqlFlows(first), SqlFlows(second)
    await first.close()
    await second.close()


async def test_of_two_processes_that_add_one_flow_at_once_one_is_told(two_stores: tuple[FlowStore, FlowStore]) -> None:
    for number in range(10):
        adding = [store.add(f"flow_{number}", [version(place)]) for place, store in enumerate(two_stores)]
        done = await asyncio.gather(*adding, return_exceptions=True)
        assert sorted(type(one).__name__ for one in done) == ["ConflictError", "StoredFlow"]
        assert len(await two_stores[0].versions(f"flow_{number}", limit=9)) == 1


async def test_of_two_processes_that_edit_one_revision_one_is_told(two_stores: tuple[FlowStore, FlowStore]) -> None:
    flow = await two_stores[0].add("mine", [version("begun")])
    for number in range(10):
        edits = [
            store.save("mine", version([number, place]), expected=flow.revision)
            for place, store in enumerate(two_stores)
        ]
        done = await asyncio.gather(*edits, return_exceptions=True)
        assert sorted(type(one).__name__ for one in done) == ["StaleError", "StoredFlow"]
        found = await two_stores[1].get("mine")
        assert found is not None
        assert found.newest == number + 2
        flow = found


async def test_processes_that_save_the_last_word_at_once_lose_nothing(two_stores: tuple[FlowStore, FlowStore]) -> None:
    await two_stores[0].add("mine", [version("begun")])
    await asyncio.gather(*(two_stores[number % 2].save("mine", version(number)) for number in range(20)))
    rows = await two_stores[0].versions("mine", limit=99)
    assert [row.number for row in rows] == list(range(21, 0, -1))
    assert len({row.flow_hash for row in rows}) == 21
