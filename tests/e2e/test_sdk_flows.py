"""Flows as models of the real SDKs: their answers, their usage, their roles, their failures."""

import asyncio
from pathlib import Path
from typing import Any

import openai
import pytest

from agent_lab.contracts.errors import BrokenOffError, SilentError
from agent_lab.contracts.ports import ModelCall
from agent_lab.demo.problems import extract_answer, held_out
from agent_lab.providers.scripted import ScriptedProvider, ScriptedReply
from agent_lab.settings import read_settings
from agent_lab.wiring import build_app, open_lab
from api.doors import TOKEN, serve, until
from support.sdk_clients import QUESTION, clients, follow

ROLES = {"creator": "12 + 30 = 41", "challenger": "The sum is wrong.", "refiner": "Answer: it is 42"}


async def test_a_flow_answers_as_a_model_and_its_usage_is_the_runs_own(tmp_path: Path) -> None:
    async with clients(tmp_path / "home", ScriptedProvider(ROLES)) as lab:
        answer = await lab.openai.chat.completions.create(
            model="flow/challenge@1", messages=QUESTION, extra_body={"agent_lab": {"models": {"refiner": "priced"}}}
        )
        told: dict[str, Any] = answer.model_extra["agent_lab"]  # type: ignore[index]
        view = await lab.door.lab.runs.view(told["run_id"])
        response = await lab.openai.responses.create(model="flow/challenge", input="What?")
        message = await lab.anthropic.messages.create(model="flow/challenge", max_tokens=50, messages=QUESTION)
    assert (answer.choices[0].message.content, answer.model) == (ROLES["refiner"], "flow/challenge@1")
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == view.totals.prompt_tokens == sum(r["prompt_tokens"] for r in told["roles"])
    assert answer.usage.completion_tokens == view.totals.completion_tokens
    assert [(role["role"], role["model"]) for role in told["roles"]] == [
        ("creator", "voice"),
        ("challenger", "voice"),
        ("refiner", "priced"),
    ]
    assert told["cost_usd"] is None  # two of the three have no price
    assert told["roles"][2]["cost_usd"] > 0
    assert response.output_text == message.content[0].text == ROLES["refiner"]  # type: ignore[union-attr]


async def test_a_streamed_flow_says_its_answer_alone_or_every_role_where_asked(tmp_path: Path) -> None:
    async with clients(tmp_path / "home", ScriptedProvider(ROLES)) as lab:
        asked: dict[str, Any] = {"model": "flow/challenge", "messages": QUESTION, "stream": True}
        alone = [chunk async for chunk in await lab.openai.chat.completions.create(**asked)]
        asked["extra_body"] = {"agent_lab": {"stream_roles": True}}
        roles = [chunk async for chunk in await lab.openai.chat.completions.create(**asked)]
        options = {"agent_lab": {"stream_roles": True}}
        async with lab.anthropic.messages.stream(
            model="flow/challenge", max_tokens=50, messages=QUESTION, extra_body=options
        ) as stream:
            message = await stream.get_final_message()
        async with lab.openai.responses.stream(model="flow/challenge", input="What?", extra_body=options) as events:
            response = await events.get_final_response()
    for chunks in (alone, roles):
        texts = [chunk.choices[0].delta.content or "" for chunk in chunks]
        assert "".join(texts) == ROLES["refiner"]
        assert len([text for text in texts if text]) > 1  # live, as the refiner speaks
    assert not any((chunk.choices[0].delta.model_extra or {}).get("reasoning_content") for chunk in alone)
    said: dict[str, str] = {}
    for chunk in roles:
        words = (chunk.choices[0].delta.model_extra or {}).get("reasoning_content")
        if words:
            role = (chunk.model_extra or {})["agent_lab"]["role"]
            said[role] = said.get(role, "") + words
    assert said == {"creator": ROLES["creator"], "challenger": ROLES["challenger"]}
    assert [block.type for block in message.content] == ["thinking", "thinking", "text"]
    assert [item.type for item in response.output] == ["reasoning", "reasoning", "message"]
    assert response.output_text == ROLES["refiner"]


async def test_a_flow_that_keeps_the_best_try_is_heard_only_when_it_has_chosen(tmp_path: Path) -> None:
    async with clients(tmp_path / "home", ScriptedProvider(["", "12 + 30 makes 42"])) as lab:
        stream = await lab.openai.chat.completions.create(model="flow/linear", messages=QUESTION, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text == "12 + 30 makes 42"


async def test_a_flow_is_asked_with_history_instructions_and_no_tools(tmp_path: Path) -> None:
    turns: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello!"},
        *QUESTION,
    ]
    tools: Any = [{"type": "function", "function": {"name": "look_up"}}]
    async with clients(tmp_path / "home", ScriptedProvider(ROLES)) as lab:
        answer = await lab.openai.chat.completions.create(model="flow/challenge", messages=turns, stop="END")
        history = lab.door.provider.calls[0].request.context.history
        with pytest.raises(openai.BadRequestError, match="calls no tools"):
            await lab.openai.chat.completions.create(model="flow/challenge", messages=QUESTION, tools=tools)
    assert [turn.role for turn in history] == ["system", "user", "assistant"]
    assert any("'stop'" in note for note in answer.model_extra["agent_lab"]["notes"])  # type: ignore[index]


