"""The builder's menu, by button, key and finger, and the kinds that are dropped into edges."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from agent_lab.providers.scripted import ScriptedProvider
from support.web import axe, draft, fitted, stored

pytestmark = pytest.mark.browser

NODE = ".react-flow__node"
LOOP: dict[str, Any] = {
    "id": "loop",
    "name": "Loop",
    "nodes": [{"id": f"step_{n}", "kind": "generate", "prompt": "{user_input}"} for n in range(3)],
    "edges": [
        {"from": "step_0", "to": "step_1"},
        {"from": "step_1", "to": "step_2"},
        {"from": "step_2", "to": "step_0", "max_rounds": 2},
    ],
}


async def hold_judge_over(page: Page, edge: str) -> None:
    """Drag the kind out of the palette, over the edge or its label, and do not let go."""
    kind = await page.get_by_role("region", name="Nodes").get_by_role("option", name="Judge Has").bounding_box()
    there = await page.locator(edge).first.bounding_box()
    assert kind is not None
    assert there is not None
    await page.mouse.move(kind["x"] + 30, kind["y"] + 10)
    await page.mouse.down()
    x, y = there["x"] + there["width"] / 2, there["y"] + there["height"] / 2
    await page.mouse.move(x - 30, y + 30, steps=3)
    await page.mouse.move(x, y + 6, steps=3)


async def is_saved(page: Page) -> None:
    await expect(page.locator('[data-phase="saved"]')).to_be_visible()


async def test_a_kind_is_dropped_into_an_edge_and_an_edge_back_says_why_not(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        await stored(here, LOOP)
        page = await here.signed_in("/flows/loop")
        await expect(page.locator('[data-edge="step_2->step_0"]')).to_be_visible()
        await expect(page.get_by_role("option", name="Judge Has")).to_be_visible()
        await fitted(page)
        await hold_judge_over(page, '[data-edge="step_2->step_0"]')
        await expect(page.get_by_text("An edge back takes no node")).to_be_visible()
        await page.mouse.up()
        await expect(page.get_by_text("Let go")).to_be_hidden()
        await expect(page.locator(NODE)).to_have_count(3)
        await hold_judge_over(page, '.react-flow__edge[data-id="step_0->step_1"]')
        await expect(page.get_by_text("Let go to put it between step_0 and step_1")).to_be_visible()
        await page.mouse.up()
        await expect(page.locator(f'{NODE}[data-id="judge"]')).to_be_focused()
        await is_saved(page)
        kept = {(edge["from"], edge["to"]) for edge in (await draft(here, "loop"))["edges"]}
        assert kept == {("step_0", "judge"), ("judge", "step_1"), ("step_1", "step_2"), ("step_2", "step_0")}
        assert here.complaints == []


async def test_the_menu_does_by_keyboard_what_is_asked_of_a_node_and_of_the_canvas(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        await stored(here, LOOP)
        page = await here.signed_in("/flows/loop")
        menu, keys = page.get_by_role("menu", name="Menu of the canvas"), page.keyboard
        await page.locator(f'{NODE}[data-id="step_1"]').click()
        await keys.press("Shift+F10")
        await expect(menu.get_by_role("menuitem", name="Run this node")).to_be_focused()
        assert await axe(page) == []
        await keys.press("Escape")
        await expect(page.locator(f'{NODE}[data-id="step_1"]')).to_be_focused()
        await keys.press("ContextMenu")
        await expect(menu.get_by_role("menuitem", name="Run this node")).to_be_focused()
        await keys.press("Enter")
        await expect(page.get_by_role("tab", name="Try it", selected=True)).to_be_visible()
        await expect(page.get_by_role("textbox", name="Question")).to_be_focused()
        await keys.press("Escape")
        await keys.press("Escape")
        await keys.press("Shift+F10")
        await expect(menu.get_by_role("menuitem", name="Select all")).to_be_visible()
        await keys.press("Escape")
        await expect(menu).to_be_hidden()
        assert here.complaints == []


async def test_nodes_are_copied_and_put_where_the_menu_was_asked_for(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        await stored(here, LOOP)
        page = await here.signed_in("/flows/loop")
        await page.locator(f'{NODE}[data-id="step_1"]').click(button="right")
        await page.get_by_role("menuitem", name="Copy", exact=True).click()
        await expect(page.get_by_role("menu")).to_be_hidden()
        pane = page.locator(".react-flow__pane")
        await pane.click(button="right", position={"x": 120, "y": 600})
        await page.get_by_role("menuitem", name="Paste here").click()
        await expect(page.locator(f'{NODE}[data-id="step_3"]')).to_be_focused()
        box = await page.locator(f'{NODE}[data-id="step_3"]').bounding_box()
        within = await pane.bounding_box()
        assert box is not None
        assert within is not None
        assert (box["x"] - within["x"], box["y"] - within["y"]) == pytest.approx((120, 600), abs=3)
        await page.locator('[data-edge="step_2->step_0"]').click(button="right")
        await expect(page.get_by_role("menuitem", name="An edge back takes no node")).to_be_disabled()
        await page.get_by_role("menuitem", name="Delete").click()
        await is_saved(page)
        assert len((await draft(here, "loop"))["edges"]) == 2
        assert here.complaints == []


async def test_what_the_menu_cuts_is_gone_at_once_and_comes_back_where_it_was_not_copied(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        await stored(here, LOOP)
        page = await here.signed_in("/flows/loop")
        await page.evaluate(
            "() => { navigator.clipboard.writeText = () => new Promise((_, fail) => { refuse = () => fail(Error()) }) }"
        )
        await page.locator(f'{NODE}[data-id="step_1"]').click(button="right")
        await page.get_by_role("menuitem", name="Cut").click()
        await expect(page.locator(f'{NODE}[data-id="step_1"]')).to_have_count(0)
        await page.evaluate("refuse()")
        await expect(page.get_by_role("status").filter(has_text="did not let it be copied")).to_be_visible()
        await expect(page.locator(f'{NODE}[data-id="step_1"]')).to_be_visible()
        assert here.complaints == []


@pytest.mark.parametrize("ended_by", ["touchEnd", "touchCancel"])
async def test_a_finger_that_rests_opens_the_menu(visit: Any, ended_by: str) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        await stored(here, LOOP)
        context = await here.browser.new_context(
            viewport={"width": 375, "height": 812}, has_touch=True, is_mobile=True, locale="en-GB"
        )
        page = await here.signed_in("/flows/loop", context=context)
        await fitted(page)
        box = await page.locator(f'{NODE}[data-id="step_0"]').bounding_box()
        assert box is not None
        finger = await context.new_cdp_session(page)
        point = {"x": box["x"] + 40, "y": box["y"] + 20}
        await finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
        await expect(page.get_by_role("menuitem", name="Rename")).to_be_visible()
        await finger.send("Input.dispatchTouchEvent", {"type": ended_by, "touchPoints": []})
        await page.get_by_role("menuitem", name="Duplicate").tap()
        await expect(page.locator(f'{NODE}[data-id="step_3"]')).to_be_visible()
        assert here.complaints == []
