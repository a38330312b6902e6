"""Looks at a run before it starts, so that what is wrong costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from agent_lab.contracts.errors import AgentLabError, ValidationError, in_flow, unknown_name
from agent_lab.contracts.flow import FlowConfig, NodeConfig
from agent_lab.contracts.flow_ports import FlowSource, NodeKind
from agent_lab.contracts.run import RunOptions, RunRequest
from agent_lab.contracts.sentences import said
from agent_lab.nodes.generate import model_for
from agent_lab.runs.trial import asked_nodes, check_trial

Lookup = Callable[[str], object]
"""Raises the error that says what is wrong with a name."""
MOST_DEEP = 4
"""How deep flows may stand within each other."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Checks a request against its flow and the registries.

    `model` raises for a key that is not in the registry or that nothing here can call.
    """

    model: Lookup
    strategy: Lookup
    kinds: Mapping[str, NodeKind]

    def check(self, flow: FlowConfig, request: RunRequest, subflows: Iterable[FlowConfig] = ()) -> None:
        """Raises ValidationError, NotFoundError or UnusableError for the first thing that is wrong."""
        if not request.prompt.strip():
            raise ValidationError(said("prompt_empty", "The prompt is empty; write a question."), where="prompt")
        self._inputs(flow, request)
        check_trial(flow, request, self.kinds)
        options, flows = request.options, (flow, *subflows)
        parts = {name for one in flows for node in one.nodes for name in (node.id, node.part)}
        for name in options.models:
            if name not in parts:
                raise unknown_name("role", name, parts, place=in_flow(flow.id), where="models")
        nodes = [*asked_nodes(flow, request), *(node for one in flows[1:] for node in one.nodes)]
        for key in dict.fromkeys(self._models(nodes, options)):
            _look_up(self.model, key, "model")
        if options.strategy is not None:
            _look_up(self.strategy, options.strategy, "strategy")

    async def subflows(self, flow: FlowConfig, flows: FlowSource, *, only: str | None = None) -> dict[str, FlowConfig]:
        """Every flow that runs within this one, or within its node `only`, by the name that it is called by.

        Raises NotFoundError for one that is not there, ValidationError where they run each other or stand too deep.
        """
        found: dict[str, FlowConfig] = {}
        nodes = flow.nodes if only is None else [node for node in flow.nodes if node.id == only]
        await self._collect(nodes, flows, found, (flow.id,))
        return found

    async def _collect(
        self, nodes: Iterable[NodeConfig], flows: FlowSource, found: dict[str, FlowConfig], above: tuple[str, ...]
    ) -> None:
        for name in self._named(nodes):
            inner = found.get(name) or (await flows.resolve(name)).flow
            if inner.id in above:
                raise ValidationError(
                    said(
                        "flow_runs_itself",
                        "The flow {flow!r} runs itself ({way}).",
                        flow=inner.id,
                        way=" > ".join((*above, inner.id)),
                    )
                )
            if len(above) > MOST_DEEP:
                raise ValidationError(
                    said(
                        "flows_stand_too_deep",
                        "Flows stand {most} deep in each other at the most ({way}).",
                        most=MOST_DEEP,
                        way=" > ".join(above),
                    )
                )
            found[name] = inner
            await self._collect(inner.nodes, flows, found, (*above, inner.id))

    def _named(self, nodes: Iterable[NodeConfig]) -> list[str]:
        names: dict[str, None] = {}
        for node in nodes:
            kind = self.kinds[node.kind]
            names.update((named.name, None) for named in kind.flows(kind.settings.model_validate(node.settings)))
        return list(names)

    def _models(self, nodes: Iterable[NodeConfig], options: RunOptions) -> Iterator[str]:
        """Every model that the run names, itself or through its nodes."""
        yield from (key for key in (options.model, *options.models.values()) if key is not None)
        for node in nodes:
            kind, own = self.kinds[node.kind], node.settings.get("model")
            named = [one.name for one in kind.models(kind.settings.model_validate(node.settings))]
            for name in (*named, *([own] if isinstance(own, str) else [])):
                key = model_for(node, name, options)
                if key is not None:
                    yield key

    def _inputs(self, flow: FlowConfig, request: RunRequest) -> None:
        others = set(flow.inputs) - {"user_input"}
        for name in request.inputs:
            if name not in others:
                raise unknown_name("input", name, others, place=in_flow(flow.id), where="inputs")
        for name in others:
            if flow.inputs[name].default is None and name not in request.inputs:
                raise ValidationError(
                    said(
                        "flow_wants_input",
                        "The flow {flow!r} needs a value for its input {input!r}.",
                        flow=flow.id,
                        input=name,
                    ),
                    where="inputs",
                )


def _look_up(lookup: Lookup, name: str, where: str) -> None:
    try:
        lookup(name)
    except AgentLabError as error:
        error.where = where
        raise
