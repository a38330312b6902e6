"""The builder's notes: written by keyboard and in place, moved, drawn larger, undone, and kept beside the flow."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from agent_lab.providers.scripted import ScriptedProvider
from support.web import axe, draft, stored

pytestmark = pytest.mark.browser

FILES = "**/_next/static/chunks/*.js"

NOTED: dict[str, Any] = {
    "id": "noted",
    "name": "Noted",
    "nodes": [{"id": "first", "kind": "generate", "prompt": "{user_input}"}],
    "edges": [],
    "layout": {"first": {"x": 0, "y": 0}},
    "notes": {
        "why": {"text": "## Why\nIt **pays**.\n<img src=https://example.org/a.png onerror=alert(1)>", "x": 0, "y": 160}
    },
}


def note(page: Page, name: str) -> Any:
    return page.locator(f'.react-flow__node-note[data-id="note:{name}"]')


async def is_saved(page: Page) -> None:
    await expect(page.locator('[data-phase="saved"]')).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_note_is_written_with_the_keyboard_alone_and_undone(visit: Any, theme: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        await stored(here, NOTED)
        page = await here.signed_in("/flows/noted", theme=theme)
        await expect(note(page, "why").locator("strong", has_text="pays")).to_be_visible()
        keys = page.keyboard
        await keys.press("n")
        await expect(note(page, "note")).to_be_focused()
        await expect(page.get_by_role("textbox", name="What it says")).to_be_visible()
        await keys.press("Enter")
        await expect(page.get_by_role("textbox", name="What it says")).to_be_focused()
        await keys.type("Ask *twice*.")
        await keys.press("Escape")
        await expect(note(page, "note")).to_be_focused()
        await expect(note(page, "note").locator("em", has_text="twice")).to_be_visible()
        assert await axe(page) == []
        before = (await draft(here, "noted"))["notes"]
        await keys.press("Shift+ArrowDown")
        await keys.press("Shift+F10")
        await page.get_by_role("menuitem", name="Amber").click()
        await expect(page.get_by_role("radio", name="Amber")).to_be_checked()
        await is_saved(page)
        kept = (await draft(here, "noted"))["notes"]
        assert (kept["note"]["text"], kept["note"]["tone"]) == ("Ask *twice*.", "warn")
        assert kept["why"] == before["why"] == NOTED["notes"]["why"]
        # Letters that come more than a second apart are undone one by one.
        for _step in range(20):
            if await note(page, "note").count() == 0:
                break
            await keys.press("Control+z")
        await expect(note(page, "note")).to_have_count(0)
        assert (here.complaints, here.foreign) == ([], [])


async def test_a_note_is_written_in_place_drawn_larger_and_deleted_with_the_mouse(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        await stored(here, NOTED)
        page = await here.signed_in("/flows/noted")
        await expect(note(page, "why").locator("strong", has_text="pays")).to_be_visible()
        await note(page, "why").dblclick()
        await expect(page.locator("[aria-live=polite]").filter(has_text="Note:")).to_have_text("Note: Why")
        field = note(page, "why").get_by_role("textbox", name="What it says")
        await expect(field).to_be_focused()
        await page.keyboard.type("\nAlways.")
        await page.keyboard.press("Escape")
        await expect(field).to_be_hidden()
        corner = await note(page, "why").locator(".handle.bottom.right").bounding_box()
        assert corner is not None
        await page.mouse.move(corner["x"] + 4, corner["y"] + 4)
        await page.mouse.down()
        await page.mouse.move(corner["x"] + 104, corner["y"] + 54, steps=4)
        await page.mouse.up()
        await expect(page.get_by_role("textbox", name="Width")).not_to_have_value("240")
        await is_saved(page)
        kept = (await draft(here, "noted"))["notes"]["why"]
        assert kept["text"].endswith("\nAlways.")
        assert kept["width"] > 300
        assert kept["height"] > 180
        assert (kept["x"], kept["y"]) == (0, 160)
        await note(page, "why").click(button="right")
        await page.get_by_role("menuitem", name="Delete").click()
        await expect(note(page, "why")).to_have_count(0)
        await is_saved(page)
        assert "notes" not in await draft(here, "noted")
        assert here.complaints == []


async def test_the_settings_of_a_note_that_cannot_be_loaded_say_so_and_are_loaded_again(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        await stored(here, NOTED)
        page = await here.signed_in("/flows/noted")
        await expect(note(page, "why").locator("strong", has_text="pays")).to_be_visible()
        await page.route(FILES, lambda route: route.abort())
        await note(page, "why").click()
        told = page.get_by_role("complementary").get_by_role("alert")
        await expect(told).to_contain_text("This part of the app could not be loaded")
        await page.unroute(FILES)
        await told.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("textbox", name="What it says")).to_be_visible()


async def test_a_note_without_room_is_told_and_what_notes_say_is_not_checked(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        more = {f"more_{place}": {"text": "More.", "x": 600, "y": 160} for place in range(199)}
        await stored(here, NOTED | {"notes": NOTED["notes"] | more})
        checks: list[str] = []
        page = await here.page()
        page.on("request", lambda asked: checks.append(asked.url) if asked.url.endswith("/validate") else None)
        await page.goto(here.link)
        async with page.expect_response("**/api/flows/validate"):
            await page.goto(f"{here.url}/flows/noted")
        await note(page, "why").click(button="right")
        await page.get_by_role("menuitem", name="Duplicate").click()
        await expect(page.get_by_role("status").filter(has_text="1 note was left out")).to_be_visible()
        await note(page, "why").click()
        await page.get_by_role("textbox", name="What it says").press_sequentially("More words.", delay=60)
        await is_saved(page)
        assert (await draft(here, "noted"))["notes"]["why"]["text"].startswith("More words.")
        # A check is asked for within half a second of an edit.
        await page.wait_for_timeout(600)
        assert (len(checks), here.complaints) == (1, [])
