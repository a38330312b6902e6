"""The dashboard in a real browser: what was measured, ranges and models, tables for readers, and the alert line."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, Page, Route, expect

from agent_lab.contracts.errors import UnusableError
from agent_lab.contracts.ports import ModelCall
from agent_lab.providers.scripted import ScriptedProvider
from agent_lab.telemetry.history.sampler import Sampler
from support.web import DRAWN, Theme, Visit, axe

pytestmark = pytest.mark.browser

SHIFTS = """
window.shifted = 0
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value
}).observe({ type: 'layout-shift', buffered: true })
"""


class Model:
    """Answers until it is told to fail."""

    def __init__(self) -> None:
        self.is_away = False

    def __call__(self, _: ModelCall) -> str:
        if self.is_away:
            raise UnusableError("The model is away; start it again.")
        return "Forty-two is the answer to that."


async def look(here: Visit) -> None:
    """What the server notes every few seconds, noted now."""
    sampler: Sampler = here.door.app.state.services.sampler
    await sampler.restored.wait()
    await sampler.look()


async def ask(here: Visit, times: int, model: str = "voice") -> None:
    """Have that model asked, and wait until the history of the last hour tells of all its answers."""
    async with here.door.owner() as owner:
        asked = [
            await owner.post("/inference", json={"prompt": "What is 40 + 2?", "model": model}) for _ in range(times)
        ]
        answers = sum(one.is_success for one in asked)
        await look(here)
        # What was noted in the last seconds is not told yet where the beat of the clock falls so.
        for _look in range(300):
            if await told(owner, model, answers):
                return
            await asyncio.sleep(0.1)
    raise AssertionError(f"the history does not tell of {answers} answers of {model}")


async def told(owner: httpx.AsyncClient, model: str, answers: int) -> bool:
    history = (await owner.get("/api/metrics/history", params={"range": "1h"})).json()
    return any((one["model"], one["answers"]) == (model, answers) for one in history["models"])


def alerts_of(*kinds: str) -> Callable[[Route], Awaitable[None]]:
    """In place of the server's alerts: those of these ids, whatever the machine is like that the test runs on."""

    async def answer(route: Route) -> None:
        told = [
            {
                "id": kind,
                "kind": kind,
                "severity": severity,
                "sentence": f"Something is wrong with {kind}.",
                "values": {"minutes": 12, "free_gb": 4, "total_gb": 100},
            }
            for kind, severity in (one.split(":") for one in kinds)
        ]
        await route.fulfill(json={"alerts": told})

    return answer


