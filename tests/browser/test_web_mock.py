"""Mock mode: every screen without a server, and a build that is shipped with nothing of it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from starlette.applications import Starlette

from agent_lab.api.site import SITE, Site, SiteLayer
from api.doors import serve
from support.web import WEB

SOURCES = WEB / "src"
SIGNS = {
    "Mock mode: recorded answers": "shared/shell/mock-badge.tsx",
    "http://mock.invalid": "mock/server.ts",
    "not-recorded": "mock/answers.ts",
}


def test_a_build_without_the_flag_has_no_byte_of_mock_mode() -> None:
    for sign, source in SIGNS.items():
        assert sign in (SOURCES / source).read_text("utf-8"), f"{source} says it in other words now"
    recorded = json.loads((SOURCES / "mock" / "recorded.json").read_text("utf-8"))
    signs = [*SIGNS, *(run[0]["run_id"] for run in recorded["runs"])]
    files = [path for path in SITE.rglob("*") if path.is_file() and path.suffix in {".js", ".html", ".txt", ".css"}]
    assert len(files) > 20
    for path in files:
        text = path.read_text("utf-8")
        assert [sign for sign in signs if sign in text] == [], path.name


@pytest_asyncio.fixture(loop_scope="session")
async def files() -> AsyncIterator[str]:
    """The address of the build with the flag: its files, and nothing that answers a question."""
    root = WEB.parent
    build = await asyncio.create_subprocess_exec(
        "sh", "scripts/web.sh", "mock", cwd=root, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await build.communicate()
    assert build.returncode == 0, said.decode()
    async with serve(SiteLayer(Starlette(), site=Site(root / "build" / "mock-site"))) as url:
        yield url


SCREENS = {
    "Console": ("Latest runs", "Completed", "Challenge"),
    "Runs": ("oranges are left?", "Declined", "demo", "That is all: 11 runs."),
    "Flows": ("Multiple perspectives", "Signed off", "Worth it"),
    "Evaluations": ("demo", "challenge", "Worth it"),
    "Models": ("In memory", "demo"),
    "Metrics": ("Tokens", "demo"),
    "Settings": ("openai", "Key missing"),
}
"""By its name in the navigation: what was recorded of it and must be seen."""


@pytest.mark.browser
@pytest.mark.timeout(600)  # half a minute of it is the build, and several on a slow machine
async def test_every_screen_shows_recorded_content_and_no_error_without_a_server(browser: Browser, files: str) -> None:
    page = await (await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")).new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 400 else None)
    await page.goto(files)
    links = page.get_by_role("navigation").first.get_by_role("link")
    await expect(links).to_have_text([*SCREENS])
    for name, wanted in SCREENS.items():
        await links.filter(has_text=name).click()
        await seen(page, *wanted)
    await links.filter(has_text="Evaluations").click()
    await page.get_by_role("main").get_by_role("link").filter(has_text="demo").first.click()
    await page.wait_for_url("**/evaluations/eval-*")
    await seen(page, "Verdicts", "challenge", "no critic", "50")
    await page.goto(f"{files}/evaluations/new")
    await seen(page, "differences from", "Compute 66 minus 2")
    await links.filter(has_text="Runs").click()
    await page.get_by_role("link", name=re.compile("oranges are left")).first.click()
    await page.wait_for_url("**/runs/2*")
    await seen(page, "Answer:")
    await links.filter(has_text="Flows").click()
    await page.get_by_role("link", name="Challenge", exact=True).click()
    await page.wait_for_url("**/flows/challenge")
    await seen(page, "Challenger", "Refiner")
    assert complaints == []


async def seen(page: Page, *wanted: str) -> None:
    """All of that is in sight, and nothing that went wrong or that is waited for."""
    main = page.get_by_role("main")
    for text in wanted:
        await expect(main.get_by_text(text).locator("visible=true").first).to_be_visible()
    await expect(main.get_by_role("alert")).to_have_count(0)
    await expect(main.locator("[aria-hidden].animate-pulse")).to_have_count(0)
