"""What a page shows of itself, and takes, before a single script or file of styles has come."""

import asyncio
import re
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route, expect

from agent_lab.api.site import SITE
from support.web import visiting

pytestmark = pytest.mark.browser

FONT_PX = "getComputedStyle(document.querySelector('h1')).fontSize"
STARTED = "head > script[src][async]"
CHUNK = re.compile(r"_next/static/chunks/[^\"]+\.js")
KEPT_SPANISH = "() => JSON.parse(localStorage.getItem('agent-lab.console'))?.state.promptLanguage === 'es'"
READ_WHOLE = "//# allFunctionsCalledOnLoad\n"


@pytest.mark.parametrize(
    ("path", "heading"), [("/", "Console"), ("/runs", "Runs"), ("/flows", "Flows"), ("/metrics", "Metrics")]
)
async def test_a_page_looks_as_it_will_before_its_files_have_come(
    browser: Browser, tmp_path: Path, path: str, heading: str
) -> None:
    asked: list[str] = []
    scripts, over = asyncio.Semaphore(0), asyncio.Event()

    async def lose(route: Route) -> None:
        asked.append(route.request.resource_type)
        if asked[-1] == "script":
            scripts.release()
        elif asked[-1] == "stylesheet":
            await over.wait()  # scripts are not to wait for styles
        await route.abort()

    async with visiting(browser, tmp_path) as here:
        page = await here.signed_in("/404-of-no-page")
        here.complaints.clear()
        await page.route("**/_next/static/chunks/**", lose)
        answer = await page.goto(here.url + path, wait_until="commit")
        await expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
        assert await page.evaluate(FONT_PX) == "21px"
        # All of its scripts are asked for, by itself, once it is painted; its markup asks for none.
        await expect(page.locator(STARTED).nth(5)).to_be_attached()
        assert answer is not None
        assert 'async=""' not in await answer.text()
        started = await page.locator(STARTED).count()
        for _ in range(started):
            await asyncio.wait_for(scripts.acquire(), 30)
        assert asked.count("script") == started
        # The browser complains of every file that was lost; of what the policy refused there is nothing to tell.
        assert not [line for line in here.complaints if "CSP" in line or "Security Policy" in line]
        over.set()


NOTE_ASKED = """(() => {
  const ask = window.fetch;
  window.asked = [];
  window.fetch = (it, how) => (window.asked.push(new URL(it.url ?? it, location.href).href), ask(it, how));
})()"""
ASKED_AHEAD = "[...document.querySelectorAll('link[rel=preload][as=fetch]')].map((it) => it.href)"


async def test_what_a_page_needs_of_the_server_is_asked_for_beside_its_scripts_and_once(
    browser: Browser, tmp_path: Path
) -> None:
    paths = ("/", "/runs", "/flows", "/flows/challenge", "/evaluations", "/evaluations/new", "/models", "/settings")
    async with visiting(browser, tmp_path) as here:
        page = await here.signed_in("/404-of-no-page")
        await page.add_init_script(NOTE_ASKED)
        for path in (*paths, "/evaluations/eval-20261122-100000-0a1b2c3d"):
            sent: list[str] = []
            note = lambda request, sent=sent: sent.append(request.url)  # noqa: E731  # taken off again below
            page.on("request", note)
            await page.goto(here.url + path)
            await expect(page.locator(STARTED).first).to_be_attached()
            ahead = await page.evaluate(ASKED_AHEAD)
            assert ahead, path
            # The app asks for each of them, in these very words, and finds the answer there.
            await page.wait_for_function("(ahead) => ahead.every((it) => window.asked.includes(it))", arg=ahead)
            page.remove_listener("request", note)
            # What is looked at again and again the app may have asked for once more by now.
            asked = await page.evaluate("window.asked")
            assert [url for url in ahead if not 1 <= sent.count(url) <= asked.count(url)] == [], path
        # An address that asks for a part of them asks nothing ahead.
        await page.goto(here.url + "/runs?status=failed")
        await expect(page.locator(STARTED).first).to_be_attached()
        assert await page.evaluate(ASKED_AHEAD) == []


async def held(gate: asyncio.Event, route: Route) -> None:
    await gate.wait()
    await route.continue_()


