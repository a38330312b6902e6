"""Every fault of a vendor through the front door, with registry rows alone between: a whole answer or an error."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import openai
import openai.resources.responses  # noqa: F401 - loaded late otherwise, while these models are waited for
import pytest

from agent_lab.settings import Reading, read_settings
from agent_lab.wiring import Lab, build_app, open_lab
from api.doors import TOKEN, serve, until
from support.sdk_clients import QUESTION
from support.vendor_faults import FAULTS, LONG, WELL, Behaviour
from support.vendor_server import VendorServer, vendor_server

KINDS = ("chat", "responses", "messages")
# Whom the client's protocol meets at the other end: its own, and at least one that has to be translated.
PAIRS = [*(("chat", kind) for kind in KINDS), ("messages", "messages"), ("messages", "chat")]
PAIRS += [("responses", "responses"), ("responses", "messages")]
EVERY_PAIR = pytest.mark.parametrize(("client", "kind"), PAIRS)
EITHER_WAY = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
SDK_ERRORS = (openai.APIError, anthropic.APIError)
WHOLE = {LONG, WELL.text}
LATE = {"silent", "slow-first-token", "stall"}
QUICK = "{ header_s = 1.5, first_token_s = 1.5, idle_s = 1.5 }"
PATIENT = "{ header_s = 20, first_token_s = 20, idle_s = 20 }"
"""For those that answer at once: the loop that all of this runs on is late itself on a slow machine."""
AT_THE_END = "{ header_s = 20, first_token_s = 20, idle_s = 1.5 }"
"""For the one that is silent once all of its text has come, where it is not known to be whole by then."""
SOUND = {"well", "wrong-type", *(name for name in FAULTS if name.endswith("-then-well"))} - {"cut-then-well"}
BREAKER_S = 3.2
FLAPPING = [Behaviour(status="503 No", body="", lasts_s=3.0), WELL]
NO_END = {"no-end", "no-end-hangs"}
SHORT = " ".join(f"word{number}" for number in range(10))
CUTS = {f"cut-{byte}": [Behaviour(text=SHORT, cut_at=byte)] for byte in range(1, 97 * 48, 97)}


def has_an_end(kind: str, *, streamed: bool) -> bool:
    """Whether an answer is known to be whole without the protocol's last event: with responses that event says so."""
    return kind != "responses" or not streamed


def timeouts(kind: str, name: str) -> str:
    """How long the model of that name is waited for."""
    if name == "no-end-hangs" and not has_an_end(kind, streamed=True):
        return AT_THE_END
    return QUICK if name in LATE else PATIENT


def rows(server: VendorServer, names: Sequence[str], *, fallbacks: bool) -> Iterator[str]:
    """Nothing but what a user would write."""
    for kind in ("openai", "anthropic"):
        address = f"{server.url}/v1" if kind == "openai" else server.url
        yield f'[[provider]]\nkey = "{kind}-vendor"\nkind = "{kind}"\nbase_url = "{address}"\n'
    for kind in KINDS:
        provider = "anthropic-vendor" if kind == "messages" else "openai-vendor"
        api = 'api = "responses"\n' if kind == "responses" else ""
        for name in (*names, "flapping", "spare"):
            row = f'[[model]]\nkey = "{kind}-{name}"\nprovider = "{provider}"\nmodel_id = "{name}"\n{api}'
            row += f"timeouts = {timeouts(kind, name)}\n"
            yield row + (f'fallbacks = ["{kind}-spare"]\n' if fallbacks and name != "spare" else "")


def _settings(home: Path, vendor: VendorServer, names: Sequence[str], *, fallbacks: bool) -> Reading:
    home.mkdir()
    (home / "rows.toml").write_text("\n".join(rows(vendor, names, fallbacks=fallbacks)))
    return read_settings(
        {"AGENT_LAB_HOME": str(home), "CIRCUIT_BREAKER_TIMEOUT": str(BREAKER_S)}, dotenv=home / "no.env"
    )


