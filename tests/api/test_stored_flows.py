"""Flows made over HTTP: versions, who was first, what is published, and what of it runs."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_lab.contracts.documents import MAX_BYTES
from api.doors import Door

BROKEN: dict[str, Any] = {"id": "mine", "name": "Mine", "nodes": [{"id": "a", "kind": "nonsense"}]}


def document(flow_id: str = "mine", says: str = "{user_input}", **more: Any) -> dict[str, Any]:
    nodes = [{"id": "speaker", "kind": "generate", "prompt": says}]
    return {"id": flow_id, "name": flow_id.capitalize(), "nodes": nodes, **more}


async def made(client: httpx.AsyncClient, *documents: dict[str, Any]) -> None:
    """Store the first, save the others as its versions."""
    response = await client.post("/api/flows", json=documents[0])
    assert response.status_code == 201, response.text
    for one in documents[1:]:
        saved = await client.put(f"/api/flows/{one['id']}", json=one, headers={"If-Match": "*"})
        assert saved.status_code == 200, saved.text


async def run(client: httpx.AsyncClient, flow: str) -> dict[str, Any]:
    started = await client.post("/api/runs", json={"flow": flow, "prompt": "What?"})
    assert started.status_code == 202, started.text
    while True:
        view: dict[str, Any] = (await client.get(started.headers["location"])).json()
        if view["status"] not in {"queued", "running"}:
            return view
        await asyncio.sleep(0.01)


async def test_a_flow_is_made_changed_published_and_run(door: Door) -> None:
    async with door.owner() as client:
        created = await client.post("/api/flows?note=begun", json=document())
        assert (created.status_code, created.headers["location"]) == (201, "/api/flows/mine")
        etag = created.headers["etag"]
        assert (created.json()["origin"], created.json()["version"], created.json()["problems"]) == ("stored", 1, [])
        saved = await client.put(
            "/api/flows/mine", json=document(says="Say it: {user_input}"), headers={"If-Match": etag}
        )
        assert (saved.status_code, saved.json()["version"]) == (200, 2)
        assert saved.headers["etag"] != etag
        published = await client.post("/api/flows/mine/publish", json={"version": 1})
        assert (published.json()["published"], published.json()["newest"]) == (1, 2)
        plain, draft = await run(client, "mine"), await run(client, "mine@draft")
        read = await client.get("/api/flows/mine")
    assert (plain["status"], plain["flow_version"]) == ("completed", 1)
    assert (draft["status"], draft["flow_version"], draft["flow_hash"]) == ("completed", 2, saved.json()["flow_hash"])
    assert read.json() == document()
    assert read.headers["etag"] == published.headers["etag"]


async def test_of_two_tabs_the_second_is_told_and_loses_nothing(door: Door) -> None:
    async with door.owner() as client:
        await made(client, document())
        etag = (await client.get("/api/flows/mine")).headers["etag"]
        first = await client.put("/api/flows/mine", json=document(says="A {user_input}"), headers={"If-Match": etag})
        second = await client.put("/api/flows/mine", json=document(says="B {user_input}"), headers={"If-Match": etag})
        blind = await client.put("/api/flows/mine", json=document(says="C {user_input}"))
        for path, body in (("publish", {"version": 1}), ("rollback", {"version": 1})):
            late = await client.post(f"/api/flows/mine/{path}", json=body, headers={"If-Match": etag})
            assert late.status_code == 412
        gone = await client.delete("/api/flows/mine", headers={"If-Match": etag})
        newest = (await client.get("/api/flows/mine")).json()
    assert (first.status_code, second.status_code, blind.status_code, gone.status_code) == (200, 412, 422, 412)
    assert second.json()["type"].endswith(":stale")
    assert blind.json()["where"] == "If-Match"
    assert newest == document(says="A {user_input}")


@pytest.mark.parametrize("etag", ["7", '"x"', '"7", "8"', '""', '"', '"' + "9" * 30 + '"', '"²"'])
async def test_an_if_match_that_is_no_etag_is_told(door: Door, etag: str) -> None:
    async with door.owner() as client:
        await made(client, document())
        response = await client.put(
            "/api/flows/mine", json=document(), headers={b"If-Match": etag.encode("latin-1", "replace")}
        )  # type: ignore[dict-item]
    assert (response.status_code, response.json()["where"]) == (422, "If-Match")


async def test_a_library_flow_is_edited_by_saving_it(door: Door) -> None:
    async with door.owner() as client:
        original = await client.get("/api/flows/challenge")
        assert "etag" not in original.headers
        changed = original.json() | {"name": "Ours"}
        saved = await client.put("/api/flows/challenge", json=changed)
        assert (saved.status_code, saved.headers["location"]) == (201, "/api/flows/challenge")
        entries = {flow["id"]: flow for flow in (await client.get("/api/flows")).json()["flows"]}
        assert (entries["challenge"]["origin"], entries["challenge"]["newest"]) == ("library", 1)
        await client.post("/api/flows/challenge/publish", json={"version": 1})
        assert (await client.get("/api/flows/challenge")).json()["name"] == "Ours"
        assert (await client.get("/api/flows/challenge?version=original")).json() == original.json()
        told = (await client.get("/api/flows/challenge/difference?from=original&to=published")).json()
        assert (await client.delete("/api/flows/challenge")).status_code == 204
        assert (await client.get("/api/flows/challenge")).json() == original.json()
    assert told["text"]
    assert told["nodes_changed"] == []


async def test_a_save_on_what_was_deleted_meanwhile_is_refused(door: Door) -> None:
    async with door.owner() as client:
        await made(client, document())
        await client.delete("/api/flows/mine")
        for etag in ('"1"', "*"):
            response = await client.put("/api/flows/mine", json=document(), headers={"If-Match": etag})
            assert response.status_code == 412
        assert (await client.put("/api/flows/mine", json=document())).status_code == 201


async def test_a_draft_with_problems_is_kept_but_neither_published_nor_run(door: Door) -> None:
    async with door.owner() as client:
        created = await client.post("/api/flows", json=BROKEN)
        assert created.status_code == 201
        assert created.json()["problems"][0]["path"] == "/nodes/0/kind"
        assert (await client.get("/api/flows/mine")).json() == BROKEN
        publish = await client.post("/api/flows/mine/publish", json={"version": 1})
        start = await client.post("/api/runs", json={"flow": "mine", "prompt": "What?"})
        entry = {flow["id"]: flow for flow in (await client.get("/api/flows")).json()["flows"]}["mine"]
    for refused in (publish, start):
        assert refused.status_code == 422
        assert [one["pointer"] for one in refused.json()["errors"]] == ["/nodes/0/kind"]
    assert entry["problem_count"] == 1


async def test_a_small_drawing_tells_which_edges_lead_back(door: Door) -> None:
    async with door.owner() as client:
        entries = {flow["id"]: flow for flow in (await client.get("/api/flows")).json()["flows"]}
    rounds = {(one["from"], one["to"]): one["max_rounds"] for one in entries["iterative"]["drawing"]["edges"]}
    assert (rounds["creator", "challenger"], rounds["refiner", "challenger"]) == (None, 2)


async def test_versions_are_listed_in_pages_looked_at_and_compared(door: Door) -> None:
    async with door.owner() as client:
        await made(client, *(document(says=f"{n} {{user_input}}") for n in range(1, 6)))
        page = (await client.get("/api/flows/mine/versions?limit=3")).json()
        rest = (await client.get(f"/api/flows/mine/versions?limit=3&cursor={page['next_cursor']}")).json()
        second = (await client.get("/api/flows/mine/versions/2")).json()
        told = (await client.get("/api/flows/mine/difference?from=1&to=draft")).json()
        missing = [
            await client.get(path)
            for path in ("/api/flows/mine/versions/9", "/api/flows/mine?version=9", "/api/flows/absent/versions")
        ]
    assert [one["number"] for one in page["versions"] + rest["versions"]] == [5, 4, 3, 2, 1]
    assert rest["next_cursor"] is None
    assert second["document"] == document(says="2 {user_input}")
    assert told["nodes_changed"][0]["changes"][0]["path"] == "/prompt"
    assert [response.status_code for response in missing] == [404, 404, 404]


async def test_rolling_back_makes_a_new_version_of_the_old_content(door: Door) -> None:
    async with door.owner() as client:
        await made(client, document(says="A {user_input}"), document(says="B {user_input}"))
        rolled = await client.post("/api/flows/mine/rollback", json={"version": 1})
        assert (rolled.status_code, rolled.json()["version"]) == (200, 3)
        assert (await client.get("/api/flows/mine")).json() == document(says="A {user_input}")
        assert (await client.post("/api/flows/mine/rollback", json={"version": 7})).status_code == 404


async def test_a_copy_is_a_flow_of_its_own(door: Door) -> None:
    async with door.owner() as client:
        copied = await client.post("/api/flows/challenge/duplicate", json={"id": "ours"})
        again = await client.post("/api/flows/challenge/duplicate", json={"id": "ours"})
        wrong = await client.post("/api/flows/challenge/duplicate", json={"id": "No Name"})
        ran = await run(client, "ours")
    assert (copied.status_code, again.status_code, wrong.status_code) == (201, 409, 422)
    assert (ran["flow_id"], ran["status"]) == ("ours", "completed")


async def test_a_deleted_flow_leaves_its_runs_and_their_version(door: Door) -> None:
    async with door.owner() as client:
        await made(client, document())
        before = await run(client, "mine")
        assert (await client.delete("/api/flows/mine")).status_code == 204
        assert (await client.get("/api/flows/mine")).status_code == 404
        assert (await client.post("/api/runs", json={"flow": "mine@1", "prompt": "What?"})).status_code == 404
        version = await client.get(f"/api/flows/mine/versions/{before['flow_version']}")
        after = (await client.get(f"/api/runs/{before['run_id']}")).json()
    assert version.json()["document"] == document()
    assert after == before


async def test_a_flow_goes_out_and_comes_in_with_all_its_versions(door: Door) -> None:
    async with door.owner() as client:
        await made(client, document(says="A {user_input}"), document(says="B {user_input}"))
        await client.post("/api/flows/mine/publish", json={"version": 1})
        alone, whole = await client.get("/api/flows/mine/export"), await client.get("/api/flows/mine/export?versions=1")
        taken = await client.post("/api/flows/import", json=whole.json())
        imported = await client.post("/api/flows/import?id=ours", json=whole.json())
        single = await client.post("/api/flows/import?id=theirs", json=alone.json())
        wrong = await client.post("/api/flows/import", json=whole.json() | {"id": "x", "versions": []})
    assert alone.headers["content-disposition"] == 'attachment; filename="mine.json"'
    assert taken.status_code == 409
    assert (imported.status_code, imported.json()["newest"], imported.json()["published"]) == (201, 2, 1)
    assert (single.status_code, single.json()["id"], single.json()["version"]) == (201, "theirs", 1)
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/versions")


async def test_a_published_flow_is_at_once_a_model_and_a_draft_is_none(door: Door) -> None:
    question = [{"role": "user", "content": "What?"}]

    async def ask(client: httpx.AsyncClient, model: str) -> httpx.Response:
        return await client.post("/v1/chat/completions", json={"model": model, "messages": question})

    async def models(client: httpx.AsyncClient) -> set[str]:
        return {model["id"] for model in (await client.get("/v1/models")).json()["data"]}

    async with door.owner() as client:
        created = (await client.post("/api/flows", json=document())).json()
        assert "flow/mine" not in await models(client)
        early = await ask(client, "flow/mine")
        assert (early.status_code, "publish one" in early.text) == (404, True)
        assert (await ask(client, "flow/mine@draft")).status_code == 200
        await client.post("/api/flows/mine/publish", json={"version": 1})
        assert "flow/mine" in await models(client)
        for name in ("flow/mine", "flow/mine@1", f"flow/mine@{created['flow_hash'][:12]}"):
            answered = await ask(client, name)
            assert (answered.status_code, answered.json().get("model")) == (200, name), answered.text
        assert (await ask(client, "flow/mine@2")).status_code == 404
        await client.post("/api/flows/mine/publish", json={"version": None})
        assert "flow/mine" not in await models(client)


async def test_a_model_that_names_a_version_runs_that_version(door: Door) -> None:
    async with door.owner() as client:
        await made(client, document(), document(says="B {user_input}"))
        await client.post("/api/flows/mine/publish", json={"version": 2})
        ran = {}
        for name in ("flow/mine", "flow/mine@1", "flow/mine@draft"):
            body = {"model": name, "messages": [{"role": "user", "content": "What?"}]}
            answered = (await client.post("/v1/chat/completions", json=body)).json()
            run_id = answered["agent_lab"]["run_id"]
            ran[name] = (await client.get(f"/api/runs/{run_id}")).json()["flow_version"]
    assert ran == {"flow/mine": 2, "flow/mine@1": 1, "flow/mine@draft": 2}


async def test_orchestrate_takes_a_version_of_a_stored_flow(door: Door) -> None:
    async with door.owner() as client:
        await made(client, document(), document(says="B {user_input}"))
        answered = await client.post("/orchestrate", json={"prompt": "What?", "flow_type": "mine@1"})
        missing = await client.post("/orchestrate", json={"prompt": "What?", "flow_type": "mime"})
    assert (answered.status_code, answered.json()["success"]) == (200, True)
    assert (missing.status_code, "did you mean 'mine'" in missing.text) == (404, True)


async def test_the_list_comes_in_pages(door: Door) -> None:
    async with door.owner() as client:
        for number in range(5):
            await made(client, document(f"flow_{number}"))
        everything = [flow["id"] for flow in (await client.get("/api/flows")).json()["flows"]]
        seen: list[str] = []
        cursor = ""
        while cursor is not None:
            page = (await client.get("/api/flows?limit=3", params={"cursor": cursor} if cursor else {})).json()
            seen += [flow["id"] for flow in page["flows"]]
            cursor = page["next_cursor"]
    assert seen == everything


async def test_a_flow_of_ten_thousand_nodes_is_saved_and_larger_bodies_are_refused(door: Door) -> None:
    nodes = [
        {"id": f"n{i}", "kind": "generate", "prompt": "Say more about this: {user_input}. " * 4} for i in range(10_000)
    ]
    edges = [{"from": f"n{i}", "to": f"n{i + 1}"} for i in range(9_999)]
    large = {"id": "mine", "name": "Large", "nodes": nodes, "edges": edges, "limits": {"max_steps": 10_000}}
    assert 2_000_000 < len(json.dumps(large)) < MAX_BYTES
    async with door.owner() as client:
        await made(client, large)
        assert (await client.get("/api/flows/mine")).json() == large
        refused = await client.post("/api/flows", json=document(says="x" * MAX_BYTES))
    assert refused.status_code == 413


async def test_every_answer_about_a_stored_flow_says_its_revision(door: Door) -> None:
    async with door.owner() as client:
        await made(client, document(), document(says="B {user_input}"))
        answers = [
            await client.get(f"/api/flows/mine{path}")
            for path in ("", "?version=1", "/versions", "/versions/1", "/difference?from=1&to=2", "/export")
        ]
        answers += [await client.get("/api/flows/mine/export?versions=true")]
    assert {answer.headers["etag"] for answer in answers} == {'"2"'}


@pytest.mark.parametrize("body", ["[]", "null", '"x"', "{}", '{"id": "../x"}', '{"id": 5}'])
async def test_what_is_no_flow_at_all_is_refused(door: Door, body: str) -> None:
    async with door.owner(**{"Content-Type": "application/json"}) as client:
        for path in ("/api/flows", "/api/flows/import"):
            response = await client.post(path, content=body)
            assert response.status_code == 422, path
            assert response.json()["detail"]


@pytest.mark.parametrize("flow_id", ["x" * 300, "%00", "a%2Fb", "..%2F..", "%F0%9F%98%80", "mine@1@2", "@"])
async def test_odd_ids_are_unknown_flows(door: Door, flow_id: str) -> None:
    async with door.owner() as client:
        await made(client, document())
        for response in (
            await client.get(f"/api/flows/{flow_id}"),
            await client.get(f"/api/flows/{flow_id}/versions"),
            await client.get(f"/api/flows/{flow_id}/versions/1"),
            await client.delete(f"/api/flows/{flow_id}"),
            await client.put(f"/api/flows/{flow_id}", json=document()),
        ):
            assert response.status_code in {404, 422}, response.request.url


async def test_a_flow_that_is_published_from_the_command_line_is_there_while_the_server_runs(
    door: Door, tmp_path: Path
) -> None:
    (tmp_path / "mine.json").write_text(json.dumps(document()))
    command = [sys.executable, "-m", "agent_lab", "flows", "save", str(tmp_path / "mine.json"), "--publish"]
    environ = os.environ | {"AGENT_LAB_HOME": str(tmp_path / "home")}
    async with door.owner() as client:
        assert (await client.get("/api/flows/mine")).status_code == 404
        saving = await asyncio.create_subprocess_exec(*command, env=environ)
        assert await saving.wait() == 0
        assert (await run(client, "mine"))["flow_version"] == 1
        assert "flow/mine" in {model["id"] for model in (await client.get("/v1/models")).json()["data"]}


async def test_autosaves_make_room_for_each_other_and_a_run_of_one_goes_on(door: Door) -> None:
    async with door.owner() as client:
        await made(client, document())
        etag = (await client.get("/api/flows/mine")).headers["etag"]

        async def autosave(says: str) -> httpx.Response:
            nonlocal etag
            body, match = document(says=says), {"If-Match": etag}
            saved = await client.put("/api/flows/mine?autosave=true", json=body, headers=match)
            etag = saved.headers["etag"]
            return saved

        await autosave("A {user_input}")
        second = await autosave("B {user_input}")
        gone = await client.get("/api/flows/mine", params={"version": "2"})
        tried = await run(client, "mine@draft")
        await autosave("C {user_input}")
        await autosave("D {user_input}")
        listed = (await client.get("/api/flows/mine/versions")).json()["versions"]
        forked = await client.post(f"/api/runs/{tried['run_id']}/fork", json={"prompt": "And now?"})
        stale = await client.put(
            "/api/flows/mine?autosave=true", json=document(), headers={"If-Match": second.headers["etag"]}
        )
    assert (second.json()["version"], gone.status_code) == (3, 404)
    assert "a later one took its place" in gone.json()["detail"]
    assert (tried["status"], tried["flow_version"]) == ("completed", 3)
    assert [(one["number"], one["autosaved"]) for one in listed] == [(5, True), (3, True), (1, False)]
    assert (forked.status_code, stale.status_code) == (202, 412)


async def test_where_nodes_are_drawn_is_kept_and_told_as_one_change(door: Door) -> None:
    async with door.owner() as client:
        await made(client, document(), document(layout={"speaker": {"x": 10, "y": -20.5}}))
        kept = (await client.get("/api/flows/mine")).json()
        exported = (await client.get("/api/flows/mine/export")).json()
        changed = (await client.get("/api/flows/mine/difference?from=1&to=2")).json()
        far = await client.post("/api/flows/validate", json=document(layout={"speaker": {"x": 1e9, "y": 0}}))
        nobody = await client.post("/api/flows/validate", json=document(layout={"speeker": {"x": 1, "y": 0}}))
    assert kept["layout"] == exported["layout"] == {"speaker": {"x": 10, "y": -20.5}}
    assert (changed["layout"], changed["changes"], changed["text"]) == (True, [], "~ layout")
    assert [problem["path"] for problem in far.json()["problems"]] == ["/layout/speaker/x"]
    problem = nobody.json()["problems"][0]
    assert (nobody.json()["valid"], problem["path"], problem["severity"]) == (True, "/layout/speeker", "warning")
    assert "did you mean 'speaker'" in problem["message"]


async def test_notes_are_kept_exported_and_refused_where_they_are_too_many_or_too_long(door: Door) -> None:
    note = {"text": "Two rounds are **enough**.", "x": 10, "y": -20, "width": 300, "tone": "accent"}
    async with door.owner() as client:
        await made(client, document(), document(notes={"why": note}))
        exported = (await client.get("/api/flows/mine/export")).json()
        changed = (await client.get("/api/flows/mine/difference?from=1&to=2")).json()
        many = await client.post("/api/flows/validate", json=document(notes={f"n_{n}": note for n in range(201)}))
        long = await client.post("/api/flows/validate", json=document(notes={"why": note | {"text": "x" * 10_001}}))
        red = await client.post("/api/flows/validate", json=document(notes={"why": note | {"tone": "red"}}))
    assert exported["notes"] == {"why": note}
    assert [one["path"] for one in changed["changes"]] == ["/notes/why/text"]
    found = [answer.json()["problems"][0] for answer in (many, long, red)]
    assert [problem["path"] for problem in found] == ["/notes", "/notes/why/text", "/notes/why/tone"]
    assert "200" in found[0]["message"]
    assert "10000" in found[1]["message"].replace(",", "")
    assert "accent" in found[2]["message"]
