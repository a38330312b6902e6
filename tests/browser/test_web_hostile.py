"""What a model writes is never more than text in a real browser: no script of it runs, and nothing of it is fetched."""

from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from agent_lab.contracts.ports import ModelCall
from agent_lab.providers.scripted import ScriptedProvider
from support.hostile import ANSWERS, EVERYTHING
from support.hostile_pages import PAGES
from support.watching import begin, ended, publish

pytestmark = pytest.mark.browser

FOREIGN = """() => [...document.querySelectorAll(
    'main :is(img, script, iframe, object, embed, base, meta, link, video, audio, [onerror], [onload])'
)].map((one) => one.outerHTML)"""
LINKS = """() => [...document.querySelectorAll('main [data-text] a, main [role=tabpanel] a')]
    .map((one) => [one.protocol, one.rel, one.target, one.username])"""


AT_ONCE = 6
VOICES = {
    "id": "voices",
    "name": "Voices",
    "nodes": [
        {"id": f"voice_{number}", "kind": "generate", "label": f"Voice {number}", "prompt": "{user_input}"}
        for number in range(AT_ONCE)
    ],
    "edges": [],
    "answer": "voice_0",
    "draft": "voice_1",
}


def speaking(corpus: list[str]) -> ScriptedProvider:
    """Each voice gives its own answer; the question says from which one of the corpus on."""

    def say(call: ModelCall) -> str:
        first, number = int(call.request.prompt.split()[0]), int((call.request.context.role or "_0").split("_")[1])
        return corpus[(first + number) % len(corpus)]

    return ScriptedProvider(say)


def answering(answers: list[str]) -> ScriptedProvider:
    """The n-th answer to the n-th run, whoever is asked in it."""
    return ScriptedProvider(lambda call: answers[int(call.request.context.turns[0].content.split()[0])])


async def tabs(page: Page) -> list[Locator]:
    """Those of an answer, once it is there: the first tab is shown with it."""
    await expect(page.get_by_role("tabpanel")).to_be_visible()
    return await page.get_by_role("tab").all()


async def untouched(page: Page) -> None:
    """Nothing of a model's became part of the page."""
    assert await page.evaluate("() => window.owned") is None
    assert await page.title() != "owned"
    assert await page.evaluate(FOREIGN) == []
    links = await page.evaluate(LINKS)
    for protocol, rel, target, username in links:
        assert protocol in {"https:", "http:", "mailto:"}
        assert (rel, target, username) == ("noopener noreferrer nofollow", "_blank", "")


async def test_no_answer_of_a_model_becomes_part_of_the_page(visit: Any) -> None:
    corpus = {**PAGES, **ANSWERS}
    names = list(corpus)
    async with visit(speaking(list(corpus.values()))) as here:
        await publish(here.door, VOICES)
        page = await here.signed_in()
        for first in range(0, len(names), AT_ONCE):
            shown = names[first : first + AT_ONCE]
            run_id = await begin(here.door, "voices", f"{first} {PAGES['handlers']}")
            await ended(here.door, run_id)
            await page.goto(f"{here.url}/runs/{run_id}")
            await expect(page.locator("[data-card][data-state=done]")).to_have_count(AT_ONCE)
            for tab in await tabs(page):
                await tab.click()
                await untouched(page)
                wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
                assert not wide, (await tab.text_content(), shown)
            assert (shown, here.complaints, here.foreign) == (shown, [], [])
            await expect(page.get_by_text("This part of the page broke")).to_have_count(0)


async def test_verdicts_votes_and_inner_flows_of_a_hostile_model_are_shown_as_text(visit: Any) -> None:
    names = ["deep verdict", "a verdict of huge numbers", "keys that are no names", "issues that are none", "markup"]
    async with visit(answering([ANSWERS[name] for name in names])) as here:
        await publish(here.door, EVERYTHING)
        page = await here.signed_in()
        for number, name in enumerate(names):
            run_id = await begin(here.door, "everything", f"{number} {PAGES['handlers']}")
            await ended(here.door, run_id)
            await page.goto(f"{here.url}/runs/{run_id}")
            await expect(page.locator("[data-card=plan]").first).to_be_visible()
            for tab in await tabs(page):
                await tab.click()
                await untouched(page)
            await expect(page.get_by_text("This part of the page broke")).to_have_count(0)
            assert (name, here.complaints, here.foreign) == (name, [], [])
