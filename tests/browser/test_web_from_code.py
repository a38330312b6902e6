"""The calls that a flow's page shows for programs: run as they stand there, they are answered."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from agent_lab.providers.scripted import ScriptedProvider
from api.doors import PATIENT_S, TOKEN
from support.web import Visit, axe, stored

pytestmark = pytest.mark.browser

ROLES = {"creator": "12 + 30 = 41", "challenger": "The sum is wrong.", "refiner": "Answer: it is 42"}
MINE: dict[str, Any] = {
    "id": "mine",
    "name": "Mine",
    "inputs": {"audience": {}, "tone": {"default": "calm"}},
    "nodes": [{"id": "author", "kind": "generate", "prompt": "{user_input} For {audience}, {tone}."}],
    "edges": [],
}


async def shown(page: Page, form: str) -> str:
    """The call in that form, as it can be copied."""
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("tab", name=form, exact=True).click()
    panel = dialog.get_by_role("tabpanel", name=form, exact=True)
    return await panel.locator("pre").inner_text()


async def ran(program: str) -> str:
    """What that Python program prints. It finds the token where the dialog says that it belongs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        env={**os.environ, "AGENT_LAB_TOKEN": TOKEN},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def posted(command: str, url: str) -> dict[str, Any]:
    """What the server answers to that curl command."""
    program, address, *words = shlex.split(command.replace("\\\n", " ").replace("$AGENT_LAB_TOKEN", TOKEN))
    assert (program, address, words[0::2]) == ("curl", f"{url}/v1/chat/completions", ["-H", "-H", "-d"])
    headers = dict(word.split(": ", 1) for word in words[1:4:2])
    async with httpx.AsyncClient(timeout=PATIENT_S) as client:
        answer = await client.post(address, headers=headers, content=words[5])
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_what_the_list_shows_for_code_is_answered_as_it_stands(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in("/flows")
        await page.get_by_role("button", name="Actions of Challenge", exact=True).click()
        await page.get_by_role("menuitem", name="Use from code").click()
        await expect(page.get_by_role("dialog", name="challenge from code")).to_be_visible()
        printed = (await ran(await shown(page, "Python"))).splitlines()
        assert printed[0] == ROLES["refiner"]
        (run,) = await here.door.lab.runs.list()
        assert printed[1] == run.run_id
        told = await posted(await shown(page, "curl"), here.url)
        assert told["choices"][0]["message"]["content"] == ROLES["refiner"]
        command = shlex.split(await shown(page, "agent-lab"))
        assert command == ["agent-lab", "run", "challenge", "What is 12 + 30?"]
        assert f'baseURL: "{here.url}/v1"' in await shown(page, "TypeScript")
        assert await axe(page) == []
        assert here.complaints == []


async def test_a_draft_is_called_as_one_and_given_the_inputs_that_it_needs(visit: Any) -> None:
    async with visit(ScriptedProvider({"author": "Done."})) as here:
        page = await opened(here)
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_text("leave out @draft")).to_be_visible()
        assert (await ran(await shown(page, "Python"))).startswith("Done.")
        body = json.loads(shlex.split((await shown(page, "curl")).replace("\\\n", " "))[-1])
        assert body["model"] == "flow/mine@draft"
        assert body["agent_lab"] == {"inputs": {"audience": "…"}}
        (run,) = await here.door.lab.runs.list()
        prompts = [call.request.prompt for call in here.door.provider.calls]
        assert prompts == ["What is 12 + 30? For …, calm."]
        assert run.status == "completed"


async def opened(here: Visit) -> Page:
    """The dialog over the builder, with a flow that nobody has published."""
    await stored(here, MINE)
    page = await here.signed_in("/flows/mine")
    await page.get_by_role("tab", name="Versions").click()
    await page.get_by_role("button", name="Use from code").click()
    return page
