"""Hosted providers over the vendors' real libraries, and calls of their models."""

import traceback
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any, Literal

import pytest
from pydantic import SecretStr

from agent_lab.contracts.errors import AgentLabError
from agent_lab.contracts.generation import TextDelta
from agent_lab.contracts.ports import ModelAnswer, ModelCall, ProviderPiece
from agent_lab.contracts.registry import ModelSpec, ProviderSpec
from agent_lab.providers.hosted.provider import HostedProvider
from agent_lab.providers.hosted.vendors import hosted_provider as provider_of
from support.tiny_model import tiny_call
from support.vendor_server import VendorServer, vendor_server

Kind = Literal["openai", "anthropic", "responses"]
"""A protocol; `responses` is the other one of `openai`."""
CANARY = "canary-0123456789-abcdef"
ROW = ("ignores", "rejects", "api", "model_id", "continues")
CALL = ("streamed", "header_s", "idle_s", "timeout_s", "prefix")


def hosted_spec(kind: Kind, url: str, *, key_env: str | None = "VENDOR_KEY") -> ProviderSpec:
    """A row for a server that speaks this protocol."""
    vendor, base_url = ("anthropic", url) if kind == "anthropic" else ("openai", f"{url}/v1")
    return ProviderSpec.model_validate({"key": "vendor", "kind": vendor, "base_url": base_url, "key_env": key_env})


def hosted_provider(
    kind: Kind, server: VendorServer, *, key: str | None = CANARY, key_env: str | None = "VENDOR_KEY"
) -> HostedProvider:
    """A provider of that kind with the server as its vendor."""
    return provider_of(hosted_spec(kind, server.url, key_env=key_env), SecretStr(key) if key else None)


def hosted_call(kind: Kind = "openai", **more: Any) -> ModelCall:
    """A call of a model at the vendor. What is named in `ROW` goes into its row, in `CALL` into the call itself, and
    the rest is taken as by `tiny_call`."""
    row = {"key": "big", "name": "Big", "family": "b", "provider": "vendor", "model_id": "big-1"}
    row |= {"api": "responses" if kind == "responses" else "chat"}
    row |= {name: more.pop(name) for name in ROW if name in more}
    own = {name: more.pop(name) for name in CALL if name in more}
    model = ModelSpec.model_validate({**row, "context_window": 100_000})
    call = tiny_call(None, model=model, **{"max_tokens": 1000, **more})  # type: ignore[arg-type]
    return replace(call, **own)


@asynccontextmanager
async def vendor(kind: Kind, **server: Any) -> AsyncIterator[tuple[VendorServer, HostedProvider]]:
    """A server, and a provider that calls it."""
    async with vendor_server(**server) as serving:
        provider = hosted_provider(kind, serving)
        yield serving, provider
        await provider.close()


async def pieces_of(provider: HostedProvider, call: ModelCall) -> list[ProviderPiece]:
    """All that is said in answer to the call."""
    async with aclosing(provider.stream(call)) as stream:
        return [piece async for piece in stream]


async def answer_of(kind: Kind, *, streamed: bool = True, **server: Any) -> ModelAnswer:
    """The answer of such a server, of which the pieces add up to its text."""
    async with vendor(kind, **server) as (_, provider):
        *pieces, answer = await pieces_of(provider, hosted_call(kind, streamed=streamed))
    assert isinstance(answer, ModelAnswer)
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)) == answer.text
    return answer


async def error_of(kind: Kind, *, streamed: bool = True, **server: Any) -> AgentLabError:
    """What such a server leads to; the key is nowhere in it."""
    async with vendor(kind, **server) as (_, provider):
        with pytest.raises(AgentLabError) as caught:
            await pieces_of(provider, hosted_call(kind, streamed=streamed))
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    return caught.value


async def sent(kind: Kind, **call: Any) -> tuple[dict[str, Any], ModelAnswer]:
    """The body that reaches a vendor, and its answer."""
    async with vendor(kind, text="one two") as (server, provider):
        answer = (await pieces_of(provider, hosted_call(kind, **call)))[-1]
    assert isinstance(answer, ModelAnswer)
    return server.received[0].body, answer
