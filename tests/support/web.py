"""A browser before a real server: signed in, watched for complaints, looked over for what readers would miss."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, Page, Playwright, Request

from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.settings import Reading, read_settings
from agent_lab.wiring import build_app, open_lab
from api.doors import TOKEN, Door, open_door, serve
from support.scripted_host import ScriptedHost

WEB = Path(__file__).parents[2] / "web"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Theme = Literal["light", "dark"]
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
"""Run on a page: wait until what has changed is drawn, and what watches the drawing has been told."""
AT_REST = """() => {
  const going = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime < Infinity);
  return Promise.allSettled(going.map(({ finished }) => finished)).then(() => null);
}"""
"""Wait until every colour is what it changes to: half way there it may be too faint to read, for a moment."""
FITTED = """() => {
  const at = document.querySelector('.react-flow__viewport')?.style.transform;
  const isStill = at !== undefined && at === window.canvasStoodAt;
  window.canvasStoodAt = at;
  return isStill && at !== '' && at !== 'translate(0px, 0px) scale(1)';
}"""
"""True once the builder's canvas shows the flow where it stays: nodes are seen a moment before they are moved there."""
SLOWED = float(os.environ.get("TEST_BROWSER_SLOWED", "1"))
"""How many times slower than this machine every page's processor is made: what a slow one would find is found here."""


@dataclass(slots=True)
class Visit:
    """A browser, the server that it visits, and what its pages complained of or asked of others."""

    browser: Browser
    door: Door
    url: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    """Addresses of other servers that a page asked for."""

    @property
    def link(self) -> str:
        """A new one-time link."""
        return f"{self.url}/login?code={self.door.app.state.login_codes.make()}"

    async def page(
        self, *, width: int = 1440, height: int = 900, theme: Theme = "light", context: BrowserContext | None = None
    ) -> Page:
        """A page of a browser that was never here, or of this one."""
        if context is None:
            context = await self.browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme, locale="en-GB"
            )
            # The policy's own word on what it refused: the console repeats only some of it.
            await context.add_init_script(
                "addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective, "
                "e.blockedURI, e.sample))"
            )
        page = await context.new_page()
        if SLOWED > 1:
            protocol = await context.new_cdp_session(page)
            await protocol.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: self._note(request))
        return page

    def _note(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.foreign.append(request.url)

    @staticmethod
    async def without_alerts(page: Page) -> None:
        """What is wrong with the machine that the test runs on shall move nothing on this page."""
        await page.route("**/api/metrics/alerts", lambda route: route.fulfill(json={"alerts": []}))

    async def signed_in(self, path: str = "/", **how: Any) -> Page:
        """A page behind the link, at that path."""
        page = await self.page(**how)
        if path == "/":
            await page.goto(self.link)
            return page
        # The cookie alone: the page that the link leads to need not be drawn.
        answer = await page.context.request.get(self.link, max_redirects=0)
        assert answer.status == 303, await answer.text()
        await page.goto(self.url + path)
        return page


def chromium() -> str:
    """The browser that is installed here."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = [path for name in names if (path := shutil.which(name))]
    assert found, "no Chromium is installed; scripts/chromium.sh sees to it"
    return found[0]


async def launch(playwright: Playwright) -> Browser:
    """The browser, with nothing of its own that would ask the network."""
    return await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)


@asynccontextmanager
async def visiting(
    browser: Browser, home: Path, provider: ScriptedProvider | None = None, *, more_models: str = ""
) -> AsyncIterator[Visit]:
    """A visit to a lab of its own in that folder, whose models are the script's."""
    async with open_door(home, provider, more_models=more_models) as door, _visiting(browser, door) as visit:
        yield visit


@asynccontextmanager
async def visiting_lab(
    browser: Browser, home: Path, *, rows: str = "", host: ScriptedHost | None = None, **environ: str
) -> AsyncIterator[Visit]:
    """A visit to a lab whose gateway and providers are its own.

    `rows`: of its registries. `host`: what has models in memory, in place of its own.
    """
    async with open_lab(_reading(home, rows, environ)) as lab:
        if host is not None:
            lab = replace(lab, host=host, monitor=host, figures=host.figures, loading=lambda: ())
        async with _visiting(browser, Door(lab, ScriptedProvider(), build_app(lab, token=TOKEN))) as visit:
            yield visit


def _reading(home: Path, rows: str, environ: Mapping[str, str]) -> Reading:
    home.mkdir(exist_ok=True)
    (home / "rows.toml").write_text(rows)
    return read_settings({"AGENT_LAB_HOME": str(home), **environ}, dotenv=home / "no.env")


@asynccontextmanager
async def _visiting(browser: Browser, door: Door) -> AsyncIterator[Visit]:
    async with serve(door.app) as url:
        try:
            yield Visit(browser, door, url)
        finally:
            for context in browser.contexts:
                await context.close()


async def axe(page: Page) -> list[str]:
    """What axe finds on the page as it is: the rule, what to do, and where."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(AXE.read_text("utf-8"))
    await page.evaluate(AT_REST)
    found = await page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['help']} at {node['target']}: {node.get('failureSummary', '')}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


async def fitted(page: Page) -> None:
    """Wait until the canvas has brought its flow into view: what is measured before is elsewhere a frame later."""
    await page.wait_for_function(FITTED)


async def stored(here: Visit, document: dict[str, Any]) -> None:
    """Put a flow into the store."""
    async with here.door.owner() as client:
        (await client.post("/api/flows", json=document)).raise_for_status()


async def draft(here: Visit, flow: str) -> dict[str, Any]:
    """The draft of a stored flow as the server has it."""
    async with here.door.owner() as client:
        found: dict[str, Any] = (await client.get(f"/api/flows/{flow}", params={"version": "draft"})).json()
    return found
