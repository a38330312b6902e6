"""Real checkpoints behind the doors: sixteen who come first share one load, and memory is told as it is."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from api.doors import SIGNED_IN, open_door, serve
from api.test_cache import row
from api.test_events import messages

pytest_plugins = ("support.tiny_fixtures",)
STREAMED = {"Accept": "text/event-stream"}


async def heard(owner: httpx.AsyncClient) -> list[dict[str, Any]]:
    async with owner.stream("POST", "/models/tiny/load", json={"pin": True}, headers=STREAMED) as response:
        return [message async for message in messages(response)]


async def test_sixteen_first_requests_are_one_load_and_a_pin_holds(tmp_path: Path, tiny_folder: Path) -> None:
    async with (
        open_door(tmp_path / "home", more_models=row(tiny_folder)) as door,
        serve(door.app) as url,
        httpx.AsyncClient(base_url=url, headers=SIGNED_IN, timeout=60) as owner,
    ):
        streams, answers = await asyncio.gather(
            asyncio.gather(*(heard(owner) for _ in range(8))),
            asyncio.gather(*(owner.post("/models/tiny/load") for _ in range(8))),
        )
        cache = (await owner.get("/cache")).json()
        entry = (await owner.get("/models/tiny")).json()
        figures = (await owner.get("/metrics", headers={"Accept": "application/json"})).json()["system"]
        unpinned = (await owner.delete("/models/tiny/pin")).json()
        gone = (await owner.delete("/cache/tiny")).json()
        after = (await owner.get("/cache")).json()
    assert [said[-1]["event"] for said in streams] == ["ready"] * 8
    stages = [message["data"]["stage"] for said in streams for message in said[:-1]]
    assert set(stages) <= {"waiting", "fetching", "loading", "ready"}
    assert [answer.status_code for answer in answers] == [200] * 8
    assert (cache["counts"]["loads"], figures["local"]["loads"]) == (1, 1)
    assert (entry["loaded"], entry["pinned"], entry["loading"]) == (True, True, None)
    (device,) = cache["memory"]["devices"]
    assert device["used_by_models_gb"] > 0
    assert figures["devices"][device["name"]]["used_by_models_gb"] == device["used_by_models_gb"]
    assert (unpinned["pinned"], gone) == (False, {"unloaded": ["tiny"]})
    assert (after["models"], after["counts"]["evictions"]) == ([], 0)


async def test_a_file_that_is_damaged_ends_the_stream_with_its_path(tmp_path: Path, copied: Path) -> None:
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    async with (
        open_door(tmp_path / "home", more_models=row(copied)) as door,
        serve(door.app) as url,
        httpx.AsyncClient(base_url=url, headers=SIGNED_IN, timeout=60) as owner,
    ):
        said = await heard(owner)
        demo = await owner.post("/models/demo/load")
        cache = (await owner.get("/cache")).json()
    assert said[-1]["event"] == "error"
    assert (said[-1]["data"]["status"], str(weights) in said[-1]["data"]["detail"]) == (409, True)
    assert demo.status_code == 200
    assert [model["model_key"] for model in cache["models"]] == ["demo"]
