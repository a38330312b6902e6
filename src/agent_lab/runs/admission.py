"""Looks at a run before it starts, so that what is wrong costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from agent_lab.contracts.errors import NotFoundError, ValidationError, unknown_name
from agent_lab.contracts.flow import FlowConfig
from agent_lab.contracts.run import RunRequest

Lookup = Callable[[str], object]
"""Raises NotFoundError for a name that is not in the registry."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Checks a request against its flow and the registries."""

    model: Lookup
    strategy: Lookup

    def check(self, flow: FlowConfig, request: RunRequest) -> None:
        """Raises ValidationError or NotFoundError for the first thing that is wrong."""
        if not request.prompt.strip():
            raise ValidationError("The prompt is empty; write a question.", where="prompt")
        self._inputs(flow, request.inputs)
        options = request.options
        for key in (options.model, *options.models.values()):
            if key is not None:
                _look_up(self.model, key, "model")
        if options.strategy is not None:
            _look_up(self.strategy, options.strategy, "strategy")
        parts = {name for node in flow.nodes for name in (node.id, node.part)}
        for name in options.models:
            if name not in parts:
                raise unknown_name(f"role in the flow {flow.id!r}", name, parts, where="models")

    def _inputs(self, flow: FlowConfig, given: Iterable[str]) -> None:
        for name in given:
            if name not in flow.inputs or name == "user_input":
                raise unknown_name(f"input of the flow {flow.id!r}", name, set(flow.inputs) - {"user_input"})
        for name, declared in flow.inputs.items():
            if name != "user_input" and declared.default is None and name not in given:
                raise ValidationError(f"The flow {flow.id!r} needs a value for its input {name!r}.", where=name)


def _look_up(lookup: Lookup, name: str, where: str) -> None:
    try:
        lookup(name)
    except NotFoundError as error:
        error.where = where
        raise
