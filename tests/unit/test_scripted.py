"""The scripted provider: what it says, when it waits and when it fails."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from agent_lab.contracts.errors import BusyError, NotFoundError, UnusableError
from agent_lab.contracts.generation import Context
from agent_lab.contracts.ports import ModelAnswer, ModelCall
from agent_lab.contracts.registry import ModelSpec
from agent_lab.providers.scripted import ScriptedProvider, ScriptedReply
from support.tiny_model import tiny_call


def call(prompt: str = "one two three", *, model_id: str = "scripted:echo", **more: Any) -> ModelCall:
    spec = ModelSpec(key="s", name="s", family="s", provider="scripted", model_id=model_id, context_window=4096)
    return tiny_call(Path(), prompt, model=spec, **more)


async def answer(provider: ScriptedProvider, one: ModelCall) -> ModelAnswer:
    async with aclosing(provider.stream(one)) as stream:
        pieces = [piece async for piece in stream]
    assert isinstance(pieces[-1], ModelAnswer)
    return pieces[-1]


async def test_a_list_answers_call_by_call_and_then_says_that_it_ended() -> None:
    provider = ScriptedProvider(["first", "second"])
    assert [(await answer(provider, call())).text for _ in range(2)] == ["first", "second"]
    with pytest.raises(UnusableError, match="2 replies and this is call 3"):
        await answer(provider, call())


async def test_a_mapping_answers_by_role_then_by_prompt_then_by_star() -> None:
    provider = ScriptedProvider({"creator": "a draft", "why?": "because", "*": "anything"})
    assert (await answer(provider, call("why?", context=Context(role="creator")))).text == "a draft"
    assert (await answer(provider, call("why?"))).text == "because"
    assert (await answer(provider, call("what?"))).text == "anything"


async def test_a_function_may_give_a_reply_with_more_to_it() -> None:
    provider = ScriptedProvider(lambda one: ScriptedReply(one.request.prompt.upper(), finish_reason="declined"))
    got = await answer(provider, call("no"))
    assert (got.text, got.finish_reason) == ("NO", "declined")


async def test_without_a_script_the_row_says_what_to_do() -> None:
    provider = ScriptedProvider()
    assert (await answer(provider, call("hello there"))).text == "hello there"
    role = call("hello", model_id="scripted:role", context=Context(role="judge"))
    assert (await answer(provider, role)).text == "judge: hello"
    assert (await answer(provider, call(model_id="scripted:decline"))).finish_reason == "declined"
    with pytest.raises(NotFoundError, match="did you mean 'scripted:echo'"):
        await answer(provider, call(model_id="scripted:ecko"))


async def test_the_nth_call_fails_as_told_and_the_next_does_not() -> None:
    provider = ScriptedProvider(errors={1: BusyError("later", retry_after_s=1)})
    with pytest.raises(BusyError, match="later"):
        await answer(provider, call())
    assert (await answer(provider, call())).text == "one two three"
    assert len(provider.calls) == 2
    assert provider.open_streams == 0


async def test_a_gate_holds_the_answer_until_it_is_opened() -> None:
    gate = asyncio.Event()
    provider = ScriptedProvider(gate=gate)
    waiting = asyncio.create_task(answer(provider, call()))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    assert provider.open_streams == 1
    gate.set()
    assert (await waiting).text == "one two three"
