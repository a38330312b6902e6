"""Runs to be watched in a browser: started over the API, each call of their model let go by the test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal

from playwright.async_api import Page

from agent_lab.contracts.ports import ModelCall
from agent_lab.providers.scripted import Reply, ScriptedProvider
from api.doors import Door, until

RECORDER = """
window.seen = {};
const note = () => {
  for (const { dataset } of document.querySelectorAll('[data-node]')) {
    const states = (window.seen[dataset.node] ??= []);
    if (states.at(-1) !== dataset.status) states.push(dataset.status);
  }
};
new MutationObserver(note).observe(document, {
  subtree: true, childList: true, attributes: true, attributeFilter: ['data-status'],
});
"""
"""Notes each state of each node in the picture of a flow, however short it was."""


class Gate(asyncio.Event):
    """Knows how many wait before it."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = 0

    async def wait(self) -> Literal[True]:
        self.waiting += 1
        try:
            return await super().wait()
        finally:
            self.waiting -= 1


class Stepping:
    """A scripted model that says nothing before the test lets it: each new call closes the gate again."""

    def __init__(self, replies: Mapping[str, Reply] | Callable[[ModelCall], Reply], *, delay_s: float = 0.0) -> None:
        self.gate = Gate()
        self._replies = replies
        self._is_open = False
        self.provider = ScriptedProvider(self._say, gate=self.gate, delay_s=delay_s)

    def _say(self, call: ModelCall) -> Reply:
        if not self._is_open:
            self.gate.clear()
        if callable(self._replies):
            return self._replies(call)
        role = call.request.context.role or ""
        return self._replies.get(role) or self._replies["*"]

    async def go(self, calls: int = 1) -> None:
        """Let that many calls go on, once all of them wait: a page shows a node at work before its model is asked."""
        await until(lambda: not self.gate.is_set() and self.gate.waiting >= calls)
        self.gate.set()

    def open(self) -> None:
        """Let these calls and all that follow go on."""
        self._is_open = True
        self.gate.set()


async def begin(door: Door, flow: str, prompt: str, **more: Any) -> str:
    """Start a run; its id."""
    async with door.owner() as client:
        answer = await client.post("/api/runs", json={"flow": flow, "prompt": prompt, **more})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["run_id"])


async def publish(door: Door, flow: Mapping[str, Any]) -> None:
    """Store a flow, so that runs may name it."""
    async with door.owner() as client:
        stored = await client.post("/api/flows", json=dict(flow))
        assert stored.status_code == 201, stored.text
        published = await client.post(f"/api/flows/{flow['id']}/publish", json={"version": 1})
        assert published.status_code == 200, published.text


async def ended(door: Door, run_id: str) -> None:
    """Wait for the end of a run."""
    await asyncio.wait_for(door.lab.runs.wait(run_id), 60)


async def seen(page: Page, node: str) -> list[str]:
    """The states that the picture showed of this node."""
    states: list[str] = await page.evaluate("(node) => window.seen[node]", node)
    return states
