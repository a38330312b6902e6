"""Which library and which protocols each kind of provider has."""

from __future__ import annotations

from pydantic import SecretStr

from agent_lab.contracts.registry import ProviderSpec
from agent_lab.providers.hosted.anthropic import AnthropicLibrary, MessagesDialect
from agent_lab.providers.hosted.openai import ChatDialect, OpenAILibrary
from agent_lab.providers.hosted.provider import HostedProvider
from agent_lab.providers.hosted.responses import ResponsesDialect


def hosted_provider(spec: ProviderSpec, secret: SecretStr | None) -> HostedProvider:
    """A provider for that row. Nothing is loaded and nobody called before the first question."""
    if spec.kind == "anthropic":
        return HostedProvider(spec, secret, AnthropicLibrary(), {"chat": MessagesDialect()})
    return HostedProvider(spec, secret, OpenAILibrary(), {"chat": ChatDialect(), "responses": ResponsesDialect()})
