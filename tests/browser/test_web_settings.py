"""The settings in a real browser: looks that stay, tested connections, links for others, what the server read."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from support.vendor_server import VendorServer, vendor_server
from support.web import Theme, Visit, axe, visiting_lab

pytestmark = pytest.mark.browser

CANARY = "canary-0123456789-abcdef"
Visiting = Callable[..., AbstractAsyncContextManager[Visit]]


@pytest.fixture
def lab(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Visiting:
    monkeypatch.setenv("BOX_API_KEY", CANARY)
    monkeypatch.setenv("HOME", str(tmp_path))  # whatever this machine has fetched from the hub is not looked at

    def to(**more: Any) -> AbstractAsyncContextManager[Visit]:
        return visiting_lab(browser, tmp_path / "home", **more)

    return to


def rows(vendor: VendorServer) -> str:
    return f"""
[[provider]]
key = "box"
kind = "openai_compatible"
base_url = "{vendor.url}/v1"
key_env = "BOX_API_KEY"

[[model]]
key = "boxed"
provider = "box"
"""


def provider(page: Page, name: str) -> Locator:
    panel = page.get_by_role("region", name="Providers")
    return panel.get_by_role("listitem").filter(has=page.get_by_role("button", name=f"Test connection: {name}"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 375])
async def test_the_settings_have_nothing_that_readers_or_the_policy_object_to(
    lab: Visiting, theme: Theme, width: int
) -> None:
    async with lab(AGENT_LAB_MAX_RUNZ="3", LOG_LEVEL="info") as here:
        page = await here.signed_in("/settings", width=width, theme=theme)
        await page.get_by_text("The key of openai").click()
        await page.get_by_role("button", name="Make a link").click()
        await expect(page.get_by_label("Sign-in link")).to_be_visible()
        await provider(page, "openai").get_by_role("button").click()
        await expect(provider(page, "openai")).to_contain_text("It cannot be used.")
        assert await axe(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert (here.complaints, here.foreign) == ([], [])


async def test_theme_and_language_stay_with_the_browser(lab: Visiting) -> None:
    async with lab() as here:
        page = await here.signed_in("/settings")
        html = page.locator("html")
        await expect(page.get_by_role("radio", name="As the system")).to_be_checked()
        await page.get_by_text("Dark", exact=True).click()
        await expect(html).to_have_class(re.compile(r"\bdark\b"))
        await page.get_by_text("Español", exact=True).click()
        await expect(page.get_by_role("heading", name="Ajustes", exact=True)).to_be_visible()
        await page.reload()
        await expect(html).to_have_class(re.compile(r"\bdark\b"))
        await expect(page.get_by_role("heading", name="Ajustes", exact=True)).to_be_visible()
        await expect(page.get_by_role("radio", name="Oscuro")).to_be_checked()
        await expect(html).to_have_attribute("lang", "es")
        await page.goto(here.url + "/models")
        await expect(page.get_by_role("heading", name="Modelos")).to_be_visible()
        await page.set_viewport_size({"width": 375, "height": 812})
        words = page.get_by_role("navigation").filter(visible=True).locator("a > span")
        await expect(words).to_have_count(7)
        cut = "all => all.filter((word) => word.scrollWidth > word.clientWidth).map((word) => word.textContent)"
        assert await words.evaluate_all(cut) == []
        await expect(html).to_have_class(re.compile(r"\bdark\b"))


async def test_a_connection_that_works_is_said_to_and_the_key_is_nowhere(lab: Visiting) -> None:
    async with vendor_server() as vendor, lab(rows=rows(vendor)) as here:
        page = await here.signed_in("/settings")
        box = provider(page, "box")
        await expect(box).to_contain_text("Key present")
        await expect(box).to_contain_text("BOX_API_KEY from the environment")
        await box.get_by_role("button").click()
        await expect(box).to_contain_text("It answers.")
        await expect(box).to_contain_text("answers with the key in BOX_API_KEY and lists 2 models.")
        await expect(box).to_contain_text("Asked for its list of models, which costs nothing")
        assert [asked.path for asked in vendor.received] == ["/v1/models"]
        assert vendor.received[0].headers["authorization"] == f"Bearer {CANARY}"
        assert CANARY not in await page.content()


async def test_a_connection_that_is_refused_says_what_to_mend(lab: Visiting) -> None:
    async with vendor_server(status="401 Unauthorized", body=CANARY) as vendor, lab(rows=rows(vendor)) as here:
        page = await here.signed_in("/settings")
        box = provider(page, "box")
        await box.get_by_role("button").click()
        await expect(box).to_contain_text("It cannot be used.")
        await expect(box).to_contain_text("'box' does not accept the key in BOX_API_KEY")
        vendor.status = None
        await box.get_by_role("button").click()
        await expect(box).to_contain_text("It answers.")
        await expect(box).not_to_contain_text("does not accept")
        assert CANARY not in await page.content()


async def test_a_provider_without_key_is_not_called_and_says_where_it_goes(lab: Visiting, tmp_path: Path) -> None:
    async with lab() as here:
        page = await here.signed_in("/settings")
        openai = provider(page, "openai")
        await expect(openai).to_contain_text("Key missing")
        await openai.get_by_role("button").click()
        await expect(openai).to_contain_text(f"Put OPENAI_API_KEY into {tmp_path / 'home' / 'no.env'}")
        await expect(openai).to_contain_text("Nobody was called")


async def test_a_newcomer_is_shown_the_ways_to_a_real_model(lab: Visiting) -> None:
    async with lab() as here:
        page = await here.signed_in("/settings")
        connect = page.get_by_role("region", name="Connect a real model")
        await expect(connect).to_contain_text("Only the built-in demonstration model can answer so far.")
        await connect.get_by_text("The key of openai").click()
        await expect(connect).to_contain_text("OPENAI_API_KEY=")
        await expect(connect).to_contain_text("It opens gpt-5.5 and 5 more.")
        await connect.get_by_text("A server that speaks OpenAI's protocol").click()
        await expect(connect).to_contain_text('kind = "openai_compatible"')


async def test_a_link_signs_one_more_browser_in(lab: Visiting) -> None:
    async with lab() as here:
        page = await here.signed_in("/settings")
        await page.get_by_role("button", name="Make a link").click()
        field = page.get_by_label("Sign-in link")
        await expect(field).to_have_value(re.compile(re.escape(here.url) + r"/login\?code=[\w-]{20,}"))
        other = await here.page()
        await other.goto(await field.input_value())
        await other.goto(here.url + "/settings")
        await expect(other.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
        await expect(page.get_by_role("region", name="Access")).to_contain_text("agent-lab keys new NAME")


async def test_what_the_server_read_is_shown_with_its_origin_and_without_secrets(lab: Visiting) -> None:
    environ = {"AGENT_LAB_MAX_RUNS": "3", "OPENAI_API_KEY": CANARY, "AGENT_LAB_MAX_QUEUEE": "1"}
    async with lab(**environ, AGENT_LAB_DAILY_BUDGET_USD="5") as here:
        page = await here.signed_in("/settings")
        limits = page.get_by_role("region", name="Limits in force")
        await expect(limits).to_contain_text(re.compile(r"Runs at onceAGENT_LAB_MAX_RUNS3"))
        await expect(limits).to_contain_text("$0.00 of $5.00 today")
        server = page.get_by_role("region", name="The server's settings")
        await expect(server).to_contain_text("AGENT_LAB_MAX_QUEUEE is not a setting")
        key = server.get_by_role("listitem").filter(has_text="OPENAI_API_KEY")
        await expect(key).to_contain_text("set, not shown")
        await expect(key).to_contain_text("environment")
        await expect(server.get_by_text("DATABASE_URL")).to_have_count(0)
        await server.get_by_text("All", exact=True).click()
        await expect(server.get_by_role("listitem").filter(has_text="DATABASE_URL")).to_contain_text("not set")
        assert CANARY not in await page.content()
