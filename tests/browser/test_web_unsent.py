"""What was written and not sent, in a real browser: kept over a reload and a closed dialog, and never sent twice."""

import json
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from agent_lab.contracts.errors import UnusableError
from agent_lab.contracts.run import RunRequest
from agent_lab.providers.scripted import ScriptedProvider
from support.web import Visit

pytestmark = pytest.mark.browser

ROLES = {"creator": "Answer: 32", "challenger": "12 + 30 is 42, not 32.", "refiner": "Answer: 42", "*": "Answer: 42"}
QUESTION = "Ana has 12 apples and buys 30 more. How many has she now?"
ASKING = {
    "id": "approval",
    "name": "Approval",
    "nodes": [
        {"id": "creator", "kind": "generate", "prompt": "{user_input}"},
        {"id": "person", "kind": "human", "label": "Editor", "question": "What shall be said of it?"},
        {"id": "refiner", "kind": "generate", "prompt": "{user_input} {person_output}"},
    ],
    "edges": [{"from": "creator", "to": "person"}, {"from": "person", "to": "refiner"}],
}


FLOW = {
    "id": "mine",
    "name": "Mine",
    "nodes": [{"id": "first", "kind": "generate", "prompt": "{user_input}"}],
    "edges": [],
}


async def nothing_is_unsent(page: Page) -> None:
    """The browser keeps no draft any more; it lets one go once the server has said that it has it."""
    await page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.startsWith('agent-lab.unsent.'))")


async def heard_and_not_told(route: Route) -> None:
    """The server does it, and its answer never comes."""
    await route.fetch()
    await route.abort()


async def runs_of(here: Visit) -> int:
    return len(await here.door.lab.runs.list())


async def test_a_half_written_answer_stays_over_a_reload_until_it_is_sent(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        here.door.lab.flows.folder.mkdir(exist_ok=True)
        (here.door.lab.flows.folder / "approval.json").write_text(json.dumps(ASKING))
        run = await here.door.lab.runs.start(RunRequest(flow="approval", prompt=QUESTION))
        page = await here.signed_in(f"/runs/{run.run_id}")
        form = page.get_by_role("form", name="Editor asks")
        await form.get_by_label("Your answer").fill("Say it in one")
        await page.reload()
        await expect(form.get_by_label("Your answer")).to_have_value("Say it in one")
        await form.get_by_label("Your answer").fill("Say it in one line.")
        await form.get_by_role("button", name="Answer").click()
        await expect(form).to_have_count(0)
        await nothing_is_unsent(page)
        await expect(page.get_by_role("tabpanel")).to_contain_text("Answer: 42")
        assert here.door.provider.calls[-1].request.prompt.endswith("Say it in one line.")
        assert here.complaints == []


async def test_a_fork_that_was_not_run_is_there_again_and_can_be_begun_afresh(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        run = await here.door.lab.runs.start(RunRequest(flow="challenge", prompt=QUESTION))
        await here.door.lab.runs.wait(run.run_id)
        page = await here.signed_in(f"/runs/{run.run_id}")
        dialog = page.get_by_role("dialog", name="Run again with a change")
        question = dialog.get_by_label("Question")
        await page.get_by_role("button", name="Fork").click()
        await question.fill("And how many has Ben?")
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        await page.reload()
        await page.get_by_role("button", name="Fork").click()
        await expect(question).to_have_value("And how many has Ben?")
        await dialog.get_by_role("button", name="Begin afresh").click()
        await expect(question).to_have_value(QUESTION)
        await question.fill("And how many has Eve?")
        await dialog.get_by_role("button", name="Run the fork").click()
        await expect(dialog).to_have_count(0)
        await nothing_is_unsent(page)
        assert here.complaints == []


async def test_what_is_pressed_again_because_no_answer_came_is_done_once(visit: Any) -> None:
    script = ScriptedProvider(ROLES, errors={2: UnusableError("The model lost its voice; name another one.")})
    async with visit(script) as here:
        page = await here.signed_in()
        await page.get_by_label("Question").fill(QUESTION)
        await page.route("**/api/runs", heard_and_not_told)
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_role("main").get_by_role("alert")).to_be_visible()
        await page.unroute("**/api/runs")
        await page.reload()  # what people do when something seems stuck
        await page.get_by_role("button", name="Run", exact=True).click()
        await page.wait_for_url("**/runs/*")
        first = page.url
        assert await runs_of(here) == 1
        await page.route("**/retry", heard_and_not_told)
        await page.get_by_role("button", name="Retry").click()
        await expect(page.get_by_text("The server does not answer").first).to_be_visible()
        await page.unroute("**/retry")
        await page.get_by_role("button", name="Retry").click()
        await page.wait_for_url(lambda url: url != first)
        assert await runs_of(here) == 2
        assert here.foreign == []


async def builder(here: Visit, page: Page) -> None:
    """The flow, open in the builder."""
    await page.goto(f"{here.url}/flows/mine")
    await expect(page.locator(".flow-canvas")).to_be_visible()


async def typed(page: Page, text: str) -> None:
    """That prompt in the only node."""
    await page.locator(".react-flow__node").click()
    await page.get_by_role("textbox", name="Prompt", exact=True).fill(text)


async def test_a_tab_closed_before_a_conflict_is_settled_loses_nothing_to_the_other_one(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        async with here.door.owner() as client:
            (await client.post("/api/flows", json=FLOW)).raise_for_status()
        one = await here.signed_in()
        other = await here.page(context=one.context)
        await builder(here, one)
        await builder(here, other)
        await typed(one, "Of the first tab: {user_input}")
        await expect(one.locator('[data-phase="saved"]')).to_be_visible()
        await typed(other, "Of the other tab: {user_input}")
        await expect(other.get_by_role("alert", name="This flow was changed elsewhere")).to_be_visible()
        await other.wait_for_function("() => localStorage.getItem('agent-lab.builder.mine/left') !== null")
        await other.close(run_before_unload=False)
        await typed(one, "Of the first tab, again: {user_input}")
        await expect(one.locator('[data-phase="saved"]')).to_be_visible()
        await one.reload()
        await one.get_by_role("button", name="Keep them as a copy").click()
        await one.wait_for_url("**/flows/mine_*")
        await one.locator(".react-flow__node").click()
        await expect(one.get_by_role("textbox", name="Prompt", exact=True)).to_have_value(
            "Of the other tab: {user_input}"
        )
        assert [line for line in here.complaints if "412" not in line] == []


async def test_a_save_whose_answer_was_lost_is_no_change_of_somebody_elses(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        async with here.door.owner() as client:
            (await client.post("/api/flows", json=FLOW)).raise_for_status()
        page = await here.signed_in()
        await builder(here, page)
        await page.route("**/api/flows/mine?autosave=true", heard_and_not_told)
        await typed(page, "One: {user_input}")
        await expect(page.locator('[data-phase="offline"]')).to_be_visible()
        await typed(page, "One and two: {user_input}")
        await page.reload()
        await page.unroute("**/api/flows/mine?autosave=true")
        await page.locator(".react-flow__node").click()
        await expect(page.get_by_role("textbox", name="Prompt", exact=True)).to_have_value("One and two: {user_input}")
        await expect(page.locator('[data-phase="saved"]')).to_be_visible()
        await expect(page.get_by_role("main").get_by_role("alert")).to_have_count(0)
