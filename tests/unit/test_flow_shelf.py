"""Flows that people make: versions that never change, drafts that harm nobody, and names that find what is meant."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.errors import (
    ConflictError,
    NotFoundError,
    ProblemsError,
    StaleError,
    TooLargeError,
    ValidationError,
)
from agent_lab.flows.catalog import FlowCatalog
from agent_lab.flows.checks import check_flow
from agent_lab.flows.drafts import document_hash
from agent_lab.flows.shelf import FlowShelf
from agent_lab.storage.memory_flows import MemoryFlows
from support.flows import KINDS, library_document

BROKEN: dict[str, Any] = {"id": "mine", "name": "Mine", "nodes": [{"id": "a", "kind": "nonsense"}]}


def document(flow_id: str = "mine", prompt: str = "{user_input}", **more: Any) -> dict[str, Any]:
    nodes = [{"id": "speaker", "kind": "generate", "prompt": prompt}]
    return {"id": flow_id, "name": flow_id.capitalize(), "nodes": nodes, **more}


@pytest.fixture
def shelf(tmp_path: Path) -> FlowShelf:
    check = partial(check_flow, kinds=KINDS, models=["voice"], strategies=["standard"])
    return FlowShelf(FlowCatalog(tmp_path / "flows", check), MemoryFlows(), check)


def drop(shelf: FlowShelf, flow: dict[str, Any]) -> None:
    """Put a file into the user's folder."""
    shelf.catalog.folder.mkdir(exist_ok=True)
    (shelf.catalog.folder / f"{flow['id']}.json").write_text(json.dumps(flow))


async def prompt_of(shelf: FlowShelf, name: str) -> Any:
    return (await shelf.resolve(name)).flow.nodes[0].settings["prompt"]


async def test_a_flow_that_was_never_published_is_its_newest_version(shelf: FlowShelf) -> None:
    await shelf.create(document(prompt="one {user_input}"))
    await shelf.save("mine", document(prompt="two {user_input}"))
    found = await shelf.resolve("mine")
    assert (found.version, found.flow_hash) == (2, document_hash(document(prompt="two {user_input}")))


async def test_drafts_change_nothing_for_those_who_run_what_is_published(shelf: FlowShelf) -> None:
    await shelf.create(document(prompt="one {user_input}"))
    await shelf.publish("mine")
    await shelf.save("mine", document(prompt="two {user_input}"))
    await shelf.save("mine", BROKEN)
    assert await prompt_of(shelf, "mine") == "one {user_input}"
    assert await prompt_of(shelf, "mine@published") == "one {user_input}"
    assert await prompt_of(shelf, "mine@2") == "two {user_input}"
    with pytest.raises(ProblemsError, match="no node kind 'nonsense'"):
        await shelf.resolve("mine@draft")


async def test_a_library_flow_is_edited_by_saving_one_of_its_id(shelf: FlowShelf) -> None:
    changed = library_document("challenge") | {"name": "Ours"}
    assert (await shelf.get("challenge")).origin == "library"
    saved = await shelf.save("challenge", changed)
    assert (saved.origin, saved.version) == ("stored", 1)
    assert (await shelf.resolve("challenge")).version is None  # the draft is nobody's but its author's
    assert (await shelf.resolve("challenge@draft")).flow.name == "Ours"
    await shelf.publish("challenge")
    assert (await shelf.resolve("challenge")).flow.name == "Ours"
    assert (await shelf.get("challenge@original")).origin == "library"
    await shelf.delete("challenge")
    assert (await shelf.get("challenge")).origin == "library"


async def test_a_file_stands_in_for_the_library_and_a_published_flow_for_the_file(shelf: FlowShelf) -> None:
    drop(shelf, document("linear", prompt="file {user_input}"))
    entry = await shelf.get("linear")
    assert (entry.origin, entry.file and entry.file.name) == ("file", "linear.json")
    await shelf.save("linear", document("linear", prompt="stored {user_input}"))
    assert await prompt_of(shelf, "linear") == "file {user_input}"
    await shelf.publish("linear")
    assert await prompt_of(shelf, "linear") == "stored {user_input}"
    await shelf.withdraw("linear")
    assert await prompt_of(shelf, "linear") == "file {user_input}"


async def test_a_save_without_a_change_is_no_version(shelf: FlowShelf) -> None:
    await shelf.create(document())
    again = await shelf.save("mine", document(description=""))  # a default written out
    assert (again.version, again.stored and again.stored.revision) == (1, 1)