def figure(page: Page, name: str) -> Locator:
    """A figure of the range by its name."""
    return page.locator("dt", has_text=name).locator("xpath=following-sibling::dd[1]")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_dashboard_has_nothing_that_readers_or_the_policy_object_to(visit: Any, theme: Theme) -> None:
    async with visit(ScriptedProvider(Model())) as here:
        await ask(here, 3)
        for width in (1440, 375):
            page = await here.signed_in("/metrics", width=width, theme=theme)
            calls = page.get_by_role("img", name="Calls a minute")
            await expect(calls).to_have_attribute("aria-label", re.compile("Answered: last"))
            await expect(page.locator("canvas")).to_have_count(9)
            assert await axe(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            await page.context.close()
        assert (here.complaints, here.foreign) == ([], [])


async def test_what_models_did_is_told_in_figures_and_in_a_table(visit: Any) -> None:
    async with visit(ScriptedProvider(Model())) as here:
        await ask(here, 3)
        await ask(here, 2, "other")
        page = await here.signed_in("/metrics")
        await expect(page.get_by_role("row", name="voice")).to_contain_text("3")
        await expect(figure(page, "Calls")).to_have_text("5")
        await page.get_by_label("Model", exact=True).select_option("other")
        await expect(figure(page, "Calls")).to_have_text("2")
        await page.get_by_text("7 days", exact=True).click()
        await expect(page.get_by_role("radio", name="7 days")).to_be_checked()
        await expect(page.locator("[aria-busy=true]")).to_have_count(0)
        await expect(figure(page, "Calls")).to_have_text("2")
        assert here.complaints == []


async def test_charts_share_the_moment_below_the_pointer_and_say_the_same_as_tables(visit: Any) -> None:
    async with visit(ScriptedProvider(Model())) as here:
        await ask(here, 3)
        page = await here.signed_in("/metrics")
        await expect(page.locator("canvas")).to_have_count(9)
        await page.get_by_role("img", name="Calls a minute").hover(position={"x": 300, "y": 80})
        moments = page.locator("section", has=page.locator(".u-over")).locator("ul + span").filter(has_text=":")
        await expect(moments).to_have_count(8)  # all but the costs, which are by day
        await expect(moments).to_have_text([await moments.first.inner_text()] * 8)
        await page.get_by_role("button", name="Calls a minute: show as a table").press("Enter")
        table = page.get_by_role("group", name="Calls a minute").get_by_role("table")
        await expect(table.get_by_role("columnheader", name="Answered")).to_be_visible()
        await expect(table.get_by_role("row").nth(1)).to_be_visible()
        assert await axe(page) == []
        await page.get_by_role("button", name="Calls a minute: show as a chart").press("Enter")
        await expect(page.get_by_role("img", name="Calls a minute")).to_be_visible()


async def test_before_anything_was_asked_it_says_what_will_appear(visit: Any) -> None:
    async with visit(ScriptedProvider(Model())) as here:
        page = await here.signed_in("/metrics")
        await expect(page.get_by_text("No calls in this range")).to_be_visible()
        await expect(page.get_by_role("meter", name="RAM")).to_be_visible()
        assert await axe(page) == []
        await page.get_by_role("link", name="Ask something").click()
        await expect(page.get_by_role("heading", name="Console")).to_be_visible()


async def test_figures_that_come_move_nothing(visit: Any) -> None:
    async with visit(ScriptedProvider(Model())) as here:
        await ask(here, 3)
        page = await here.page()
        await page.add_init_script(SHIFTS)
        await page.route("**/api/metrics/alerts", alerts_of())
        gate = asyncio.Event()

        async def late(route: Route) -> None:
            await gate.wait()
            await route.continue_()

        await page.route("**/api/metrics/history*", late)
        await page.goto(here.link)
        await page.goto(here.url + "/metrics")
        await expect(page.get_by_role("heading", name="Seconds to the whole answer")).to_be_visible()
        gate.set()
        await expect(page.locator("canvas")).to_have_count(9)
        await page.evaluate(DRAWN)  # what moves is told with the frame that it moved in
        assert await page.evaluate("window.shifted") < 0.05


async def test_a_range_that_cannot_be_read_says_so_and_keeps_what_there_was(visit: Any) -> None:
    async with visit(ScriptedProvider(Model())) as here:
        await ask(here, 3)
        page = await here.signed_in("/metrics")
        await expect(page.get_by_role("row", name="voice")).to_be_visible()
        pressed = asyncio.Event()

        async def mended(route: Route) -> None:
            await pressed.wait()
            await route.continue_()

        problem = {"type": "urn:x", "title": "x", "status": 422, "detail": "It broke; ask again.", "request_id": "1"}
        await page.route("**/api/metrics/history*", lambda route: route.fulfill(status=422, json=problem))
        await page.get_by_text("30 days", exact=True).click()
        problem_shown = page.locator("main").get_by_role("alert")
        await expect(problem_shown).to_contain_text("It broke; ask again.")
        # What the page asks by itself meanwhile does not take the button away before it is pressed.
        await page.route("**/api/metrics/history*", mended)
        await page.get_by_role("button", name="Try again").click()
        pressed.set()
        await expect(problem_shown).to_have_count(0)
        await expect(page.get_by_role("row", name="voice")).to_be_visible()


# --- the alert line -------------------------------------------------------------------------------------------------


async def test_a_model_that_fails_is_told_of_on_every_page_with_the_way_to_mend_it(visit: Any) -> None:
    model = Model()
    async with visit(ScriptedProvider(model)) as here:
        model.is_away = True
        await ask(here, 4)
        page = await here.signed_in("/metrics")  # first: a model is left alone for a minute
        await expect(page.get_by_role("region", name="Models and their breakers")).to_contain_text("Left alone")
        await expect(page.get_by_role("region", name="What is wrong now")).to_contain_text(
            "“voice” failed several times"
        )
        page = await here.signed_in("/")
        line = page.get_by_role("status").filter(has_text="failed")
        await expect(line).to_be_visible()
        assert await axe(page) == []


async def test_an_alert_that_was_hidden_comes_back_when_it_gets_worse(visit: Any) -> None:
    async with visit(ScriptedProvider(Model())) as here:
        page = await here.page()
        await page.route("**/api/metrics/alerts", alerts_of("disk:warning", "waiting:warning"))
        await page.goto(here.link)
        line = page.get_by_role("status").filter(has_text="disk")
        await expect(line).to_contain_text("The disk with the data folder has 4.0 GB left")
        await expect(line.get_by_role("link", name="To the settings")).to_have_attribute("href", "/settings")
        await expect(line.get_by_role("link", name="and 1 more")).to_be_visible()
        await page.get_by_role("button", name="Hide this until it changes").click()
        await expect(page.get_by_role("status")).to_contain_text(["waiting for its turn for 12 minutes"])
        await page.reload()
        await expect(page.get_by_text("waiting for its turn")).to_be_visible()
        await expect(page.get_by_text("The disk with the data folder")).to_have_count(0)
        await page.unroute("**/api/metrics/alerts")
        await page.route("**/api/metrics/alerts", alerts_of("disk:critical"))
        await page.reload()
        await expect(page.get_by_text("The disk with the data folder")).to_be_visible()


async def test_the_dashboard_speaks_spanish(visit: Any) -> None:
    async with visit(ScriptedProvider(Model())) as here:
        await ask(here, 3)
        page = await here.page()
        await page.add_init_script("localStorage.setItem('agent-lab.language', 'es')")
        await page.route("**/api/metrics/alerts", alerts_of("disk:critical"))
        await page.goto(here.link)
        await page.goto(here.url + "/metrics")
        await expect(page.get_by_role("heading", name="Segundos hasta la respuesta entera")).to_be_visible()
        await expect(page.get_by_text("Al disco de la carpeta de datos le quedan 4,0 GB")).to_be_visible()
        assert here.complaints == []
