"""What a key on a request is for: sent twice, it starts one run; with another body, it is refused."""

import asyncio
from pathlib import Path

from agent_lab.contracts.errors import UnusableError
from agent_lab.providers.scripted import ScriptedProvider
from api.test_refusals import is_problem
from api.test_routes import ROLES, ended
from api.test_run_actions import START, begun, opened


async def test_the_same_key_and_body_are_the_same_run_and_another_body_is_refused(tmp_path: Path) -> None:
    key = {"Idempotency-Key": "order-66"}
    async with opened(tmp_path / "home") as (door, owner):
        first = await owner.post("/api/runs", json=START, headers=key)
        view = await ended(owner, first.json()["run_id"])
        again = await owner.post("/api/runs", json=START, headers=key)
        other = await owner.post("/api/runs", json=START | {"prompt": "What?"}, headers=key)
        free = await owner.post("/api/runs", json=START)
        wrong = [
            await owner.post("/api/runs", json=START, headers={"Idempotency-Key": k}) for k in ("", "a b", "x" * 201)
        ]
        await ended(owner, free.json()["run_id"])
    assert (again.status_code, again.json()["run_id"]) == (202, view["run_id"])
    assert is_problem(other, 422, "invalid-request")
    assert other.json()["where"] == "Idempotency-Key"
    assert free.json()["run_id"] != view["run_id"]
    assert all(is_problem(one, 422, "invalid-request") for one in wrong)
    assert len(door.provider.calls) == 6


async def test_many_with_the_same_key_at_once_start_one_run(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as (door, owner):
        sent = (owner.post("/api/runs", json=START, headers={"Idempotency-Key": "k"}) for _ in range(10))
        got = await asyncio.gather(*sent)
        await ended(owner, got[0].json()["run_id"])
        listed = (await owner.get("/api/runs")).json()["runs"]
    assert {response.status_code for response in got} == {202}
    assert len({response.json()["run_id"] for response in got}) == len(listed) == 1
    assert len(door.provider.calls) == 3


async def test_a_fork_under_a_key_is_made_once(tmp_path: Path) -> None:
    key = {"Idempotency-Key": "fork-1"}
    async with opened(tmp_path / "home") as (_, owner):
        run_id, other_id = await begun(owner), await begun(owner)
        await ended(owner, run_id)
        await ended(owner, other_id)
        fork = {"from_node": "refiner"}
        first = await owner.post(f"/api/runs/{run_id}/fork", json=fork, headers=key)
        again = await owner.post(f"/api/runs/{run_id}/fork", json=fork, headers=key)
        await ended(owner, first.json()["run_id"])
        others = [
            await owner.post(f"/api/runs/{run_id}/fork", json={"from_node": "challenger"}, headers=key),
            await owner.post(f"/api/runs/{run_id}/fork", json={"nodes": {"refiner": {"prompt": "x"}}}, headers=key),
            await owner.post(f"/api/runs/{other_id}/fork", json=fork, headers=key),
            await owner.post("/api/runs", json=START, headers=key),
        ]
    assert again.json()["run_id"] == first.json()["run_id"]
    assert all(is_problem(response, 422, "invalid-request") for response in others)


async def test_a_retry_under_a_key_is_made_once(tmp_path: Path) -> None:
    key = {"Idempotency-Key": "retry-1"}
    script = ScriptedProvider(ROLES, errors={2: UnusableError("The model lost its voice; name another one.")})
    async with opened(tmp_path / "home", script) as (_, owner):
        run_id = await begun(owner)
        await ended(owner, run_id)
        first, again = [await owner.post(f"/api/runs/{run_id}/retry", headers=key) for _ in range(2)]
        await ended(owner, first.json()["run_id"])
        listed = (await owner.get("/api/runs")).json()["runs"]
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["run_id"] == first.json()["run_id"] != run_id
    assert len(listed) == 2