class FrontDoor:
    """The real server in front of the vendor that fails, and both SDKs."""

    def __init__(self, lab: Lab, vendor: VendorServer, url: str) -> None:
        self.lab = lab
        self.vendor = vendor
        self.openai = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=TOKEN, max_retries=0, timeout=100)
        self.anthropic = anthropic.AsyncAnthropic(base_url=url, api_key=TOKEN, max_retries=0, timeout=100)

    async def ask(self, client: str, model: str, *, streamed: bool) -> str:
        """What a client of that protocol hears, or whatever its SDK raises."""
        by = {"chat": self.chat, "responses": self.response, "messages": self.message}
        return await by[client](model, streamed=streamed)

    async def chat(self, model: str, *, streamed: bool) -> str:
        """The whole text, or whatever the SDK raises. A stream that ends without its finish reason is no answer."""
        asked: dict[str, Any] = {"model": model, "messages": QUESTION}
        if not streamed:
            return str((await self.openai.chat.completions.create(**asked)).choices[0].message.content)
        text, ended = "", False
        async for chunk in await self.openai.chat.completions.create(**asked, stream=True):
            text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
            ended = ended or bool(chunk.choices and chunk.choices[0].finish_reason)
        assert ended
        return text

    async def response(self, model: str, *, streamed: bool) -> str:
        """The same; a stream that ends without `response.completed` is no answer."""
        if not streamed:
            return (await self.openai.responses.create(model=model, input="What is 12 + 30?")).output_text
        text, ended = "", False
        async for event in await self.openai.responses.create(model=model, input="What is 12 + 30?", stream=True):
            text += event.delta if event.type == "response.output_text.delta" else ""
            ended = ended or event.type == "response.completed"
        assert ended
        return text

    async def message(self, model: str, *, streamed: bool) -> str:
        """The same; a stream that ends without `message_stop` is no answer."""
        asked: dict[str, Any] = {"model": model, "max_tokens": 900, "messages": QUESTION}
        if not streamed:
            return "".join(block.text for block in (await self.anthropic.messages.create(**asked)).content)
        text, ended = "", False
        async for event in await self.anthropic.messages.create(**asked, stream=True):
            text += event.delta.text if event.type == "content_block_delta" else ""
            ended = ended or event.type == "message_stop"
        assert ended
        return text


@asynccontextmanager
async def front_door(
    home: Path, *, fallbacks: bool, plans: Mapping[str, Sequence[Behaviour]] = FAULTS
) -> AsyncIterator[FrontDoor]:
    async with (
        vendor_server(plans={**plans, "flapping": FLAPPING}) as vendor,
        open_lab(_settings(home, vendor, list(plans), fallbacks=fallbacks)) as lab,
        serve(build_app(lab, token=TOKEN)) as url,
    ):
        door = FrontDoor(lab, vendor, url)
        yield door
        await door.openai.close()
        await door.anthropic.close()


async def outcomes(
    door: FrontDoor, client: str, kind: str, names: Sequence[str] = tuple(FAULTS), *, streamed: bool
) -> dict[str, str | Exception]:
    """What comes of each fault, all at the same time."""
    calls = [door.ask(client, f"{kind}-{name}", streamed=streamed) for name in names]
    got = await asyncio.gather(*calls, return_exceptions=True)
    for one in got:
        assert isinstance(one, (str, *SDK_ERRORS)), one
    return dict(zip(names, got, strict=True))  # type: ignore[arg-type]


@EVERY_PAIR
@EITHER_WAY
async def test_with_a_fallback_every_fault_but_a_rejection_ends_in_a_whole_answer(
    tmp_path: Path, client: str, kind: str, streamed: bool
) -> None:
    async with front_door(tmp_path / "home", fallbacks=True) as door:
        got = await outcomes(door, client, kind, streamed=streamed)
    lost = {name for name, one in got.items() if one not in WHOLE}
    # What was heard of these begins otherwise than the spare's answer, so that nothing of the two is joined.
    assert lost == {"filter"} | (set() if has_an_end(kind, streamed=streamed) else NO_END)
    refused = got["filter"]
    assert isinstance(refused, openai.BadRequestError | anthropic.BadRequestError)
    assert "The prompt was flagged" in refused.message
    assert client == "messages" or refused.code == "content_policy_violation"  # type: ignore[union-attr]


