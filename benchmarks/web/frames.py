"""Frame times of a page as its own clock has them: what lies between two calls of requestAnimationFrame."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, CDPSession, Page

from benchmarks.web.figures import Figure, percentile

EMPTY_S = 3
BEGIN = """() => {
  const seen = {deltas: [], long: [], on: true, blank: 0};
  window.seenFrames = seen;
  let before = performance.now();
  const next = (now) => {
    if (!seen.on) return;
    seen.deltas.push(now - before);
    before = now;
    if (window.isBlank && window.isBlank()) seen.blank += 1;
    requestAnimationFrame(next);
  };
  requestAnimationFrame((now) => { before = now; requestAnimationFrame(next); });
  if (!PerformanceObserver.supportedEntryTypes.includes('long-animation-frame')) return;
  seen.watch = new PerformanceObserver((list) => seen.long.push(...list.getEntries().map((entry) => entry.duration)));
  seen.watch.observe({type: 'long-animation-frame'});
}"""
END = """() => {
  const {deltas, long, blank, watch} = window.seenFrames;
  window.seenFrames.on = false;
  watch?.disconnect();
  return {deltas, long, blank};
}"""


@dataclass(slots=True)
class Frames:
    """Milliseconds of each frame, of those that took long with all that belongs to them, and how many were blank."""

    deltas: list[float] = field(default_factory=list)
    long: list[float] = field(default_factory=list)
    blank: int = 0
    busy_s: float = 0.0
    """Of a processor, by the page's main thread; unlike the others no other process is in this figure."""

    def figures(self, what: str, *, at_most: float | None) -> list[Figure]:
        """The middle, the 95th of a hundred, and the longest."""
        longest = max(self.deltas, default=0.0)
        told = f"{len(self.deltas)} frames, {len(self.long)} longer than 50 ms with their scripts"
        return [
            Figure(what=f"{what}: p50", value=percentile(self.deltas, 0.5), unit="ms"),
            Figure(what=f"{what}: p95", value=percentile(self.deltas, 0.95), unit="ms", at_most=at_most, more=told),
            Figure(what=f"{what}: longest", value=longest, unit="ms"),
            Figure(what=f"{what}: work of the page's thread in 16.7 ms", value=self._work_ms(), unit="ms"),
        ]

    def _work_ms(self) -> float:
        return self.busy_s / max(1.0, sum(self.deltas)) * 1000 * 1000 / 60


@asynccontextmanager
async def watched(page: Page) -> AsyncIterator[Frames]:
    """The frames of a page while the block goes on; they are there once it has ended."""
    frames = Frames()
    tools = await page.context.new_cdp_session(page)
    await tools.send("Performance.enable", {"timeDomain": "threadTicks"})
    await page.evaluate(BEGIN)
    before = await _busy_s(tools)
    yield frames
    frames.busy_s = await _busy_s(tools) - before
    said = await page.evaluate(END)
    frames.deltas, frames.long, frames.blank = said["deltas"], said["long"], said["blank"]
    await tools.detach()


async def _busy_s(tools: CDPSession) -> float:
    """Seconds of a processor that the page's main thread has taken for its tasks."""
    said = await tools.send("Performance.getMetrics")
    return next(float(one["value"]) for one in said["metrics"] if one["name"] == "TaskDuration")


async def empty(browser: Browser) -> list[Figure]:
    """What this browser can do at all here: an empty page."""
    page = await browser.new_page(viewport={"width": 1440, "height": 900})
    async with watched(page) as frames:
        await page.wait_for_timeout(EMPTY_S * 1000)
    await page.close()
    return frames.figures("an empty page, for comparison", at_most=None)
