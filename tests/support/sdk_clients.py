"""A real server with scripted models at its end, and both SDKs as its clients."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import openai

from agent_lab.contracts.ports import ModelCall
from agent_lab.providers.scripted import ScriptedProvider, ScriptedReply
from api.doors import TOKEN, Door, open_door, serve

QUESTION: list[Any] = [{"role": "user", "content": "What is 12 + 30?"}]
MODELS = """
[[model]]
key = "priced"
name = "Priced voice"
family = "scripted"
provider = "scripted"
model_id = "vendor/priced-1"
context_window = 100000
cost_profile = { input_usd_per_mtok = 1, output_usd_per_mtok = 2 }
"""


@dataclass(slots=True)
class Clients:
    """A server and both SDKs, their own retries off."""

    door: Door
    url: str
    openai: openai.AsyncOpenAI
    anthropic: anthropic.AsyncAnthropic

    @property
    def call(self) -> ModelCall:
        """What the model was asked last."""
        return self.door.provider.calls[-1]


@asynccontextmanager
async def clients(home: Path, provider: ScriptedProvider | None = None) -> AsyncIterator[Clients]:
    async with (
        open_door(home, provider, more_models=MODELS) as door,
        serve(door.app) as url,
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=TOKEN, max_retries=0) as for_openai,
        anthropic.AsyncAnthropic(base_url=url, api_key=TOKEN, max_retries=0) as for_anthropic,
    ):
        yield Clients(door, url, for_openai, for_anthropic)


def saying(reply: str | ScriptedReply) -> ScriptedProvider:
    return ScriptedProvider({"*": reply})


async def follow(stream: AsyncIterator[Any], heard: list[Any]) -> None:
    """Keep what comes before an error."""
    async for event in stream:
        heard.append(event)  # noqa: PERF401 - a comprehension would lose it
