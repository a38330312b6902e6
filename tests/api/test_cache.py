"""Local models are loaded, shown and put out of memory over HTTP."""

import json
from pathlib import Path

from api.doors import open_door

pytest_plugins = ("support.tiny_fixtures",)


def row(folder: Path) -> str:
    return f"""
[[model]]
key = "tiny"
name = "Tiny"
family = "llama"
provider = "local"
model_id = {json.dumps(str(folder))}
context_window = 256
default_strategy = "standard"
"""


async def test_a_local_model_is_loaded_shown_and_put_out_again(tmp_path: Path, tiny_folder: Path) -> None:
    async with open_door(tmp_path / "home", more_models=row(tiny_folder)) as door, door.owner() as owner:
        before = (await owner.get("/models/tiny")).json()
        loaded = await owner.post("/models/tiny/load")
        named = await owner.post("/models/tiny/load", json={"strategy": "no-such-strategy"})
        shown = (await owner.get("/cache")).json()
        during = (await owner.get("/models/tiny")).json()
        health = (await owner.get("/health")).json()
        gone = await owner.delete("/cache/tiny")
        again = await owner.delete("/cache/tiny")
        await owner.post("/models/tiny/load", json={})
        cleared = await owner.post("/cache/clear")
        after = (await owner.get("/cache")).json()
    assert loaded.status_code == 200, loaded.text
    assert (loaded.json()["model_key"], loaded.json()["in_use"]) == ("tiny", 0)
    assert loaded.json()["size_gb"] > 0
    assert (named.status_code, "no-such-strategy" in named.json()["detail"]) == (404, True)
    assert [model["model_key"] for model in shown["models"]] == health["models_loaded"] == ["tiny"]
    assert shown["memory"]["used_by_models_gb"] > 0
    assert (before["loaded"], during["loaded"]) == (False, True)
    assert gone.json() == cleared.json() == {"unloaded": ["tiny"]}
    assert again.status_code == 404
    assert after["models"] == []


async def test_a_model_whose_weights_are_not_there_says_what_is_missing(tmp_path: Path) -> None:
    async with open_door(tmp_path / "home", more_models=row(tmp_path / "nowhere")) as door, door.owner() as owner:
        response = await owner.post("/models/tiny/load")
        cache = (await owner.get("/cache")).json()
    assert response.status_code in {422, 503}
    assert response.headers["content-type"] == "application/problem+json"
    assert "nowhere" in response.json()["detail"]
    assert cache["models"] == []
