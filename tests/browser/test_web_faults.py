"""What goes wrong beside the way, in a real browser: told where it happened, with what to do about it."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Route, expect

from agent_lab.contracts.run import RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from support.web import axe, visiting_lab

pytestmark = pytest.mark.browser

NO_CLIPBOARD = """() => Object.defineProperty(navigator, 'clipboard', {
  value: {writeText: () => Promise.reject(new DOMException('no', 'NotAllowedError'))},
})"""


async def test_a_load_whose_stream_ends_before_the_model_is_ready_is_not_called_done(
    tmp_path: Any, browser: Any
) -> None:
    async def cut(route: Route) -> None:
        await route.fulfill(status=200, content_type="text/event-stream", body=": begun\n\n")

    async with visiting_lab(browser, tmp_path / "home") as here:
        page = await here.signed_in("/models")
        await page.route("**/models/demo/load", cut)
        await page.get_by_role("button", name="demo", exact=True).click()
        panel = page.get_by_role("dialog")
        await panel.get_by_role("button", name="Load into memory").click()
        await expect(panel.get_by_role("alert")).to_contain_text("Try once more")
        await expect(panel.get_by_role("button", name="Load into memory")).to_be_enabled()


async def test_a_copy_that_the_browser_refuses_is_not_called_copied(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Answer: 42"})) as here:
        run = await here.door.lab.runs.start(RunRequest(flow="challenge", prompt="How many?"))
        await here.door.lab.runs.wait(run.run_id)
        page = await here.signed_in(f"/runs/{run.run_id}")
        await expect(page.get_by_role("region", name="Answer")).to_contain_text("42")
        await page.evaluate(NO_CLIPBOARD)
        await page.get_by_role("region", name="Answer").get_by_role("button", name="Copy").first.click()
        await expect(page.get_by_text("The browser did not let it be copied")).to_be_visible()
        await expect(page.get_by_text("Copied", exact=True)).to_have_count(0)


async def test_two_ends_of_a_filter_that_cross_are_told_at_the_field(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Answer: 42"})) as here:
        page = await here.signed_in("/runs?cost_from=2&cost_to=1&since=2026-11-22&until=2026-11-21")
        await expect(page.get_by_label("USD to")).to_have_accessible_description(
            "This is less than the lower figure; give that one or a higher one."
        )
        await expect(page.get_by_label("To day")).to_have_accessible_description(
            "This day is before the first one; give that day or a later one."
        )
        await page.get_by_label("USD to").fill("3")
        await expect(page.get_by_label("USD to")).not_to_have_attribute("aria-invalid", "true")


async def test_where_the_browser_has_no_network_the_server_of_this_machine_is_asked_all_the_same(
    tmp_path: Any, browser: Any
) -> None:
    async with visiting_lab(browser, tmp_path / "home") as here:
        page = await here.signed_in("/settings")
        await expect(page.get_by_role("region", name="Providers")).to_be_visible()
        await page.evaluate("dispatchEvent(new Event('offline'))")
        await page.get_by_role("button", name="Make a link").click()
        await expect(page.get_by_label("Sign-in link")).to_have_value(re.compile("code="))
        await page.get_by_role("navigation").filter(visible=True).get_by_role("link", name="Models").click()
        await expect(page.get_by_role("button", name="demo", exact=True)).to_be_visible()


async def test_while_the_server_is_away_the_dashboard_says_so_and_goes_on_once_it_is_back(visit: Any) -> None:
    back, over = asyncio.Event(), asyncio.Event()

    async def away(route: Route) -> None:
        if back.is_set() and route.request.url.endswith("/health"):
            # That it is back is found out by another question than the one that is asked for that alone.
            await over.wait()
        await (route.continue_() if back.is_set() else route.abort())

    async with visit(ScriptedProvider({"*": "Answer: 42"})) as here:
        page = await here.signed_in("/metrics")
        await expect(page.get_by_role("meter", name="RAM")).to_be_visible()
        for address in ("**/api/**", "**/health"):
            await page.route(address, away)
        await page.get_by_text("30 days", exact=True).click()
        lost = page.get_by_text("The server does not answer", exact=False).first
        broken = page.get_by_role("main").get_by_role("alert")
        await expect(lost).to_be_visible()
        await expect(broken.first).to_be_visible()
        assert await axe(page) == []
        back.set()
        await page.keyboard.press("Control+k")
        await expect(page.get_by_role("option", name="Challenge").first).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(lost).to_have_count(0)
        await expect(page.locator("[aria-busy=true]")).to_have_count(0)
        await expect(broken).to_have_count(0)
        over.set()


async def test_a_tab_that_was_signed_out_goes_on_when_the_link_was_opened_in_another(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Answer: 42"})) as here:
        page = await here.signed_in("/evaluations")
        await expect(page.get_by_text("No evaluation yet")).to_be_visible()
        await page.context.clear_cookies()
        await page.get_by_role("link", name="New evaluation").first.click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        other = await here.page(context=page.context)
        await other.goto(here.link)
        await expect(other.get_by_role("heading", name="Console")).to_be_visible()
        await page.bring_to_front()
        await page.evaluate("dispatchEvent(new Event('focus'))")
        await expect(page.get_by_role("heading", name="New evaluation")).to_be_visible()
