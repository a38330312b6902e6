"""Flows with kinds of node that ask a person and that run another flow, and a bench that knows them."""

import json
from pathlib import Path
from typing import Any

from agent_lab.contracts.flow_ports import Named, NodeKind, Step
from agent_lab.contracts.run import NodeOutput
from agent_lab.flows.state import AgentState
from agent_lab.nodes.settings import NodeSettings
from agent_lab.providers.scripted import ScriptedProvider
from support.runs import Bench, bench


async def _ask(state: AgentState, settings: NodeSettings, step: Step) -> NodeOutput:
    said = await step.ask("Go on?", choices=("yes", "no"))
    return NodeOutput(text=f"person: {said}", fields={"said": said})


class InnerSettings(NodeSettings):
    flow: str


async def _run_inner(state: AgentState, settings: InnerSettings, step: Step) -> NodeOutput:
    return await step.run_flow(settings.flow, f"inner {state['user_input']}")


ASKS = NodeKind(name="asks", summary="Asks.", settings=NodeSettings, run=_ask, fields={"said": "what"}, steady=False)
INNER = NodeKind(
    name="inner",
    summary="Runs a flow.",
    settings=InnerSettings,
    run=_run_inner,
    flows=lambda settings: [Named(pointer="/flow", name=settings.flow)],
)


def lab_with(folder: Path, document: dict[str, Any], *more: dict[str, Any], **options: Any) -> Bench:
    (folder / "flows").mkdir(exist_ok=True)
    for one in (document, *more):
        (folder / "flows" / f"{one['id']}.json").write_text(json.dumps({"name": one["id"], **one}), "utf-8")
    options.setdefault("provider", ScriptedProvider({"*": "text"}))
    return bench(folder, extra_kinds=[ASKS, INNER], **options)


BESIDE = {
    "id": "beside",
    "nodes": [
        {"id": "first", "kind": "generate", "prompt": "{user_input}"},
        {"id": "person", "kind": "asks"},
        {"id": "other", "kind": "generate", "prompt": "{first_output} again"},
        {"id": "last", "kind": "generate", "prompt": "{person_output} / {other_output}"},
    ],
    "edges": [
        {"from": "first", "to": "person"},
        {"from": "first", "to": "other"},
        {"from": "person", "to": "last"},
        {"from": "other", "to": "last"},
    ],
}

ASKING = {
    "id": "asking",
    "name": "Asking",
    "nodes": [
        {"id": "draft", "kind": "generate", "label": "Draft", "prompt": "{user_input}"},
        {
            "id": "person",
            "kind": "human",
            "label": "Approval",
            "question": "Shall it go out?",
            "choices": ["yes", "no"],
        },
    ],
    "edges": [{"from": "draft", "to": "person"}],
}
