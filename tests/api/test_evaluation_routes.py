"""Evaluations and datasets over HTTP: estimated, started, read in every way, stopped, taken up, imported, refused."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_lab.providers.scripted import ScriptedProvider
from api.doors import PATIENT_S, Door, open_door

ITEMS = [{"id": str(place), "input": f"{place} + 30?", "target": str(place + 30)} for place in range(8)]
ROLES = {
    "creator": "12 + 30 = 32\nAnswer: 32",
    "challenger": "12 + 30 is 42.",
    "refiner": "Answer: 37",
    "*": "Answer: 31",
}
ARMS = [
    {"kind": "flow", "name": "challenge", "flow": "challenge"},
    {"kind": "single", "name": "one", "like": "challenge"},
]
SPEC = {"dataset": "sums", "arms": ARMS, "baseline": "one"}


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(tmp_path / "home", ScriptedProvider(ROLES)) as opened:
        yield opened


@pytest.fixture
async def client(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with door.owner() as opened:
        kept = await opened.post("/api/datasets", json={"name": "sums", "text": lines()})
        assert kept.status_code == 201, kept.text
        yield opened


def lines(items: list[dict[str, str]] = ITEMS) -> str:
    return "".join(json.dumps(item) + "\n" for item in items)


async def ended(client: httpx.AsyncClient, evaluation_id: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENT_S):
        while True:
            info = (await client.get(f"/api/evaluations/{evaluation_id}")).json()
            if info["status"] not in {"queued", "running"}:
                return info  # type: ignore[no-any-return]
            await asyncio.sleep(0.05)


async def evaluated(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    started = await client.post("/api/evaluations", json=SPEC | changes)
    assert started.status_code == 202, started.text
    assert started.headers["Location"] == f"/api/evaluations/{started.json()['evaluation_id']}"
    return await ended(client, started.json()["evaluation_id"])


async def test_a_dataset_is_looked_at_before_it_is_kept_and_then_listed_read_and_forgotten(
    client: httpx.AsyncClient,
) -> None:
    upload = {"name": "other", "text": "q,a\n1 + 1?,2\n2 + 2?,4\n", "input_column": "q", "target_column": "a"}
    seen = (await client.post("/api/datasets/preview", json=upload)).json()
    assert [item["target"] for item in seen["items"]] == ["2", "4"]
    assert seen["dataset"]["items"] == 2
    names = [one["name"] for one in (await client.get("/api/datasets")).json()["datasets"]]
    assert "sums" in names
    assert "other" not in names
    assert (await client.post("/api/datasets", json=upload)).status_code == 201
    first = (await client.get("/api/datasets/other/items", params={"limit": 1})).json()
    rest = (await client.get("/api/datasets/other/items", params={"cursor": first["next_cursor"]})).json()
    assert [one["input"] for one in (*first["items"], *rest["items"])] == ["1 + 1?", "2 + 2?"]
    assert rest["next_cursor"] is None
    assert (await client.delete("/api/datasets/other")).status_code == 204
    assert (await client.get("/api/datasets/other/items")).status_code == 404


async def test_the_built_in_problems_are_a_dataset_that_is_always_there(door: Door) -> None:
    async with door.owner() as client:
        items = (await client.get("/api/datasets/demo/items", params={"limit": 2})).json()
        assert len(items["items"]) == 2
        assert items["dataset"]["items"] >= 500
        assert all(item["target"] for item in items["items"])


async def test_an_evaluation_is_estimated_started_and_read_in_every_way(client: httpx.AsyncClient) -> None:
    estimate = (await client.post("/api/evaluations/estimate", json=SPEC)).json()
    assert (estimate["items"], estimate["cells"]) == (8, 16)
    assert 0 < estimate["smallest_difference"] <= 1
    info = await evaluated(client)
    assert (info["status"], info["progress"]["cells"]) == ("completed", 16)
    path = f"/api/evaluations/{info['evaluation_id']}"
    listed = (await client.get("/api/evaluations")).json()
    assert [one["evaluation_id"] for one in listed["evaluations"]] == [info["evaluation_id"]]
    assert listed["next_cursor"] is None
    report = (await client.get(f"{path}/report")).json()
    # Of eight sums the refiner's 37 is right once, the creator's 32 once: at 7 and at 2.
    assert {arm["arm"]: arm["mean_score"] for arm in report["arms"]} == {"challenge": 0.125, "one": 0.125}
    differ = (await client.get(f"{path}/items", params={"only": "differ", "arm": "challenge", "against": "one"})).json()
    assert [row["item"]["id"] for row in differ["items"]] == ["2", "7"]
    assert differ["items"][1]["marks"]["challenge"] == {"score": 1.0, "samples": 1, "failed": 0, "choice": "37"}
    better = {"only": "arm_better", "arm": "challenge", "against": "one"}
    assert [row["item"]["id"] for row in (await client.get(f"{path}/items", params=better)).json()["items"]] == ["7"]
    assert (await client.get(f"{path}/items", params={"q": "5 + 30"})).json()["found"] == 1
    item = (await client.get(f"{path}/item", params={"id": "7"})).json()
    assert {cell["arm"]: cell["choice"] for cell in item["cells"]} == {"challenge": "37", "one": "32"}
    compared = (await client.get(f"{path}/compare", params={"arm": "one", "against": "challenge"})).json()
    assert (compared["only_arm"], compared["only_against"], compared["difference"]) == (1, 1, 0.0)
    gate = (await client.get(f"{path}/gate", params={"arm": "challenge"})).json()
    assert gate["passed"] is True
    assert gate["difference"]["against"] == "one"


async def test_answers_come_in_pages_that_miss_and_repeat_none(client: httpx.AsyncClient) -> None:
    info = await evaluated(client)
    path, cursor, seen = f"/api/evaluations/{info['evaluation_id']}/cells", None, []
    for _page in range(10):
        query = {"limit": 5} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(path, params=query)).json()
        seen += [(cell["arm"], cell["item"]) for cell in page["cells"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 16
    one = (await client.get(path, params={"arm": "one", "item": "3"})).json()["cells"]
    assert [(cell["arm"], cell["item"]) for cell in one] == [("one", "3")]
    wrong = await client.get(path, params={"cursor": "x"})
    assert (wrong.status_code, wrong.json()["where"]) == (422, "cursor")


@pytest.mark.parametrize(
    ("form", "kind", "opening"), [("markdown", "text/markdown", "#"), ("html", "text/html", "<!doctype html>")]
)
async def test_a_report_is_also_a_file_to_keep(client: httpx.AsyncClient, form: str, kind: str, opening: str) -> None:
    info = await evaluated(client)
    answer = await client.get(f"/api/evaluations/{info['evaluation_id']}/report", params={"format": form})
    assert answer.headers["content-type"].startswith(kind)
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.text.lower().startswith(opening)
    assert "challenge" in answer.text


async def test_the_same_press_is_one_evaluation(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "one-press"}
    answers = await asyncio.gather(*(client.post("/api/evaluations", json=SPEC, headers=key) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["evaluation_id"] for answer in answers}) == 1
    other = await client.post("/api/evaluations", json=SPEC | {"seed": 1}, headers=key)
    assert (other.status_code, other.json()["where"]) == (422, "Idempotency-Key")
    await ended(client, answers[0].json()["evaluation_id"])


async def test_a_key_of_what_could_not_begin_may_be_used_again(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "twice"}
    refused = await client.post("/api/evaluations", json=SPEC | {"dataset": "none"}, headers=key)
    assert refused.status_code == 404
    taken = await client.post("/api/evaluations", json=SPEC, headers=key)
    assert taken.status_code == 202
    await ended(client, taken.json()["evaluation_id"])


async def test_one_that_was_stopped_is_taken_up_and_ends_and_can_be_deleted(tmp_path: Path) -> None:
    gate = asyncio.Event()
    provider = ScriptedProvider(ROLES, gate=gate)
    async with open_door(tmp_path / "home", provider) as door, door.owner() as client:
        await client.post("/api/datasets", json={"name": "sums", "text": lines()})
        started = (await client.post("/api/evaluations", json=SPEC)).json()
        path = f"/api/evaluations/{started['evaluation_id']}"
        assert (await client.delete(path)).status_code == 409
        assert (await client.post(f"{path}/cancel")).json()["status"] == "cancelled"
        assert (await client.post(f"{path}/cancel")).status_code == 409
        gate.set()
        resumed = await client.post(f"{path}/resume", json={"budget_usd": 2.5})
        assert resumed.status_code == 202, resumed.text
        info = await ended(client, started["evaluation_id"])
        assert (info["status"], info["progress"]["cells"]) == ("completed", 16)
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).status_code == 404


async def test_answers_made_elsewhere_are_held_against_each_other(client: httpx.AsyncClient) -> None:
    arms = [{"kind": "imported", "name": name} for name in ("right", "wrong")]
    answers = {
        "right": [{"item": item["id"], "answer": f"Answer: {item['target']}"} for item in ITEMS],
        "wrong": [{"item": item["id"], "answer": "Answer: 0"} for item in ITEMS],
    }
    body = {"spec": {"dataset": "sums", "arms": arms, "baseline": "wrong"}, "answers": answers}
    made = await client.post("/api/evaluations/import", json=body)
    assert made.status_code == 201, made.text
    info = await ended(client, made.json()["evaluation_id"])
    report = (await client.get(f"/api/evaluations/{info['evaluation_id']}/report")).json()
    assert {arm["arm"]: arm["mean_score"] for arm in report["arms"]} == {"right": 1.0, "wrong": 0.0}
    assert report["differences"][0]["verdict"] == "better"


async def test_a_file_of_answers_is_read_before_it_is_imported(client: httpx.AsyncClient) -> None:
    rows = [{"question": item["input"], "mine": f"Answer: {item['target']}", "theirs": "0"} for item in ITEMS]
    file = {"name": "theirs", "text": lines(rows[:-1]), "dataset": "sums"}
    read = await client.post("/api/evaluations/import/read", json=file)
    assert read.status_code == 200, read.text
    told = read.json()
    assert (told["dataset"]["name"], told["samples"], len(told["items"])) == ("sums", 1, 5)
    assert [len(told["answers"][arm]) for arm in ("mine", "theirs")] == [8, 8]
    assert told["answers"]["mine"][-1] | {"answer": None} == told["answers"]["mine"][-1]
    assert [warning.split(";")[0] for warning in told["warnings"]] == [
        f"{arm}: 1 of 8 answers are missing and count as wrong (7)." for arm in ("mine", "theirs")
    ]
    arms = [{"kind": "imported", "name": name, "source": "theirs.jsonl"} for name in told["answers"]]
    spec = {"dataset": "sums", "arms": arms, "baseline": "theirs"}
    made = await client.post("/api/evaluations/import", json={"spec": spec, "answers": told["answers"]})
    assert made.status_code == 201, made.text
    info = await ended(client, made.json()["evaluation_id"])
    report = (await client.get(f"/api/evaluations/{info['evaluation_id']}/report")).json()
    assert {arm["arm"]: arm["mean_score"] for arm in report["arms"]} == {"mine": 0.875, "theirs": 0.0}


async def test_each_line_of_answers_that_does_not_fit_is_told(client: httpx.AsyncClient) -> None:
    rows = [{"id": "0", "answer": "30"}, {"id": "0", "answer": "31"}, {"id": "90", "answer": "32"}]
    file = {"name": "theirs", "text": lines(rows), "dataset": "sums"}
    read = await client.post("/api/evaluations/import/read", json=file)
    assert (read.status_code, [one["pointer"] for one in read.json()["errors"]]) == (422, ["/2", "/3"])
    assert "no item '90'" in read.json()["errors"][1]["detail"]
    comma = [{"id": "0", "arm": "a, b", "answer": "30"}]
    refused = await client.post("/api/evaluations/import/read", json=file | {"text": json.dumps(comma)})
    assert (refused.status_code, "a, b" in refused.json()["detail"]) == (422, True), refused.text
    lost = await client.post("/api/evaluations/import/read", json=file | {"dataset": "sumz"})
    assert (lost.status_code, "sums" in lost.json()["detail"]) == (404, True)


async def test_the_questions_of_a_file_of_answers_are_kept_when_that_is_said(client: httpx.AsyncClient) -> None:
    rows = [{**item, "output": "Answer: 30"} for item in ITEMS]
    file = {"name": "theirs", "text": lines(rows)}

    async def names() -> set[str]:
        return {one["name"] for one in (await client.get("/api/datasets")).json()["datasets"]}

    read = await client.post("/api/evaluations/import/read", json=file)
    assert (read.json()["dataset"]["items"], list(read.json()["answers"])) == (8, ["theirs"])
    assert "theirs" not in await names()
    await client.post("/api/evaluations/import/read", json=file | {"keep": True})
    assert "theirs" in await names()


async def test_what_does_not_go_together_is_told_with_its_place(client: httpx.AsyncClient) -> None:
    twice = await client.post("/api/evaluations", json=SPEC | {"arms": [ARMS[0], ARMS[0]], "baseline": "auto"})
    assert twice.status_code == 422
    assert "'challenge'" in twice.json()["detail"]
    lost = await client.post("/api/evaluations/estimate", json=SPEC | {"dataset": "sumz"})
    assert (lost.status_code, "sums" in lost.json()["detail"]) == (404, True)
    arms = [{"kind": "flow", "name": "a", "flow": "challange"}]
    unknown = await client.post("/api/evaluations", json={"dataset": "sums", "arms": arms})
    assert (unknown.status_code, "challenge" in unknown.json()["detail"]) == (404, True)
    bad = await client.post("/api/datasets/preview", json={"name": "a", "text": '{"input": "x"}\nnot json\n'})
    assert (bad.status_code, "2" in bad.text) == (422, True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/report"),
        ("GET", "/cells"),
        ("GET", "/items"),
        ("GET", "/item?id=1"),
        ("GET", "/gate?arm=a"),
        ("GET", "/compare?arm=a&against=b"),
        ("POST", "/cancel"),
        ("POST", "/resume"),
        ("DELETE", ""),
    ],
)
async def test_what_is_not_there_is_not_found(door: Door, method: str, path: str) -> None:
    async with door.owner() as client:
        answer = await client.request(method, f"/api/evaluations/eval_none{path}")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:agent-lab:problem:not-found"), answer.text


async def test_an_access_key_reads_and_neither_spends_nor_writes(door: Door, client: httpx.AsyncClient) -> None:
    info = await evaluated(client)
    path = f"/api/evaluations/{info['evaluation_id']}"
    secret = door.lab.access_keys.add("ci")[1]
    async with door.client(Authorization=f"Bearer {secret}") as other:
        for read in ("/api/evaluations", "/api/datasets", "/api/badges", path, f"{path}/report", f"{path}/items"):
            assert (await other.get(read)).status_code == 200, read
        assert (await other.post("/api/evaluations/estimate", json=SPEC)).status_code == 200
        refused = [
            await other.post("/api/evaluations", json=SPEC),
            await other.post("/api/evaluations/import", json={"spec": SPEC, "answers": {"one": []}}),
            await other.post("/api/evaluations/import/read", json={"name": "a", "text": lines(), "keep": True}),
            await other.post(f"{path}/cancel"),
            await other.post(f"{path}/resume"),
            await other.delete(path),
            await other.post("/api/datasets", json={"name": "a", "text": lines()}),
            await other.delete("/api/datasets/sums"),
        ]
    assert [answer.json()["type"] for answer in refused] == ["urn:agent-lab:problem:owners-only"] * len(refused)


async def test_an_access_key_has_less_read_than_the_owner(
    door: Door, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_lab.lab.body.MAX_BODY_BYTES_OF_KEYS", 100_000)
    text = "".join(json.dumps({"id": str(place), "answer": "x" * 20_000}) + "\n" for place in range(8))
    asked = {"name": "theirs", "text": text, "dataset": "sums"}
    secret = door.lab.access_keys.add("ci")[1]
    async with door.client(Authorization=f"Bearer {secret}") as other:
        for path, sent in (("import/read", asked), ("import", {"spec": SPEC, "answers": {"one": [{"item": text}]}})):
            refused = await other.post(f"/api/evaluations/{path}", json=sent)
            assert (refused.status_code, refused.json()["type"]) == (413, "urn:agent-lab:problem:too-large")
        assert (await other.post("/api/datasets/preview", json={"name": "a", "text": text})).status_code == 413
    read = await client.post("/api/evaluations/import/read", json=asked)
    assert read.status_code == 200, read.text


async def test_a_flow_says_whether_it_was_worth_it_once_it_was_held_against_its_baseline(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.get("/api/flows/challenge/badge")).json() == {"badge": None}
    assert (await client.get("/api/flows/none_such/badge")).status_code == 404
    info = await evaluated(client, arms=ARMS[:1], baseline="auto")
    badge = (await client.get("/api/flows/challenge/badge")).json()["badge"]
    assert (badge["flow"], badge["evaluation_id"]) == ("challenge", info["evaluation_id"])
    assert [one["flow"] for one in (await client.get("/api/badges")).json()["badges"]] == ["challenge"]
    assert info["outcomes"][0]["arm"] == "challenge"


async def test_a_flow_tells_what_its_own_runs_say_for_nothing(door: Door, client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/flows/challenge/tally")).json()["now"] is None
    run = (await client.post("/api/runs", json={"flow": "challenge", "prompt": "7 + 30?"})).json()
    await door.lab.runs.wait(run["run_id"])
    tally = (await client.get("/api/flows/challenge/tally")).json()["now"]
    assert (tally["runs"], tally["first_draft"]["other"]) == (1, 1)
    assert (await client.get("/api/flows/none_such/tally")).status_code == 404
