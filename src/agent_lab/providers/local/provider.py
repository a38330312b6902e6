"""Serves the models of this machine; the built-in one declines what it was not made for and says what to use."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from agent_lab.contracts.generation import GenerationRequest, TextDelta
from agent_lab.contracts.ports import ModelAnswer, ModelCall
from agent_lab.demo import domain
from agent_lab.providers.local.asking import asks_for_json, held_to_json
from agent_lab.providers.local.executor import ModelExecutor

CONNECT = (
    "To have this answered, put OPENAI_API_KEY or ANTHROPIC_API_KEY into .env and name a hosted model (--model "
    "gpt-5-mini, --model claude-haiku-4.5), or name a local one (for instance --model qwen3-4b; its weights are "
    "fetched from Hugging Face at the first use). `agent-lab models list` shows them all; models.toml takes yours."
)


class LocalProvider:
    """Answers with models that run on this machine. Fulfils `contracts.ports.Provider`.

    `refusal` says why the built-in model does not take a question, or None where it does.
    """

    def __init__(self, executor: ModelExecutor, *, refusal: Callable[[str], str | None] = domain.refusal) -> None:
        self._executor = executor
        self._refusal = refusal

    async def stream(self, call: ModelCall) -> AsyncGenerator[TextDelta | ModelAnswer, None]:
        """Pieces of text as they are written, and the answer last. Leaving ends the writing within a step."""
        declined = self._refusal(asked(call.request)) if call.model.demonstration else None
        if declined is not None:
            text = f"{declined} {CONNECT}"
            yield TextDelta(text=text)
            yield ModelAnswer(text=text, finish_reason="declined", prompt_tokens=0, completion_tokens=0)
            return
        taken, notes = _taken(call)
        async with aclosing(self._executor.stream(taken)) as pieces:
            async for piece in pieces:
                yield _noted(piece, notes)

    async def close(self) -> None:
        """Stop every answer within a step and end the worker thread."""
        await self._executor.close()


def asked(request: GenerationRequest) -> str:
    """The question itself: the first turn of the user where there are turns, else the prompt."""
    return next((turn.content for turn in request.context.turns if turn.role == "user"), request.prompt)


def _taken(call: ModelCall) -> tuple[ModelCall, tuple[str, ...]]:
    """The call without what the model does not take, and a sentence for each such thing."""
    request, left = call.request, _not_taken(call.request)
    if "response_schema" in call.model.ignores and held_to_json(request).response_schema is not None:
        left = [*left, "response_schema"]
        extra = {name: value for name, value in request.extra.items() if name != "response_format"}
        call = replace(call, request=request.model_copy(update={"response_schema": None, "extra": extra}))
    return call, tuple(f"{call.model.key!r} does not take {name}; it was left out." for name in left)


def _noted(piece: TextDelta | ModelAnswer, notes: tuple[str, ...]) -> TextDelta | ModelAnswer:
    return piece if isinstance(piece, TextDelta) or not notes else replace(piece, notes=(*piece.notes, *notes))


def _not_taken(request: GenerationRequest) -> list[str]:
    return [name for name in request.extra if not (name == "response_format" and asks_for_json(request))]
