"""How far what one reads moves by itself while a screen comes up: its layout shift, as a phone and as a desktop."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from agent_lab.providers.scripted import ScriptedProvider
from benchmarks.web.figures import Figure
from benchmarks.web.lighthouse import ROLES, pages_of
from support.web import visiting

SIZES = {"phone": (412, 823), "desktop": (1350, 940)}
MOST = 0.05
"""A tenth is called good by those who made the measure; nothing that a reader sees should move at all."""
COME_UP_MS = 3000
WATCH = """() => {
  window.shifts = [];
  const name = ({node}) => (node?.closest?.('[aria-label],[id],section') ?? node?.parentElement ?? node);
  const said = (place) => name(place)?.getAttribute?.('aria-label') ?? name(place)?.tagName ?? '?';
  new PerformanceObserver((list) => list.getEntries().forEach(({value, sources, hadRecentInput}) => {
    if (!hadRecentInput) window.shifts.push({value, what: sources.slice(0, 2).map(said)});
  })).observe({type: 'layout-shift', buffered: true});
}"""


async def figures(browser: Browser, *, quick: bool) -> list[Figure]:
    """Every page of a lab that is at work, with what moved most."""
    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as home:
        async with visiting(browser, Path(home), ScriptedProvider(ROLES)) as here:
            pages = await pages_of(here)
            for size in SIZES:
                page = await here.signed_in("/404-of-no-page", width=SIZES[size][0], height=SIZES[size][1])
                await page.context.add_init_script(f"({WATCH})()")
                found += [await _shift(page, here.url + path, name, size) for path, name in pages]
    return found


async def _shift(page: Page, url: str, name: str, size: str) -> Figure:
    await page.goto(url)
    await page.wait_for_timeout(COME_UP_MS)
    shifts: list[dict[str, Any]] = await page.evaluate("() => window.shifts")
    worst = sorted(shifts, key=lambda shift: -shift["value"])[:2]
    moved = ", ".join(itertools.chain.from_iterable(shift["what"] for shift in worst))
    total = sum(shift["value"] for shift in shifts)
    return Figure(what=f"{name} on a {size}: layout shift", value=total, at_most=MOST, more=moved)
