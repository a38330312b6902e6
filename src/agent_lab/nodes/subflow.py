"""Runs another flow within a node's turn; its answer is the output."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.flow import Name, Text
from agent_lab.contracts.flow_ports import Named, NodeKind, Step
from agent_lab.contracts.run import NodeOutput
from agent_lab.contracts.sentences import said
from agent_lab.flows.state import AgentState
from agent_lab.nodes.filling import filled
from agent_lab.nodes.settings import NodeSettings

FlowName = Annotated[str, Field(min_length=1, max_length=80)]
"""`id`, `id@3` or `id@draft`."""


class SubflowSettings(NodeSettings):
    """Which flow, on which question. `prompt` and the `inputs` are templates.

    `fields`: which fields of the node that gives the flow's answer are handed on, under the same names.
    """

    flow: FlowName
    prompt: Text = "{user_input}"
    inputs: Annotated[dict[Name, str], Field(max_length=100)] = Field(default_factory=dict)
    fields: Annotated[tuple[Name, ...], Field(max_length=50)] = ()


async def run_subflow(state: AgentState, settings: SubflowSettings, step: Step) -> NodeOutput:
    """The other flow's answer, and the fields that are wanted of it."""
    inputs = {name: filled(template, state, step) for name, template in settings.inputs.items()}
    prompt = asked(filled(settings.prompt, state, step), step)
    output = await step.run_flow(settings.flow, prompt, inputs=inputs)
    kept = {name: output.fields[name] for name in settings.fields if name in output.fields}
    return NodeOutput(text=output.text, fields={**kept, "answer": output.text})


def asked(prompt: str, step: Step) -> str:
    """The prompt. Raises ValidationError where there is nothing in it."""
    if not prompt.strip():
        raise ValidationError(
            said(
                "node_prompt_empty",
                "The prompt of node {node!r} is empty; give it a text that is not.",
                node=step.node.id,
            )
        )
    return prompt


HANDED_ON = said("subflow_handed_on", "handed on from the flow's answer")
SUBFLOW = NodeKind(
    name="subflow",
    summary="Runs another flow.",
    settings=SubflowSettings,
    run=run_subflow,
    fields={"answer": said("subflow_answer", "the flow's answer")},
    types={"answer": "text"},
    templates=("prompt", "inputs"),
    declares=lambda settings: dict.fromkeys(settings.fields, HANDED_ON),
    flows=lambda settings: (
        Named(pointer="/flow", name=settings.flow, inputs=tuple(settings.inputs), reads=settings.fields),
    ),
)
