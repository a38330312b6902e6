"""Turns a call into a job for an engine: the prompt as the model reads it, and how long the answer may be."""

from __future__ import annotations

import json
from dataclasses import dataclass

from agent_lab.contracts.errors import TooLargeError
from agent_lab.contracts.generation import GenerationRequest
from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.sentences import said
from agent_lab.providers.local.batching.grammar import with_schema
from agent_lab.providers.local.engine import Job
from agent_lab.providers.local.loading.loader import Loaded
from agent_lab.providers.local.prompt import Reading, prompt_ids
from agent_lab.providers.local.templates.sandbox import Templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A job, and what its user should know."""

    job: Job
    notes: tuple[str, ...]


def job_of(call: ModelCall, loaded: Loaded, templates: Templates) -> Asked:
    """The job for a call. Slow enough (a template, a tokenizer) to be made in a thread.

    Raises TooLargeError where the prompt leaves no room for an answer, ValidationError where the model's template
    refuses the conversation, and UnusableError where the template cannot be run.
    """
    request = held_to_json(call.request)
    schema = request.response_schema
    told = with_schema(request) if call.model.prompt_format == "chat" else request
    reading = Reading(model_key=call.model.key, tokenizer=loaded.tokenizer, templates=templates)
    ids = prompt_ids(reading, told, call.model.prompt_format)
    max_tokens, notes = _budget(call, loaded.window_tokens, len(ids))
    job = Job(
        prompt_ids=tuple(ids),
        max_tokens=max_tokens,
        sampling=call.sampling,
        seed=request.seed,
        stops=tuple(request.stop),
        schema=None if schema is None else json.dumps(schema, ensure_ascii=False),
        adapter=call.model.key if call.model.base else None,
    )
    return Asked(job=job, notes=notes)


def asks_for_json(request: GenerationRequest) -> bool:
    """Whether an OpenAI client asks for JSON of whatever shape."""
    return request.extra.get("response_format") == {"type": "json_object"}


def held_to_json(request: GenerationRequest) -> GenerationRequest:
    """The request with that wish as a schema, where it has no other."""
    if request.response_schema is not None or not asks_for_json(request):
        return request
    return request.model_copy(update={"response_schema": {"type": "object"}})


def _budget(call: ModelCall, window_tokens: int, prompt_tokens: int) -> tuple[int, tuple[str, ...]]:
    room = window_tokens - prompt_tokens
    if room < 1:
        raise TooLargeError(
            said(
                "prompt_over_window",
                "The prompt has {prompt} tokens and {model!r} reads {most} with the answer; shorten "
                "it, or use a strategy with more `context` (such as 'long') or a model with a larger "
                "window.",
                prompt=prompt_tokens,
                model=call.model.key,
                most=window_tokens,
            ),
            where="/prompt",
        )
    asked = call.max_tokens
    if asked <= room or call.request.max_tokens is None:
        return min(asked, room), ()
    note = f"The answer may have {room} tokens, not {asked}: the prompt takes {prompt_tokens} of the {window_tokens}."
    return room, (note,)
