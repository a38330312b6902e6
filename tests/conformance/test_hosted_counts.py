"""The tokens that a vendor counts: taken as they are, or unknown where no answer can have so many."""

import json
from typing import Any

import pytest

from agent_lab.contracts.ports import ModelAnswer
from support.hosted import Kind, answer_of, error_of
from support.vendor_faults import Behaviour
from support.vendor_protocols import document_of, reply_to

pytest_plugins = ("support.hosted_fixtures",)

TEXT = "one"
WILD = ["NaN", "Infinity", "-Infinity", "1e999", "-1", "1.5", "1000000001", "1" + "0" * 30, "1" + "0" * 400]
WRONG = ["true", "false", '"7"', '""', "{}", '{"a": 1}', "[]", "[7]"]
PATHS = {"openai": "/chat/completions", "anthropic": "/messages", "responses": "/responses"}
DETAILS = {"openai": "prompt_tokens_details", "responses": "input_tokens_details"}
NEEDED = {
    "openai": ("prompt_tokens", "completion_tokens"),
    "anthropic": ("input_tokens", "output_tokens"),
    "responses": ("input_tokens", "output_tokens"),
}
CACHE = {
    "openai": ("cached_tokens",),
    "anthropic": ("cache_read_input_tokens", "cache_creation_input_tokens"),
    "responses": ("cached_tokens",),
}


def usage(kind: Kind, changed: str = "", figure: str = "") -> str:
    """A usage as JSON, with one of its figures, or its details, written in place of the real one."""
    figures: dict[str, Any] = dict.fromkeys((*NEEDED[kind], *CACHE[kind]), 10)
    if kind != "anthropic":
        figures[DETAILS[kind]] = {"cached_tokens": figures.pop("cached_tokens")}
    for holder in (figures, figures.get(DETAILS.get(kind, ""), {})):
        if changed in holder:
            holder[changed] = "FIGURE"
    return json.dumps(figures).replace('"FIGURE"', figure)


async def counted(kind: Kind, told: str, *, streamed: bool) -> ModelAnswer:
    """The answer of a vendor with that usage."""
    document = json.loads(document_of(PATHS[kind], reply_to(Behaviour(text=TEXT), {}))) | {"usage": "USAGE"}
    event: dict[str, Any] = {"choices": [], "usage": "USAGE"}
    if kind == "anthropic":
        event = {"type": "message_delta", "delta": {}, "usage": "USAGE"}
    if kind == "responses":
        event = {"type": "response.completed", "response": document}
    insert = json.dumps(event if streamed else document).replace('"USAGE"', told)
    return await answer_of(kind, streamed=streamed, text=TEXT, counts=False, insert=insert)


async def assert_unknown(kind: Kind, told: str, *, streamed: bool) -> None:
    answer = await counted(kind, told, streamed=streamed)
    assert (answer.text, answer.finish_reason) == (TEXT, "stop")
    assert (answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens) == (0, 0, 0)
    assert answer.cache_write_tokens == 0
    assert answer.usage_known is False
    assert answer.notes == ("The provider did not say how many tokens it took.",)


@pytest.mark.parametrize("figure", [*WILD, *WRONG])
async def test_a_figure_that_no_answer_can_have_leaves_the_usage_unknown(
    kind: Kind, streamed: bool, figure: str
) -> None:
    for name in (*NEEDED[kind], *CACHE[kind]):
        await assert_unknown(kind, usage(kind, name, figure), streamed=streamed)


async def test_a_figure_that_is_needed_and_null_leaves_the_usage_unknown(kind: Kind, streamed: bool) -> None:
    for name in NEEDED[kind]:
        if (kind, name, streamed) != ("anthropic", "input_tokens", True):  # its beginning has told it
            await assert_unknown(kind, usage(kind, name, "null"), streamed=streamed)


async def test_a_cache_that_is_told_as_null_is_none(kind: Kind, streamed: bool) -> None:
    for name in (*CACHE[kind], DETAILS.get(kind, "")):
        answer = await counted(kind, usage(kind, name, "null"), streamed=streamed)
        assert answer.usage_known is True
        assert answer.completion_tokens == 10


@pytest.mark.parametrize("told", ["7", '"many"', "[3]", "true", "{}", "null", "NaN"])
async def test_a_usage_that_is_no_object_of_figures_is_unknown(kind: Kind, streamed: bool, told: str) -> None:
    await assert_unknown(kind, told, streamed=streamed)


@pytest.mark.parametrize("details", ["7", '"many"', "[3]", "true"])
@pytest.mark.parametrize("kind", ["openai", "responses"])
async def test_details_that_are_no_object_leave_the_usage_unknown(kind: Kind, streamed: bool, details: str) -> None:
    await assert_unknown(kind, usage(kind, DETAILS[kind], details), streamed=streamed)


async def test_a_whole_number_may_be_written_with_a_point(kind: Kind, streamed: bool) -> None:
    answer = await counted(kind, usage(kind, NEEDED[kind][1], "12.0"), streamed=streamed)
    assert (answer.completion_tokens, answer.usage_known) == (12, True)
    assert isinstance(answer.completion_tokens, int)


async def test_tokens_written_to_the_cache_are_part_of_the_prompt(streamed: bool) -> None:
    answer = await answer_of("anthropic", streamed=streamed, text=TEXT)
    assert (answer.prompt_tokens, answer.cached_tokens, answer.cache_write_tokens) == (40, 30, 4)


@pytest.mark.parametrize("figure", ["NaN", "Infinity", "1e999"])
async def test_what_is_no_number_breaks_the_answer_off_elsewhere(kind: Kind, streamed: bool, figure: str) -> None:
    document = document_of(PATHS[kind], reply_to(Behaviour(text=TEXT), {}))
    event = '{"type": "ping", "choices": []}' if streamed else document
    error = await error_of(kind, streamed=streamed, insert=f'{event[:-1]}, "created": {figure}}}')
    assert error.slug == "broken-off"
    assert "a piece of it cannot be read" in error.message
