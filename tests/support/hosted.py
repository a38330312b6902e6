"""Hosted providers over the vendors' real libraries, and calls of their models."""

from typing import Any, Literal

from pydantic import SecretStr

from agent_lab.contracts.ports import ModelCall
from agent_lab.contracts.registry import ModelSpec, ProviderSpec
from agent_lab.providers.hosted.anthropic import AnthropicDialect
from agent_lab.providers.hosted.openai import OpenAIDialect
from agent_lab.providers.hosted.provider import HostedProvider
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
    dialect = OpenAIDialect() if kind == "openai" else AnthropicDialect()
    spec = hosted_spec(kind, server.url, key_env=key_env)
    return HostedProvider(spec, SecretStr(key) if key else None, dialect)


def hosted_call(**more: Any) -> ModelCall:
    """A call of a model at the vendor. `ignores` goes into its row, the rest as with `tiny_call`."""
    row = {"key": "big", "name": "Big", "family": "b", "provider": "vendor", "model_id": "big-1"}
    model = ModelSpec.model_validate({**row, "context_window": 100_000, "ignores": more.pop("ignores", ())})
    return tiny_call(None, model=model, **{"max_tokens": 1000, **more})  # type: ignore[arg-type]
