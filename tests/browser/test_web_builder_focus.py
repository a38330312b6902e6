"""Where a keyboard and an eye are after a press in the builder: never nowhere, and at what was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from agent_lab.providers.scripted import ScriptedProvider
from support.web import Visit, stored

pytestmark = pytest.mark.browser

FLOW: dict[str, Any] = {
    "id": "pair",
    "name": "Pair",
    "nodes": [
        {"id": "author", "kind": "generate", "prompt": "{user_input}"},
        {"id": "critic", "kind": "generate", "prompt": "Attack {author_output}"},
    ],
    "edges": [{"from": "author", "to": "critic"}],
}


def side(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Inspector")


def node(page: Page, name: str) -> Locator:
    return page.locator(f'.react-flow__node[data-id="{name}"]')


async def opened(here: Visit, flow: dict[str, Any] = FLOW) -> Page:
    await stored(here, flow)
    page = await here.signed_in(f"/flows/{flow['id']}")
    await expect(node(page, "author")).to_be_visible()
    return page


async def test_a_keyboard_keeps_its_place_where_its_button_goes_away(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await opened(here)
        await node(page, "author").click()
        await side(page).get_by_role("button", name="Begin with an example").press("Enter")
        await expect(side(page).get_by_role("textbox", name="Fields of the answer")).to_be_focused()
        await side(page).get_by_text("More settings").click()
        another = side(page).get_by_role("button", name="Add to Stop at")
        await another.press("Enter")
        await side(page).get_by_role("button", name="Remove Stop at").press("Enter")
        await expect(another).to_be_focused()
        await side(page).get_by_role("button", name="Delete this node").press("Enter")
        await expect(node(page, "author")).to_have_count(0)
        await expect(page.locator(".flow-canvas")).to_be_focused()
        assert here.complaints == []


async def test_what_is_selected_next_is_read_from_its_beginning(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await opened(here)
        await node(page, "author").click()
        await side(page).get_by_role("button", name="Delete this node").scroll_into_view_if_needed()
        heading = side(page).get_by_role("heading", level=2)
        await expect(heading).not_to_be_in_viewport()
        await node(page, "critic").click()
        await expect(heading).to_have_text("critic")
        await expect(heading).to_be_in_viewport()


async def test_an_edge_is_found_by_its_end_and_left_for_the_canvas(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await opened(here)
        await node(page, "author").click()
        await page.keyboard.press("e")
        await expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()
        await page.keyboard.type("to critic")
        await page.keyboard.press("Enter")
        await expect(side(page).get_by_role("heading", name="From author to critic")).to_be_visible()
        await side(page).get_by_role("radio", name="Always").focus()
        await page.keyboard.press("Escape")
        await expect(page.locator(".flow-canvas")).to_be_focused()


async def test_a_problem_leads_to_the_settings_whatever_was_looked_at(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        broken = {"id": "critic", "kind": "generate", "prompt": "Attack {nobody_output}"}
        page = await opened(here, FLOW | {"nodes": [FLOW["nodes"][0], broken]})
        await node(page, "critic").click()
        await side(page).get_by_role("tab", name="Try it").click()
        await side(page).get_by_text("1 problem").click()
        await side(page).get_by_role("button", name="Node critic").click()
        await expect(side(page).get_by_role("tab", name="Settings")).to_have_attribute("aria-selected", "true")
        await expect(side(page).get_by_role("textbox", name="Prompt", exact=True)).to_have_attribute(
            "aria-invalid", "true"
        )


async def test_the_draft_is_published_from_the_head_with_the_keyboard_alone(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await opened(here)
        await node(page, "author").click()
        await page.get_by_role("button", name="Publish …").press("Enter")
        await side(page).get_by_role("button", name="Publish this draft").press("Enter")
        await expect(page.get_by_role("dialog").get_by_role("button", name="Publish")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(side(page).get_by_text("Published", exact=True)).to_be_visible()
        assert here.complaints == []


async def test_a_double_click_does_not_close_what_its_first_click_opened(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await here.signed_in("/flows")
        dialog = page.get_by_role("dialog", name="New flow")
        await page.get_by_role("button", name="New flow").dblclick()
        await expect(dialog.get_by_role("textbox", name="Name")).to_be_focused()
        opened_ms = await page.evaluate("performance.now()")
        await page.wait_for_function("(since) => performance.now() > since + 500", arg=opened_ms)
        await page.mouse.click(5, 5)
        await expect(dialog).to_have_count(0)