async def test_a_draft_may_be_wrong_in_every_way_but_its_id(shelf: FlowShelf) -> None:
    for wrong in ({"id": "mine"}, {"id": "mine", "nodes": "soon", "edges": [1]}, BROKEN):
        entry = await shelf.save("mine", wrong)
        assert entry.document == wrong
        assert entry.problems
    assert (await shelf.get("mine@1")).flow is None
    with pytest.raises(ProblemsError) as told:
        await shelf.publish("mine", 1)
    assert {place for place, _ in told.value.problems} == {"/name", "/nodes"}
    with pytest.raises(ProblemsError):
        await shelf.resolve("mine")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (["no", "object"], "is a JSON object"),
        ({}, "id of the flow is missing"),
        ({"id": "Not A Name"}, "no flow id"),
        ({"id": 7}, "no flow id"),
        ({"id": "../../etc"}, "no flow id"),
        ({"id": "mine\n"}, "no flow id"),
        ({"id": "mine", "name": "\ud800"}, "surrogate"),
        ({"id": "mine", "size": float("inf")}, "number"),
    ],
)
async def test_what_is_no_document_at_all_is_not_kept(shelf: FlowShelf, wrong: Any, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        await shelf.create(wrong)
    assert "mine" not in await shelf.names()


async def test_a_document_over_the_bound_is_refused(shelf: FlowShelf) -> None:
    with pytest.raises(TooLargeError, match="5,000,000 are allowed"):
        await shelf.create(document(prompt="x" * 5_000_000))
    with pytest.raises(ValidationError, match="500 characters"):
        await shelf.create(document(), note="x" * 501)


async def test_a_document_is_saved_under_its_own_id_alone(shelf: FlowShelf) -> None:
    with pytest.raises(ValidationError, match="id is 'mine', not 'other'") as told:
        await shelf.save("other", document())
    assert told.value.where == "/id"


@pytest.mark.parametrize("taken", ["challenge", "dropped", "mine"])
async def test_an_id_that_is_taken_is_not_given_twice(shelf: FlowShelf, taken: str) -> None:
    drop(shelf, document("dropped"))
    await shelf.create(document())
    with pytest.raises(ConflictError, match=f"'{taken}' already"):
        await shelf.create(document(taken))
    with pytest.raises(ConflictError):
        await shelf.duplicate("mine", taken)
    with pytest.raises(ConflictError):
        await shelf.import_document(document(taken))


async def test_of_two_who_edit_the_same_revision_the_second_is_told(shelf: FlowShelf) -> None:
    read = (await shelf.create(document())).stored
    assert read is not None
    await shelf.save("mine", document(prompt="theirs {user_input}"), expected=read.revision)
    with pytest.raises(StaleError):
        await shelf.save("mine", document(prompt="ours {user_input}"), expected=read.revision)
    with pytest.raises(StaleError):
        await shelf.roll_back("mine", 1, expected=read.revision)
    await shelf.delete("mine")
    with pytest.raises(StaleError, match="deleted since"):
        await shelf.save("mine", document(), expected=read.revision)


async def test_rolling_back_is_a_new_version_with_the_old_content(shelf: FlowShelf) -> None:
    await shelf.create(document(prompt="one {user_input}"))
    await shelf.save("mine", document(prompt="two {user_input}"))
    entry = await shelf.roll_back("mine", 1)
    assert (entry.version, entry.document) == (3, document(prompt="one {user_input}"))
    assert [row.note for row in await shelf.versions("mine", limit=9)] == ["Back to version 1", "", ""]
    with pytest.raises(NotFoundError, match="no version '9'; its newest is 3"):
        await shelf.roll_back("mine", 9)


async def test_a_duplicate_goes_its_own_way(shelf: FlowShelf) -> None:
    entry = await shelf.duplicate("challenge", "ours")
    assert (entry.origin, entry.document["id"], entry.problems) == ("stored", "ours", ())
    await shelf.save("ours", document("ours"))
    assert (await shelf.duplicate("ours@1", "theirs")).document["nodes"] == entry.document["nodes"]


async def test_a_deleted_flow_is_not_run_any_more_but_its_versions_can_be_looked_at(shelf: FlowShelf) -> None:
    await shelf.create(document())
    await shelf.delete("mine")
    for name in ("mine", "mine@1", "mine@draft"):
        with pytest.raises(NotFoundError):
            await shelf.resolve(name)
    assert (await shelf.version("mine", 1)).document == document()
    assert len(await shelf.versions("mine", limit=9)) == 1


@pytest.mark.parametrize("which", ["0", "3", "-1", "x", "²", "99999999999", "published"])
async def test_a_version_that_is_not_there_is_told_with_those_that_are(shelf: FlowShelf, which: str) -> None:
    await shelf.create(document())
    with pytest.raises(NotFoundError, match="its newest is 1, `draft`"):
        await shelf.resolve(f"mine@{which}")


async def test_what_is_not_stored_has_no_versions(shelf: FlowShelf) -> None:
    with pytest.raises(NotFoundError, match="the library's and has no versions"):
        await shelf.resolve("linear@3")
    assert (await shelf.resolve("linear@draft")).flow.id == "linear"
    assert list(await shelf.versions("linear", limit=9)) == []
    for edit in (shelf.delete("linear"), shelf.publish("linear"), shelf.roll_back("linear", 1)):
        with pytest.raises(NotFoundError, match="save a version of it"):
            await edit


@pytest.mark.parametrize("name", ["chalenge", "mime", "mine\x00", "../mine", "", "@3", "x" * 3000])
async def test_an_unknown_name_is_told_with_the_nearest(shelf: FlowShelf, name: str) -> None:
    await shelf.create(document())
    with pytest.raises(NotFoundError, match=r"There is no flow|no versions"):
        await shelf.resolve(name)


async def test_nearest_names_are_those_of_stored_flows_too(shelf: FlowShelf) -> None:
    await shelf.create(document("security_review"))
    with pytest.raises(NotFoundError, match="did you mean 'security_review'"):
        await shelf.resolve("securty_review")


async def test_the_list_says_where_each_flow_comes_from_and_how_it_stands(shelf: FlowShelf) -> None:
    drop(shelf, document("dropped"))
    await shelf.create(document())
    await shelf.publish("mine")
    await shelf.save("mine", BROKEN)
    await shelf.save("challenge", {"id": "challenge"})
    found = {entry.flow_id: entry for entry in (await shelf.list(limit=100)).entries}
    assert [found[name].origin for name in ("challenge", "dropped", "linear", "mine")] == [
        "library",
        "file",
        "library",
        "stored",
    ]
    mine = found["mine"]
    assert mine.stored is not None
    assert (mine.version, mine.stored.newest, mine.stored.published, len(mine.problems)) == (1, 2, 1, 1)
    assert found["challenge"].stored is not None
    assert found["challenge"].problems
    assert [entry.flow_id for entry in await shelf.served()] == sorted(found)
    await shelf.withdraw("mine")
    assert "mine" not in [entry.flow_id for entry in await shelf.served()]


async def test_the_list_comes_in_pages_without_a_gap(shelf: FlowShelf) -> None:
    for number in range(5):
        await shelf.create(document(f"flow_{number}"))
    everything = [entry.flow_id for entry in (await shelf.list(limit=100)).entries]
    seen, cursor = [], None
    while True:
        page = await shelf.list(limit=2, after=cursor)
        assert len(page.entries) <= 2
        seen += [entry.flow_id for entry in page.entries]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == everything == sorted(everything)
    assert (await shelf.list(limit=len(everything))).next_cursor is None


async def test_a_flow_with_all_its_versions_is_the_same_elsewhere(shelf: FlowShelf, tmp_path: Path) -> None:
    await shelf.create(document(prompt="one {user_input}"), note="begun")
    await shelf.save("mine", document(prompt="two {user_input}"))
    await shelf.publish("mine", 1)
    bundle = json.loads(json.dumps(await shelf.bundle("mine")))
    with pytest.raises(ConflictError):
        await shelf.import_document(bundle)
    entry = await shelf.import_document(bundle, flow_id="ours")
    assert entry.stored is not None
    assert (entry.stored.newest, entry.stored.published) == (2, 1)
    assert await prompt_of(shelf, "ours") == "one {user_input}"
    before, after = [await shelf.versions(name, limit=9) for name in ("mine", "ours")]
    assert [(row.note, row.created_at) for row in before] == [(row.note, row.created_at) for row in after]
    again = await shelf.bundle("ours")
    assert [one["document"] | {"id": "mine"} for one in again["versions"]] == [
        one["document"] for one in bundle["versions"]
    ]


async def test_what_cannot_be_run_here_is_imported_but_not_published(shelf: FlowShelf) -> None:
    away = document(prompt="{user_input}")
    away["nodes"][0]["model"] = "not_here"
    versions = [{"number": 7, "document": away}]
    entry = await shelf.import_document(
        {"bundle": "agent-lab-flow-versions", "id": "mine", "versions": versions, "published": 7}
    )
    assert entry.stored is not None
    assert (entry.stored.published, len(entry.problems)) == (None, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"versions": []},
        {"versions": [{"number": 1}]},
        {"versions": [{"number": 2, "document": {}}, {"number": 1, "document": {}}]},
        {"published": 5},
        {"id": "NO"},
        {"bundle": "else"},
        {"format": 2},
        {"more": 1},
        {"versions": [{"number": 1, "document": {}, "created_at": "2026-01-01T00:00:00"}]},
    ],
)
async def test_a_bundle_that_is_none_is_refused_in_words(shelf: FlowShelf, change: dict[str, Any]) -> None:
    good = {"bundle": "agent-lab-flow-versions", "id": "mine", "versions": [{"number": 1, "document": document()}]}
    with pytest.raises(ValidationError):
        await shelf.import_document(good | change)
    assert "mine" not in await shelf.names()
    await shelf.import_document(good)


