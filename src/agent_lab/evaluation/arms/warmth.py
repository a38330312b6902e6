"""Has several answers to one question differ: finds out where greed would give the same one again and again."""

from __future__ import annotations

from dataclasses import replace

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.flow import NodeConfig
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.run import RunOptions
from agent_lab.evaluation.arms.lone import Lone
from agent_lab.evaluation.running.terms import Resolve
from agent_lab.gateway.sizing import merged_sampling
from agent_lab.nodes.generate import GenerateSettings, model_for


def told_of_greed(lone: Lone, options: RunOptions, resolve: Resolve) -> tuple[Lone, RunOptions]:
    """The same with the temperature 0 at the node itself, wherever it comes from: from the options of the arm, or from
    a strategy. There it is seen by whoever has the node asked several times (`lone.sampled`)."""
    own = GenerateSettings.model_validate(lone.node.settings)
    request = GenerationRequest(
        prompt="?",
        model_key=model_for(lone.node, own.models[0] if own.models else own.model, options),
        strategy=options.strategy or own.strategy,
        temperature=own.temperature if options.temperature is None else options.temperature,
    )
    try:
        _, strategy = resolve(request, None)
    except AgentLabError:
        return lone, options  # whoever asks it is told
    if merged_sampling(request, strategy).temperature != 0:
        return lone, options
    node = NodeConfig.model_validate({**lone.node.model_dump(exclude_defaults=True), "temperature": 0.0})
    return replace(lone, node=node), options.model_copy(update={"temperature": None})
