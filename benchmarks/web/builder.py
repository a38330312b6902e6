"""A flow of 500 nodes in the builder: the frames while one of them is dragged with a mouse."""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from benchmarks.web.figures import Figure
from benchmarks.web.frames import empty, watched
from support.web import visiting

NODES, COLUMNS, P95_MS, FULL_FRAME_MS = 500, 25, 20, 16.7
NODE = ".react-flow__node"


def flow() -> dict[str, Any]:
    """Chains side by side, each node drawn at its own place."""
    names = [f"n{n}" for n in range(NODES)]
    nodes = [{"id": name, "kind": "generate", "label": f"Node {name}", "prompt": "{user_input}"} for name in names]
    edges = [{"from": names[n - 1], "to": names[n]} for n in range(NODES) if n % COLUMNS]
    layout = {name: {"x": n % COLUMNS * 280.0, "y": n // COLUMNS * 160.0} for n, name in enumerate(names)}
    limits = {"max_steps": NODES}
    return {"id": "wide", "name": "Wide", "nodes": nodes, "edges": edges, "layout": layout, "limits": limits}


async def figures(browser: Browser, *, quick: bool) -> list[Figure]:
    """All nodes in view, then some of them at their full size."""
    seconds = 2.0 if quick else 6.0
    found = await empty(browser)
    with tempfile.TemporaryDirectory() as home:
        async with visiting(browser, Path(home)) as here:
            async with here.door.owner() as client:
                (await client.post("/api/flows", json=flow())).raise_for_status()
            began = time.perf_counter()
            page = await here.signed_in("/flows/wide")
            await page.wait_for_selector(NODE)
            found.append(
                Figure(what=f"{NODES} nodes: until they are drawn", value=time.perf_counter() - began, unit="s")
            )
            await page.wait_for_timeout(500)
            await page.keyboard.press("f")  # a flow of this size opens at its beginning, large enough to be read
            await page.wait_for_timeout(1000)
            found += await _drag(page, f"{NODES} nodes, all in view, drag", seconds)
            await _zoom(page)
            found += await _drag(page, f"{NODES} nodes, some in view, drag", seconds)
    return found


async def _drag(page: Page, what: str, seconds: float) -> list[Figure]:
    node = await _middle(page)
    x, y = node["x"] + node["width"] / 2, node["y"] + node["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + 8, y + 8, steps=4)
    began = time.perf_counter()
    async with watched(page) as frames:
        while (passed := time.perf_counter() - began) < seconds:
            await page.mouse.move(x + 120 * math.sin(passed * 3), y + 80 * math.sin(passed * 4))
            await page.wait_for_timeout(4)
    at = (await page.locator(f"{NODE}[data-id='{node['id']}']").bounding_box()) or node
    moved_px = math.hypot(at["x"] - node["x"], at["y"] - node["y"])
    await page.mouse.up()
    moved = Figure(what=f"{what}: pixels that the node has moved", value=moved_px, at_least=1)
    return [*frames.figures(what, at_most=P95_MS), moved]


async def _middle(page: Page) -> dict[str, Any]:
    """The node, and where it is, that is nearest to the middle of the canvas."""
    found: dict[str, Any] = await page.evaluate(
        """(nodes) => {
          const within = document.querySelector('.react-flow').getBoundingClientRect();
          const [x, y] = [within.x + within.width / 2, within.y + within.height / 2];
          const far = ({x: left, y: top, width, height}) => Math.hypot(left + width / 2 - x, top + height / 2 - y);
          const all = [...document.querySelectorAll(nodes)]
            .map((one) => ({id: one.dataset.id, ...one.getBoundingClientRect().toJSON()}));
          return all.sort((one, other) => far(one) - far(other))[0];
        }""",
        NODE,
    )
    return found


async def _zoom(page: Page) -> None:
    """To about the full size of the nodes, by the wheel."""
    node = await _middle(page)
    await page.mouse.move(node["x"] + node["width"] / 2, node["y"] + node["height"] / 2)
    for _turn in range(40):
        if (await _middle(page))["width"] >= 180:
            break
        await page.mouse.wheel(0, -120)
        await page.wait_for_timeout(60)
    await page.wait_for_timeout(800)
