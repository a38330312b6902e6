"""10,000 runs in the list, scrolled from the first to the last: frame times, and rows that were not there in time."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from playwright.async_api import Browser, Page

from benchmarks.web.figures import Figure
from benchmarks.web.frames import watched
from support.many_runs import fill
from support.web import visiting

RUNS, P95_MS, LONGEST_S = 10_000, 50, 180
STEP_PX = 480
IS_BLANK = """() => {
  window.isBlank = () => {
    const list = document.querySelector('[data-run]')?.parentElement?.getBoundingClientRect();
    if (!list) return true;
    const middle = document.elementFromPoint(list.x + list.width / 2, innerHeight / 2);
    return middle !== null && middle.closest('[data-run], [aria-busy=true], [data-skeleton]') === null;
  };
}"""


async def figures(browser: Browser, *, quick: bool) -> list[Figure]:
    """A wheel that turns as fast as a hand turns it, a turn of 480 pixels each frame or two."""
    count = 1000 if quick else RUNS
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        async with visiting(browser, home) as here:
            made = await fill(home, count)
            page = await here.signed_in("/runs")
            await page.wait_for_selector(f"[data-run='{made[-1].run_id}']")
            return await _scroll(page, count, made[0].run_id)


async def _scroll(page: Page, count: int, last: str) -> list[Figure]:
    await page.evaluate(IS_BLANK)
    await page.mouse.move(700, 600)
    began = time.perf_counter()
    drawn = 0
    async with watched(page) as frames:
        while time.perf_counter() - began < LONGEST_S:
            await page.mouse.wheel(0, STEP_PX)
            await page.wait_for_timeout(16)
            drawn = max(drawn, await page.locator("[data-run]").count())
            if await page.locator(f"[data-run='{last}']").count():
                break
    seconds = time.perf_counter() - began
    reached = await page.locator(f"[data-run='{last}']").count()
    what = f"{count:,} runs"
    return [
        *frames.figures(f"{what}, scrolled: a frame", at_most=P95_MS),
        Figure(what=f"{what}: reached the last", value=reached, at_least=1, more=f"{seconds:.0f} s"),
        Figure(what=f"{what}: frames with nothing in the middle", value=frames.blank, more=f"of {len(frames.deltas)}"),
        Figure(what=f"{what}: rows in the document at the most", value=drawn, at_most=200),
    ]
