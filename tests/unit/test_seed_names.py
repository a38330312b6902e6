"""The names that the founding documents gave live on, and do what they say there."""

import json
from pathlib import Path

import pytest

from agent_lab.contracts.errors import LimitExceededError, ValidationError
from agent_lab.contracts.flow import FlowLimits, NodeConfig
from agent_lab.contracts.flow_ports import NodeKind, Step
from agent_lab.contracts.run import NodeOutput, RunRequest
from agent_lab.flows.compiler import GraphBuilder
from agent_lab.flows.state import AgentState, initial_state
from agent_lab.nodes.settings import NodeSettings
from agent_lab.providers.local.gpu_guard import can_load_model, get_available_vram
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.runs.routing_agent import run_orchestrator, run_routing_agent
from support.flows import KINDS
from support.runs import bench

ROLES = {"creator": "draft", "challenger": "a fault", "refiner": "mended"}


async def shout(state: AgentState, settings: NodeSettings, step: Step) -> NodeOutput:
    return NodeOutput(text=state["user_input"].upper(), fields={})


SHOUT = NodeKind(name="shout", summary="Says it loudly.", settings=NodeSettings, run=shout)


async def test_run_orchestrator_hands_back_the_answer_the_flow_and_the_figures(tmp_path: Path) -> None:
    answer = await run_orchestrator("Why?", bench(tmp_path, ScriptedProvider(ROLES)).runs, "challenge")
    assert (answer["success"], answer["result"], answer["draft"]) == (True, "mended", "draft")
    assert [node["id"] for node in answer["flow"]["nodes"]] == ["creator", "challenger", "refiner"]
    assert answer["flow"]["edges"] == [
        {"from": "creator", "to": "challenger", "taken": 1},
        {"from": "challenger", "to": "refiner", "taken": 1},
    ]
    assert answer["metrics"]["model_calls"] == 3
    assert answer["metrics"]["cost_usd"] is None


async def test_run_orchestrator_tells_a_failure_with_all_that_there_was(tmp_path: Path) -> None:
    provider = ScriptedProvider(ROLES, errors={2: RuntimeError("broken")})
    answer = await run_orchestrator("Why?", bench(tmp_path, provider).runs, "challenge")
    assert answer["success"] is False
    assert answer["error"]["node"] == "challenger"
    assert answer["flow"]["nodes"][0]["output"] == "draft"


async def test_run_routing_agent_runs_linear_where_no_flow_is_named(tmp_path: Path) -> None:
    view = await run_routing_agent("Why?", bench(tmp_path, ScriptedProvider({"*": "because"})).runs)
    assert (view.flow_id, view.answer) == ("linear", "because")


async def test_a_registered_kind_of_node_runs_in_a_flow(tmp_path: Path) -> None:
    lab = bench(tmp_path, extra_kinds=[SHOUT])
    (tmp_path / "flows").mkdir()
    document = {"id": "loud", "name": "Loud", "nodes": [{"id": "one", "kind": "shout"}]}
    (tmp_path / "flows" / "loud.json").write_text(json.dumps(document), "utf-8")
    assert (await lab.run("loud", "hear me")).answer == "HEAR ME"


def test_a_kind_is_registered_once(tmp_path: Path) -> None:
    builder = GraphBuilder(KINDS, bench(tmp_path).catalog)
    builder.register_node(SHOUT)
    assert "shout" in builder.kinds
    assert "shout" not in KINDS
    with pytest.raises(ValidationError, match="exists already"):
        builder.register_node(SHOUT)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("challenge", ["creator", "challenger", "refiner"]),
        ("linear", ["analyzer", "resources", "execution", "validator", "summary"]),
    ],
)
async def test_the_builder_builds_the_graphs_of_the_library(tmp_path: Path, name: str, expected: list[str]) -> None:
    catalog = bench(tmp_path).catalog
    builder = GraphBuilder(KINDS, catalog)
    build = {"challenge": builder.build_challenge_flow_graph, "linear": builder.build_linear_flow_graph}[name]
    walked: list[str] = []

    async def turn(node: NodeConfig, state: AgentState) -> NodeOutput:
        walked.append(node.id)
        return NodeOutput(text=" ".join([*state["outputs"], node.id]), fields={"accepted": True})

    request = RunRequest(flow=name, prompt="x")
    start = initial_state(flow=catalog.get(name), request=request, run_id="r", request_id="q")
    state = await build(turn).walk(start)
    assert walked == expected
    assert (state["version"], state["request_id"]) == (1, "q")
    assert state["outputs"][expected[-1]].text == " ".join(expected)
    inside = await build(turn).as_langgraph().ainvoke(start)
    assert inside["outputs"] == state["outputs"]


async def test_a_graph_that_is_walked_keeps_to_its_limit_of_steps(tmp_path: Path) -> None:
    flow = bench(tmp_path).catalog.get("linear").model_copy(update={"limits": FlowLimits(max_steps=6)})

    async def turn(node: NodeConfig, state: AgentState) -> NodeOutput:
        return NodeOutput(text=node.id, fields={"accepted": False})

    graph = GraphBuilder(KINDS, bench(tmp_path).catalog).build_graph_from_config(flow, turn)
    start = initial_state(flow=flow, request=RunRequest(flow="linear", prompt="x"), run_id="r", request_id="q")
    with pytest.raises(LimitExceededError, match=r"limits\.max_steps is 6"):
        await graph.walk(start)


def test_the_guard_says_what_is_free_and_whether_a_model_fits() -> None:
    free_gb = get_available_vram()
    assert free_gb > 0
    assert can_load_model(0.0)
    assert not can_load_model(free_gb * 100 + 1000)
