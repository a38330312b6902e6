"""A live run with eight lanes of 100 tokens a second each: frame times, and whether every token is there."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from agent_lab.contracts.generation import TextDelta
from agent_lab.contracts.ports import ModelAnswer, ModelCall, ProviderPiece
from agent_lab.contracts.run import RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from benchmarks.web.figures import Figure
from benchmarks.web.frames import watched
from support.web import visiting

LANES, TOKENS_A_SECOND, P95_MS = 8, 100, 50
WORD = re.compile(r"w\d{5}")
FLOW = {
    "id": "lanes",
    "name": "Lanes",
    "nodes": [
        {"id": f"expert_{n}", "kind": "generate", "label": f"Expert {n}", "prompt": "{user_input}", "role": f"e{n}"}
        for n in range(1, LANES + 1)
    ],
    "edges": [],
    "answer": "expert_1",
    "limits": {"max_parallel": LANES},
}
TEXTS = "all => Object.fromEntries(all.map((one) => [one.dataset.card, one.querySelector('[data-text]')?.textContent]))"


def pieces(count: int) -> list[str]:
    """Numbered words as Markdown: paragraphs, lists, emphasis and code, as models write them."""
    return [_before(n) + (f"**w{n:05}**" if n % 17 == 0 else f"w{n:05}") + " " for n in range(count)]


def _before(n: int) -> str:
    if n % 120 == 0:
        return f"\n\n## Part {n // 120 + 1}\n\n"
    if n % 60 == 0:
        return "\n\n"
    return "\n- " if n % 120 > 90 and n % 10 == 0 else ""


class Paced(ScriptedProvider):
    """Says its pieces by the clock once it may begin, and ends once it may end."""

    def __init__(self, said: Sequence[str]) -> None:
        super().__init__()
        self.said = said
        self.begin, self.silent, self.end = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.speaking = 0
        self.late_s = 0.0
        """How much later than it should the last piece of a lane came."""

    async def stream(self, call: ModelCall) -> AsyncGenerator[ProviderPiece, None]:
        """The pieces, each at its time."""
        self.speaking += 1
        await self.begin.wait()
        clock = asyncio.get_running_loop().time
        began = clock()
        for number, piece in enumerate(self.said):
            wait_s = began + number / TOKENS_A_SECOND - clock()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            yield TextDelta(text=piece)
        self.late_s = max(self.late_s, clock() - began - len(self.said) / TOKENS_A_SECOND)
        self.speaking -= 1
        if not self.speaking:
            self.silent.set()
        await self.end.wait()
        text = "".join(self.said)
        yield ModelAnswer(text=text, finish_reason="stop", prompt_tokens=1, completion_tokens=len(self.said))


async def figures(browser: Browser, *, quick: bool) -> list[Figure]:
    """One run of fifteen seconds."""
    provider = Paced(pieces(500 if quick else 1500))
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "flows").mkdir()
        (home / "flows" / "lanes.json").write_text(json.dumps(FLOW), "utf-8")
        async with visiting(browser, home, provider) as here:
            info = await here.door.lab.runs.start(RunRequest(flow="lanes", prompt="Say it"))
            page = await here.signed_in(f"/runs/{info.run_id}")
            await page.wait_for_selector(f"[data-card=expert_{LANES}]")
            return await _measure(page, provider, lambda: here.door.lab.runs.wait(info.run_id))


async def _measure(page: Page, provider: Paced, ended: Any) -> list[Figure]:
    wanted = WORD.findall("".join(provider.said))
    async with watched(page) as frames:
        provider.begin.set()
        await provider.silent.wait()
    await page.wait_for_timeout(1000)
    streamed = await _missing(page, wanted)
    provider.end.set()
    await ended()
    await page.wait_for_timeout(1000)
    what = f"{LANES} lanes of {TOKENS_A_SECOND} tokens/s"
    return [
        *frames.figures(f"{what}: a frame", at_most=P95_MS),
        Figure(what=f"{what}: tokens missing before the end", value=streamed, at_most=0),
        Figure(what=f"{what}: tokens missing after it", value=await _missing(page, wanted), at_most=0),
        Figure(what=f"{what}: seconds that the script came late", value=provider.late_s, unit="s"),
    ]


async def _missing(page: Page, wanted: Sequence[str]) -> int:
    texts: dict[str, str | None] = await page.eval_on_selector_all("[data-card]", TEXTS)
    return sum(missing(texts.get(f"expert_{n}"), wanted) for n in range(1, LANES + 1))


def missing(text: str | None, wanted: Sequence[str]) -> int:
    """Words that a lane lacks; all of them where one is missing before the last that is there."""
    words = WORD.findall(text or "")
    return len(wanted) - len(words) if words == list(wanted[: len(words)]) else len(wanted)
