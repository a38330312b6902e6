"""Looks at a run before it starts, so that what is wrong costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agent_lab.contracts.errors import AgentLabError, ValidationError, unknown_name
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.run import RunRequest
from agent_lab.nodes.generate import model_for

Lookup = Callable[[str], object]
"""Raises the error that says what is wrong with a name."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Checks a request against its flow and the registries.

    `model` raises for a key that is not in the registry or that nothing here can call.
    """

    model: Lookup
    strategy: Lookup

    def check(self, flow: FlowConfig, request: RunRequest) -> None:
        """Raises ValidationError, NotFoundError or UnusableError for the first thing that is wrong."""
        if not request.prompt.strip():
            raise ValidationError("The prompt is empty; write a question.", where="prompt")
        self._inputs(flow, request)
        options = request.options
        parts = {name for node in flow.nodes for name in (node.id, node.part)}
        for name in options.models:
            if name not in parts:
                raise unknown_name("role", name, parts, place=f"in the flow {flow.id!r}", where="models")
        for key in dict.fromkeys(_models(flow, request)):
            _look_up(self.model, key, "model")
        if options.strategy is not None:
            _look_up(self.strategy, options.strategy, "strategy")

    def _inputs(self, flow: FlowConfig, request: RunRequest) -> None:
        others = set(flow.inputs) - {"user_input"}
        for name in request.inputs:
            if name not in others:
                raise unknown_name("input", name, others, place=f"of the flow {flow.id!r}", where="inputs")
        for name in others:
            if flow.inputs[name].default is None and name not in request.inputs:
                raise ValidationError(f"The flow {flow.id!r} needs a value for its input {name!r}.", where="inputs")


def _models(flow: FlowConfig, request: RunRequest) -> Iterator[str]:
    """Every model that the run names, itself or through its flow."""
    options = request.options
    yield from (key for key in (options.model, *options.models.values()) if key is not None)
    for node in flow.nodes:
        own = node.settings.get("model")
        key = model_for(node, own if isinstance(own, str) else None, options)
        if own is not None and key is not None:
            yield key


def _look_up(lookup: Lookup, name: str, where: str) -> None:
    try:
        lookup(name)
    except AgentLabError as error:
        error.where = where
        raise
