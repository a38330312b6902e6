"""What the server says of its set-up: settings, limits, what a newcomer still needs, and what there is to choose."""

from pathlib import Path
from typing import Any

import pytest

from agent_lab import __version__
from agent_lab.lab.configuration import SECRET, UNUSED
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.registries.reading import read_registries
from agent_lab.settings import KNOWN, Reading, read_settings
from agent_lab.wiring import build_app, open_lab
from api.doors import TOKEN, Door, open_door

CANARY = "canary-0123456789-abcdef"


def reading_of(home: Path, **environ: str) -> Reading:
    home.mkdir(exist_ok=True)
    return read_settings({"AGENT_LAB_HOME": str(home), **environ}, dotenv=home / ".env")


async def asked(reading: Reading, path: str = "/api/settings") -> dict[str, Any]:
    async with open_lab(reading) as lab, Door(lab, ScriptedProvider(), build_app(lab, token=TOKEN)).owner() as owner:
        response = await owner.get(path)
    assert response.status_code == 200, response.text
    assert CANARY not in response.text
    told: dict[str, Any] = response.json()
    return told


async def test_each_setting_is_told_with_its_value_and_where_it_was_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".env").write_text(f"LOG_LEVEL=debug\nANTHROPIC_API_KEY={CANARY}\n")
    told = await asked(reading_of(home, OPENAI_API_KEY=CANARY, AGENT_LAB_MAX_RUNZ="3"))
    shown = {one["name"]: one for one in told["settings"]}
    assert shown.keys() == set(KNOWN)
    assert (shown["LOG_LEVEL"]["value"], shown["LOG_LEVEL"]["origin"]) == ("DEBUG", ".env")
    assert (shown["PORT"]["value"], shown["PORT"]["origin"]) == (None, "default")
    key = {"value": "set", "secret": True, "used": True}
    assert shown["OPENAI_API_KEY"] == {"name": "OPENAI_API_KEY", "origin": "environment", **key}
    assert shown["ANTHROPIC_API_KEY"] == {"name": "ANTHROPIC_API_KEY", "origin": ".env", **key}
    assert {name for name, one in shown.items() if one["secret"]} == SECRET >= {"AGENT_LAB_TOKEN"}
    assert {name for name, one in shown.items() if not one["used"]} == UNUSED
    assert told["warnings"] == ["AGENT_LAB_MAX_RUNZ is not a setting; did you mean AGENT_LAB_MAX_RUNS?"]
    assert told["version"] == __version__
    assert told["places"] == {
        "configuration": str(home),
        "data": str(home),
        "database": str(home / "agent-lab.db"),
        "dotenv": str(home / ".env"),
    }


async def test_the_limits_in_force_are_told(tmp_path: Path) -> None:
    reading = reading_of(
        tmp_path / "home",
        AGENT_LAB_MAX_RUNS="3",
        AGENT_LAB_MAX_QUEUE="7",
        AGENT_LAB_DAILY_BUDGET_USD="2.5",
        MAX_TOKENS_DEFAULT="99",
        REQUEST_TIMEOUT="12",
        MAX_VRAM_USAGE_GB="0.5",
    )
    limits = (await asked(reading))["limits"]
    assert (limits["runs_at_once"], limits["runs_waiting"], limits["daily_budget_usd"]) == (3, 7, 2.5)
    assert (limits["max_tokens"], limits["request_timeout_s"], limits["memory_gb"]) == (99, 12.0, 0.5)
    assert (limits["failures_to_open"], limits["left_alone_s"]) == (3, 60.0)


async def test_a_newcomer_is_told_what_to_write_where_and_it_can_be_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = (await asked(reading_of(home, MODEL_CACHE_DIR=str(tmp_path / "none"))))["first_run"]
    by_kind = {(way["kind"], way["provider"]): way for way in first["ways"]}
    assert list(by_kind) == [("key", "openai"), ("key", "anthropic"), ("hub", None), ("server", None)]
    key = by_kind["key", "openai"]
    assert (key["file"], key["text"]) == (str(home / ".env"), "OPENAI_API_KEY=\n")
    assert "gpt-5-mini" in key["models"]
    for kind in ("hub", "server"):
        way = by_kind[kind, None]
        assert way["file"] == str(home / "models.toml")
        (home / "models.toml").write_text(way["text"])
        read = read_registries(home, warm=(), keep_alive_s=None, plugins=())
        assert read.models.get_model("my-model").provider in {"local", *read.providers}


@pytest.mark.parametrize(
    ("environ", "row", "only"),
    [
        ({}, "", True),
        ({"OPENAI_API_KEY": CANARY}, "", False),
        ({"OPENAI_API_KEY": CANARY, "AGENT_LAB_OFFLINE": "1"}, "", True),
        ({}, '[[model]]\nkey = "mine"\nprovider = "ollama"\n', False),
        ({}, '[[model]]\nkey = "mine"\nprovider = "local"\nmodel_id = "FOLDER"\ncontext_window = 10\n', False),
    ],
)
async def test_it_is_told_while_only_the_demonstration_can_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], row: str, only: bool
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # whatever this machine has fetched from the hub is not looked at
    home = tmp_path / "home"
    home.mkdir()
    (home / "mine.toml").write_text(row.replace("FOLDER", str(tmp_path)))
    assert (await asked(reading_of(home, **environ)))["first_run"]["demonstration_only"] is only


async def test_strategies_are_told_with_a_line_each(tmp_path: Path) -> None:
    told = await asked(reading_of(tmp_path / "home", DEFAULT_STRATEGY="optimized"), "/api/strategies")
    by_name = {one["name"]: one for one in told["strategies"]}
    assert {"standard", "optimized"} <= by_name.keys()
    assert all(one["description"] and "\n" not in one["description"] for one in by_name.values())
    assert by_name["optimized"]["loading"]["precision"] == "nf4"
    assert told["default"] == "optimized"


async def test_tools_are_told_with_what_they_take_and_not_with_their_commands(tmp_path: Path) -> None:
    assert (await asked(reading_of(tmp_path / "home"), "/api/tools")) == {"tools": []}
    (tmp_path / "home" / "tools.toml").write_text(
        '[[tool]]\nname = "weather"\ndescription = "Tells the weather"\ncommand = ["/usr/bin/env", "secretly"]\n'
        'parameters = { type = "object", properties = { town = { type = "string" } } }\n'
    )
    told = await asked(reading_of(tmp_path / "home"), "/api/tools")
    shape = {"type": "object", "properties": {"town": {"type": "string"}}}
    assert told == {"tools": [{"name": "weather", "summary": "Tells the weather", "parameters": shape}]}


async def test_a_model_is_told_to_be_on_this_machine_or_to_be_fetched_first(tmp_path: Path) -> None:
    async with open_door(tmp_path / "home") as door, door.owner() as owner:
        models = {one["key"]: one["on_disk"] for one in (await owner.get("/models")).json()["models"]}
    assert (models["demo"], models["gpt-5-mini"], models["voice"]) == (True, None, None)
    assert any(on_disk is False for on_disk in models.values())


async def test_a_price_is_that_of_the_row_else_that_of_the_list_else_not_known(tmp_path: Path) -> None:
    told = await asked(reading_of(tmp_path / "home"), "/models")
    models = {one["key"]: (one["cost_profile"], one["price"]) for one in told["models"]}
    row, price = models["demo"]
    assert row == price
    assert price["output_usd_per_mtok"] == 0
    assert models["gpt-5-mini"][0] is None
    assert models["gpt-5-mini"][1]["input_usd_per_mtok"] == 0.25
    assert models["mistral7b"] == (None, None)
