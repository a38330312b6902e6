"""The builder's edges: they lead around nodes, take nodes in, and stand beside tools whose arguments are offered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from agent_lab.providers.scripted import ScriptedProvider
from support.web import axe, draft, fitted, stored, visiting_lab

pytestmark = pytest.mark.browser

NODE = ".react-flow__node"
CHAIN: dict[str, Any] = {
    "id": "chain",
    "name": "Chain",
    "nodes": [{"id": f"step_{n}", "kind": "generate", "prompt": "{user_input}"} for n in range(14)],
    "edges": [{"from": f"step_{n}", "to": f"step_{n + 1}"} for n in range(13)],
}
TOOL = """
[[tool]]
name = "find"
description = "Finds pages"
command = ["/bin/cat"]
[tool.parameters]
type = "object"
required = ["query"]
additionalProperties = false
[tool.parameters.properties]
limit = { type = "integer", description = "How many" }
query = { type = "string" }
"""
ASKS_A_TOOL: dict[str, Any] = {
    "id": "looks",
    "name": "Looks",
    "nodes": [
        {"id": "first", "kind": "generate", "prompt": "{user_input}"},
        {"id": "look", "kind": "tool", "tool": "find", "arguments": {"querry": "{user_input}"}},
    ],
    "edges": [{"from": "first", "to": "look"}],
}
THROUGH = """
() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const boxes = all('.react-flow__node').map((one) => ({ id: one.dataset.id, at: one.getBoundingClientRect() }));
  const isIn = ({ x, y }, box) => x > box.left && x < box.right && y > box.top && y < box.bottom;
  const isUpon = (a, b) =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const found = new Set();
  for (const path of all('.react-flow__edge-path')) {
    const { id } = path.closest('.react-flow__edge').dataset;
    const others = boxes.filter((box) => !id.split('->').includes(box.id));
    for (let share = 0; share <= 1; share += 0.005) {
      const point = path.getPointAtLength(share * path.getTotalLength()).matrixTransform(path.getScreenCTM());
      for (const box of others) if (isIn(point, box.at)) found.add(`${id} through ${box.id}`);
    }
  }
  const labels = all('.react-flow__edgelabel-renderer > div').map((one) => one.getBoundingClientRect());
  labels.forEach((label, index) => {
    const others = [...boxes.map(({ at }) => at), ...labels.slice(index + 1)];
    if (others.some((other) => isUpon(label, other))) found.add(`label ${index}`);
  });
  return [...found];
}
"""


async def is_saved(page: Page) -> None:
    await expect(page.locator('[data-phase="saved"]')).to_be_visible()


def ways(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(edge["from"], edge["to"]) for edge in document["edges"]}


@pytest.mark.parametrize("flow", ["linear", "iterative", "debate"])
async def test_no_line_leads_through_a_node_and_no_label_covers_one(visit: Any, flow: str) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        page = await here.signed_in(f"/flows/{flow}", width=2560)
        await expect(page.locator(NODE).first).to_be_visible()
        await page.get_by_role("button", name="Show all").click()
        await expect(page.locator(".react-flow__edgelabel-renderer > div").first).to_be_visible()
        assert await page.evaluate(THROUGH) == []


async def test_a_node_is_put_into_an_edge_by_double_click_and_by_key(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        await stored(here, CHAIN | {"nodes": CHAIN["nodes"][:3], "edges": CHAIN["edges"][:2]})
        page = await here.signed_in("/flows/chain")
        one, other = page.locator(f'{NODE}[data-id="step_0"]'), page.locator(f'{NODE}[data-id="step_1"]')
        await expect(other).to_be_visible()
        await fitted(page)
        left, right = await one.bounding_box(), await other.bounding_box()
        assert left is not None
        assert right is not None
        await page.mouse.dblclick((left["x"] + left["width"] + right["x"]) / 2, left["y"] + left["height"] / 2)
        await expect(page.get_by_role("dialog", name="Add a node into the edge")).to_be_visible()
        await page.keyboard.type("Judge")
        await page.keyboard.press("Enter")
        await expect(page.locator(f'{NODE}[data-id="judge"]')).to_be_focused()
        await page.keyboard.press("ArrowRight")
        await expect(other).to_be_focused()
        await page.keyboard.press("e")
        await page.keyboard.type("step_2")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Add a node into the edge")).to_be_visible()
        await page.keyboard.press("a")
        await page.keyboard.type("Vote")
        await page.keyboard.press("Enter")
        await expect(page.locator(f'{NODE}[data-id="vote"]')).to_be_focused()
        await is_saved(page)
        kept = await draft(here, "chain")
        assert ways(kept) == {("step_0", "judge"), ("judge", "step_1"), ("step_1", "vote"), ("vote", "step_2")}
        places = [kept["layout"][name]["x"] for name in ("step_0", "judge", "step_1", "vote", "step_2")]
        assert places == sorted(places)
        assert await page.evaluate(THROUGH) == []
        assert here.complaints == []


async def test_a_double_click_on_nothing_asks_what_shall_stand_there(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        await stored(here, {"id": "empty", "name": "Empty", "nodes": [], "edges": []})
        page = await here.signed_in("/flows/empty")
        await expect(page.get_by_text("Nothing here yet")).to_be_visible()
        await page.locator(".flow-canvas").dblclick(position={"x": 300, "y": 520})
        await expect(page.get_by_role("dialog", name="Add a node").get_by_role("combobox")).to_be_focused()
        await page.keyboard.type("Model")
        await page.keyboard.press("Enter")
        await expect(page.locator(f'{NODE}[data-id="generate"]')).to_be_focused()
        assert here.complaints == []


async def test_a_node_is_found_by_its_name_in_a_flow_that_is_larger_than_the_screen(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Yes."})) as here:
        await stored(here, CHAIN)
        page = await here.signed_in("/flows/chain")
        await expect(page.locator(NODE).first).to_be_visible()
        await page.keyboard.press("g")
        await page.keyboard.type("step_13")
        await page.keyboard.press("Enter")
        found = page.locator(f'{NODE}[data-id="step_13"]')
        await expect(found).to_be_focused()
        await expect(found).to_be_in_viewport()
        await page.get_by_role("button", name="Go to a node").click()
        assert await axe(page) == []
        assert here.complaints == []


async def test_a_tools_arguments_are_offered_and_what_is_wrong_stands_at_each(browser: Browser, tmp_path: Path) -> None:
    async with visiting_lab(browser, tmp_path / "home", rows=TOOL, AGENT_LAB_PLUGINS="false") as here:
        await stored(here, ASKS_A_TOOL)
        page = await here.signed_in("/flows/looks")
        await page.locator(f'{NODE}[data-id="look"]').click()
        query, limit = page.get_by_role("textbox", name="query *"), page.get_by_role("textbox", name="limit")
        settings = page.get_by_role("tabpanel", name="Settings")
        await expect(settings.get_by_text("needs the argument 'query'")).to_be_visible()
        await expect(settings.get_by_text("takes no argument 'querry'")).to_be_visible()
        await expect(settings.get_by_text("Whole number. How many")).to_be_visible()
        assert await axe(page) == []
        await query.fill("cats")
        await limit.fill("5")
        await page.get_by_role("button", name="Remove querry").click()
        await expect(page.get_by_text("No problems")).to_be_visible()
        await is_saved(page)
        (look,) = [one for one in (await draft(here, "looks"))["nodes"] if one["id"] == "look"]
        assert look["arguments"] == {"query": "cats", "limit": 5}
        await limit.fill("")
        await is_saved(page)
        assert here.complaints == []