async def test_what_is_typed_before_the_page_is_alive_is_not_lost(browser: Browser, tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with visiting(browser, tmp_path) as here:
        page = await here.signed_in("/")
        await page.get_by_text("Debate", exact=True).click()
        await page.get_by_label("Question", exact=True).fill("What was asked last time?")
        await page.route("**/_next/static/chunks/**", partial(held, gate))
        for path, field, typed in (
            ("/", "Question", "Is it kept?"),
            ("/flows", "Search by name, description or role", "attacked red"),
        ):
            gate.clear()
            await page.goto(here.url + path, wait_until="commit")
            box = page.get_by_label(field, exact=True)
            await box.fill(typed)
            gate.set()
            if path == "/flows":
                await expect(page.get_by_role("listitem")).to_have_count(1)
            else:
                # With what was chosen last time, and with the server's word on what is written now.
                await expect(page.get_by_role("radio", name="Debate")).to_be_checked()
                await expect(page.get_by_text("At the most:")).to_be_visible()
            await expect(box).to_have_value(typed)


async def test_what_is_chosen_before_the_page_is_alive_is_not_lost(browser: Browser, tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with visiting(browser, tmp_path) as here:
        page = await here.signed_in("/404-of-no-page")
        await page.route("**/_next/static/chunks/**", partial(held, gate))

        async def while_not_alive(path: str, one_of: str) -> None:
            gate.clear()
            await page.goto(here.url + path, wait_until="commit")
            await page.get_by_text(one_of, exact=True).click()

        await while_not_alive("/", "Options")
        await page.get_by_label("Language of the prompts").select_option("es")
        gate.set()
        await expect(page.get_by_role("radio", name="Challenge")).to_be_checked()
        await expect(page.get_by_label("Language of the prompts")).to_have_value("es")
        await page.wait_for_function(KEPT_SPANISH)
        await while_not_alive("/", "One model")
        gate.set()
        await expect(page.get_by_role("button", name="Ask")).to_be_visible()
        await expect(page.get_by_role("radio", name="One model")).to_be_checked()
        # It is kept as what is chosen later is.
        await page.reload()
        await page.get_by_text("A flow", exact=True).click()
        await expect(page.get_by_label("Language of the prompts")).to_have_value("es")
        # Also where a choice takes away the field of what was typed before it.
        await while_not_alive("/", "Options")
        await page.get_by_label("USD at the most").fill("0.5")
        await page.get_by_text("One model", exact=True).click()
        gate.set()
        await expect(page.get_by_role("button", name="Ask")).to_be_visible()
        await page.get_by_text("A flow", exact=True).click()
        await expect(page.get_by_label("USD at the most")).to_have_value("0.5")
        await while_not_alive("/settings", "Dark")
        gate.set()
        await expect(page.locator("html.dark")).to_be_attached()
        await while_not_alive("/flows", "Library")
        gate.set()
        await expect(page.get_by_role("listitem").first).to_be_visible()
        await expect(page.get_by_role("radio", name="Library")).to_be_checked()


async def test_what_is_pressed_before_the_page_is_alive_is_done_then_and_once(browser: Browser, tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with visiting(browser, tmp_path) as here:
        page = await here.signed_in("/404-of-no-page")
        await page.route("**/_next/static/chunks/**", partial(held, gate))
        await page.goto(f"{here.url}/flows", wait_until="commit")
        await page.get_by_role("button", name="New flow").click()
        assert await page.get_by_role("dialog").count() == 0
        gate.set()
        dialog = page.get_by_role("dialog", name="New flow")
        await expect(dialog).to_be_visible()
        await dialog.get_by_role("button", name="Cancel").click()
        await expect(dialog).to_be_hidden()
        await page.get_by_role("button", name="New flow").click()
        await expect(dialog).to_have_count(1)


def test_a_browser_is_told_to_read_whole_what_every_page_starts_with_and_nothing_else() -> None:
    pages = [page.read_text("utf-8") for page in SITE.rglob("*.html")]
    starts = [set(CHUNK.findall(page.split("<script>(()=>{const start=")[1].split("</script>")[0])) for page in pages]
    shared = set.intersection(*starts)
    assert len(shared) > 5
    assert set.union(*starts) > shared
    marked = {chunk for chunk in set.union(*starts) if (SITE / chunk).read_text("utf-8").startswith(READ_WHOLE)}
    assert marked == shared
