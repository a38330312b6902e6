"""Says in a few lines what the run did: the kind of task, the voices, the tries, the tokens."""

from __future__ import annotations

from agent_lab.contracts.flow_ports import NodeKind, Step
from agent_lab.contracts.run import NodeOutput
from agent_lab.contracts.sentences import said
from agent_lab.flows.state import AgentState
from agent_lab.nodes.settings import NodeSettings


async def summarize(state: AgentState, settings: NodeSettings, step: Step) -> NodeOutput:
    """A summary made from what the nodes left; no model is asked."""
    outputs = state["outputs"]
    voices = [(node, output) for node, output in outputs.items() if "model" in output.fields]
    lines = [f"Task: {kind}." for kind in (_first(state, "task_type"),) if kind]
    for node, output in voices:
        tries = state["visits"].get(node, 1)
        again = f" after {tries} tries" if tries > 1 else ""
        lines.append(f"{node} ({output.fields['model']}) wrote {output.fields['tokens']} tokens{again}.")
    score = _first(state, "score")
    if score is not None:
        lines.append(f"The answer scored {score}" + ("." if _first(state, "accepted") else ", below what was asked."))
    tokens = sum(int(str(output.fields["tokens"])) for _, output in voices)
    calls = sum(state["visits"].get(node, 1) * _asked(output) for node, output in voices)
    return NodeOutput(text="\n".join(lines), fields={"voices": len(voices), "tokens": tokens, "calls": calls})


def _asked(output: NodeOutput) -> int:
    """How many answers a turn asked for."""
    asked = output.fields.get("asked")
    return asked if isinstance(asked, int) else 1


def _first(state: AgentState, field: str) -> object:
    return next((o.fields[field] for o in state["outputs"].values() if field in o.fields), None)


SUMMARY = NodeKind(
    name="summary",
    summary="Says what the run did.",
    settings=NodeSettings,
    run=summarize,
    fields={
        "voices": said("summary_voices", "how many nodes asked a model"),
        "tokens": said("summary_tokens", "tokens of the answers that were kept"),
        "calls": said("summary_calls", "model calls"),
    },
    types={"voices": "number", "tokens": "number", "calls": "number"},
)
