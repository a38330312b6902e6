"""Hosted providers over the vendors' real libraries, and calls of their models."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import SecretStr

from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.registry import ModelSpec, ProviderSpec
from agent_lab.providers.hosted.provider import HostedProvider
from agent_lab.providers.hosted.vendors import hosted_provider as provider_of
from support.tiny_model import tiny_call
from support.vendor_server import VendorServer

Kind = Literal["openai", "anthropic"]
CANARY = "canary-0123456789-abcdef"


def hosted_spec(kind: Kind, url: str, *, key_env: str | None = "VENDOR_KEY") -> ProviderSpec:
    """A row for a server that speaks this protocol."""
    base_url = f"{url}/v1" if kind == "openai" else url
    return ProviderSpec.model_validate({"key": "vendor", "kind": kind, "base_url": base_url, "key_env": key_env})


def hosted_provider(
    kind: Kind, server: VendorServer, *, key: str | None = CANARY, key_env: str | None = "VENDOR_KEY"
) -> HostedProvider:
    """A provider of that kind with the server as its vendor."""
    return provider_of(hosted_spec(kind, server.url, key_env=key_env), SecretStr(key) if key else None)


ROW = ("ignores", "rejects", "api", "model_id", "continues")
CALL = ("streamed", "header_s", "timeout_s", "prefix")


def hosted_call(**more: Any) -> ModelCall:
    """A call of a model at the vendor. What is named in `ROW` goes into its row, in `CALL` into the call itself, and
    the rest is taken as by `tiny_call`."""
    row = {"key": "big", "name": "Big", "family": "b", "provider": "vendor", "model_id": "big-1"}
    row |= {name: more.pop(name) for name in ROW if name in more}
    own = {name: more.pop(name) for name in CALL if name in more}
    model = ModelSpec.model_validate({**row, "context_window": 100_000})
    call = tiny_call(None, model=model, **{"max_tokens": 1000, **more})  # type: ignore[arg-type]
    return replace(call, **own)
