"""Guesses how many tokens a request has, before anybody has counted them."""

from __future__ import annotations

import math

from agent_lab.contracts.generation import GenerationRequest

BYTES_PER_TOKEN = 4
IMAGE_TOKENS = 1000


def estimated_tokens(request: GenerationRequest) -> int:
    """Tokens of prompt, about: the provider counts exactly, this only tells the hopeless from the possible."""
    history = request.context.history
    tokens = sum(map(_tokens, (request.prompt, request.context.system or "", *(turn.content for turn in history))))
    for turn in history:
        if turn.images or turn.tool_calls:
            tokens += IMAGE_TOKENS * len(turn.images) + sum(_tokens(call.arguments) for call in turn.tool_calls)
    if request.response_schema is not None:
        tokens += _tokens(str(request.response_schema))
    return tokens + sum(_tokens(f"{tool.name}{tool.description}{tool.parameters}") for tool in request.tools)


def _tokens(text: str) -> int:
    length = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return math.ceil(length / BYTES_PER_TOKEN)
