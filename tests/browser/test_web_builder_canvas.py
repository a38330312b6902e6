"""The builder's canvas: flows built by mouse and by keyboard alone, undone, copied, saved whoever else saves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from agent_lab.providers.scripted import ScriptedProvider
from support.web import Theme, Visit, axe, draft, stored

pytestmark = pytest.mark.browser

CANVAS = ".flow-canvas"
NODE = ".react-flow__node"
TEAMS = ("proposal", "red_team", "blue_team", "arbitrator")
TWO: dict[str, Any] = {
    "id": "mine",
    "name": "Mine",
    "nodes": [
        {"id": "first", "kind": "generate", "prompt": "{user_input}"},
        {"id": "second", "kind": "generate", "prompt": "Mend {first_output}"},
    ],
    "edges": [{"from": "first", "to": "second"}],
}
BROKEN: dict[str, Any] = TWO | {
    "nodes": [*TWO["nodes"], {"id": "wrong", "kind": "generate", "prompt": "{nobody_output}"}],
    "edges": [
        *TWO["edges"],
        {"from": "second", "to": "wrong", "when": {"value": "second.tokens", "op": ">", "than": 5}},
        {"from": "second", "to": "first", "max_rounds": 2},
    ],
}


def node(page: Page, name: str) -> Locator:
    return page.locator(f'{NODE}[data-id="{name}"]')


async def opened(here: Visit, document: dict[str, Any], **how: Any) -> Page:
    await stored(here, document)
    page = await here.signed_in(f"/flows/{document['id']}", **how)
    await expect(page.locator(CANVAS)).to_be_visible()
    return page


async def is_saved(page: Page) -> None:
    await expect(page.locator('[data-phase="saved"]')).to_be_visible()


@asynccontextmanager
async def being_saved(page: Page) -> AsyncIterator[None]:
    """What is done within is saved after it: "saved" alone may still be told of what was before."""
    async with page.expect_response(lambda answer: "autosave=true" in answer.url and answer.ok):
        yield
    await is_saved(page)


def ends(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(edge["from"], edge["to"]) for edge in document["edges"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 375])
async def test_neither_readers_nor_the_policy_object_to_the_builder_or_the_list(
    visit: Any, theme: Theme, width: int
) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await opened(here, BROKEN, width=width, theme=theme)
        await page.get_by_role("button", name="Show all").click()
        await expect(node(page, "wrong").get_by_text("1 problem").first).to_be_attached()
        assert await axe(page) == []
        await page.goto(f"{here.url}/flows")
        await expect(page.get_by_role("link", name="Mine")).to_be_visible()
        assert await axe(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert (here.complaints, here.foreign) == ([], [])


async def test_a_flow_is_built_from_nothing_and_run_with_the_keyboard_alone(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await here.signed_in("/flows")
        keys = page.keyboard
        await page.get_by_role("button", name="New flow").focus()
        await keys.press("Enter")
        await expect(page.get_by_role("textbox", name="Name")).to_be_focused()
        await keys.type("My teams")
        await keys.press("Enter")
        await page.wait_for_url("**/flows/my_teams")
        await expect(page.locator(CANVAS)).to_be_focused()
        for name in TEAMS:
            await keys.press("a")
            await expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()
            await keys.type("Model")
            await keys.press("Enter")
            await expect(page.locator(f"{NODE}:focus")).to_be_visible()
            await keys.press("F2")
            await expect(page.get_by_role("dialog").get_by_role("textbox", name="Name")).to_be_focused()
            await keys.type(name)
            await keys.press("Enter")
            await expect(node(page, name)).to_be_focused()
        await keys.press("c")
        await keys.type("blue_team")
        await keys.press("Enter")
        await is_saved(page)
        kept = await draft(here, "my_teams")
        assert [one["id"] for one in kept["nodes"]] == [*TEAMS]
        assert ends(kept) == [*pairwise(TEAMS), ("arbitrator", "blue_team")]
        assert kept["edges"][-1]["max_rounds"] == 3
        await keys.press("Control+z")
        await keys.press("ArrowLeft")
        await expect(node(page, "blue_team")).to_be_focused()
        await keys.press("Enter")
        await expect(page.locator("#builder-inspector :focus")).to_be_attached()
        await keys.press("Escape")
        await expect(node(page, "blue_team")).to_be_focused()
        await keys.press("f")
        await keys.press("Control+Enter")
        await expect(page.get_by_role("textbox", name="Question")).to_be_focused()
        await keys.type("What?")
        await keys.press("Control+Enter")
        for name in TEAMS:
            await expect(node(page, name)).to_contain_text("Done")
        assert here.complaints == []


async def test_enter_is_not_lost_while_the_kinds_of_node_are_still_on_their_way(visit: Any) -> None:
    answer = asyncio.Event()

    async def late(route: Route) -> None:
        await answer.wait()
        await route.continue_()

    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        await stored(here, TWO)
        page = await here.signed_in()
        await page.route("**/api/node-kinds", late)
        await page.goto(f"{here.url}/flows/mine")
        await node(page, "second").click()
        await page.keyboard.press("a")
        await expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()
        await page.keyboard.type("Judge")
        await page.keyboard.press("Enter")
        answer.set()
        await expect(node(page, "judge")).to_be_focused()
        await is_saved(page)
        assert ends(await draft(here, "mine")) == [("first", "second"), ("second", "judge")]


async def test_a_flow_with_problems_is_not_run_but_says_where_they_are(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await opened(here, BROKEN)
        await expect(page.get_by_text("problem").last).to_be_visible()
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_role("textbox", name="Question")).to_be_focused()
        await page.keyboard.type("What?")
        await page.get_by_role("button", name="Run the flow").click()
        await expect(page.get_by_role("alert").filter(has_text="mend its problems first")).to_be_visible()
        assert here.complaints == []


async def test_a_flow_is_built_with_the_mouse(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await opened(here, {"id": "mine", "name": "Mine", "nodes": [], "edges": []})
        palette = page.get_by_role("region", name="Nodes")
        await palette.get_by_role("option", name="Model Asks").click()
        await expect(node(page, "generate")).to_be_visible()
        await palette.get_by_role("option", name="Judge Has").drag_to(
            page.locator(CANVAS), target_position={"x": 420, "y": 620}
        )
        await expect(node(page, "judge")).to_be_visible()
        await is_saved(page)
        async with being_saved(page):
            await node(page, "generate").locator(".source").drag_to(node(page, "judge").locator(".target"))
        before = await draft(here, "mine")
        assert ends(before) == [("generate", "judge")]
        box = await node(page, "judge").bounding_box()
        assert box is not None
        async with being_saved(page):
            await page.mouse.move(box["x"] + 60, box["y"] + 30)
            await page.mouse.down()
            await page.mouse.move(box["x"] + 160, box["y"] - 70, steps=5)
            await page.mouse.up()
        after = await draft(here, "mine")
        assert after["layout"]["judge"]["x"] > before["layout"]["judge"]["x"]
        assert after["layout"]["judge"]["y"] < before["layout"]["judge"]["y"]
        assert here.complaints == []


async def test_nodes_are_copied_pasted_and_all_of_it_is_undone(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await opened(here, TWO)
        await node(page, "first").click()
        await page.keyboard.press("Control+a")
        await page.keyboard.press("Control+c")
        async with being_saved(page):
            await page.keyboard.press("Control+v")
            await expect(node(page, "second_2")).to_be_visible()
        kept = await draft(here, "mine")
        assert kept["nodes"][3] == {"id": "second_2", "kind": "generate", "prompt": "Mend {first_2_output}"}
        assert ends(kept) == [("first", "second"), ("first_2", "second_2")]
        await page.keyboard.press("Delete")
        await expect(page.locator(NODE)).to_have_count(2)
        await page.keyboard.press("Control+z")
        await expect(page.locator(NODE)).to_have_count(4)
        await page.keyboard.press("Control+z")
        await expect(page.locator(NODE)).to_have_count(2)
        await page.keyboard.press("Control+Shift+z")
        await expect(page.locator(NODE)).to_have_count(4)


async def test_a_second_tab_is_told_and_writes_over_nothing(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        first = await opened(here, TWO)
        second = await here.page(context=first.context)
        await second.goto(f"{here.url}/flows/mine")
        await node(second, "first").click()
        await node(first, "first").click()
        async with being_saved(first):
            await first.keyboard.press("Shift+ArrowDown")
        theirs = await draft(here, "mine")
        await second.keyboard.press("a")
        await second.keyboard.type("Vote")
        await second.keyboard.press("Enter")
        told = second.get_by_role("alert", name="This flow was changed elsewhere")
        await expect(told).to_be_visible()
        assert await draft(here, "mine") == theirs
        await told.get_by_role("button", name="Keep mine as a copy").click()
        await second.wait_for_url("**/flows/mine_copy")
        await expect(node(second, "vote")).to_be_visible()
        assert [one["id"] for one in (await draft(here, "mine_copy"))["nodes"]] == ["first", "second", "vote"]
        assert await draft(here, "mine") == theirs


async def test_what_the_other_tab_saved_can_be_taken_and_ones_own_is_one_undo_away(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await opened(here, TWO)
        await node(page, "first").click()
        async with here.door.owner() as client:
            renamed = TWO | {"name": "Theirs"}
            (await client.put("/api/flows/mine", json=renamed, headers={"If-Match": "*"})).raise_for_status()
        await page.keyboard.press("Delete")
        await page.get_by_role("button", name="Take theirs").click()
        await expect(page.get_by_role("heading", name="Theirs", level=1)).to_be_visible()
        await expect(page.locator(NODE)).to_have_count(2)
        await page.locator(CANVAS).focus()
        await page.keyboard.press("Control+z")
        await expect(page.locator(NODE)).to_have_count(1)


async def test_edits_outlive_a_server_that_is_away_and_a_page_that_is_closed(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await opened(here, TWO)
        await node(page, "second").click()
        await page.route("**/api/flows/mine?autosave=true", lambda route: route.abort())
        await page.keyboard.press("a")
        await page.keyboard.type("Judge")
        await page.keyboard.press("Enter")
        await expect(page.locator('[data-phase="offline"]')).to_be_visible()
        assert len((await draft(here, "mine"))["nodes"]) == 2
        copies = json.loads(await page.evaluate("localStorage.getItem('agent-lab.builder.mine')"))
        assert [one["id"] for one in copies["flow"]["nodes"]] == ["first", "second", "judge"]
        await page.reload()
        await expect(node(page, "judge")).to_be_visible()
        await page.unroute("**/api/flows/mine?autosave=true")
        await is_saved(page)
        assert ends(await draft(here, "mine")) == [("first", "second"), ("second", "judge")]
        await page.wait_for_function("() => localStorage.getItem('agent-lab.builder.mine') === null")


async def test_an_emptied_canvas_is_not_saved_over_a_full_one(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await opened(here, TWO)
        await node(page, "first").click()
        await page.keyboard.press("Control+a")
        await page.keyboard.press("Delete")
        await expect(page.locator('[data-phase="emptied"]')).to_be_visible()
        await page.wait_for_timeout(1_500)
        assert len((await draft(here, "mine"))["nodes"]) == 2
        await page.keyboard.press("Control+z")
        await is_saved(page)


async def test_a_flow_of_the_library_is_duplicated_to_be_changed(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await here.signed_in("/flows/challenge")
        await node(page, "creator").click()
        await page.keyboard.press("Delete")
        await expect(page.locator(NODE)).to_have_count(3)
        await page.get_by_role("button", name="Duplicate to edit").click()
        await page.wait_for_url("**/flows/challenge_copy")
        await node(page, "refiner").click()
        await page.keyboard.press("Delete")
        await expect(page.locator(NODE)).to_have_count(2)


async def test_flows_are_found_made_and_deleted_in_the_list(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        await stored(here, TWO)
        page = await here.signed_in("/flows")
        await page.get_by_role("searchbox", name="Search").fill("attacked red")
        await expect(page.get_by_role("listitem")).to_have_count(1)
        await page.get_by_role("searchbox", name="Search").fill("mine")
        await page.get_by_role("button", name="Actions of Mine").click()
        await page.get_by_role("menuitem", name="Delete").click()
        await page.get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("No flow has these words")).to_be_visible()
        assert here.complaints == []


async def test_every_key_is_on_the_sheet(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await opened(here, TWO)
        await node(page, "first").click()
        await page.keyboard.press("?")
        sheet = page.get_by_role("dialog", name="Keys")
        await expect(sheet.get_by_text("Connect the node to …")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(sheet).to_be_hidden()
        await expect(node(page, "first")).to_be_focused()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (375, 812)])
async def test_under_an_alert_the_builder_still_fits_the_page(visit: Any, width: int, height: int) -> None:
    fits = "() => document.documentElement.scrollHeight === innerHeight"
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await opened(here, TWO, width=width, height=height)
        await page.wait_for_function(fits)
        for address in ("**/api/**", "**/health"):
            await page.route(address, lambda route: route.abort())
        alert = page.get_by_text("The server does not answer. What you typed is kept", exact=False)
        await expect(alert).to_be_visible()
        await page.wait_for_function(fits)
        # All of the page is used: the builder ends where the window, or the bar at its bottom, begins to.
        bar = await page.get_by_role("navigation").last.bounding_box() if width < 768 else None
        end = bar["y"] if bar is not None else height
        room = await page.locator(".fills-page").bounding_box()
        assert room is not None
        assert abs(room["y"] + room["height"] - end) <= 1