async def test_versions_are_compared_by_any_of_their_names(shelf: FlowShelf) -> None:
    await shelf.save("linear", library_document("linear") | {"name": "Ours"})
    found = await shelf.difference("linear", "original", "1")
    assert [change.path for change in found.changes] == ["/name"] or found.changes[0].path.startswith("/name")
    assert not found.nodes_changed
    assert (await shelf.difference("linear", "draft", "1")).is_empty


async def test_a_version_is_examined_once(shelf: FlowShelf) -> None:
    await shelf.create(document())
    first = await shelf.resolve("mine")
    assert (await shelf.resolve("mine@1")).flow is first.flow


def outer(*names: str, flow_id: str = "outer") -> dict[str, Any]:
    """A flow that runs these one after the other."""
    nodes = [{"id": f"n{place}", "kind": "subflow", "flow": name} for place, name in enumerate(names)]
    edges = [{"from": f"n{place}", "to": f"n{place + 1}"} for place in range(len(names) - 1)]
    return {"id": flow_id, "name": "Outer", "nodes": nodes, "edges": edges}


async def test_flows_that_a_flow_runs_are_looked_for_in_the_store_too(shelf: FlowShelf) -> None:
    entry = await shelf.save("outer", outer("mine", "challenge", "mine@3"))
    assert [problem.path for problem in entry.problems] == ["/nodes/0/flow", "/nodes/2/flow"]
    await shelf.create(document())
    assert [problem.path for problem in (await shelf.get("outer")).problems] == ["/nodes/2/flow"]
    await shelf.save("outer", outer("mine", "mine@1"))
    await shelf.publish("outer")
    await shelf.save("mine", BROKEN)
    with pytest.raises(ProblemsError, match="The flow 'mine' has problems"):
        await shelf.resolve("outer")
    await shelf.publish("mine", 1)
    assert (await shelf.resolve("outer")).version == 2


