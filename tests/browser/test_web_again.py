"""After a run: what each node took, who voted for what, a further question, the same one changed."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from agent_lab.contracts.ports import ModelCall
from agent_lab.providers.scripted import Reply, ScriptedProvider, ScriptedReply
from support.person_flows import ASKING
from support.watching import Stepping, begin, ended, publish
from support.web import DRAWN, axe

pytestmark = pytest.mark.browser

QUESTION = "Ana has 12 apples and buys 30 more. How many has she now?"
DECLINING = {
    "id": "declining",
    "name": "Declining",
    "nodes": [
        {"id": "first", "kind": "generate", "label": "First", "prompt": "{user_input}"},
        {"id": "second", "kind": "generate", "label": "Second", "prompt": "{first_output}"},
    ],
    "edges": [{"from": "first", "to": "second"}],
}
WITHIN = {
    "id": "within",
    "name": "Two flows",
    "nodes": [
        {"id": "one", "kind": "subflow", "label": "One", "flow": "challenge"},
        {"id": "other", "kind": "subflow", "label": "Other", "flow": "challenge"},
        {"id": "count", "kind": "vote", "label": "Count"},
    ],
    "edges": [{"from": "one", "to": "count"}, {"from": "other", "to": "count"}],
}


def said(call: ModelCall) -> Reply:
    """The first question is answered 42, what comes after it by how much was told of it."""
    history = call.request.context.history
    return f"That makes {len(history)} turns.\n\nAnswer: {len(history)}" if history else "12 + 30 = 42\n\nAnswer: 42"


async def ended_run(here: Any, flow: str, **more: Any) -> str:
    run_id = await begin(here.door, flow, QUESTION, **more)
    await ended(here.door, run_id)
    return run_id


def question(page: Page) -> Any:
    return page.get_by_role("textbox", name="Question")


async def test_a_further_question_is_told_what_was_answered(visit: Any) -> None:
    provider = ScriptedProvider(said)
    async with visit(provider) as here:
        run_id = await ended_run(here, "challenge", options={"model": "other", "max_tokens": 77})
        page = await here.signed_in(f"/runs/{run_id}")
        await page.get_by_role("button", name="Ask a follow-up").press("Enter")
        await expect(question(page)).to_be_focused()
        await expect(question(page)).to_have_value("")
        before = page.get_by_role("status").filter(has_text="Follows on from")
        await expect(before).to_contain_text(QUESTION)
        assert await axe(page) == []
        await page.keyboard.type("And if she gives 7 away?")
        await page.reload()
        await expect(before).to_contain_text(QUESTION)
        await expect(question(page)).to_have_value("And if she gives 7 away?")
        await question(page).press("Control+Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("And if she gives 7 away?")
        await expect(page.get_by_role("tabpanel")).to_contain_text("That makes 2 turns.")
        await expect(page.locator("header").filter(has_text="Follows on from")).to_contain_text(QUESTION)
        asked = provider.calls[-1].request
        assert [(one.role, one.content) for one in asked.context.history] == [
            ("user", QUESTION),
            ("assistant", "12 + 30 = 42\n\nAnswer: 42"),
        ]
        assert (provider.calls[-1].model.key, asked.max_tokens) == ("other", 77)
        assert await axe(page) == []
        # The conversation goes on with each run, and is let go with the next question that is asked by itself.
        await page.get_by_role("button", name="Ask a follow-up").click()
        await expect(question(page)).to_be_focused()
        await expect(page.get_by_text("has made room")).to_have_count(0)  # what was sent stands in its run
        await question(page).fill("And then?")
        await question(page).press("Control+Enter")
        await expect(page.get_by_role("tabpanel")).to_contain_text("That makes 4 turns.")
        await page.get_by_role("link", name="Console").first.click()
        await expect(question(page)).to_have_value("And then?")
        await expect(before).to_have_count(0)
        assert (here.complaints, here.foreign) == ([], [])


async def test_a_question_is_changed_and_asked_again_and_nothing_half_written_is_lost(visit: Any) -> None:
    async with visit(ScriptedProvider(said)) as here:
        run_id = await ended_run(here, "consensus", options={"limits": {"max_cost_usd": 0.5}})
        page = await here.signed_in("/")
        await question(page).fill("Half a thought")
        await expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()  # it is kept from now on
        await page.goto(f"{here.url}/runs/{run_id}")
        await page.get_by_role("button", name="Edit and ask again").click()
        await expect(question(page)).to_have_value(QUESTION)
        await expect(page.get_by_role("radio", name="Consensus")).to_be_checked()
        await expect(page.get_by_text("has made room")).to_be_visible()
        assert await axe(page) == []
        await page.get_by_role("button", name="Bring it back").click()
        await expect(question(page)).to_have_value("Half a thought")
        await expect(page.get_by_role("radio", name="Challenge")).to_be_checked()
        await expect(page.get_by_text("has made room")).to_have_count(0)
        assert (here.complaints, here.foreign) == ([], [])


async def test_votes_name_the_voices_and_each_node_what_it_took(visit: Any) -> None:
    async with visit(ScriptedProvider(said)) as here:
        run_id = await ended_run(here, "consensus")
        page = await here.signed_in(f"/runs/{run_id}", width=375, height=812)
        await page.get_by_role("tab", name="Votes").click()
        await expect(page.get_by_role("tabpanel")).to_contain_text("Voices · answer 1, Voices · answer 2")
        await page.get_by_role("tab", name="Without deliberation").click()
        best = page.get_by_role("region", name="The best of the first answers").first
        await expect(best).to_contain_text("Voices · answer 1: 2 other answers come down to the same")
        await page.get_by_role("tab", name="Cost and time").click()
        row = page.get_by_role("table", name="What each node took").get_by_role("row").filter(has_text="Voices")
        await expect(row.get_by_role("cell").nth(1)).to_have_text("voice")
        await expect(row.get_by_role("cell").nth(2)).to_have_text("3")
        await expect(row.get_by_role("cell").last).to_contain_text("100%")
        assert await axe(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert here.complaints == []


async def test_a_flow_within_is_said_to_be_one_voice(visit: Any) -> None:
    async with visit(ScriptedProvider(said)) as here:
        await publish(here.door, WITHIN)
        page = await here.signed_in(f"/runs/{await ended_run(here, 'within')}")
        await page.get_by_role("tab", name="Without deliberation").click()
        vote = page.get_by_role("region", name="A vote of the independent answers").first
        await expect(vote).to_contain_text("One, Other")
        await expect(vote).to_contain_text("counts as one voice")
        await page.get_by_role("tab", name="Cost and time").click()
        await expect(page.get_by_role("row").filter(has_text="one › Creator")).to_contain_text("voice")
        assert here.complaints == []


async def test_the_node_that_declined_is_told_from_those_that_were_never_reached(visit: Any) -> None:
    declined = ScriptedReply("I only do sums.", finish_reason="declined")
    async with visit(ScriptedProvider({"*": declined})) as here:
        await publish(here.door, DECLINING)
        page = await here.signed_in(f"/runs/{await ended_run(here, 'declining')}")
        await expect(page.locator("[data-node=first]")).to_contain_text("Declined")
        await expect(page.locator("[data-node=second]")).to_contain_text("Skipped")
        await expect(page.locator("[data-card=first]")).to_contain_text("Declined")
        await expect(page.get_by_text("Put it in other words")).to_be_visible()
        await expect(page.get_by_role("button", name="Ask a follow-up")).to_have_count(0)
        assert await axe(page) == []
        await page.get_by_role("button", name="Edit and ask again").click()
        await expect(question(page)).to_have_value(QUESTION)
        await expect(page.get_by_role("radio", name="Declining")).to_be_checked()
        assert here.complaints == []


async def test_the_way_to_a_question_that_waits_is_at_the_head_of_the_page(visit: Any) -> None:
    long = "\n\n".join(f"Paragraph {number}" for number in range(60))
    async with visit(ScriptedProvider({"*": long})) as here:
        await publish(here.door, ASKING)
        run_id = await begin(here.door, "asking", QUESTION)
        page = await here.signed_in(f"/runs/{run_id}", width=375, height=812, theme="dark")
        await page.get_by_role("button", name="To the question").press("Enter")
        await expect(page.locator("[data-card=person]")).to_be_focused()
        await expect(page.get_by_role("radio", name="yes")).to_be_in_viewport()
        assert await axe(page) == []
        # The whole picture of the flow is in sight: nothing of it is cut off at the side.
        assert await page.evaluate("""() => {
            const picture = document.querySelector('[aria-label="The flow of this run"]');
            return picture.scrollWidth <= picture.clientWidth;
        }""")
        assert here.complaints == []


async def test_who_reads_further_down_is_told_of_the_answer(visit: Any) -> None:
    long = "\n\n".join(f"Paragraph {number}" for number in range(60))
    steps = Stepping({"creator": long, "challenger": long, "refiner": "Answer: 42"})
    async with visit(steps.provider) as here:
        run_id = await begin(here.door, "challenge", QUESTION)
        page = await here.signed_in(f"/runs/{run_id}")
        for node in ("creator", "challenger"):
            await expect(page.locator(f"[data-node={node}]")).to_have_attribute("data-status", "running")
            await steps.go()
        await expect(page.locator("[data-node=refiner]")).to_have_attribute("data-status", "running")
        for node in ("creator", "challenger"):
            await expect(page.locator(f"[data-card={node}]")).to_contain_text("Paragraph 59")
        await page.locator("[data-card=refiner]").scroll_into_view_if_needed()
        await expect(page.locator("#outcome")).not_to_be_in_viewport()
        told = page.get_by_role("button", name="The answer is there")
        await expect(told).to_have_count(0)
        await steps.go()
        await told.press("Enter")
        await expect(page.locator("#outcome")).to_be_focused()
        await expect(page.get_by_role("tabpanel")).to_be_in_viewport()
        await expect(told).to_have_count(0)
        await page.reload()
        await expect(page.get_by_role("tabpanel")).to_contain_text("Answer: 42")
        await page.locator("[data-card=refiner]").scroll_into_view_if_needed()
        await expect(page.locator("#outcome")).not_to_be_in_viewport()
        assert await axe(page) == []  # long enough for it to have come
        await expect(told).to_have_count(0)
        assert here.complaints == []


async def test_nobody_is_told_of_an_answer_that_was_there_before_however_slowly_it_comes(visit: Any) -> None:
    long = "\n\n".join(f"Paragraph {number}" for number in range(60))
    ends: list[str] = []
    gate = asyncio.Event()

    async def in_two(route: Route) -> None:
        """The line breaks before the run's end, which comes when the test lets it."""
        if ends:
            await gate.wait()
            told = ends[0]
        else:
            answer = await route.fetch()
            *before, end, _ = (await answer.text()).replace("\r\n", "\n").split("\n\n")
            ends.append(re.sub(r'"at":"[^"]+"', '"at":"2026-01-01T00:00:00Z"', end) + "\n\n")  # long ago
            told = "\n\n".join([*before, ""])
        await route.fulfill(content_type="text/event-stream", body=told)

    async with visit(ScriptedProvider({"*": long})) as here:
        run_id = await ended_run(here, "challenge")
        page = await here.signed_in()
        await page.route("**/events*", in_two)
        await page.goto(f"{here.url}/runs/{run_id}")
        await expect(page.locator("[data-card=refiner]")).to_contain_text("Paragraph 59")
        await page.locator("[data-card=refiner]").scroll_into_view_if_needed()
        await expect(page.locator("#outcome")).not_to_be_in_viewport()
        gate.set()
        await expect(page.get_by_role("tabpanel")).to_contain_text("Paragraph 59")
        await page.evaluate(DRAWN)
        await expect(page.get_by_role("button", name="The answer is there")).to_have_count(0)
