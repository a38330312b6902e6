"""The console in a real browser: what a newcomer sees, drafts that stay, estimates, and runs that begin."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, expect

from agent_lab.contracts.ports import ModelCall
from agent_lab.providers.scripted import ScriptedProvider
from support.web import Theme, axe

pytestmark = pytest.mark.browser

ROLES = {"creator": "12 + 30 = 42", "challenger": "It holds.", "refiner": "Answer: 42", "*": "Answer: 42"}
QUESTION = "Ana has 12 apples and buys 30 more. How many has she now?"


async def ask(page: Page, question: str = QUESTION) -> None:
    await page.get_by_role("textbox", name="Question").fill(question)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 375])
async def test_the_console_has_nothing_that_readers_or_the_policy_object_to(
    visit: Any, theme: Theme, width: int
) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in(width=width, theme=theme)
        await expect(page.get_by_role("radio", name="Challenge")).to_be_checked()
        assert await axe(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert (here.complaints, here.foreign) == ([], [])


async def test_a_question_with_ctrl_enter_becomes_a_run(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in()
        await ask(page)
        await expect(page.get_by_text("3 model calls")).to_be_visible()
        await page.get_by_role("textbox", name="Question").press("Control+Enter")
        await page.wait_for_url("**/runs/*")
        run = (await here.door.lab.runs.list(limit=1))[0]
        assert page.url.endswith(f"/runs/{run.run_id}")
        assert (run.prompt, run.flow_id) == (QUESTION, "challenge")


async def test_what_was_typed_survives_a_reload(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in()
        await ask(page)
        await page.get_by_role("radio", name="Adversarial").check(force=True)
        await page.get_by_text("Options").click()
        await page.get_by_label("Temperature").fill("warm")
        await expect(page.get_by_text("Give a number, zero or more")).to_be_visible()
        await expect(page.get_by_role("button", name="Run")).to_be_disabled()
        await page.reload()
        await expect(page.get_by_role("textbox", name="Question")).to_have_value(QUESTION)
        await expect(page.get_by_role("radio", name="Adversarial")).to_be_checked()
        await expect(page.get_by_label("Temperature")).to_have_value("warm")


async def test_options_stay_open_under_the_hand_that_empties_them_and_say_what_they_take(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in()
        await ask(page)
        await page.get_by_text("Options").click()
        seed = page.get_by_label("Seed")
        await seed.fill("7")
        await seed.press("Backspace")
        await page.keyboard.type("1.5")
        await expect(seed).to_have_value("1.5")
        await expect(seed).to_be_focused()
        await expect(page.get_by_text("Give a whole number, zero or more")).to_be_visible()
        await expect(page.get_by_text("Mend the marked number")).to_be_visible()
        await page.get_by_text("Options", exact=True).click()
        await expect(seed).to_be_hidden()


async def test_enter_alone_begins_no_run(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in()
        begun: list[str] = []
        page.on("request", lambda asked: begun.append(asked.url) if asked.method == "POST" else None)
        await ask(page)
        await expect(page.get_by_text("3 model calls")).to_be_visible()
        await page.get_by_role("radio", name="Challenge").press("Enter")
        await page.get_by_text("Options").click()
        await page.get_by_label("Seed").press("Enter")
        await page.get_by_label("Seed").fill("-")
        await expect(page.get_by_text("Mend the marked number")).to_be_visible()
        assert {url.removeprefix(here.url) for url in begun} == {"/api/runs/estimate"}


async def test_what_was_refused_of_a_run_is_not_said_of_one_model(visit: Any) -> None:
    async with visit(ScriptedProvider({"*": "Answer: **42**"})) as here:
        page = await here.signed_in()
        refusal = {"type": "urn:agent-lab:problem:conflict", "detail": "Not today."}
        await page.route(here.url + "/api/runs", lambda route: route.fulfill(status=409, json=refusal))
        await ask(page)
        await page.get_by_role("button", name="Run", exact=True).click()
        problem = page.locator("form").get_by_text("Not today.")
        await expect(problem).to_be_visible()
        await page.get_by_text("One model", exact=True).click()
        await expect(problem).to_be_hidden()
        await page.get_by_role("button", name="Ask").click()
        await expect(page.get_by_role("region", name="Answer").locator("strong")).to_have_text("42")


async def test_one_model_answers_on_the_spot_and_can_be_stopped(visit: Any) -> None:
    gate = asyncio.Event()
    async with visit(ScriptedProvider(ROLES, gate=gate)) as here:
        page = await here.signed_in()
        await ask(page)
        await page.get_by_text("One model", exact=True).click()
        await page.get_by_role("button", name="Ask").click()
        await page.get_by_role("button", name="Stop").click()
        await expect(page.get_by_role("button", name="Ask")).to_be_visible()
        gate.set()
        await page.get_by_role("button", name="Ask").click()
        await expect(page.get_by_role("region", name="Answer")).to_contain_text("Answer: 42")


async def test_one_model_is_asked_on_from_its_answer(visit: Any) -> None:
    def counted(call: ModelCall) -> str:
        return f"Told {len(call.request.context.history)} turns."

    provider = ScriptedProvider(counted)
    async with visit(provider) as here:
        page = await here.signed_in()
        await ask(page)
        await page.get_by_text("One model", exact=True).click()
        await page.get_by_role("button", name="Ask", exact=True).click()
        answer = page.get_by_role("region", name="Answer")
        await expect(answer).to_contain_text("Told 0 turns.")
        await answer.get_by_role("button", name="Ask a follow-up").press("Enter")
        question = page.get_by_role("textbox", name="Question")
        await expect(question).to_be_focused()
        await expect(question).to_have_value("")
        before = page.get_by_role("status").filter(has_text="Follows on from")
        await expect(before).to_contain_text(QUESTION)
        assert await axe(page) == []
        await page.keyboard.type("And if she gives 7 away?")
        await page.keyboard.press("Control+Enter")
        await expect(answer).to_contain_text("Told 2 turns.")
        turns = [(turn.role, turn.content) for turn in provider.calls[-1].request.context.history]
        assert turns == [("user", QUESTION), ("assistant", "Told 0 turns.")]
        await answer.get_by_role("button", name="Ask a follow-up").click()
        await expect(before).to_contain_text("And if she gives 7 away?")
        await page.get_by_role("button", name="Ask it by itself").click()
        await question.fill("Another one")
        await question.press("Control+Enter")
        await expect(answer).to_contain_text("Told 0 turns.")
        assert here.complaints == []


async def test_a_browser_that_is_not_signed_in_is_told_how(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.page()
        await page.goto(here.url + "/")
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        await page.get_by_label("Sign-in link").fill("my password")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_text("That is no sign-in link")).to_be_visible()
        assert await axe(page) == []
        await page.get_by_label("Sign-in link").fill(here.link)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("textbox", name="Question")).to_be_visible()


async def test_the_palette_finds_pages_flows_and_looks_by_keyboard(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in()
        await expect(page.get_by_role("radio", name="Challenge")).to_be_checked()
        await page.keyboard.press("Control+k")
        await expect(page.get_by_role("combobox", name="Commands")).to_be_focused()
        await page.keyboard.type("dark")
        assert await axe(page) == []
        await page.keyboard.press("Enter")
        await expect(page.locator("html.dark")).to_be_attached()
        await page.keyboard.press("Control+k")
        await page.get_by_role("combobox", name="Commands").fill("Español")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Pregunta", exact=True)).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("heading", name="Consola")).to_be_visible()
        assert here.complaints == []


async def test_what_is_chosen_is_told_also_where_the_system_sets_the_colours(visit: Any) -> None:
    async with visit(ScriptedProvider(ROLES)) as here:
        page = await here.signed_in()
        await page.emulate_media(forced_colors="active")
        cards = page.locator("label").filter(has=page.get_by_role("radio"))
        lines = "all => all.map((one) => getComputedStyle(one).outlineStyle === 'solid')"
        chosen = "all => all.map((one) => one.querySelector('input').checked)"
        await expect(page.get_by_role("radio", name="Challenge")).to_be_checked()
        assert await cards.evaluate_all(lines) == await cards.evaluate_all(chosen)
        await page.get_by_role("radio", name="Adversarial").check(force=True)
        assert await cards.evaluate_all(lines) == await cards.evaluate_all(chosen)
        assert True in await cards.evaluate_all(lines)