@EVERY_PAIR
@EITHER_WAY
async def test_without_a_fallback_an_answer_is_whole_or_an_error(
    tmp_path: Path, client: str, kind: str, streamed: bool
) -> None:
    async with front_door(tmp_path / "home", fallbacks=False) as door:
        got = await outcomes(door, client, kind, streamed=streamed)
        asked = [request.model for request in door.vendor.received]
    answered = {name for name, one in got.items() if one in WHOLE}
    assert answered >= SOUND | (NO_END if has_an_end(kind, streamed=streamed) else set())
    assert all(isinstance(one, SDK_ERRORS) for name, one in got.items() if name not in answered)
    assert max(asked.count(name) for name in FAULTS) <= 3
    for once in ("401", "too-long", "filter", "429"):
        assert asked.count(once) == 1, once


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stream_that_is_cut_at_any_byte_is_a_whole_answer_or_an_error(tmp_path: Path, kind: str) -> None:
    async with front_door(tmp_path / "home", fallbacks=False, plans=CUTS) as door:
        got = await outcomes(door, kind, kind, tuple(CUTS), streamed=True)
    # How many break is the sockets' affair: a cut may take what was sent before it along, and then it is asked again.
    assert {one for one in got.values() if isinstance(one, str)} == {SHORT}
    assert all(isinstance(one, SDK_ERRORS) for one in got.values() if one != SHORT)
    assert isinstance(got["cut-1"], SDK_ERRORS)


async def test_a_refusal_that_lasts_is_not_asked_for_again_by_the_sdks_themselves(tmp_path: Path) -> None:
    async with front_door(tmp_path / "home", fallbacks=False) as door:
        door.openai, door.anthropic = (
            door.openai.with_options(max_retries=2),
            door.anthropic.with_options(max_retries=2),
        )
        for client in KINDS:
            with pytest.raises(SDK_ERRORS):
                await door.ask(client, "chat-401", streamed=False)
        assert [request.model for request in door.vendor.received] == ["401"] * 3


async def test_a_cut_stream_without_a_fallback_raises_in_both_sdks(tmp_path: Path) -> None:
    async with front_door(tmp_path / "home", fallbacks=False) as door:
        with pytest.raises(openai.APIError, match="broke off"):
            await door.chat("chat-cut", streamed=True)
        with pytest.raises(anthropic.APIError, match="broke off"):
            await door.message("messages-cut", streamed=True)


async def test_a_model_that_is_down_for_a_while_is_left_alone_and_taken_back(tmp_path: Path) -> None:
    now_s = [0.0]
    async with front_door(tmp_path / "home", fallbacks=True) as door:
        door.vendor.clock = door.lab.gateway._breakers._clock = lambda: now_s[0]
        for _ in range(6):
            assert await door.chat("chat-flapping", streamed=True) == LONG
        arrived = [request.model for request in door.vendor.received].count("flapping")
        assert arrived == 3
        assert door.lab.gateway.breakers()["chat-flapping"] == "open"
        now_s[0] = BREAKER_S
        assert door.lab.gateway.breakers()["chat-flapping"] == "half-open"
        assert await door.chat("chat-flapping", streamed=True) == WELL.text
        assert door.lab.gateway.breakers()["chat-flapping"] == "closed"


async def test_a_client_that_leaves_ends_the_vendors_work(tmp_path: Path) -> None:
    async with front_door(tmp_path / "home", fallbacks=True) as door:
        door.vendor.delay_s = 0.02
        stream = await door.openai.chat.completions.create(model="chat-spare", messages=QUESTION, stream=True)
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                break
        assert door.vendor.at_work == 1
        await stream.close()
        await until(lambda: door.vendor.at_work == 0)


async def test_the_answer_names_the_model_that_gave_it_and_every_attempt(tmp_path: Path) -> None:
    async with front_door(tmp_path / "home", fallbacks=True) as door:
        answer = await door.openai.chat.completions.create(model="chat-500", messages=QUESTION)
        health = json.dumps(door.lab.gateway.breakers())
    assert answer.model == "spare"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 200
    told: dict[str, Any] = answer.model_extra["agent_lab"]  # type: ignore[index]
    assert [(one["model_key"], one["outcome"]) for one in told["attempts"]] == [
        ("chat-500", "broken-off"),
        ("chat-500", "broken-off"),
        ("chat-500", "broken-off"),
        ("chat-spare", "ok"),
    ]
    assert '"chat-500": "open"' in health
