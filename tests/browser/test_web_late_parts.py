"""Parts of the app that are fetched when they are wanted: where one cannot be, it says so, and the rest stays."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from agent_lab.api.site import SITE
from agent_lab.contracts.run import RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from support.web import axe

pytestmark = pytest.mark.browser

FILES = "**/_next/static/chunks/*.js"
TOLD = "This part of the app could not be loaded"


async def run_page(here: Any) -> Page:
    """The page of a run that has ended."""
    run = await here.door.lab.runs.start(RunRequest(flow="challenge", prompt="How many?"))
    await here.door.lab.runs.wait(run.run_id)
    page: Page = await here.signed_in(f"/runs/{run.run_id}")
    await expect(page.get_by_role("tabpanel")).to_contain_text("Answer: 42")
    await page.wait_for_load_state("networkidle")
    return page


def with_badge() -> str:
    """The file that the badge is in."""
    found = [path for path in SITE.rglob("_next/static/chunks/*.js") if "group/badge" in path.read_text("utf-8")]
    assert len(found) == 1
    return f"**/{found[0].name}"


async def test_a_part_that_cannot_be_loaded_says_so_in_its_place_and_is_loaded_again(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Answer: 42"})) as here:
        page = await run_page(here)
        await page.route(FILES, lambda route: route.abort())
        await page.get_by_role("tab", name="Cost and time").click()
        told = page.get_by_role("tabpanel").get_by_role("alert")
        await expect(told).to_contain_text(TOLD)
        assert await axe(page) == []
        await page.get_by_role("tab", name="Answer").click()
        await expect(page.get_by_role("tabpanel")).to_contain_text("Answer: 42")
        await page.get_by_role("button", name="Fork").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_role("alert")).to_contain_text(TOLD)
        assert await axe(page) == []
        await page.unroute(FILES)
        await dialog.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("dialog", name="Run again with a change")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.get_by_role("tab", name="Cost and time").click()
        await told.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("table", name="What each node took")).to_be_visible()
        await expect(told).to_have_count(0)


async def test_without_the_palette_and_a_menu_the_page_stays_and_both_come_later(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Answer: 42"})) as here:
        page = await run_page(here)
        await page.route(FILES, lambda route: route.abort())
        await page.keyboard.press("Control+k")
        await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text(TOLD)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(page.get_by_role("tabpanel")).to_contain_text("Answer: 42")
        await page.get_by_role("button", name="Link and files").press("Enter")
        await expect(page.get_by_role("status").filter(has_text=TOLD)).to_be_visible()
        await page.unroute(FILES)
        # The first time too, a menu that the keys open stands at its first item.
        await page.get_by_role("button", name="Link and files").press("Enter")
        await expect(page.get_by_role("menuitem").first).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await expect(page.get_by_role("menuitem").nth(1)).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="Link and files")).to_be_focused()
        await page.keyboard.press("Control+k")
        await page.get_by_role("dialog").get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("combobox")).to_be_focused()


async def test_what_is_typed_while_the_palette_comes_is_searched_for(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Answer: 42"})) as here:
        page = await run_page(here)
        gate = asyncio.Event()

        async def held(route: Route) -> None:
            await gate.wait()
            await route.continue_()

        await page.route(FILES, held)
        await page.keyboard.press("Control+k")
        await page.keyboard.type("sett")
        await expect(page.get_by_role("dialog").get_by_role("textbox")).to_have_value("sett")
        assert await axe(page) == []
        gate.set()
        field = page.get_by_role("combobox")
        await expect(field).to_be_focused()
        await page.keyboard.type("ings")
        await expect(field).to_have_value("settings")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/settings")
        await page.keyboard.press("Control+k")
        await expect(field).to_have_value("")
        assert here.complaints == []


async def test_badges_that_cannot_be_loaded_are_buttons_that_fetch_them(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Answer: 42"})) as here:
        page = await here.page()
        await page.route(with_badge(), lambda route: route.abort())
        await page.goto(here.link)
        again = page.get_by_role("button", name=TOLD)
        await expect(again.first).to_be_visible()
        await expect(page.get_by_role("status").get_by_text(TOLD)).to_have_count(1)
        assert await axe(page) == []
        await page.unroute(with_badge())
        await again.first.click()
        await expect(again).to_have_count(0)
        await expect(page.get_by_role("radio", name="Challenge", exact=True)).to_be_checked()
