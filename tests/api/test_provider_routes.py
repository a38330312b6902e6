"""Who the providers are, whose key is there, and whether they answer."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent_lab.lab.connections import PER_MINUTE
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.settings import read_settings
from agent_lab.storage.access_keys import AccessKeys
from agent_lab.wiring import build_app, open_lab
from api.doors import TOKEN, Door, open_door
from support.vendor_server import VendorServer, vendor_server

CANARY = "canary-0123456789-abcdef"


def rows(url: str, *, tried_with: str = "models") -> str:
    return f"""
[[provider]]
key = "box"
kind = "openai_compatible"
base_url = "{url}/v1"
key_env = "BOX_API_KEY"
tried_with = "{tried_with}"

[[provider]]
key = "open-box"
kind = "openai_compatible"
base_url = "{url}/v1"

[[model]]
key = "boxed"
provider = "box"
model_id = "big-1"
cost_profile = {{ input_usd_per_mtok = 1, output_usd_per_mtok = 2 }}
"""


@asynccontextmanager
async def at_vendor(
    tmp_path: Path, *, tried_with: str = "models", **vendor: Any
) -> AsyncIterator[tuple[Door, VendorServer]]:
    """A lab whose gateway is its own, with that vendor at its end."""
    home = tmp_path / "home"
    home.mkdir()
    async with vendor_server(**vendor) as server:
        (home / "box.toml").write_text(rows(server.url, tried_with=tried_with))
        reading = read_settings({"AGENT_LAB_HOME": str(home)}, dotenv=home / "no.env")
        async with open_lab(reading) as lab:
            yield Door(lab, ScriptedProvider(), build_app(lab, token=TOKEN)), server


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BOX_API_KEY", CANARY)
    return monkeypatch


async def listed(door: Door) -> dict[str, dict[str, Any]]:
    async with door.owner() as owner:
        response = await owner.get("/api/providers")
    assert CANARY not in response.text
    return {one["name"]: one for one in response.json()["providers"]}


async def outcome_of(door: Door, name: str) -> dict[str, Any]:
    async with door.owner() as owner:
        response = await owner.post(f"/api/providers/{name}/test")
    assert CANARY not in response.text
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


async def test_each_provider_is_told_with_its_host_and_whether_its_key_is_there(tmp_path: Path) -> None:
    async with at_vendor(tmp_path) as (door, server):
        told = await listed(door)
    box = told["box"]
    assert (box["key"], box["key_name"], box["key_origin"]) == ("present", "BOX_API_KEY", "environment")
    assert (box["host"], box["state"], box["models"]) == (
        f"127.0.0.1:{server.port}",
        "ready",
        [{"key": "boxed", "breaker": None}],
    )
    free = told["open-box"]
    assert (free["key"], free["state"], free["models"]) == ("not needed", "ready", [])
    assert (told["openai"]["key"], told["openai"]["state"]) == ("missing", "no key")
    assert "Put OPENAI_API_KEY into " in told["openai"]["why_not"]
    assert str(tmp_path / "home" / "no.env") in told["openai"]["why_not"]
    assert told["local"]["protocol"] == "local"


async def test_a_key_of_the_file_is_told_as_such(tmp_path: Path, keys: pytest.MonkeyPatch) -> None:
    keys.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "no.env").write_text(f"ANTHROPIC_API_KEY={CANARY}\n")
    async with open_door(tmp_path / "home") as door:
        told = await listed(door)
    assert (told["anthropic"]["key"], told["anthropic"]["key_origin"]) == ("present", ".env")


async def test_a_model_that_failed_is_told_with_its_breaker(door: Door) -> None:
    async with door.owner() as owner:
        await owner.post("/inference", json={"prompt": "Hello", "model": "voice"})
    told = await listed(door)
    assert {"key": "voice", "breaker": "closed"} in told["scripted"]["models"]


async def test_a_vendor_that_answers_is_said_to(tmp_path: Path) -> None:
    async with at_vendor(tmp_path) as (door, server):
        told = await outcome_of(door, "box")
        assert [asked.path for asked in server.received] == ["/v1/models"]
        assert server.received[0].headers["authorization"] == f"Bearer {CANARY}"
    assert (told["ok"], told["call"], told["model"]) == (True, "list of models", None)
    assert told["sentence"].endswith("answers with the key in BOX_API_KEY and lists 2 models.")
    assert 0 < told["seconds"] < 15


async def test_a_vendor_that_refuses_the_key_is_said_to(tmp_path: Path) -> None:
    async with at_vendor(tmp_path, status="401 Unauthorized", body=f"no such key: {CANARY}") as (door, _):
        told = await outcome_of(door, "box")
    assert (told["ok"], told["call"]) == (False, "list of models")
    assert "does not accept the key in BOX_API_KEY" in told["sentence"]


async def test_a_vendor_that_lists_to_everybody_is_asked_for_its_key(tmp_path: Path) -> None:
    async with at_vendor(tmp_path, tried_with="key") as (door, server):
        told = await outcome_of(door, "box")
        assert [asked.path for asked in server.received] == ["/v1/key"]
    assert (told["ok"], told["call"]) == (True, "key")


async def test_a_server_without_a_list_is_asked_for_one_token_or_for_a_row(tmp_path: Path) -> None:
    async with at_vendor(tmp_path, models=None, text="yes") as (door, server):
        told = await outcome_of(door, "box")
        without = await outcome_of(door, "open-box")
        assert [asked.path for asked in server.received] == ["/v1/models", "/v1/chat/completions", "/v1/models"]
        assert server.received[1].body["max_tokens"] == 1
    assert (told["ok"], told["call"], told["model"]) == (True, "one token", "boxed")
    assert (without["ok"], without["call"]) == (False, "nothing")
    assert "add one" in without["sentence"]


async def test_a_provider_without_its_key_is_not_called(door: Door) -> None:
    told = await outcome_of(door, "openai")
    assert (told["ok"], told["call"], told["seconds"]) == (False, "nothing", 0)
    assert told["sentence"].startswith("Put OPENAI_API_KEY into ")
    scripted = await outcome_of(door, "scripted")
    assert (scripted["ok"], scripted["call"]) == (True, "nothing")


async def test_an_unknown_provider_is_answered_with_the_nearest(door: Door) -> None:
    async with door.owner() as owner:
        response = await owner.post("/api/providers/opnai/test")
    assert response.status_code == 404
    assert "openai" in response.json()["detail"]


async def test_only_the_owner_tests_connections(door: Door) -> None:
    key = AccessKeys(door.lab.settings.config_dir).add("ci")[1]
    async with door.client(Authorization=f"Bearer {key}") as guest:
        assert (await guest.get("/api/providers")).status_code == 200
        refused = await guest.post("/api/providers/local/test")
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (403, "owners-only")


async def test_connections_are_not_tested_without_end(tmp_path: Path) -> None:
    async with at_vendor(tmp_path) as (door, _), door.owner() as owner:
        answers = [await owner.post("/api/providers/box/test") for _ in range(PER_MINUTE + 1)]
    assert [one.status_code for one in answers] == [200] * PER_MINUTE + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert json.loads(answers[-1].text)["type"].endswith(":rate-limited")


async def test_models_of_this_machine_are_tried_with_one_token_of_the_built_in_one(tmp_path: Path) -> None:
    async with at_vendor(tmp_path) as (door, _):
        told = await outcome_of(door, "local")
    assert (told["ok"], told["call"], told["model"]) == (True, "one token", "demo")
