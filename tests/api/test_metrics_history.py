"""The routes of what was measured over time, and of what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from agent_lab.contracts.errors import EnvironmentFaultError, UnusableError
from agent_lab.lab import alerts
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.telemetry.history.sampler import Sampler
from api.doors import PATIENT_S, SIGNED_IN, Door, open_door, serve
from api.test_spending import Noon

MACHINE = {"memory", "disk"}
"""Alerts of the machine that the tests run on."""


def sampler_of(door: Door) -> Sampler:
    found: Sampler = door.app.state.services.sampler
    return found


async def test_calls_are_told_as_series_and_as_a_table(door: Door) -> None:
    async with door.owner() as owner:
        for _ in range(3):
            assert (await owner.post("/inference", json={"prompt": "Hello", "model": "voice"})).status_code == 200
        assert (await owner.post("/inference", json={"prompt": "Hello", "model": "nobody"})).status_code == 404
        await sampler_of(door).look()
        told = (await owner.get("/api/metrics/history", params={"range": "15m"})).json()
        alone = (await owner.get("/api/metrics/history", params={"range": "15m", "model": "voice"})).json()
    assert (told["range"], told["step_s"], told["points"], told["model"]) == ("15m", 10, 90, None)
    figures = [points for name, points in told["series"].items() if name != "devices"]
    assert {len(points) for points in figures} == {90}
    rows = {row["model"]: row for row in told["models"]}
    assert (rows["voice"]["calls"], rows["voice"]["answers"], rows["rejected"]["errors_by_slug"]) == (
        3,
        3,
        {"not-found": 1},
    )
    assert rows["voice"]["total"]["p99"] > 0
    assert told["totals"]["calls"] == 4
    assert any(value is not None for value in told["series"]["total_p50_s"][-6:])  # within the last minute
    assert told["series"]["total_p50_s"][0] is None
    assert alone["model"] == "voice"
    assert told["breakers"] == {"voice": "closed"}
    assert told["queue"]["queued"] == 0
    assert told["machine"]["ram_total_gb"] > told["machine"]["ram_used_gb"] > 0
    assert told["machine"]["devices"][0]["name"]
    assert any(told["series"]["devices"][0]["used_gb"][-6:])


@pytest.mark.parametrize("params", [{"range": "2y"}, {"range": "1h", "model": ""}, {"model": "x" * 201}])
async def test_a_range_that_there_is_not_is_refused(door: Door, params: dict[str, str]) -> None:
    async with door.owner() as owner:
        refused = await owner.get("/api/metrics/history", params=params)
    assert (refused.status_code, refused.json()["where"]) == (422, next(reversed(params)))


async def test_the_backend_hands_both_on(door: Door) -> None:
    async with door.owner() as owner:
        history = await owner.get("/api/v1/metrics/history", params={"range": "6h"})
        told = await owner.get("/api/v1/metrics/alerts")
        text = await owner.get("/api/v1/metrics")
    assert history.json()["range"] == "6h"
    assert {alert["kind"] for alert in told.json()["alerts"]} <= MACHINE
    assert text.headers["content-type"].startswith("text/plain")


async def found(owner: httpx.AsyncClient) -> dict[str, str]:
    """Alerts by id, but for those of the machine that the test runs on."""
    told = (await owner.get("/api/metrics/alerts")).json()["alerts"]
    return {one["id"]: one["sentence"] for one in told if one["kind"] not in MACHINE}


async def test_a_model_that_fails_is_told_as_an_alert_until_it_answers(tmp_path: Path) -> None:
    def refuse(_: object) -> str:
        raise UnusableError("The model is away; start it.")

    async with open_door(tmp_path / "home", ScriptedProvider(refuse)) as door, door.owner() as owner:
        assert await found(owner) == {}
        for _ in range(6):
            assert (await owner.post("/inference", json={"prompt": "Hello", "model": "voice"})).status_code == 503
        await sampler_of(door).look()
        told = await found(owner)
        history = (await owner.get("/api/metrics/history")).json()
    assert set(told) == {"breaker:voice", "errors"}
    assert "6 of the 6 calls" in told["errors"]
    assert {one["id"] for one in history["alerts"]} >= set(told)
    assert history["worst_breakers"] == {"voice": "open"}


async def test_a_budget_that_is_spent_and_a_store_that_is_gone_are_told(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = door.app.state.services
    object.__setattr__(services, "daily_budget_usd", Decimal(2))
    monkeypatch.setattr(alerts, "datetime", Noon)
    await door.lab.spending.add(Noon.now(UTC).date(), "a", Decimal("2.5"))
    async with door.owner() as owner:
        assert set(await found(owner)) == {"budget"}

        async def gone() -> None:
            raise EnvironmentFaultError("The disk that holds the database is full; make room on it, then try again.")

        monkeypatch.setattr(type(services.runs), "counts", lambda _: gone())
        told = await found(owner)
        history = await owner.get("/api/metrics/history")
    assert told == {"storage": "The disk that holds the database is full; make room on it, then try again."}
    assert (history.status_code, history.json()["queue"]) == (200, None)


async def test_a_server_that_runs_watches_by_itself_and_keeps_what_it_saw(tmp_path: Path) -> None:
    async with open_door(tmp_path / "home") as door:
        async with (
            serve(door.app) as address,
            httpx.AsyncClient(base_url=address, headers=SIGNED_IN, timeout=PATIENT_S) as client,
        ):
            assert (await client.post("/inference", json={"prompt": "Hello", "model": "voice"})).status_code == 200
        kept = list(sampler_of(door).rollups.read(datetime.now(UTC).timestamp()))
    assert [(model, counts.answers) for minute in kept for model, counts in minute.models] == [("voice", 1)]
