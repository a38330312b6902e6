"""A real browser signs in by the link, runs a flow, watches it live, and comes back to it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from agent_lab.contracts.errors import UnusableError
from agent_lab.providers.scripted import ScriptedProvider, ScriptedReply
from api.doors import Door, open_door, serve

pytestmark = pytest.mark.browser
expect.set_options(timeout=15_000)

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> {{user_input}} **bold**"
)
ROLES = {"creator": "12 + 30 = 42", "challenger": HOSTILE, "refiner": "Answer: 42"}
QUESTION = "Ana has 12 apples and buys 30 more. How many has she now?"


@dataclass(slots=True)
class Visit:
    """A browser, the server that it visits, and what its pages complained of."""

    browser: Browser
    door: Door
    url: str
    complaints: list[str]

    @property
    def link(self) -> str:
        """A new one-time link."""
        return f"{self.url}/login?code={self.door.app.state.login_codes.make()}"

    async def page(self, *, width: int = 1280) -> Page:
        """A page of a browser that was never here."""
        context = await self.browser.new_context(viewport={"width": width, "height": 800})
        page = await context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        return page

    async def signed_in(self, *, width: int = 1280) -> Page:
        """A page behind the link."""
        page = await self.page(width=width)
        await page.goto(self.link)
        await expect(page.locator("#ask")).to_be_visible()
        return page


def chromium() -> str:
    """The browser that is installed here."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = [path for name in names if (path := shutil.which(name))]
    assert found, "no Chromium is installed; scripts/chromium.sh sees to it"
    return found[0]


