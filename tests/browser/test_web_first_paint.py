"""What a page shows of itself before a single script or file of styles has come."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Route, expect

from support.web import visiting

pytestmark = pytest.mark.browser

FONT_PX = "getComputedStyle(document.querySelector('h1')).fontSize"
STARTED = "document.querySelectorAll('head > script[src][async]').length"


@pytest.mark.parametrize(
    ("path", "heading"), [("/", "Console"), ("/runs", "Runs"), ("/flows", "Flows"), ("/metrics", "Metrics")]
)
async def test_a_page_looks_as_it_will_before_its_files_have_come(
    browser: Browser, tmp_path: Path, path: str, heading: str
) -> None:
    asked: list[str] = []

    async def lose(route: Route) -> None:
        asked.append(route.request.resource_type)
        await route.abort()

    async with visiting(browser, tmp_path) as here:
        page = await here.signed_in("/404-of-no-page")
        here.complaints.clear()
        await page.route("**/_next/static/chunks/**", lose)
        answer = await page.goto(here.url + path)
        await expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
        assert await page.evaluate(FONT_PX) == "21px"
        # All of its scripts are asked for, by itself, once it is painted; its markup asks for none.
        await page.wait_for_function(f"{STARTED} > 5")
        assert answer is not None
        assert 'async=""' not in await answer.text()
        assert asked.count("script") == await page.evaluate(STARTED)
        # The browser complains of every file that was lost; of what the policy refused there is nothing to tell.
        assert not [line for line in here.complaints if "CSP" in line or "Security Policy" in line]
