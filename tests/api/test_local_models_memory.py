"""What is told of local models in memory over HTTP, keeping them there, and putting them out of it."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from agent_lab.contracts.ports import DeviceMemory, LoadProgress, LocalFigures
from api.doors import until
from api.test_local_models import served
from support.scripted_host import ScriptedHost


async def test_a_model_is_pinned_and_let_go_again(tmp_path: Path) -> None:
    async with served(tmp_path / "home", ScriptedHost()) as lab:
        early = await lab.owner.put("/models/big/pin")
        await lab.owner.post("/models/big/load")
        pinned = await lab.owner.put("/models/big/pin")
        shown = (await lab.owner.get("/models")).json()["models"]
        loose = await lab.owner.delete("/models/big/pin")
        hosted = await lab.owner.put("/models/voice/pin")
        unknown = await lab.owner.delete("/models/bug/pin")
    assert (early.status_code, "in memory" in early.json()["detail"]) == (404, True)
    assert (pinned.status_code, pinned.json()["pinned"], loose.json()["pinned"]) == (200, True, False)
    assert [model["key"] for model in shown if model["pinned"]] == ["big"]
    assert (hosted.status_code, unknown.status_code) == (422, 404)


async def test_an_adapter_is_pinned_with_the_model_that_it_is_put_on(tmp_path: Path) -> None:
    async with served(tmp_path / "home", ScriptedHost()) as lab:
        await lab.owner.post("/models/big/load")
        pinned = await lab.owner.put("/models/tuned/pin")
    assert (pinned.json()["model_key"], pinned.json()["pinned"]) == ("big", True)


async def test_the_registry_says_of_a_local_model_what_it_is_and_where_it_stands(tmp_path: Path) -> None:
    host = ScriptedHost(patient=True)
    async with served(tmp_path / "home", host) as lab:
        lab.elsewhere.append(LoadProgress(model_key="big", stage="fetching", done_bytes=5, total_bytes=10))
        before = (await lab.owner.get("/models/big")).json()
        lab.elsewhere.clear()
        asking = asyncio.create_task(lab.owner.post("/models/big/load"))
        await until(lambda: host.begun == ["big"])
        host.finish("big", adapters=("tuned",))
        await asking
        tuned = (await lab.owner.get("/models/tuned")).json()
        hosted = (await lab.owner.get("/models/voice")).json()
    assert (before["loading"]["stage"], before["loading"]["done_bytes"]) == ("fetching", 5)
    assert before["revision"] == "0123456789abcdef0123456789abcdef01234567"
    assert before["residency"] == {"keep_alive_s": 600, "pinned": False, "warm": False, "worker": True}
    assert (tuned["base"], tuned["loaded"], hosted["residency"]) == ("big", True, None)


async def test_the_cache_tells_every_model_every_device_and_every_count(tmp_path: Path) -> None:
    cards = tuple(
        DeviceMemory(name=f"cuda:{number}", total_gb=24, available_gb=20, limit_gb=19, used_by_models_gb=4.2 * number)
        for number in range(2)
    )
    counts = LocalFigures(hits=7, loads=3, load_s=4.5, evictions=2, refused=1, lost=1, waiting=5)
    host = ScriptedHost(devices=cards, counts=counts)
    async with served(tmp_path / "home", host) as lab:
        await lab.owner.post("/models/big/load")
        lab.elsewhere.append(LoadProgress(model_key="tuned", stage="waiting"))
        told = (await lab.owner.get("/cache")).json()
        health = (await lab.owner.get("/health")).json()
        metrics = (await lab.owner.get("/metrics", headers={"Accept": "application/json"})).status_code
    (model,) = told["models"]
    assert (model["model_key"], model["pinned"], model["worker_pid"], model["adapters"]) == ("big", False, None, [])
    assert [state["model_key"] for state in told["loading"]] == ["tuned"]
    assert told["counts"] == {
        "hits": 7, "loads": 3, "load_s": 4.5, "evictions": 2, "refused": 1, "lost": 1, "waiting": 5,
    }  # fmt: skip
    devices = [(card["name"], card["limit_gb"], card["used_by_models_gb"]) for card in told["memory"]["devices"]]
    assert devices == [("cuda:0", 19, 0), ("cuda:1", 19, 4.2)]
    assert health["gpu"] == told["memory"]
    assert metrics == 200


async def test_a_model_in_use_is_not_put_out(tmp_path: Path) -> None:
    host = ScriptedHost(patient=True)
    async with served(tmp_path / "home", host) as lab:
        asking = asyncio.create_task(lab.owner.post("/models/big/load"))
        await until(lambda: host.begun == ["big"])
        host.finish("big", in_use=1)
        await asking
        refused = await lab.owner.delete("/cache/big")
        cleared = await lab.owner.post("/cache/clear")
        host.models["big"] = replace(host.models["big"], in_use=0)
        gone = await lab.owner.delete("/cache/big")
        again = await lab.owner.delete("/cache/big")
    assert [answer.status_code for answer in (refused, cleared, gone, again)] == [409, 200, 200, 404]
    assert json.loads(cleared.text) == {"unloaded": []}
    assert gone.json() == {"unloaded": ["big"]}
    assert refused.headers["content-type"] == again.headers["content-type"] == "application/problem+json"
