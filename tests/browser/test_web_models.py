"""The models in a real browser: loaded and put out for real, progress and refusals told, registry and choice."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from agent_lab.contracts.errors import CapacityError
from api.doors import until
from support.scripted_host import ScriptedHost
from support.web import Theme, Visit, axe, visiting_lab

pytestmark = pytest.mark.browser

ROWS = """
[[model]]
key = "a-model-with-a-key-that-is-as-long-as-companies-write-them-v2"
name = "A model with a name that goes on for longer than any column of any table would like it to"
provider = "gone"
capabilities = ["chat", "code", "math", "reasoning", "vision", "tool-calling"]
fallbacks = ["demo"]

[[model]]
key = "half-and-half"
split = { "demo" = 3, "qwen3-0.6b" = 1 }

[[provider]]
key = "gone"
kind = "openai_compatible"
base_url = "http://127.0.0.1:9/v1"
"""
LONG = "a-model-with-a-key-that-is-as-long-as-companies-write-them-v2"
Visiting = Callable[..., AbstractAsyncContextManager[Visit]]


@pytest.fixture
def lab(browser: Browser, tmp_path: Path) -> Visiting:
    def to(**more: Any) -> AbstractAsyncContextManager[Visit]:
        return visiting_lab(browser, tmp_path / "home", rows=ROWS, **more)

    return to


def row(page: Page, key: str) -> Locator:
    return page.locator("tbody tr").filter(has=page.get_by_role("button", name=key, exact=True))


async def opened(page: Page, key: str) -> Locator:
    """The panel with all that is known of a model."""
    await row(page, key).get_by_role("button", name=key, exact=True).click()
    panel = page.get_by_role("dialog", name=key)
    await expect(panel).to_be_visible()
    return panel


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 375])
async def test_no_view_of_the_models_has_what_readers_or_the_policy_object_to(
    lab: Visiting, theme: Theme, width: int
) -> None:
    async with lab() as here:
        await here.door.lab.host.load(
            here.door.lab.models.get_model("demo"), here.door.lab.strategies.get_strategy("standard")
        )
        page = await here.signed_in("/models", width=width, theme=theme)
        await expect(page.get_by_role("list", name="In memory")).to_contain_text("demo")
        await expect(row(page, LONG)).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        # Two rows stand for all: axe takes seconds over every cell of the whole table.
        await page.get_by_role("searchbox", name="Find a model").fill("model chat")
        await expect(page.locator("tbody tr")).to_have_count(2)
        assert await axe(page) == []
        await opened(page, "demo")
        assert await axe(page) == []
        await page.keyboard.press("Escape")
        for view in ("Providers", "Why this model?"):
            await page.get_by_role("tab", name=view).click()
            await expect(page.get_by_role("tabpanel", name=view)).to_be_visible()
            assert await axe(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert (here.complaints, here.foreign) == ([], [])


async def test_the_built_in_model_is_loaded_kept_and_put_out(lab: Visiting) -> None:
    async with lab() as here:
        page = await here.signed_in("/models")
        await expect(page.get_by_text("No model is in memory")).to_be_visible()
        panel = await opened(page, "demo")
        await panel.get_by_label("Keep it there whatever else wants its place").check()
        await panel.get_by_role("button", name="Load into memory").click()
        # A real model is loaded, which takes as long as the machine makes it; the page has to follow.
        await until(lambda: bool(here.door.lab.host.resident()), seconds=200)
        await expect(panel.get_by_role("button", name="Let it make way")).to_be_visible()
        (resident,) = here.door.lab.host.resident()
        assert (resident.model_key, resident.pinned) == ("demo", True)
        await page.keyboard.press("Escape")
        memory = page.get_by_role("list", name="In memory")
        await expect(memory).to_contain_text("Kept")
        await expect(row(page, "demo")).to_contain_text("In memory")
        await memory.get_by_role("button", name="Let demo make way for others").click()
        await expect(memory).not_to_contain_text("Kept")
        await until(lambda: not here.door.lab.host.resident()[0].pinned)
        await memory.get_by_role("button", name="Put demo out of memory").click()
        await expect(page.get_by_text("No model is in memory")).to_be_visible()
        await expect(row(page, "demo")).to_contain_text("Ready")
        await until(lambda: here.door.lab.host.resident() == [])
        assert here.complaints == []


async def test_a_load_tells_how_far_it_is_and_goes_on_while_nobody_looks(lab: Visiting) -> None:
    host = ScriptedHost(patient=True)
    async with lab(host=host) as here:
        page = await here.signed_in("/models")
        panel = await opened(page, "mistral7b")
        await expect(panel.get_by_text("loading downloads them first")).to_be_visible()
        await panel.get_by_role("button", name="Load into memory").click()
        await expect(panel).to_contain_text("waiting for room")
        await until(lambda: host.begun == ["mistral7b"])  # the page says so before the server has been asked
        host.tell("mistral7b", "fetching", 3_600_000_000, 14_400_000_000, elapsed_s=9.0, seconds_left=27.0)
        await expect(panel).to_contain_text("downloading · 3.6 GB of 14.4 GB · 27 s left")
        bar = panel.get_by_role("meter", name="mistral7b is being loaded")
        await expect(bar).to_have_attribute("aria-valuenow", "0.25")
        await page.keyboard.press("Escape")
        await expect(row(page, "mistral7b")).to_contain_text("Loading")
        await page.reload()
        await expect(page.get_by_text("3.6 GB of 14.4 GB")).to_be_visible()
        host.finish("mistral7b", strategy="optimized")
        memory = page.get_by_role("list", name="In memory")
        await expect(memory).to_contain_text("mistral7boptimized")
        assert host.begun == ["mistral7b"]


async def test_a_load_that_fails_says_what_to_do_and_can_be_tried_again(lab: Visiting) -> None:
    host = ScriptedHost(patient=True)
    async with lab(host=host) as here:
        page = await here.signed_in("/models")
        panel = await opened(page, "mistral7b")
        await panel.get_by_label("Strategy").select_option("optimized")
        await panel.get_by_label("Keep it there").check()
        await panel.get_by_role("button", name="Load into memory").click()
        await expect(panel).to_contain_text("waiting for room")
        await until(lambda: host.begun == ["mistral7b"])
        host.fail("mistral7b", CapacityError("It needs 15 GB and 4 GB are free; put another model out of memory."))
        await expect(panel.get_by_role("alert")).to_contain_text("put another model out of memory")
        await expect(panel.get_by_label("Strategy")).to_have_value("optimized")
        await expect(panel.get_by_label("Keep it there")).to_be_checked()
        await panel.get_by_role("button", name="Load into memory").click()
        await expect(panel).to_contain_text("waiting for room")
        await until(lambda: host.begun == ["mistral7b"] * 2)
        host.finish("mistral7b")
        await expect(panel.get_by_role("button", name="Put out of memory")).to_be_visible()


async def test_what_the_server_refuses_is_taken_back(lab: Visiting) -> None:
    host = ScriptedHost()

    async def begins_to_answer(route: Route) -> None:
        """It becomes busy between the press and the server: before the press, the page might see it in time."""
        host.models["demo"] = replace(host.models["demo"], in_use=1)
        await route.continue_()

    async with lab(host=host) as here:
        models, strategies = here.door.lab.models, here.door.lab.strategies
        for key in ("demo", "mistral7b"):
            await host.load(models.get_model(key), strategies.get_strategy("standard"))
        page = await here.signed_in("/models")
        memory = page.get_by_role("list", name="In memory")
        await expect(memory.get_by_role("listitem")).to_have_count(2)
        await page.route("**/cache/demo", begins_to_answer)
        await memory.get_by_role("button", name="Put demo out of memory").click()
        await expect(page.get_by_role("status").filter(has_text="in use just now")).to_be_visible()
        await expect(memory).to_contain_text("1 answer")
        busy = memory.get_by_role("button", name="demo is answering and stays for now")
        await expect(busy).to_be_disabled()
        await page.get_by_role("button", name="Put out idle ones").click()
        asking = page.get_by_role("dialog", name="Put 1 model out of memory?")
        await expect(asking).to_contain_text("mistral7b")
        assert await axe(page) == []
        await asking.get_by_role("button", name="Put out", exact=True).click()
        await expect(memory.get_by_role("listitem")).to_have_count(1)
        await until(lambda: list(host.models) == ["demo"])


async def test_the_registry_is_searched_narrowed_and_read_by_keyboard(lab: Visiting) -> None:
    async with lab() as here:
        page = await here.signed_in("/models")
        rows = page.locator("tbody tr")
        await expect(row(page, "gpt-5-mini")).to_contain_text("$0.25 / $2.00")
        await page.get_by_label("Provider", exact=True).select_option("openai")
        await page.get_by_role("searchbox", name="Find a model").fill("gpt vision mini")
        await expect(rows).to_have_count(2)
        await page.get_by_role("searchbox", name="Find a model").fill("nobody")
        await page.get_by_role("button", name="Show all models").click()
        await expect(row(page, "demo")).to_be_visible()
        await page.get_by_role("button", name="gpt-5-mini", exact=True).focus()
        await page.keyboard.press("Enter")
        panel = page.get_by_role("dialog", name="gpt-5-mini")
        await expect(panel).to_contain_text("Not usable")
        await expect(panel).to_contain_text("'gpt-5-mini' needs OPENAI_API_KEY; put it into .env")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="gpt-5-mini", exact=True)).to_be_focused()
        panel = await opened(page, "half-and-half")
        await expect(panel).to_contain_text(re.compile("demo.*75%.*qwen3-0.6b.*25%"))
        await panel.get_by_role("button", name="demo").click()
        await expect(page.get_by_role("dialog", name="demo")).to_contain_text("Built-in demonstration model")


async def test_providers_tell_missing_keys_and_models_that_are_left_alone(lab: Visiting) -> None:
    async with lab() as here:
        async with here.door.owner() as owner:
            for _ in range(3):
                await owner.post("/inference", json={"prompt": "What is 1 + 1?", "model": LONG})
        page = await here.signed_in("/models")
        await expect(row(page, LONG)).to_contain_text("Left alone")
        await page.get_by_role("tab", name="Registry").focus()
        await page.keyboard.press("ArrowRight")
        panel = page.get_by_role("tabpanel", name="Providers")
        openai = panel.get_by_role("listitem").filter(has=page.get_by_role("heading", name="openai", exact=True))
        await expect(openai).to_contain_text("Key missing")
        await expect(openai).to_contain_text("Put OPENAI_API_KEY into")
        gone = panel.get_by_role("listitem").filter(has=page.get_by_role("heading", name="gone"))
        await expect(gone).to_contain_text("left alone after failures")


async def test_the_choice_is_explained_for_a_request_with_bounds(lab: Visiting) -> None:
    async with lab() as here:
        page = await here.signed_in("/models")
        await page.get_by_role("tab", name="Why this model?").click()
        panel = page.get_by_role("tabpanel", name="Why this model?")
        await panel.get_by_label("GB of memory at the most").fill("a lot")
        await expect(panel.get_by_text("Give a number above zero")).to_be_visible()
        await panel.get_by_role("button", name="Who would take it?").click()
        await expect(panel.get_by_text("No request yet")).to_be_visible()
        await panel.get_by_label("Tokens of the answer").fill("1.5")
        await expect(panel.get_by_text("Give a whole number above zero")).to_be_visible()
        await page.get_by_role("tab", name="Providers").click()
        await page.get_by_role("tab", name="Why this model?").click()
        await expect(panel.get_by_label("Tokens of the answer")).to_have_value("1.5")
        await panel.get_by_label("Tokens of the answer").fill("")
        await panel.get_by_label("GB of memory at the most").fill("0,5")
        await panel.get_by_label("Kind of task").select_option("math")
        await panel.get_by_role("button", name="Who would take it?").click()
        ranking = panel.get_by_role("region", name="Who would take it").get_by_role("listitem")
        await expect(ranking.first).to_contain_text("demo")
        await expect(ranking.first.get_by_role("img", name="Takes it")).to_be_visible()
        refused = ranking.filter(has_text="'mistral7b' needs 4.5 GB of memory and the request allows 0.5 GB.")
        await expect(refused).to_have_count(1)
