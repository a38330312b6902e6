"""Whole runs that sample, vote, judge and branch on what an answer says."""

import json
from pathlib import Path
from typing import Any

from agent_lab.contracts.events import GenerationFinished, NodeFinished, VoteCast
from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.run import ForkRequest
from agent_lab.providers.scripted import ScriptedProvider
from support.runs import Bench, bench

VOICES = {"id": "voices", "kind": "generate", "prompt": "{user_input}", "samples": 5}
ISSUES: dict[str, Any] = {
    "type": "object",
    "properties": {
        "accepted": {"type": "boolean"},
        "issues": {
            "type": "array",
            "items": {"type": "object", "properties": {"severity": {"type": "integer"}, "why": {"type": "string"}}},
        },
    },
}


def flow(*nodes: dict[str, Any], edges: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"id": "tried", "name": "Tried", "nodes": list(nodes), "edges": edges, **more}


def laid(folder: Path, document: dict[str, Any], provider: ScriptedProvider) -> Bench:
    (folder / "flows").mkdir()
    (folder / "flows" / "tried.json").write_text(json.dumps(document))
    return bench(folder, provider)


async def test_a_run_samples_and_votes_and_its_view_tells_both(tmp_path: Path) -> None:
    document = flow(
        VOICES,
        {"id": "vote", "kind": "vote", "normalize": "number"},
        edges=[{"from": "voices", "to": "vote"}],
    )
    lab = laid(tmp_path, document, ScriptedProvider(["It is 7", "8", "7!", "7", "9"]))
    view = await lab.run("tried")
    assert (view.status, view.answer) == ("completed", "It is 7")
    voices, vote = view.nodes
    assert (voices.calls, voices.fields["asked"], len(voices.fields["samples"])) == (5, 5, 5)  # type: ignore[arg-type]
    assert [(one.voter, one.choice) for one in vote.votes][:2] == [("voices#1", "7"), ("voices#2", "8")]
    assert (vote.fields["winner"], vote.fields["tied"], vote.calls) == ("7", False, 0)
    events = await lab.events(view.run_id)
    assert sorted(event.sample for event in events if isinstance(event, GenerationFinished)) == [0, 1, 2, 3, 4]
    assert len([event for event in events if isinstance(event, VoteCast)]) == 5


async def test_a_fork_that_changes_the_vote_alone_pays_for_no_sample(tmp_path: Path) -> None:
    document = flow(
        {**VOICES, "stop_early": {"normalize": "number"}},
        {"id": "vote", "kind": "vote", "normalize": "number"},
        edges=[{"from": "voices", "to": "vote"}],
        limits={"max_parallel": 2},
    )
    provider = ScriptedProvider(lambda call: "7")
    lab = laid(tmp_path, document, provider)
    first = await lab.run("tried")
    asked = len(provider.calls)
    assert asked == 4, "two waves of two, and then nothing else can win"
    info = await lab.runs.fork(first.run_id, ForkRequest(nodes={"vote": {"normalize": "text"}}))
    second = await lab.runs.wait(info.run_id)
    assert (second.status, second.answer, len(provider.calls)) == ("completed", "7", asked)
    assert second.nodes[0].fields["stopped_early"] is True


def critic(severity: int) -> ScriptedProvider:
    verdict = {"accepted": False, "issues": [{"severity": severity, "why": "x"}]}
    return ScriptedProvider({"critic": json.dumps(verdict), "*": "text"})


async def test_a_condition_reads_the_gravest_issue(tmp_path: Path) -> None:
    document = flow(
        {"id": "creator", "kind": "generate", "prompt": "{user_input}"},
        {"id": "critic", "kind": "generate", "prompt": "{creator_output}", "output_schema": ISSUES},
        {"id": "mender", "kind": "generate", "prompt": "{creator_output}\n{critic.issues}"},
        {"id": "done", "kind": "summary"},
        edges=[
            {"from": "creator", "to": "critic"},
            {"from": "critic", "to": "done", "when": {"value": "critic.severity_max", "op": "<", "than": 2}},
            {"from": "critic", "to": "mender", "otherwise": True},
        ],
        answer="creator",
    )
    for severity, mended in ((1, "skipped"), (3, "completed")):
        folder = tmp_path / str(severity)
        folder.mkdir()
        lab = laid(folder, document, critic(severity))
        view = await lab.run("tried")
        assert view.status == "completed"
        assert view.nodes[2].status == mended
    assert lab.provider.calls[-1].request.prompt == "text\n- severity: 3; why: x"


async def test_a_judge_chooses_between_two_branches(tmp_path: Path) -> None:
    document = flow(
        {"id": "one", "kind": "generate", "prompt": "{user_input}"},
        {"id": "two", "kind": "generate", "prompt": "{user_input}"},
        {"id": "judge", "kind": "judge"},
        edges=[{"from": "one", "to": "judge"}, {"from": "two", "to": "judge"}],
    )

    def reply(call: ModelCall) -> str:
        if call.request.context.role != "judge":
            return f"draft {call.request.context.role}"
        place = "1" if "Answer 1:\ndraft two" in call.request.prompt else "2"
        return json.dumps({"why": "it is two", "winner": place})

    lab = laid(tmp_path, document, ScriptedProvider(reply))
    view = await lab.run("tried")
    assert (view.status, view.answer) == ("completed", "draft two")
    assert (view.nodes[2].fields["winner"], view.nodes[2].calls) == ("two", 2)
    assert [(one.voter, one.choice) for one in view.nodes[2].votes] == [("one, two", "two"), ("two, one", "two")]
    finished = [event for event in await lab.events(view.run_id) if isinstance(event, NodeFinished)]
    assert finished[-1].output.text == "draft two"
