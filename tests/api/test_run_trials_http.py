"""One node alone over HTTP: the request, what is missing in it, the estimate, and the list of runs."""

from pathlib import Path
from typing import Any

from agent_lab.providers.scripted import ScriptedProvider
from api.doors import open_door
from api.test_refusals import is_problem
from api.test_routes import ROLES, ended

TRIAL: dict[str, Any] = {"flow": "challenge", "prompt": "Why?", "only": "challenger"}
PINNED: dict[str, Any] = TRIAL | {"pins": {"creator": {"text": "the draft"}}}


async def test_a_trial_is_started_estimated_and_listed_apart(tmp_path: Path) -> None:
    provider = ScriptedProvider(ROLES)
    async with open_door(tmp_path / "home", provider) as door, door.owner() as owner:
        told = (await owner.post("/api/runs/estimate", json=PINNED)).json()
        begun = await owner.post("/api/runs", json=PINNED)
        trial = begun.json()["run_id"]
        view = await ended(owner, trial)
        whole = (await owner.post("/api/runs", json={"flow": "challenge", "prompt": "Why?"})).json()["run_id"]
        await ended(owner, whole)
        lists = [(await owner.get(f"/api/runs{query}")).json()["runs"] for query in ("", "?trial=true", "?trial=false")]
    assert [(node["node"], node["turns"], node["calls"]) for node in told["nodes"]] == [("challenger", 1, 1)]
    assert (begun.status_code, begun.json()["only_node"]) == (202, "challenger")
    assert (view["status"], view["answer"], view["only_node"]) == ("completed", ROLES["challenger"], "challenger")
    assert [node["status"] for node in view["nodes"]] == ["pinned", "completed", "skipped"]
    assert [[one["run_id"] for one in found] for found in lists] == [[whole, trial], [trial], [whole]]


async def test_a_trial_that_cannot_be_says_what_to_pin_and_asks_nobody(tmp_path: Path) -> None:
    provider = ScriptedProvider(ROLES)
    async with open_door(tmp_path / "home", provider) as door, door.owner() as owner:
        answers = [await owner.post(path, json=TRIAL) for path in ("/api/runs", "/api/runs/estimate")]
        unknown = await owner.post("/api/runs", json=TRIAL | {"only": "challengr"})
        shapes = [{"pins": {"creator": "text"}}, {"pins": {"no name": {"text": ""}}}, {"only": 3}, {"pins": [1]}]
        wrong = [await owner.post("/api/runs", json=TRIAL | shape) for shape in shapes]
    for answer in answers:
        assert is_problem(answer, 422, "invalid-request")
        sentence = "Pin what 'creator' said: the node 'challenger' needs {creator_output}."
        assert (answer.json()["detail"], answer.json()["where"]) == (sentence, "pins")
    assert is_problem(unknown, 404, "not-found")
    assert all(is_problem(one, 422, "invalid-request") for one in wrong)
    assert provider.calls == []
