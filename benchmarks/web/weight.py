"""First load: the compressed script of what a page really asks for until it is idle."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Response

from agent_lab.providers.scripted import ScriptedProvider
from benchmarks.web.figures import Figure
from benchmarks.web.lighthouse import SCREENS
from support.web import Visit, visiting

CONSOLE_KB = 250
LIBRARIES = {"React Flow": "react-flow__", "uPlot": "u-legend"}
"""What the console must not load, each by a word that its code cannot do without."""
BROTLI = (
    "const z=require('zlib');const c=z.constants;process.stdout.write(String(z.brotliCompressSync("
    "require('fs').readFileSync(0),{params:{[c.BROTLI_PARAM_QUALITY]:11}}).length))"
)


async def figures(browser: Browser, *, quick: bool) -> list[Figure]:
    """The console with its bound, and the other screens."""
    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as home:
        async with visiting(browser, Path(home), ScriptedProvider()) as here:
            for path in SCREENS[:1] if quick else SCREENS:
                found += await _page(here, path)
    return found


async def _page(here: Visit, path: str) -> list[Figure]:
    scripts = await scripts_of(here, path)
    packed = sum(len(gzip.compress(script, 9)) for script in scripts) / 1000
    small = sum(await asyncio.gather(*(asyncio.to_thread(brotli, script) for script in scripts))) / 1000
    bound = CONSOLE_KB if path == "/" else None
    found = [
        Figure(what=f"{path} script, gzip -9", value=packed, unit="kB", at_most=bound, more=f"{len(scripts)} files"),
        Figure(what=f"{path} script, brotli", value=small, unit="kB"),
    ]
    if path != "/":
        return found
    for name, word in LIBRARIES.items():
        times = sum(word.encode() in script for script in scripts)
        found.append(Figure(what=f"/ files with {name} in them", value=times, at_most=0))
    return found


async def scripts_of(here: Visit, path: str) -> list[bytes]:
    """The bodies of the scripts that a browser which was never here asks for."""
    page = await here.signed_in("/404-of-no-page")  # signed in, and nothing of that screen in the cache
    context = await here.browser.new_context(storage_state=await page.context.storage_state())
    page = await here.page(context=context)
    asked: list[Response] = []
    page.on("response", lambda answer: asked.append(answer) if answer.request.resource_type == "script" else None)
    await page.goto(here.url + path, wait_until="networkidle")
    await page.wait_for_timeout(1500)
    inline = await page.eval_on_selector_all("script:not([src])", "all => all.map((one) => one.textContent)")
    return [*(await asyncio.gather(*(answer.body() for answer in asked))), *(code.encode() for code in inline)]


def brotli(script: bytes) -> int:
    """Bytes of it as brotli packs it best."""
    return int(subprocess.run(["node", "-e", BROTLI], input=script, capture_output=True, check=True).stdout)
