"""One turn of one node, without a run around it: what it asked of its step is kept, and answered as it is told."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.generation import GenerationRequest, GenerationResult, Timings, Usage
from agent_lab.contracts.run import NodeOutput, RunOptions, RunRequest
from agent_lab.flows.state import AgentState, initial_state

Answer = Callable[[str], str]


def answered(text: str) -> GenerationResult:
    return GenerationResult(
        text=text,
        tokens_generated=1,
        timings=Timings(),
        usage=Usage(),
        source="scripted",
        cache_hit=True,
        model_key="voice",
        model_resolved="voice",
        strategy="standard",
        finish_reason="stop",
    )


@dataclass(slots=True)
class LoneStep:
    """`model` and `subflow` make an answer of a prompt, and may raise; `person` is what a person says."""

    flow: FlowConfig
    node: NodeConfig
    visit: int = 1
    options: RunOptions = field(default_factory=RunOptions)
    model: Answer = lambda prompt: f"about {prompt}"
    subflow: Answer = lambda prompt: f"ran {prompt}"
    subflow_fields: dict[str, Any] = field(default_factory=dict)
    person: str = ""
    asked: list[Any] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def generate(self, request: GenerationRequest, *, sample: int = 0) -> GenerationResult:
        self.asked.append((sample, request))
        return answered(await self._side_by_side(self.model, request.prompt))

    async def ask(self, question: str, *, choices: Sequence[str] = (), default: str | None = None) -> str:
        self.asked.append((question, tuple(choices), default))
        return self.person

    async def run_flow(
        self, name: str, prompt: str, *, inputs: Mapping[str, str] | None = None, branch: int | None = None
    ) -> NodeOutput:
        self.asked.append((name, prompt, dict(inputs or {}), branch))
        return NodeOutput(text=await self._side_by_side(self.subflow, prompt), fields=self.subflow_fields)

    def vote(self, voter: str, choice: str, *, weight: float = 1.0) -> None:
        self.asked.append((voter, choice, weight))

    async def pause(self, seconds: float) -> None:
        self.asked.append(seconds)

    async def _side_by_side(self, answer: Answer, prompt: str) -> str:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        return answer(prompt)


def lone_step(node: Mapping[str, Any], *others: str, **given: Any) -> LoneStep:
    """A step of that node, in a flow where `others` come before it, one after the other."""
    ids = [*others, "it"]
    nodes = [{"id": other, "kind": "generate", "label": other.title(), "prompt": "?"} for other in others]
    document = {
        "id": "lone",
        "name": "Lone",
        "nodes": [*nodes, {"id": "it", **node}],
        "edges": [{"from": one, "to": two} for one, two in itertools.pairwise(ids)],
    }
    flow = FlowConfig.model_validate(document)
    return LoneStep(flow=flow, node=flow.node("it"), **given)


def state_of(step: LoneStep, outputs: Mapping[str, NodeOutput] | None = None, *, language: str = "en") -> AgentState:
    """What the run knows before that turn; the question is "Why?"."""
    request = RunRequest(flow="lone", prompt="Why?", options=RunOptions.model_validate({"language": language}))
    state = initial_state(flow=step.flow, request=request, run_id="run", request_id="request")
    return {**state, "outputs": dict(outputs or {}), "order": list(outputs or {})}


async def turn(
    kind: NodeKind, step: LoneStep, outputs: Mapping[str, NodeOutput] | None = None, *, language: str = "en"
) -> NodeOutput:
    """The output of the turn."""
    settings = kind.settings.model_validate(step.node.settings)
    return await kind.run(state_of(step, outputs, language=language), settings, step)


def problems(kind: NodeKind, **settings: Any) -> list[tuple[str, str]]:
    """What the kind says against settings whose shape is right."""
    return list(kind.problems(kind.settings.model_validate(settings)))


def said(text: str, **fields: Any) -> NodeOutput:
    return NodeOutput(text=text, fields=fields)
