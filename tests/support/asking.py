"""A node that asks a person, and a flow with one between two models: for tests of the doors."""

from __future__ import annotations

from typing import Any

from agent_lab.contracts.flow_ports import NodeKind, Step
from agent_lab.contracts.run import NodeOutput
from agent_lab.nodes.settings import NodeSettings


class AskerSettings(NodeSettings):
    question: str = "Shall it go out?"
    choices: tuple[str, ...] = ()


async def _ask(state: object, settings: AskerSettings, step: Step) -> NodeOutput:
    said = await step.ask(settings.question, choices=settings.choices)
    return NodeOutput(text=said, fields={"said": said})


ASKER = NodeKind(
    name="asker",
    summary="Asks a person.",
    settings=AskerSettings,
    run=_ask,
    fields={"said": "what was answered"},
    steady=False,
)

ASKING: dict[str, Any] = {
    "id": "asking",
    "name": "Asking",
    "nodes": [
        {"id": "creator", "kind": "generate", "label": "Creator", "prompt": "{user_input}"},
        {"id": "person", "kind": "asker", "label": "Person", "choices": ["yes", "no"]},
        {"id": "refiner", "kind": "generate", "label": "Refiner", "prompt": "{creator_output} {person_output}"},
    ],
    "edges": [{"from": "creator", "to": "person"}, {"from": "person", "to": "refiner"}],
    "answer": "refiner",
}
TWO_ASKING: dict[str, Any] = {
    "id": "two_asking",
    "name": "Two asking",
    "nodes": [
        {"id": "first", "kind": "asker", "label": "First"},
        {"id": "second", "kind": "asker", "label": "Second", "question": "And here?"},
        {"id": "refiner", "kind": "generate", "label": "Refiner", "prompt": "{first_output} {second_output}"},
    ],
    "edges": [{"from": "first", "to": "refiner"}, {"from": "second", "to": "refiner"}],
    "answer": "refiner",
}
