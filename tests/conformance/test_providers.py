"""What every provider keeps to, whatever runs behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.generation import TextDelta
from agent_lab.contracts.ports import ModelAnswer, ModelCall
from agent_lab.contracts.registry import ModelSpec
from agent_lab.providers.scripted import ScriptedProvider
from support.hosted import hosted_call, hosted_provider
from support.tiny_model import local_stack, tiny_call, tiny_spec
from support.vendor_server import LONG, vendor_server

pytest_plugins = ("support.tiny_fixtures",)


@dataclass(frozen=True)
class Subject:
    """A provider under test, how to call it, and how many answers it is still at work on."""

    provider: Any
    call: Callable[..., ModelCall]
    at_work: Callable[[], int]


@pytest.fixture(params=["scripted", "local", "openai", "anthropic"])
async def subject(request: pytest.FixtureRequest, tiny_folder: Path) -> AsyncIterator[Subject]:
    if request.param == "scripted":
        provider = ScriptedProvider(lambda call: LONG, delay_s=0.001)
        spec = ModelSpec(
            key="script", name="script", family="s", provider="scripted", model_id="scripted:echo", context_window=4096
        )
        yield Subject(
            provider, lambda **more: tiny_call(tiny_folder, model=spec, **more), lambda: provider.open_streams
        )
        await provider.close()
        return
    if request.param in {"openai", "anthropic"}:
        async with vendor_server(delay_s=0.001) as server:
            provider = hosted_provider(request.param, server)
            yield Subject(provider, hosted_call, lambda: server.at_work)
            await provider.close()
        return
    stack = local_stack(tiny_spec(tiny_folder))
    yield Subject(
        stack.provider,
        lambda **more: tiny_call(tiny_folder, **{"seed": 4, **more}),
        lambda: sum(model.in_use for model in stack.manager.resident()),
    )
    await stack.provider.close()


async def pieces_of(subject: Subject, **more: Any) -> list[TextDelta | ModelAnswer]:
    async with aclosing(subject.provider.stream(subject.call(**more))) as stream:
        return [piece async for piece in stream]


async def test_the_answer_comes_last_and_once(subject: Subject) -> None:
    pieces = await pieces_of(subject)
    assert [isinstance(piece, ModelAnswer) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert len(pieces) > 2


async def test_the_pieces_add_up_to_the_text(subject: Subject) -> None:
    *deltas, answer = await pieces_of(subject)
    assert "".join(delta.text for delta in deltas) == answer.text
    assert all(delta.text for delta in deltas)


async def test_max_tokens_bounds_the_answer_and_is_said(subject: Subject) -> None:
    *_, answer = await pieces_of(subject, max_tokens=3)
    assert answer.finish_reason == "length"
    assert answer.completion_tokens == 3


async def test_a_stop_string_ends_the_answer_before_it(subject: Subject) -> None:
    *_, whole = await pieces_of(subject)
    stop = whole.text[5:7]
    *deltas, answer = await pieces_of(subject, stop=(stop,))
    assert answer.text == whole.text[: whole.text.index(stop)]
    assert answer.finish_reason == "stop"
    assert "".join(delta.text for delta in deltas) == answer.text


async def test_tokens_are_counted(subject: Subject) -> None:
    *_, answer = await pieces_of(subject)
    assert answer.prompt_tokens > 0
    assert answer.completion_tokens > 0


async def test_the_same_call_gives_the_same_text(subject: Subject) -> None:
    assert (await pieces_of(subject))[-1].text == (await pieces_of(subject))[-1].text


async def test_leaving_the_stream_ends_the_work(subject: Subject) -> None:
    async with aclosing(subject.provider.stream(subject.call(max_tokens=400))) as stream:
        await anext(stream)
        assert subject.at_work() == 1
    for _ in range(3000):
        await asyncio.sleep(0.01)
        if not subject.at_work():
            break
    assert subject.at_work() == 0


async def test_calls_at_once_each_get_their_own_answer(subject: Subject) -> None:
    answers = await asyncio.gather(*(pieces_of(subject, max_tokens=length) for length in (2, 5, 9)))
    assert [pieces[-1].completion_tokens for pieces in answers] == [2, 5, 9]
