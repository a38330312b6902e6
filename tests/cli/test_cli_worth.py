"""What was found of a flow's worth is told beside it: its badge, when that has expired, and its tally."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from agent_lab.contracts.evaluation import EqualCostArm, EvaluationSpec, FlowArm
from agent_lab.settings import read_settings
from agent_lab.wiring import open_lab

Run = Callable[..., Any]
ASKED = {"id": "mine", "name": "Mine", "draft": "a", "answer": "b", "edges": [{"from": "a", "to": "b"}]}


@pytest.fixture
def save(home: Any, said: Run) -> Callable[[str], Any]:
    """Save and publish a flow of two nodes that say what they are asked."""

    def save(says: str) -> Any:
        nodes = [
            {"id": "a", "kind": "generate", "prompt": "{user_input}", "model": "echo"},
            {"id": "b", "kind": "generate", "prompt": says, "model": "echo"},
        ]
        (home.path / "mine.json").write_text(json.dumps({**ASKED, "nodes": nodes}))
        return said("flows", "save", str(home.path / "mine.json"), "--publish")

    return save


def evaluate(home: Any, flow: str) -> None:
    """A small evaluation of it, at equal cost."""

    async def work() -> None:
        arms = (FlowArm(name="mine", flow=flow), EqualCostArm(name="equal", flow=flow))
        async with open_lab(read_settings(home.environ)) as lab:
            spec = EvaluationSpec(dataset="demo", limit=4, arms=arms, cost_tolerance=0.5)
            info = await lab.evaluations.start(spec)
            ended = await lab.evaluations.wait(info.evaluation_id)
            assert ended.status == "completed"

    asyncio.run(work())


def test_a_flow_that_never_ran_and_was_never_measured_has_nothing_told(said: Run, save: Callable[[str], Any]) -> None:
    save("{a_output}")
    assert "WORTH" not in said("flows", "list").out
    shown = said("flows", "show", "mine").out
    assert "Measured" not in shown
    assert "first draft" not in shown


def test_a_tally_is_told_of_the_content_that_runs_now(said: Run, save: Callable[[str], Any]) -> None:
    save("{a_output}")
    for _ in range(2):
        assert said("run", "mine", "What is 47 + 38?").code == 0
    told = said("flows", "show", "mine").out
    assert "In 100 % of 2 runs the first draft already said it, for 50 % of the tokens." in " ".join(told.split())
    save("No: {a_output}")
    assert "first draft" not in said("flows", "show", "mine").out


def test_a_badge_is_told_and_expires_with_a_new_version(said: Run, save: Callable[[str], Any], home: Any) -> None:
    save("{a_output}")
    evaluate(home, "mine@1")
    told = " ".join(said("flows", "show", "mine").out.split())
    assert "Measured: not known: " in told
    assert "on demo, 4 items" in told
    assert "holds no longer" not in told
    listed = said("flows", "list").out
    assert "WORTH" in listed.splitlines()[0]
    assert "not known" in next(line for line in listed.splitlines() if line.startswith("mine "))
    rows = {row["id"]: row["badge"] for row in json.loads(said("flows", "list", "--json").out)["flows"]}
    assert rows["mine"]["items"] == 4
    assert rows["challenge"] is None

    save("No: {a_output}")
    told = " ".join(said("flows", "show", "mine").out.split())
    assert "That holds no longer: The flow has changed: a prompt, a node or an edge." in told
    assert "That holds no longer: Version 1 of the flow was measured, and version 2 runs now." in told
    assert "expired" in next(line for line in said("flows", "list").out.splitlines() if line.startswith("mine "))