async def test_flows_that_would_run_each_other_are_refused(shelf: FlowShelf) -> None:
    await shelf.create(document("inner"))
    await shelf.create(outer("inner", flow_id="middle"))
    await shelf.save("inner", outer("middle", flow_id="inner"))
    with pytest.raises(ProblemsError, match="never end"):
        await shelf.publish("inner", 2)
    with pytest.raises(ProblemsError, match="never end"):
        await shelf.publish("middle", 1)
    await shelf.publish("inner", 1)
    await shelf.publish("middle", 1)


async def test_an_unsaved_document_is_examined_with_the_flows_that_it_runs(shelf: FlowShelf) -> None:
    await shelf.create(document())
    assert not (await shelf.examine(outer("mine"))).problems
    assert (await shelf.examine(outer("mime"))).problems


async def test_a_flow_within_that_has_problems_is_told_otherwise_than_one_that_is_not_there(shelf: FlowShelf) -> None:
    await shelf.create(BROKEN)
    drop(shelf, BROKEN | {"id": "torn"})
    names = ["mine", "mine@draft", "torn", "none"]
    nodes = [{"id": f"n{number}", "kind": "subflow", "flow": name} for number, name in enumerate(names)]
    found = await shelf.examine({"id": "outer", "name": "Outer", "nodes": nodes, "answer": "n0"})
    told = {problem.path: problem.message for problem in found.problems if problem.path.endswith("/flow")}
    for number, name in enumerate(names[:3]):
        says = f"The flow {name!r} has problems and cannot be run; `agent-lab flows check {name}` tells them."
        assert told[f"/nodes/{number}/flow"] == says
    assert told["/nodes/3/flow"].startswith("There is no flow 'none' that can be run")