@pytest.mark.parametrize("again", ["Answer: it is 42", "No answer"])
async def test_an_answer_that_is_begun_anew_goes_on_or_breaks_but_is_never_mixed(tmp_path: Path, again: str) -> None:
    tries = iter([ScriptedReply("Answer: it", error=BrokenOffError("Dead.")), ScriptedReply(again)])

    def script(call: ModelCall) -> ScriptedReply | str:
        return next(tries) if call.request.context.role == "refiner" else ROLES["creator"]

    heard: list[Any] = []
    async with clients(tmp_path / "home", ScriptedProvider(script)) as lab:
        stream = await lab.openai.chat.completions.create(model="flow/challenge", messages=QUESTION, stream=True)
        if again.startswith("Answer: it"):
            await follow(stream, heard)
        else:
            with pytest.raises(openai.APIError, match="begun anew"):
                await follow(stream, heard)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in heard)
    assert text == (again if again.startswith("Answer: it") else "Answer: it")
    assert (heard[-1].choices[0].finish_reason == "stop") == (text == again)


async def test_a_role_that_begins_anew_says_so(tmp_path: Path) -> None:
    tries = iter([ScriptedReply("Wrong", error=BrokenOffError("Dead.")), ScriptedReply("Right")])

    def script(call: ModelCall) -> ScriptedReply | str:
        return next(tries) if call.request.context.role == "creator" else "Fine"

    options = {"agent_lab": {"stream_roles": True}}
    heard: list[Any] = []
    async with clients(tmp_path / "home", ScriptedProvider(script)) as lab:
        await follow(
            await lab.openai.chat.completions.create(
                model="flow/challenge", messages=QUESTION, stream=True, extra_body=options
            ),
            heard,
        )
    creator = [chunk for chunk in heard[:-1] if chunk.model_extra.get("agent_lab", {}).get("role") == "creator"]
    words = [(chunk.choices[0].delta.reasoning_content, chunk.agent_lab.get("restarted", False)) for chunk in creator]
    assert words == [("Wrong", False), ("", True), ("Right", False)]


async def test_a_flow_that_fails_names_its_run_and_one_that_is_left_is_cancelled(tmp_path: Path) -> None:
    failing = ScriptedProvider(["one"], errors={n: SilentError("Nothing came.") for n in range(2, 9)})
    async with clients(tmp_path / "failing", failing) as lab:
        with pytest.raises(openai.APIStatusError, match="run 20") as failed:
            await lab.openai.chat.completions.create(model="flow/challenge", messages=QUESTION, stream=True)
    assert failed.value.status_code == 504
    async with clients(tmp_path / "left", ScriptedProvider(ROLES, gate=asyncio.Event())) as lab:
        asking = asyncio.ensure_future(
            lab.openai.chat.completions.create(model="flow/challenge", messages=QUESTION, stream=True)
        )
        await until(lambda: lab.door.provider.open_streams == 1)
        asking.cancel()
        await until(lambda: lab.door.provider.open_streams == 0)
        (run,) = await lab.door.lab.runs.list()
        async with asyncio.timeout(30):  # its end is written a moment after its last call is given up
            assert (await lab.door.lab.runs.wait(run.run_id)).status == "cancelled"


async def test_the_built_in_model_debates_for_an_sdk(tmp_path: Path) -> None:
    problem = held_out()[0]
    turns: list[Any] = [{"role": "user", "content": problem.input}]
    async with (
        open_lab(read_settings({"AGENT_LAB_HOME": str(tmp_path)}, tmp_path / ".env")) as lab,
        serve(build_app(lab, token=TOKEN)) as url,
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=TOKEN, max_retries=0) as client,
    ):
        heard: list[Any] = []
        await follow(
            await client.chat.completions.create(model="flow/challenge", messages=turns, seed=5, stream=True), heard
        )
        whole = await client.chat.completions.create(model="flow/challenge", messages=turns, seed=5)
        alone = await client.chat.completions.create(model="default", messages=turns, temperature=0)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in heard)
    assert text == whole.choices[0].message.content
    assert extract_answer(text) == problem.target
    assert heard[-1].agent_lab["cost_usd"] == 0  # a price that is known to be nothing
    assert alone.model == "builtin:demo"
