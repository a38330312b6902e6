"""One turn of one node, over the real gateway and a scripted provider, without a run around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.generation import GenerationRequest, GenerationResult
from agent_lab.contracts.run import NodeOutput, RunOptions, RunRequest
from agent_lab.flows.state import AgentState, initial_state
from agent_lab.gateway.gateway import ProviderGateway
from agent_lab.gateway.misfits import GatewayDefaults
from agent_lab.nodes.table import node_kinds
from agent_lab.providers.scripted import ScriptedProvider
from support.flows import NoHistory, SteadyMachine
from support.runs import MODELS, STRATEGIES

KINDS = node_kinds(monitor=SteadyMachine(), history=NoHistory())


@dataclass(slots=True)
class Turn:
    """A `Step` that keeps what was asked and voted."""

    flow: FlowConfig
    node: NodeConfig
    gateway: ProviderGateway
    options: RunOptions = field(default_factory=RunOptions)
    visit: int = 1
    asked: list[tuple[int, GenerationRequest]] = field(default_factory=list)
    votes: list[tuple[str, str, float]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    async def generate(self, request: GenerationRequest, *, sample: int = 0) -> GenerationResult:
        self.asked.append((sample, request))
        return await self.gateway.generate(request)

    async def ask(self, question: str, *, choices: Sequence[str] = (), default: str | None = None) -> str:
        raise AssertionError("nobody is there")

    async def run_flow(
        self, name: str, prompt: str, *, inputs: Mapping[str, str] | None = None, branch: int | None = None
    ) -> NodeOutput:
        raise AssertionError("there is no other flow")

    def vote(self, voter: str, choice: str, *, weight: float = 1.0) -> None:
        self.votes.append((voter, choice, weight))

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@dataclass(slots=True)
class Took:
    """A turn that was had: its output, and the step that it was had with."""

    output: NodeOutput
    step: Turn

    @property
    def fields(self) -> dict[str, Any]:
        return dict(self.output.fields)


async def turn(
    settings: Mapping[str, Any],
    *,
    provider: ScriptedProvider | None = None,
    before: Mapping[str, NodeOutput | str] | None = None,
    question: str = "What?",
    limits: Mapping[str, Any] | None = None,
    kinds: Mapping[str, NodeKind] = KINDS,
    **options: Any,
) -> Took:
    """The turn of a node with those settings (its kind among them), after nodes that have left those outputs."""
    outputs = {name: NodeOutput(text=left) if isinstance(left, str) else left for name, left in (before or {}).items()}
    nodes = [{"id": name, "kind": "generate", "prompt": "x"} for name in outputs]
    flow = FlowConfig.model_validate(
        {
            "id": "f",
            "name": "F",
            "nodes": [*nodes, {"id": "node", **settings}],
            "edges": [{"from": name, "to": "node"} for name in outputs],
            "limits": dict(limits or {}),
        }
    )
    request = RunRequest(flow="f", prompt=question, options=RunOptions(**options))
    state: AgentState = initial_state(flow=flow, request=request, run_id="run_1", request_id="req_1")
    state["outputs"], state["order"] = outputs, list(outputs)
    step = Turn(
        flow=flow,
        node=flow.node("node"),
        options=request.options,
        gateway=ProviderGateway(
            models=MODELS,
            strategies=STRATEGIES,
            providers={"scripted": provider or ScriptedProvider()},
            defaults=GatewayDefaults(provider="scripted", model="voice"),
        ),
    )
    kind = kinds[step.node.kind]
    return Took(await kind.run(state, kind.settings.model_validate(step.node.settings), step), step)
