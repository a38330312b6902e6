"""What a vendor's answer to a free question says of its address and its key, in each protocol."""

from typing import Any

import pytest
from pydantic import SecretStr

from agent_lab.contracts.errors import AgentLabError, BusyError
from agent_lab.contracts.ports import Reachable, Reached
from agent_lab.providers.hosted.vendors import hosted_provider as provider_of
from support.hosted import CANARY, Kind, answer_of, hosted_call, hosted_provider, hosted_spec, pieces_of, vendor
from support.vendor_faults import Behaviour, refused
from support.vendor_server import vendor_server

KINDS: tuple[Kind, ...] = ("openai", "anthropic")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_vendor_that_lists_its_models_is_reached_with_its_key(kind: Kind) -> None:
    async with vendor(kind) as (server, provider):
        assert isinstance(provider, Reachable)
        assert await provider.reach(5) == Reached(asked="models", models=2)
        (asked,) = server.received
    assert asked.path == "/v1/models"
    assert asked.headers["authorization"] == f"Bearer {CANARY}"
    assert asked.body == {}


@pytest.mark.parametrize("kind", KINDS)
async def test_calls_after_it_are_sent_as_ever(kind: Kind) -> None:
    async with vendor(kind, text="one two") as (server, provider):
        await provider.reach(5)
        await pieces_of(provider, hosted_call(kind))
        assert server.received[-1].headers["content-type"] == "application/json"
        assert len(server.open) <= 1


SAID: dict[str, tuple[Behaviour, str]] = {
    "a key that is not taken": (refused("401 Unauthorized", f"bad {CANARY}"), "does not accept the key in VENDOR_KEY"),
    "a key without the right": (refused("403 Forbidden"), "does not accept the key in VENDOR_KEY"),
    "an empty account": (refused("402 Payment Required"), "has no credit left"),
    "a redirect": (refused("302 Found", headers={"location": "http://127.0.0.1:1/"}), "points to another address"),
    "a page": (Behaviour(status="200 OK", body="<html></html>"), "not as a server of models does"),
    "another document": (Behaviour(status="200 OK", body={"hello": 1}), "not as a server of models does"),
    "a fault": (refused("500 Oops"), "failed (status 500)"),
    "a path that is none": (refused("400 Bad Request"), "does not do this (status 400)"),
    "a reset": (Behaviour(resets=True), "broke the connection off"),
    "a compressed answer": (
        Behaviour(status="200 OK", headers={"content-encoding": "gzip"}, body="x"),
        "sent a compressed answer",
    ),
    "too much": (Behaviour(status="200 OK", body="x" * 17_000_000, piece_bytes=1_000_000), "more than an answer may"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", SAID)
async def test_what_stands_in_the_way_is_said_in_a_sentence_without_the_key(kind: Kind, what: str) -> None:
    behaviour, words = SAID[what]
    told: dict[str, Any] = {name: getattr(behaviour, name) for name in ("status", "headers", "body", "resets")}
    async with vendor(kind, **told, piece_bytes=behaviour.piece_bytes) as (_, provider):
        with pytest.raises(AgentLabError) as caught:
            await provider.reach(5)
    assert words in caught.value.message
    assert CANARY not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_a_vendor_that_takes_no_more_says_when_to_come_back() -> None:
    busy = refused("429 Too Many Requests", headers={"retry-after": "7"})
    async with vendor("openai", status=busy.status, headers=busy.headers, body=busy.body) as (_, provider):
        with pytest.raises(BusyError) as caught:
            await provider.reach(5)
    assert caught.value.retry_after_s == 7


async def test_a_silent_vendor_and_an_address_where_nobody_is_are_told_apart() -> None:
    async with vendor("openai", silent=True) as (server, provider):
        with pytest.raises(AgentLabError, match="did not answer in time"):
            await provider.reach(0.1)
        gone = hosted_spec("openai", server.url)
    with pytest.raises(AgentLabError, match=r"cannot be reached at 127\.0\.0\.1"):
        await provider_of(gone, SecretStr(CANARY)).reach(5)


async def test_a_server_without_a_list_says_nothing_of_itself() -> None:
    async with vendor("openai", models=None) as (_, provider):
        assert await provider.reach(5) == Reached(asked="nothing")
    async with vendor("openai", models=()) as (_, provider):
        assert await provider.reach(5) == Reached(asked="models", models=0)


async def test_a_vendor_that_lists_to_everybody_is_asked_for_the_key() -> None:
    async with vendor_server() as server:
        spec = hosted_spec("openai", server.url).model_copy(update={"tried_with": "key"})
        assert await provider_of(spec, SecretStr(CANARY)).reach(5) == Reached(asked="key")
        assert server.received[0].path == "/v1/key"


async def test_a_server_that_asks_for_a_key_nobody_gave_it_says_where_to_name_one() -> None:
    async with vendor_server(status="401 Unauthorized", body="") as server:
        provider = hosted_provider("openai", server, key=None, key_env=None)
        with pytest.raises(AgentLabError, match="name its variable as key_env"):
            await provider.reach(5)
    assert (await answer_of("openai", text="yes")).text == "yes"
