"""The real SDKs with an access key in place of the token."""

import asyncio
from pathlib import Path

import anthropic
import openai
import pytest

from agent_lab.contracts.run_ports import RunFilter
from agent_lab.providers.scripted import ScriptedProvider
from api.doors import until
from support.sdk_clients import QUESTION, clients

ROLES = {"creator": "12 + 30 = 41", "challenger": "The sum is wrong.", "refiner": "Answer: it is 42"}


async def test_a_flow_runs_as_a_model_for_an_access_key_until_it_is_revoked(tmp_path: Path) -> None:
    async with clients(tmp_path / "home", ScriptedProvider(ROLES)) as lab:
        keys, runs = lab.door.lab.access_keys, lab.door.lab.runs
        _, secret = keys.add("ci")
        chat = lab.openai.with_options(api_key=secret).chat.completions
        answer = await chat.create(model="flow/challenge", messages=QUESTION)
        stream = await chat.create(model="flow/challenge", messages=QUESTION, stream=True)
        streamed = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        messages = lab.anthropic.with_options(api_key=secret).messages
        message = await messages.create(model="flow/challenge", max_tokens=50, messages=QUESTION)
        keys.revoke("ci")
        with pytest.raises(openai.AuthenticationError):
            await chat.create(model="flow/challenge", messages=QUESTION)
        with pytest.raises(anthropic.AuthenticationError):
            await messages.create(model="flow/challenge", max_tokens=50, messages=QUESTION)
        owners = await lab.openai.chat.completions.create(model="flow/challenge", messages=QUESTION)
        callers = [info.caller for info in await runs.list()]
    said = [answer.choices[0].message.content, streamed, message.content[0].text]  # type: ignore[union-attr]
    assert said == [ROLES["refiner"]] * 3
    assert owners.choices[0].message.content == ROLES["refiner"]
    assert callers == ["", "ci", "ci", "ci"]


async def test_past_a_keys_bound_the_sdk_raises_its_rate_limit_until_there_is_room_again(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with clients(tmp_path / "home", ScriptedProvider(gate=gate)) as lab:
        keys, runs = lab.door.lab.access_keys, lab.door.lab.runs
        _, secret = keys.add("ci", runs_at_once=1, runs_waiting=0)
        client = lab.openai.with_options(api_key=secret)
        first = asyncio.create_task(client.chat.completions.create(model="flow/challenge", messages=QUESTION))
        await until(lambda: len(runs.shop.active) == 1)
        with pytest.raises(openai.RateLimitError, match="none of the access key 'ci' may wait") as refused:
            await client.chat.completions.create(model="flow/challenge", messages=QUESTION)
        assert int(refused.value.response.headers["retry-after"]) >= 1
        gate.set()
        assert (await first).choices[0].message.content
        await until(lambda: not runs.shop.active)
        again = await client.chat.completions.create(model="flow/challenge", messages=QUESTION)
        assert again.choices[0].message.content
        assert len(await runs.list(only=RunFilter(caller="ci"))) == 2