@asynccontextmanager
async def visit(home: Path, provider: ScriptedProvider, *, more_models: str = "") -> AsyncIterator[Visit]:
    async with (
        open_door(home, provider, more_models=more_models) as door,
        serve(door.app) as url,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield Visit(browser, door, url, [])
        await browser.close()


async def ask(page: Page, question: str = QUESTION) -> None:
    await page.get_by_label("Question").fill(question)
    await page.get_by_label("Flow").select_option("challenge")
    await page.get_by_role("button", name="Run").click()


async def test_a_run_is_watched_live_and_the_page_comes_back_to_it(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with visit(tmp_path / "home", ScriptedProvider(ROLES, gate=gate)) as here:
        page = await here.signed_in()
        assert page.url == f"{here.url}/"
        await ask(page)
        creator = page.locator(".lane[data-node=creator]")
        await expect(creator).to_have_attribute("data-state", "running")
        await expect(page.locator("#state")).to_have_text("Creator is at work")
        await expect(page.locator(".lane h3")).to_have_text(["Creator", "Challenger", "Refiner"])
        await expect(page.locator(".lane .note")).to_have_text(["working …", "waiting", "waiting"])
        gate.set()
        await expect(page.locator("#answer-text")).to_have_text("Answer: 42")
        await expect(page.locator(".lane[data-node=refiner] .said")).to_have_text("Answer: 42")
        await expect(creator.locator(".said")).to_have_text("12 + 30 = 42")
        await expect(page.locator("#state")).to_have_text("Completed")
        await expect(page.locator("#figures")).to_contain_text("3 calls")
        await expect(page.locator("#figures")).to_contain_text("cost not known")
        await expect(page.locator("#demo")).to_be_hidden()
        permalink = page.url
        run_id = (await here.door.lab.runs.list(limit=1))[0].run_id
        assert permalink == f"{here.url}/#run={run_id}"
        await page.reload()
        await expect(page.locator("#answer-text")).to_have_text("Answer: 42")
        await expect(page.locator("#asked")).to_have_text(QUESTION)
        await expect(page.locator(".lane")).to_have_count(3)
        await expect(page.locator("#runs a")).to_have_text(QUESTION)
        assert here.complaints == []


async def test_what_a_model_or_a_person_writes_stays_text(tmp_path: Path) -> None:
    async with visit(tmp_path / "home", ScriptedProvider(ROLES)) as here:
        page = await here.signed_in()
        await ask(page, HOSTILE)
        await expect(page.locator("#answer-text")).to_have_text("Answer: 42")
        assert await page.locator(".lane[data-node=challenger] .said").text_content() == HOSTILE
        await expect(page.locator("#asked")).to_have_text(HOSTILE)
        await expect(page.locator("#runs a")).to_have_text(HOSTILE)
        assert await page.locator("main img, main script, main b, main strong").count() == 0
        assert await page.title() == "AI Agent Lab"
        assert here.complaints == []


async def test_a_reader_that_joins_late_reads_every_word_once(tmp_path: Path) -> None:
    gate = asyncio.Event()
    gate.set()
    words = " ".join(f"word{number}" for number in range(60))
    async with visit(tmp_path / "home", ScriptedProvider({"*": words}, gate=gate, delay_s=0.005)) as here:
        page = await here.signed_in()
        await ask(page)
        creator = page.locator(".lane[data-node=creator] .said")
        await expect(creator).to_contain_text("word5")
        gate.clear()
        await page.reload()
        await expect(creator).to_contain_text("word5")
        gate.set()
        await expect(page.locator("#answer-text")).to_have_text(words)
        await expect(creator).to_have_text(words)
        assert here.complaints == []


async def test_without_the_link_there_is_only_the_way_to_it(tmp_path: Path) -> None:
    async with visit(tmp_path / "home", ScriptedProvider(ROLES)) as here:
        link = here.link
        stranger = await here.page()
        await stranger.goto(f"{here.url}/#run=20260101t000000-0000000000")
        await expect(stranger.locator("#hint")).to_contain_text("Open the link that agent-lab up printed")
        await expect(stranger.locator("#ask")).to_be_hidden()
        owner = await here.page()
        await owner.goto(link)
        await expect(owner.locator("#ask")).to_be_visible()
        await stranger.goto(link)
        await expect(stranger.locator("#hint")).to_contain_text("used already or is too old")
        await expect(stranger.locator("#ask")).to_be_hidden()


async def test_an_empty_question_is_told_beside_its_field(tmp_path: Path) -> None:
    async with visit(tmp_path / "home", ScriptedProvider(ROLES)) as here:
        page = await here.signed_in()
        await ask(page, "   ")
        await expect(page.locator("#prompt-error")).to_have_text("Write a question first.")
        await expect(page.get_by_label("Question")).to_be_focused()
        await expect(page.get_by_label("Question")).to_have_attribute("aria-invalid", "true")
        assert await here.door.lab.runs.list(limit=1) == []
        await ask(page)
        await expect(page.locator("#answer-text")).to_have_text("Answer: 42")
        await expect(page.locator("#prompt-error")).to_be_hidden()


async def test_a_run_is_stopped_by_its_button(tmp_path: Path) -> None:
    async with visit(tmp_path / "home", ScriptedProvider(ROLES, gate=asyncio.Event())) as here:
        page = await here.signed_in()
        stop = page.get_by_role("button", name="Stop")
        await expect(stop).to_be_disabled()
        await ask(page)
        await stop.click()
        await expect(page.locator("#state")).to_have_text("Stopped")
        await expect(page.locator(".lane .note")).to_have_text(["not finished", "not reached", "not reached"])
        await expect(stop).to_be_disabled()
        assert (await here.door.lab.runs.list(limit=1))[0].status == "cancelled"


async def test_a_failed_run_says_why(tmp_path: Path) -> None:
    script = ScriptedProvider(ROLES, errors={2: UnusableError("The model lost its voice; name another one.")})
    async with visit(tmp_path / "home", script) as here:
        page = await here.signed_in()
        await ask(page)
        await expect(page.locator("#state")).to_contain_text("Failed: ")
        await expect(page.locator("#state")).to_contain_text("lost its voice")
        await expect(page.locator("#answer")).to_be_hidden()


async def test_a_declined_question_shows_the_sentence_as_its_answer(tmp_path: Path) -> None:
    script = ScriptedProvider({"*": ScriptedReply("Only sums; connect another model.", finish_reason="declined")})
    async with visit(tmp_path / "home", script) as here:
        page = await here.signed_in()
        await ask(page, "Write a poem")
        await expect(page.locator("#state")).to_contain_text("Declined")
        await expect(page.locator("#answer-text")).to_have_text("Only sums; connect another model.")


async def test_the_demonstration_model_is_called_one_where_it_is_chosen_and_where_it_answers(tmp_path: Path) -> None:
    row = """
[[model]]
key = "small"
name = "Small"
family = "scripted"
provider = "scripted"
model_id = "scripted:role"
context_window = 1000
demonstration = true
"""
    async with visit(tmp_path / "home", ScriptedProvider(ROLES), more_models=row) as here:
        page = await here.signed_in()
        await expect(page.locator("#model-note")).to_be_hidden()
        await page.get_by_label("Model").select_option(label="Small (demonstration)")
        await expect(page.locator("#model-note")).to_contain_text("Demonstration")
        await ask(page)
        await expect(page.locator("#demo")).to_be_visible()
        assert {call.model.key for call in here.door.provider.calls} == {"small"}
        assert here.complaints == []


async def test_the_page_is_used_by_keyboard_on_a_phones_width(tmp_path: Path) -> None:
    async with visit(tmp_path / "home", ScriptedProvider({"*": "a-word-without-end-" * 40})) as here:
        page = await here.signed_in(width=375)
        await page.keyboard.press("Tab")
        await expect(page.get_by_label("Question")).to_be_focused()
        await page.keyboard.type(QUESTION)
        for label in ("Flow", "Model"):
            await page.keyboard.press("Tab")
            await expect(page.get_by_label(label, exact=True)).to_be_focused()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("#answer")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") == 375
        assert here.complaints == []
