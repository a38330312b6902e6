"""Random flows in real runs: each ends within its limits and its budget, and says the same wherever it is taken up.

A graph of LangGraph's own says the same where it can.
"""

import asyncio
import json
import operator
import random
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypedDict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_lab.contracts.flow import EdgeConfig, FlowConfig, NodeConfig
from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.run import NodeOutput, RunLimits, RunRequest, RunView
from agent_lab.flows.bounds import bounds
from agent_lab.flows.compiler import CompiledGraph
from agent_lab.flows.graph import graph_of
from agent_lab.flows.state import AgentState, initial_state
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.storage.memory import MemoryRuns
from support.flows import KINDS
from support.random_flows import checked_flows
from support.runs import Bench, bench

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def words(call: ModelCall) -> str:
    """Some words, as many as the length of the prompt says."""
    return " ".join(["word"] * (1 + len(call.request.prompt) % 4))


def lab_of(folder: Path, document: dict[str, Any], model: str = "voice", **options: Any) -> Bench:
    (folder / "flows").mkdir(exist_ok=True)
    (folder / "flows" / "random.json").write_text(json.dumps(document), "utf-8")
    return bench(folder, ScriptedProvider(words), default_model=model, **options)


async def walked(document: dict[str, Any], folder: Path, **limits: Any) -> tuple[RunView, Bench]:
    lab = lab_of(folder, document)
    view = await lab.run("random", limits=RunLimits(**limits))
    return view, lab


@SLOW
@given(checked_flows())
def test_each_run_of_a_random_flow_ends_within_what_was_told_before_it_began(document: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        view, lab = asyncio.run(walked(document, Path(name)))
        told = bounds(FlowConfig.model_validate(document), KINDS)
    assert view.status == "completed", view.fault
    assert sum(node.visits for node in view.nodes) <= told.turns
    assert len(lab.provider.calls) == view.totals.calls <= told.calls


@SLOW
@given(checked_flows(), st.integers(1, 8))
def test_a_run_takes_no_more_steps_than_it_may(document: dict[str, Any], most: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        view, _ = asyncio.run(walked(document, Path(name), max_steps=most))
    assert view.status in {"completed", "limit_exceeded"}
    assert sum(node.visits for node in view.nodes) <= most


@SLOW
@given(checked_flows(), st.floats(1, 60))
def test_a_run_spends_no_more_than_its_budget_and_the_call_in_flight(document: dict[str, Any], usd: float) -> None:
    async def spend(folder: Path) -> RunView:
        for node in document["nodes"]:
            node["model"] = "dear"
            node["max_tokens"] = 4
        lab = lab_of(folder, document, "dear")
        return await lab.run("random", limits=RunLimits(max_cost_usd=usd))

    with tempfile.TemporaryDirectory() as name:
        view = asyncio.run(spend(Path(name)))
    assert view.status in {"completed", "limit_exceeded"}
    dearest = max((node.cost_usd or Decimal(0) for node in view.nodes), default=Decimal(0))
    assert (view.totals.cost_usd or 0) <= Decimal(str(usd)) + dearest


class _Cut(MemoryRuns):
    """Has only the first events of a run."""

    def cut(self, run_id: str, count: int) -> None:
        kept = self._runs[run_id]
        del kept.bodies[count:]
        kept.info = kept.info.model_copy(update={"status": "running", "finished_at": None})
        kept.answer = kept.lease_owner = kept.lease_until = None


@SLOW
@given(checked_flows(), st.integers(0, 10_000))
def test_a_run_taken_up_anywhere_says_the_same_and_asks_for_nothing_that_it_has(
    document: dict[str, Any], where: int
) -> None:
    async def again(folder: Path) -> tuple[RunView, RunView, int, int]:
        store = _Cut()
        first = lab_of(folder, document, store=store)
        view = await first.run("random")
        events = await first.events(view.run_id)
        kept = 1 + where % (len(events) - 1)
        answered = sum(event.type == "generation_finished" for event in events[:kept])
        store.cut(view.run_id, kept)
        second = lab_of(folder, document, store=store)
        await second.runs.recover()
        return view, await second.runs.wait(view.run_id), answered, len(second.provider.calls)

    with tempfile.TemporaryDirectory() as name:
        first, second, answered, calls = asyncio.run(again(Path(name)))
    assert (second.status, second.answer) == ("completed", first.answer)
    assert [(node.id, node.visits, node.text) for node in second.nodes] == [
        (node.id, node.visits, node.text) for node in first.nodes
    ]
    assert second.totals.calls == first.totals.calls == answered + calls


class _Told(TypedDict):
    told: Annotated[dict[str, str], operator.or_]


async def in_langgraph(flow: FlowConfig) -> dict[str, str]:
    """What each node says in a graph of LangGraph's own with the same edges."""
    from langgraph.graph import END, START, StateGraph

    graph, built = graph_of(flow), StateGraph(_Told)

    def speaking(node: str) -> Any:
        async def speak(state: _Told) -> _Told:
            return {"told": {node: say(node, {source: state["told"][source] for source in graph.incoming(node)})}}

        return speak

    for node in graph.ids:
        built.add_node(node, speaking(node))
        sources = graph.incoming(node)
        built.add_edge(list(sources) if len(sources) > 1 else sources[0] if sources else START, node)
    for node in graph.ends:
        built.add_edge(node, END)
    reached = await built.compile().ainvoke({"told": {}}, {"recursion_limit": 1000})
    return dict(reached["told"])


def say(node: str, heard: dict[str, str]) -> str:
    return f"{node}({','.join(heard[source] for source in sorted(heard))})"


@SLOW
@given(st.integers(1, 9), st.randoms(use_true_random=False))
def test_graphs_without_choices_say_what_langgraph_lets_them_say(count: int, chance: random.Random) -> None:
    nodes = [NodeConfig(id=f"n{number}", kind="summary") for number in range(count)]
    edges = tuple(
        EdgeConfig(source=f"n{source}", target=f"n{target}")
        for target in range(1, count)
        for source in sorted(chance.sample(range(target), chance.randint(1, min(3, target))))
    )
    flow = FlowConfig(id="random", name="Random", nodes=tuple(nodes), edges=edges)
    graph = graph_of(flow)

    async def turn(node: NodeConfig, state: AgentState) -> NodeOutput:
        await asyncio.sleep(chance.random() / 1000)
        return NodeOutput(
            text=say(node.id, {source: state["outputs"][source].text for source in graph.incoming(node.id)})
        )

    async def both() -> tuple[dict[str, str], dict[str, str]]:
        start = initial_state(flow=flow, request=RunRequest(flow="random", prompt="x"), run_id="r", request_id="q")
        ours = await CompiledGraph(flow, turn).walk(start)
        return {node: output.text for node, output in ours["outputs"].items()}, await in_langgraph(flow)

    ours, theirs = asyncio.run(both())
    assert ours == theirs
