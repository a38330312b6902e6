"""One way of calling a provider from Python, in a process of its own: prints microseconds of CPU a call.

`python sdk_calls.py WAY BASE_URL MESSAGES CALLS`. Imports nothing of this product, so that it runs in any environment.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

MODEL = "burst-1"
WARM_UP = 20
Call = Callable[[list[dict[str, str]]], Awaitable[Any]]


def openai_typed(url: str) -> Call:
    """The call that the SDK's guide shows."""
    import openai

    client = openai.AsyncOpenAI(api_key="none", base_url=url, max_retries=0)
    return lambda messages: client.chat.completions.create(model=MODEL, messages=messages)


def openai_post(url: str) -> Call:
    """The SDK as transport alone: nothing is validated."""
    import httpx2
    import openai

    client = openai.AsyncOpenAI(api_key="none", base_url=url, max_retries=0)

    async def call(messages: list[dict[str, str]]) -> Any:
        body = {"model": MODEL, "messages": messages}
        return (await client.post("/chat/completions", cast_to=httpx2.Response, body=body)).json()

    return call


def litellm(url: str) -> Call:
    """LiteLLM without its proxy."""
    import litellm as library  # type: ignore[import-not-found]

    library.telemetry = False
    library.suppress_debug_info = True
    return lambda messages: library.acompletion(
        model=f"openai/{MODEL}", api_base=url, api_key="none", messages=messages, max_retries=0
    )


WAYS = {"openai-typed": openai_typed, "openai-post": openai_post, "litellm-sdk": litellm}


async def cpu_us(call: Call, messages: int, calls: int) -> float:
    """CPU of one call, the first ones left out."""
    turns = [
        {
            "role": "user" if (messages - number) % 2 else "assistant",
            "content": f"This is what turn {number} says. " * 4,
        }
        for number in range(messages)
    ]
    for _ in range(WARM_UP):
        await call(turns)
    before_s = time.process_time()
    for _ in range(calls):
        await call(turns)
    return (time.process_time() - before_s) / calls * 1e6


if __name__ == "__main__":
    way, url, messages, calls = sys.argv[1:]
    sys.stdout.write(f"{asyncio.run(cpu_us(WAYS[way](url), int(messages), int(calls))):.1f}\n")
